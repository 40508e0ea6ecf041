//! Enlarging an image in its frame: how much, and which part is seen.

use std::fmt;

/// How a sheet lies under its frame. All lengths are shares of the frame's sides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Zoom {
    /// Enlargement, 1 to [`Self::LARGEST`].
    scale: f32,
    /// The sheet's left edge, at or left of the frame's: 1 − scale to 0.
    left: f32,
    /// The sheet's upper edge, likewise.
    top: f32,
}

impl Default for Zoom {
    fn default() -> Self {
        Self {
            scale: 1.0,
            left: 0.0,
            top: 0.0,
        }
    }
}

impl Zoom {
    /// Factor of a key or button.
    pub const STEP: f32 = 1.5;
    /// Largest enlargement.
    pub const LARGEST: f32 = 12.0;

    /// How much larger than the frame the sheet is.
    pub fn scale(&self) -> f32 {
        self.scale
    }

    /// Whether less than the whole image is seen.
    pub fn is_enlarged(&self) -> bool {
        self.scale > 1.0
    }

    /// Whether it cannot be larger.
    pub fn is_largest(&self) -> bool {
        self.scale >= Self::LARGEST
    }

    /// Larger or smaller by a factor; the place on the sheet (0 to 1 on both axes, else the frame's middle) stays
    /// where it is in the frame.
    pub fn by(self, factor: f32, place: Option<(f32, f32)>) -> Self {
        let scale = (self.scale * factor).clamp(1.0, Self::LARGEST);
        // Steps down end at the whole image, not beside it.
        let scale = if scale < 1.05 { 1.0 } else { scale };
        let (x, y) = place.unwrap_or(self.at((0.5, 0.5)));
        Self {
            scale,
            left: self.left + x * (self.scale - scale),
            top: self.top + y * (self.scale - scale),
        }
        .within()
    }

    /// The place on the sheet that is seen at a place of the frame, both as shares of their sides.
    pub fn at(&self, (x, y): (f32, f32)) -> (f32, f32) {
        ((x - self.left) / self.scale, (y - self.top) / self.scale)
    }

    /// Moved with the pointer.
    pub fn dragged(self, dx: f32, dy: f32) -> Self {
        Self {
            left: self.left + dx,
            top: self.top + dy,
            ..self
        }
        .within()
    }

    /// Moved just so far that a place on the sheet is seen.
    pub fn showing(self, (x, y): (f32, f32)) -> Self {
        let reach = |edge: f32, place: f32| {
            let at = edge + place * self.scale;
            edge + at.clamp(0.02, 0.98) - at
        };
        Self {
            left: reach(self.left, x),
            top: reach(self.top, y),
            ..self
        }
        .within()
    }

    /// What `+`, `-` and `0` do; `None` for other keys.
    pub fn keyed(self, key: &str, place: Option<(f32, f32)>) -> Option<Self> {
        match key {
            "+" | "=" => Some(self.by(Self::STEP, place)),
            "-" => Some(self.by(1.0 / Self::STEP, place)),
            "0" => Some(Self::default()),
            _ => None,
        }
    }

    /// As a CSS transform of the sheet, its origin the upper left corner.
    pub fn style(&self) -> String {
        if self.is_enlarged() {
            format!(
                "transform: translate({:.3}%, {:.3}%) scale({:.4})",
                100.0 * self.left,
                100.0 * self.top,
                self.scale
            )
        } else {
            String::new()
        }
    }

    /// No gap between sheet and frame.
    fn within(self) -> Self {
        let least = 1.0 - self.scale;
        Self {
            left: self.left.clamp(least, 0.0),
            top: self.top.clamp(least, 0.0),
            ..self
        }
    }
}

impl fmt::Display for Zoom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0} %", 100.0 * self.scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where a place of the sheet is in the frame.
    fn seen(zoom: Zoom, (x, y): (f32, f32)) -> (f32, f32) {
        (zoom.left + x * zoom.scale, zoom.top + y * zoom.scale)
    }

    #[test]
    fn a_place_stays_under_the_pointer_and_no_gap_opens() {
        let mut zoom = Zoom::default();
        for (step, place) in [(1.5, (0.3, 0.8)), (1.5, (0.3, 0.8)), (4.0, (0.35, 0.75))] {
            let before = seen(zoom, place);
            zoom = zoom.by(step, Some(place));
            let after = seen(zoom, place);
            assert!((before.0 - after.0).abs() < 1e-5 && (before.1 - after.1).abs() < 1e-5);
        }
        for (dx, dy) in [(5.0, -5.0), (-50.0, 50.0), (0.2, 0.1)] {
            zoom = zoom.dragged(dx, dy);
            let (left, top) = seen(zoom, (0.0, 0.0));
            let (right, bottom) = seen(zoom, (1.0, 1.0));
            assert!(left <= 0.0 && top <= 0.0 && right >= 0.999 && bottom >= 0.999);
        }
    }

    #[test]
    fn keys_lead_in_out_and_back() {
        let near = Zoom::default()
            .keyed("+", None)
            .and_then(|z| z.keyed("+", None));
        assert_eq!(near.map(|zoom| zoom.to_string()), Some("225 %".into()));
        let back = near
            .and_then(|z| z.keyed("-", None))
            .and_then(|z| z.keyed("-", None));
        assert_eq!(back.map(|zoom| zoom.to_string()), Some("100 %".into()));
        assert_eq!(near.and_then(|z| z.keyed("0", None)), Some(Zoom::default()));
        assert_eq!(Zoom::default().keyed("a", None), None);
        let most = (0..20).fold(Zoom::default(), |zoom, _| zoom.by(Zoom::STEP, None));
        assert!(most.is_largest());
    }

    #[test]
    fn arrow_keys_bring_their_place_into_sight() {
        let zoom = Zoom::default()
            .by(8.0, Some((0.0, 0.0)))
            .showing((0.9, 0.95));
        let (x, y) = seen(zoom, (0.9, 0.95));
        assert!((0.0..=1.0).contains(&x) && (0.0..=1.0).contains(&y));
    }
}
