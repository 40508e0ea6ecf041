//! Small circuit board: traces under green solder mask, and its parts.

use super::camera::Camera;
use super::circuit_parts::{Kind, Part};
use super::circuit_tracks::{Tracks, VIAS};
use super::defect_shapes::{Blob, Stroke};
use super::draw::Draw;
use super::light::Light;
use super::material::{Rgb, Surface};
use super::noise;
use super::plane::{Pose, V2, inside, mix, rounded_box};
use super::stage::Scene;

pub(super) const DEFECTS: &[&str] = &[
    "missing_part",
    "swapped_parts",
    "turned_part",
    "skewed_part",
    "solder_bridge",
    "scratch",
    "burn",
    "flux",
];

const HALF: f32 = 0.455;
const MASK: Rgb = [0.012, 0.105, 0.048];
const COPPER: Rgb = [0.72, 0.36, 0.20];

enum Flaw {
    Parts,
    Bridge(Blob),
    Scratch { stroke: Stroke, contrast: f32 },
    Burn { blob: Blob, strength: f32 },
    Flux { blob: Blob, strength: f32 },
}

pub(super) struct CircuitBoard {
    light: Light,
    camera: Camera,
    pose: Pose,
    parts: Vec<Part>,
    tracks: Tracks,
    seed: u32,
    flaw: Option<Flaw>,
}

fn sound_parts() -> Vec<Part> {
    use Kind::{Can, Capacitor, Diode, Dual, Header, Led, Quad, Quartz, Resistor};
    vec![
        Part::new(Quad, -0.10, -0.02, 0),
        Part::new(Dual, 0.265, -0.085, 0),
        Part::new(Quartz, -0.10, -0.29, 0),
        Part::new(Can, 0.27, -0.29, 0),
        Part::new(Header, 0.0, 0.385, 0),
        Part::new(Resistor, -0.37, -0.07, 0),
        Part::new(Resistor, -0.37, -0.15, 0),
        Part::new(Capacitor, -0.37, -0.23, 0),
        Part::new(Led, -0.37, -0.33, 0),
        Part::new(Diode, 0.285, 0.09, 0),
        Part::new(Capacitor, 0.285, 0.17, 0),
        Part::new(Resistor, 0.285, 0.25, 0),
        Part::new(Capacitor, 0.105, 0.12, 1),
        Part::new(Resistor, -0.285, 0.16, 1),
        Part::new(Capacitor, 0.115, -0.21, 0),
        Part::new(Led, -0.285, 0.26, 1),
    ]
}

impl CircuitBoard {
    pub(super) fn new(draw: &mut Draw, defect: Option<(&str, &mut Draw)>) -> Self {
        let light = Light::new(draw, -2.2, 0.95, 0.05);
        let camera = Camera::new(draw, 1.1);
        let centre = V2::new(0.5 + draw.around(0.012), 0.5 + draw.around(0.012));
        let pose = Pose::new(centre, draw.around(0.03), 1.0 + draw.around(0.01));
        let seed = draw.word();
        // Placement is good to a hair, not perfect.
        let seats = sound_parts();
        let play: Vec<(V2, f32)> = seats
            .iter()
            .map(|_| {
                (
                    V2::new(draw.around(0.0016), draw.around(0.0016)),
                    draw.around(0.02),
                )
            })
            .collect();
        let mut parts: Vec<Part> = seats
            .iter()
            .zip(&play)
            .map(|(part, (shift, turn))| part.moved(*shift, *turn))
            .collect();
        let flaw = defect.map(|(name, damage)| damaged(name, damage, &mut parts, &play));
        Self {
            light,
            camera,
            pose,
            parts,
            tracks: Tracks::new(),
            seed,
            flaw,
        }
    }

