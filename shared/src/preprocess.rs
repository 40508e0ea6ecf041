//! Image to network input: one resampler for native and web, ImageNet normalisation.

use burn::tensor::{Device, Tensor, TensorData};
use image::RgbImage;

use crate::image::resize_lanczos;

/// Per-channel mean of ImageNet, RGB in 0…1.
pub const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
/// Per-channel standard deviation of ImageNet.
pub const STD: [f32; 3] = [0.229, 0.224, 0.225];

/// Squashes an image of any size and aspect ratio to `side`×`side` (Pillow's Lanczos).
pub fn to_input_size(image: &RgbImage, side: usize) -> RgbImage {
    let side = side as u32;
    if image.dimensions() == (side, side) {
        image.clone()
    } else {
        resize_lanczos(image, side, side)
    }
}

/// A batch of equally sized images as a normalised tensor.
///
/// # Shapes
/// `[batch, 3, height, width]`, values (x/255 − mean)/std
pub fn images_to_tensor(images: &[RgbImage], device: &Device) -> Tensor<4> {
    let (width, height) = images.first().map_or((1, 1), RgbImage::dimensions);
    let mut values = Vec::with_capacity(images.len() * 3 * (width * height) as usize);
    for image in images {
        for channel in 0..3 {
            let table: [f32; 256] =
                std::array::from_fn(|level| (level as f32 / 255.0 - MEAN[channel]) / STD[channel]);
            values.extend(
                image
                    .as_raw()
                    .iter()
                    .skip(channel)
                    .step_by(3)
                    .map(|&level| table[level as usize]),
            );
        }
    }
    let shape = [images.len(), 3, height as usize, width as usize];
    Tensor::from_data(TensorData::new(values, shape), device)
}
