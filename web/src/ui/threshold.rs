//! The threshold on the histogram of scores, to be moved.

use leptos::prelude::*;

use fsr_web::{
    histogram::{Axis, BINS, bars, good_bars},
    list::score,
    verdict::{number, provenance},
};

use crate::{
    language::{say, told, words},
    state::Page,
};

/// Positions of the slider.
const POSITIONS: f32 = 1000.0;

/// Size of the drawing.
const SIZE: (f32, f32) = (360.0, 72.0);

/// Histogram of good images and of the list, with the threshold as a slider.
#[component]
pub fn ThresholdCard(page: Page) -> impl IntoView {
    let scores = Memo::new(move |_| {
        let threshold = page.model_threshold();
        page.rows.with(|rows| {
            rows.iter()
                .filter_map(|row| Some(score(&row.judged()?.scores, threshold.as_ref())))
                .collect::<Vec<f32>>()
        })
    });
    // The axis rests on the calibration's own threshold, so that it does not move under the slider.
    let calibrated = Memo::new(move |_| {
        page.model
            .with(|model| model.as_ref().and_then(|model| model.threshold.clone()))
    });
    let axis = Memo::new(move |_| {
        calibrated.with(|known| {
            known
                .as_ref()
                .map(|known| scores.with(|scores| Axis::new(known, scores)))
        })
    });
    let value = move || page.model_threshold().map(|threshold| threshold.value);
    let position = move || {
        let place = axis
            .get()
            .zip(value())
            .map(|(axis, value)| axis.place(value));
        (place.unwrap_or(0.5) * POSITIONS).round().to_string()
    };
    let moved = move |text: String| {
        if let (Some(axis), Ok(at)) = (axis.get_untracked(), text.parse::<f32>()) {
            page.threshold.set(Some(axis.score(at / POSITIONS)));
        }
    };
    let drawing = move || {
        let axis = axis.get()?;
        let threshold = page.model_threshold()?;
        let (width, height) = SIZE;
        let step = width / BINS as f32;
        let good = good_bars(&axis, &threshold.quantiles);
        let listed = scores.with(|scores| bars(&axis, scores));
        let bar = move |class: &'static str, inset: f32, heights: Vec<f32>| {
            heights
                .into_iter()
                .enumerate()
                .filter(|(_, share)| *share > 0.0)
                .map(|(bin, share)| {
                    let tall = (share * height).max(1.5);
                    view! {
                        <rect class=class x=format!("{:.1}", bin as f32 * step + inset) y=format!("{:.1}", height - tall)
                            width=format!("{:.1}", step - 2.0 * inset) height=format!("{tall:.1}")/>
                    }
                })
                .collect_view()
        };
        let at = format!("{:.1}", axis.place(threshold.value) * width);
        Some(view! {
            {bar("good-bar", 0.5, good)}
            {bar("list-bar", 3.0, listed)}
            <line class="cut" x1=at.clone() x2=at y1="-4" y2=height/>
        })
    };
    let described = move || {
        let threshold = value().map(number).unwrap_or_default();
        let (above, all) = scores.with(|scores| {
            let above = scores
                .iter()
                .filter(|score| value().is_some_and(|value| **score > value));
            (above.count(), scores.len())
        });
        words().threshold.histogram(&threshold, above, all)
    };
    view! {
        <section class="card threshold" aria-labelledby="threshold-title" data-testid="threshold-card"
            data-threshold=move || value().map(|value| value.to_string())>
            <div class="card-head">
                <h2 id="threshold-title">{say(|w| w.threshold.title)}</h2>
                <p class="quiet">{told(move || page.model_threshold().map(|threshold| provenance(words(), &threshold)).unwrap_or_default())}</p>
            </div>
            <div class="histogram">
                <svg viewBox=format!("0 -4 {} {}", SIZE.0, SIZE.1 + 4.0) role="img" preserveAspectRatio="none"
                    aria-label=told(described)>
                    {drawing}
                </svg>
                <input type="range" min="0" max=POSITIONS step="1" aria-label=say(|w| w.threshold.title) data-testid="threshold"
                    aria-valuetext=move || value().map(number)
                    prop:value=position on:input:target=move |event| moved(event.target().value())/>
            </div>
            <div class="row key">
                <span><i class="good-key" aria-hidden="true"></i> {say(|w| w.threshold.good)}</span>
                <span><i class="list-key" aria-hidden="true"></i> {say(|w| w.threshold.listed)}</span>
                <output data-testid="threshold-value">{told(move || value().map(|value| words().verdict.threshold(&number(value))).unwrap_or_default())}</output>
                <Show when=move || page.threshold.get().is_some()>
                    <button type="button" class="link" data-testid="threshold-reset" on:click=move |_| page.threshold.set(None)>
                        {say(|w| w.threshold.reset)}
                    </button>
                </Show>
            </div>
        </section>
    }
}
