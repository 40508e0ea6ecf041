//! Two pointers on the image, and the wheel: what they make of its enlargement.

use crate::zoom::Zoom;

/// Pixels of the wheel that make the image e times as large.
const WHEEL_PIXELS: f32 = 240.0;

/// Most that one event of the wheel enlarges, so that a coarse wheel does not jump from end to end.
const WHEEL_MOST: f32 = 1.6;

/// What a double click makes of the whole image.
const DOUBLE: f32 = 3.0;

/// Height of a line that a wheel counts in, in pixels.
const LINE: f32 = 16.0;

/// Pixels of a wheel's movement that is told in pixels (mode 0), lines (1) or pages of `page` pixels (2).
pub fn wheel_pixels(delta: f32, mode: u32, page: f32) -> f32 {
    match mode {
        1 => delta * LINE,
        2 => delta * page,
        _ => delta,
    }
}

impl Zoom {
    /// What the wheel does, turned by so many pixels (down is positive) over a place of the sheet.
    pub fn wheeled(self, pixels: f32, place: Option<(f32, f32)>) -> Self {
        let factor = (-pixels / WHEEL_PIXELS).exp();
        self.by(factor.clamp(1.0 / WHEEL_MOST, WHEEL_MOST), place)
    }

    /// What a double click does: the whole image, or the place on the sheet larger.
    pub fn doubled(self, place: Option<(f32, f32)>) -> Self {
        if self.is_enlarged() {
            Self::default()
        } else {
            self.by(DOUBLE, place)
        }
    }

    /// What two pointers do that moved: what was between them stays between them, enlarged as they went apart.
    ///
    /// Positions are pixels from the frame's upper left corner, `frame` its width and height.
    pub fn pinched(
        self,
        before: [(f32, f32); 2],
        after: [(f32, f32); 2],
        frame: (f32, f32),
    ) -> Self {
        let apart = |[a, b]: [(f32, f32); 2]| (a.0 - b.0).hypot(a.1 - b.1);
        let middle = |[a, b]: [(f32, f32); 2]| {
            let (width, height) = (frame.0.max(1.0), frame.1.max(1.0));
            ((a.0 + b.0) / 2.0 / width, (a.1 + b.1) / 2.0 / height)
        };
        let (from, to) = (middle(before), middle(after));
        // Pointers on one spot have no ratio.
        let factor = if apart(before) > 1.0 {
            apart(after) / apart(before)
        } else {
            1.0
        };
        self.by(factor, Some(self.at(from)))
            .dragged(to.0 - from.0, to.1 - from.1)
    }
}

/// The pointers that are down on the image, where they were last.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Pointers(Vec<(i32, (f32, f32))>);

impl Pointers {
    /// A pointer touches.
    pub fn down(&mut self, id: i32, at: (f32, f32)) {
        self.up(id);
        self.0.push((id, at));
    }

    /// A pointer leaves.
    pub fn up(&mut self, id: i32) {
        self.0.retain(|(known, _)| *known != id);
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// A pointer moved. If it is one of just two: where both were, and where they are.
    pub fn moved(&mut self, id: i32, at: (f32, f32)) -> Option<[[(f32, f32); 2]; 2]> {
        let places = |all: &[(i32, (f32, f32))]| match all {
            [(_, a), (_, b)] => Some([*a, *b]),
            _ => None,
        };
        let before = places(&self.0);
        self.0.iter_mut().find(|(known, _)| *known == id)?.1 = at;
        Some([before?, places(&self.0)?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: (f32, f32), b: (f32, f32)) -> bool {
        (a.0 - b.0).abs() < 1e-4 && (a.1 - b.1).abs() < 1e-4
    }

    #[test]
    fn the_wheel_leads_in_at_the_pointer_and_out_again() {
        let place = (0.7, 0.2);
        let zoom = Zoom::default().wheeled(-100.0, Some(place));
        assert!(zoom.scale() > 1.4 && zoom.scale() < 1.6);
        // The place is still where it was in the frame.
        assert!(near(zoom.at(place), place));
        assert_eq!(zoom.wheeled(100.0, Some(place)), Zoom::default());
        assert_eq!(Zoom::default().wheeled(500.0, None), Zoom::default());
        let jump = Zoom::default().wheeled(-1e6, None);
        assert!(jump.scale() < 2.0);
        let page = |mode| wheel_pixels(3.0, mode, 700.0);
        assert_eq!((page(0), page(1), page(2)), (3.0, 48.0, 2100.0));
    }

    #[test]
    fn a_pinch_keeps_what_lies_between_the_pointers() {
        let frame = (400.0, 200.0);
        let (before, after) = (
            [(100.0, 100.0), (200.0, 100.0)],
            [(80.0, 90.0), (280.0, 90.0)],
        );
        let between = Zoom::default().at((150.0 / 400.0, 0.5));
        let zoom = Zoom::default().pinched(before, after, frame);
        assert!((zoom.scale() - 2.0).abs() < 1e-5);
        // What was in the middle of the two still is.
        assert!(near(zoom.at((180.0 / 400.0, 90.0 / 200.0)), between));
        // Back together: the whole image, without a gap.
        assert_eq!(zoom.pinched(after, before, frame), Zoom::default());
        // Turned or moved, but not apart: moved alone.
        let moved = zoom.pinched(before, [(110.0, 105.0), (210.0, 105.0)], frame);
        assert!((moved.scale() - zoom.scale()).abs() < 1e-5 && moved != zoom);
        let spot = [(5.0, 5.0), (5.0, 5.0)];
        assert_eq!(zoom.pinched(spot, spot, frame), zoom);
    }

    #[test]
    fn a_double_click_enlarges_and_resets() {
        let near = Zoom::default().doubled(Some((0.9, 0.9)));
        assert_eq!(near.to_string(), "300 %");
        assert_eq!(near.doubled(Some((0.1, 0.1))), Zoom::default());
    }

    #[test]
    fn only_two_pointers_pinch() {
        let mut pointers = Pointers::default();
        pointers.down(1, (0.0, 0.0));
        assert_eq!(pointers.moved(1, (1.0, 0.0)), None);
        pointers.down(7, (9.0, 0.0));
        assert_eq!(pointers.moved(4, (5.0, 5.0)), None);
        assert_eq!(
            pointers.moved(7, (9.0, 3.0)),
            Some([[(1.0, 0.0), (9.0, 0.0)], [(1.0, 0.0), (9.0, 3.0)]])
        );
        pointers.down(8, (2.0, 2.0));
        assert_eq!(pointers.moved(7, (0.0, 0.0)), None);
        pointers.up(8);
        // From where it was last, not from before the third.
        assert_eq!(
            pointers.moved(1, (1.0, 1.0)),
            Some([[(1.0, 0.0), (0.0, 0.0)], [(1.0, 1.0), (0.0, 0.0)]])
        );
        pointers.up(1);
        pointers.up(1);
        assert_eq!(pointers.count(), 1);
    }
}
