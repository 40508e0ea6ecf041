//! Wheel and fingers on the image.
//!
//! The wheel alone scrolls the page, wherever the pointer is: an image that took it would be a trap on the way down. With
//! Ctrl, or the command key, it enlarges the image under the pointer; browsers report a pinch on a touchpad the same way.
//! One finger scrolls the page until the image is enlarged and then moves the image; two fingers enlarge.

use leptos::{html::Div, prelude::*};

use fsr_web::{
    gesture::{Pointers, wheel_pixels},
    zoom::Zoom,
};

/// The frame and what is changed by it.
#[derive(Clone, Copy)]
pub struct Touch {
    /// Where the image is seen.
    pub frame: NodeRef<Div>,
    /// Its enlargement.
    pub zoom: RwSignal<Zoom>,
}

impl Touch {
    /// Width and height of the frame, and the event's place in it, in pixels.
    fn place(self, event: &web_sys::MouseEvent) -> Option<((f32, f32), (f32, f32))> {
        let bounds = self.frame.get_untracked()?.get_bounding_client_rect();
        let at = (
            f64::from(event.client_x()) - bounds.left(),
            f64::from(event.client_y()) - bounds.top(),
        );
        let frame = (bounds.width() as f32, bounds.height() as f32);
        Some((frame, (at.0 as f32, at.1 as f32)))
    }

    /// A pointer touches.
    pub fn down(self, pointers: StoredValue<Pointers>, event: &web_sys::PointerEvent) {
        if let Some((_, at)) = self.place(event) {
            pointers.update_value(|all| all.down(event.pointer_id(), at));
        }
    }

    /// A pointer moved: whether it is one of several, which belong to this alone.
    pub fn moved(self, pointers: StoredValue<Pointers>, event: &web_sys::PointerEvent) -> bool {
        let Some((frame, at)) = self.place(event) else {
            return false;
        };
        let mut pair = None;
        let mut several = false;
        pointers.update_value(|all| {
            pair = all.moved(event.pointer_id(), at);
            several = all.count() > 1;
        });
        if let Some([before, after]) = pair {
            self.zoom
                .update(|zoom| *zoom = zoom.pinched(before, after, frame));
        }
        several
    }

    /// Keeps the browser from enlarging or scrolling the page under two fingers.
    pub fn keep(self, pointers: StoredValue<Pointers>, event: &web_sys::Event) {
        if pointers.with_value(Pointers::count) > 1 && event.cancelable() {
            event.prevent_default();
        }
    }

    /// The wheel turned; `place` is what of the sheet is under the pointer.
    pub fn wheeled(self, event: &web_sys::WheelEvent, place: Option<(f32, f32)>) {
        if !(event.ctrl_key() || event.meta_key()) {
            return;
        }
        // Else the browser enlarges the page.
        event.prevent_default();
        let page = self
            .frame
            .get_untracked()
            .map_or(0.0, |frame| frame.client_height() as f32);
        let pixels = wheel_pixels(event.delta_y() as f32, event.delta_mode(), page);
        self.zoom.update(|zoom| *zoom = zoom.wheeled(pixels, place));
    }
}
