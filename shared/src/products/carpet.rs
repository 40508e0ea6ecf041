//! Woven carpet: a plain weave of two yarns, seen from straight above.

use super::camera::Camera;
use super::defect_shapes::{Blob, Stroke};
use super::draw::Draw;
use super::light::Light;
use super::material::{Rgb, Surface};
use super::noise;
use super::plane::{Pose, V2, Whole, inside, mix, step};
use super::stage::Scene;

pub(super) const DEFECTS: &[&str] = &[
    "hole",
    "cut",
    "stain",
    "foreign_thread",
    "metal_chip",
    "wrong_yarn",
];

/// Yarns to an image width.
const YARNS: f32 = 26.0;
const HEIGHT: f32 = 0.30 / YARNS;

enum Flaw {
    Hole(Blob),
    Cut(Stroke),
    Stain {
        blob: Blob,
        colour: Rgb,
        strength: f32,
    },
    Thread {
        stroke: Stroke,
        colour: Rgb,
    },
    Chip(Blob),
    /// A length of one weft yarn in another colour: the weave is sound, the yarn is not.
    Yarn {
        row: i32,
        from: f32,
        to: f32,
        colour: Rgb,
    },
}

pub(super) struct Carpet {
    light: Light,
    camera: Camera,
    pose: Pose,
    warp: Rgb,
    weft: Rgb,
    seed: u32,
    flaw: Option<Flaw>,
}

impl Carpet {
    pub(super) fn new(draw: &mut Draw, defect: Option<(&str, &mut Draw)>) -> Self {
        let light = Light::new(draw, -2.2, 0.85, HEIGHT);
        let camera = Camera::new(draw, 1.0);
        let centre = V2::new(draw.unit(), draw.unit());
        let shade = draw.around(0.03);
        let carpet = Self {
            light,
            camera,
            pose: Pose::new(centre, draw.around(0.035), 1.0 + draw.around(0.015)),
            warp: [0.46 + shade, 0.40 + shade, 0.32 + shade],
            weft: [0.085 + 0.3 * shade, 0.125 + 0.3 * shade, 0.19 + 0.3 * shade],
            seed: draw.word(),
            flaw: None,
        };
        match defect {
            None => carpet,
            Some((name, damage)) => {
                let flaw = carpet.damaged(name, damage);
                Self {
                    flaw: Some(flaw),
                    ..carpet
                }
            }
        }
    }

    fn damaged(&self, name: &str, draw: &mut Draw) -> Flaw {
        let at = V2::new(draw.range(0.2, 0.8), draw.range(0.2, 0.8));
        let grade = draw.unit();
        let extent = draw.unit();
        match name {
            "hole" => Flaw::Hole(Blob::new(draw, at, mix(0.025, 0.07, grade), 0.35)),
            "cut" => {
                let angle = draw.angle();
                Flaw::Cut(Stroke::centred(
                    draw,
                    at,
                    angle,
                    mix(0.15, 0.45, grade),
                    0.10,
                    mix(0.006, 0.011, grade),
                ))
            }
            "stain" => Flaw::Stain {
                blob: Blob::new(draw, at, mix(0.05, 0.14, extent), 0.5),
                colour: [[0.09, 0.035, 0.015], [0.16, 0.02, 0.03], [0.02, 0.05, 0.03]]
                    [draw.index(3) as usize],
                strength: mix(0.30, 0.75, grade),
            },
            "foreign_thread" => {
                let angle = draw.angle();
                Flaw::Thread {
                    stroke: Stroke::centred(
                        draw,
                        at,
                        angle,
                        mix(0.12, 0.4, grade),
                        0.55,
                        mix(0.005, 0.008, grade),
                    ),
                    colour: [[0.75, 0.72, 0.66], [0.50, 0.06, 0.05], [0.55, 0.40, 0.04]]
                        [draw.index(3) as usize],
                }
            }
            "metal_chip" => Flaw::Chip(Blob::new(draw, at, mix(0.018, 0.036, grade), 0.8)),
            _ => {
                let from = draw.range(-0.35, 0.05) * YARNS;
                Flaw::Yarn {
                    row: (self.pose.to_part(at).y * YARNS).whole() as i32,
                    from: self.pose.to_part(V2::new(0.5, 0.5)).x * YARNS + from,
                    to: self.pose.to_part(V2::new(0.5, 0.5)).x * YARNS
                        + from
                        + mix(6.0, 16.0, grade),
                    colour: [[0.38, 0.10, 0.04], [0.30, 0.26, 0.20], [0.10, 0.22, 0.09]]
                        [draw.index(3) as usize],
                }
            }
        }
    }

