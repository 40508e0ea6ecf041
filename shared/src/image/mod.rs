//! Images: files to 8-bit RGB, and the one resampler of native program and page.
//!
//! Nothing here depends on the platform, so a file gives the same pixels natively and in a browser:
//! the page decodes with this module too and never through a canvas.

mod decode;
mod resample;

pub use decode::{ImageError, MAX_PIXELS, MAX_SIDE, decode, decode_mask};
pub use image::{GrayImage, RgbImage};
pub use resample::{resize_bicubic, resize_lanczos, resize_nearest_mask};
