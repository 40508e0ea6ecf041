//! Image files to 8-bit pixels.

use std::io::Cursor;

use image::metadata::Orientation;
use image::{
    DynamicImage, GrayImage, ImageDecoder, ImageFormat, ImageReader, Limits, Rgb, RgbImage,
};
use thiserror::Error;

/// Longest side, in pixels, that [`decode`] accepts.
pub const MAX_SIDE: u32 = 16_384;

/// Most pixels (width × height) that [`decode`] accepts.
pub const MAX_PIXELS: u64 = 100_000_000;

/// Memory that a decoder may claim: 100 megapixels of 16-bit RGBA.
const MAX_DECODER_BYTES: u64 = 8 * MAX_PIXELS;

/// Why a file is not usable as an image. Every message names the reason and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ImageError {
    /// No bytes at all.
    #[error("the file is empty: choose a PNG, JPEG, WebP, BMP, TIFF or GIF image")]
    Empty,
    /// The first bytes belong to none of the formats.
    #[error(
        "this is not an image that can be read here: use a PNG, JPEG, WebP, BMP, TIFF or GIF file"
    )]
    NotAnImage,
    /// The header announces more pixels than [`MAX_SIDE`] or [`MAX_PIXELS`] allow.
    #[error(
        "the image is {width} × {height} pixels; at most {MAX_SIDE} a side and {} megapixels are accepted: \
         make it smaller first",
        MAX_PIXELS / 1_000_000
    )]
    TooLarge {
        /// Width in the header, pixels.
        width: u32,
        /// Height in the header, pixels.
        height: u32,
    },
    /// The header announces a width or height of zero.
    #[error("the image has no pixels ({width} × {height}): save it again from its source")]
    NoPixels {
        /// Width in the header, pixels.
        width: u32,
        /// Height in the header, pixels.
        height: u32,
    },
    /// The format was recognised, its contents are broken.
    #[error("the {format} file is damaged or cut short ({reason}): save it again from its source")]
    Damaged {
        /// Name of the format, such as "PNG".
        format: &'static str,
        /// What the decoder found.
        reason: String,
    },
    /// The format was recognised, this flavour of it is not supported.
    #[error("this kind of {format} file cannot be read ({reason}): save it as an ordinary PNG")]
    Unsupported {
        /// Name of the format, such as "TIFF".
        format: &'static str,
        /// The missing feature.
        reason: String,
    },
}

/// Decodes an image file to 8-bit RGB.
///
/// The format is recognised by its first bytes. The EXIF orientation is applied; 16-bit and float
/// samples are rounded to 8 bits, grey and palette images are expanded, transparent pixels are laid on
/// white, and of an animation the first frame is taken. Dimensions are checked in the header, before any
/// pixel memory is claimed.
///
/// # Errors
/// [`ImageError`] for anything that is not a whole image of acceptable size.
pub fn decode(bytes: &[u8]) -> Result<RgbImage, ImageError> {
    let image = decode_dynamic(bytes)?;
    if !image.color().has_alpha() {
        return Ok(image.into_rgb8());
    }
    let rgba = image.into_rgba8();
    let mut rgb = RgbImage::new(rgba.width(), rgba.height());
    for (target, source) in rgb.pixels_mut().zip(rgba.pixels()) {
        let [r, g, b, alpha] = source.0;
        *target = Rgb([r, g, b].map(|channel| on_white(channel, alpha)));
    }
    Ok(rgb)
}

/// Decodes a ground-truth mask to 0 (good) and 255 (defect).
///
/// A file whose largest value is below 128 is taken as a label image, in which every value but zero
/// marks a defect (VisA stores its masks so); otherwise pixels above 127 are defects.
///
/// # Errors
/// As [`decode`].
pub fn decode_mask(bytes: &[u8]) -> Result<GrayImage, ImageError> {
    let mut mask = decode_dynamic(bytes)?.into_luma8();
    let largest = mask.as_raw().iter().copied().max().unwrap_or(0);
    let threshold = if largest > 127 { 127 } else { 0 };
    for value in mask.iter_mut() {
        *value = if *value > threshold { 255 } else { 0 };
    }
    Ok(mask)
}

/// `channel` with opacity `alpha` (0–255) over white, rounded.
fn on_white(channel: u8, alpha: u8) -> u8 {
    let (channel, alpha) = (u32::from(channel), u32::from(alpha));
    ((channel * alpha + 255 * (255 - alpha) + 127) / 255) as u8
}

