//! A detector of the visitor's own in three steps: collect, train, inspect.

use leptos::prelude::*;

use crate::{
    collect::Collect,
    input::{Images, Packages},
    language::{say, told, words},
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
                <h2 id="workshop-title">{say(|w| w.collect.workshop)}</h2>
                <p class="quiet">{say(|w| w.collect.promise)}</p>
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
            <h3><span class="step-number" aria-hidden="true">"3"</span> {say(|w| w.inspect.title)}</h3>
            <p class="quiet">
                {told(move || if page.training.get() == TrainStage::Done || page.saved.with(Option::is_some) {
                    words().inspect.now
                } else {
                    words().inspect.then
                }.to_owned())}
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
            <a class="button primary" href=url download=file.clone() data-testid="save-package">{say(|w| w.inspect.save)}</a>
            <p class="quiet">{told(move || words().inspect.saved(&file, &bytes(size)))}</p>
        </div>
    }
}
