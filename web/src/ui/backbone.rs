//! In step two: which backbone is trained on, and one of the visitor's own in its place.

use std::cell::RefCell;

use leptos::prelude::*;
use wasm_bindgen::JsValue;

use fsr_web::{protocol::BackboneSummary, session::Task, verdict::number};

use crate::{
    input::{click, files_of},
    language::{say, told, words},
    link,
    state::{Backbone, Page},
    status::bytes,
};

fn facts(own: &BackboneSummary) -> String {
    let millions = number(own.parameters as f32 / 1e6);
    let size = bytes(own.bytes);
    words()
        .backbone
        .facts(&own.architecture, &millions, &own.name, &size)
}

thread_local! {
    static FILE: RefCell<Option<JsValue>> = const { RefCell::new(None) };
}

/// Whether these files are one weight file without a configuration: a backbone, or a part of a package.
pub fn is_lone(files: &[(String, JsValue)]) -> bool {
    matches!(files, [(name, _)] if name.ends_with(".safetensors"))
}

/// Has a weight file looked through, to be trained on when it holds a backbone.
pub fn check(page: Page, name: String, file: JsValue) {
    page.failure.set(None);
    // One that is in use stays so until this one has proved good.
    if !matches!(page.backbone.get_untracked(), Backbone::Own(_)) {
        page.backbone.set(Backbone::Checking(name.clone()));
    }
    link::ask(page, Task::CheckBackbone(name, file));
}

/// The file holds one.
pub fn found(page: Page, backbone: BackboneSummary, file: JsValue) {
    FILE.set(Some(file));
    page.backbone.set(Backbone::Own(backbone));
}

/// The file cannot be used; the page says why.
pub fn refused(page: Page) {
    if matches!(page.backbone.get_untracked(), Backbone::Checking(_)) {
        page.backbone.set(Backbone::OfTheModel);
    }
}

/// The file to train on, with its name; `None` for the backbone of the model in use.
pub fn chosen(page: Page) -> Option<(String, JsValue)> {
    let Backbone::Own(own) = page.backbone.get_untracked() else {
        return None;
    };
    Some((own.name, FILE.with_borrow(Clone::clone)?))
}

/// Whether there is something to train on.
pub fn is_there(page: Page) -> bool {
    match page.backbone.get() {
        Backbone::Own(_) => true,
        Backbone::OfTheModel => page.model.with(Option::is_some),
        Backbone::Checking(_) => false,
    }
}

/// Which backbone is in use, and the way to another.
#[component]
pub fn BackboneLine(page: Page) -> impl IntoView {
    let input = NodeRef::<leptos::html::Input>::new();
    let choose = NodeRef::<leptos::html::Button>::new();
    let under_way = move || page.training.get().under_way();
    let state = move || match page.backbone.get() {
        Backbone::OfTheModel => "built-in",
        Backbone::Checking(_) => "checking",
        Backbone::Own(_) => "own",
    };
    let text = move || match page.backbone.get() {
        Backbone::OfTheModel => page.model.with(|model| match model {
            Some(model) => words().backbone.of_the_model(&model.name),
            None => words().backbone.none.to_owned(),
        }),
        Backbone::Checking(name) => words().backbone.checking(&name),
        Backbone::Own(own) => facts(&own),
    };
    let hash = move || match page.backbone.get() {
        Backbone::Own(own) => format!("sha-256 {}", own.sha256),
        _ => String::new(),
    };
    let taken = move |event: web_sys::Event| {
        if let Some(file) = files_of(&event).into_iter().next() {
            check(page, file.name(), file.into());
        }
    };
    let back = move |_| {
        FILE.set(None);
        page.backbone.set(Backbone::OfTheModel);
        // The button under the focus goes away.
        if let Some(choose) = choose.get_untracked() {
            let _ = choose.focus();
        }
    };
    view! {
        <div class="backbone" data-testid="backbone" data-state=state
            data-architecture=move || match page.backbone.get() {
                Backbone::Own(own) => Some(own.architecture),
                _ => None,
            }>
            <p class="quiet" role="status" title=hash>{say(|w| w.backbone.label)} <span data-testid="backbone-line">{told(text)}</span></p>
            <Show when=move || !under_way()>
                <div class="row">
                    <button node_ref=choose type="button" class="link" data-testid="backbone-choose"
                        on:click=move |_| click(input)>{say(|w| w.backbone.choose)}</button>
                    <Show when=move || matches!(page.backbone.get(), Backbone::Own(_))>
                        <button type="button" class="link" data-testid="backbone-back" on:click=back>{say(|w| w.backbone.back)}</button>
                    </Show>
                </div>
            </Show>
            <input node_ref=input type="file" class="hidden-input" tabindex="-1" aria-label=say(|w| w.backbone.choose_label)
                accept=".safetensors" data-testid="backbone-input" on:change=taken/>
        </div>
    }
}
