//! Flanged hexagon nut, zinc plated, in its fixture on a conveyor belt.

use super::camera::Camera;
use super::defect_shapes::{Blob, Stroke};
use super::draw::Draw;
use super::lettering;
use super::light::Light;
use super::material::Surface;
use super::noise;
use super::plane::{Pose, V2, Whole, hexagon, inside, mix, step};
use super::stage::Scene;

pub(super) const DEFECTS: &[&str] = &[
    "scratch",
    "nick",
    "rust",
    "swarf",
    "stripped_thread",
    "missing_mark",
    "turned",
];

const FLANGE: f32 = 0.405;
const APOTHEM: f32 = 0.305;
const TOP: f32 = 0.13;
const FLANGE_TOP: f32 = 0.022;
/// Where the countersink begins, where the thread begins, and its crest.
const MOUTH: f32 = 0.172;
const BORE: f32 = 0.150;
const CREST: f32 = 0.118;

enum Flaw {
    Scratch {
        stroke: Stroke,
        contrast: f32,
    },
    Nick(Blob),
    Rust(Blob),
    Swarf(Stroke),
    /// The thread is gone: a smooth bore.
    Stripped,
    /// The grade mark was not stamped.
    Unmarked,
    /// It sits turned in its fixture, by so many radians.
    Turned(f32),
}

pub(super) struct HexNut {
    light: Light,
    camera: Camera,
    pose: Pose,
    hex: Pose,
    tone: f32,
    seed: u32,
    flaw: Option<Flaw>,
}

impl HexNut {
    pub(super) fn new(draw: &mut Draw, defect: Option<(&str, &mut Draw)>) -> Self {
        let light = Light::new(draw, -2.1, 0.92, TOP).with_studio(0.85);
        let camera = Camera::new(draw, 0.88);
        let centre = V2::new(0.5 + draw.around(0.014), 0.5 + draw.around(0.014));
        let angle = draw.around(0.05);
        let pose = Pose::new(centre, angle, 1.0 + draw.around(0.012));
        let tone = 1.0 + draw.around(0.05);
        let seed = draw.word();
        let flaw = defect.map(|(name, damage)| damaged(name, damage));
        let turn = if let Some(Flaw::Turned(turn)) = &flaw {
            *turn
        } else {
            0.0
        };
        Self {
            light,
            camera,
            pose,
            hex: Pose::new(V2::default(), turn, 1.0),
            tone,
            seed,
            flaw,
        }
    }

    fn belt(&self, p: V2) -> Surface {
        let (a, b) = ((p.x + p.y) * 62.0, (p.x - p.y) * 62.0);
        let rib = (a - a.whole() - 0.5).abs() + (b - b.whole() - 0.5).abs();
        let grime = noise::octaves(p * 6.0, 3, self.seed ^ 40);
        let grit = noise::value(p * 130.0, self.seed ^ 41);
        let mut s = Surface::matt([0.030, 0.060, 0.072], 0.75);
        s.scale(1.0 + 0.10 * grime + 0.14 * grit + 0.35 * (rib - 0.5));
        s.height = 0.0016 * rib;
        s
    }

    fn zinc(&self, p: V2) -> Surface {
        let mut s = Surface::metal([0.66, 0.665, 0.65], 0.36);
        s.scale(self.tone * (1.0 + 0.05 * noise::octaves(p * 22.0, 3, self.seed ^ 42)));
        s
    }

    /// The nut about its own centre; `None` where the belt shows.
    fn nut(&self, q: V2) -> Option<Surface> {
        if !on_nut(q) {
            return None;
        }
        let r = q.length();
        let turned = self.hex.to_part(q);
        let d = hexagon(turned, APOTHEM);
        let lathe = noise::value(V2::new(r * 240.0, 0.5), self.seed ^ 43);
        let mut s = self.zinc(turned);
        if r < BORE {
            // Looking down the thread: crests pass as rings, darker with depth.
            let depth = (BORE - r) / (BORE - CREST);
            let turns = depth * 3.0 + 0.16 * libm::atan2f(q.y, q.x);
            let stripped = matches!(self.flaw, Some(Flaw::Stripped));
            let tooth = if stripped {
                0.35
            } else {
                1.0 - 2.0 * (turns - turns.whole() - 0.5).abs()
            };
            s.height =
                TOP - (MOUTH - BORE) - 0.035 * depth + if stripped { 0.0 } else { 0.010 * tooth };
            s.scale(mix(0.75, 0.30, depth) * (0.35 + 0.85 * tooth));
            s.changed = stripped;
            return Some(s);
        }
        let flange = (FLANGE_TOP).min((FLANGE - r) * 1.2) - 0.012 * step(0.33, FLANGE, r);
        // Flanks, the cone that cuts the corners off, the flat top, the countersink.
        let flank = FLANGE_TOP + (-d) * 7.0;
        let cone = TOP - (r - 0.292).max(0.0) * 0.85;
        let sink = TOP - (MOUTH - r).max(0.0) * 1.0;
        let body = flank.min(cone).min(sink).min(TOP);
        s.height = flange.max(if d < 0.0 { body } else { 0.0 });
        let machined = d < 0.0 && r < 0.292;
        if machined {
            s.scale(1.0 + 0.09 * lathe);
            s.height += 0.00010 * lathe;
            s.roughness = 0.30;
        }
        if d < 0.0 && (0.18..0.29).contains(&r) {
            self.stamp(&mut s, turned);
        }
        Some(s)
    }

