//! Wall of glazed tiles in two painted designs, laid as a chequerboard in grout.

use core::f32::consts::FRAC_1_SQRT_2;

use super::camera::Camera;
use super::defect_shapes::{Blob, Crack, Stroke};
use super::draw::Draw;
use super::light::Light;
use super::material::{Rgb, Surface};
use super::noise;
use super::plane::{Pose, V2, Whole, inside, mix, rounded_box, step};
use super::stage::Scene;

pub(super) const DEFECTS: &[&str] = &[
    "crack",
    "chip",
    "pinholes",
    "scratch",
    "turned_tile",
    "swapped_tiles",
    "missing_tile",
];

const PITCH: f32 = 0.315;
/// Half a tile, in pitches.
const HALF: f32 = 0.475;
const CREAM: Rgb = [0.66, 0.62, 0.52];
const BLUE: Rgb = [0.035, 0.085, 0.27];
const OCHRE: Rgb = [0.52, 0.27, 0.045];

enum Flaw {
    Crack(Crack),
    Chip(Blob),
    Pinholes(Vec<Blob>),
    Scratch { stroke: Stroke, contrast: f32 },
    Turned { tile: (i32, i32), quarters: u32 },
    Swapped { one: (i32, i32), other: (i32, i32) },
    Missing { tile: (i32, i32) },
}

pub(super) struct CeramicTile {
    light: Light,
    camera: Camera,
    pose: Pose,
    seed: u32,
    flaw: Option<Flaw>,
}

impl CeramicTile {
    pub(super) fn new(draw: &mut Draw, defect: Option<(&str, &mut Draw)>) -> Self {
        let light = Light::new(draw, -2.2, 0.9, 0.012).with_studio(0.8);
        let camera = Camera::new(draw, 1.0);
        let centre = V2::new(0.5 + draw.around(0.018), 0.5 + draw.around(0.018));
        let pose = Pose::new(
            centre,
            draw.around(0.02),
            PITCH * (1.0 + draw.around(0.012)),
        );
        let wall = Self {
            light,
            camera,
            pose,
            seed: draw.word(),
            flaw: None,
        };
        match defect {
            None => wall,
            Some((name, damage)) => {
                let flaw = damaged(name, damage);
                Self {
                    flaw: Some(flaw),
                    ..wall
                }
            }
        }
    }

    /// The tile at `index` as laid; `l` in pitches from its centre, within ±[`HALF`].
    fn tile(&self, index: (i32, i32), l: V2, p: V2) -> Surface {
        // Which tile lies here, and how it is turned; only a defect makes it another.
        let (mut laid, mut at, mut changed) = (index, l, false);
        match &self.flaw {
            Some(Flaw::Turned { tile, quarters }) if *tile == index => {
                for _ in 0..*quarters {
                    at = at.across();
                }
                changed = true;
            }
            Some(Flaw::Swapped { one, other }) if *one == index || *other == index => {
                laid = if *one == index { *other } else { *one };
                changed = true;
            }
            _ => {}
        }
        let word = noise::hash(laid.0, laid.1, self.seed);
        let shift = V2::new((word & 255) as f32, (word >> 8 & 255) as f32);
        let wave = noise::value(at * 6.0 + shift, self.seed ^ 2) * 0.010;
        let brush = 0.012 + 0.004 * noise::value(at * 20.0 + shift, self.seed ^ 3);
        let mut s = Surface::matt(CREAM, 0.3);
        if (laid.0 + laid.1) & 1 == 0 {
            medallion(&mut s, at, wave, brush);
        } else {
            fan(&mut s, at, wave, brush);
        }
        // Paint pools and thins, glaze is a little cloudy, the clay shows through as specks.
        let pool = noise::octaves(at * 9.0 + shift, 2, self.seed ^ 4);
        let speck = step(0.72, 0.9, noise::value(at * 42.0 + shift, self.seed ^ 5));
        let firing = (word >> 16 & 255) as f32 / 255.0;
        s.scale((0.97 + 0.06 * firing) * (1.0 + 0.07 * pool) * (1.0 - 0.10 * speck));
        let edge = rounded_box(l, V2::new(HALF, HALF), 0.03);
        let pillow =
            PITCH * 0.035 * (1.0 - step(0.0, 0.07, edge + 0.07) * step(0.0, 0.07, edge + 0.07));
        s.height = pillow;
        s.coat = 1.0;
        s.coat_height = pillow + 0.0009 * noise::octaves(p * 9.0 + shift, 2, self.seed ^ 6);
        s.changed = changed;
        s
    }

