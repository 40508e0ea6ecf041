//! The curves of a labelled folder: what is found, at what price.

use leptos::prelude::*;

use fsr_web::protocol::{Figures, PRO_LIMIT, in_words, polyline, precision_in_words};

/// Side of a curve's drawing.
const SIDE: f64 = 160.0;

/// The images' ROC and precision–recall curves, and the overlap curve of regions where there are masks.
#[component]
pub fn Curves(figures: Figures) -> impl IntoView {
    let percent = |value: Option<f64>| {
        value.map_or_else(
            || "not defined".into(),
            |value| format!("{:.1} %", 100.0 * value),
        )
    };
    let roc = drawn(
        "roc",
        &figures.roc,
        1.0,
        format!(
            "ROC curve of the images, area {}; found defects by false alarms: {}",
            percent(figures.image.auroc),
            in_words(&figures.roc, &[0.0, 0.1, 0.3])
        ),
        "ROC of the images: found defects over false alarms",
    );
    let precision = drawn(
        "precision-recall",
        &figures.precision_recall,
        1.0,
        format!(
            "Precision–recall curve of the images, average precision {}; precision by found defects: {}",
            percent(figures.image.ap),
            precision_in_words(&figures.precision_recall, &[0.5, 0.9, 1.0])
        ),
        "Precision of the images over found defects",
    );
    let overlap = drawn(
        "overlap",
        &figures.overlap,
        PRO_LIMIT,
        format!(
            "Overlap curve of the defects' regions, area {}; overlap by false-positive pixels: {}",
            percent(figures.pixel.and_then(|pixel| pixel.aupro)),
            in_words(&figures.overlap, &[0.01, 0.1, PRO_LIMIT])
        ),
        "PRO: overlap with defects over false-positive pixels, to 30 %",
    );
    view! { {roc} {precision} {overlap} }
}

/// One curve in its box; nothing where it is not defined.
fn drawn(
    hook: &'static str,
    curve: &[(f64, f64)],
    limit: f64,
    label: String,
    caption: &'static str,
) -> impl IntoView + use<> {
    let points = polyline(curve, limit, SIDE);
    // What chance would find; precision has no such line that holds for every folder.
    let chance = (hook == "roc").then(|| {
        view! { <line class="chance" x1="0" y1=SIDE.to_string() x2=SIDE.to_string() y2="0"/> }
    });
    (!points.is_empty()).then(|| {
        view! {
            <figure class="roc">
                <svg viewBox=format!("-2 -2 {} {}", SIDE + 4.0, SIDE + 4.0) role="img" aria-label=label
                    data-testid=format!("curve-{hook}")>
                    {chance}
                    <polyline points=points/>
                </svg>
                <figcaption class="quiet">{caption}</figcaption>
            </figure>
        }
    })
}
