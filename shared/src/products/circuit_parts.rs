//! The parts that sit on the circuit board, and how each looks.

use super::lettering;
use super::material::{Rgb, Surface};
use super::noise;
use super::plane::{Pose, V2, Whole, inside, rounded_box};

/// What a part is.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
    /// Square chip with legs on four sides, a dot at pin one.
    Quad,
    /// Small chip with legs on two sides and a notch.
    Dual,
    /// Black chip resistor with its value.
    Resistor,
    /// Tan ceramic capacitor.
    Capacitor,
    /// Black diode with a white band at one end.
    Diode,
    /// Light-emitting diode.
    Led,
    /// Electrolytic capacitor: a can with a dark sector.
    Can,
    /// Quartz in a metal case.
    Quartz,
    /// Strip of gold pins.
    Header,
}

/// A part in its place. `pose` is the seat the board gives it.
#[derive(Clone, Copy)]
pub(super) struct Part {
    pub(super) kind: Kind,
    pub(super) centre: V2,
    /// Radians; right angles on a sound board.
    pub(super) angle: f32,
    pub(super) present: bool,
    pub(super) changed: bool,
    pose: Pose,
    seat: Pose,
}

const SOLDER: Rgb = [0.62, 0.62, 0.61];
const GOLD: Rgb = [0.78, 0.56, 0.22];
const BLACK: Rgb = [0.020, 0.020, 0.022];
const PRINT: Rgb = [0.62, 0.62, 0.60];

impl Kind {
    /// Half width and half height, pads included.
    pub(super) const fn half(self) -> V2 {
        match self {
            Self::Quad => V2::new(0.132, 0.132),
            Self::Dual => V2::new(0.082, 0.080),
            Self::Resistor | Self::Capacitor | Self::Diode => V2::new(0.048, 0.024),
            Self::Led => V2::new(0.042, 0.026),
            Self::Can => V2::new(0.078, 0.078),
            Self::Quartz => V2::new(0.085, 0.036),
            Self::Header => V2::new(0.26, 0.034),
        }
    }
}

impl Part {
    pub(super) fn new(kind: Kind, x: f32, y: f32, quarters: i32) -> Self {
        let centre = V2::new(x, y);
        let angle = quarters as f32 * core::f32::consts::FRAC_PI_2;
        let pose = Pose::new(centre, angle, 1.0);
        Self {
            kind,
            centre,
            angle,
            present: true,
            changed: false,
            pose,
            seat: pose,
        }
    }

    /// Lays the part anew, off its seat; the pads stay.
    pub(super) fn moved(mut self, shift: V2, turn: f32) -> Self {
        self.pose = Pose::new(self.centre + shift, self.angle + turn, 1.0);
        self
    }

    /// Pads and part at board point `q`, over what `s` holds.
    pub(super) fn draw(&self, s: &mut Surface, q: V2, seed: u32) {
        let half = self.kind.half();
        let far = q - self.centre;
        let reach = half.x.max(half.y) * 1.45 + 0.02;
        if far.x.abs() > reach || far.y.abs() > reach {
            return;
        }
        let word = noise::hash(
            (self.centre.x * 1000.0) as i32,
            (self.centre.y * 1000.0) as i32,
            seed,
        );
        let seat = self.seat.to_part(q);
        pads(s, self.kind, seat, word);
        let l = self.pose.to_part(q);
        if self.present {
            body(s, self.kind, l, word);
        }
        if self.changed {
            let footprint = |l: V2| rounded_box(l, half, 0.004) < 0.0;
            s.changed |= footprint(l);
        }
    }
}

fn solder(s: &mut Surface, d: f32, l: V2, seed: u32) {
    if d < 0.003 {
        let mut joint = Surface::metal(SOLDER, 0.30);
        joint.scale(1.0 + 0.12 * noise::value(l * 60.0, seed));
        joint.height = 0.003 + 0.004 * inside(d + 0.004, 0.006);
        s.cover(&joint, inside(d, 0.0015));
    }
}

