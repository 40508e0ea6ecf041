//! The page's address: what of its state is in the query, so that it can be shared.
//!
//! `?backend=webgpu|cpu` asks for a backend, `?model=NAME` opens `models/NAME/` instead of the
//! default, `?sample=PRODUCT:DEFECT:SEED` shows a generated sample (`good` for no defect),
//! `?view=image|map|swipe` and `?colours=viridis|cividis` say how it is shown, `?threshold=VALUE` where
//! heat begins, `?lang=en|zh` is the page's language, and `?demo=off` leaves the page empty until an image is given. No image is ever put there.

use serde::{Deserialize, Serialize};

use crate::{backend::BackendWish, palette::Palette, words::Language};

/// A generated sample: product, defect and seed say all of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SampleSpec {
    /// Product name as in `fsr::products`.
    pub product: String,
    /// Defect name, or `None` for a good one.
    pub defect: Option<String>,
    /// Seed of the generator.
    pub seed: u64,
}

/// Seeds of the page's own samples. `fsr synth` uses none of these, whatever its options, so that
/// a model trained on generated images has seen no sample that the page offers.
pub const OWN_SEEDS: std::ops::Range<u64> = 600_000..1_000_000;

/// Seed of samples when nobody gave one.
pub const FIRST_SEED: u64 = OWN_SEEDS.start + 1;

/// In an address, a sample without a defect.
const GOOD: &str = "good";

impl SampleSpec {
    /// `product:defect:seed`.
    pub fn encode(&self) -> String {
        format!(
            "{}:{}:{}",
            self.product,
            self.defect.as_deref().unwrap_or(GOOD),
            self.seed
        )
    }

    /// Reads `product:defect:seed`; `None` if it is not that.
    pub fn decode(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let (product, defect, seed) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() || !is_name(product) || !is_name(defect) {
            return None;
        }
        Some(Self {
            product: product.to_owned(),
            defect: (defect != GOOD).then(|| defect.to_owned()),
            seed: seed.parse().ok()?,
        })
    }

    /// "Carpet, cut" or "Carpet, good".
    pub fn title(&self) -> String {
        let mut title = spaced(&self.product);
        if let Some(first) = title.get_mut(0..1) {
            first.make_ascii_uppercase();
        }
        format!(
            "{title}, {}",
            spaced(self.defect.as_deref().unwrap_or(GOOD))
        )
    }
}

/// `snake_case` as words.
pub fn spaced(name: &str) -> String {
    name.replace('_', " ")
}

/// Lower-case letters, digits, `_` and `-`: cannot leave a folder or break an address.
fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 64
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-')
}

/// The part of the page's state that its address holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Address {
    /// Backend asked for.
    pub backend: BackendWish,
    /// Folder under `models/`.
    pub model: String,
    /// Sample to show.
    pub sample: Option<SampleSpec>,
    /// Show a first sample without being asked.
    pub demo: bool,
    /// What to show of a result.
    pub view: View,
    /// Colours of the heat.
    pub palette: Palette,
    /// The visitor's own threshold.
    pub threshold: Option<f32>,
    /// Language of the page, when the address says which.
    pub language: Option<Language>,
}

/// Picture, heat, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum View {
    /// Only the image.
    Image,
    /// The map over the image.
    #[default]
    Overlay,
    /// Only the map.
    Map,
    /// The image on the left of a line, the map on its right.
    Swipe,
}

impl View {
    /// All, in the order they are offered.
    pub const ALL: [Self; 4] = [Self::Image, Self::Overlay, Self::Map, Self::Swipe];

    /// The name in the address.
    pub fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Overlay => "overlay",
            Self::Map => "map",
            Self::Swipe => "swipe",
        }
    }
}

impl Default for Address {
    fn default() -> Self {
        Self {
            backend: BackendWish::Auto,
            model: "default".into(),
            sample: None,
            demo: true,
            view: View::default(),
            palette: Palette::default(),
            threshold: None,
            language: None,
        }
    }
}

