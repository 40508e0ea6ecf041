//! How weights are stored.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Number format of the weights in a package. In memory they are always f32.
///
/// Biases, norms and other small tensors stay f32 in every format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dtype {
    /// 32 bits, exact.
    #[default]
    F32,
    /// 16 bits, 11 of them significant.
    F16,
    /// 8 bits with a scale for every 32 values, see [`super::quantise()`].
    Q8,
}

impl Dtype {
    /// All formats, largest first.
    pub const ALL: [Self; 3] = [Self::F32, Self::F16, Self::Q8];

    /// The name used in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Q8 => "q8",
        }
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Dtype {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|dtype| dtype.name() == text)
            .ok_or_else(|| format!("unknown number format '{text}'; there are: f32, f16, q8"))
    }
}
