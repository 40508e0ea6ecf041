//! Blister pack: ten two-coloured capsules under clear domes on aluminium foil.

use super::camera::Camera;
use super::defect_shapes::{Blob, Stroke};
use super::draw::Draw;
use super::light::Light;
use super::material::{Rgb, Surface};
use super::noise;
use super::plane::{Pose, V2, Whole, inside, mix, rounded_box, segment, step};
use super::stage::Scene;

pub(super) const DEFECTS: &[&str] = &[
    "missing",
    "swapped",
    "flipped",
    "wrong_colour",
    "crushed",
    "split",
    "scratch",
    "hair",
];

const PITCH: V2 = V2::new(0.170, 0.360);
/// Half the straight part of a capsule, and its radius; the radius of its dome.
const STRAIGHT: f32 = 0.078;
const RADIUS: f32 = 0.052;
/// Where the cap ends.
const JOINT: f32 = 0.012;
const DOME: f32 = 0.068;
const CARD: V2 = V2::new(0.455, 0.385);
const IVORY: Rgb = [0.70, 0.65, 0.52];
const CAPS: [Rgb; 2] = [[0.56, 0.055, 0.035], [0.03, 0.20, 0.38]];
const WRONG: [Rgb; 3] = [[0.05, 0.30, 0.10], [0.62, 0.40, 0.03], [0.28, 0.06, 0.30]];

enum Flaw {
    Missing {
        pocket: usize,
    },
    Swapped {
        one: usize,
        other: usize,
    },
    Flipped {
        pocket: usize,
    },
    Wrong {
        pocket: usize,
        cap: Rgb,
    },
    Crushed {
        pocket: usize,
        blob: Blob,
        depth: f32,
    },
    Split {
        pocket: usize,
        gap: f32,
        powder: Blob,
    },
    Scratch {
        stroke: Stroke,
        contrast: f32,
    },
    Hair(Stroke),
}

/// How a capsule lies in its pocket.
#[derive(Clone, Copy)]
struct Capsule {
    cap: Rgb,
    pose: Pose,
}

pub(super) struct Blister {
    light: Light,
    camera: Camera,
    pose: Pose,
    capsules: [Option<Capsule>; 10],
    changed: [bool; 10],
    seed: u32,
    flaw: Option<Flaw>,
}

impl Blister {
    pub(super) fn new(draw: &mut Draw, defect: Option<(&str, &mut Draw)>) -> Self {
        let light = Light::new(draw, -2.0, 0.9, 0.06);
        let camera = Camera::new(draw, 1.0);
        let centre = V2::new(0.5 + draw.around(0.012), 0.5 + draw.around(0.012));
        let pose = Pose::new(centre, draw.around(0.03), 1.0 + draw.around(0.01));
        let seed = draw.word();
        let mut caps: [Rgb; 10] = core::array::from_fn(|i| CAPS[i / 5]);
        let mut turned = [0.0; 10];
        let mut changed = [false; 10];
        let flaw = defect.map(|(name, damage)| damaged(name, damage));
        match &flaw {
            Some(Flaw::Swapped { one, other }) => {
                caps.swap(*one, *other);
                (changed[*one], changed[*other]) = (true, true);
            }
            Some(Flaw::Flipped { pocket }) => {
                turned[*pocket] = core::f32::consts::PI;
                changed[*pocket] = true;
            }
            Some(Flaw::Wrong { pocket, cap }) => {
                caps[*pocket] = *cap;
                changed[*pocket] = true;
            }
            Some(Flaw::Missing { pocket }) => changed[*pocket] = true,
            _ => {}
        }
        // Capsules lie loosely: each a little off and askew.
        let capsules = core::array::from_fn(|i| {
            let rest = V2::new(draw.around(0.003), draw.around(0.006));
            let pose = Pose::new(rest, draw.around(0.05) + turned[i], 1.0);
            let gone = matches!(&flaw, Some(Flaw::Missing { pocket }) if *pocket == i);
            (!gone).then_some(Capsule { cap: caps[i], pose })
        });
        Self {
            light,
            camera,
            pose,
            capsules,
            changed,
            seed,
            flaw,
        }
    }