    /// The tile at `p`, where on it (pitches from its centre), and the distance to its edge.
    fn laid(&self, p: V2) -> ((i32, i32), V2, f32) {
        let q = self.pose.to_part(p);
        let (fx, fy) = ((q.x + 0.5).whole(), (q.y + 0.5).whole());
        let l = V2::new(q.x - fx, q.y - fy);
        let edge = rounded_box(l, V2::new(HALF, HALF), 0.03);
        ((fx as i32, fy as i32), l, edge)
    }

    fn grout(&self, p: V2) -> Surface {
        let sand = noise::octaves(p * 110.0, 2, self.seed ^ 7);
        let mut s = Surface::matt([0.34, 0.325, 0.30], 0.95);
        s.scale(1.0 + 0.16 * sand);
        s.height = -0.004 + 0.0006 * sand;
        s.coat_height = s.height;
        s
    }
}

/// A rosette: eight petals in a ring. Looks the same after a quarter turn.
fn medallion(s: &mut Surface, at: V2, wave: f32, brush: f32) {
    let r = at.length() + wave;
    s.tint(BLUE, 0.92 * inside((r - 0.40).abs() - 0.018, brush));
    s.tint(OCHRE, 0.9 * inside((r - 0.345).abs() - 0.012, brush));
    let (x, y) = (at.x.abs(), at.y.abs());
    let straight = V2::new(x.max(y) - 0.185, x.min(y) * 2.4);
    let (dx, dy) = ((x + y) * FRAC_1_SQRT_2, (x - y) * FRAC_1_SQRT_2);
    let slanted = V2::new(dx - 0.185, dy * 2.4);
    s.tint(BLUE, 0.95 * inside(straight.length() - 0.125 + wave, brush));
    s.tint(OCHRE, 0.9 * inside(slanted.length() - 0.105 + wave, brush));
    s.tint(OCHRE, 0.95 * inside(r - 0.05, brush));
    let corner = V2::new(x - HALF, y - HALF).length();
    s.tint(BLUE, 0.92 * inside(corner - 0.10 + wave, brush));
}

/// A fan that opens from one corner: its orientation shows.
fn fan(s: &mut Surface, at: V2, wave: f32, brush: f32) {
    let from = at - V2::new(-HALF, HALF);
    let r = from.length() + wave;
    s.tint(BLUE, 0.95 * inside(r - 0.20, brush));
    s.tint(OCHRE, 0.9 * inside((r - 0.30).abs() - 0.022, brush));
    let angle = libm::atan2f(-from.y, from.x);
    let ray = angle * (9.0 / core::f32::consts::FRAC_PI_2);
    let ray = (ray - ray.whole() - 0.5).abs();
    let between = inside((r - 0.50).abs() - 0.115, brush);
    s.tint(BLUE, 0.9 * between * step(0.14, 0.26, ray));
    s.tint(BLUE, 0.92 * inside((r - 0.72).abs() - 0.022, brush));
    let leaf = at - V2::new(0.30, -0.30);
    let (u, v) = (
        (leaf.x - leaf.y) * FRAC_1_SQRT_2,
        (leaf.x + leaf.y) * FRAC_1_SQRT_2,
    );
    s.tint(
        OCHRE,
        0.9 * inside(V2::new(u, v * 2.2).length() - 0.12 + wave, brush),
    );
}

fn damaged(name: &str, draw: &mut Draw) -> Flaw {
    let at = V2::new(draw.range(0.2, 0.8), draw.range(0.2, 0.8));
    let grade = draw.unit();
    let extent = draw.unit();
    let one_of_nine = |draw: &mut Draw| (draw.index(3) as i32 - 1, draw.index(3) as i32 - 1);
    match name {
        "crack" => {
            let angle = draw.angle();
            Flaw::Crack(Crack::new(
                draw,
                at,
                angle,
                mix(0.14, 0.34, grade),
                mix(0.0024, 0.0046, grade),
            ))
        }
        "chip" => {
            // On a tile's edge, where tiles do chip.
            let (tile, side) = (one_of_nine(draw), draw.index(4));
            let along = draw.around(0.45);
            let edge = match side {
                0 => V2::new(-HALF, along),
                1 => V2::new(HALF, along),
                2 => V2::new(along, -HALF),
                _ => V2::new(along, HALF),
            };
            let place = V2::new(
                0.5 + PITCH * (tile.0 as f32 + edge.x * 0.93),
                0.5 + PITCH * (tile.1 as f32 + edge.y * 0.93),
            );
            Flaw::Chip(Blob::new(draw, place, mix(0.018, 0.045, grade), 0.55))
        }
        "pinholes" => {
            let count = 2 + draw.index(5);
            let holes = (0..count)
                .map(|_| {
                    let near = at + V2::new(draw.around(0.05), draw.around(0.05));
                    let radius = mix(0.006, 0.012, grade) * draw.range(0.8, 1.2);
                    Blob::new(draw, near, radius, 0.25)
                })
                .collect();
            Flaw::Pinholes(holes)
        }
        "scratch" => {
            let angle = draw.angle();
            Flaw::Scratch {
                stroke: Stroke::centred(
                    draw,
                    at,
                    angle,
                    mix(0.15, 0.45, extent),
                    0.08,
                    mix(0.0030, 0.0045, grade),
                ),
                contrast: mix(0.50, 0.85, grade),
            }
        }
        "turned_tile" => {
            // One of the four fans round the centre.
            let tile = [(0, -1), (0, 1), (-1, 0), (1, 0)][draw.index(4) as usize];
            Flaw::Turned {
                tile,
                quarters: 1 + draw.index(3),
            }
        }
        "swapped_tiles" => {
            let one = one_of_nine(draw);
            let step = if draw.index(2) == 0 { (1, 0) } else { (0, 1) };
            let turn = |a: i32| if a == 1 { -1 } else { 1 };
            let other = (one.0 + step.0 * turn(one.0), one.1 + step.1 * turn(one.1));
            Flaw::Swapped { one, other }
        }
        _ => Flaw::Missing {
            tile: one_of_nine(draw),
        },
    }
}

