//! `--device`: which processor computes.

#[cfg(any(feature = "gpu", test))]
mod adapter;
#[cfg(feature = "gpu")]
mod gpu;

use std::fmt;
use std::str::FromStr;

use anyhow::{Result, bail};
use burn::tensor::Device;

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
        DeviceChoice::Wgpu(index) => wgpu(index),
        DeviceChoice::Auto => match cuda(None) {
            Ok(opened) => Ok(opened),
            Err(_) => Ok(hardware_gpu().unwrap_or_else(cpu)),
        },
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

#[cfg(feature = "gpu")]
fn wgpu(index: Option<usize>) -> Result<Opened> {
    gpu::open(index)
}

#[cfg(not(feature = "gpu"))]
fn wgpu(_: Option<usize>) -> Result<Opened> {
    bail!("this build has no wgpu; build without `--no-default-features`, or use --device cpu")
}

/// None without a GPU, and where its driver is broken: that must not keep anybody from the CPU.
#[cfg(feature = "gpu")]
fn hardware_gpu() -> Option<Opened> {
    gpu::open_hardware()
}

#[cfg(not(feature = "gpu"))]
fn hardware_gpu() -> Option<Opened> {
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn reads_device_names() {
        assert_eq!("auto".parse(), Ok(DeviceChoice::Auto));
        assert_eq!("wgpu:3".parse(), Ok(DeviceChoice::Wgpu(Some(3))));
        assert_eq!("cuda".parse(), Ok(DeviceChoice::Cuda(None)));
        for bad in ["gpu", "cpu:1", "wgpu:x", "wgpu:-1", "", "auto:0"] {
            assert!(bad.parse::<DeviceChoice>().is_err(), "{bad}");
        }
    }
}