fn pads(s: &mut Surface, kind: Kind, l: V2, seed: u32) {
    match kind {
        Kind::Resistor | Kind::Capacitor | Kind::Diode | Kind::Led => {
            let end = V2::new(l.x.abs() - 0.037, l.y);
            solder(s, rounded_box(end, V2::new(0.015, 0.024), 0.004), l, seed);
        }
        Kind::Quad => {
            let (a, b) = if l.x.abs() > l.y.abs() {
                (l.x, l.y)
            } else {
                (l.y, l.x)
            };
            leg(s, a, b, 0.118, 8.0, l, seed);
        }
        Kind::Dual => leg(s, l.x, l.y, 0.066, 4.0, l, seed),
        Kind::Can => {
            let d = rounded_box(
                V2::new(l.x.abs() - 0.062, l.y),
                V2::new(0.022, 0.014),
                0.004,
            );
            solder(s, d, l, seed);
        }
        Kind::Quartz => {
            let d = rounded_box(
                V2::new(l.x.abs() - 0.072, l.y),
                V2::new(0.018, 0.016),
                0.004,
            );
            solder(s, d, l, seed);
        }
        Kind::Header => {}
    }
}

/// Legs at `along` = ±`out`, `count` to a side, a pitch of 0.025 apart.
fn leg(s: &mut Surface, along: f32, side: f32, out: f32, count: f32, l: V2, seed: u32) {
    const LEG_PITCH: f32 = 0.025;
    let k = side / LEG_PITCH + 0.5 * count;
    if !(0.0..count).contains(&k) {
        return;
    }
    let off = (k - k.whole() - 0.5) * LEG_PITCH;
    solder(
        s,
        rounded_box(
            V2::new(along.abs() - out, off),
            V2::new(0.018, 0.0072),
            0.002,
        ),
        l,
        seed,
    );
}

fn slab(s: &mut Surface, d: f32, colour: Rgb, roughness: f32, height: f32, bevel: f32) -> bool {
    if d > 0.002 {
        return false;
    }
    let mut top = Surface::matt(colour, roughness);
    top.height = height - bevel * inside(-d - 0.006, 0.006);
    s.cover(&top, inside(d, 0.0014));
    d < 0.0
}

fn body(s: &mut Surface, kind: Kind, l: V2, seed: u32) {
    match kind {
        Kind::Quad | Kind::Dual => chip(s, kind, l, seed),
        Kind::Resistor => {
            ends(s, l);
            if slab(
                s,
                rounded_box(l, V2::new(0.030, 0.0205), 0.002),
                BLACK,
                0.4,
                0.016,
                0.002,
            ) {
                let height = 0.020;
                let text = lettering::printed(
                    l - V2::new(-0.5 * lettering::width("103", height), -0.5 * height),
                    "103",
                    height,
                );
                if text {
                    s.tint(PRINT, 0.85);
                }
            }
        }
        Kind::Capacitor => {
            ends(s, l);
            slab(
                s,
                rounded_box(l, V2::new(0.030, 0.021), 0.003),
                [0.34, 0.205, 0.105],
                0.5,
                0.022,
                0.004,
            );
        }
        Kind::Diode => {
            ends(s, l);
            if slab(
                s,
                rounded_box(l, V2::new(0.033, 0.020), 0.003),
                BLACK,
                0.35,
                0.020,
                0.004,
            ) && l.x < -0.014
                && l.x > -0.025
            {
                s.tint(PRINT, 0.9);
            }
        }
        Kind::Led => {
            ends(s, l);
            if slab(
                s,
                rounded_box(l, V2::new(0.032, 0.022), 0.003),
                [0.62, 0.60, 0.55],
                0.4,
                0.018,
                0.002,
            ) {
                let lens = l.length() - 0.0165;
                let mut dome = Surface::matt([0.62, 0.42, 0.05], 0.25);
                dome.height = 0.020 + 0.4 * (-lens).max(0.0);
                dome.coat = 0.8;
                dome.coat_height = dome.height;
                s.cover(&dome, inside(lens, 0.0015));
            }
        }
        Kind::Can => can(s, l),
        Kind::Quartz => {
            let d = rounded_box(l, V2::new(0.080, 0.034), 0.030);
            if slab(s, d, [0.66, 0.66, 0.65], 0.28, 0.040, 0.012) {
                s.metal = 1.0;
                let height = 0.026;
                let text = lettering::printed(
                    l - V2::new(-0.5 * lettering::width("8.00", height), -0.5 * height),
                    "8.00",
                    height,
                );
                if text {
                    s.scale(0.35);
                }
            }
        }
        Kind::Header => header(s, l),
    }
}

