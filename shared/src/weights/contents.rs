//! What a `.safetensors` file says it holds, read from its beginning alone.
//!
//! A page cannot hold a large file beside the tensors it wants from it: it reads the header, and then only what it
//! needs, in the file's order.

use std::collections::BTreeMap;
use std::ops::Range;

use safetensors::Dtype;
use safetensors::tensor::Metadata;

use super::{WeightsError, is_pytorch_checkpoint};

/// Bytes before the header, which give its length.
pub const LENGTH_BYTES: usize = 8;

/// No honest header is longer, in bytes: a network's has some ten thousand.
const MOST_HEADER_BYTES: u64 = 16 << 20;

/// Shapes of tensors by name.
pub type Shapes = BTreeMap<String, Vec<usize>>;

/// The tensors of a file and where each lies.
#[derive(Debug)]
pub struct Contents {
    metadata: Metadata,
    data_start: u64,
}

/// One tensor of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its name.
    pub name: String,
    /// Its number type.
    pub dtype: Dtype,
    /// Its axes, outermost first.
    pub shape: Vec<usize>,
    /// Its bytes in the file.
    pub bytes: Range<u64>,
}

impl Contents {
    /// Length of the header behind the first [`LENGTH_BYTES`] of a file of `file_bytes`.
    ///
    /// # Errors
    /// [`WeightsError::Unreadable`] for another kind of file, or one cut short.
    pub fn header_bytes(first: &[u8], file_bytes: u64) -> Result<usize, WeightsError> {
        let unreadable = |reason: String| Err(WeightsError::Unreadable(reason));
        if is_pytorch_checkpoint(first) {
            return unreadable(
                "it is a PyTorch checkpoint (.pth); the native program reads those, here it must be .safetensors".into(),
            );
        }
        let Ok(length) = <[u8; LENGTH_BYTES]>::try_from(first).map(u64::from_le_bytes) else {
            return unreadable(format!("it has only {file_bytes} bytes"));
        };
        if length > MOST_HEADER_BYTES {
            return unreadable(format!(
                "what should be the length of its header is {length} bytes, so it is no safetensors file, or a damaged one"
            ));
        }
        if LENGTH_BYTES as u64 + length > file_bytes {
            return unreadable(format!(
                "it is cut short: it ends within its header, after {file_bytes} bytes"
            ));
        }
        usize::try_from(length).or_else(|error| unreadable(error.to_string()))
    }

    /// Reads the header of a file of `file_bytes` and checks that its tensors fill the file without a gap.
    ///
    /// # Errors
    /// [`WeightsError::Unreadable`].
    pub fn parse(header: &[u8], file_bytes: u64) -> Result<Self, WeightsError> {
        // Types that do not fit shapes, gaps and overlaps are refused while it is deserialised.
        let metadata: Metadata = serde_json::from_slice(header).map_err(|error| {
            WeightsError::Unreadable(format!("its header cannot be understood, {error}"))
        })?;
        let data_start = (LENGTH_BYTES + header.len()) as u64;
        let promised = data_start + metadata.data_len() as u64;
        if promised != file_bytes {
            let what = if promised > file_bytes {
                "cut short"
            } else {
                "too long"
            };
            return Err(WeightsError::Unreadable(format!(
                "it is {what}: it has {file_bytes} bytes, and its header tells of {promised}"
            )));
        }
        Ok(Self {
            metadata,
            data_start,
        })
    }

    /// The contents of a whole file in memory.
    ///
    /// # Errors
    /// [`WeightsError::Unreadable`].
    pub fn of(bytes: &[u8]) -> Result<Self, WeightsError> {
        let length = bytes.len() as u64;
        let first = &bytes[..bytes.len().min(LENGTH_BYTES)];
        let header = Self::header_bytes(first, length)?;
        Self::parse(&bytes[LENGTH_BYTES..LENGTH_BYTES + header], length)
    }

    /// Where the first tensor begins: behind the header.
    pub fn data_start(&self) -> u64 {
        self.data_start
    }

    /// Its tensors in the file's order, without gaps between them.
    pub fn places(&self) -> Vec<Place> {
        let place = |name: String| {
            let info = self.metadata.info(&name)?;
            let (start, end) = info.data_offsets;
            Some(Place {
                dtype: info.dtype,
                shape: info.shape.clone(),
                bytes: self.data_start + start as u64..self.data_start + end as u64,
                name,
            })
        };
        self.metadata
            .offset_keys()
            .into_iter()
            .filter_map(place)
            .collect()
    }

    /// Shapes by name.
    pub fn shapes(&self) -> Shapes {
        self.places()
            .into_iter()
            .map(|place| (place.name, place.shape))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// A file with the header `text` and `data` bytes behind it.
    fn file(text: &str, data: usize) -> Vec<u8> {
        let mut bytes = (text.len() as u64).to_le_bytes().to_vec();
        bytes.extend(text.as_bytes());
        bytes.resize(bytes.len() + data, 0);
        bytes
    }

    const TWO: &str = r#"{"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},
        "a":{"dtype":"F16","shape":[1,3],"data_offsets":[8,14]}}"#;

    #[test]
    fn tensors_are_found_in_the_files_order() {
        let bytes = file(TWO, 14);
        let contents = Contents::of(&bytes).unwrap();
        let start = bytes.len() as u64 - 14;
        assert_eq!(contents.data_start(), start);
        let places = contents.places();
        assert_eq!(
            (places[0].name.as_str(), places[0].bytes.clone()),
            ("b", start..start + 8)
        );
        assert_eq!(
            (places[1].name.as_str(), places[1].bytes.clone()),
            ("a", start + 8..start + 14)
        );
        assert_eq!(contents.shapes()["a"], [1, 3]);
    }

    #[test]
    fn a_file_that_is_not_whole_is_refused_before_anything_is_read() {
        let error = |bytes: &[u8]| Contents::of(bytes).unwrap_err().to_string();
        assert!(error(&file(TWO, 13)).contains("cut short"));
        assert!(error(&file(TWO, 15)).contains("too long"));
        assert!(error(&file(TWO, 0)[..40]).contains("within its header"));
        assert!(error(b"text").contains("only 4 bytes"));
        assert!(error(b"this is a text file").contains("no safetensors"));
        assert!(error(b"PK\x03\x04 and so on").contains(".pth"));
        assert!(error(&file("{", 0)).contains("header"));
    }

    #[test]
    fn a_header_of_four_gigabytes_is_not_looked_for() {
        let first = (4u64 << 30).to_le_bytes();
        let error = Contents::header_bytes(&first, 5 << 30).unwrap_err();
        assert!(error.to_string().contains("4294967296"), "{error}");
    }

    #[test]
    fn places_that_overlap_or_do_not_fit_their_shape_are_refused() {
        for text in [
            TWO.replace("[8,14]", "[4,10]"),
            TWO.replace("[1,3]", "[1,4]"),
            TWO.replace("[8,14]", "[10,16]"),
        ] {
            assert!(Contents::of(&file(&text, 14)).is_err(), "{text}");
        }
    }
}
