//! The result: image, heat, verdict, score against the threshold, and what the colours mean.

use std::sync::Arc;

use leptos::prelude::*;

use fsr_web::{
    address::SampleSpec,
    list::score,
    protocol::Agreement,
    region::{contour_level, regions},
    verdict::{self, Verdict, needle, number, provenance, standing},
    zoom::Zoom,
};

use crate::{
    controls::Controls,
    details::Timings,
    download,
    language::{say, told, words},
    layers::{LayerRefs, Layers},
    link, paint,
    probe::{Place, Regions, read_out},
    state::{Page, Shown, Stage, Subject},
    tile_grid,
};

/// Everything about the image that was judged last.
#[component]
pub fn ResultView(page: Page) -> impl IntoView {
    let section = NodeRef::<leptos::html::Section>::new();
    // On a phone the result is below the fold when a tile is tapped: bring it into view.
    Effect::new(move |before: Option<bool>| {
        let busy = page.busy.with(Option::is_some);
        let begun = busy && before == Some(false) && page.shown.with_untracked(Option::is_some);
        if let Some(section) = section.get_untracked().filter(|_| begun) {
            let top = section.get_bounding_client_rect().top();
            let height = window()
                .inner_height()
                .ok()
                .and_then(|height| height.as_f64())
                .unwrap_or(0.0);
            if top < -40.0 || top > height * 0.6 {
                section.scroll_into_view();
            }
        }
        busy
    });
    let state = move || match (
        page.busy.with(Option::is_some),
        page.shown.with(Option::is_some),
    ) {
        (true, _) => "busy",
        (false, true) => "done",
        (false, false) => "empty",
    };
    view! {
        <section node_ref=section class="card result" id="result" tabindex="-1" aria-labelledby="result-title"
            data-testid="result" data-state=state
            data-name=move || page.shown.with(|s| s.as_ref().map(|s| s.answer.name.clone()))
            data-verdict=move || page.shown.get().map(|s| s.verdict(page.threshold_of(&s.answer).as_ref()).name())>
            <div class="card-head">
                <h2 id="result-title">
                    {told(move || page.shown.with(|s| s.as_ref().map_or_else(|| words().result.title.to_owned(), |s| Subject::of(&s.answer).name())))}
                </h2>
                <p class="quiet">{told(move || page.shown.with(|s| s.as_ref().map(|s| {
                    words().result.pixels(s.answer.width, s.answer.height)
                }).unwrap_or_default()))}</p>
            </div>
            {move || page.busy.get().map(|subject| {
                let waiting = move || !matches!(page.stage.get(), Stage::Ready);
                view! {
                    <p class="busy-note">
                        <span class="spinner" aria-hidden="true"></span>
                        {told(move || {
                            let (name, words) = (subject.name(), &words().status);
                            if waiting() { words.waiting(&name) } else { words.inspecting(&name) + &tile_grid::progress(page) }
                        })}
                    </p>
                }
            })}
            {move || match page.shown.get() {
                Some(shown) => view! { <Judged page shown/> }.into_any(),
                None => view! { <Nothing page/> }.into_any(),
            }}
        </section>
    }
}

#[component]
fn Nothing(page: Page) -> impl IntoView {
    view! {
        <div class="nothing" class:waiting=move || page.busy.with(Option::is_some)>
            <div class="grid-art" aria-hidden="true">
                {(0..36).map(|index| view! { <i class:odd=index == 22></i> }).collect_view()}
            </div>
            <p class="nothing-title">
                {told(move || if page.busy.with(Option::is_some) { words().result.moment } else { words().result.none }.to_owned())}
            </p>
            <p class="quiet">{say(|w| w.result.hint)}</p>
        </div>
    }
}