    fn table(&self, p: V2) -> Surface {
        let grain = noise::octaves(p * 70.0, 2, self.seed ^ 40);
        let mut s = Surface::matt([0.055, 0.060, 0.068], 0.8);
        s.scale(1.0 + 0.10 * grain + 0.06 * noise::value(p * 5.0, self.seed ^ 41));
        s.height = -0.012;
        s
    }

    fn foil(&self, q: V2) -> Surface {
        let (a, b) = ((q.x + q.y) * 40.0, (q.x - q.y) * 40.0);
        let knurl = (a - a.whole() - 0.5).abs().max((b - b.whole() - 0.5).abs());
        let crease = noise::octaves(q * 7.0, 3, self.seed ^ 42);
        let mut s = Surface::metal([0.70, 0.71, 0.72], 0.40);
        s.scale(0.90 + 0.22 * (knurl - 0.35) + 0.05 * crease);
        s.height = 0.0018 * knurl + 0.0012 * crease;
        s.coat = 0.35;
        s
    }

    fn capsule(&self, s: &mut Surface, capsule: &Capsule, l: V2, pocket: usize) {
        let mut at = capsule.pose.to_part(l);
        if let Some(Flaw::Split {
            pocket: split,
            gap,
            powder,
        }) = &self.flaw
            && *split == pocket
        {
            // Pulled apart: cap and body moved outwards, powder between and around.
            let grains = noise::octaves(l * 90.0, 3, powder.seed);
            let d = powder.distance(l) + 0.012 * grains;
            let mut heap = Surface::matt([0.62, 0.50, 0.28], 0.95);
            heap.scale(1.0 + 0.25 * grains);
            heap.height = 0.012 + 0.006 * grains;
            s.cover(&heap, inside(d, 0.004));
            let off = at.y - JOINT;
            if off.abs() < 0.5 * gap {
                return;
            }
            at.y += if off < 0.0 { 0.5 * gap } else { -0.5 * gap };
        }
        let (axis, _) = segment(at, V2::new(0.0, -STRAIGHT), V2::new(0.0, STRAIGHT));
        let capped = at.y < JOINT;
        let radius = if capped { RADIUS } else { RADIUS * 0.945 };
        let on = inside(axis - radius, 0.0016);
        if on <= 0.0 {
            return;
        }
        let mut gelatine = Surface::matt(if capped { capsule.cap } else { IVORY }, 0.22);
        let lap = inside((at.y - JOINT).abs() - 0.002, 0.002);
        gelatine.scale((1.0 - 0.25 * lap) * (1.0 + 0.03 * noise::value(at * 30.0, self.seed ^ 43)));
        gelatine.height = (radius * radius - axis * axis).max(0.0).sqrt();
        gelatine.coat = s.coat;
        s.cover(&gelatine, on);
        s.coat_height = s.coat_height.max(0.0);
    }
}

fn damaged(name: &str, draw: &mut Draw) -> Flaw {
    let pocket = draw.index(10) as usize;
    let grade = draw.unit();
    let extent = draw.unit();
    match name {
        "missing" => Flaw::Missing { pocket },
        "swapped" => Flaw::Swapped {
            one: draw.index(5) as usize,
            other: 5 + draw.index(5) as usize,
        },
        "flipped" => Flaw::Flipped { pocket },
        "wrong_colour" => Flaw::Wrong {
            pocket,
            cap: WRONG[draw.index(3) as usize],
        },
        "crushed" => {
            let at = V2::new(draw.around(0.02), draw.around(0.08));
            Flaw::Crushed {
                pocket,
                blob: Blob::new(draw, at, mix(0.035, 0.065, grade), 0.3),
                depth: mix(0.02, 0.05, grade),
            }
        }
        "split" => Flaw::Split {
            pocket,
            gap: mix(0.016, 0.032, grade),
            powder: Blob::new(draw, V2::default(), mix(0.035, 0.056, extent), 0.5),
        },
        "scratch" => {
            let at = V2::new(draw.range(0.25, 0.75), draw.range(0.25, 0.75));
            let angle = draw.angle();
            Flaw::Scratch {
                stroke: Stroke::centred(
                    draw,
                    at,
                    angle,
                    mix(0.16, 0.45, extent),
                    0.07,
                    mix(0.0036, 0.0050, grade),
                ),
                contrast: mix(0.65, 1.0, grade),
            }
        }
        _ => {
            let at = V2::new(draw.range(0.2, 0.8), draw.range(0.2, 0.8));
            let angle = draw.angle();
            Flaw::Hair(Stroke::centred(
                draw,
                at,
                angle,
                mix(0.14, 0.36, grade),
                0.45,
                mix(0.0026, 0.0036, grade),
            ))
        }
    }
}