impl Address {
    /// Reads a query string, with or without its `?`. What is not understood is ignored.
    pub fn parse(query: &str) -> Self {
        let mut address = Self::default();
        for (key, value) in query
            .trim_start_matches('?')
            .split('&')
            .filter_map(|pair| pair.split_once('='))
        {
            let value = value.replace("%3A", ":").replace("%3a", ":");
            match (key, value.as_str()) {
                ("backend", "webgpu") => address.backend = BackendWish::WebGpu,
                ("backend", "cpu") => address.backend = BackendWish::Cpu,
                ("model", name) if is_name(name) => address.model = name.to_owned(),
                ("sample", text) => address.sample = SampleSpec::decode(text),
                ("demo", "off") => address.demo = false,
                ("view", name) => {
                    address.view = View::ALL
                        .into_iter()
                        .find(|view| view.name() == name)
                        .unwrap_or_default();
                }
                ("colours", name) => {
                    address.palette = Palette::from_name(name).unwrap_or_default();
                }
                ("lang", tag) => address.language = Language::of(tag),
                ("threshold", text) => {
                    address.threshold = text
                        .parse()
                        .ok()
                        .filter(|value: &f32| value.is_finite() && *value > 0.0);
                }
                _ => {}
            }
        }
        address
    }

    /// The query that brings this state back, empty for the default.
    pub fn query(&self) -> String {
        let mut pairs = Vec::new();
        match self.backend {
            BackendWish::Auto => {}
            BackendWish::WebGpu => pairs.push("backend=webgpu".to_owned()),
            BackendWish::Cpu => pairs.push("backend=cpu".to_owned()),
        }
        if self.model != Self::default().model {
            pairs.push(format!("model={}", self.model));
        }
        if let Some(sample) = &self.sample {
            pairs.push(format!("sample={}", sample.encode()));
        }
        if !self.demo {
            pairs.push("demo=off".to_owned());
        }
        if self.view != View::default() {
            pairs.push(format!("view={}", self.view.name()));
        }
        if self.palette != Palette::default() {
            pairs.push(format!("colours={}", self.palette.name()));
        }
        if let Some(threshold) = self.threshold {
            pairs.push(format!("threshold={threshold:e}"));
        }
        if let Some(language) = self.language {
            pairs.push(format!("lang={}", language.name()));
        }
        if pairs.is_empty() {
            String::new()
        } else {
            format!("?{}", pairs.join("&"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        for query in [
            "",
            "?backend=cpu",
            "?backend=webgpu&model=plain-twin&sample=circuit_board:missing_part:18446744073709551615&demo=off",
            "?sample=carpet:good:3",
            "?sample=carpet:good:3&view=swipe&colours=cividis&threshold=3.6e-2",
            "?demo=off&view=image",
            "?lang=zh",
            "?sample=carpet:good:3&lang=en",
        ] {
            assert_eq!(Address::parse(query).query(), query);
        }
    }

    #[test]
    fn a_good_sample_has_no_defect() {
        assert_eq!(
            SampleSpec::decode("carpet:good:3").map(|s| s.defect),
            Some(None)
        );
    }

    #[test]
    fn browsers_may_escape_the_colon() {
        assert!(Address::parse("?sample=carpet%3Acut%3A3").sample.is_some());
    }

    #[test]
    fn what_could_leave_the_folder_is_ignored() {
        for name in ["../secret", "a/b", "A", "", "a%2Fb", "http:"] {
            assert_eq!(
                Address::parse(&format!("?model={name}")).model,
                "default",
                "{name}"
            );
        }
    }

    #[test]
    fn broken_samples_are_ignored() {
        for text in [
            "carpet",
            "carpet:cut",
            "carpet:cut:x",
            "carpet:cut:-1",
            "carpet:cut:1:2",
            ":cut:1",
            "a/b:c:1",
        ] {
            assert_eq!(SampleSpec::decode(text), None, "{text}");
        }
    }

    #[test]
    fn a_language_may_name_a_place_or_be_unknown() {
        let language = |query: &str| Address::parse(query).language;
        assert_eq!(language("?lang=zh-CN"), Some(Language::Zh));
        assert_eq!(language("?lang=EN_gb"), Some(Language::En));
        assert_eq!(language("?lang=fr"), None);
        assert_eq!(language("?lang="), None);
    }

    #[test]
    fn titles_read_as_words() {
        let spec = SampleSpec {
            product: "circuit_board".into(),
            defect: Some("missing_part".into()),
            seed: 1,
        };
        assert_eq!(spec.title(), "Circuit board, missing part");
    }
}
