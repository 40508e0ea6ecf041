//! Figures for who wants them: time per stage, all scores, and the model.

use std::sync::Arc;

use leptos::prelude::*;

use fsr_web::{
    protocol::{ModelSummary, SelfTest},
    verdict::number,
};

use crate::{
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
    let scores = shown.answer.scores;
    view! {
        <details class="timings" data-testid="timings">
            <summary>
                {format!("Detected in {} on {}", duration(total), shown.answer.backend.label())}
                <span class="quiet">" · time per stage, all scores"</span>
            </summary>
            <table>
                <caption class="visually-hidden">"Time per stage"</caption>
                <tbody>
                    {shown.answer.timings.iter().map(|(stage, milliseconds)| view! {
                        <tr>
                            <th scope="row">{stage.clone()}</th>
                            <td class="bar"><i style=format!("width: {:.1}%", 100.0 * milliseconds / widest)></i></td>
                            <td class="number">{duration(*milliseconds)}</td>
                        </tr>
                    }).collect_view()}
                </tbody>
            </table>
            <table>
                <caption class="visually-hidden">"Image scores"</caption>
                <tbody>
                    {[("spread (std)", scores.std), ("hottest pixel (max)", scores.max), ("hottest 1 % (top1)", scores.top1)]
                        .map(|(name, value)| view! {
                            <tr>
                                <th scope="row">{name}</th>
                                <td></td>
                                <td class="number">{number(value)}</td>
                            </tr>
                        }).collect_view()}
                </tbody>
            </table>
        </details>
    }
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
                "FSR: feature shuffling and restoration (Luo et al., Knowledge-Based Systems 2025). \
                 A network learns to restore shuffled features of good products; where it cannot, something is different. \
                 Everything is computed in this tab, in Rust on Burn."
            </p>
        </footer>
    }
}

#[component]
fn ModelCard(model: Arc<ModelSummary>) -> impl IntoView {
    let [files, build, warm, test] = model.load_ms;
    let tested = match &model.self_test {
        SelfTest::Passed {
            map_error,
            score_error,
        }
        | SelfTest::Failed {
            map_error,
            score_error,
        } => {
            format!(
                "largest map difference {map_error:.1e} of the maximum, score {score_error:.1e}"
            )
        }
        SelfTest::Absent => "the package brings none".into(),
    };
    let rows = [
        ("Name", model.name.clone()),
        ("From", model.origin.clone()),
        ("Architecture", model.architecture.clone()),
        (
            "Trained on",
            if model.trained_on.is_empty() {
                "not stated".into()
            } else {
                model.trained_on.clone()
            },
        ),
        ("Size", bytes(model.bytes)),
        ("Self-test", tested),
        (
            "Made ready in",
            format!(
                "{} files, {} build, {} warm-up, {} self-test",
                duration(files),
                duration(build),
                duration(warm),
                duration(test)
            ),
        ),
    ];
    view! {
        <details class="model-card" data-testid="model-card">
            <summary>"About this model"</summary>
            <dl>
                {rows.into_iter().map(|(term, text)| view! { <div><dt>{term}</dt><dd>{text}</dd></div> }).collect_view()}
            </dl>
        </details>
    }
}
