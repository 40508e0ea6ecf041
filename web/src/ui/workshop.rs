//! A detector of the visitor's own in three steps: collect, train, inspect.

use leptos::prelude::*;

use crate::{
    collect::Collect,
    input::{Images, Packages},
    live::LiveView,
    state::{Page, Saved, TrainStage},
    status::bytes,
    train::Train,
};

/// The three steps side by side.
#[component]
pub fn Workshop(page: Page) -> impl IntoView {
    view! {
        <section class="card workshop" aria-labelledby="workshop-title">
            <div class="card-head">
                <h2 id="workshop-title">"Your own product"</h2>
                <p class="quiet">"A few good photographs, and a detector of your own"</p>
            </div>
            <div class="steps">
                <Collect page/>
                <Train page/>
                <Inspect page/>
            </div>
        </section>
    }
}

/// Step three: the trained detector, saved and put to use.
#[component]
fn Inspect(page: Page) -> impl IntoView {
    view! {
        <div class="step">
            <h3><span class="step-number" aria-hidden="true">"3"</span> "Inspect"</h3>
            <p class="quiet">
                {move || if page.training.get() == TrainStage::Done || page.saved.with(Option::is_some) {
                    "Your detector judges whatever you drop on this page, one image or hundreds."
                } else {
                    "Then drop images anywhere on this page, one or hundreds. Until then the model in use judges them."
                }}
            </p>
            <Images page/>
            <LiveView page/>
            <Packages page/>
            <fsr-kept></fsr-kept>
            {move || page.saved.get().map(|saved| view! { <Save saved/> })}
        </div>
    }
}

/// The package's download.
#[component]
fn Save(saved: Saved) -> impl IntoView {
    let Saved {
        file,
        url,
        bytes: size,
    } = saved;
    view! {
        <div class="saved">
            <a class="button primary" href=url download=file.clone() data-testid="save-package">"Save the detector"</a>
            <p class="quiet">{format!("{file}, {}: opens here again, and with fsr predict, eval and export.", bytes(size))}</p>
        </div>
    }
}