impl Scene for CeramicTile {
    fn surface(&self, p: V2) -> Surface {
        let (index, l, edge) = self.laid(p);
        let mut s = self.grout(p);
        let missing = matches!(&self.flaw, Some(Flaw::Missing { tile }) if *tile == index);
        if missing {
            if edge < 0.0 {
                // The mortar bed, combed by the trowel.
                let q = self.pose.to_part(p);
                let comb =
                    (q.x * 9.0 + q.y * 3.0 + 0.2 * noise::value(q * 3.0, self.seed ^ 8)).abs();
                let comb = 1.0 - 2.0 * (comb - comb.whole() - 0.5).abs();
                let rough = noise::octaves(p * 80.0, 3, self.seed ^ 9);
                s = Surface::matt([0.25, 0.235, 0.215], 0.97);
                s.scale(0.80 + 0.25 * comb + 0.2 * rough);
                s.height = -0.022 + 0.005 * comb + 0.002 * rough;
                s.coat_height = s.height;
                s.changed = true;
            }
        } else {
            let on = inside(edge, 0.006);
            if on > 0.0 {
                s.cover(&self.tile(index, l, p), on);
            }
        }
        s
    }

    fn damage(&self, p: V2, s: &mut Surface) {
        let (_, _, edge) = self.laid(p);
        match &self.flaw {
            Some(Flaw::Crack(crack)) => {
                let open = inside(crack.distance(p), 0.0012);
                s.tint([0.05, 0.035, 0.025], 0.9 * open);
                s.height -= 0.004 * open;
                s.coat *= 1.0 - open;
            }
            Some(Flaw::Chip(blob)) if edge < 0.01 => {
                let facet =
                    noise::octaves((p - blob.centre) * (2.2 / blob.radius), 2, blob.seed ^ 1);
                let on = inside(blob.distance(p), 0.002);
                let mut clay = Surface::matt([0.50, 0.25, 0.15], 0.95);
                clay.scale(1.0 + 0.14 * facet + 0.10 * noise::value(p * 150.0, blob.seed ^ 2));
                clay.height = s.height - 0.004 + 0.003 * facet;
                s.cover(&clay, on);
            }
            Some(Flaw::Pinholes(holes)) => {
                for hole in holes {
                    let d = hole.distance(p);
                    let open = inside(d, 0.0016);
                    s.tint([0.03, 0.02, 0.015], 0.92 * open);
                    s.height -= 0.004 * open;
                    s.coat *= 1.0 - open;
                    s.tint(
                        [0.8, 0.77, 0.68],
                        0.35 * inside((d - 0.003).abs() - 0.001, 0.0015),
                    );
                }
            }
            Some(Flaw::Scratch { stroke, contrast }) => {
                let (d, along) = stroke.distance(p);
                let grit = 0.75 + 0.25 * noise::value(V2::new(along * 40.0, 0.0), self.seed ^ 20);
                let on = inside(d, 0.0014) * grit;
                // Dull grey: it shows dark on the cream and light on the blue.
                s.tint([0.27, 0.26, 0.25], contrast * on);
                s.coat *= 1.0 - on;
            }
            _ => {}
        }
    }

    fn rearranged(&self) -> bool {
        matches!(
            self.flaw,
            Some(Flaw::Turned { .. } | Flaw::Swapped { .. } | Flaw::Missing { .. })
        )
    }

    fn light(&self) -> &Light {
        &self.light
    }

    fn camera(&self) -> &Camera {
        &self.camera
    }
}