fn decode_dynamic(bytes: &[u8]) -> Result<DynamicImage, ImageError> {
    if bytes.is_empty() {
        return Err(ImageError::Empty);
    }
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|_| ImageError::NotAnImage)?;
    let format = reader
        .format()
        .filter(|format| format.reading_enabled())
        .ok_or(ImageError::NotAnImage)?;
    let name = format_name(format).ok_or(ImageError::NotAnImage)?;
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_DECODER_BYTES);
    reader.limits(limits);

    let mut decoder = reader
        .into_decoder()
        .map_err(|error| explain(name, error, None))?;
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 {
        return Err(ImageError::NoPixels { width, height });
    }
    if width > MAX_SIDE || height > MAX_SIDE || u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(ImageError::TooLarge { width, height });
    }
    if format == ImageFormat::Jpeg && !jpeg_is_whole(bytes) {
        return Err(ImageError::Damaged {
            format: name,
            reason: "its end marker is missing".into(),
        });
    }
    // A broken EXIF block is no reason to refuse the picture.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut image = DynamicImage::from_decoder(decoder)
        .map_err(|error| explain(name, error, Some((width, height))))?;
    image.apply_orientation(orientation);
    Ok(image)
}

/// Whether an end-of-image marker follows the last start-of-scan marker.
///
/// The decoder fills the missing part of a cut JPEG with grey and reports success; to an inspection that
/// would be a large anomaly. Inside entropy-coded data 0xFF is always followed by 0x00 or a restart
/// marker, so neither byte pair occurs by chance.
fn jpeg_is_whole(bytes: &[u8]) -> bool {
    let last = |marker: u8| bytes.windows(2).rposition(|pair| pair == [0xFF, marker]);
    match (last(0xDA), last(0xD9)) {
        (Some(scan), Some(end)) => end > scan,
        (_, end) => end.is_some(),
    }
}

fn format_name(format: ImageFormat) -> Option<&'static str> {
    Some(match format {
        ImageFormat::Png => "PNG",
        ImageFormat::Jpeg => "JPEG",
        ImageFormat::WebP => "WebP",
        ImageFormat::Bmp => "BMP",
        ImageFormat::Tiff => "TIFF",
        ImageFormat::Gif => "GIF",
        _ => return None,
    })
}

fn explain(
    format: &'static str,
    error: image::ImageError,
    dimensions: Option<(u32, u32)>,
) -> ImageError {
    match (error, dimensions) {
        (image::ImageError::Unsupported(reason), _) => ImageError::Unsupported {
            format,
            reason: one_line(&reason.to_string()),
        },
        (image::ImageError::Limits(_), Some((width, height))) => {
            ImageError::TooLarge { width, height }
        }
        (error, _) => ImageError::Damaged {
            format,
            reason: one_line(&error.to_string()),
        },
    }
}

