//! The copper of the circuit board: its traces, sorted so that a point meets few of them.

use super::plane::{V2, segment};

/// Traces in board coordinates: corners, then a half width.
const TRACES: &[(&[(f32, f32)], f32)] = &[
    (
        &[
            (-0.2375, 0.045),
            (-0.30, 0.045),
            (-0.345, 0.09),
            (-0.345, 0.30),
        ],
        0.005,
    ),
    (
        &[
            (-0.2375, 0.02),
            (-0.315, 0.02),
            (-0.39, 0.095),
            (-0.39, 0.37),
        ],
        0.005,
    ),
    (
        &[(-0.2375, -0.055), (-0.30, -0.055), (-0.333, -0.07)],
        0.005,
    ),
    (
        &[
            (-0.2375, -0.08),
            (-0.29, -0.08),
            (-0.31, -0.10),
            (-0.31, -0.21),
            (-0.333, -0.23),
        ],
        0.005,
    ),
    (
        &[
            (-0.1875, -0.145),
            (-0.1875, -0.20),
            (-0.172, -0.215),
            (-0.172, -0.29),
        ],
        0.005,
    ),
    (
        &[
            (-0.0375, -0.145),
            (-0.0375, -0.20),
            (-0.028, -0.21),
            (-0.028, -0.29),
        ],
        0.005,
    ),
    (
        &[(0.0375, -0.08), (0.10, -0.08), (0.12, -0.10), (0.18, -0.10)],
        0.005,
    ),
    (
        &[
            (0.0375, -0.055),
            (0.11, -0.055),
            (0.13, -0.075),
            (0.18, -0.075),
        ],
        0.005,
    ),
    (
        &[(0.0375, -0.03), (0.12, -0.03), (0.14, -0.05), (0.18, -0.05)],
        0.005,
    ),
    (
        &[(0.0375, 0.02), (0.13, 0.02), (0.20, 0.09), (0.233, 0.09)],
        0.005,
    ),
    (
        &[
            (0.0375, 0.045),
            (0.10, 0.045),
            (0.155, 0.10),
            (0.155, 0.20),
            (0.16, 0.37),
        ],
        0.005,
    ),
    (
        &[
            (-0.1875, 0.105),
            (-0.1875, 0.16),
            (-0.225, 0.20),
            (-0.225, 0.37),
        ],
        0.005,
    ),
    (&[(-0.1625, 0.105), (-0.1625, 0.20), (-0.161, 0.37)], 0.005),
    (
        &[
            (-0.1125, 0.105),
            (-0.1125, 0.20),
            (-0.097, 0.22),
            (-0.097, 0.37),
        ],
        0.005,
    ),
    (
        &[
            (-0.0625, 0.105),
            (-0.0625, 0.14),
            (-0.032, 0.17),
            (-0.032, 0.37),
        ],
        0.005,
    ),
    (
        &[
            (-0.0375, 0.105),
            (-0.0375, 0.12),
            (0.032, 0.19),
            (0.032, 0.37),
        ],
        0.005,
    ),
    (
        &[(-0.0125, 0.105), (0.05, 0.16), (0.097, 0.21), (0.097, 0.37)],
        0.005,
    ),
    (
        &[(0.346, 0.09), (0.395, 0.14), (0.395, 0.37), (0.225, 0.40)],
        0.010,
    ),
    (
        &[
            (0.345, -0.07),
            (0.395, -0.12),
            (0.395, -0.23),
            (0.35, -0.29),
        ],
        0.010,
    ),
    (
        &[
            (0.19, -0.29),
            (0.10, -0.29),
            (0.06, -0.33),
            (0.06, -0.40),
            (-0.26, -0.40),
            (-0.333, -0.36),
        ],
        0.010,
    ),
    (&[(0.307, 0.20), (0.307, 0.26), (0.225, 0.34)], 0.007),
];

/// Plated holes, in board coordinates.
pub(super) const VIAS: &[(f32, f32)] = &[
    (-0.345, 0.30),
    (0.06, -0.33),
    (0.155, 0.20),
    (-0.225, 0.22),
    (0.395, 0.25),
    (0.13, -0.16),
    (0.10, 0.28),
    (-0.29, 0.30),
    (0.20, 0.02),
    (-0.42, -0.02),
    (0.42, 0.0),
    (-0.30, -0.31),
    (0.02, -0.22),
    (0.03, 0.27),
];

/// Straight piece of a trace and the box beyond which it cannot be seen.
struct Track {
    from: V2,
    to: V2,
    half: f32,
    low: V2,
    high: V2,
}

/// Horizontal strips of the board, each with the pieces that cross it.
const STRIPS: usize = 32;

/// The traces, ready to be asked for distances.
pub(super) struct Tracks {
    strips: Vec<Vec<Track>>,
}

impl Tracks {
    /// Signed distance to the nearest trace near `q`; 1 where there is none.
    pub(super) fn distance(&self, q: V2) -> f32 {
        let strip = ((q.y + 0.5) * STRIPS as f32).clamp(0.0, STRIPS as f32 - 1.0) as usize;
        let mut nearest: f32 = 1.0;
        for piece in &self.strips[strip] {
            if q.x > piece.low.x && q.x < piece.high.x && q.y > piece.low.y && q.y < piece.high.y {
                nearest = nearest.min(segment(q, piece.from, piece.to).0 - piece.half);
            }
        }
        nearest
    }

    pub(super) fn new() -> Self {
        Self { strips: strips() }
    }
}

fn strips() -> Vec<Vec<Track>> {
    let mut strips: Vec<Vec<Track>> = (0..STRIPS).map(|_| Vec::new()).collect();
    for (corners, half) in TRACES {
        for pair in corners.windows(2) {
            let (from, to) = (V2::new(pair[0].0, pair[0].1), V2::new(pair[1].0, pair[1].1));
            let margin = half + 0.004;
            let low = V2::new(from.x.min(to.x) - margin, from.y.min(to.y) - margin);
            let high = V2::new(from.x.max(to.x) + margin, from.y.max(to.y) + margin);
            for (i, strip) in strips.iter_mut().enumerate() {
                let (top, foot) = (
                    i as f32 / STRIPS as f32 - 0.5,
                    (i + 1) as f32 / STRIPS as f32 - 0.5,
                );
                if high.y >= top && low.y <= foot {
                    strip.push(Track {
                        from,
                        to,
                        half: *half,
                        low,
                        high,
                    });
                }
            }
        }
    }
    strips
}
