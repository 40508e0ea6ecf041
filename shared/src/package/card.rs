//! The model card: what a package says about itself to people and to the Hugging Face hub.

use std::fmt::Write;

use serde_json::Value;

use super::PackageConfig;

/// `README.md` of a package: YAML front matter and the facts of the configuration, nothing more. `expected` is the
/// exponent of the expected difference that maps are divided by, if they are (see [`crate::expected`]).
pub fn model_card(config: &PackageConfig, expected: Option<f32>) -> String {
    let mut card = front_matter(config);
    // Writing to a string cannot fail.
    let _ = write_body(&mut card, config, expected);
    card
}

fn front_matter(config: &PackageConfig) -> String {
    let mut text = String::from(
        "---\nlibrary_name: fsr\ntags:\n- anomaly-detection\n- industrial-inspection\n- fsr\n",
    );
    for category in &config.provenance.categories {
        // A JSON string is a YAML string, whatever characters it holds.
        text += &format!("- {}\n", Value::from(category.as_str()));
    }
    text + "---\n\n"
}

fn write_body(
    card: &mut String,
    config: &PackageConfig,
    expected: Option<f32>,
) -> std::fmt::Result {
    let (model, origin) = (&config.model, &config.provenance);
    writeln!(card, "# {}\n", plain(&config.name))?;
    // Neither shuffled nor jittered it is the rival that the method is an answer to.
    let method = if origin.tau == 0.0 && config.recipe.jitter_ratio == 0.0 {
        "plain reconstruction of features, the rival of feature shuffling and restoration"
    } else {
        "feature shuffling and restoration"
    };
    writeln!(
        card,
        "A visual anomaly detector: {method} (Luo et al., Knowledge-Based Systems 2025). \
         It learned from good images only and answers an image with an anomaly map and a score.\n"
    )?;
    writeln!(card, "| | |\n|---|---|")?;
    row(card, "Backbone", &model.backbone.kind.to_string())?;
    row(card, "Restorer", &model.restorer.describe())?;
    row(
        card,
        "Input",
        &format!("{0} × {0} pixels, squashed by Lanczos", model.image_size),
    )?;
    if let Some(tiles) = config.tiles {
        row(
            card,
            "Tiles",
            &format!(
                "larger images in tiles of {0} × {0} pixels, at least {1:.0} % of each shared with the next",
                tiles.size,
                100.0 * tiles.overlap
            ),
        )?;
    }
    row(card, "Weights", config.dtype.name())?;
    row(card, "Recipe", &config.recipe.name)?;
    row(card, "Shuffling rate τ", &origin.tau.to_string())?;
    row(card, "Data", &origin.data)?;
    row(card, "Categories", &origin.categories.join(", "))?;
    let shots = origin
        .shots
        .map_or(String::new(), |shots| format!(" ({shots} per category)"));
    row(
        card,
        "Training images",
        &format!("{}{shots}", origin.images),
    )?;
    if !origin.augment.is_empty() {
        row(card, "Altered copies of each", &origin.augment.join(", "))?;
    }
    row(
        card,
        "Training",
        &format!(
            "{} epochs, {} steps, seed {}",
            origin.epochs, origin.steps, origin.seed
        ),
    )?;
    if let Some(weights) = &origin.backbone_weights {
        row(
            card,
            "Backbone weights",
            &format!("{} (SHA-256 {})", weights.name, weights.sha256),
        )?;
    }
    if let Some(share) = expected {
        row(
            card,
            "Maps",
            &format!(
                "divided by the difference that good images lead to expect, to the power of {share}"
            ),
        )?;
    }
    if let Some(calibration) = &config.calibration {
        row(
            card,
            "Threshold",
            &format!(
                "{} of the map above {:.4e}, from {} images ({})",
                calibration.score,
                calibration.threshold,
                calibration.images,
                calibration.source.describe()
            ),
        )?;
    }
    row(
        card,
        "Commit",
        origin.commit.as_deref().unwrap_or("unknown"),
    )?;
    row(card, "Made by", &origin.created_by)?;

    write_metrics(card, &origin.metrics)?;
    writeln!(
        card,
        "\n## Use\n\n```sh\nfsr predict path/to/this/folder image.png --out results\n```\n\n\
         `selftest.safetensors` holds an image and the map this model gives for it; `fsr` and the page repeat it \
         before they answer. The licences of the backbone weights and of the training images apply."
    )
}

const METRICS: [(&str, &str, &str); 7] = [
    ("image", "auroc", "Image AUROC"),
    ("image", "ap", "Image AP"),
    ("image", "f1_max", "Image F1-max"),
    ("pixel", "auroc", "Pixel AUROC"),
    ("pixel", "ap", "Pixel AP"),
    ("pixel", "f1_max", "Pixel F1-max"),
    ("pixel", "aupro", "AUPRO"),
];

