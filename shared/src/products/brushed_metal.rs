//! Brushed steel sheet: fine parallel grooves and the broad band of light they draw.

use super::camera::Camera;
use super::defect_shapes::{Blob, Stroke};
use super::draw::Draw;
use super::light::Light;
use super::material::Surface;
use super::noise;
use super::plane::{Pose, V2, Whole, inside, mix, rounded_box, step};
use super::stage::Scene;

pub(super) const DEFECTS: &[&str] = &[
    "scratch",
    "dent",
    "rust",
    "fingerprint",
    "oil",
    "wrong_brush",
];

enum Flaw {
    Scratch {
        stroke: Stroke,
        contrast: f32,
    },
    Dent(Blob),
    Rust(Blob),
    Fingerprint {
        pose: Pose,
        size: f32,
        contrast: f32,
        seed: u32,
    },
    Oil {
        blob: Blob,
        strength: f32,
    },
    /// A patch brushed across the grain.
    Brush {
        pose: Pose,
        half: V2,
    },
}

pub(super) struct BrushedMetal {
    light: Light,
    camera: Camera,
    pose: Pose,
    band: f32,
    tone: f32,
    seed: u32,
    flaw: Option<Flaw>,
}

impl BrushedMetal {
    pub(super) fn new(draw: &mut Draw, defect: Option<(&str, &mut Draw)>) -> Self {
        let light = Light::new(draw, -1.9, 0.9, 0.012);
        let camera = Camera::new(draw, 0.92);
        let pose = Pose::new(V2::new(draw.unit(), draw.unit()), draw.around(0.03), 1.0);
        let metal = Self {
            light,
            camera,
            pose,
            band: draw.range(0.38, 0.62),
            tone: 1.0 + draw.around(0.05),
            seed: draw.word(),
            flaw: None,
        };
        match defect {
            None => metal,
            Some((name, damage)) => Self {
                flaw: Some(damaged(name, damage)),
                ..metal
            },
        }
    }

    /// How much of the lamp's band falls on `p`.
    fn band_at(&self, p: V2) -> f32 {
        let x = (p.x - self.band + 0.05 * (p.y - 0.5)) / 0.36;
        1.0 / (1.0 + x * x)
    }

    /// `q`: along and across the grooves; `band`: how much of the lamp's band falls here.
    fn brushed(&self, q: V2, band: f32, seed: u32) -> Surface {
        let coarse = noise::octaves(V2::new(q.x * 1.6, q.y * 70.0), 2, seed);
        let fine = noise::value(V2::new(q.x * 4.0, q.y * 240.0), seed ^ 1);
        let nick = step(
            0.80,
            0.98,
            noise::value(V2::new(q.x * 9.0, q.y * 200.0), seed ^ 2),
        );
        let cloud = noise::octaves(V2::new(q.x * 1.5, q.y * 4.0), 2, seed ^ 3);
        let mut s = Surface::metal([0.50, 0.515, 0.535], 0.42);
        s.scale(
            self.tone
                * (0.62 + 0.62 * band)
                * (1.0 + 0.13 * coarse + 0.13 * fine + 0.12 * nick + 0.03 * cloud),
        );
        s.height = 0.00016 * coarse + 0.00012 * fine;
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
                    0.06,
                    mix(0.0028, 0.0045, grade),
                ),
                contrast: mix(0.50, 1.0, grade),
            }
        }
        "dent" => Flaw::Dent(Blob::new(draw, at, mix(0.03, 0.08, grade), 0.12)),
        "rust" => Flaw::Rust(Blob::new(draw, at, mix(0.03, 0.09, grade), 0.7)),
        "fingerprint" => Flaw::Fingerprint {
            pose: Pose::new(at, draw.around(0.9), 1.0),
            size: draw.range(0.07, 0.11),
            contrast: mix(0.22, 0.5, grade),
            seed: draw.word(),
        },
        "oil" => Flaw::Oil {
            blob: Blob::new(draw, at, mix(0.04, 0.11, extent), 0.3),
            strength: mix(0.35, 0.8, grade),
        },
        _ => Flaw::Brush {
            pose: Pose::new(at, draw.sign() * draw.range(0.8, 1.57), 1.0),
            half: V2::new(mix(0.06, 0.13, grade), mix(0.05, 0.09, extent)),
        },
    }
}

