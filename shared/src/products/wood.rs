//! Oak board: growth rings cut lengthwise, fibres and pores, a satin finish.

use super::camera::Camera;
use super::defect_shapes::{Blob, Crack, Stroke};
use super::draw::Draw;
use super::light::Light;
use super::material::{Rgb, Surface, blend};
use super::noise;
use super::plane::{Pose, V2, Whole, inside, mix, rounded_box, step};
use super::stage::Scene;

pub(super) const DEFECTS: &[&str] = &["scratch", "hole", "stain", "dent", "crack", "wrong_grain"];

const EARLY: Rgb = [0.56, 0.345, 0.165];
const LATE: Rgb = [0.30, 0.145, 0.055];

enum Flaw {
    Scratch {
        stroke: Stroke,
        contrast: f32,
    },
    Hole(Blob),
    Stain {
        blob: Blob,
        strength: f32,
    },
    Dent(Blob),
    Crack(Crack),
    /// A let-in repair whose grain runs the other way.
    Patch {
        pose: Pose,
        half: V2,
    },
}

pub(super) struct Wood {
    light: Light,
    camera: Camera,
    pose: Pose,
    pith: V2,
    slant: f32,
    tone: f32,
    seed: u32,
    flaw: Option<Flaw>,
}

impl Wood {
    pub(super) fn new(draw: &mut Draw, defect: Option<(&str, &mut Draw)>) -> Self {
        let light = Light::new(draw, -1.9, 0.95, 0.004);
        let camera = Camera::new(draw, 1.0);
        let pose = Pose::new(
            V2::new(draw.unit(), draw.unit()),
            draw.around(0.05),
            1.0 + draw.around(0.02),
        );
        let wood = Self {
            light,
            camera,
            pose,
            pith: V2::new(draw.range(-0.35, 0.35), draw.range(0.12, 0.26)),
            slant: draw.sign() * draw.range(0.10, 0.30),
            tone: 1.0 + draw.around(0.07),
            seed: draw.word(),
            flaw: None,
        };
        match defect {
            None => wood,
            Some((name, damage)) => Self {
                flaw: Some(damaged(name, damage)),
                ..wood
            },
        }
    }

    fn grain(&self, q: V2, seed: u32) -> Surface {
        // The board is a plane through a cone of rings: distance from the pith.
        let bend = noise::octaves(V2::new(q.x * 1.3, q.y * 3.5), 3, seed);
        let y = q.y - self.pith.x + 0.065 * bend;
        let z =
            self.pith.y + self.slant * q.x + 0.03 * noise::value(V2::new(q.x * 2.0, 0.0), seed ^ 1);
        let rings = (y * y + z * z).sqrt() * 26.0
            + 0.24 * noise::octaves(V2::new(q.x * 3.0, q.y * 22.0), 2, seed ^ 2);
        let ring = rings.whole();
        let t = rings - ring;
        // Earlywood darkens slowly to latewood, then starts afresh.
        let late = step(0.15, 0.86, t) * (1.0 - step(0.88, 1.0, t));
        let vigour = 0.55 + 0.45 * noise::hash_unit(ring as i32, 0, seed ^ 3);
        let fibre = noise::octaves(V2::new(q.x * 7.0, q.y * 150.0), 2, seed ^ 4);
        let pores = noise::value(V2::new(q.x * 16.0, q.y * 190.0), seed ^ 5);
        let pore = step(0.45, 0.8, pores) * (1.0 - 0.6 * late);
        let ray = noise::octaves(V2::new(q.x * 2.0, q.y * 9.0), 2, seed ^ 6);
        let mut s = Surface::matt(blend(EARLY, LATE, late * vigour * 0.85), 0.42);
        s.scale(self.tone * (1.0 + 0.17 * fibre + 0.07 * ray) * (1.0 - 0.42 * pore));
        s.height = 0.00045 * fibre - 0.0010 * pore;
        s.coat = 0.25;
        s.coat_height = 0.4 * s.height;
        s
    }
}

