//! Amber glass bottle seen from above on a light table, a white liner in its mouth.

use super::camera::Camera;
use super::defect_shapes::{Blob, Crack, Stroke};
use super::draw::Draw;
use super::light::Light;
use super::material::{Rgb, Surface, scaled};
use super::noise;
use super::plane::{Pose, V2, inside, mix, step};
use super::stage::Scene;

pub(super) const DEFECTS: &[&str] = &[
    "chipped_lip",
    "crack",
    "fibre",
    "bubble",
    "scuff",
    "residue",
    "missing_liner",
    "shifted_liner",
];

const BODY: f32 = 0.425;
const NECK: f32 = 0.285;
const LIP: f32 = 0.232;
const MOUTH: f32 = 0.150;
/// Middle radius and half width of the liner.
const LINER: (f32, f32) = (0.191, 0.021);
const AMBER: Rgb = [0.56, 0.145, 0.010];

enum Flaw {
    Chip(Blob),
    Crack(Crack),
    Fibre(Stroke, Rgb),
    Bubble(Blob),
    Scuff { stroke: Stroke, contrast: f32 },
    Residue { blob: Blob, strength: f32 },
    NoLiner,
    Shifted(V2),
}

pub(super) struct Bottle {
    light: Light,
    camera: Camera,
    pose: Pose,
    tilt: V2,
    tone: f32,
    seed: u32,
    flaw: Option<Flaw>,
}

impl Bottle {
    pub(super) fn new(draw: &mut Draw, defect: Option<(&str, &mut Draw)>) -> Self {
        let light = Light::new(draw, -2.3, 1.0, 0.0).with_studio(0.45);
        let camera = Camera::new(draw, 0.95);
        let centre = V2::new(0.5 + draw.around(0.012), 0.5 + draw.around(0.012));
        let pose = Pose::new(centre, draw.angle(), 1.0 + draw.around(0.012));
        let bottle = Self {
            light,
            camera,
            pose,
            // Perspective and a table not quite level: the mouth lies a little off the body.
            tilt: V2::new(draw.around(0.007), draw.around(0.007)),
            tone: 1.0 + draw.around(0.08),
            seed: draw.word(),
            flaw: None,
        };
        match defect {
            None => bottle,
            Some((name, damage)) => Self {
                flaw: Some(damaged(name, damage)),
                ..bottle
            },
        }
    }

    fn table(&self, p: V2, r: f32) -> Surface {
        let mut s = Surface::matt([0.30, 0.30, 0.30], 0.9);
        let even = 1.0 + 0.012 * noise::octaves(p * 4.0, 2, self.seed ^ 40);
        let shade = mix(0.72, 1.0, step(BODY, BODY + 0.05, r));
        s.glow = scaled([0.50, 0.51, 0.52], even * shade);
        s.albedo = scaled(s.albedo, shade);
        s
    }

    /// Glass at radius `r`: `through` is how much of the table's light it lets pass.
    fn glass(&self, r: f32, q: V2) -> Surface {
        let mut s = Surface::matt(scaled(AMBER, 0.05), 0.14);
        let flow = noise::octaves(q * 5.0, 2, self.seed ^ 41);
        // Body wall dark at its rim, a bright band on the shoulder, dark again under the neck.
        let band = |at: f32, width: f32| {
            let t = (r - at) / width;
            1.0 / (1.0 + t * t * t * t)
        };
        let through = if r > NECK {
            0.012 + 0.60 * band(0.378, 0.022) + 0.20 * band(0.322, 0.009)
        } else {
            0.010 + 0.42 * band(0.262, 0.007) + 0.10 * band(LIP, 0.008)
        };
        s.glow = scaled(AMBER, self.tone * through * (1.0 + 0.25 * flow));
        // The soft box and its counterpart, bent to arcs by the round glass.
        let facing = self.pose.turned(q).dot(V2::at_angle(-2.3)) / r;
        let arc = step(0.72, 0.90, facing) * (0.62 * band(0.345, 0.011) + 0.5 * band(0.247, 0.005))
            + step(0.80, 0.94, -facing) * (0.20 * band(0.400, 0.007) + 0.25 * band(0.272, 0.004));
        s.glow = [
            s.glow[0] + arc,
            s.glow[1] + 0.97 * arc,
            s.glow[2] + 0.90 * arc,
        ];
        s.height = profile(r) + 0.0012 * flow;
        s.coat = 1.0;
        s.coat_height = s.height;
        s
    }

