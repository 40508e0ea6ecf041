//! Figures for who wants them: time per stage, all scores, and the model.

use std::sync::Arc;

use leptos::prelude::*;

use fsr_web::{
    protocol::{ModelSummary, SelfTest},
    verdict::number,
};

use crate::{
    language::{Text, say, told, words},
    state::{Page, Shown},
    status::bytes,
};

/// Stages before and after the detector.
const OUTSIDE: [&str; 3] = ["generate", "decode", "picture"];

/// Time per stage and the three scores of one image.
#[component]
pub fn Timings(shown: Arc<Shown>) -> impl IntoView {
    // Making or decoding the picture and painting it are not the detector's.
    let total: f64 = shown
        .answer
        .timings
        .iter()
        .filter(|(stage, _)| !OUTSIDE.contains(&stage.as_str()))
        .map(|(_, ms)| ms)
        .sum();
    let widest = shown
        .answer
        .timings
        .iter()
        .map(|(_, ms)| *ms)
        .fold(f64::MIN_POSITIVE, f64::max);
    let (scores, backend) = (shown.answer.scores, shown.answer.backend);
    view! {
        <details class="timings" data-testid="timings">
            <summary>
                {told(move || words().result.detected(&duration(total), backend.label()))}
                <span class="quiet">{say(|w| w.result.all_figures)}</span>
            </summary>
            <table>
                <caption class="visually-hidden">{say(|w| w.result.stages)}</caption>
                <tbody>
                    {shown.answer.timings.iter().map(|(stage, milliseconds)| view! {
                        <tr>
                            <th scope="row">{stage_name(stage)}</th>
                            <td class="bar"><i style=format!("width: {:.1}%", 100.0 * milliseconds / widest)></i></td>
                            <td class="number">{duration(*milliseconds)}</td>
                        </tr>
                    }).collect_view()}
                </tbody>
            </table>
            <table>
                <caption class="visually-hidden">{say(|w| w.result.scores)}</caption>
                <tbody>
                    {[scored(|w| w.result.std, scores.std), scored(|w| w.result.max, scores.max), scored(|w| w.result.top1, scores.top1)]
                        .map(|(name, value)| view! {
                            <tr>
                                <th scope="row">{say(name)}</th>
                                <td></td>
                                <td class="number">{number(value)}</td>
                            </tr>
                        }).collect_view()}
                </tbody>
            </table>
        </details>
    }
}

/// A score with its name.
fn scored(name: Text, value: f32) -> (Text, f32) {
    (name, value)
}

/// A stage's name in the page's language.
fn stage_name(stage: &str) -> impl Fn() -> String + use<> {
    let stage = stage.to_owned();
    told(move || words().result.stage(&stage))
}

/// Milliseconds for people.
fn duration(milliseconds: f64) -> String {
    if milliseconds < 10.0 {
        format!("{milliseconds:.1} ms")
    } else if milliseconds < 1_000.0 {
        format!("{milliseconds:.0} ms")
    } else {
        format!("{:.2} s", milliseconds / 1_000.0)
    }
}

/// The foot of the page: what the model is and where the method comes from.
#[component]
pub fn Details(page: Page) -> impl IntoView {
    view! {
        <footer class="foot">
            {move || page.model.get().map(|model| view! { <ModelCard model/> })}
            <p class="quiet">
                {say(|w| w.frame.method)}
            </p>
        </footer>
    }
}

#[component]
fn ModelCard(model: Arc<ModelSummary>) -> impl IntoView {
    view! {
        <details class="model-card" data-testid="model-card">
            <summary>{say(|w| w.frame.about_model)}</summary>
            <dl>
                {move || rows(&model).into_iter().map(|(term, text)| view! { <div><dt>{term}</dt><dd>{text}</dd></div> }).collect_view()}
            </dl>
        </details>
    }
}

/// What is said of a model: terms and texts.
fn rows(model: &ModelSummary) -> [(&'static str, String); 7] {
    let frame = &words().frame;
    let [files, build, warm, test] = model.load_ms.map(duration);
    let tested = match &model.self_test {
        SelfTest::Passed {
            map_error,
            score_error,
        }
        | SelfTest::Failed {
            map_error,
            score_error,
        } => frame.differences(*map_error, *score_error),
        SelfTest::Absent => words().status.brings_none.into(),
    };
    let trained_on = words().facts.trained_on(&model.trained_on);
    let trained_on = if trained_on.is_empty() {
        frame.not_stated.into()
    } else {
        trained_on
    };
    let facts = &words().facts;
    [
        (frame.name, model.name.clone()),
        (frame.from, facts.origin(model.origin).to_owned()),
        (frame.architecture, facts.architecture(&model.architecture)),
        (frame.trained_on, trained_on),
        (frame.size, bytes(model.bytes)),
        (frame.self_test, tested),
        (frame.made_ready, frame.steps(&files, &build, &warm, &test)),
    ]
}
