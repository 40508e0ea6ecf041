//! Tiles of large images: their size for a training, how far they are, and their lines over the image.

use leptos::prelude::*;

use fsr_web::{
    protocol::{TILE_SIDES, TileGrid},
    zoom::Zoom,
};

use crate::{
    language::{say, told, words},
    state::Page,
};

/// How far a large image is; empty for one that is judged as a whole.
pub fn progress(page: Page) -> String {
    page.tiles_done
        .get()
        .map_or_else(String::new, |(done, total)| {
            words().status.tiles(done, total)
        })
}

/// Whether a detector is trained on whole images or on tiles.
#[component]
pub fn TileSize(tile: RwSignal<Option<u32>>) -> impl IntoView {
    view! {
        <label title=say(|w| w.train.tiles_about)>
            {say(|w| w.train.look_at)}
            <select data-testid="train-tile" on:change:target=move |event| tile.set(event.target().value().parse().ok())>
                <option value="whole" selected=move || tile.get().is_none()>{say(|w| w.train.whole)}</option>
                {TILE_SIDES.map(|side| view! {
                    <option value=side.to_string() selected=move || tile.get() == Some(side)>
                        {told(move || words().train.tiles_of(side))}
                    </option>
                })}
            </select>
        </label>
    }
}

/// Shows and hides the grid.
#[component]
pub fn TileToggle(page: Page, grid: TileGrid) -> impl IntoView {
    view! {
        <label class="check">
            <input type="checkbox" data-testid="tiles-toggle" prop:checked=move || page.tiles.get()
                on:change:target=move |event| page.tiles.set(event.target().checked())/>
            <span>{told(move || words().controls.tiles(grid.count(), grid.width, grid.height))}</span>
        </label>
    }
}

/// The grid over an image of `size` (width and height), pixels.
#[component]
pub fn TileLines(
    page: Page,
    grid: TileGrid,
    size: (u32, u32),
    zoom: RwSignal<Zoom>,
) -> impl IntoView {
    let path = grid.path();
    // One pixel of the screen however large the image is shown.
    let line = move || format!("--hairline: {:.4}px", 1.0 / zoom.get().scale());
    view! {
        <svg class="tile-grid" data-testid="tile-grid" aria-hidden="true" preserveAspectRatio="none"
            viewBox=format!("0 0 {} {}", size.0, size.1) style=line class:off=move || !page.tiles.get()>
            <path class="under" d=path.clone()/>
            <path d=path/>
        </svg>
    }
}
