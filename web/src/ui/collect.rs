//! Step one: good images of the visitor's product.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{File, Url};

use fsr_web::{
    address::{OWN_SEEDS, SampleSpec},
    protocol::{Failure, MOST_IMAGES},
    session::{Good, Task},
};

use crate::{
    burst::Burst,
    gallery::FIRST_PRODUCT,
    input::{click, files_of, takes_folder},
    language::{say, told, words},
    link, paint,
    state::{GoodItem, GoodPicture, Page},
};

/// Samples that stand in for photographs.
const SAMPLES: u64 = 4;

thread_local! {
    static FILES: RefCell<HashMap<u32, JsValue>> = RefCell::default();
    static NEXT: Cell<u32> = const { Cell::new(1) };
}

fn next_id() -> u32 {
    NEXT.replace(NEXT.get() + 1)
}

/// Adds files as good images, as many as there may be.
pub fn add(page: Page, files: Vec<File>) {
    let room = MOST_IMAGES.saturating_sub(page.good.with_untracked(Vec::len));
    let left_out = files.len().saturating_sub(room);
    page.good.update(|good| {
        for file in files.into_iter().take(room) {
            let Ok(url) = Url::create_object_url_with_blob(&file) else {
                continue;
            };
            let (id, name) = (next_id(), file.name());
            FILES.with_borrow_mut(|files| files.insert(id, file.into()));
            good.push(GoodItem {
                id,
                name,
                picture: GoodPicture::Url(url),
            });
        }
    });
    if left_out > 0 {
        page.failure
            .set(Some(Failure::GoodLeftOut { images: left_out }));
    }
}

/// Adds generated good samples of the first product.
fn add_samples(page: Page) {
    let span = OWN_SEEDS.end - OWN_SEEDS.start - SAMPLES;
    let first = OWN_SEEDS.start + (js_sys::Math::random() * span as f64) as u64;
    let room = MOST_IMAGES.saturating_sub(page.good.with_untracked(Vec::len)) as u64;
    for seed in first..first + SAMPLES.min(room) {
        let sample = SampleSpec {
            product: FIRST_PRODUCT.to_owned(),
            defect: None,
            seed,
        };
        link::ask(page, Task::Preview(sample.clone()));
        page.good.update(|good| {
            good.push(GoodItem {
                id: next_id(),
                name: format!("{} {seed}", sample.title()),
                picture: GoodPicture::Sample(sample),
            });
        });
    }
}

fn remove(page: Page, id: u32) {
    page.good.update(|good| {
        good.retain(|item| {
            if item.id == id
                && let GoodPicture::Url(url) = &item.picture
            {
                let _ = Url::revoke_object_url(url);
            }
            item.id != id
        });
    });
    FILES.with_borrow_mut(|files| files.remove(&id));
}

/// The images, to be handed to the worker.
pub fn images(page: Page) -> Vec<Good<JsValue>> {
    page.good.with_untracked(|good| {
        let image = |item: &GoodItem| match &item.picture {
            GoodPicture::Sample(sample) => Some(Good::Sample(sample.clone())),
            GoodPicture::Url(_) => FILES.with_borrow(|files| {
                Some(Good::File(item.name.clone(), files.get(&item.id)?.clone()))
            }),
        };
        good.iter().filter_map(image).collect()
    })
}

/// Whether an event happened in the zone that collects good images.
pub fn is_here(target: Option<web_sys::EventTarget>) -> bool {
    target
        .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
        .and_then(|element| element.closest("[data-zone=collect]").ok().flatten())
        .is_some()
}

/// Drop zone, buttons and small pictures.
#[component]
pub fn Collect(page: Page) -> impl IntoView {
    let files = NodeRef::<leptos::html::Input>::new();
    let folder = NodeRef::<leptos::html::Input>::new();
    takes_folder(folder);
    let chosen = move |event: web_sys::Event| add(page, images_only(files_of(&event)));
    let count = move || page.good.with(Vec::len);
    view! {
        <div class="step" data-zone="collect" data-testid="collect" data-count=count>
            <h3><span class="step-number" aria-hidden="true">"1"</span> {say(|w| w.collect.title)}</h3>
            <p class="quiet">
                {told(|| words().collect.wanted())}
            </p>
            <div class="drop small" tabindex="0" role="group" aria-label=say(|w| w.collect.zone)>
                <p>{say(|w| w.collect.drop)}</p>
                <div class="row">
                    <button type="button" class="primary" on:click=move |_| click(files)>{say(|w| w.collect.choose)}</button>
                    <button type="button" class="secondary" on:click=move |_| click(folder)>{say(|w| w.collect.folder)}</button>
                </div>
                <button type="button" class="link" data-testid="use-samples" on:click=move |_| add_samples(page)>
                    {told(|| words().collect.samples(SAMPLES))}
                </button>
                <input node_ref=files type="file" multiple class="hidden-input" tabindex="-1" aria-label=say(|w| w.collect.images)
                    accept="image/*,.tif,.tiff" data-testid="good-input" on:change=chosen/>
                <input node_ref=folder type="file" multiple class="hidden-input" tabindex="-1"
                    aria-label=say(|w| w.collect.images_folder) data-testid="good-folder-input" on:change=chosen/>
            </div>
            <Burst page/>
            <ul class="good-list" aria-label=say(|w| w.collect.collected)>
                <For each=move || page.good.get() key=|item| item.id let:item>
                    <GoodTile page item/>
                </For>
            </ul>
            <p class="quiet" role="status">
                {told(move || match count() {
                    0 => String::new(),
                    1 => words().collect.one.to_owned(),
                    many => words().collect.many(many),
                })}
            </p>
        </div>
    }
}

/// What is not an image by its type is left out of a folder; without a type the decoder decides.
fn images_only(files: Vec<File>) -> Vec<File> {
    files
        .into_iter()
        .filter(|file| {
            let kind = file.type_();
            kind.is_empty() || kind.starts_with("image/")
        })
        .collect()
}

#[component]
fn GoodTile(page: Page, item: GoodItem) -> impl IntoView {
    let GoodItem { id, name, picture } = item;
    let called = {
        let picture = picture.clone();
        told(move || match &picture {
            GoodPicture::Url(_) => name.clone(),
            GoodPicture::Sample(sample) => {
                format!("{} {}", words().samples.name(sample), sample.seed)
            }
        })
    };
    let (title, labelled) = (called.clone(), called.clone());
    let label = told(move || words().collect.remove(&labelled()));
    let picture = match picture {
        GoodPicture::Url(url) => {
            view! { <img src=url alt="" decoding="async" loading="lazy"/> }.into_any()
        }
        GoodPicture::Sample(sample) => {
            let canvas = NodeRef::<leptos::html::Canvas>::new();
            Effect::new(move |_| {
                let known = page
                    .previews
                    .with(|previews| previews.get(&sample).cloned());
                if let (Some(canvas), Some(picture)) = (canvas.get(), known) {
                    paint::picture(&canvas, &picture);
                }
            });
            view! { <canvas node_ref=canvas width="1" height="1" aria-hidden="true"></canvas> }
                .into_any()
        }
    };
    view! {
        <li class="good-tile" title=title>
            {picture}
            <span class="visually-hidden">{called}</span>
            <button type="button" class="remove" aria-label=label
                prop:disabled=move || page.training.get().under_way()
                on:click=move |_| remove(page, id)>"✕"</button>
        </li>
    }
}
