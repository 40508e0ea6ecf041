//! Which network a weight file holds, from the names and shapes of its tensors.

use std::collections::BTreeSet;

use burn::tensor::Device;

use super::{Shapes, WeightsError, names_in_file, prefix_of};
use crate::config::{BackboneConfig, BackboneKind, StridePlacement};
use crate::model::{BACKBONE_PREFIX, RESTORER_PREFIX};
use crate::tensors::shapes;

/// Parts of a norm, and the counter that PyTorch keeps beside them.
const NORM: [&str; 5] = [
    "weight",
    "bias",
    "running_mean",
    "running_var",
    "num_batches_tracked",
];

/// A network that a file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recognised {
    /// Its architecture. The stride of bottlenecks cannot be seen: torchvision's and timm's is assumed.
    pub config: BackboneConfig,
    /// Names of the tensors in the file that [`super::fold`] uses.
    pub tensors: BTreeSet<String>,
}

/// Recognises the network whose stem and first three stages are among these tensors.
///
/// Every convolution must be there in its shape, and nothing else in the three stages: a deeper network, or one with
/// gates between its convolutions, begins like one of these and is another.
///
/// # Errors
/// [`WeightsError::Unknown`], with what gave it away.
pub fn recognise(file: &Shapes, device: &Device) -> Result<Recognised, WeightsError> {
    let unknown = |reason: String| Err(WeightsError::Unknown { reason });
    if file.is_empty() {
        return unknown("there are no tensors in it".into());
    }
    let prefix = prefix_of(file.keys());
    let first = format!("{prefix}layer1.0.conv1.weight");
    if !file.contains_key(&first) {
        let names = file.keys().next().map_or("", String::as_str);
        return unknown(format!("there is no '{first}' in it, but '{names}'"));
    }
    // The network that most convolutions agree with says what is wrong.
    let mut nearest: Option<(usize, String)> = None;
    for kind in BackboneKind::ALL {
        let config = BackboneConfig {
            kind,
            stride: StridePlacement::V1_5,
        };
        let mut known = BTreeSet::new();
        let mut agreed = 0;
        let mut wrong = None;
        for (path, shape) in shapes(&config.init(device)) {
            let Some(module) = path.strip_suffix(".weight") else {
                continue;
            };
            let (conv, norm) = names_in_file(&prefix, module);
            match file.get(&format!("{conv}.weight")) {
                Some(found) if *found == shape => agreed += 1,
                Some(found) => {
                    wrong.get_or_insert(format!(
                        "'{conv}.weight' has shape {found:?}, in a {kind} it is {shape:?}"
                    ));
                }
                None => {
                    wrong.get_or_insert(format!("a {kind} has '{conv}.weight', and it has not"));
                }
            }
            known.extend(["weight", "bias"].map(|part| format!("{conv}.{part}")));
            known.extend(NORM.map(|part| format!("{norm}.{part}")));
        }
        let in_stages = |name: &&String| {
            let rest = name.strip_prefix(&prefix);
            rest.is_some_and(|rest| {
                ["layer1.", "layer2.", "layer3."]
                    .iter()
                    .any(|stage| rest.starts_with(stage))
            })
        };
        let stranger = file
            .keys()
            .filter(in_stages)
            .find(|name| !known.contains(*name));
        let wrong = wrong.or_else(|| stranger.map(|name| format!("a {kind} has no '{name}'")));
        let Some(wrong) = wrong else {
            known.retain(|name| file.contains_key(name));
            return Ok(Recognised {
                config,
                tensors: known,
            });
        };
        if nearest.as_ref().is_none_or(|(most, _)| agreed > *most) {
            nearest = Some((agreed, wrong));
        }
    }
    unknown(nearest.map_or_else(String::new, |(_, wrong)| wrong))
}

/// Whether these tensors are a model package's, backbone and all, without its configuration.
pub fn is_package(file: &Shapes) -> bool {
    // A package's convolutions have their norms folded in.
    file.keys().any(|name| name.starts_with(RESTORER_PREFIX))
        || file.contains_key(&format!("{BACKBONE_PREFIX}conv1.bias"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// The tensors of a network as torchvision names them, with a classifier.
    fn network(kind: BackboneKind, prefix: &str) -> Shapes {
        let config = BackboneConfig {
            kind,
            stride: StridePlacement::V1_5,
        };
        let mut file = Shapes::new();
        for (path, shape) in shapes(&config.init(&Device::flex())) {
            let Some(module) = path.strip_suffix(".weight") else {
                continue;
            };
            let (conv, norm) = names_in_file(prefix, module);
            for part in NORM {
                let counter = part == "num_batches_tracked";
                let shape = if counter { vec![] } else { vec![shape[0]] };
                file.insert(format!("{norm}.{part}"), shape);
            }
            file.insert(format!("{conv}.weight"), shape);
        }
        file.insert(format!("{prefix}layer4.0.conv1.weight"), vec![9]);
        file.insert(format!("{prefix}fc.weight"), vec![1000, 9]);
        file
    }

    fn reason(file: &Shapes) -> String {
        recognise(file, &Device::flex()).unwrap_err().to_string()
    }

    #[test]
    fn every_network_is_told_from_the_others() {
        for kind in BackboneKind::ALL {
            for prefix in ["", "module."] {
                let file = network(kind, prefix);
                let found = recognise(&file, &Device::flex()).unwrap();
                assert_eq!(found.config.kind, kind);
                assert!(
                    found
                        .tensors
                        .contains(&format!("{prefix}layer2.0.downsample.0.weight"))
                );
                assert!(!found.tensors.contains(&format!("{prefix}fc.weight")));
                assert!(!is_package(&file));
            }
        }
    }

    #[test]
    fn relatives_are_refused_by_what_they_have_more_or_less() {
        // ResNet-101 begins like ResNet-50 and has more blocks.
        let mut deeper = network(BackboneKind::Resnet50, "");
        deeper.insert("layer3.6.conv1.weight".into(), vec![256, 1024, 1, 1]);
        assert!(
            reason(&deeper).contains("resnet50 has no 'layer3.6"),
            "{}",
            reason(&deeper)
        );
        let mut gated = network(BackboneKind::Resnet50, "");
        gated.insert("layer1.0.se.fc1.weight".into(), vec![16, 256, 1, 1]);
        assert!(reason(&gated).contains("layer1.0.se.fc1"));
        // ResNeXt-50 has groups in its 3×3 convolutions.
        let mut grouped = network(BackboneKind::Resnet50, "");
        grouped.insert("layer1.0.conv2.weight".into(), vec![128, 4, 3, 3]);
        assert!(reason(&grouped).contains("[128, 4, 3, 3]"));
        let mut deep_stem = network(BackboneKind::Resnet18, "");
        deep_stem.remove("conv1.weight");
        assert!(reason(&deep_stem).contains("'conv1.weight'"));
        assert!(
            reason(&Shapes::from([("features.0.weight".into(), vec![3])]))
                .contains("features.0.weight")
        );
        assert!(reason(&Shapes::new()).contains("no tensors"));
    }

    #[test]
    fn a_packages_weights_are_known_as_such() {
        let package = Shapes::from([("backbone.conv1.bias".into(), vec![32])]);
        assert!(is_package(&package));
    }
}
