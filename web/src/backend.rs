//! Which backend runs, and why.
//!
//! WebGPU is taken when the browser offers a hardware adapter. A software adapter passes all
//! tests but is many times slower than the CPU backend, so it is used only when asked for.

use serde::{Deserialize, Serialize};

/// What computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// Burn's wgpu backend on the browser's WebGPU.
    WebGpu,
    /// Burn's Flex backend: WebAssembly with SIMD, one thread.
    Cpu,
}

impl Backend {
    /// For people.
    pub fn label(self) -> &'static str {
        match self {
            Self::WebGpu => "WebGPU",
            Self::Cpu => "CPU",
        }
    }

    /// As in the address and in test hooks.
    pub fn name(self) -> &'static str {
        match self {
            Self::WebGpu => "webgpu",
            Self::Cpu => "cpu",
        }
    }
}

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BackendWish {
    /// The page chooses.
    #[default]
    Auto,
    /// WebGPU even on a software adapter.
    WebGpu,
    /// The CPU even where there is WebGPU.
    Cpu,
}

/// What the browser says of its WebGPU adapter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Adapter {
    /// No `navigator.gpu` in workers.
    NoApi,
    /// The API is there, an adapter is not.
    None,
    /// An adapter.
    Found {
        /// Vendor, architecture and description, as far as the browser tells.
        name: String,
        /// The browser marks it as a software fallback.
        fallback: bool,
    },
}

/// A choice with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What to use.
    pub backend: Backend,
    /// Why, as a sentence.
    pub reason: String,
}

/// Software rasterisers that browsers may offer as an adapter.
const SOFTWARE: [&str; 6] = [
    "swiftshader",
    "llvmpipe",
    "lavapipe",
    "softpipe",
    "basic render",
    "subzero",
];

impl Adapter {
    /// Computes on the processor although it calls itself a GPU.
    pub fn is_software(&self) -> bool {
        match self {
            Self::NoApi | Self::None => false,
            Self::Found { name, fallback } => {
                let name = name.to_lowercase();
                *fallback || SOFTWARE.iter().any(|software| name.contains(software))
            }
        }
    }
}

/// Chooses from what was asked for and what there is.
///
/// `because` is the page's own reason to ask for the CPU, such as a trap on WebGPU.
pub fn choose(wish: BackendWish, because: Option<&str>, adapter: &Adapter) -> Choice {
    let cpu = |reason: String| Choice {
        backend: Backend::Cpu,
        reason,
    };
    match (wish, adapter) {
        (BackendWish::Cpu, _) => cpu(because.unwrap_or("as the address asks").to_owned()),
        (_, Adapter::NoApi) => cpu("this browser offers no WebGPU here".into()),
        (_, Adapter::None) => cpu("this browser found no WebGPU adapter".into()),
        (BackendWish::WebGpu, Adapter::Found { name, .. }) => Choice {
            backend: Backend::WebGpu,
            reason: if adapter.is_software() {
                format!(
                    "as the address asks, although {name} computes in software and is slower than the CPU backend"
                )
            } else {
                format!("as the address asks, on {name}")
            },
        },
        (BackendWish::Auto, Adapter::Found { name, .. }) if adapter.is_software() => cpu(format!(
            "the WebGPU adapter ({name}) computes in software, where the CPU backend is faster"
        )),
        (BackendWish::Auto, Adapter::Found { name, .. }) => Choice {
            backend: Backend::WebGpu,
            reason: format!("on {name}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, fallback: bool) -> Adapter {
        Adapter::Found {
            name: name.into(),
            fallback,
        }
    }

    #[test]
    fn hardware_is_taken() {
        let choice = choose(BackendWish::Auto, None, &found("nvidia ampere", false));
        assert_eq!(choice.backend, Backend::WebGpu);
        assert!(choice.reason.contains("nvidia"));
    }

    #[test]
    fn software_only_on_request_and_said() {
        for adapter in [
            found("google swiftshader", false),
            found("some adapter", true),
        ] {
            let auto = choose(BackendWish::Auto, None, &adapter);
            assert_eq!(auto.backend, Backend::Cpu);
            assert!(auto.reason.contains("software"));
            let forced = choose(BackendWish::WebGpu, None, &adapter);
            assert_eq!(forced.backend, Backend::WebGpu);
            assert!(forced.reason.contains("software"));
        }
    }

    #[test]
    fn nothing_there_means_cpu_even_when_webgpu_is_asked_for() {
        for adapter in [Adapter::NoApi, Adapter::None] {
            let choice = choose(BackendWish::WebGpu, None, &adapter);
            assert_eq!(choice.backend, Backend::Cpu);
            assert!(choice.reason.contains("WebGPU"));
        }
    }

    #[test]
    fn the_pages_own_reason_is_shown() {
        let choice = choose(
            BackendWish::Cpu,
            Some("WebGPU stopped"),
            &found("nvidia", false),
        );
        assert_eq!(
            choice,
            Choice {
                backend: Backend::Cpu,
                reason: "WebGPU stopped".into()
            }
        );
    }
}
