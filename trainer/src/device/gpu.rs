//! The GPUs that wgpu reaches: Vulkan, Metal, DirectX 12.

use anyhow::{Context, Result, bail};
use burn::tensor::wgpu::wgpu::{Backends, DeviceType, Instance, InstanceDescriptor};
use burn::tensor::{Device, DeviceKind};

use super::Opened;
use super::adapter::{Adapter, best, is_software, missing_adapter};

/// Opens the adapter of that place, or the best one, a software one if there is no other.
///
/// # Errors
/// When there is none, or its driver is broken; the message lists what is there.
pub fn open(index: Option<usize>) -> Result<Opened> {
    let adapters = adapters();
    let adapter = match index {
        Some(index) => adapters.get(index),
        None => best(&adapters).or(adapters.first()),
    };
    match adapter {
        Some(adapter) => open_adapter(adapter),
        None => bail!("{}", missing_adapter(index, &adapters)),
    }
}

/// The best hardware GPU, if there is one that works.
pub fn open_hardware() -> Option<Opened> {
    open_adapter(best(&adapters())?).ok()
}

fn open_adapter(adapter: &Adapter) -> Result<Opened> {
    let device = Device::wgpu_options()
        .device_kind(adapter.kind.clone())
        .init()
        .with_context(|| {
            format!(
                "the GPU '{}' cannot be used; try --device cpu",
                adapter.name
            )
        })?;
    Ok(Opened {
        device,
        name: adapter.to_string(),
    })
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
                api: format!("{:?}", info.backend),
                software,
            }
        })
        .collect()
}
