//! Every sentence of the page in each of its languages: one table.
//!
//! An entry has its English and its Chinese side by side (see `table!`), so that one which is missing in a
//! language does not compile. Texts without values are fields; sentences with values are methods. What is
//! handed to other programs (CSV, JSON, file names, packages) stays English, and so does the detail of an
//! error that a library reports.

/// A part of the table: a struct of fixed texts with a method for each sentence that has values.
///
/// `name: "English", "中文";` makes a field, `fn name(value: Type) -> String { english, chinese }` a method.
macro_rules! table {
    (
        $(#[$about:meta])*
        $name:ident {
            $($text:ident: $en:literal, $zh:literal;)*
        }
        $(
            $(#[$doc:meta])*
            fn $say:ident($($value:ident: $type:ty),*) -> $out:ty { $en_say:expr, $zh_say:expr $(,)? }
        )*
    ) => {
        $(#[$about])*
        #[derive(Debug)]
        pub struct $name {
            #[allow(dead_code, reason = "parts of fixed texts alone need not know it")]
            language: Language,
            $(
                #[doc = $en]
                pub $text: &'static str,
            )*
        }

        impl $name {
            pub(super) const EN: Self = Self { language: Language::En, $($text: $en,)* };
            pub(super) const ZH: Self = Self { language: Language::Zh, $($text: $zh,)* };

            /// The fixed texts with their names.
            pub fn texts(&self) -> Vec<(&'static str, &'static str)> {
                vec![$((stringify!($text), self.$text),)*]
            }

            $(
                $(#[$doc])*
                pub fn $say(&self, $($value: $type),*) -> $out {
                    match self.language {
                        Language::En => $en_say,
                        Language::Zh => $zh_say,
                    }
                }
            )*
        }
    };
}

mod camera;
mod facts;
mod failures;
mod frame;
mod list;
mod result;
mod samples;
mod shelf;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_of_facts;
mod workshop;

pub use camera::{Backbone, Camera};
pub use facts::Facts;
pub use failures::{Failures, Told};
pub use frame::{Frame, Status};
pub use list::{Figures, List, Threshold};
pub use result::{Controls, Region, Result, Verdict};
pub use samples::Samples;
pub use shelf::Shelf;
pub use workshop::{Collect, Inspect, Train};

/// A language of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Chinese in simplified characters.
    Zh,
}

impl Language {
    /// All, in the order they are offered.
    pub const ALL: [Self; 2] = [Self::En, Self::Zh];

    /// In the address.
    pub fn name(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh",
        }
    }

    /// For `lang` attributes (BCP 47).
    pub fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh-Hans",
        }
    }

    /// What its speakers call it.
    pub fn title(self) -> &'static str {
        match self {
            Self::En => "English",
            Self::Zh => "中文",
        }
    }

    /// The language of a tag such as `zh`, `zh-CN` or `en-GB`, by its first part.
    pub fn of(tag: &str) -> Option<Self> {
        let first = tag.split(['-', '_']).next()?;
        Self::ALL
            .into_iter()
            .find(|language| language.name().eq_ignore_ascii_case(first))
    }

    /// Its sentences.
    pub fn words(self) -> &'static Words {
        match self {
            Self::En => &EN,
            Self::Zh => &ZH,
        }
    }
}

/// The whole table in one language.
#[derive(Debug)]
pub struct Words {
    /// Which.
    pub language: Language,
    /// Mast, foot, and the page as a whole.
    pub frame: Frame,
    /// The status line.
    pub status: Status,
    /// What the worker tells of itself.
    pub facts: Facts,
    /// Step one.
    pub collect: Collect,
    /// Step two.
    pub train: Train,
    /// The camera, in steps one and three.
    pub camera: Camera,
    /// What a training begins with.
    pub backbone: Backbone,
    /// Step three, and what is opened.
    pub inspect: Inspect,
    /// The result.
    pub result: Result,
    /// Good or not, and why.
    pub verdict: Verdict,
    /// The map in words.
    pub region: Region,
    /// The controls under the image.
    pub controls: Controls,
    /// The list of images.
    pub list: List,
    /// The threshold on the histogram.
    pub threshold: Threshold,
    /// Figures of a labelled folder.
    pub figures: Figures,
    /// Generated samples.
    pub samples: Samples,
    /// Everything that can go wrong.
    pub failures: Failures,
    /// The shelf, whose script gets these as they are.
    pub shelf: Shelf,
}

static EN: Words = Words {
    language: Language::En,
    frame: Frame::EN,
    status: Status::EN,
    facts: Facts::EN,
    collect: Collect::EN,
    train: Train::EN,
    camera: Camera::EN,
    backbone: Backbone::EN,
    inspect: Inspect::EN,
    result: Result::EN,
    verdict: Verdict::EN,
    region: Region::EN,
    controls: Controls::EN,
    list: List::EN,
    threshold: Threshold::EN,
    figures: Figures::EN,
    samples: Samples::EN,
    failures: Failures::EN,
    shelf: Shelf::EN,
};

static ZH: Words = Words {
    language: Language::Zh,
    frame: Frame::ZH,
    status: Status::ZH,
    facts: Facts::ZH,
    collect: Collect::ZH,
    train: Train::ZH,
    camera: Camera::ZH,
    backbone: Backbone::ZH,
    inspect: Inspect::ZH,
    result: Result::ZH,
    verdict: Verdict::ZH,
    region: Region::ZH,
    controls: Controls::ZH,
    list: List::ZH,
    threshold: Threshold::ZH,
    figures: Figures::ZH,
    samples: Samples::ZH,
    failures: Failures::ZH,
    shelf: Shelf::ZH,
};

impl Words {
    /// A share, 0 to 1, as a percentage.
    pub fn percent(&self, share: f64, decimals: usize) -> String {
        let space = match self.language {
            Language::En => " ",
            Language::Zh => "",
        };
        format!("{:.decimals$}{space}%", 100.0 * share)
    }

    /// Words as a sentence: first letter large, full stop at the end.
    pub fn sentence(&self, text: &str) -> String {
        match self.language {
            Language::En => crate::protocol::sentence(text),
            Language::Zh => format!("{text}。"),
        }
    }
}
