//! `--device`: which processor computes.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context, Result, bail};
use burn::tensor::wgpu::wgpu::{self, Backends, DeviceType, Instance, InstanceDescriptor};
use burn::tensor::{Device, DeviceKind};

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeviceChoice {
    /// CUDA if built in and present, else a hardware GPU through wgpu, else the CPU.
    #[default]
    Auto,
    /// The CPU (Burn's Flex backend, all cores).
    Cpu,
    /// A GPU through Vulkan, Metal or DirectX 12, by its place in the list or the best one.
    Wgpu(Option<usize>),
    /// An NVIDIA GPU through CUDA.
    Cuda(Option<usize>),
}

impl FromStr for DeviceChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, index) = match text.split_once(':') {
            Some((kind, index)) => match index.parse() {
                Ok(index) => (kind, Some(index)),
                Err(_) => {
                    return Err(format!(
                        "'{index}' is not a device number; write for instance {kind}:0"
                    ));
                }
            },
            None => (text, None),
        };
        match (kind, index) {
            ("auto", None) => Ok(Self::Auto),
            ("cpu", None) => Ok(Self::Cpu),
            ("wgpu", index) => Ok(Self::Wgpu(index)),
            ("cuda", index) => Ok(Self::Cuda(index)),
            _ => Err("there are: auto, cpu, wgpu, wgpu:0, cuda, cuda:0".into()),
        }
    }
}

/// A device that is ready, and its name for people.
#[derive(Debug, Clone)]
pub struct Opened {
    /// The device.
    pub device: Device,
    /// For instance `CPU (16 threads)` or `NVIDIA H200 (CUDA 0)`.
    pub name: String,
}

impl fmt::Display for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// Opens the device that `choice` asks for.
///
/// # Errors
/// When it is not there or not built in; the message lists what is.
pub fn open(choice: DeviceChoice) -> Result<Opened> {
    let opened = find(choice)?;
    tracing::debug!(?choice, device = %opened, "opened");
    Ok(opened)
}

fn find(choice: DeviceChoice) -> Result<Opened> {
    match choice {
        DeviceChoice::Cpu => Ok(cpu()),
        DeviceChoice::Cuda(index) => cuda(index),
        DeviceChoice::Wgpu(index) => {
            let adapters = adapters();
            let adapter = match index {
                Some(index) => adapters.get(index),
                None => best(&adapters).or(adapters.first()),
            };
            match adapter {
                Some(adapter) => adapter.open(),
                None => bail!("{}", missing_adapter(index, &adapters)),
            }
        }
        DeviceChoice::Auto => {
            if let Ok(opened) = cuda(None) {
                return Ok(opened);
            }
            match best(&adapters()) {
                // A driver that is broken must not keep anybody from the CPU.
                Some(adapter) => adapter.open().or_else(|_| Ok(cpu())),
                None => Ok(cpu()),
            }
        }
    }
}

fn cpu() -> Opened {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    Opened {
        device: Device::flex(),
        name: format!("CPU ({threads} threads)"),
    }
}

#[cfg(feature = "cuda")]
fn cuda(index: Option<usize>) -> Result<Opened> {
    let count = Device::enumerate(burn::tensor::DeviceType::Cuda)
        .into_vec()
        .len();
    let index = index.unwrap_or(0);
    if index >= count {
        bail!(
            "there is no CUDA device {index}: {count} found; see nvidia-smi, or use --device cpu"
        );
    }
    let device = Device::cuda(index);
    let name = device
        .identity()
        .map_or_else(|| "NVIDIA GPU".into(), |identity| identity.name);
    Ok(Opened {
        device,
        name: format!("{name} (CUDA {index})"),
    })
}

#[cfg(not(feature = "cuda"))]
fn cuda(_: Option<usize>) -> Result<Opened> {
    bail!("this build has no CUDA; build with `--features cuda`, or use --device wgpu")
}

/// A graphics adapter, in the terms of the runtime's own selector.
#[derive(Debug, Clone)]
struct Adapter {
    name: String,
    kind: DeviceKind,
    api: wgpu::Backend,
    software: bool,
}

impl Adapter {
    fn open(&self) -> Result<Opened> {
        let device = Device::wgpu_options()
            .device_kind(self.kind.clone())
            .init()
            .with_context(|| format!("the GPU '{}' cannot be used; try --device cpu", self.name))?;
        Ok(Opened {
            device,
            name: self.to_string(),
        })
    }
}

impl fmt::Display for Adapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} ({:?}{})",
            self.name,
            self.api,
            if self.software { ", software" } else { "" }
        )
    }
}

/// The adapters of the first graphics API that reaches a hardware GPU, else of the first that has any:
/// the same API that the runtime settles on.
fn adapters() -> Vec<Adapter> {
    let apis = if cfg!(target_os = "macos") {
        vec![Backends::METAL]
    } else {
        vec![Backends::VULKAN, Backends::DX12, Backends::GL]
    };
    let mut fallback = Vec::new();
    for api in apis
        .into_iter()
        .filter(|api| Instance::enabled_backend_features().contains(*api))
    {
        let found = adapters_of(api);
        if found.iter().any(|adapter| !adapter.software) {
            return found;
        }
        if fallback.is_empty() {
            fallback = found;
        }
    }
    fallback
}

fn adapters_of(api: Backends) -> Vec<Adapter> {
    let instance = Instance::new(InstanceDescriptor {
        backends: api,
        ..InstanceDescriptor::new_without_display_handle()
    });
    let mut counts = [0; 3];
    let mut next = |kind: usize| {
        counts[kind] += 1;
        counts[kind] - 1
    };
    pollster::block_on(instance.enumerate_adapters(api))
        .into_iter()
        .map(|adapter| {
            let info = adapter.get_info();
            let kind = match info.device_type {
                DeviceType::DiscreteGpu => DeviceKind::DiscreteGpu(next(0)),
                DeviceType::IntegratedGpu => DeviceKind::IntegratedGpu(next(1)),
                DeviceType::VirtualGpu => DeviceKind::VirtualGpu(next(2)),
                DeviceType::Cpu => DeviceKind::Cpu,
                DeviceType::Other => DeviceKind::DefaultDevice,
            };
            let software = info.device_type == DeviceType::Cpu || is_software(&info.name);
            Adapter {
                name: info.name,
                kind,
                api: info.backend,
                software,
            }
        })
        .collect()
}

/// Rasterisers that call themselves a GPU.
fn is_software(name: &str) -> bool {
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
fn best(adapters: &[Adapter]) -> Option<&Adapter> {
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

fn missing_adapter(index: Option<usize>, adapters: &[Adapter]) -> String {
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
            api: wgpu::Backend::Vulkan,
            software,
        }
    }

    #[test]
    fn reads_device_names() {
        assert_eq!("auto".parse(), Ok(DeviceChoice::Auto));
        assert_eq!("wgpu:3".parse(), Ok(DeviceChoice::Wgpu(Some(3))));
        assert_eq!("cuda".parse(), Ok(DeviceChoice::Cuda(None)));
        for bad in ["gpu", "cpu:1", "wgpu:x", "wgpu:-1", "", "auto:0"] {
            assert!(bad.parse::<DeviceChoice>().is_err(), "{bad}");
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