    /// Down the neck: dark wall, then the bottom, lit through from the table.
    fn inside(&self, q: V2, r: f32) -> Surface {
        let low = (q + self.tilt * 2.5).length();
        let floor = inside(low - 0.098, 0.010);
        let ring = 1.0 - step(0.0, 0.010, (low - 0.096).abs());
        let push = step(0.02, 0.075, low);
        let swirl = noise::octaves(q * 14.0, 2, self.seed ^ 42);
        let light = 0.015 + floor * mix(0.80, 0.34, push) + 0.30 * ring;
        let mut s = Surface::matt([0.02, 0.008, 0.003], 0.5);
        s.glow = scaled(AMBER, self.tone * light * (1.0 + 0.08 * swirl));
        // A paler heart, where the glass is thin.
        let pale = floor * (1.0 - push) * 0.16;
        s.glow = [
            s.glow[0] + pale,
            s.glow[1] + 0.8 * pale,
            s.glow[2] + 0.4 * pale,
        ];
        s.height = profile(r.min(MOUTH));
        s
    }
}

/// Height of the glass over the radius: shoulder, neck bead, lip.
fn profile(r: f32) -> f32 {
    if r > NECK {
        let t = ((r - NECK) / (BODY - NECK)).min(1.0);
        0.12 * (1.0 - t * t).max(0.0).sqrt()
    } else if r > LIP {
        // The bead that a crown cork grips.
        let t = (r - 0.5 * (NECK + LIP)) / (0.5 * (NECK - LIP));
        0.14 + 0.030 * (1.0 - t * t).max(0.0).sqrt()
    } else {
        let t = (r - 0.5 * (LIP + MOUTH)) / (0.5 * (LIP - MOUTH));
        0.17 + 0.022 * (1.0 - t * t).max(0.0).sqrt()
    }
}

fn damaged(name: &str, draw: &mut Draw) -> Flaw {
    let grade = draw.unit();
    let extent = draw.unit();
    let way = V2::at_angle(draw.angle());
    match name {
        "chipped_lip" => {
            let at = way * draw.range(0.222, 0.262);
            Flaw::Chip(Blob::new(draw, at, mix(0.022, 0.060, grade), 0.5))
        }
        "crack" => {
            let at = way * draw.range(0.28, 0.34);
            let angle = draw.angle();
            Flaw::Crack(Crack::new(
                draw,
                at,
                angle,
                mix(0.10, 0.24, grade),
                mix(0.0024, 0.0045, grade),
            ))
        }
        "fibre" => {
            let at = way * draw.range(0.0, 0.07);
            let colour = [[0.75, 0.74, 0.70], [0.02, 0.015, 0.01]][draw.index(2) as usize];
            let angle = draw.angle();
            Flaw::Fibre(
                Stroke::centred(
                    draw,
                    at,
                    angle,
                    mix(0.07, 0.17, grade),
                    0.6,
                    mix(0.0028, 0.0045, grade),
                ),
                colour,
            )
        }
        "bubble" => {
            let at = way * draw.range(0.31, 0.395);
            Flaw::Bubble(Blob::new(draw, at, mix(0.012, 0.024, grade), 0.08))
        }
        "scuff" => {
            let radius = draw.range(0.335, 0.40);
            let start = draw.angle();
            let sweep = mix(0.35, 1.1, extent);
            let points = (0..=12)
                .map(|i| {
                    V2::at_angle(start + sweep * i as f32 / 12.0) * (radius + draw.around(0.0025))
                })
                .collect();
            Flaw::Scuff {
                stroke: Stroke::through(points, mix(0.0040, 0.0070, grade)),
                contrast: mix(0.50, 0.9, grade),
            }
        }
        "residue" => {
            let at = way * draw.range(0.0, 0.05);
            Flaw::Residue {
                blob: Blob::new(draw, at, mix(0.028, 0.062, grade), 0.5),
                strength: mix(0.5, 0.95, extent),
            }
        }
        "missing_liner" => Flaw::NoLiner,
        _ => Flaw::Shifted(way * mix(0.014, 0.030, grade)),
    }
}