    /// The grade, stamped into the face above the bore, and two dots below it.
    fn stamp(&self, s: &mut Surface, q: V2) {
        const SIZE: f32 = 0.062;
        let left = -0.5 * lettering::width("M8", SIZE);
        let text = lettering::printed(q - V2::new(left, -0.266), "M8", SIZE);
        let dots = V2::new(q.x.abs() - 0.026, q.y - 0.238).length() < 0.015;
        if text || dots {
            if matches!(self.flaw, Some(Flaw::Unmarked)) {
                s.changed = true;
            } else {
                s.height -= 0.007;
                s.scale(0.42);
            }
        }
    }
}

/// Whether metal is seen at `q`, rather than the belt beside it or through the bore.
fn on_nut(q: V2) -> bool {
    (CREST - 0.001..FLANGE).contains(&q.length())
}

fn damaged(name: &str, draw: &mut Draw) -> Flaw {
    let grade = draw.unit();
    let extent = draw.unit();
    let around = draw.angle();
    match name {
        "scratch" => {
            let at = V2::at_angle(around) * draw.range(0.215, 0.27);
            let angle = draw.angle();
            Flaw::Scratch {
                stroke: Stroke::centred(
                    draw,
                    at,
                    angle,
                    mix(0.10, 0.26, extent),
                    0.06,
                    mix(0.0026, 0.0044, grade),
                ),
                contrast: mix(0.4, 1.0, grade),
            }
        }
        "nick" => {
            // At one of the six corners of the hexagon, which the flats up and down puts at 0°, 60°, …
            let corner = draw.index(6) as f32 * core::f32::consts::FRAC_PI_3;
            let at = V2::at_angle(corner + draw.around(0.12)) * draw.range(0.315, 0.335);
            Flaw::Nick(Blob::new(draw, at, mix(0.022, 0.046, grade), 0.4))
        }
        "rust" => {
            let at = V2::at_angle(around) * draw.range(0.2, 0.36);
            Flaw::Rust(Blob::new(draw, at, mix(0.028, 0.085, grade), 0.7))
        }
        "swarf" => {
            let at = V2::at_angle(around) * draw.range(0.08, 0.26);
            let angle = draw.angle();
            Flaw::Swarf(Stroke::new(
                draw,
                at,
                angle,
                mix(0.12, 0.28, grade),
                0.95,
                mix(0.0045, 0.0075, grade),
            ))
        }
        "stripped_thread" => Flaw::Stripped,
        "missing_mark" => Flaw::Unmarked,
        _ => Flaw::Turned(draw.sign() * mix(0.18, 0.5, grade)),
    }
}

impl Scene for HexNut {
    fn surface(&self, p: V2) -> Surface {
        let q = self.pose.to_part(p);
        let mut s = self.nut(q).unwrap_or_else(|| self.belt(p));
        if q.length() < CREST {
            s.scale(0.45);
        }
        s
    }

    fn damage(&self, p: V2, s: &mut Surface) {
        let q = self.pose.to_part(p);
        let on_nut = on_nut(q);
        match &self.flaw {
            Some(Flaw::Scratch { stroke, contrast }) if on_nut => {
                let (d, _) = stroke.distance(q);
                let on = inside(d, 0.0014);
                s.tint([1.0, 1.0, 1.0], 0.6 * contrast * on);
                s.height -= 0.003 * contrast * on;
                s.scale(1.0 - 0.45 * contrast * inside((d - 0.003).abs() - 0.001, 0.0012));
            }
            Some(Flaw::Nick(blob)) if on_nut => {
                let d = blob.distance(q);
                let on = inside(d, 0.003);
                let facet = noise::value((q - blob.centre) * (1.4 / blob.radius), blob.seed ^ 1);
                s.height -=
                    on * (0.012 + 0.9 * (-d).max(0.0)).min(0.6 * (s.height - FLANGE_TOP).max(0.0));
                let mut bare = Surface::metal([0.80, 0.80, 0.80], 0.5);
                bare.scale(0.75 + 0.35 * facet);
                s.blend(&bare, 0.85 * on);
            }
            Some(Flaw::Rust(blob)) if on_nut => {
                let speckle = noise::octaves(q * 60.0, 3, blob.seed ^ 1);
                let d = blob.distance(q) + 0.35 * blob.radius * speckle;
                let mut rust = Surface::matt([0.30, 0.095, 0.028], 0.95);
                rust.scale(1.0 + 0.5 * noise::octaves(q * 45.0, 3, blob.seed ^ 2));
                s.blend(&rust, 0.92 * inside(d, 0.006));
                s.height += 0.002 * speckle * inside(d, 0.006);
            }
            Some(Flaw::Swarf(stroke)) => {
                let (d, along) = stroke.distance(q);
                let mut curl = Surface::metal([0.85, 0.80, 0.70], 0.22);
                let twist = noise::value(V2::new(along * 16.0, 0.0), self.seed ^ 44);
                curl.scale(0.85 + 0.3 * twist);
                curl.height = s.height.max(TOP) + 0.012 + 0.7 * (-d).max(0.0) + 0.004 * twist;
                s.cover(&curl, inside(d, 0.0012));
            }
            _ => {}
        }
    }

    fn rearranged(&self) -> bool {
        matches!(
            self.flaw,
            Some(Flaw::Stripped | Flaw::Unmarked | Flaw::Turned(_))
        )
    }

    fn light(&self) -> &Light {
        &self.light
    }

    fn camera(&self) -> &Camera {
        &self.camera
    }
}
