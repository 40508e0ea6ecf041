//! Folders, images and masks from disk, with errors that name the file.

use std::fs;
use std::path::{Path, PathBuf};

use image::{GrayImage, RgbImage};

use super::{Category, DatasetError, Size};

/// Larger files are refused before they are read; no image within the pixel limit needs more.
const MAX_FILE_BYTES: u64 = 1 << 30;

const EXTENSIONS: [&str; 8] = ["png", "jpg", "jpeg", "webp", "bmp", "tif", "tiff", "gif"];

/// Image files directly in `folder`, sorted by name; hidden files and other types are passed over.
///
/// # Errors
/// When the folder cannot be read or holds no image.
pub fn images_in(folder: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    let mut images = Vec::new();
    let mut others = Vec::new();
    for path in entries(folder)?.into_iter().filter(|path| path.is_file()) {
        let extension = path
            .extension()
            .map(|extension| extension.to_string_lossy().to_lowercase())
            .unwrap_or_default();
        if EXTENSIONS.contains(&extension.as_str()) {
            images.push(path);
        } else {
            others.push(file_name(&path));
        }
    }
    if images.is_empty() {
        let found = match others.first() {
            Some(name) if others.len() > 1 => {
                format!(" (it holds '{name}' and {} other files)", others.len() - 1)
            }
            Some(name) => format!(" (it holds '{name}')"),
            None => " (it is empty)".into(),
        };
        return Err(DatasetError::Empty {
            path: folder.into(),
            found,
        });
    }
    Ok(images)
}

/// Names of the folders directly in `folder`, sorted, hidden ones left out.
pub fn folders_in(folder: &Path) -> Result<Vec<String>, DatasetError> {
    Ok(entries(folder)?
        .iter()
        .filter(|path| path.is_dir())
        .map(|path| file_name(path))
        .collect())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    let fail = |reason| DatasetError::Folder {
        path: folder.into(),
        reason,
    };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        if !file_name(&path).starts_with('.') {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// Decodes an image file to 8-bit RGB.
///
/// # Errors
/// Names the file and what is wrong with it.
pub fn image(path: &Path) -> Result<RgbImage, DatasetError> {
    fsr::image::decode(&bytes(path)?).map_err(|error| unreadable(path, error))
}

/// Decodes a mask; above 127 is defective.
///
/// # Errors
/// Names the file, and the image where the sizes differ.
pub fn mask(
    path: &Path,
    image_path: &Path,
    image_size: (u32, u32),
) -> Result<GrayImage, DatasetError> {
    let mask = fsr::image::decode_mask(&bytes(path)?).map_err(|error| unreadable(path, error))?;
    if mask.dimensions() == image_size {
        return Ok(mask);
    }
    Err(DatasetError::MaskSize {
        mask: path.into(),
        mask_size: Size(mask.width(), mask.height()),
        image: image_path.into(),
        image_size: Size(image_size.0, image_size.1),
    })
}

/// Compares every mask's size with its image's from the files' headers, so that a long evaluation
/// does not fail half-way through.
///
/// # Errors
/// The first pair that differs, or file that is not readable.
pub fn check_masks(category: &Category) -> Result<(), DatasetError> {
    for test in &category.test {
        let Some(mask) = &test.mask else { continue };
        let (image_size, mask_size) = (header(&test.path)?, header(mask)?);
        // A photograph may be stored turned (EXIF); the exact check follows when both are decoded.
        if mask_size != image_size && mask_size != Size(image_size.1, image_size.0) {
            return Err(DatasetError::MaskSize {
                mask: mask.clone(),
                mask_size,
                image: test.path.clone(),
                image_size,
            });
        }
    }
    Ok(())
}

/// Width and height from an image file's header.
///
/// # Errors
/// When it is no image.
pub fn header(path: &Path) -> Result<Size, DatasetError> {
    let reader = image::ImageReader::open(path).and_then(|reader| reader.with_guessed_format());
    let (width, height) = reader
        .map_err(|error| unreadable(path, error))?
        .into_dimensions()
        .map_err(|error| unreadable(path, error))?;
    Ok(Size(width, height))
}

/// A file's contents, if it is not too large for an image.
pub(super) fn bytes(path: &Path) -> Result<Vec<u8>, DatasetError> {
    let size = fs::metadata(path)
        .map_err(|error| unreadable(path, error))?
        .len();
    if size > MAX_FILE_BYTES {
        return Err(unreadable(
            path,
            format!("it is {} MB large; images may have 1024 MB", size >> 20),
        ));
    }
    fs::read(path).map_err(|error| unreadable(path, error))
}

fn unreadable(path: &Path, reason: impl ToString) -> DatasetError {
    DatasetError::Unreadable {
        path: path.into(),
        reason: reason.to_string(),
    }
}
