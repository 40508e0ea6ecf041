//! The model that the page opens with, judged on products drawn for this test alone.

use serde_json::Value;

use crate::program::{folder, json, succeed};

/// No training set and no test set behind a published figure has this seed.
const FRESH: u64 = 20_251;

/// What the model must reach on any fresh set: the mean AUROC over the categories, and the weakest of them.
const BARS: [(&str, f64, f64); 2] = [("image", 0.97, 0.90), ("pixel", 0.97, 0.90)];

#[test]
fn the_default_model_finds_the_defects_of_products_it_never_saw() {
    let data = folder("default_model").join("fresh");
    succeed(&format!(
        "synth --out {} --seed {FRESH} --train 1 --test 5",
        data.display()
    ));
    let report = json(&format!(
        "eval {}/../models/default --data {} --category all --device cpu --json",
        env!("CARGO_MANIFEST_DIR"),
        data.display()
    ));
    let figure = |of: &Value, level: &str| of[level]["auroc"].as_f64().unwrap();
    for (level, enough, weakest) in BARS {
        let categories = report["categories"].as_object().unwrap();
        assert_eq!(categories.len(), 8);
        for (name, values) in categories {
            let auroc = figure(values, level);
            println!("{name}: {level} AUROC {auroc:.3}");
            assert!(auroc >= weakest, "{name}: {level} AUROC {auroc:.3}");
        }
        let mean = figure(&report["mean"], level);
        println!("mean {level} AUROC {mean:.3}");
        assert!(mean >= enough, "mean {level} AUROC {mean:.3}");
    }
}
