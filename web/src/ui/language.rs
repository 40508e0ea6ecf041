//! The page's language: which it is, the words in it, and the switch to another.
//!
//! Whatever is drawn with [`say`] or [`words`] follows the switch where it stands: nothing is built anew, so nothing
//! of the visitor's is lost.

use std::sync::Arc;

use js_sys::{Object, Reflect};
use leptos::prelude::*;
use wasm_bindgen::JsValue;

use fsr_web::words::{Language, Words};

use crate::{shelf, state::Page};

/// Where the visitor's choice is kept.
const KEY: &str = "fsr-language";

/// A fixed text of the table.
pub type Text = fn(&'static Words) -> &'static str;

thread_local! {
    static LANGUAGE: ArcRwSignal<Language> = ArcRwSignal::new(Language::default());
}

fn language() -> Language {
    LANGUAGE.with(|language| language.get())
}

fn language_now() -> Language {
    LANGUAGE.with(|language| language.get_untracked())
}

/// The words, in the language of the moment; asked again when that changes.
pub fn words() -> &'static Words {
    language().words()
}

/// The words as they are now, where nothing is drawn.
pub fn words_now() -> &'static Words {
    language_now().words()
}

/// A fixed text that follows the language. All of them are of one type, which keeps the program small.
pub fn say(pick: Text) -> impl Fn() -> &'static str + Copy + Send + Sync + 'static {
    move || pick(words())
}

/// A sentence that follows the language, and whatever else it is made of. These are of one type too.
pub fn told(
    sentence: impl Fn() -> String + Send + Sync + 'static,
) -> impl Fn() -> String + Clone + Send + Sync + 'static {
    let sentence: Arc<dyn Fn() -> String + Send + Sync> = Arc::new(sentence);
    move || sentence()
}

/// Chooses the language: the address's, else the visitor's earlier choice, else the browser's.
pub fn begin(page: Page) {
    let chosen = page
        .address
        .with_untracked(|address| address.language)
        .or_else(kept)
        .or_else(preferred)
        .unwrap_or_default();
    LANGUAGE.with(|language| language.set(chosen));
    // The document itself is in English.
    if chosen != Language::default() {
        name_document(chosen);
    }
    tell_shelf();
    window_event_listener_untyped("fsr-words-wanted", move |_| tell_shelf());
}

/// The visitor's choice.
fn choose(page: Page, chosen: Language) {
    LANGUAGE.with(|language| language.set(chosen));
    name_document(chosen);
    tell_shelf();
    // Private windows of some browsers keep nothing: the choice then lasts as long as the page.
    if let Ok(Some(storage)) = window().local_storage() {
        let _ = storage.set_item(KEY, chosen.name());
    }
    // An address that names a language would bring it back.
    if page
        .address
        .with_untracked(|address| address.language.is_some())
    {
        page.set_address(|address| address.language = Some(chosen));
    }
}

fn kept() -> Option<Language> {
    let storage = window().local_storage().ok().flatten()?;
    Language::of(&storage.get_item(KEY).ok().flatten()?)
}

/// The first of the browser's languages that there is.
fn preferred() -> Option<Language> {
    let tags = window().navigator().languages();
    tags.iter().find_map(|tag| Language::of(&tag.as_string()?))
}

/// The document's own language, title and description.
fn name_document(language: Language) {
    let words = &language.words().frame;
    let document = document();
    document.set_title(words.title);
    let described = document.query_selector("meta[name=description]");
    for (element, name, value) in [
        (document.document_element(), "lang", language.tag()),
        (described.ok().flatten(), "content", words.description),
    ] {
        if let Some(element) = element {
            // Fails for names that are none.
            let _ = element.set_attribute(name, value);
        }
    }
}

/// Hands the shelf its texts.
fn tell_shelf() {
    let texts = Object::new();
    for (name, text) in words_now().shelf.texts() {
        // Fails only on frozen objects, and this is ours.
        let _ = Reflect::set(&texts, &name.into(), &text.into());
    }
    let texts: JsValue = texts.into();
    let tag = language_now().tag();
    shelf::tell("fsr-words", &[("tag", tag.into()), ("texts", texts)]);
}

/// The choice between the languages, each in its own words.
#[component]
pub fn Switch(page: Page) -> impl IntoView {
    let choice = move |choice: Language| {
        view! {
            <label lang=choice.tag()>
                <input type="radio" name="language" value=choice.name()
                    data-testid=format!("language-{}", choice.name())
                    prop:checked=move || language() == choice
                    on:change=move |_| choose(page, choice)/>
                <span>{choice.title()}</span>
            </label>
        }
    };
    view! {
        <fieldset class="segments languages">
            <legend class="visually-hidden">"Language / 语言"</legend>
            {Language::ALL.map(choice)}
        </fieldset>
    }
}
