//! Which backend runs, and why.
//!
//! WebGPU is taken when the browser offers a hardware adapter. A software adapter passes all
//! tests but is many times slower than the CPU backend, so it is used only when asked for.

use serde::{Deserialize, Serialize};

use crate::protocol::facts::facts;

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
        /// Vendor, architecture and description, as far as the browser tells; may be empty.
        name: String,
        /// The browser marks it as a software fallback.
        fallback: bool,
    },
}

/// A choice with its reason.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// What to use.
    pub backend: Backend,
    /// Why.
    pub reason: Reason,
}

facts! {
    /// Why a backend was chosen. An adapter's name may be empty.
    pub enum Reason {
        /// The address asks for the CPU.
        Asked,
        /// The browser has no WebGPU.
        NoApi,
        /// The browser has no adapter.
        NoAdapter,
        /// The address asks for WebGPU.
        AskedOn {
            /// On which.
            adapter: String,
        },
        /// The address asks for WebGPU, and it computes in software.
        AskedSoftware {
            /// On which.
            adapter: String,
        },
        /// There is a hardware adapter.
        On {
            /// Which.
            adapter: String,
        },
        /// WebGPU would compute in software.
        Software {
            /// On which.
            adapter: String,
        },
        /// A worker on the CPU trapped.
        Restarted {
            /// Its last words.
            message: String,
        },
        /// A worker on WebGPU trapped.
        Stopped {
            /// Its last words.
            message: String,
        },
        /// WebGPU did not begin.
        NotInitialised {
            /// Why.
            message: String,
        },
        /// WebGPU computes wrongly.
        SelfTest {
            /// Largest map difference, relative to the stored map's maximum.
            map_error: f32,
        },
        /// WebGPU failed at the first image.
        WarmUp {
            /// Why.
            message: String,
        },
    }
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
pub fn choose(wish: BackendWish, because: Option<Reason>, adapter: &Adapter) -> Choice {
    let cpu = |reason: Reason| Choice {
        backend: Backend::Cpu,
        reason,
    };
    let software = adapter.is_software();
    let name = match adapter {
        Adapter::Found { name, .. } => name.clone(),
        Adapter::NoApi | Adapter::None => String::new(),
    };
    match (wish, adapter) {
        (BackendWish::Cpu, _) => cpu(because.unwrap_or(Reason::Asked)),
        (_, Adapter::NoApi) => cpu(Reason::NoApi),
        (_, Adapter::None) => cpu(Reason::NoAdapter),
        (BackendWish::WebGpu, Adapter::Found { .. }) => Choice {
            backend: Backend::WebGpu,
            reason: if software {
                Reason::AskedSoftware { adapter: name }
            } else {
                Reason::AskedOn { adapter: name }
            },
        },
        (BackendWish::Auto, Adapter::Found { .. }) if software => {
            cpu(Reason::Software { adapter: name })
        }
        (BackendWish::Auto, Adapter::Found { .. }) => Choice {
            backend: Backend::WebGpu,
            reason: Reason::On { adapter: name },
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Language;

    fn said(choice: &Choice) -> String {
        Language::En.words().facts.reason(&choice.reason)
    }

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
        assert!(said(&choice).contains("nvidia"));
    }

    #[test]
    fn software_only_on_request_and_said() {
        for adapter in [
            found("google swiftshader", false),
            found("some adapter", true),
        ] {
            let auto = choose(BackendWish::Auto, None, &adapter);
            assert_eq!(auto.backend, Backend::Cpu);
            assert!(said(&auto).contains("software"));
            let forced = choose(BackendWish::WebGpu, None, &adapter);
            assert_eq!(forced.backend, Backend::WebGpu);
            assert!(said(&forced).contains("software"));
        }
    }

    #[test]
    fn nothing_there_means_cpu_even_when_webgpu_is_asked_for() {
        for adapter in [Adapter::NoApi, Adapter::None] {
            let choice = choose(BackendWish::WebGpu, None, &adapter);
            assert_eq!(choice.backend, Backend::Cpu);
            assert!(said(&choice).contains("WebGPU"));
        }
    }

    #[test]
    fn the_pages_own_reason_is_shown() {
        let stopped = Reason::Stopped {
            message: "device lost".into(),
        };
        let choice = choose(
            BackendWish::Cpu,
            Some(stopped.clone()),
            &found("nvidia", false),
        );
        assert_eq!(
            choice,
            Choice {
                backend: Backend::Cpu,
                reason: stopped
            }
        );
    }
}