impl Scene for BrushedMetal {
    fn surface(&self, p: V2) -> Surface {
        let q = self.pose.to_part(p);
        let band = self.band_at(p);
        self.brushed(q, band, self.seed)
    }

    fn damage(&self, p: V2, s: &mut Surface) {
        match &self.flaw {
            Some(Flaw::Scratch { stroke, contrast }) => {
                let (d, along) = stroke.distance(p);
                let on = inside(d, 0.0014)
                    * (0.8 + 0.2 * noise::value(V2::new(along * 30.0, 0.0), self.seed ^ 20));
                s.tint([1.05, 1.05, 1.05], 0.55 * contrast * on);
                s.height -= 0.0022 * contrast * on;
                // The burr beside it lies in shade.
                let burr = inside((d - 0.003).abs() - 0.001, 0.0012);
                s.scale(1.0 - 0.60 * contrast * burr);
            }
            Some(Flaw::Dent(blob)) => {
                let t = (1.0 + blob.distance(p) / blob.radius).max(0.0);
                let bowl = (1.0 - t * t).max(0.0);
                s.height -= 0.30 * blob.radius * bowl * bowl;
            }
            Some(Flaw::Rust(blob)) => {
                let speckle = noise::octaves(p * 70.0, 3, blob.seed ^ 1);
                let d = blob.distance(p) + 0.35 * blob.radius * speckle;
                let on = inside(d, 0.006);
                let mut rust = Surface::matt([0.26, 0.085, 0.025], 0.95);
                rust.scale(1.0 + 0.5 * noise::octaves(p * 45.0, 3, blob.seed ^ 2));
                rust.height = s.height + 0.002 * (1.0 + speckle);
                s.cover(&rust, 0.95 * on);
                s.tint(
                    [0.30, 0.14, 0.06],
                    0.30 * inside(blob.distance(p) - 0.01, 0.014) * (1.0 - on),
                );
            }
            Some(Flaw::Fingerprint {
                pose,
                size,
                contrast,
                seed,
            }) => {
                let f = pose.to_part(p) * (1.0 / size);
                let oval = V2::new(f.x * 1.25, f.y * 0.85).length();
                if oval < 1.1 {
                    // A whorl: rings about a point below the middle, bent by noise.
                    let core = V2::new(f.x * 1.2, f.y - 0.18).length()
                        + 0.16 * noise::octaves(f * 1.6, 2, *seed);
                    let phase = core * 6.5;
                    let t = phase - phase.whole();
                    let ridge = step(0.12, 0.35, t) * (1.0 - step(0.62, 0.88, t));
                    let press =
                        inside(oval - 0.88, 0.14) * (0.75 + 0.25 * noise::value(f * 3.0, seed ^ 1));
                    s.scale(1.0 - contrast * press * (0.25 + 0.75 * ridge));
                    s.roughness = mix(s.roughness, 0.7, 0.5 * press * ridge);
                }
            }
            Some(Flaw::Oil { blob, strength }) => {
                let d = blob.distance(p);
                let on = inside(d, 0.006);
                s.scale(1.0 - 0.62 * strength * on);
                s.tint([0.34, 0.24, 0.10], 0.38 * strength * on);
                s.coat = 0.6 * strength * on;
                s.coat_height = 0.012 * step(0.0, 1.6 * blob.radius, -d);
            }
            Some(Flaw::Brush { pose, half }) => {
                let local = pose.to_part(p);
                let d = rounded_box(local, *half, 0.03)
                    + 0.006 * noise::value(p * 40.0, self.seed ^ 30);
                if d < 0.004 {
                    let mut patch = self.brushed(
                        local + V2::new(9.0, 4.0),
                        0.55 * self.band_at(p) + 0.10,
                        self.seed ^ 31,
                    );
                    patch.changed = true;
                    s.cover(&patch, inside(d, 0.004));
                }
            }
            None => {}
        }
    }

    fn rearranged(&self) -> bool {
        false
    }

    fn light(&self) -> &Light {
        &self.light
    }

    fn camera(&self) -> &Camera {
        &self.camera
    }
}
