//! Values of the map under the pointer or the arrow keys, and its regions as a list.

use std::sync::Arc;

use leptos::prelude::*;

use fsr_web::{region::Region, verdict::number};

use crate::{
    language::{say, told, words},
    state::Shown,
};

/// A place on the image, 0 to 1 from the left and from the top.
pub type Place = Option<(f32, f32)>;

/// Step of an arrow key, as a share of the side.
const KEY_STEP: f32 = 1.0 / 64.0;

/// Most regions listed.
const MOST_REGIONS: usize = 6;

/// The place that a pointer is over.
///
/// `sheet` holds the image, which may reach beyond what is seen of it.
pub fn pointed(event: &web_sys::MouseEvent, sheet: &web_sys::Element) -> Place {
    let bounds = sheet.get_bounding_client_rect();
    let x = (f64::from(event.client_x()) - bounds.left()) / bounds.width().max(1.0);
    let y = (f64::from(event.client_y()) - bounds.top()) / bounds.height().max(1.0);
    let inside = |v: f64| (0.0..1.0).contains(&v);
    (inside(x) && inside(y)).then_some((x as f32, y as f32))
}

/// The place that an arrow key leads to; `None` for other keys.
pub fn stepped(key: &str, from: Place) -> Place {
    let (x, y) = from.unwrap_or((0.5, 0.5));
    let (x, y) = match key {
        "ArrowLeft" => (x - KEY_STEP, y),
        "ArrowRight" => (x + KEY_STEP, y),
        "ArrowUp" => (x, y - KEY_STEP),
        "ArrowDown" => (x, y + KEY_STEP),
        _ => return None,
    };
    Some((x.clamp(0.0, 0.999), y.clamp(0.0, 0.999)))
}

/// What the map says at a place.
pub fn read_out(shown: &Shown, place: Place) -> String {
    let Some((x, y)) = place else {
        return words().result.read_hint.into();
    };
    let answer = &shown.answer;
    let at = |share: f32, side: u32| ((share * side as f32) as u32).min(side.saturating_sub(1));
    let (column, row) = (at(x, answer.map_width), at(y, answer.map_height));
    let value = shown.map[(row * answer.map_width + column) as usize];
    words()
        .result
        .pixel(at(x, answer.width), at(y, answer.height), &number(value))
}

/// Regions above the contour, the hottest first.
#[component]
pub fn Regions(#[prop(into)] regions: Signal<Arc<Vec<Region>>>) -> impl IntoView {
    view! {
        <Show when=move || regions.with(|regions| !regions.is_empty())>
            <div class="regions">
                <table data-testid="regions">
                    <caption>{told(move || words().result.regions(regions.with(|regions| regions.len())))}</caption>
                    <thead><tr><th scope="col">{say(|w| w.result.place)}</th><th scope="col">{say(|w| w.result.share)}</th><th scope="col">{say(|w| w.result.peak)}</th></tr></thead>
                    <tbody>
                        {move || regions.with(|regions| regions.iter().take(MOST_REGIONS).map(|region| view! {
                            <tr>
                                <th scope="row">{region.place(words())}</th>
                                <td class="number">{words().percent(region.area.into(), 2)}</td>
                                <td class="number">{number(region.peak)}</td>
                            </tr>
                        }).collect_view())}
                    </tbody>
                </table>
            </div>
        </Show>
    }
}
