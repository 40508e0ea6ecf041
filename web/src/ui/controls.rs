//! What of the result is shown, how strongly, in which colours and how large.

use leptos::prelude::*;

use fsr_web::{address::View, palette::Palette, protocol::TileGrid, zoom::Zoom};

use crate::{
    compare::CompareToggle,
    language::{Text, say, told, words},
    state::Page,
    tile_grid::TileToggle,
};

/// The controls under the image.
#[component]
pub fn Controls(
    page: Page,
    has_mask: bool,
    tiles: Option<TileGrid>,
    zoom: RwSignal<Zoom>,
) -> impl IntoView {
    Effect::new(move |before: Option<()>| {
        let (view, palette, threshold) =
            (page.view.get(), page.palette.get(), page.threshold.get());
        // The first run changes nothing: the address may bring a threshold for a model still on its way.
        if before.is_some() {
            page.set_address(|address| {
                (address.view, address.palette, address.threshold) = (view, palette, threshold);
            });
        }
    });
    let choice = move |view: View, label: Text, hook: &'static str| {
        view! {
            <label>
                <input type="radio" name="view" data-testid=hook prop:checked=move || page.view.get() == view
                    on:change=move |_| page.view.set(view)/>
                <span>{say(label)}</span>
            </label>
        }
    };
    let swiping = move || page.view.get() == View::Swipe;
    view! {
        <div class="controls">
            <fieldset class="segments">
                <legend class="visually-hidden">{say(|w| w.controls.what)}</legend>
                {choice(View::Image, |w| w.controls.image, "view-image")}
                {choice(View::Overlay, |w| w.controls.overlay, "view-overlay")}
                {choice(View::Map, |w| w.controls.map, "view-map")}
                {choice(View::Swipe, |w| w.controls.swipe, "view-swipe")}
            </fieldset>
            <label class="slider">
                <span>{told(move || if swiping() { words().controls.line } else { words().controls.heat }.to_owned())}</span>
                <input type="range" min="0" max="100" step="1" data-testid="opacity"
                    aria-label=told(move || if swiping() { words().controls.line_label } else { words().controls.heat_label }.to_owned())
                    disabled=move || matches!(page.view.get(), View::Image | View::Map)
                    prop:value=move || if swiping() { page.divider.get() } else { page.opacity.get() }.to_string()
                    on:input:target=move |event| {
                        if let Ok(value) = event.target().value().parse() {
                            if swiping() { page.divider.set(value) } else { page.opacity.set(value) }
                        }
                    }/>
                <output>{told(move || {
                    let share = if swiping() { page.divider.get() } else { page.opacity.get() };
                    words().percent(f64::from(share) / 100.0, 0)
                })}</output>
            </label>
            <label class="check">
                <input type="checkbox" data-testid="contour-toggle" prop:checked=move || page.contour.get()
                    on:change:target=move |event| page.contour.set(event.target().checked())/>
                <span>{say(|w| w.controls.contour)}</span>
            </label>
            {has_mask.then(|| view! {
                <label class="check">
                    <input type="checkbox" data-testid="truth-toggle" prop:checked=move || page.outline.get()
                        on:change:target=move |event| page.outline.set(event.target().checked())/>
                    <span>{say(|w| w.controls.outline)}</span>
                </label>
            })}
            <CompareToggle page/>
            {tiles.map(|grid| view! { <TileToggle page grid/> })}
            <label class="slider">
                <span>{say(|w| w.controls.colours)}</span>
                <select data-testid="palette" on:change:target=move |event| {
                    page.palette.set(Palette::from_name(&event.target().value()).unwrap_or_default());
                }>
                    {Palette::ALL.map(|palette| view! {
                        <option value=palette.name() selected=move || page.palette.get() == palette>{palette.name()}</option>
                    })}
                </select>
            </label>
            <div class="zoom" role="group" aria-label=say(|w| w.controls.size)>
                <button type="button" class="secondary" data-testid="zoom-out" aria-label=say(|w| w.controls.smaller)
                    disabled=move || !zoom.get().is_enlarged()
                    on:click=move |_| zoom.update(|zoom| *zoom = zoom.by(1.0 / Zoom::STEP, None))>"−"</button>
                <output data-testid="zoom-value">{told(move || words().percent(zoom.get().scale().into(), 0))}</output>
                <button type="button" class="secondary" data-testid="zoom-in" aria-label=say(|w| w.controls.larger)
                    disabled=move || zoom.get().is_largest()
                    on:click=move |_| zoom.update(|zoom| *zoom = zoom.by(Zoom::STEP, None))>"+"</button>
            </div>
        </div>
    }
}
