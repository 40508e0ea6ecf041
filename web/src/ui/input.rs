//! Images and packages from the visitor: dropped, chosen or pasted.

use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{ClipboardEvent, DragEvent, File, FileList, HtmlInputElement};

use fsr_web::{post::js_message, protocol::Failure, session::Task};

use crate::{dropped::Dropped, link, state::Page};

/// Drop zone, file dialog, and the button that opens a package.
#[component]
pub fn Input(page: Page) -> impl IntoView {
    let over = RwSignal::new(false);
    let images = NodeRef::<leptos::html::Input>::new();
    let packages = NodeRef::<leptos::html::Input>::new();
    let folders = NodeRef::<leptos::html::Input>::new();
    Effect::new(move |_| {
        if let Some(input) = folders.get() {
            // Not an attribute of the standard, so not one of the macro's. Browsers without it choose files.
            let _ = input.set_attribute("webkitdirectory", "");
        }
    });
    // The whole window takes drops: what misses the zone would make the browser leave the page.
    window_event_listener(leptos::ev::dragover, move |event| {
        event.prevent_default();
        over.set(true);
    });
    window_event_listener(leptos::ev::dragleave, move |event: DragEvent| {
        if event.related_target().is_none() {
            over.set(false);
        }
    });
    window_event_listener(leptos::ev::drop, move |event: DragEvent| {
        event.prevent_default();
        over.set(false);
        let Some(transfer) = event.data_transfer() else {
            return;
        };
        let dropped = Dropped::note(&transfer);
        leptos::task::spawn_local(async move {
            match dropped.files().await {
                Ok(files) => take(page, files),
                Err(error) => page.failure.set(Some(Failure::new(
                    format!("What was dropped could not be read: {}", js_message(&error)),
                    "Choose the files with the buttons instead.",
                ))),
            }
        });
    });
    let chosen = move |event: web_sys::Event| {
        if let Some(input) = event
            .target()
            .and_then(|target| target.dyn_into::<HtmlInputElement>().ok())
        {
            let files = input.files().map(|files| list(&files)).unwrap_or_default();
            // So that the same file can be chosen again.
            input.set_value("");
            take(page, files);
        }
    };
    let click = |input: NodeRef<leptos::html::Input>| {
        if let Some(input) = input.get_untracked() {
            input.click();
        }
    };
    view! {
        <section class="card" aria-labelledby="own-title">
            <h2 id="own-title">"Your image"</h2>
            <div class="drop" class:over=move || over.get() data-testid="drop-zone">
                <svg viewBox="0 0 48 48" aria-hidden="true">
                    <rect x="6" y="9" width="36" height="30" rx="4"/>
                    <circle cx="17" cy="19" r="3.5"/>
                    <path d="M8 35l11-10 7 6 8-9 7 7"/>
                </svg>
                <p>"Drop an image here, paste one, or"</p>
                <button type="button" class="primary" on:click=move |_| click(images)>"Choose an image"</button>
                <input node_ref=images type="file" class="hidden-input" tabindex="-1" aria-label="Image to inspect"
                    accept="image/png,image/jpeg,image/webp,image/bmp,image/tiff,image/gif,.tif,.tiff"
                    data-testid="file-input" on:change=chosen/>
            </div>
            <div class="package-row">
                <span class="quiet">"Other model:"</span>
                <button type="button" class="link" on:click=move |_| click(packages)>"open package"</button>
                <span class="quiet">"or"</span>
                <button type="button" class="link" on:click=move |_| click(folders)>"folder"</button>
                <input node_ref=packages type="file" multiple class="hidden-input" tabindex="-1"
                    aria-label="Files of a model package" accept=".json,.safetensors"
                    data-testid="package-input" on:change=chosen/>
                <input node_ref=folders type="file" multiple class="hidden-input" tabindex="-1"
                    aria-label="Folder of a model package" data-testid="package-folder-input" on:change=chosen/>
            </div>
        </section>
    }
}

/// An image from the clipboard.
pub fn take_pasted(page: Page, event: &ClipboardEvent) {
    let files = event.clipboard_data().and_then(|data| data.files());
    if let Some(files) = files.filter(|files| files.length() > 0) {
        event.prevent_default();
        take(page, list(&files));
    }
}

fn list(files: &FileList) -> Vec<File> {
    (0..files.length())
        .filter_map(|index| files.item(index))
        .collect()
}

fn is_package_file(name: &str) -> bool {
    name.ends_with(".safetensors") || name == "config.json" || name.ends_with(".index.json")
}

/// Takes files as what they are: a model package, or an image.
fn take(page: Page, files: Vec<File>) {
    let handle = |file: File| (file.name(), JsValue::from(file));
    if files.iter().any(|file| is_package_file(&file.name())) {
        let files = files
            .into_iter()
            .filter(|file| is_package_file(&file.name()))
            .map(handle)
            .collect();
        link::ask(page, Task::OpenPackage(files));
        return;
    }
    let several = files.len() > 1;
    let Some(file) = files.into_iter().next() else {
        return;
    };
    page.set_sample(None);
    let (name, file) = handle(file);
    link::ask(page, Task::InspectFile(name.clone(), file));
    if several {
        page.failure.set(Some(Failure::new(
            format!("Several images came at once; {name} is being inspected."),
            "Give one image at a time.",
        )));
    }
}
