//! The worker: the only part of the page that holds tensors.
//!
//! It takes one message after another (`queue`), keeps one device and one detector
//! (`engine`), and answers every request, with a result or with a failure in words
//! (`outbox`). A panic is told to the page before the program stops, and the page starts
//! another worker.

#[cfg(target_arch = "wasm32")]
mod backbone;
#[cfg(target_arch = "wasm32")]
mod device;
#[cfg(target_arch = "wasm32")]
mod engine;
#[cfg(target_arch = "wasm32")]
mod files;
#[cfg(target_arch = "wasm32")]
mod good_images;
#[cfg(target_arch = "wasm32")]
mod judge;
#[cfg(target_arch = "wasm32")]
mod load;
#[cfg(target_arch = "wasm32")]
mod measure;
#[cfg(target_arch = "wasm32")]
mod outbox;
#[cfg(target_arch = "wasm32")]
mod queue;
#[cfg(target_arch = "wasm32")]
mod sample;
#[cfg(target_arch = "wasm32")]
mod subject;
#[cfg(target_arch = "wasm32")]
mod train;

#[cfg(target_arch = "wasm32")]
fn main() {
    outbox::tell_panics();
    queue::listen();
    outbox::say_ready();
}

#[cfg(not(target_arch = "wasm32"))]
fn main() {
    eprintln!("fsr-worker runs in a browser: `cargo xtask demo` builds and serves the page");
}
