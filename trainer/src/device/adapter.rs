//! Graphics adapters: which one is taken, and what is said when none is. Knows no driver, so that builds without GPUs
//! test it too.

use std::fmt;

use burn::tensor::DeviceKind;

/// A graphics adapter, in the terms of the runtime's own selector.
#[derive(Debug, Clone)]
pub struct Adapter {
    /// The driver's name for it.
    pub name: String,
    /// How the runtime selects it.
    pub kind: DeviceKind,
    /// Graphics API, for instance `Vulkan`.
    pub api: String,
    /// Whether the CPU plays the GPU.
    pub software: bool,
}

impl fmt::Display for Adapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} ({}{})",
            self.name,
            self.api,
            if self.software { ", software" } else { "" }
        )
    }
}

/// Rasterisers that call themselves a GPU.
pub fn is_software(name: &str) -> bool {
    let name = name.to_lowercase();
    [
        "llvmpipe",
        "lavapipe",
        "swiftshader",
        "softpipe",
        "basic render",
    ]
    .iter()
    .any(|known| name.contains(known))
}

/// A discrete GPU before a virtual one before an integrated one; never a software adapter.
pub fn best(adapters: &[Adapter]) -> Option<&Adapter> {
    let rank = |adapter: &&Adapter| match adapter.kind {
        DeviceKind::DiscreteGpu(_) => 0,
        DeviceKind::VirtualGpu(_) => 1,
        DeviceKind::IntegratedGpu(_) => 2,
        _ => 3,
    };
    adapters
        .iter()
        .filter(|adapter| !adapter.software)
        .min_by_key(rank)
}

/// Why there is no adapter of that place, or none at all.
pub fn missing_adapter(index: Option<usize>, adapters: &[Adapter]) -> String {
    let list: Vec<String> = adapters
        .iter()
        .enumerate()
        .map(|(at, adapter)| format!("wgpu:{at} {adapter}"))
        .collect();
    match (index, list.is_empty()) {
        (_, true) => "no GPU is visible to wgpu (Vulkan, Metal, DirectX 12); install its driver, or use --device cpu".into(),
        (Some(index), false) => format!("there is no wgpu:{index}; there are: {}", list.join(", ")),
        (None, false) => "no GPU is usable; use --device cpu".into(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn adapter(name: &str, kind: DeviceKind, software: bool) -> Adapter {
        Adapter {
            name: name.into(),
            kind,
            api: "Vulkan".into(),
            software,
        }
    }

    #[test]
    fn auto_never_takes_a_software_adapter_and_prefers_discrete() {
        let software = adapter("llvmpipe (LLVM 15)", DeviceKind::Cpu, true);
        let integrated = adapter("iGPU", DeviceKind::IntegratedGpu(0), false);
        let discrete = adapter("dGPU", DeviceKind::DiscreteGpu(0), false);
        assert!(best(std::slice::from_ref(&software)).is_none());
        assert_eq!(
            best(&[software.clone(), integrated.clone(), discrete])
                .unwrap()
                .name,
            "dGPU"
        );
        assert_eq!(best(&[software, integrated]).unwrap().name, "iGPU");
        assert!(
            is_software("SwiftShader Device (Subzero)")
                && is_software("Microsoft Basic Render Driver")
        );
        assert!(!is_software("NVIDIA H200"));
    }

    #[test]
    fn a_missing_device_lists_what_is_there() {
        let message = missing_adapter(
            Some(2),
            &[adapter("dGPU", DeviceKind::DiscreteGpu(0), false)],
        );
        assert!(
            message.contains("no wgpu:2") && message.contains("wgpu:0 dGPU"),
            "{message}"
        );
    }
}
