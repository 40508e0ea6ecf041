//! The FSR page.
//!
//! Two programs share this library: `fsr-ui`, the Leptos interface, and `fsr-worker`, which
//! alone owns the tensors. What both need and what can be tested without a browser lives
//! here: the message [`protocol`], the [`session`] that pairs requests with answers and
//! survives a trap of the worker, the page's [`address`], the [`verdict`] and the text
//! alternative of a map ([`region`]).
//!
//! Nothing here and nothing in `fsr-ui` refers to the crate `fsr`: whatever links it links
//! Burn, whose compilers register themselves at start-up and cannot be dropped again, and the
//! interface would be four times its size. What the interface shows of the method (colours,
//! products, agreement) the worker tells it.

pub mod address;
pub mod attachment;
pub mod backend;
pub mod camera;
pub mod curve;
pub mod folder;
pub mod gesture;
pub mod histogram;
pub mod list;
pub mod live;
pub mod package_files;
pub mod palette;
#[cfg(target_arch = "wasm32")]
pub mod post;
pub mod protocol;
pub mod region;
pub mod session;
pub mod verdict;
pub mod words;
pub mod zoom;