impl Scene for Blister {
    fn surface(&self, p: V2) -> Surface {
        let q = self.pose.to_part(p);
        let card = rounded_box(q, CARD, 0.045);
        let mut s = self.table(p);
        if card < 0.003 {
            s.cover(&self.foil(q), inside(card, 0.002));
        }
        let (column, row) = ((q.x / PITCH.x + 2.5).whole(), (q.y / PITCH.y + 1.0).whole());
        if (0.0..5.0).contains(&column) && (0.0..2.0).contains(&row) && card < 0.0 {
            let pocket = row as usize * 5 + column as usize;
            let l = q - V2::new((column - 2.0) * PITCH.x, (row - 0.5) * PITCH.y);
            let (axis, _) = segment(l, V2::new(0.0, -STRAIGHT), V2::new(0.0, STRAIGHT));
            let wall = axis - DOME;
            // The clear dome: a flat-topped bulge with rounded shoulders.
            let rise = step(0.0, 0.030, -wall);
            let bulge = 1.0 - (axis / DOME) * (axis / DOME);
            s.coat_height = if wall < 0.0 {
                0.030 * rise + 0.030 * bulge.max(0.0)
            } else {
                0.0
            };
            if wall < 0.004 {
                let floor = inside(wall, 0.003);
                s.scale(1.0 - 0.42 * floor - 0.25 * inside(wall.abs() - 0.003, 0.003));
                s.coat = mix(s.coat, 0.9, floor);
                if let Some(capsule) = &self.capsules[pocket] {
                    self.capsule(&mut s, capsule, l, pocket);
                }
                s.changed |= self.changed[pocket] && axis < RADIUS;
                if let Some(Flaw::Crushed {
                    pocket: crushed,
                    blob,
                    depth,
                }) = &self.flaw
                    && *crushed == pocket
                {
                    let t = (1.0 + blob.distance(l) / blob.radius).max(0.0);
                    let bowl = (1.0 - t * t).max(0.0);
                    let fold = noise::octaves(l * 26.0, 2, blob.seed ^ 1);
                    s.coat_height -= bowl * (depth + 0.020 * fold);
                    s.height -= 0.6 * bowl * (depth + 0.010 * fold);
                    s.coat = mix(s.coat, 1.0, bowl);
                    s.scale(1.0 - 0.22 * bowl * (1.0 + fold));
                }
            }
        }
        s
    }

    fn damage(&self, p: V2, s: &mut Surface) {
        let card = rounded_box(self.pose.to_part(p), CARD, 0.045);
        match &self.flaw {
            Some(Flaw::Scratch { stroke, contrast }) if card < 0.0 => {
                let (d, along) = stroke.distance(p);
                let grit = 0.75 + 0.25 * noise::value(V2::new(along * 40.0, 0.0), self.seed ^ 20);
                let on = contrast * inside(d, 0.0014) * grit;
                // Dark on the bright foil, pale over the capsules.
                let tone = mix(0.75, 0.10, s.metal);
                let mut scuff = Surface::matt([tone, tone, tone], 0.8);
                scuff.height = s.height;
                s.blend(&scuff, 0.85 * on);
            }
            Some(Flaw::Hair(stroke)) => {
                let (d, _) = stroke.distance(p);
                let mut hair = Surface::matt([0.025, 0.016, 0.012], 0.5);
                hair.height = s.height.max(0.0) + 0.010;
                hair.coat_height = s.coat_height;
                s.cover(&hair, inside(d, 0.0012));
            }
            _ => {}
        }
    }

    fn rearranged(&self) -> bool {
        !matches!(self.flaw, None | Some(Flaw::Scratch { .. } | Flaw::Hair(_)))
    }

    fn light(&self) -> &Light {
        &self.light
    }

    fn camera(&self) -> &Camera {
        &self.camera
    }
}