    fn board(&self, q: V2) -> Surface {
        let weave = noise::value(V2::new(q.x * 75.0, q.y * 75.0), self.seed ^ 40);
        let tone = noise::octaves(q * 4.0, 2, self.seed ^ 41);
        let mut s = Surface::matt(MASK, 0.30);
        s.scale(1.0 + 0.05 * weave + 0.06 * tone);
        let track = self.tracks.distance(q);
        let copper = inside(track, 0.0018);
        s.tint([0.035, 0.235, 0.095], copper);
        s.height = 0.0013 * copper;
        for (x, y) in VIAS {
            let d = q - V2::new(*x, *y);
            if d.x.abs() < 0.016 && d.y.abs() < 0.016 {
                let r = d.length();
                let mut ring = Surface::metal([0.70, 0.60, 0.38], 0.32);
                ring.height = 0.002;
                s.cover(&ring, inside(r - 0.0125, 0.0016));
                s.scale(1.0 - 0.92 * inside(r - 0.006, 0.0016));
            }
        }
        self.hole_and_print(&mut s, q);
        s.coat = 0.25;
        s.coat_height = s.height + 0.0006 * weave;
        s
    }

    /// Mounting holes in the corners, white print round the parts.
    fn hole_and_print(&self, s: &mut Surface, q: V2) {
        let corner = V2::new(q.x.abs() - 0.415, q.y.abs() - 0.415);
        let r = corner.length();
        let mut ring = Surface::metal([0.74, 0.66, 0.44], 0.32);
        ring.height = 0.003;
        s.cover(&ring, inside(r - 0.031, 0.0016));
        if r < 0.020 {
            *s = self.table(q);
        }
        let frame = |x: f32, y: f32, half: V2| {
            let d = rounded_box(q - V2::new(x, y), half, 0.004).abs() - 0.0018;
            inside(d, 0.0012)
        };
        let print = frame(0.27, -0.29, V2::new(0.088, 0.088)).max(frame(
            -0.37,
            -0.33,
            V2::new(0.058, 0.036),
        ));
        let dot = inside((q - V2::new(-0.245, -0.165)).length() - 0.008, 0.0015);
        s.tint([0.66, 0.67, 0.64], 0.8 * print.max(dot));
    }

    fn table(&self, q: V2) -> Surface {
        let mut s = Surface::matt([0.34, 0.335, 0.325], 0.9);
        s.scale(1.0 + 0.05 * noise::octaves(q * 45.0, 2, self.seed ^ 43));
        s.height = -0.03;
        s
    }
}

