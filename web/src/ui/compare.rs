//! Two models on one image: the answer of the one before, left of the swipe view's line.

use leptos::prelude::*;

use fsr_web::{
    address::View,
    list::score,
    verdict::{self, number},
};

use crate::{
    language::{told, words},
    paint,
    state::{Page, Shown},
};

/// Keeps the answer shown so far beside the next one, if another model gave it on the same image.
pub fn keep(page: Page, next: &Shown) {
    let image = |shown: &Shown| {
        let answer = &shown.answer;
        (
            answer.name.clone(),
            answer.sample.clone(),
            (answer.width, answer.height),
        )
    };
    let before = page.shown.get_untracked();
    match before.filter(|before| image(before) == image(next)) {
        None => page.other.set(None),
        Some(before) if before.model != next.model => page.other.set(Some(before)),
        // The same model once more: what it is compared with stays.
        Some(_) => {}
    }
}

/// There is nothing to compare with: the next frame of a camera is another image.
pub fn forget(page: Page) {
    if page.other.with_untracked(Option::is_some) {
        page.other.set(None);
    }
}

/// Whether the other model's map is to be seen.
pub fn is_seen(page: Page) -> bool {
    page.view.get() == View::Swipe && page.compare.get() && page.other.with(Option::is_some)
}

/// Chooses between the image and the other model's map; there only while there is one.
#[component]
pub fn CompareToggle(page: Page) -> impl IntoView {
    let label = |other: &Shown| {
        let (threshold, scores) = (other.answer.threshold.as_ref(), &other.answer.scores);
        let judged = verdict::verdict(scores, threshold);
        let judged = words().verdict.label(judged).to_lowercase();
        let score = number(score(scores, threshold));
        words().controls.left_of(&other.model.1, &score, &judged)
    };
    move || {
        let other = page.other.get();
        let other = other.filter(|_| page.view.get() == View::Swipe);
        other.map(|other| {
            view! {
                <label class="check">
                    <input type="checkbox" data-testid="compare-toggle" prop:checked=move || page.compare.get()
                        on:change:target=move |event| page.compare.set(event.target().checked())/>
                    <span>{told(move || label(&other))}</span>
                </label>
            }
        })
    }
}

/// Paints the other model's map, in its own calibration's colours, whenever it changes.
pub fn painted(page: Page, canvas: NodeRef<leptos::html::Canvas>) {
    Effect::new(move |_| {
        let palette = page.palette.get();
        if let (Some(canvas), Some(other)) = (canvas.get(), page.other.get()) {
            paint::heat(&canvas, &other, View::Swipe, palette);
        }
    });
}