    /// The weave: `part` in the carpet's own plane; `p` only places the damage.
    fn weave(&self, part: V2) -> Surface {
        let sway = V2::new(
            noise::value(part * 5.0, self.seed),
            noise::value(part * 5.0, self.seed ^ 1),
        );
        let q = (part + sway * 0.0035) * YARNS;
        let (i, j) = (q.x.whole(), q.y.whole());
        let (u, v) = (q.x - i - 0.5, q.y - j - 0.5);
        let (i, j) = (i as i32, j as i32);
        let over = if (i + j) & 1 == 0 { 1.0 } else { -1.0 };
        let round = |t: f32| (1.0 - (t / 0.47) * (t / 0.47)).max(0.0).sqrt();
        let warp =
            round(u) + over * 0.75 * (1.0 - 4.0 * v * v) - if u.abs() > 0.47 { 1.0 } else { 0.0 };
        let weft =
            round(v) - over * 0.75 * (1.0 - 4.0 * u * u) - if v.abs() > 0.47 { 1.0 } else { 0.0 };
        let (top, mut colour, along, across, yarn) = if warp > weft {
            (warp, self.warp, q.y, u, noise::hash_unit(i, 0, self.seed))
        } else {
            (weft, self.weft, q.x, v, noise::hash_unit(0, j, self.seed))
        };
        if let Some(Flaw::Yarn {
            row,
            from,
            to,
            colour: wrong,
        }) = &self.flaw
            && warp <= weft
            && j == *row
            && (*from..*to).contains(&q.x)
        {
            colour = *wrong;
        }
        // Two plies twisted together, and fibres along them.
        let ply = noise::value(
            V2::new(along * 3.2 + across * 5.5, yarn * 97.0),
            self.seed ^ 2,
        );
        let fibre = noise::value(
            V2::new(along * 5.0, across * 16.0 + along * 3.0 + yarn * 31.0),
            self.seed ^ 3,
        );
        let fuzz = noise::value(q * 9.0, self.seed ^ 4);
        let wear = noise::octaves(part * 3.0, 2, self.seed ^ 5);
        let tone =
            (0.93 + 0.14 * yarn) * (1.0 + 0.10 * ply + 0.16 * fibre + 0.09 * fuzz + 0.05 * wear);
        let depth = step(-0.5, 1.3, top);
        let mut surface = Surface::matt(colour, 0.95);
        surface.scale(tone * mix(0.25, 1.0, depth));
        surface.height = HEIGHT * (top + 0.12 * ply + 0.10 * fibre);
        surface
    }
}

impl Scene for Carpet {
    fn surface(&self, p: V2) -> Surface {
        self.weave(self.pose.to_part(p))
    }

    fn damage(&self, p: V2, s: &mut Surface) {
        match &self.flaw {
            Some(Flaw::Hole(blob)) => {
                let d = blob.distance(p) + 0.010 * noise::value(p * 90.0, blob.seed);
                let open = inside(d, 0.004);
                let mut backing = Surface::matt([0.035, 0.028, 0.022], 0.9);
                backing.scale(1.0 + 0.4 * noise::octaves(p * 60.0, 2, blob.seed ^ 1));
                backing.height = -4.0 * HEIGHT;
                s.cover(&backing, open);
                // Frayed ends stand up around it.
                let rim = inside(d.abs() - 0.008, 0.004)
                    * step(-0.2, 0.5, noise::value(p * 120.0, blob.seed ^ 2));
                s.tint([0.5, 0.45, 0.38], 0.5 * rim * (1.0 - open));
            }
            Some(Flaw::Cut(stroke)) => {
                let (d, _) = stroke.distance(p);
                let d = d + 0.004 * noise::value(p * 110.0, self.seed ^ 9);
                let mut gap = Surface::matt([0.015, 0.013, 0.012], 0.9);
                gap.height = -3.0 * HEIGHT;
                s.cover(&gap, inside(d, 0.003));
                let lip = inside(d.abs() - 0.006, 0.004)
                    * step(0.0, 0.6, noise::value(p * 140.0, self.seed ^ 8));
                s.tint([0.55, 0.5, 0.42], 0.45 * lip);
            }
            Some(Flaw::Stain {
                blob,
                colour,
                strength,
            }) => {
                let d = blob.distance(p);
                let edge = 0.25 * inside((d + 0.006).abs() - 0.006, 0.005);
                s.tint(
                    *colour,
                    (strength * inside(d, 0.010) + edge * strength).min(0.95),
                );
            }
            Some(Flaw::Thread { stroke, colour }) => {
                let (d, along) = stroke.distance(p);
                let on = inside(d, 0.0012);
                let mut thread = Surface::matt(*colour, 0.7);
                thread.scale(
                    1.0 + 0.25 * noise::value(V2::new(along * 90.0, d * 400.0), self.seed ^ 7),
                );
                thread.height = HEIGHT * 2.2 + 0.5 * (-d).max(0.0);
                s.cover(&thread, on);
            }
            Some(Flaw::Chip(blob)) => {
                let d = blob.distance(p);
                let mut chip = Surface::metal([0.75, 0.74, 0.72], 0.28);
                chip.height = HEIGHT * 2.0
                    + 0.15 * noise::value((p - blob.centre) * 60.0, blob.seed) * blob.radius
                    + 0.5 * (-d).min(0.3 * blob.radius);
                s.cover(&chip, inside(d, 0.0015));
            }
            Some(Flaw::Yarn { .. }) | None => {}
        }
    }

    fn rearranged(&self) -> bool {
        matches!(self.flaw, Some(Flaw::Yarn { .. }))
    }

    fn light(&self) -> &Light {
        &self.light
    }

    fn camera(&self) -> &Camera {
        &self.camera
    }
}
