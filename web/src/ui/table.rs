//! The list of images as a table: sortable, each row opens its image; saved as CSV or JSON.

use leptos::prelude::*;

use fsr_web::{
    list::{Column, Count, Row, RowState, score, sorted, to_csv, to_json},
    protocol::Threshold,
    verdict::{number, share_below, verdict},
};

use crate::{
    download,
    figures::FiguresCard,
    language::{Text, say, told, words},
    list, paint,
    state::{Measured, Page},
    threshold::ThresholdCard,
};

/// Rows drawn at first, and more with each press of the button.
const PORTION: usize = 100;

/// Rows drawn in one frame of the screen: more would keep the page from hearing the visitor.
const AT_ONCE: usize = 20;

/// Threshold, table and files; nothing while there is no image in the list.
#[component]
pub fn ListView(page: Page) -> impl IntoView {
    let shown = move || page.rows.with(|rows| !rows.is_empty());
    let calibrated = move || page.model_threshold().is_some();
    let useful = move || shown() || page.saved.with(Option::is_some);
    view! {
        <Show when=move || useful() && calibrated()>
            <ThresholdCard page/>
        </Show>
        <Show when=shown>
            <Table page/>
        </Show>
        <FiguresCard page/>
    }
}

#[component]
fn Table(page: Page) -> impl IntoView {
    let column = RwSignal::new(Column::Order);
    let descending = RwSignal::new(false);
    let most = RwSignal::new(PORTION);
    let drawn = RwSignal::new(AT_ONCE);
    let count = Memo::new(move |_| {
        let threshold = page.model_threshold();
        let model = page.model_serial.get();
        page.rows
            .with(|rows| Count::of(rows, threshold.as_ref(), model))
    });
    Effect::new(move |_| {
        if drawn.get() < most.get().min(count.with(|count| count.total)) {
            request_animation_frame(move || drawn.update(|drawn| *drawn += AT_ONCE));
        }
    });
    let visible = move || {
        let threshold = page.model_threshold();
        page.rows.with(|rows| {
            let order = sorted(rows, column.get(), descending.get(), threshold.as_ref());
            order
                .into_iter()
                .take(most.get().min(drawn.get()))
                .map(|index| rows[index].clone())
                .collect::<Vec<Row>>()
        })
    };
    let sort = move |by: Column| {
        // Other rows come to the top.
        drawn.set(AT_ONCE);
        if column.get_untracked() == by {
            descending.update(|value| *value = !*value);
        } else {
            column.set(by);
            // The worst first, names from A.
            descending.set(matches!(by, Column::Score | Column::Time));
        }
    };
    let head = move |by: Column, label: Text, hook: &'static str| {
        let state = move || match (column.get() == by, descending.get()) {
            (false, _) => "none",
            (true, true) => "descending",
            (true, false) => "ascending",
        };
        view! {
            <th scope="col" aria-sort=state>
                <button type="button" class="sort" data-testid=hook on:click=move |_| sort(by)>
                    {say(label)} " " <span aria-hidden="true">{move || match state() { "ascending" => "▲", "descending" => "▼", _ => "" }}</span>
                </button>
            </th>
        }
    };
    let csv = move |_| {
        let threshold = untrack(|| page.model_threshold());
        let text = page
            .rows
            .with_untracked(|rows| to_csv(rows, threshold.as_ref()));
        download::text("fsr-results.csv", "text/csv", &text);
    };
    let json = move |_| {
        let threshold = untrack(|| page.model_threshold());
        let model = page.model.with_untracked(|model| {
            model
                .as_ref()
                .map(|model| model.name.clone())
                .unwrap_or_default()
        });
        let figures = page.measured.with_untracked(|measured| match measured {
            Measured::Done(figures) => Some(figures.clone()),
            _ => None,
        });
        let text = page
            .rows
            .with_untracked(|rows| to_json(rows, &model, threshold.as_ref(), figures.as_deref()));
        download::text("fsr-results.json", "application/json", &text);
    };
    let unfinished = move || count.get().open() > 0;
    let outdated = move || count.get().outdated > 0;
    let cut_off = move || count.get().total > most.get();
    let announced = Memo::new(move |_| {
        let count = count.get();
        // Every tenth of a long list, not each image.
        let step = (count.total / 10).max(1);
        let rounded = if count.open() == 0 {
            count.judged + count.failed
        } else {
            (count.judged + count.failed) / step * step
        };
        words().list.heard(rounded, count.total)
    });
    view! {
        <section class="card list" aria-labelledby="list-title" data-testid="list"
            data-total=move || count.get().total data-judged=move || count.get().judged
            data-failed=move || count.get().failed data-open=move || count.get().open()>
            <div class="card-head">
                <h2 id="list-title">{say(|w| w.list.title)}</h2>
                <p class="quiet" data-testid="list-line">{told(move || line(&count.get()))}</p>
                <p class="visually-hidden" role="status">{told(move || announced.get())}</p>
            </div>
            <Show when=unfinished>
                <progress aria-label=say(|w| w.list.inspected) max=move || count.get().total
                    value=move || count.get().judged + count.get().failed></progress>
            </Show>
            <div class="row">
                <button type="button" class="secondary" data-testid="export-csv" on:click=csv>{say(|w| w.list.save_csv)}</button>
                <button type="button" class="secondary" data-testid="export-json" on:click=json>{say(|w| w.list.save_json)}</button>
                <Show when=outdated>
                    <button type="button" class="secondary" data-testid="list-again" on:click=move |_| list::again(page)>
                        {say(|w| w.list.again)}
                    </button>
                </Show>
                <Show when=unfinished>
                    <button type="button" class="link" data-testid="list-stop" on:click=move |_| list::stop(page)>{say(|w| w.list.stop)}</button>
                </Show>
                <button type="button" class="link" data-testid="list-clear" on:click=move |_| list::clear(page)>{say(|w| w.list.clear)}</button>
            </div>
            <div class="table-frame" tabindex="0" role="region" aria-label=say(|w| w.list.table)>
            <table class="images">
                <caption class="visually-hidden">{say(|w| w.list.caption)}</caption>
                <thead>
                    <tr>
                        {head(Column::Order, |_| "#", "sort-order")}
                        {head(Column::Name, |w| w.list.image, "sort-name")}
                        {head(Column::Score, |w| w.list.score, "sort-score")}
                        <th scope="col">{say(|w| w.list.verdict)}</th>
                        <th scope="col" title=say(|w| w.list.above_good_title)>{say(|w| w.list.above_good)}</th>
                        {head(Column::Time, |w| w.list.time, "sort-time")}
                    </tr>
                </thead>
                <tbody>
                    <For each=visible key=|row| (row.id, row.revision) let:row>
                        <Line page row/>
                    </For>
                </tbody>
            </table>
            </div>
            <Show when=cut_off>
                <button type="button" class="link" data-testid="list-more"
                    on:click=move |_| most.update(|most| *most += PORTION)>
                    {told(move || words().list.more(PORTION, count.get().total))}
                </button>
            </Show>
        </section>
    }
}

