//! Samples made in the tab: one good and one of each defect, for a product and a seed.

use fsr_web::{
    address::{FIRST_SEED, OWN_SEEDS, SampleSpec},
    protocol::ProductInfo,
    session::Task,
};
use leptos::prelude::*;

use crate::{
    language::{say, told, words},
    link, paint,
    state::Page,
};

/// The product that a visitor meets first…
pub const FIRST_PRODUCT: &str = "hex_nut";

/// …and what is wrong with it.
pub const FIRST_DEFECT: &str = "rust";

/// One good sample and one of each defect.
fn tiles(product: &ProductInfo, seed: u64) -> Vec<SampleSpec> {
    std::iter::once(None)
        .chain(product.defects.iter().cloned().map(Some))
        .map(|defect| SampleSpec {
            product: product.name.clone(),
            defect,
            seed,
        })
        .collect()
}

/// Product chooser, seed, tiles.
#[component]
pub fn Gallery(page: Page) -> impl IntoView {
    let asked = page
        .address
        .with_untracked(|address| address.sample.clone());
    let seed = RwSignal::new(asked.as_ref().map_or(FIRST_SEED, |sample| sample.seed));
    let first = asked.map_or_else(|| FIRST_PRODUCT.to_owned(), |sample| sample.product);
    let chosen = RwSignal::new(first);
    let product = Memo::new(move |_| {
        let chosen = chosen.get();
        page.products.with(|products| {
            let named = products.iter().find(|product| product.name == chosen);
            named.or(products.first()).cloned()
        })
    });
    let specs = Memo::new(move |_| {
        product.with(|product| {
            product
                .as_ref()
                .map(|p| tiles(p, seed.get()))
                .unwrap_or_default()
        })
    });
    Effect::new(move |_| {
        for spec in specs.get() {
            if !page
                .previews
                .with_untracked(|previews| previews.contains_key(&spec))
            {
                link::ask(page, Task::Preview(spec));
            }
        }
    });
    // A fresh sample of what is shown: the same defect, or the first, with another seed.
    let renew = move |_| {
        let Some(product) = product.get_untracked() else {
            return;
        };
        let fresh = OWN_SEEDS.start
            + (js_sys::Math::random() * (OWN_SEEDS.end - OWN_SEEDS.start) as f64) as u64;
        seed.set(fresh);
        let shown = page
            .address
            .with_untracked(|address| address.sample.clone());
        let defect = match shown.filter(|sample| sample.product == product.name) {
            Some(sample) => sample.defect,
            None => product.defects.first().cloned(),
        };
        inspect(
            page,
            SampleSpec {
                product: product.name,
                defect,
                seed: fresh,
            },
        );
    };
    view! {
        <section class="card" aria-labelledby="samples-title">
            <div class="card-head">
                <h2 id="samples-title">{say(|w| w.samples.title)}</h2>
                <p class="quiet">{say(|w| w.samples.about)}</p>
            </div>
            <Show when=move || page.products.with(|products| !products.is_empty())
                fallback=|| view! { <p class="quiet">{say(|w| w.samples.later)}</p> }>
            <fieldset class="chips">
                <legend class="visually-hidden">{say(|w| w.samples.product)}</legend>
                <For each=move || page.products.get() key=|product| product.name.clone() let:choice>
                    <Chip product chosen choice/>
                </For>
            </fieldset>
            <div class="tiles">
                <For each=move || specs.get() key=|spec| spec.clone() let:spec>
                    <Tile page spec/>
                </For>
            </div>
            <div class="seed-row">
                <button type="button" class="secondary" data-testid="new-sample" on:click=renew>{say(|w| w.samples.fresh)}</button>
                <label>
                    {say(|w| w.samples.seed)}
                    <input type="number" min="0" step="1" inputmode="numeric" data-testid="seed-input"
                        prop:value=move || seed.get().to_string()
                        on:change:target=move |event| {
                            if let Ok(value) = event.target().value().trim().parse() {
                                seed.set(value);
                            }
                        }/>
                </label>
            </div>
            <p class="quiet">{say(|w| w.samples.same)}</p>
            </Show>
        </section>
    }
}

fn inspect(page: Page, spec: SampleSpec) {
    page.set_address(|address| address.sample = Some(spec.clone()));
    link::ask(page, Task::InspectSample(spec));
}

/// The sample asked for; without one in the address, the one shown.
fn is_shown(page: Page, spec: &SampleSpec) -> bool {
    match page.address.with(|address| address.sample.clone()) {
        Some(asked) => asked == *spec,
        None => page.shown.with(|shown| {
            shown
                .as_ref()
                .is_some_and(|shown| shown.answer.sample.as_ref() == Some(spec))
        }),
    }
}

#[component]
fn Chip(
    product: Memo<Option<ProductInfo>>,
    chosen: RwSignal<String>,
    choice: ProductInfo,
) -> impl IntoView {
    let (name, value) = (choice.name.clone(), choice.name.clone());
    let called = choice.clone();
    let title = told(move || words().samples.product_title(&called.name, &called.title));
    view! {
        <label class="chip">
            <input type="radio" name="product" value=value data-testid="category"
                prop:checked=move || product.with(|product| product.as_ref().is_some_and(|p| p.name == name))
                on:change=move |_| chosen.set(choice.name.clone())/>
            <span>{title}</span>
        </label>
    }
}

#[component]
fn Tile(page: Page, spec: SampleSpec) -> impl IntoView {
    let canvas = NodeRef::<leptos::html::Canvas>::new();
    let good = spec.defect.is_none();
    let (labelled, titled) = (spec.defect.clone(), spec.clone());
    let label = told(move || match &labelled {
        Some(defect) => words().samples.defect(defect),
        None => words().samples.good.to_owned(),
    });
    let title = told(move || words().samples.inspect(&words().samples.name(&titled)));
    let code = spec.encode();
    let (key, pressed, clicked) = (spec.clone(), spec.clone(), spec);
    let picture = Memo::new(move |_| page.previews.with(|previews| previews.get(&key).cloned()));
    Effect::new(move |_| {
        if let (Some(canvas), Some(picture)) = (canvas.get(), picture.get()) {
            paint::picture(&canvas, &picture);
        }
    });
    view! {
        <button type="button" class="tile" class:blank=move || picture.with(Option::is_none)
            data-testid="sample-tile" data-sample=code
            aria-label=title
            aria-pressed=move || is_shown(page, &pressed).to_string()
            on:click=move |_| inspect(page, clicked.clone())>
            <canvas node_ref=canvas width="1" height="1" aria-hidden="true"></canvas>
            <span class="tag" class:good=good>{label}</span>
        </button>
    }
}
