//! The allocator, told to keep what a training step gives back for the next one.
//!
//! A step makes and drops hundreds of tensors of megabytes. What goes back to the kernel must be cleared again when the
//! next step asks for it: with the system's allocator a tenth of a step on Linux, with mimalloc's own delay of one
//! second, which is about a step, a fifth.

use libmimalloc_sys::{mi_option_set, mi_option_t};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_purge_delay` of mimalloc's C header, which the binding leaves out.
const PURGE_DELAY: mi_option_t = 15;
/// Milliseconds that free memory is kept: longer than any step, short enough to give it back between runs.
const KEPT: std::ffi::c_long = 30_000;

/// Sets the delay; `MIMALLOC_PURGE_DELAY` in the environment, in milliseconds, goes before it.
pub fn keep_freed_memory() {
    if std::env::var_os("MIMALLOC_PURGE_DELAY").is_some() {
        return;
    }
    // SAFETY: the call stores a number in mimalloc's table of options, an atomic one, at an index within it.
    #[expect(unsafe_code, reason = "mimalloc's options have no safe binding")]
    unsafe {
        mi_option_set(PURGE_DELAY, KEPT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(unsafe_code, reason = "mimalloc's options have no safe binding")]
    fn the_option_is_the_purge_delay() {
        // SAFETY: reads a number from mimalloc's table of options at an index within it.
        let read = || unsafe { libmimalloc_sys::mi_option_get(PURGE_DELAY) };
        // mimalloc 3's own; no other option has this value, so the index is the right one.
        assert_eq!(read(), 1000);
        keep_freed_memory();
        assert_eq!(read(), KEPT);
    }
}
