//! Enums of facts on their way between worker and page.
//!
//! A fact travels as a list of texts: the variant's name and its values. What serde derives for enums of this many
//! variants would be a tenth of the interface's program.

use super::{Again, Matter};
use crate::address::SampleSpec;

/// Defines an enum that travels as a list of texts.
macro_rules! facts {
    (
        $(#[$about:meta])*
        pub enum $name:ident {
            $(
                $(#[$doc:meta])*
                $variant:ident $({ $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })?,
            )*
        }
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(into = "Vec<String>", try_from = "Vec<String>")]
        pub enum $name {
            $($(#[$doc])* $variant $({ $($(#[$field_doc])* $field: $type,)* })?,)*
        }

        impl From<$name> for Vec<String> {
            fn from(fact: $name) -> Self {
                match fact {
                    $($name::$variant $({ $($field,)* })? => vec![
                        stringify!($variant).to_owned(),
                        $($($crate::protocol::facts::Value::put($field),)*)?
                    ],)*
                }
            }
        }

        impl TryFrom<Vec<String>> for $name {
            type Error = String;

            fn try_from(texts: Vec<String>) -> Result<Self, String> {
                let mut texts = texts.into_iter();
                let name = texts.next().unwrap_or_default();
                #[allow(unused_variables, unused_mut, reason = "for facts without values")]
                let mut next = || texts.next().unwrap_or_default();
                $(
                    if name == stringify!($variant) {
                        return Ok(Self::$variant $({
                            $($field: $crate::protocol::facts::value(next(), &name)?,)*
                        })?);
                    }
                )*
                Err(format!("no fact is called {name:?}"))
            }
        }
    };
}
pub(crate) use facts;

/// A value of a fact as a text.
pub(crate) trait Value: Sized {
    /// To a text.
    fn put(self) -> String;
    /// From a text; `None` when it is not one of these.
    fn take(text: String) -> Option<Self>;
}

/// Reads a value; the error names the fact.
pub(crate) fn value<T: Value>(text: String, name: &str) -> Result<T, String> {
    T::take(text).ok_or_else(|| format!("a value of the fact {name} cannot be read"))
}

impl Value for String {
    fn put(self) -> String {
        self
    }

    fn take(text: String) -> Option<Self> {
        Some(text)
    }
}

macro_rules! number {
    ($($type:ty),*) => {
        $(impl Value for $type {
            fn put(self) -> String {
                self.to_string()
            }

            fn take(text: String) -> Option<Self> {
                text.parse().ok()
            }
        })*
    };
}
number!(usize, u16, f32);

/// Width and height.
impl Value for (u32, u32) {
    fn put(self) -> String {
        format!("{}x{}", self.0, self.1)
    }

    fn take(text: String) -> Option<Self> {
        let (width, height) = text.split_once('x')?;
        Some((width.parse().ok()?, height.parse().ok()?))
    }
}

/// Names, which hold no line ends.
impl Value for Vec<String> {
    fn put(self) -> String {
        self.join("\n")
    }

    fn take(text: String) -> Option<Self> {
        Some(text.lines().map(str::to_owned).collect())
    }
}

impl Value for Again {
    fn put(self) -> String {
        match self {
            Self::Training => "training".into(),
            Self::List => "list".into(),
        }
    }

    fn take(text: String) -> Option<Self> {
        match text.as_str() {
            "training" => Some(Self::Training),
            "list" => Some(Self::List),
            _ => None,
        }
    }
}

impl Value for Matter {
    fn put(self) -> String {
        let (kind, text) = match self {
            Self::ModelAt(url) => ("model", url),
            Self::Package => ("package", String::new()),
            Self::Trained => ("trained", String::new()),
            Self::File(name) => ("file", name),
            Self::MaskOf(name) => ("mask", name),
            Self::Figures => ("figures", String::new()),
            Self::Training(name) => ("training", name),
            Self::Sample(sample) => ("sample", sample.encode()),
        };
        format!("{kind} {text}")
    }

    fn take(text: String) -> Option<Self> {
        let (kind, text) = text.split_once(' ')?;
        let own = || text.to_owned();
        Some(match kind {
            "model" => Self::ModelAt(own()),
            "package" => Self::Package,
            "trained" => Self::Trained,
            "file" => Self::File(own()),
            "mask" => Self::MaskOf(own()),
            "figures" => Self::Figures,
            "training" => Self::Training(own()),
            "sample" => Self::Sample(SampleSpec::decode(text)?),
            _ => return None,
        })
    }
}
