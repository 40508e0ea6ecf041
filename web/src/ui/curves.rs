//! The curves of a labelled folder: what is found, at what price.

use leptos::prelude::*;

use fsr_web::protocol::{Figures, PRO_LIMIT, polyline, precision_at, reached_at};

use crate::language::{Text, say, told, words};

/// Side of a curve's drawing.
const SIDE: f64 = 160.0;

/// A share in percent at each place, for the text alternative.
fn at_places(values: impl Iterator<Item = (f64, f64)>) -> String {
    let words = words();
    let each: Vec<String> = values
        .map(|(place, value)| {
            words
                .figures
                .at(&words.percent(value, 0), &words.percent(place, 0))
        })
        .collect();
    words.figures.all(&each)
}

fn share(value: Option<f64>) -> String {
    match value {
        Some(value) => words().percent(value, 1),
        None => words().figures.undefined.to_owned(),
    }
}

/// The images' ROC and precision–recall curves, and the overlap curve of regions where there are masks.
#[component]
pub fn Curves(figures: Figures) -> impl IntoView {
    let figures = StoredValue::new(figures);
    let reached = |curve: &[(f64, f64)], places: &[f64]| {
        at_places(
            places
                .iter()
                .map(|&place| (place, reached_at(curve, place))),
        )
    };
    let roc = drawn(
        "roc",
        figures.with_value(|figures| figures.roc.clone()),
        1.0,
        move || {
            figures.with_value(|figures| {
                let told = reached(&figures.roc, &[0.0, 0.1, 0.3]);
                words().figures.roc_told(&share(figures.image.auroc), &told)
            })
        },
        |w| w.figures.roc,
    );
    let precision = drawn(
        "precision-recall",
        figures.with_value(|figures| figures.precision_recall.clone()),
        1.0,
        move || {
            figures.with_value(|figures| {
                let at = |recall: &f64| (*recall, precision_at(&figures.precision_recall, *recall));
                let told = at_places([0.5, 0.9, 1.0].iter().map(at));
                words()
                    .figures
                    .precision_told(&share(figures.image.ap), &told)
            })
        },
        |w| w.figures.precision,
    );
    let overlap = drawn(
        "overlap",
        figures.with_value(|figures| figures.overlap.clone()),
        PRO_LIMIT,
        move || {
            figures.with_value(|figures| {
                let told = reached(&figures.overlap, &[0.01, 0.1, PRO_LIMIT]);
                let area = figures.pixel.and_then(|pixel| pixel.aupro);
                words().figures.overlap_told(&share(area), &told)
            })
        },
        |w| w.figures.overlap,
    );
    view! { {roc} {precision} {overlap} }
}

/// One curve in its box; nothing where it is not defined.
fn drawn(
    hook: &'static str,
    curve: Vec<(f64, f64)>,
    limit: f64,
    label: impl Fn() -> String + Send + Sync + 'static,
    caption: Text,
) -> impl IntoView {
    let points = polyline(&curve, limit, SIDE);
    // What chance would find; precision has no such line that holds for every folder.
    let chance = (hook == "roc").then(|| {
        view! { <line class="chance" x1="0" y1=SIDE.to_string() x2=SIDE.to_string() y2="0"/> }
    });
    (!points.is_empty()).then(|| {
        view! {
            <figure class="roc">
                <svg viewBox=format!("-2 -2 {} {}", SIDE + 4.0, SIDE + 4.0) role="img" aria-label=told(label)
                    data-testid=format!("curve-{hook}")>
                    {chance}
                    <polyline points=points/>
                </svg>
                <figcaption class="quiet">{say(caption)}</figcaption>
            </figure>
        }
    })
}