fn line(count: &Count) -> String {
    let (words, done) = (&words().list, count.judged + count.failed);
    let mut text = if count.open() > 0 {
        words.some(done, count.total)
    } else {
        words.all(done)
    };
    text += &words.anomalous(count.anomalous);
    if count.failed > 0 {
        text += &words.failed(count.failed);
    }
    if count.outdated > 0 {
        text += &words.outdated(count.outdated);
    }
    text
}

#[component]
fn Line(page: Page, row: Row) -> impl IntoView {
    let canvas = NodeRef::<leptos::html::Canvas>::new();
    let (id, name) = (row.id, row.name.clone());
    Effect::new(move |_| {
        if let (Some(canvas), Some(picture)) = (canvas.get(), list::picture(id)) {
            paint::picture(&canvas, &picture);
        }
    });
    let (labelled, hook) = (name.clone(), name.clone());
    let label = told(move || words().list.show(&labelled));
    let judged = row.judged().cloned();
    let time = judged
        .as_ref()
        .map(|judged| format!("{:.0} ms", judged.milliseconds))
        .unwrap_or_default();
    let cells = {
        let state = row.state.clone();
        move || {
            let threshold = page.model_threshold();
            cells(&state, threshold.as_ref())
        }
    };
    view! {
        <tr class:open=move || page.opened.get() == Some(id) data-testid="list-row" data-name=hook>
            <td class="number">{id}</td>
            <th scope="row">
                <button type="button" class="open-row" aria-label=label
                    aria-pressed=move || (page.opened.get() == Some(id)).to_string()
                    on:click=move |_| list::open(page, id)>
                    <canvas node_ref=canvas width="1" height="1" aria-hidden="true"></canvas>
                    <span>{name}</span>
                </button>
            </th>
            {cells}
            <td class="number">{time}</td>
        </tr>
    }
}

/// Score, verdict, and place among good images.
fn cells(state: &RowState, threshold: Option<&Threshold>) -> AnyView {
    match state {
        RowState::Waiting => {
            view! { <td></td><td class="quiet">{words().list.waits}</td><td></td> }.into_any()
        }
        RowState::UnderWay => {
            view! { <td></td><td class="quiet">{words().list.at_work}</td><td></td> }.into_any()
        }
        RowState::Failed(reason) => {
            let reason = words().failures.tell(reason).what;
            view! { <td class="failed" colspan="3">{reason}</td> }.into_any()
        }
        RowState::Judged(judged) => {
            let value = score(&judged.scores, threshold);
            let verdict = verdict(&judged.scores, threshold);
            let share = threshold
                .and_then(|threshold| share_below(value, &threshold.quantiles))
                .map(|share| words().percent(share.into(), 0))
                .unwrap_or_default();
            view! {
                <td class="number">{number(value)}</td>
                <td><span class=format!("pill {}", verdict.name())>{words().verdict.label(verdict)}</span></td>
                <td class="number">{share}</td>
            }
            .into_any()
        }
    }
}
