//! Image, heat, contour and outline on top of each other, to be enlarged, moved and swiped over.

use std::sync::Arc;

use leptos::prelude::*;

use fsr_web::{address::View, gesture::Pointers, zoom::Zoom};

use crate::{
    compare, download,
    language::{told, words},
    paint,
    probe::{Place, pointed, stepped},
    state::{Page, Shown, Subject},
    tile_grid::TileLines,
    touch::Touch,
};

/// The canvases on top of each other, from below.
#[derive(Clone, Copy, Default)]
pub struct LayerRefs {
    image: NodeRef<leptos::html::Canvas>,
    other: NodeRef<leptos::html::Canvas>,
    heat: NodeRef<leptos::html::Canvas>,
    contour: NodeRef<leptos::html::Canvas>,
    truth: NodeRef<leptos::html::Canvas>,
}

impl LayerRefs {
    /// Those to be seen, each with its opacity and the share of it, from the left, that is not.
    pub fn stack(self, page: Page) -> Vec<download::Layer> {
        let (heat, hidden) = match page.view.get_untracked() {
            View::Image => (0.0, 0.0),
            View::Overlay => (f64::from(page.opacity.get_untracked()) / 100.0, 0.0),
            View::Map => (1.0, 0.0),
            View::Swipe => (1.0, f64::from(page.divider.get_untracked()) / 100.0),
        };
        let visible = |shown: bool| if shown { 1.0 } else { 0.0 };
        [
            (self.image, 1.0, 0.0),
            (self.other, visible(untrack(|| compare::is_seen(page))), 0.0),
            (self.heat, heat, hidden),
            (self.contour, visible(page.contour.get_untracked()), 0.0),
            (self.truth, visible(page.outline.get_untracked()), 0.0),
        ]
        .into_iter()
        .filter_map(|(canvas, opacity, hidden)| {
            Some(download::Layer {
                canvas: canvas.get_untracked()?,
                opacity,
                hidden,
            })
        })
        .filter(|layer| layer.opacity > 0.0)
        .collect()
    }
}

