//! What `fsr data get` knows how to fetch.

use super::archive::Format;

/// Something that can be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is.
    pub title: &'static str,
    /// The terms it comes under, in a line.
    pub licence: &'static str,
    /// Its makers' page.
    pub home: &'static str,
    /// Where the file is; `None` where its makers give no address that a program can use.
    pub url: Option<&'static str>,
    /// What is known of its SHA-256.
    pub hash: Hash,
    /// What to do with the file.
    pub kind: Kind,
}

/// What is known of a file's SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hash {
    /// All of it. For the archives: as anomalib pins it and others have measured it.
    Full(&'static str),
    /// Its first 8 digits, which torchvision puts into the file's name.
    Prefix(&'static str),
    /// Nothing.
    Unknown,
}

/// What to do with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Unpack it; the format is in doubt where it is not given.
    Archive(Option<Format>),
    /// Keep it as it is, under this name.
    File(&'static str),
}

const BSD: &str = "torchvision's, BSD-3-Clause; trained on ImageNet, whose own terms allow non-commercial research";
const TORCHVISION: &str = "https://docs.pytorch.org/vision/stable/models.html";

/// Everything that can be fetched.
pub const SOURCES: [Source; 8] = [
    Source {
        name: "mvtec",
        title: "MVTec AD: 15 categories, 5354 images (4.9 GiB)",
        licence: "CC BY-NC-SA 4.0: not for commercial use",
        home: "https://www.mvtec.com/company/research/datasets/mvtec-ad",
        url: Some(
            "https://www.mydrive.ch/shares/38536/3830184030e49fe74747669442f0f282/download/420938113-1629952094/mvtec_anomaly_detection.tar.xz",
        ),
        hash: Hash::Full("cf4313b13603bec67abb49ca959488f7eedce2a9f7795ec54446c649ac98cd3d"),
        kind: Kind::Archive(Some(Format::TarXz)),
    },
    Source {
        name: "visa",
        title: "VisA: 12 categories, 10821 images (1.8 GiB)",
        licence: "CC BY 4.0",
        home: "https://github.com/amazon-science/spot-diff",
        url: Some("https://amazon-visual-anomaly.s3.us-west-2.amazonaws.com/VisA_20220922.tar"),
        hash: Hash::Full("2eb8690c803ab37de0324772964100169ec8ba1fa3f7e94291c9ca673f40f362"),
        kind: Kind::Archive(Some(Format::Tar)),
    },
    Source {
        name: "btad",
        title: "BTAD: 3 categories, 2830 images",
        licence: "none comes with the archive; ask its makers before any use but research",
        home: "https://avires.dimi.uniud.it/papers/btad/",
        url: Some("https://avires.dimi.uniud.it/papers/btad/btad.zip"),
        hash: Hash::Full("461c9387e515bfed41ecaae07c50cf6b10def647b36c9e31d239ab2736b10d2a"),
        kind: Kind::Archive(Some(Format::Zip)),
    },
    Source {
        name: "mpdd",
        title: "MPDD: 6 categories, 1346 images",
        licence: "none is stated on its page; ask its makers before any use but research",
        home: "https://github.com/stepanje/MPDD",
        url: None,
        hash: Hash::Unknown,
        kind: Kind::Archive(None),
    },
    weights(
        "weights:resnet18",
        "ResNet-18 of torchvision, IMAGENET1K_V1 (45 MiB)",
        "https://download.pytorch.org/models/resnet18-f37072fd.pth",
        "f37072fd",
        "resnet18-f37072fd.pth",
    ),
    weights(
        "weights:resnet34",
        "ResNet-34 of torchvision, IMAGENET1K_V1 (83 MiB)",
        "https://download.pytorch.org/models/resnet34-b627a593.pth",
        "b627a593",
        "resnet34-b627a593.pth",
    ),
    weights(
        "weights:resnet50",
        "ResNet-50 of torchvision, IMAGENET1K_V1 (98 MiB)",
        "https://download.pytorch.org/models/resnet50-0676ba61.pth",
        "0676ba61",
        "resnet50-0676ba61.pth",
    ),
    weights(
        "weights:wide_resnet50_2",
        "WideResNet-50-2 of torchvision, IMAGENET1K_V1, the paper's backbone (132 MiB)",
        "https://download.pytorch.org/models/wide_resnet50_2-95faca4d.pth",
        "95faca4d",
        "wide_resnet50_2-95faca4d.pth",
    ),
];

const fn weights(
    name: &'static str,
    title: &'static str,
    url: &'static str,
    prefix: &'static str,
    file: &'static str,
) -> Source {
    Source {
        name,
        title,
        licence: BSD,
        home: TORCHVISION,
        url: Some(url),
        hash: Hash::Prefix(prefix),
        kind: Kind::File(file),
    }
}

/// The source of a name.
///
/// # Errors
/// Names those that there are.
pub fn find(name: &str) -> Result<Source, String> {
    SOURCES
        .into_iter()
        .find(|source| source.name == name)
        .ok_or_else(|| {
            let names = SOURCES.map(|source| source.name);
            format!("unknown: there are {}", names.join(", "))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sound() {
        for source in SOURCES {
            assert_eq!(find(source.name), Ok(source.clone()));
            assert!(source.url.is_none_or(|url| url.starts_with("https://")));
            let digits = match source.hash {
                Hash::Full(hash) => (hash, 64),
                Hash::Prefix(hash) => (hash, 8),
                Hash::Unknown => continue,
            };
            assert_eq!(digits.0.len(), digits.1, "{}", source.name);
            assert!(
                digits
                    .0
                    .bytes()
                    .all(|digit| b"0123456789abcdef".contains(&digit))
            );
            // A weight's name carries the digits that are checked.
            if let (Kind::File(file), Some(url)) = (source.kind, source.url) {
                assert!(url.ends_with(file) && file.contains(&format!("-{}.", digits.0)));
            }
        }
        assert!(find("coco").is_err_and(|error| error.contains("weights:resnet18")));
    }
}
