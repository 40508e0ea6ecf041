//! The page as a whole, and what happens when it opens.

use leptos::{ev, prelude::*};
use wasm_bindgen::JsValue;

use fsr_web::{
    address::{Address, FIRST_SEED, SampleSpec},
    session::Task,
};

use crate::{
    camera,
    details::Details,
    gallery::{FIRST_DEFECT, FIRST_PRODUCT, Gallery},
    input::take_pasted,
    language::{self, Switch, say},
    link,
    result::ResultView,
    shelf,
    state::Page,
    status::{Failures, Status},
    table::ListView,
    workshop::Workshop,
};

/// The whole page.
#[component]
pub fn App() -> impl IntoView {
    let query = window().location().search().unwrap_or_default();
    let page = Page::new(Address::parse(&query));
    language::begin(page);
    link::open(page);
    shelf::listen(page);
    camera::watch(page);
    first_requests(page);
    window_event_listener(ev::paste, move |event| take_pasted(page, &event));
    view! {
        <a class="skip" href="#result">{say(|w| w.frame.skip)}</a>
        <header class="mast">
            <div class="brand">
                <Mark/>
                <div>
                    <h1>"FSR " <span>{say(|w| w.frame.brand)}</span></h1>
                    <p class="lede">{say(|w| w.frame.lede)}</p>
                </div>
            </div>
            <div class="assurances">
                <p class="private"><Lock/> {say(|w| w.frame.private)}</p>
                <fsr-offline></fsr-offline>
                <Switch page/>
            </div>
        </header>
        <Status page/>
        <main>
        <Failures page/>
        <Workshop page/>
        <div class="desk">
            <ResultView page/>
            <div class="column-samples">
                <Gallery page/>
            </div>
            <div class="column-list">
                <ListView page/>
            </div>
        </div>
        <fsr-shelf></fsr-shelf>
        </main>
        <Details page/>
    }
}

/// The model first; then the sample of the address or, unless told not to, a first one.
fn first_requests(page: Page) {
    let (model, demo) = page
        .address
        .with_untracked(|address| (address.model.clone(), address.demo));
    let base = document().base_uri().ok().flatten().unwrap_or_default();
    let url = web_sys::Url::new_with_base(&format!("models/{model}/"), &base).map(|url| url.href());
    let task: Task<JsValue> =
        Task::FetchPackage(url.unwrap_or_else(|_| format!("models/{model}/")));
    link::ask(page, task);
    // What samples there are is known when the worker is; it may start more than once.
    let asked = StoredValue::new(false);
    Effect::new(move |_| {
        let known = page.products.with(|products| !products.is_empty());
        if !known || asked.get_value() {
            return;
        }
        asked.set_value(true);
        let given = page
            .address
            .with_untracked(|address| address.sample.clone());
        let untouched =
            page.busy.with_untracked(Option::is_none) && page.shown.with_untracked(Option::is_none);
        let sample = given.or_else(|| {
            demo.then(|| SampleSpec {
                product: FIRST_PRODUCT.to_owned(),
                defect: Some(FIRST_DEFECT.to_owned()),
                seed: FIRST_SEED,
            })
        });
        if let Some(sample) = sample.filter(|_| untouched) {
            link::ask(page, Task::InspectSample(sample));
        }
    });
}

/// The project's mark: tokens of a grid, one out of place.
#[component]
fn Mark() -> impl IntoView {
    view! {
        <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
            <rect x="3" y="3" width="11" height="11" rx="2.5"/>
            <rect x="18" y="3" width="11" height="11" rx="2.5"/>
            <rect x="3" y="18" width="11" height="11" rx="2.5"/>
            <rect class="odd" x="18.5" y="18.5" width="10" height="10" rx="2.5" transform="rotate(14 23.5 23.5)"/>
        </svg>
    }
}

#[component]
fn Lock() -> impl IntoView {
    view! {
        <svg class="icon" viewBox="0 0 20 20" aria-hidden="true">
            <path d="M6 9V6.5a4 4 0 0 1 8 0V9" fill="none" stroke="currentColor" stroke-width="1.8"/>
            <rect x="4" y="9" width="12" height="8.5" rx="2" fill="currentColor"/>
        </svg>
    }
}