impl Scene for Bottle {
    fn surface(&self, p: V2) -> Surface {
        let q = self.pose.to_part(p);
        let body = q.length();
        let m = q - self.tilt;
        let mouth = m.length();
        let mut s = self.table(p, body);
        if body < BODY + 0.004 {
            let r = if mouth < NECK {
                mouth
            } else {
                body.max(NECK + 1e-4)
            };
            let glass = if r < MOUTH {
                self.inside(m, r)
            } else {
                self.glass(r, q)
            };
            s.cover(&glass, inside(body - BODY, 0.003));
        }
        let shift = if let Some(Flaw::Shifted(shift)) = &self.flaw {
            *shift
        } else {
            V2::default()
        };
        let liner = ((m - shift).length() - LINER.0).abs() - LINER.1;
        if liner < 0.003 {
            if matches!(self.flaw, Some(Flaw::NoLiner)) {
                s.changed |= liner < 0.0;
            } else {
                let mut rubber = Surface::matt([0.62, 0.61, 0.57], 0.55);
                rubber.scale(1.0 + 0.025 * noise::octaves(m * 40.0, 2, self.seed ^ 43));
                rubber.height = 0.200
                    + 0.010 * (1.0 - (liner / LINER.1 + 1.0) * (liner / LINER.1 + 1.0)).max(0.0);
                s.cover(&rubber, inside(liner, 0.0022));
            }
        }
        s
    }

    fn damage(&self, p: V2, s: &mut Surface) {
        let q = self.pose.to_part(p);
        let m = q - self.tilt;
        let (body, mouth) = (q.length(), m.length());
        let liner = (mouth - LINER.0).abs() - LINER.1;
        match &self.flaw {
            Some(Flaw::Chip(blob)) if (MOUTH..NECK + 0.01).contains(&mouth) && liner > -0.002 => {
                let d = blob.distance(m);
                let on = inside(d, 0.002);
                let facet =
                    noise::octaves((m - blob.centre) * (1.5 / blob.radius), 2, blob.seed ^ 1);
                s.height += on * (0.02 * facet - 0.012);
                s.coat_height += on * (0.02 * facet - 0.012);
                let shell = step(0.0, 0.5, facet);
                s.glow = [
                    mix(s.glow[0], 0.10 + 0.75 * shell, on),
                    mix(s.glow[1], 0.06 + 0.52 * shell, on),
                    mix(s.glow[2], 0.04 + 0.28 * shell, on),
                ];
            }
            Some(Flaw::Crack(crack)) if body < BODY && mouth > MOUTH => {
                let open = inside(crack.distance(q), 0.0013);
                let glint = 0.5 + 0.5 * noise::value(q * 25.0, self.seed ^ 44);
                s.glow = [
                    s.glow[0] + 0.75 * glint * open,
                    s.glow[1] + 0.62 * glint * open,
                    s.glow[2] + 0.45 * glint * open,
                ];
                s.height -= 0.006 * open;
                s.coat_height -= 0.006 * open;
            }
            Some(Flaw::Fibre(stroke, colour)) => {
                let (d, _) = stroke.distance(m);
                let on = inside(d, 0.0012);
                s.tint(*colour, on);
                s.glow = scaled(s.glow, 1.0 - on);
            }
            Some(Flaw::Bubble(blob)) => {
                let d = blob.distance(q);
                let rim = inside((d + 0.0025).abs() - 0.0018, 0.0018);
                let heart = inside(d + 0.005, 0.003);
                s.glow = [
                    s.glow[0] * (1.0 - 0.85 * rim) + 0.30 * heart,
                    s.glow[1] * (1.0 - 0.85 * rim) + 0.22 * heart,
                    s.glow[2] * (1.0 - 0.85 * rim) + 0.10 * heart,
                ];
                let cap = (1.0 - (1.0 + d / blob.radius).max(0.0)).max(0.0);
                s.coat_height += 0.5 * blob.radius * cap;
            }
            Some(Flaw::Scuff { stroke, contrast }) => {
                let (d, along) = stroke.distance(q);
                let grit =
                    0.5 + 0.5 * noise::value(V2::new(along * 70.0, d * 300.0), self.seed ^ 45);
                let on = contrast * inside(d, 0.0018) * grit;
                s.tint([0.62, 0.60, 0.56], 0.55 * on);
                s.coat *= 1.0 - 0.7 * on;
            }
            Some(Flaw::Residue { blob, strength }) if mouth < MOUTH => {
                let grains = noise::octaves(m * 55.0, 3, blob.seed ^ 1);
                let on = strength * inside(blob.distance(m) + 0.012 * grains, 0.006);
                s.glow = scaled(s.glow, 1.0 - 0.88 * on);
                s.tint([0.10, 0.075, 0.045], on);
            }
            _ => {}
        }
    }

    fn rearranged(&self) -> bool {
        matches!(self.flaw, Some(Flaw::NoLiner | Flaw::Shifted(_)))
    }

    fn light(&self) -> &Light {
        &self.light
    }

    fn camera(&self) -> &Camera {
        &self.camera
    }
}
