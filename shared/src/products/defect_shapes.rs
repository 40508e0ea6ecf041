//! Shapes that damage takes: strokes (scratches, threads, fibres), blobs (stains,
//! chips, pits) and cracks.

use super::draw::Draw;
use super::noise;
use super::plane::{V2, Whole, mix, segment};

/// A wandering line of changing width.
#[derive(Clone)]
pub(super) struct Stroke {
    points: Vec<V2>,
    centre: V2,
    reach: f32,
    /// Half its width at the middle.
    pub(super) width: f32,
}

impl Stroke {
    /// From `start` along `angle` for `length`, turning by up to `wobble` radians a piece.
    pub(super) fn new(
        draw: &mut Draw,
        start: V2,
        angle: f32,
        length: f32,
        wobble: f32,
        width: f32,
    ) -> Self {
        const PIECES: u32 = 12;
        let mut points = vec![start];
        let (mut at, mut heading) = (start, angle);
        for _ in 0..PIECES {
            heading += draw.around(wobble);
            at = at + V2::at_angle(heading) * (length / PIECES as f32);
            points.push(at);
        }
        Self::through(points, width)
    }

    /// Of `length` about `centre`.
    pub(super) fn centred(
        draw: &mut Draw,
        centre: V2,
        angle: f32,
        length: f32,
        wobble: f32,
        width: f32,
    ) -> Self {
        let start = centre - V2::at_angle(angle) * (0.5 * length);
        Self::new(draw, start, angle, length, wobble, width)
    }

    /// Through given points.
    pub(super) fn through(points: Vec<V2>, width: f32) -> Self {
        let sum = points.iter().fold(V2::default(), |sum, p| sum + *p);
        let centre = sum * (1.0 / points.len() as f32);
        let reach = points
            .iter()
            .map(|p| (*p - centre).length())
            .fold(0.0, f32::max);
        Self {
            points,
            centre,
            reach,
            width,
        }
    }

    /// Signed distance to the stroke, thinning to its ends, and where along it (0–1).
    /// Only near it (within `3 width`) is the distance exact; farther it is merely large.
    pub(super) fn distance(&self, p: V2) -> (f32, f32) {
        if (p - self.centre).length() > self.reach + 4.0 * self.width {
            return (1.0, 0.0);
        }
        let pieces = self.points.len() - 1;
        let mut best = (f32::MAX, 0.0);
        for (i, pair) in self.points.windows(2).enumerate() {
            let (d, t) = segment(p, pair[0], pair[1]);
            if d < best.0 {
                best = (d, (i as f32 + t) / pieces as f32);
            }
        }
        let along = best.1;
        let taper = (4.0 * along * (1.0 - along)).min(1.0);
        (best.0 - self.width * mix(0.35, 1.0, taper), along)
    }

    /// A point along it, `t` in 0–1.
    pub(super) fn point(&self, t: f32) -> V2 {
        let at = t.clamp(0.0, 0.999) * (self.points.len() - 1) as f32;
        let i = at.whole() as usize;
        let f = at - at.whole();
        self.points[i] + (self.points[i + 1] - self.points[i]) * f
    }
}

/// A round patch with an uneven outline.
#[derive(Clone, Copy)]
pub(super) struct Blob {
    pub(super) centre: V2,
    pub(super) radius: f32,
    uneven: f32,
    stretch: V2,
    pub(super) seed: u32,
}

impl Blob {
    /// `uneven`: how far the outline departs from a circle (0–1).
    pub(super) fn new(draw: &mut Draw, centre: V2, radius: f32, uneven: f32) -> Self {
        let stretch = draw.range(0.8, 1.25);
        Self {
            centre,
            radius,
            uneven,
            stretch: V2::new(stretch, 1.0 / stretch),
            seed: draw.word(),
        }
    }

    /// Signed distance, about right near the outline.
    pub(super) fn distance(&self, p: V2) -> f32 {
        let d = p - self.centre;
        let d = V2::new(d.x * self.stretch.x, d.y * self.stretch.y);
        let length = d.length();
        if length > 2.2 * self.radius {
            return length - self.radius;
        }
        let bend = noise::octaves(d * (1.6 / self.radius), 3, self.seed);
        length - self.radius * (1.0 + self.uneven * bend)
    }
}

/// A crack: a jagged main line and a few branches.
pub(super) struct Crack {
    strokes: Vec<Stroke>,
}

impl Crack {
    pub(super) fn new(draw: &mut Draw, start: V2, angle: f32, length: f32, width: f32) -> Self {
        let main = Stroke::new(draw, start, angle, length, 0.55, width);
        let branches = 1 + draw.index(3);
        let mut strokes = Vec::new();
        for _ in 0..branches {
            let from = main.point(draw.range(0.25, 0.8));
            let turn = draw.sign() * draw.range(0.5, 1.1);
            let reach = length * draw.range(0.2, 0.45);
            strokes.push(Stroke::new(
                draw,
                from,
                angle + turn,
                reach,
                0.5,
                0.7 * width,
            ));
        }
        strokes.push(main);
        Self { strokes }
    }

    /// Signed distance to the nearest branch.
    pub(super) fn distance(&self, p: V2) -> f32 {
        self.strokes
            .iter()
            .map(|s| s.distance(p).0)
            .fold(1.0, f32::min)
    }
}
