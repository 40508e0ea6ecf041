//! The status line: backend and why, model, self-test, progress; and failures with their mend.

use leptos::prelude::*;

use fsr_web::{
    list::{Row, RowState},
    protocol::{Phase, SelfTest},
};

use crate::{
    language::{say, told, words},
    state::{Page, Stage},
};

/// One line that says what is going on; announced politely.
#[component]
pub fn Status(page: Page) -> impl IntoView {
    let open = Memo::new(move |_| {
        let open = |row: &&Row| matches!(row.state, RowState::Waiting | RowState::UnderWay);
        page.rows.with(|rows| rows.iter().filter(open).count())
    });
    let training = Memo::new(move |_| page.training.get().under_way() && !page.paused.get());
    let working = move || open.get() > 0 || training.get();
    let stage_name = move || match page.stage.get() {
        Stage::Starting => "starting",
        Stage::Loading { .. } => "loading",
        Stage::Ready if page.busy.with(Option::is_some) || working() => "busy",
        Stage::Ready => "ready",
        Stage::Empty => "empty",
        Stage::Dead => "dead",
    };
    // Only changes of the phase are announced, not every chunk of a download.
    let sentence = Memo::new(move |_| match page.stage.get() {
        Stage::Starting => words().status.starting.to_owned(),
        Stage::Loading { phase, .. } => format!("{}…", words().status.phase(phase)),
        Stage::Ready => match page.busy.get() {
            Some(subject) => format!("{}…", words().status.inspecting(&subject.name())),
            None if open.get() > 0 => words().status.listing.to_owned(),
            None if training.get() => words().status.training.to_owned(),
            None => words().status.ready.to_owned(),
        },
        Stage::Empty => words().status.empty.to_owned(),
        Stage::Dead => words().status.dead.to_owned(),
    });
    view! {
        <section class="status" aria-label=say(|w| w.status.label)>
            <p class="state" role="status" aria-live="polite" data-testid="status" data-stage=stage_name>
                <span class="lamp" aria-hidden="true"></span>
                {told(move || sentence.get())}
            </p>
            <Progress page/>
            <ul class="facts">
                <li data-testid="backend" data-backend=move || page.backend.with(|b| b.as_ref().map(|(b, _)| b.name()))>
                    {move || page.backend.get().map(|(backend, reason)| view! {
                        <b>{backend.label()}</b> " " <span class="quiet">{words().facts.reason(&reason)}</span>
                    })}
                </li>
                <li data-testid="model">
                    {move || page.model.get().map(|model| view! {
                        <b>{words().status.model(&model.name)}</b> " " <span class="quiet">{words().facts.architecture(&model.architecture)}</span>
                    })}
                </li>
                <li data-testid="self-test" data-outcome=move || page.model.with(|m| m.as_ref().map(|m| outcome(&m.self_test)))>
                    {move || page.model.get().map(|model| self_test(&model.self_test))}
                </li>
            </ul>
        </section>
    }
}

fn outcome(test: &SelfTest) -> &'static str {
    match test {
        SelfTest::Passed { .. } => "passed",
        SelfTest::Failed { .. } => "failed",
        SelfTest::Absent => "absent",
    }
}

fn self_test(test: &SelfTest) -> impl IntoView + use<> {
    let words = &words().status;
    let (mark, text, detail) = match test {
        SelfTest::Passed { map_error, .. } => ("✓", words.passed, words.within(*map_error)),
        SelfTest::Failed { map_error, .. } => ("✗", words.failed, words.off(*map_error)),
        SelfTest::Absent => ("–", words.absent, words.brings_none.to_owned()),
    };
    view! { <b><span aria-hidden="true">{mark}</span> " " {text}</b> " " <span class="quiet">{detail}</span> }
}

#[component]
fn Progress(page: Page) -> impl IntoView {
    let text = move || match page.stage.get() {
        Stage::Loading {
            phase: Phase::Program | Phase::Download,
            done,
            total,
        } => match total {
            Some(total) => words().status.of(&bytes(done), &bytes(total)),
            None => bytes(done),
        },
        _ => String::new(),
    };
    let under_way = move || matches!(page.stage.get(), Stage::Starting | Stage::Loading { .. });
    let fraction = move || match page.stage.get() {
        Stage::Loading {
            phase: Phase::Program | Phase::Download,
            done,
            total: Some(total),
        } if total > 0 => Some(done as f64 / total as f64),
        _ => None,
    };
    view! {
        <div class="progress" class:idle=move || !under_way()>
            {move || under_way().then(|| match fraction() {
                Some(value) => view! {
                    <progress data-testid="progress" aria-label=say(|w| w.status.loading) max="1" value=value></progress>
                }.into_any(),
                None => view! {
                    <progress data-testid="progress" aria-label=say(|w| w.status.loading)></progress>
                }.into_any(),
            })}
            <span class="quiet">{told(text)}</span>
        </div>
    }
}

/// Bytes for people.
pub fn bytes(count: u64) -> String {
    match count {
        0..1_000 => format!("{count} B"),
        1_000..1_000_000 => format!("{:.0} kB", count as f64 / 1e3),
        _ => format!("{:.1} MB", count as f64 / 1e6),
    }
}

/// The last failure: what is wrong and what to do.
#[component]
pub fn Failures(page: Page) -> impl IntoView {
    let slot = NodeRef::<leptos::html::Div>::new();
    // On a phone the message may be far above the tile that caused it.
    Effect::new(move |_| {
        if let (Some(slot), true) = (slot.get(), page.failure.with(Option::is_some)) {
            let bounds = slot.get_bounding_client_rect();
            let height = window()
                .inner_height()
                .ok()
                .and_then(|height| height.as_f64())
                .unwrap_or(0.0);
            if bounds.top() < 0.0 || bounds.top() > height {
                slot.scroll_into_view();
            }
        }
    });
    view! {
        <div role="alert" class="alert-slot" node_ref=slot>
            {move || page.failure.get().map(|failure| words().failures.tell(&failure)).map(|told| view! {
                <div class="alert" data-testid="error">
                    <div>
                        <p class="what">{told.what}</p>
                        <p class="mend">{told.mend}</p>
                    </div>
                    <button type="button" class="plain" aria-label=say(|w| w.frame.dismiss)
                        on:click=move |_| page.failure.set(None)>"✕"</button>
                </div>
            })}
        </div>
    }
}