fn damaged(name: &str, draw: &mut Draw) -> Flaw {
    let at = V2::new(draw.range(0.2, 0.8), draw.range(0.2, 0.8));
    let grade = draw.unit();
    let extent = draw.unit();
    match name {
        "scratch" => {
            let angle = draw.sign() * draw.range(0.35, 1.5);
            Flaw::Scratch {
                stroke: Stroke::centred(
                    draw,
                    at,
                    angle,
                    mix(0.15, 0.5, extent),
                    0.07,
                    mix(0.0026, 0.0044, grade),
                ),
                contrast: mix(0.30, 0.75, grade),
            }
        }
        "hole" => Flaw::Hole(Blob::new(draw, at, mix(0.014, 0.036, grade), 0.12)),
        "stain" => Flaw::Stain {
            blob: Blob::new(draw, at, mix(0.05, 0.13, extent), 0.45),
            strength: mix(0.30, 0.7, grade),
        },
        "dent" => Flaw::Dent(Blob::new(draw, at, mix(0.028, 0.07, grade), 0.15)),
        "crack" => {
            let angle = draw.around(0.18);
            let start = V2::new(draw.range(0.1, 0.4), at.y);
            Flaw::Crack(Crack::new(
                draw,
                start,
                angle,
                mix(0.22, 0.5, grade),
                mix(0.0028, 0.0055, grade),
            ))
        }
        _ => Flaw::Patch {
            pose: Pose::new(at, draw.sign() * draw.range(1.0, 1.57), 1.0),
            half: V2::new(mix(0.05, 0.11, grade), mix(0.04, 0.08, extent)),
        },
    }
}

impl Scene for Wood {
    fn surface(&self, p: V2) -> Surface {
        let q = self.pose.to_part(p);
        if let Some(Flaw::Patch { pose, half }) = &self.flaw {
            let local = pose.to_part(p);
            let d = rounded_box(local, *half, 0.006);
            if d < 0.0 {
                let mut s = self.grain(local + V2::new(3.7, 0.1), self.seed ^ 77);
                s.scale(1.0 - 0.35 * inside(d.abs() - 0.0012, 0.0012));
                s.changed = true;
                return s;
            }
        }
        self.grain(q, self.seed)
    }

    fn damage(&self, p: V2, s: &mut Surface) {
        match &self.flaw {
            Some(Flaw::Scratch { stroke, contrast }) => {
                let (d, along) = stroke.distance(p);
                let on = inside(d, 0.0016)
                    * (0.75 + 0.25 * noise::value(V2::new(along * 40.0, 0.0), self.seed ^ 20));
                s.tint([0.80, 0.62, 0.42], contrast * on);
                s.height -= 0.0030 * on * contrast;
                s.coat *= 1.0 - on;
            }
            Some(Flaw::Hole(blob)) => {
                let d = blob.distance(p);
                let open = inside(d, 0.002);
                let mut floor = Surface::matt([0.025, 0.012, 0.006], 0.9);
                floor.height = -0.03;
                s.tint([0.10, 0.05, 0.02], 0.55 * inside(d - 0.003, 0.004));
                s.cover(&floor, open);
            }
            Some(Flaw::Stain { blob, strength }) => {
                let d = blob.distance(p);
                let ring = inside((d + 0.005).abs() - 0.004, 0.004);
                s.tint(
                    [0.05, 0.022, 0.012],
                    (strength * (inside(d, 0.012) * 0.8 + 0.3 * ring)).min(0.9),
                );
            }
            Some(Flaw::Dent(blob)) => {
                let t = (1.0 + blob.distance(p) / blob.radius).max(0.0);
                let bowl = (1.0 - t * t).max(0.0);
                s.height -= 0.36 * blob.radius * bowl * bowl;
                s.coat_height -= 0.36 * blob.radius * bowl * bowl;
                s.scale(1.0 - 0.22 * bowl);
            }
            Some(Flaw::Crack(crack)) => {
                let open = inside(crack.distance(p), 0.0014);
                let mut gap = Surface::matt([0.02, 0.009, 0.004], 0.9);
                gap.height = -0.012;
                s.cover(&gap, open);
            }
            Some(Flaw::Patch { .. }) | None => {}
        }
    }

    fn rearranged(&self) -> bool {
        matches!(self.flaw, Some(Flaw::Patch { .. }))
    }

    fn light(&self) -> &Light {
        &self.light
    }

    fn camera(&self) -> &Camera {
        &self.camera
    }
}
