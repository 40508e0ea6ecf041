//! The help of every command teaches it: what it does, and an example that parses.

use crate::program::{run, succeed};

const COMMANDS: [&str; 11] = [
    "train",
    "eval",
    "calibrate",
    "study",
    "report",
    "predict",
    "export",
    "info",
    "synth",
    "distill",
    "data",
];

#[test]
fn every_command_explains_itself_with_an_example() {
    let overview = succeed("--help");
    for name in COMMANDS {
        assert!(
            overview.contains(&format!("\n  {name} ")),
            "{name} is not in the overview"
        );
        let help = succeed(&format!("{name} --help"));
        assert!(
            help.contains(&format!("fsr {name} ")),
            "{name} has no example:\n{help}"
        );
        assert!(help.lines().count() > 15, "{name} says too little:\n{help}");
    }
}

#[test]
fn wrong_arguments_are_code_2_and_name_the_argument() {
    for (line, part) in [
        ("train --data d --category c", "--out"),
        ("train --data d --category c --out o --tau much", "much"),
        (
            "train --data d --category c --out o --preset huge",
            "paper, compact, lite",
        ),
        (
            "train --data d --category c --out o --device gpu",
            "auto, cpu, wgpu",
        ),
        ("train --data d --category c --out o --shots 0", "--shots"),
        (
            "train --data d --category c --out o --device cpu --devices cpu,cpu",
            "--devices",
        ),
        (
            "train --data d --category c --out o --epochs 3 --steps 4",
            "--steps",
        ),
        ("export run --out o --dtype q4", "f32, f16, q8"),
        ("info", "<MODEL"),
        ("nonsense", "nonsense"),
    ] {
        let output = run(line);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "fsr {line}\n{stderr}");
        assert!(
            stderr.contains(part),
            "fsr {line}: no '{part}' in\n{stderr}"
        );
    }
}