/// The decoder's words on one line of bounded length.
fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(160).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use image::codecs::png::PngEncoder;
    use image::{ExtendedColorType, ImageBuffer, ImageEncoder, Luma, Rgba};

    use super::*;

    fn encode(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.into().write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    /// A 3 × 2 picture whose pixels are all different.
    fn picture() -> RgbImage {
        RgbImage::from_fn(3, 2, |x, y| {
            Rgb([40 * x as u8, 100 * y as u8, 10 + 7 * (x + 3 * y) as u8])
        })
    }

    #[test]
    fn lossless_formats_give_the_pixels_back() {
        for format in [
            ImageFormat::Png,
            ImageFormat::Bmp,
            ImageFormat::Tiff,
            ImageFormat::WebP,
        ] {
            assert_eq!(
                decode(&encode(picture(), format)).unwrap(),
                picture(),
                "{format:?}"
            );
        }
    }

    #[test]
    fn sixteen_bit_grey_and_alpha_become_rgb8() {
        let deep: ImageBuffer<Luma<u16>, Vec<u16>> =
            ImageBuffer::from_fn(2, 1, |x, _| Luma([if x == 0 { 0x8080 } else { 0xFFFF }]));
        let rgb = decode(&encode(deep, ImageFormat::Png)).unwrap();
        assert_eq!(rgb.as_raw(), &[128, 128, 128, 255, 255, 255]);

        let mut grey_alpha = Vec::new();
        PngEncoder::new(&mut grey_alpha)
            .write_image(&[10, 255, 10, 0], 2, 1, ExtendedColorType::La8)
            .unwrap();
        let rgb = decode(&grey_alpha).unwrap();
        assert_eq!(rgb.as_raw(), &[10, 10, 10, 255, 255, 255]);

        let rgba = ImageBuffer::from_pixel(1, 1, Rgba([0u8, 100, 200, 128]));
        let rgb = decode(&encode(rgba, ImageFormat::Png)).unwrap();
        assert_eq!(rgb.as_raw(), &[127, 177, 227]);
    }

    #[test]
    fn exif_orientation_is_applied() {
        for (tag, expected) in [
            (1, [[10, 20], [30, 40]]),
            (3, [[40, 30], [20, 10]]),
            (6, [[30, 10], [40, 20]]),
            (8, [[20, 40], [10, 30]]),
        ] {
            let mut bytes = Vec::new();
            let mut encoder = PngEncoder::new(&mut bytes);
            // Little-endian TIFF header, one directory entry: tag 0x0112, SHORT, one value.
            encoder
                .set_exif_metadata(vec![
                    b'I', b'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, tag, 0, 0, 0,
                    0, 0, 0, 0,
                ])
                .unwrap();
            encoder
                .write_image(&[10, 20, 30, 40], 2, 2, ExtendedColorType::L8)
                .unwrap();
            let rgb = decode(&bytes).unwrap();
            let grey = [0, 1].map(|y| [0, 1].map(|x| rgb.get_pixel(x, y).0[0]));
            assert_eq!(grey, expected, "orientation {tag}");
        }
    }

    #[test]
    fn masks_of_255_and_label_masks_mean_the_same() {
        let mask = |values: [u8; 3]| {
            let image = GrayImage::from_vec(3, 1, values.to_vec()).unwrap();
            decode_mask(&encode(image, ImageFormat::Png))
                .unwrap()
                .into_raw()
        };
        assert_eq!(mask([0, 127, 255]), [0, 0, 255]);
        assert_eq!(mask([0, 1, 3]), [0, 255, 255]);
        assert_eq!(mask([0, 0, 0]), [0, 0, 0]);
    }

    #[test]
    fn hostile_input_is_named() {
        assert_eq!(decode(&[]), Err(ImageError::Empty));
        assert_eq!(decode(b"not an image"), Err(ImageError::NotAnImage));
        assert_eq!(decode(b"%PDF-1.7 ..."), Err(ImageError::NotAnImage));

        let noise = RgbImage::from_fn(64, 64, |x, y| {
            let h = (x * 31 + y * 57).wrapping_mul(2_654_435_761);
            Rgb([(h >> 8) as u8, (h >> 16) as u8, (h >> 24) as u8])
        });
        for format in [
            ImageFormat::Png,
            ImageFormat::Jpeg,
            ImageFormat::Gif,
            ImageFormat::Bmp,
            ImageFormat::Tiff,
            ImageFormat::WebP,
        ] {
            let whole = encode(noise.clone(), format);
            assert!(decode(&whole).is_ok(), "{format:?}");
            let error = decode(&whole[..whole.len() / 2]).unwrap_err();
            assert!(
                matches!(error, ImageError::Damaged { .. }),
                "{format:?}: {error:?}"
            );
            assert!(!error.to_string().contains('\n'));
            for length in 0..whole.len().min(200) {
                assert!(decode(&whole[..length]).is_err(), "{format:?} {length}");
            }
        }
    }

    /// A PNG signature and header chunk for the given size, followed by nothing.
    fn png_header(width: u32, height: u32) -> Vec<u8> {
        let mut chunk = b"IHDR".to_vec();
        chunk.extend(width.to_be_bytes());
        chunk.extend(height.to_be_bytes());
        chunk.extend([8, 2, 0, 0, 0]);
        let mut crc = u32::MAX;
        for byte in &chunk {
            crc ^= u32::from(*byte);
            for _ in 0..8 {
                crc = if crc & 1 == 1 {
                    (crc >> 1) ^ 0xEDB8_8320
                } else {
                    crc >> 1
                };
            }
        }
        let mut bytes = vec![0x89, b'P', b'N', b'G', 13, 10, 26, 10, 0, 0, 0, 13];
        bytes.extend(chunk);
        bytes.extend((!crc).to_be_bytes());
        bytes.extend([0, 0, 0, 0]);
        bytes.extend(b"IDAT");
        bytes.extend([0x35, 0xAF, 0x06, 0x1E]);
        bytes
    }

    #[test]
    fn sizes_are_refused_from_the_header() {
        for (width, height) in [(20_000, 20_000), (MAX_SIDE + 1, 1), (16_000, 16_000)] {
            assert_eq!(
                decode(&png_header(width, height)),
                Err(ImageError::TooLarge { width, height })
            );
        }
        let error = decode(&png_header(20_000, 20_000)).unwrap_err().to_string();
        assert!(error.contains("20000 × 20000") && error.contains("smaller"));
        assert!(decode(&png_header(0, 10)).is_err());
    }
}