/// The layers, and what pointer and keys do on them.
#[component]
pub fn Layers(
    page: Page,
    shown: Arc<Shown>,
    layers: LayerRefs,
    level: Memo<f32>,
    place: RwSignal<Place>,
    zoom: RwSignal<Zoom>,
) -> impl IntoView {
    let LayerRefs {
        image,
        other,
        heat,
        contour,
        truth,
    } = layers;
    let (picture, map, mask, hot) = (shown.clone(), shown.clone(), shown.clone(), shown.clone());
    Effect::new(move |_| {
        if let Some(canvas) = image.get() {
            paint::picture(&canvas, &picture.picture);
        }
    });
    Effect::new(move |_| {
        let (view, palette) = (page.view.get(), page.palette.get());
        if let Some(canvas) = heat.get() {
            paint::heat(&canvas, &map, view, palette);
        }
    });
    Effect::new(move |_| {
        let level = level.get();
        if let Some(canvas) = contour.get() {
            let inside: Vec<u8> = hot
                .map
                .iter()
                .map(|&value| if value >= level { 255 } else { 0 })
                .collect();
            paint::outline(
                &canvas,
                &inside,
                hot.answer.map_width,
                hot.answer.map_height,
                paint::CONTOUR,
            );
        }
    });
    Effect::new(move |_| {
        if let Some(canvas) = truth.get().filter(|_| !mask.mask.is_empty()) {
            paint::outline(
                &canvas,
                &mask.mask,
                mask.picture.width,
                mask.picture.height,
                paint::TRUTH,
            );
        }
    });
    compare::painted(page, other);
    let named = shown.clone();
    let label = told(move || {
        let name = Subject::of(&named.answer).name();
        words().result.map_of(&name, &named.description())
    });
    let ratio = format!(
        "aspect-ratio: {} / {}",
        shown.picture.width, shown.picture.height
    );
    let strength = move || match page.view.get() {
        View::Image => "opacity: 0".to_owned(),
        View::Overlay => format!("opacity: {}", f64::from(page.opacity.get()) / 100.0),
        View::Map => "opacity: 1".to_owned(),
        View::Swipe => format!("clip-path: inset(0 0 0 {}%)", page.divider.get()),
    };
    let sheet = NodeRef::<leptos::html::Div>::new();
    let frame = NodeRef::<leptos::html::Div>::new();
    let touch = Touch { frame, zoom };
    let pointers = StoredValue::new(Pointers::default());
    let moved = move |event: web_sys::PointerEvent| {
        let Some(sheet) = sheet.get_untracked() else {
            return;
        };
        let at = pointed(&event, &sheet);
        place.set(at);
        if touch.moved(pointers, &event) || event.buttons() & 1 == 0 {
            return;
        }
        if page.view.get_untracked() == View::Swipe {
            if let Some((x, _)) = at {
                page.divider.set((100.0 * x).round() as u32);
            }
        } else if let Some(frame) = frame.get_untracked() {
            let bounds = frame.get_bounding_client_rect();
            let share = |pixels: i32, side: f64| (f64::from(pixels) / side.max(1.0)) as f32;
            let (dx, dy) = (
                share(event.movement_x(), bounds.width()),
                share(event.movement_y(), bounds.height()),
            );
            zoom.update(|zoom| *zoom = zoom.dragged(dx, dy));
        }
    };
    view! {
        <div node_ref=frame class="layers" style=ratio tabindex="0" role="img" aria-label=label
            class:enlarged=move || zoom.get().is_enlarged()
            on:pointermove=moved
            on:pointerdown=move |event| touch.down(pointers, &event)
            on:pointerup=move |event| pointers.update_value(|all| all.up(event.pointer_id()))
            on:pointercancel=move |event| pointers.update_value(|all| all.up(event.pointer_id()))
            on:pointerleave=move |event| {
                pointers.update_value(|all| all.up(event.pointer_id()));
                place.set(None);
            }
            // With two fingers it is the image that grows, and not the page.
            on:touchstart=move |event| touch.keep(pointers, &event)
            on:touchmove=move |event| touch.keep(pointers, &event)
            on:wheel=move |event| {
                let at = sheet.get_untracked().and_then(|sheet| pointed(&event, &sheet));
                touch.wheeled(&event, at);
            }
            on:dblclick=move |event| {
                let at = sheet.get_untracked().and_then(|sheet| pointed(&event, &sheet));
                zoom.update(|zoom| *zoom = zoom.doubled(at));
            }
            on:keydown=move |event| {
                let key = event.key();
                if let Some(next) = zoom.get_untracked().keyed(&key, place.get_untracked()) {
                    event.prevent_default();
                    zoom.set(next);
                } else if let Some(next) = stepped(&key, place.get_untracked()) {
                    event.prevent_default();
                    place.set(Some(next));
                    zoom.update(|zoom| *zoom = zoom.showing(next));
                }
            }>
            <div node_ref=sheet class="sheet" data-testid="sheet" style=move || zoom.get().style()>
                <canvas node_ref=image data-testid="image"></canvas>
                <canvas node_ref=other data-testid="other" class:off=move || !compare::is_seen(page)></canvas>
                <canvas node_ref=heat class="heat" data-testid="overlay" style=strength></canvas>
                <canvas node_ref=contour data-testid="contour" class:off=move || !page.contour.get()></canvas>
                <canvas node_ref=truth data-testid="truth" class:off=move || !page.outline.get()></canvas>
                {shown.answer.tiles.clone().map(|grid| {
                    let size = (shown.answer.width, shown.answer.height);
                    view! { <TileLines page grid size zoom/> }
                })}
                {move || (page.view.get() == View::Swipe).then(|| view! {
                    <span class="divider" style=move || format!("left: {}%", page.divider.get())></span>
                })}
                {move || place.get().map(|(x, y)| view! {
                    <span class="cross" style=format!("left: {:.2}%; top: {:.2}%", 100.0 * x, 100.0 * y)></span>
                })}
            </div>
        </div>
    }
}
