//! The decoder against files that lie, are cut, or are damaged: an error with a reason, never a panic, never memory
//! for pixels that are not there.

use fsr::image::{ImageError, decode, decode_mask};
use fsr_tests::hostile::{
    FORMATS, bmp_header, encode, gif_header, jpeg_header, picture, png_header, tiff_header,
    webp_header,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Peak of this process's address space so far, in bytes (Linux).
fn peak_address_space() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmPeak:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

#[test]
fn too_large_is_refused_from_the_header_in_every_format() {
    let before = peak_address_space();
    for (name, bytes, width, height) in [
        ("PNG", png_header(20_000, 20_000), 20_000, 20_000),
        ("PNG, one side", png_header(1, 16_385), 1, 16_385),
        (
            "PNG, too many pixels",
            png_header(16_384, 16_384),
            16_384,
            16_384,
        ),
        ("JPEG", jpeg_header(20_000, 20_000), 20_000, 20_000),
        ("GIF", gif_header(u16::MAX, u16::MAX), 65_535, 65_535),
        ("BMP", bmp_header(20_000, 20_000), 20_000, 20_000),
        ("TIFF", tiff_header(20_000, 20_000), 20_000, 20_000),
        ("WebP", webp_header(16_000, 16_000), 16_000, 16_000),
    ] {
        let error = decode(&bytes).expect_err(name);
        assert_eq!(error, ImageError::TooLarge { width, height }, "{name}");
        let message = error.to_string();
        assert!(
            message.contains(&width.to_string()) && message.contains("100 megapixels"),
            "{name}: {message}"
        );
        assert!(decode_mask(&bytes).is_err(), "{name} as a mask");
    }
    // The smallest of these pictures would be 805 MB; other tests of this file take a few.
    if let (Some(before), Some(after)) = (before, peak_address_space()) {
        let grown = (after - before) / (1 << 20);
        assert!(
            grown < 400,
            "refusing headers took {grown} MiB of address space"
        );
    }
}

#[test]
fn absurd_headers_are_errors() {
    for (name, bytes) in [
        ("PNG of no width", png_header(0, 10)),
        ("PNG of no height", png_header(10, 0)),
        ("PNG of the largest size", png_header(u32::MAX, u32::MAX)),
        ("PNG without pixels", png_header(64, 64)),
        ("JPEG without pixels", jpeg_header(64, 64)),
        ("JPEG of no size", jpeg_header(0, 0)),
        ("GIF of no size", gif_header(0, 0)),
        ("BMP without pixels", bmp_header(64, 64)),
        (
            "BMP of the largest size",
            bmp_header(i32::MAX as u32, i32::MAX as u32),
        ),
        ("BMP of negative width", bmp_header(-64i32 as u32, 64)),
        ("TIFF of no size", tiff_header(0, 0)),
        ("TIFF of the largest size", tiff_header(u32::MAX, u32::MAX)),
        ("TIFF without pixels", tiff_header(640, 640)),
        ("WebP without pixels", webp_header(64, 64)),
    ] {
        let error = decode(&bytes).expect_err(name);
        let message = error.to_string();
        assert!(
            message.len() > 20 && !message.contains('\n'),
            "{name}: {message:?}"
        );
    }
}

#[test]
fn what_is_no_image_is_said_to_be_none() {
    for bytes in [
        b"<!doctype html><title>404</title>".as_slice(),
        b"PK\x03\x04 a zip",
        b"\x7fELF\x02\x01\x01",
        b"%PDF-1.7",
        b"{\"json\": true}",
        &[0; 4096],
        &[0xff; 4096],
    ] {
        assert_eq!(
            decode(bytes),
            Err(ImageError::NotAnImage),
            "{:?}",
            &bytes[..8]
        );
    }
    assert_eq!(decode(&[]), Err(ImageError::Empty));
}

#[test]
fn a_file_cut_anywhere_is_an_error() {
    for format in FORMATS {
        let whole = encode(picture(61, 47), format);
        let decoded = decode(&whole).unwrap_or_else(|error| panic!("{format:?}: {error}"));
        assert_eq!(decoded.dimensions(), (61, 47), "{format:?}");
        for length in 0..whole.len() * 9 / 10 {
            assert!(
                decode(&whole[..length]).is_err(),
                "{format:?} cut to {length} of {} bytes",
                whole.len()
            );
        }
    }
}

#[test]
fn damaged_files_never_panic() {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    for format in FORMATS {
        let whole = encode(picture(40, 31), format);
        let mut refused = 0;
        for _ in 0..400 {
            let mut bytes = whole.clone();
            for _ in 0..random.random_range(1..=4) {
                let at = random.random_range(0..bytes.len());
                match random.random_range(0..4) {
                    0 => bytes[at] ^= 1 << random.random_range(0..8),
                    1 => bytes[at] = random.random(),
                    2 => drop(bytes.remove(at)),
                    _ => bytes.insert(at, random.random()),
                }
            }
            match decode(&bytes) {
                // Damage inside the pixels of an unchecked format is still a picture.
                Ok(image) => assert!(image.width() > 0 && image.height() > 0),
                Err(error) => {
                    refused += 1;
                    assert!(!error.to_string().contains('\n'), "{format:?}: {error}");
                }
            }
        }
        assert!(
            refused > 0,
            "{format:?}: no damage was noticed in 400 files"
        );
    }
}
