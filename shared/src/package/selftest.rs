//! The self-test: an image and what the model must say about it.

use std::borrow::Cow;
use std::collections::HashMap;

use image::RgbImage;
use safetensors::tensor::Dtype as StoredType;
use safetensors::{SafeTensors, View};

use super::safetensors_io::check_finite;
use super::{FORMAT, PackageError, SELF_TEST_FILE};
use crate::map::{AnomalyMap, ImageScores};

/// An image with the map and scores that the exporting program computed for it.
///
/// Another device, or a browser, repeats it before its answers are trusted.
#[derive(Debug, Clone, PartialEq)]
pub struct SelfTest {
    /// Input of the network's size.
    pub image: RgbImage,
    /// Expected map of the same size.
    pub map: AnomalyMap,
    /// Expected scores.
    pub scores: ImageScores,
}

struct Stored<'a>(StoredType, Vec<usize>, Cow<'a, [u8]>);

impl View for &Stored<'_> {
    fn dtype(&self) -> StoredType {
        self.0
    }
    fn shape(&self) -> &[usize] {
        &self.1
    }
    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.2)
    }
    fn data_len(&self) -> usize {
        self.2.len()
    }
}

impl SelfTest {
    /// The file's contents: `image` U8 `[height, width, 3]`, `map` F32 `[height, width]`, `scores` F32
    /// `[3]` (std, max, top 1 %).
    ///
    /// # Errors
    /// When map or scores are not finite.
    pub fn to_bytes(&self) -> Result<Vec<u8>, PackageError> {
        let scores = [self.scores.std, self.scores.max, self.scores.top1];
        check_finite("map", &self.map.values)?;
        check_finite("scores", &scores)?;
        let floats = |values: &[f32]| values.iter().flat_map(|v| v.to_le_bytes()).collect();
        let (width, height) = self.image.dimensions();
        let image = Stored(
            StoredType::U8,
            vec![height as usize, width as usize, 3],
            self.image.as_raw().into(),
        );
        let map = Stored(
            StoredType::F32,
            vec![self.map.height, self.map.width],
            Cow::Owned(floats(&self.map.values)),
        );
        let scores = Stored(StoredType::F32, vec![3], Cow::Owned(floats(&scores)));
        let metadata = HashMap::from([("format".to_owned(), FORMAT.to_owned())]);
        safetensors::serialize(
            [("image", &image), ("map", &map), ("scores", &scores)],
            Some(metadata),
        )
        .map_err(|error| PackageError::damaged(SELF_TEST_FILE, error))
    }

    /// Reads a self-test for a network input of `size` × `size` pixels.
    ///
    /// # Errors
    /// Anything but the three tensors in their shapes, with finite values.
    pub fn from_bytes(bytes: &[u8], size: usize) -> Result<Self, PackageError> {
        let file = SafeTensors::deserialize(bytes)
            .map_err(|error| PackageError::damaged(SELF_TEST_FILE, error))?;
        let tensor = |name: &str, dtype: StoredType, shape: &[usize]| {
            let view = file
                .tensor(name)
                .map_err(|_| PackageError::tensor(SELF_TEST_FILE, name, "it is missing"))?;
            if view.dtype() == dtype && view.shape() == shape {
                return Ok(view.data());
            }
            let reason = format!(
                "it is {:?} {:?} and should be {dtype:?} {shape:?}",
                view.dtype(),
                view.shape()
            );
            Err(PackageError::tensor(SELF_TEST_FILE, name, reason))
        };
        let floats = |name: &str, shape: &[usize]| {
            let (chunks, _) = tensor(name, StoredType::F32, shape)?.as_chunks::<4>();
            let values: Vec<f32> = chunks
                .iter()
                .map(|bytes| f32::from_le_bytes(*bytes))
                .collect();
            check_finite(name, &values).map(|()| values)
        };
        let pixels = tensor("image", StoredType::U8, &[size, size, 3])?;
        let side =
            u32::try_from(size).map_err(|_| PackageError::damaged(SELF_TEST_FILE, "size"))?;
        let image = RgbImage::from_raw(side, side, pixels.to_vec())
            .ok_or_else(|| PackageError::damaged(SELF_TEST_FILE, "its image is incomplete"))?;
        let map = AnomalyMap::new(size, size, floats("map", &[size, size])?);
        let scores = floats("scores", &[3])?;
        let scores = ImageScores {
            std: scores[0],
            max: scores[1],
            top1: scores[2],
        };
        Ok(Self { image, map, scores })
    }
}