fn ends(s: &mut Surface, l: V2) {
    let d = rounded_box(l, V2::new(0.040, 0.0205), 0.002);
    if slab(s, d, SOLDER, 0.32, 0.015, 0.003) {
        s.metal = 0.9;
    }
}

fn chip(s: &mut Surface, kind: Kind, l: V2, seed: u32) {
    let half = if kind == Kind::Quad {
        V2::new(0.103, 0.103)
    } else {
        V2::new(0.052, 0.064)
    };
    if !slab(
        s,
        rounded_box(l, half, 0.004),
        [0.026, 0.026, 0.028],
        0.5,
        0.030,
        0.006,
    ) {
        return;
    }
    s.scale(1.0 + 0.12 * noise::octaves(l * 90.0, 2, seed));
    // Pin one: a dimple on the large chip, a printed bar on the small one.
    let dot = if kind == Kind::Quad {
        V2::new(l.x + half.x - 0.024, l.y + half.y - 0.024).length() - 0.0115
    } else {
        rounded_box(
            V2::new(l.x + half.x - 0.013, l.y),
            V2::new(0.005, 0.052),
            0.002,
        )
    };
    s.tint(PRINT, 0.45 * inside(dot, 0.0015));
    s.height -= 0.003 * inside(dot, 0.0015);
    let lines: &[(&str, f32, f32)] = if kind == Kind::Quad {
        &[("FSR32", -0.024, 0.036), ("C8 2025", 0.030, 0.024)]
    } else {
        &[("M25", -0.013, 0.027)]
    };
    for (text, top, height) in lines {
        let left =
            -0.5 * lettering::width(text, *height) + if kind == Kind::Dual { 0.006 } else { 0.0 };
        if lettering::printed(l - V2::new(left, *top), text, *height) {
            s.tint(PRINT, 0.55);
        }
    }
}

fn can(s: &mut Surface, l: V2) {
    slab(
        s,
        rounded_box(l, V2::new(0.074, 0.074), 0.022),
        BLACK,
        0.4,
        0.012,
        0.003,
    );
    let r = l.length();
    let d = r - 0.068;
    if d < 0.002 {
        let mut top = Surface::metal([0.70, 0.70, 0.71], 0.33);
        if l.x < -0.030 {
            top = Surface::matt([0.022, 0.022, 0.030], 0.4);
        }
        top.scale(1.0 + 0.04 * noise::value(V2::new(r * 400.0, 0.0), 7));
        top.height = 0.065 - 0.010 * inside(-d - 0.007, 0.006);
        s.cover(&top, inside(d, 0.0015));
    }
}

fn header(s: &mut Surface, l: V2) {
    if slab(
        s,
        rounded_box(l, V2::new(0.258, 0.031), 0.004),
        BLACK,
        0.45,
        0.030,
        0.005,
    ) {
        let k = l.x / 0.0645 + 4.0;
        let off = V2::new((k - k.whole() - 0.5) * 0.0645, l.y);
        let pin = rounded_box(off, V2::new(0.0105, 0.0105), 0.002);
        let mut gold = Surface::metal(GOLD, 0.28);
        gold.height = 0.050 + 0.4 * (-pin).max(0.0);
        s.scale(1.0 - 0.5 * inside(rounded_box(off, V2::new(0.018, 0.018), 0.002), 0.002));
        s.cover(&gold, inside(pin, 0.0015));
    }
}
