//! A failure in words.

use serde::{Deserialize, Serialize};

/// An error for a person: what is wrong, with the thing's name, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What went wrong.
    pub what: String,
    /// What to do.
    pub mend: String,
}

impl Failure {
    /// From the two sentences.
    pub fn new(what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            mend: mend.into(),
        }
    }

    /// From a library's message of the form "what is wrong: what to do", about the thing `name`.
    pub fn about(name: &str, message: &str) -> Self {
        match message.rsplit_once(": ") {
            Some((what, mend)) => Self::new(format!("{name}: {what}."), sentence(mend)),
            None => Self::new(format!("{name}: {message}."), "Try another file."),
        }
    }
}

/// First letter large, full stop at the end.
pub fn sentence(text: &str) -> String {
    let mut letters = text.trim_end_matches('.').chars();
    letters.next().map_or_else(String::new, |first| {
        format!("{}{}.", first.to_uppercase(), letters.as_str())
    })
}
