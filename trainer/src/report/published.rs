//! Figures that the paper prints: image and pixel AUROC in percent, mean of MVTec AD's 15 categories,
//! WideResNet-50-2, best epoch on the test set.

use serde::Serialize;

/// What the paper prints for one configuration.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Published {
    /// Image AUROC, percent.
    pub image: f64,
    /// Pixel AUROC, percent; ablations are printed as changes of the image AUROC alone.
    pub pixel: Option<f64>,
}

/// One of our configurations, as far as the paper tells them apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Configuration<'a> {
    /// few-shot, separate or unified.
    pub setting: &'a str,
    /// fsr, reconstruction, patchcore or padim.
    pub method: &'a str,
    /// Images of each category.
    pub shots: Option<&'a str>,
    /// Shuffling rate, where it was chosen.
    pub tau: Option<&'a str>,
    /// Position embedding, where it was chosen.
    pub position: Option<&'a str>,
    /// Restorer, where it was chosen: vit or cnn.
    pub restorer: Option<&'a str>,
}

/// The paper's figures for a configuration; `None` where it prints none.
pub fn published(of: Configuration<'_>) -> Option<Published> {
    let both = |image, pixel| {
        Some(Published {
            image,
            pixel: Some(pixel),
        })
    };
    match (of.method, of.setting, of.shots) {
        ("patchcore", "few-shot", Some("8")) => return both(92.1, 96.5),
        ("patchcore", "unified", _) => return both(96.4, 95.7),
        ("padim", "unified", _) => return both(84.2, 89.5),
        ("fsr" | "reconstruction", ..) => {}
        _ => return None,
    }
    // Best rate of each setting: few-shot 0.1, separate 0.3, unified 0.9.
    let rates = match (of.setting, of.shots) {
        ("few-shot", Some("8")) => [[93.5, 97.8], [92.5, 97.4], [90.4, 96.6]],
        ("separate", _) => [[99.1, 98.4], [99.2, 98.4], [98.9, 98.3]],
        ("unified", _) => [[96.6, 97.9], [97.1, 98.0], [98.3, 98.0]],
        ("few-shot", Some(shots)) => {
            let default = matches!(of.tau, None | Some("0.1"));
            let plain = of.method == "fsr" && of.position.is_none() && of.restorer.is_none();
            return match shots {
                "2" if default && plain => both(88.4, 95.9),
                "4" if default && plain => both(91.9, 96.8),
                _ => None,
            };
        }
        _ => return None,
    };
    let default = usize::from(of.setting == "separate") + 2 * usize::from(of.setting == "unified");
    let rate = match of.tau {
        None => default,
        Some("0.1") => 0,
        Some("0.3") => 1,
        Some("0.9") => 2,
        Some(_) => return None,
    };
    // Changes of the image AUROC: few-shot, separate, unified.
    let change = match (of.method, of.position, of.restorer) {
        ("fsr", None | Some("2d"), None | Some("vit")) => {
            let [image, pixel] = rates[rate];
            return both(image, pixel);
        }
        ("reconstruction", None | Some("2d"), None | Some("vit")) => [-0.3, -1.5, -8.0],
        ("fsr", Some("none"), None | Some("vit")) => [-0.2, -0.8, -26.5],
        ("fsr", None | Some("2d"), Some("cnn")) => [-6.2, -0.2, -3.4],
        _ => return None,
    };
    let image = rates[default][0] + change[default];
    (of.tau.is_none() || rate == default).then_some(Published { image, pixel: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FSR: Configuration<'_> = Configuration {
        setting: "unified",
        method: "fsr",
        shots: None,
        tau: None,
        position: None,
        restorer: None,
    };

    #[test]
    fn what_the_paper_prints_is_found_and_nothing_else() {
        let image = |of| published(of).map(|known| (known.image * 10.0).round() / 10.0);
        assert_eq!(image(FSR), Some(98.3));
        let at = |tau| Configuration {
            tau: Some(tau),
            ..FSR
        };
        assert_eq!(image(at("0.1")), Some(96.6));
        assert_eq!(image(at("0.5")), None);
        let few = |shots| Configuration {
            setting: "few-shot",
            shots: Some(shots),
            ..FSR
        };
        assert_eq!(image(few("4")), Some(91.9));
        assert_eq!(image(few("3")), None);
        let without = Configuration {
            position: Some("none"),
            ..FSR
        };
        assert_eq!(published(without).and_then(|known| known.pixel), None);
        assert_eq!(image(without), Some(71.8));
        let plain = Configuration {
            method: "reconstruction",
            setting: "separate",
            ..FSR
        };
        assert_eq!(image(plain), Some(97.7));
        let bank = Configuration {
            method: "patchcore",
            setting: "separate",
            ..FSR
        };
        assert_eq!(published(bank), None);
    }
}
