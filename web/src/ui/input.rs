//! Images and packages from the visitor: dropped, chosen or pasted.

use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{ClipboardEvent, DragEvent, File, FileList, HtmlInputElement};

use fsr_web::{
    folder::{Layout, layout},
    post::js_message,
    protocol::Failure,
    session::Task,
};

use crate::{
    backbone, collect,
    dropped::{Dropped, Found},
    language::say,
    link, list,
    state::Page,
};

/// Takes what is chosen in an input.
fn chosen(page: Page) -> impl Fn(web_sys::Event) + Copy + 'static {
    move |event: web_sys::Event| {
        let files = files_of(&event);
        take(page, files.into_iter().map(Found::chosen).collect());
    }
}

/// What was chosen in the file input that an event is about.
pub fn files_of(event: &web_sys::Event) -> Vec<File> {
    let target = event.target();
    let Some(input) = target.and_then(|target| target.dyn_into::<HtmlInputElement>().ok()) else {
        return Vec::new();
    };
    let files = input
        .files()
        .map(|files| list_of(&files))
        .unwrap_or_default();
    // So that the same file can be chosen again.
    input.set_value("");
    files
}

/// Opens the dialog of a file input.
pub fn click(input: NodeRef<leptos::html::Input>) {
    if let Some(input) = input.get_untracked() {
        input.click();
    }
}

/// An input that takes a folder. Not an attribute of the standard, so not one of the macro's; browsers
/// without it choose files.
pub fn takes_folder(input: NodeRef<leptos::html::Input>) {
    Effect::new(move |_| {
        if let Some(input) = input.get() {
            let _ = input.set_attribute("webkitdirectory", "");
        }
    });
}

/// Drop zone and file dialogs of the images to inspect.
#[component]
pub fn Images(page: Page) -> impl IntoView {
    let over = RwSignal::new(false);
    let images = NodeRef::<leptos::html::Input>::new();
    let folder = NodeRef::<leptos::html::Input>::new();
    takes_folder(folder);
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
        let good = collect::is_here(event.target());
        let Some(transfer) = event.data_transfer() else {
            return;
        };
        let dropped = Dropped::note(&transfer);
        leptos::task::spawn_local(async move {
            match dropped.files().await {
                Ok(files) if good => collect::add(page, flat(files)),
                Ok(files) => take(page, files),
                Err(error) => page.failure.set(Some(Failure::Dropped {
                    why: js_message(&error),
                })),
            }
        });
    });
    view! {
        <div class="drop small" class:over=move || over.get() data-testid="drop-zone">
            <p>{say(|w| w.inspect.drop)}</p>
            <div class="row">
                <button type="button" class="primary" on:click=move |_| click(images)>{say(|w| w.inspect.choose)}</button>
                <button type="button" class="secondary" on:click=move |_| click(folder)>{say(|w| w.inspect.folder)}</button>
            </div>
            <input node_ref=images type="file" multiple class="hidden-input" tabindex="-1" aria-label=say(|w| w.inspect.images)
                accept="image/png,image/jpeg,image/webp,image/bmp,image/tiff,image/gif,.tif,.tiff"
                data-testid="file-input" on:change=chosen(page)/>
            <input node_ref=folder type="file" multiple class="hidden-input" tabindex="-1"
                aria-label=say(|w| w.inspect.images_folder) data-testid="folder-input" on:change=chosen(page)/>
        </div>
    }
}

/// The buttons that open a model package.
#[component]
pub fn Packages(page: Page) -> impl IntoView {
    let packages = NodeRef::<leptos::html::Input>::new();
    let folders = NodeRef::<leptos::html::Input>::new();
    takes_folder(folders);
    view! {
        <div class="package-row">
            <span class="quiet">{say(|w| w.inspect.other_model)}</span>
            <button type="button" class="link" on:click=move |_| click(packages)>{say(|w| w.inspect.open_package)}</button>
            <span class="quiet">{say(|w| w.inspect.or)}</span>
            <button type="button" class="link" on:click=move |_| click(folders)>{say(|w| w.inspect.open_folder)}</button>
            <input node_ref=packages type="file" multiple class="hidden-input" tabindex="-1"
                aria-label=say(|w| w.inspect.package_files) accept=".zip,.json,.safetensors"
                data-testid="package-input" on:change=chosen(page)/>
            <input node_ref=folders type="file" multiple class="hidden-input" tabindex="-1"
                aria-label=say(|w| w.inspect.package_folder) data-testid="package-folder-input" on:change=chosen(page)/>
        </div>
    }
}

/// An image from the clipboard.
pub fn take_pasted(page: Page, event: &ClipboardEvent) {
    let files = event.clipboard_data().and_then(|data| data.files());
    if let Some(files) = files.filter(|files| files.length() > 0) {
        event.prevent_default();
        let focus = document().active_element().map(Into::into);
        if collect::is_here(event.target()) || collect::is_here(focus) {
            collect::add(page, list_of(&files));
        } else {
            take(
                page,
                list_of(&files).into_iter().map(Found::chosen).collect(),
            );
        }
    }
}

/// The files of a file list.
pub fn list_of(files: &FileList) -> Vec<File> {
    (0..files.length())
        .filter_map(|index| files.item(index))
        .collect()
}

fn is_package_file(name: &str) -> bool {
    name.ends_with(".safetensors")
        || name == "config.json"
        || name.ends_with(".index.json")
        || name.to_ascii_lowercase().ends_with(".zip")
}

/// The files that lay in no folder of a dropped folder.
fn flat(files: Vec<Found>) -> Vec<File> {
    let files = files.into_iter().filter(Found::is_flat);
    files.map(|found| found.file).collect()
}

/// Opens a model package, or a backbone when it is a weight file alone.
pub fn open(page: Page, mut files: Vec<(String, JsValue)>) {
    if backbone::is_lone(&files)
        && let Some((name, file)) = files.pop()
    {
        return backbone::check(page, name, file);
    }
    link::ask(page, Task::OpenPackage(files));
}

/// Takes files as what they are: a labelled folder, a model package, images or an image.
fn take(page: Page, files: Vec<Found>) {
    let handle = |file: File| (file.name(), JsValue::from(file));
    let paths: Vec<String> = files.iter().map(|found| found.path.clone()).collect();
    match layout(&paths) {
        Layout::Category(images) => {
            let files: Vec<JsValue> = files.into_iter().map(|found| found.file.into()).collect();
            return list::add_folder(page, images, &files);
        }
        Layout::Several(folders) => {
            return page.failure.set(Some(Failure::SeveralSets { folders }));
        }
        Layout::Plain => {}
    }
    let is_package = |found: &Found| is_package_file(&found.file.name());
    if files.iter().any(is_package) {
        // Model packages are flat: what lies deeper belongs to something else.
        let is_flat = files
            .iter()
            .any(|found| found.is_flat() && is_package(found));
        let files = files
            .into_iter()
            .filter(|found| is_package(found) && (!is_flat || found.is_flat()))
            .map(|found| handle(found.file))
            .collect();
        return open(page, files);
    }
    let files: Vec<File> = files.into_iter().map(|found| found.file).collect();
    if files.len() > 1 {
        list::add(page, files.into_iter().map(handle).collect());
        return;
    }
    let Some(file) = files.into_iter().next() else {
        return;
    };
    page.set_address(|address| address.sample = None);
    let (name, file) = handle(file);
    link::ask(page, Task::InspectFile(name, file));
}