/// A table of what `fsr eval --json` printed; nothing if the model was not evaluated.
fn write_metrics(card: &mut String, metrics: &Value) -> std::fmt::Result {
    let Some(categories) = metrics.get("categories").and_then(Value::as_object) else {
        return Ok(());
    };
    let titles = METRICS.map(|(_, _, title)| title).join(" | ");
    writeln!(card, "\n## Results\n\n| Category | {titles} |")?;
    writeln!(card, "|---|{}", "---:|".repeat(METRICS.len()))?;
    let mean = metrics.get("mean").map(|mean| ("mean", mean));
    for (name, values) in categories
        .iter()
        .map(|(name, v)| (name.as_str(), v))
        .chain(mean)
    {
        let cells = METRICS.map(|(level, metric, _)| {
            let value = values.get(level).and_then(|level| level.get(metric));
            // F1-max may come with its threshold.
            value
                .and_then(|value| value.as_f64().or_else(|| value.get("value")?.as_f64()))
                .map_or("–".to_owned(), |value| format!("{value:.4}"))
        });
        writeln!(card, "| {} | {} |", plain(name), cells.join(" | "))?;
    }
    write_defects(card, categories)
}

/// A table of each kind of defect against the good images; nothing where the metrics have none.
fn write_defects(
    card: &mut String,
    categories: &serde_json::Map<String, Value>,
) -> std::fmt::Result {
    let mut begun = false;
    for (category, values) in categories {
        for (defect, figures) in values
            .get("defects")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            if !std::mem::replace(&mut begun, true) {
                writeln!(
                    card,
                    "\n## By kind of defect\n\n| Category | Defect | Images | Image AUROC | Found at the threshold |\n\
                     |---|---|---:|---:|---:|"
                )?;
            }
            let number = |key: &str| figures.get(key).and_then(Value::as_f64);
            let text = |value: Option<String>| value.unwrap_or_else(|| "–".to_owned());
            writeln!(
                card,
                "| {} | {} | {} | {} | {} |",
                plain(category),
                plain(defect),
                text(number("images").map(|count| format!("{count}"))),
                text(number("auroc").map(|auroc| format!("{auroc:.3}"))),
                text(number("detection_rate").map(|rate| format!("{:.0} %", 100.0 * rate))),
            )?;
        }
    }
    Ok(())
}

fn row(card: &mut String, title: &str, value: &str) -> std::fmt::Result {
    let value = plain(value);
    writeln!(
        card,
        "| {title} | {} |",
        if value.is_empty() { "–" } else { &value }
    )
}

/// Text that cannot break out of a line or a table cell.
fn plain(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").replace('|', "\\|").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::{Preset, RestorerKind};
    use crate::recipe::Recipe;

    #[test]
    fn the_card_states_the_facts_and_only_those() {
        let mut config = PackageConfig::new("Bottle", Preset::Lite.config(), Recipe::official());
        config.provenance.categories = vec!["bottle".into(), "x: [\"y\"]".into()];
        config.provenance.shots = Some(4);
        let card = model_card(&config, None);
        assert!(card.starts_with("---\nlibrary_name: fsr\n"));
        assert!(card.contains("- \"bottle\"\n- \"x: [\\\"y\\\"]\"\n---\n"));
        assert!(card.contains("(4 per category)"));
        assert!(!card.contains("Altered copies"));
        config.provenance.augment = vec!["mirror".into(), "grey".into()];
        let augmented = model_card(&config, None);
        assert!(augmented.contains("| Altered copies of each | mirror, grey |"));
        assert!(!card.contains("## Results"));
        assert!(!card.contains("plain reconstruction"));
        config.provenance.tau = 0.0;
        config.recipe.jitter_ratio = 0.0;
        assert!(model_card(&config, None).contains("plain reconstruction of features"));

        config.provenance.metrics = json!({
            "categories": {"bottle": {
                "image": {"auroc": 0.99713},
                "pixel": {"aupro": null},
                "defects": {"crack": {"images": 3, "auroc": 0.8126, "detection_rate": 0.5}}
            }},
            "mean": {"image": {"auroc": 0.5}}
        });
        config.model.restorer.kind = RestorerKind::Cnn;
        let heads = |card: &str| card.contains("heads");
        assert!(heads(&card) && !card.contains("divided by the difference"));
        let card = model_card(&config, Some(0.5));
        assert!(!heads(&card) && card.contains("to the power of 0.5"));
        assert!(card.contains("| bottle | 0.9971 | – |"));
        assert!(card.contains("| mean | 0.5000 |"));
        assert!(card.contains("| bottle | crack | 3 | 0.813 | 50 % |"));
    }

    #[test]
    fn names_cannot_break_the_layout() {
        let config = PackageConfig::new(
            "a\n---\n# b | <b>",
            Preset::Lite.config(),
            Recipe::official(),
        );
        assert!(model_card(&config, None).contains("# a --- # b \\| &lt;b>\n"));
    }
}