fn damaged(name: &str, draw: &mut Draw, parts: &mut [Part], play: &[(V2, f32)]) -> Flaw {
    let grade = draw.unit();
    let extent = draw.unit();
    let at = V2::new(draw.around(0.28), draw.around(0.28));
    let any =
        |draw: &mut Draw, allowed: &[usize]| allowed[draw.index(allowed.len() as u32) as usize];
    match name {
        "missing_part" => {
            let i = any(draw, &[1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
            parts[i].present = false;
            parts[i].changed = true;
            Flaw::Parts
        }
        "swapped_parts" => {
            // A resistor and a capacitor, or a diode and a capacitor, that fit each other's pads.
            let (i, j) =
                [(6, 7), (5, 7), (10, 11), (9, 10), (12, 13), (14, 6)][draw.index(6) as usize];
            let (a, b) = (parts[i].kind, parts[j].kind);
            (parts[i].kind, parts[j].kind) = (b, a);
            (parts[i].changed, parts[j].changed) = (true, true);
            Flaw::Parts
        }
        "turned_part" => {
            let i = any(draw, &[0, 1, 3, 9]);
            let turns = if parts[i].kind == Kind::Quad {
                1 + draw.index(3)
            } else {
                2
            };
            let (shift, turn) = play[i];
            parts[i] = parts[i].moved(shift, turn + turns as f32 * core::f32::consts::FRAC_PI_2);
            parts[i].changed = true;
            Flaw::Parts
        }
        "skewed_part" => {
            let i = any(draw, &[5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
            let shift = V2::new(draw.around(0.012), draw.around(0.012));
            let turn = draw.sign() * mix(0.35, 1.1, grade);
            parts[i] = parts[i].moved(shift, turn);
            Flaw::Parts
        }
        "solder_bridge" => {
            // Between two legs of the large chip.
            let side = draw.index(4) as f32 * core::f32::consts::FRAC_PI_2;
            let (out, along) = (V2::at_angle(side), V2::at_angle(side).across());
            let between = (draw.index(7) as f32 - 3.0) * 0.025;
            let place = parts[0].centre + out * 0.121 + along * between;
            Flaw::Bridge(Blob::new(draw, place, mix(0.014, 0.026, grade), 0.3))
        }
        "scratch" => {
            let angle = draw.angle();
            Flaw::Scratch {
                stroke: Stroke::centred(
                    draw,
                    at,
                    angle,
                    mix(0.14, 0.4, extent),
                    0.07,
                    mix(0.0024, 0.0042, grade),
                ),
                contrast: mix(0.35, 0.9, grade),
            }
        }
        "burn" => Flaw::Burn {
            blob: Blob::new(draw, at, mix(0.04, 0.10, grade), 0.45),
            strength: mix(0.6, 0.95, grade),
        },
        _ => Flaw::Flux {
            blob: Blob::new(draw, at, mix(0.045, 0.095, extent), 0.5),
            strength: mix(0.30, 0.65, grade),
        },
    }
}

impl Scene for CircuitBoard {
    fn surface(&self, p: V2) -> Surface {
        let q = self.pose.to_part(p);
        let edge = rounded_box(q, V2::new(HALF, HALF), 0.03);
        let mut s = self.table(q);
        if edge < 0.002 {
            s.cover(&self.board(q), inside(edge, 0.0016));
            s.tint(
                [0.30, 0.27, 0.14],
                0.6 * inside((edge + 0.004).abs() - 0.002, 0.002),
            );
        }
        for part in &self.parts {
            part.draw(&mut s, q, self.seed);
        }
        s
    }

    fn damage(&self, p: V2, s: &mut Surface) {
        let q = self.pose.to_part(p);
        let edge = rounded_box(q, V2::new(HALF, HALF), 0.03);
        match &self.flaw {
            Some(Flaw::Bridge(blob)) => {
                let d = blob.distance(q);
                let mut joint = Surface::metal([0.66, 0.66, 0.65], 0.22);
                joint.height = 0.008 + 0.8 * (-d).clamp(0.0, 0.012);
                s.cover(&joint, inside(d, 0.0015));
            }
            Some(Flaw::Scratch { stroke, contrast }) if edge < 0.0 => {
                let (d, along) = stroke.distance(q);
                let grit = 0.75 + 0.25 * noise::value(V2::new(along * 40.0, 0.0), self.seed ^ 20);
                let on = contrast * inside(d, 0.0014) * grit;
                s.tint([0.42, 0.46, 0.36], 0.75 * on);
                let deep = contrast * inside(d + 0.0022, 0.0010);
                s.tint(COPPER, 0.5 * deep);
            }
            Some(Flaw::Burn { blob, strength }) if edge < 0.0 => {
                let d = blob.distance(q);
                let heart = inside(d + 0.35 * blob.radius, 0.4 * blob.radius);
                let halo = inside(d - 0.004, 0.016);
                s.tint([0.075, 0.042, 0.014], 0.75 * strength * halo);
                s.scale(1.0 - 0.85 * strength * heart);
                s.roughness = mix(s.roughness, 0.9, strength * halo);
                s.metal *= 1.0 - 0.8 * strength * heart;
                s.coat *= 1.0 - halo;
            }
            Some(Flaw::Flux { blob, strength }) if edge < 0.0 => {
                let d = blob.distance(q);
                let on = inside(d, 0.008);
                let rim = inside((d + 0.004).abs() - 0.003, 0.003);
                s.tint([0.46, 0.40, 0.24], strength * (0.42 * on + 0.35 * rim));
                s.coat = mix(s.coat, 0.8, strength * on);
                s.coat_height +=
                    0.006 * on * (1.0 + 0.4 * noise::octaves(q * 30.0, 2, blob.seed ^ 1));
            }
            _ => {}
        }
    }

    fn rearranged(&self) -> bool {
        matches!(self.flaw, Some(Flaw::Parts))
    }

    fn light(&self) -> &Light {
        &self.light
    }

    fn camera(&self) -> &Camera {
        &self.camera
    }
}