#[component]
fn Judged(page: Page, shown: Arc<Shown>) -> impl IntoView {
    let judged = shown.clone();
    let threshold = Memo::new(move |_| page.threshold_of(&judged.answer));
    let scores = shown.answer.scores;
    let decisive = move || score(&scores, threshold.get().as_ref());
    let verdict = Memo::new(move |_| verdict::verdict(&scores, threshold.get().as_ref()));
    let explained = move || match threshold.get() {
        Some(threshold) => {
            let score = scores.get(threshold.reduction);
            let words = words();
            words
                .verdict
                .explained(&number(score), &standing(words, score, &threshold))
        }
        None => words().result.uncalibrated.to_owned(),
    };
    let sample = shown.answer.sample.clone();
    let truth = move || {
        sample
            .as_ref()
            .and_then(|sample| against_truth(sample, verdict.get()))
    };
    let agreement = shown.answer.agreement;
    let tiles = shown.answer.tiles.clone();
    let has_mask = shown.mask.iter().any(|&value| value > 127);
    // Where heat begins; moved with the threshold.
    let mapped = shown.clone();
    let level = Memo::new(move |_| {
        let (low, high) = mapped.scale();
        match (threshold.get(), &mapped.answer.threshold) {
            (Some(own), Some(known)) => contour_level(low, high, own.value, known.value),
            _ => contour_level(low, high, 1.0, 1.0),
        }
    });
    let mapped = shown.clone();
    let found = Memo::new(move |_| {
        let width = mapped.answer.map_width as usize;
        Arc::new(regions(&mapped.map, width, level.get()))
    });
    let place = RwSignal::new(Place::None);
    let zoom = RwSignal::new(Zoom::default());
    let read = shown.clone();
    let layers = LayerRefs::default();
    let described = shown.clone();
    let name = shown.answer.name.clone();
    let save = move |_| {
        let file = download::file_name(&name, "-map.png");
        download::picture(file, &layers.stack(page));
    };
    view! {
        <div class="judged">
            <div class="stage">
                <Layers page shown=shown.clone() layers level place zoom/>
                <p class="quiet read-out" data-testid="read-out">{told(move || read_out(&read, place.get()))}</p>
                <Controls page has_mask tiles zoom/>
                <button type="button" class="link" data-testid="export-png" on:click=save>{say(|w| w.result.save_png)}</button>
            </div>
            <div class="findings">
                <ModelBefore page shown=shown.clone()/>
                {move || {
                    let verdict = verdict.get();
                    view! {
                        <p class=format!("verdict {}", verdict.name()) data-testid="verdict" data-verdict=verdict.name()>
                            <span class="sign" aria-hidden="true">{match verdict {
                                Verdict::Good => "✓",
                                Verdict::Anomalous => "!",
                                Verdict::Unknown => "?",
                            }}</span>
                            {words().verdict.label(verdict)}
                        </p>
                    }
                }}
                <p class="explained">
                    <span data-testid="score" data-score=move || decisive().to_string()>{told(explained)}</span>
                    " "
                    <span class="quiet">{told(move || threshold.get().map(|threshold| words().verdict.provenance_sentence(&provenance(words(), &threshold))).unwrap_or_default())}</span>
                </p>
                {move || threshold.get().map(|threshold| view! {
                    <Meter score=scores.get(threshold.reduction) threshold=threshold.value/>
                })}
                <p class="where" data-testid="map-description">{told(move || words().sentence(&described.description()))}</p>
                <Regions regions=found/>
                {move || truth().map(|text| view! { <p class="quiet" data-testid="truth-verdict">{text}</p> })}
                {agreement.map(|agreement| view! { <Truth agreement/> })}
                <Legend page shown=shown.clone()/>
                <Timings shown/>
            </div>
        </div>
    }
}

/// Says that another model judged than the one in use, and offers to have the image judged by that one.
#[component]
fn ModelBefore(page: Page, shown: Arc<Shown>) -> impl IntoView {
    move || {
        (shown.model.0 != page.model_serial.get()).then(|| {
            let model = shown.model.1.clone();
            let again = link::once_more(page, &shown).map(|again| {
                view! {
                    <button type="button" class="link" data-testid="judge-again" on:click=move |_| again()>
                        {say(|w| w.result.judge_again)}
                    </button>
                }
            });
            view! {
                <p class="quiet" data-testid="judged-by">{told(move || words().result.judged_by(&model))}" "{again}</p>
            }
        })
    }
}

/// Whether the verdict is right, for a sample whose truth is known.
fn against_truth(sample: &SampleSpec, verdict: Verdict) -> Option<String> {
    let words = words();
    let made = sample
        .defect
        .as_deref()
        .map(|defect| words.samples.defect(defect));
    match (made, verdict) {
        (_, Verdict::Unknown) => None,
        (Some(defect), Verdict::Anomalous) => Some(words.result.drawn_bad_right(&defect)),
        (Some(defect), Verdict::Good) => Some(words.result.drawn_bad_wrong(&defect)),
        (None, Verdict::Good) => Some(words.result.drawn_good_right.into()),
        (None, Verdict::Anomalous) => Some(words.result.drawn_good_wrong.into()),
    }
}

/// The score on a line whose middle is the threshold.
#[component]
fn Meter(score: f32, threshold: f32) -> impl IntoView {
    let at = 100.0 * needle(score, threshold);
    view! {
        <div class="meter" aria-hidden="true">
            <div class="track"><span class="needle" style=format!("left: {at:.1}%")></span></div>
            <div class="marks">
                <span>{say(|w| w.result.good_mark)}</span>
                <span>{told(move || words().verdict.threshold(&number(threshold)))}</span>
                <span>{told(move || if score > 2.0 * threshold { words().result.times(score / threshold) } else { words().result.anomalous_mark.to_owned() })}</span>
            </div>
        </div>
    }
}

/// Agreement of the map with the ground truth of a generated sample.
#[component]
fn Truth(agreement: Agreement) -> impl IntoView {
    let auroc = told(move || {
        agreement
            .pixel_auroc
            .map_or_else(|| "–".into(), |value| words().percent(value, 1))
    });
    view! {
        <dl class="truth" data-testid="agreement">
            <div>
                <dt>{say(|w| w.result.pixel_auroc)}</dt>
                <dd>{auroc}</dd>
            </div>
            <div>
                <dt>{say(|w| w.result.overlap)}</dt>
                <dd>{told(move || words().percent(agreement.iou, 0))}</dd>
            </div>
            <div>
                <dt>{say(|w| w.result.area)}</dt>
                <dd>{told(move || words().percent(agreement.area, 1))}</dd>
            </div>
        </dl>
    }
}

#[component]
fn Legend(page: Page, shown: Arc<Shown>) -> impl IntoView {
    let (low, high) = shown.scale();
    let note = if shown.answer.threshold.is_some() {
        say(|w| w.result.colours_fixed)
    } else {
        say(|w| w.result.colours_stretched)
    };
    view! {
        <div class="legend" data-testid="legend">
            <div class="ramp" style=move || format!("background: {}", paint::gradient(&page.palette.get().ramp().unwrap_or_else(|| page.ramp.get())))></div>
            <div class="marks">
                <span>{number(low)}</span>
                <span>{say(|w| w.result.difference)}</span>
                <span>{number(high)}</span>
            </div>
            <p class="quiet">{note}</p>
        </div>
    }
}
