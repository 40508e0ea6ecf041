//! Layouts of data sets: which one a folder is in, and one way to read them all.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde::Serialize;

use super::folders::{self, Names};
use super::{Category, DatasetError, Listing, folders_in, plain, visa};

/// How a data set lays out its images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// MVTec AD: CATEGORY/{train/good, test/DEFECT, ground_truth/DEFECT}.
    Mvtec,
    /// MPDD: as MVTec AD.
    Mpdd,
    /// BTAD: CATEGORY/{train/ok, test/ok, test/ko, ground_truth/ko}.
    Btad,
    /// VisA: split_csv/1cls.csv names every image.
    Visa,
    /// One product: good/, and if there are any bad/ (or a folder for each defect) and masks/.
    Plain,
}

impl std::fmt::Display for Layout {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Mvtec => "mvtec",
            Self::Mpdd => "mpdd",
            Self::Btad => "btad",
            Self::Visa => "visa",
            Self::Plain => "plain",
        })
    }
}

/// Which half of a category a command needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Good images to train on must be there.
    Train,
    /// Images to judge must be there.
    Test,
}

/// MPDD's categories; nothing else tells it from MVTec AD.
const MPDD: [&str; 6] = [
    "bracket_black",
    "bracket_brown",
    "bracket_white",
    "connector",
    "metal_plate",
    "tubes",
];

/// A data set in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataSet {
    root: PathBuf,
    layout: Layout,
}

impl DataSet {
    /// The data set in `root`, in the layout given or else in the one that it shows.
    ///
    /// # Errors
    /// When the folder cannot be listed. What is missing in it shows when it is read.
    pub fn open(root: &Path, layout: Option<Layout>) -> Result<Self, DatasetError> {
        Ok(Self {
            root: root.into(),
            layout: match layout {
                Some(layout) => layout,
                None => detect(root)?,
            },
        })
    }

    /// Its layout.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Its folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Resolves `--category` arguments: names as given, `all` for every category, none for the only one.
    ///
    /// # Errors
    /// When a category does not exist; names those that do.
    pub fn categories(&self, wanted: &[String], part: Part) -> Result<Vec<String>, DatasetError> {
        let known = self.known(Some(part))?;
        if wanted.is_empty() && known.len() > 1 {
            return Err(DatasetError::CategoryNeeded {
                root: self.root.clone(),
                known: format!("{}; or give `all`", known.join(", ")),
            });
        }
        let refuse = |name: &str| DatasetError::Category {
            root: self.root.clone(),
            name: name.into(),
            known: self.describe(&known),
        };
        if wanted.is_empty() || wanted.iter().any(|name| name == "all") {
            return if known.is_empty() {
                Err(refuse("all"))
            } else {
                Ok(known)
            };
        }
        let mut chosen: Vec<String> = Vec::new();
        for name in wanted {
            // A folder that lacks what is needed is read, and what it lacks is then named.
            let folder = self.names().is_some()
                && !name.is_empty()
                && !name.contains("..")
                && self.root.join(name).is_dir();
            if !folder && !known.contains(name) {
                return Err(refuse(name));
            }
            if !chosen.contains(name) {
                chosen.push(name.clone());
            }
        }
        Ok(chosen)
    }

    /// Lists one category's files and checks that what `part` needs is there.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn scan(&self, name: &str, part: Part) -> Result<Category, DatasetError> {
        let listing = self.list(name)?;
        let faults = match part {
            Part::Train => listing.train_faults,
            Part::Test => listing.test_faults,
        };
        match faults.into_iter().next() {
            Some(fault) => Err(fault),
            None if part == Part::Test && listing.category.test.is_empty() => {
                Err(DatasetError::Layout {
                    missing: self.root.join("bad"),
                    layout: "defective images in bad (or a folder for each defect) to be evaluated",
                })
            }
            None => Ok(listing.category),
        }
    }

    /// Lists one category's files and everything that is wrong with them.
    ///
    /// # Errors
    /// When there is nothing to list, such as a split file that cannot be read.
    pub fn list(&self, name: &str) -> Result<Listing, DatasetError> {
        match (self.names(), self.layout) {
            (Some(names), _) => Ok(folders::list(&self.root, name, names)),
            (None, Layout::Visa) => visa::list(&self.root, name),
            (None, _) => Ok(plain::list(&self.root, name)),
        }
    }

    /// Every category, sorted; with `part`, those that have it.
    ///
    /// # Errors
    /// When the folder or the split file cannot be read.
    pub fn known(&self, part: Option<Part>) -> Result<Vec<String>, DatasetError> {
        let Some(names) = self.names() else {
            return match self.layout {
                Layout::Visa => visa::categories(&self.root),
                _ => folders_in(&self.root).map(|_| vec![plain::name(&self.root)]),
            };
        };
        let has = |folder: &Path, part| match part {
            Part::Train => folder.join("train").join(names.good).is_dir(),
            Part::Test => folder.join("test").is_dir(),
        };
        Ok(folders_in(&self.root)?
            .into_iter()
            .filter(|name| {
                let folder = self.root.join(name);
                part.map_or_else(
                    || has(&folder, Part::Train) || has(&folder, Part::Test),
                    |part| has(&folder, part),
                )
            })
            .collect())
    }

    /// The folders' names, for layouts that differ in nothing else.
    fn names(&self) -> Option<Names> {
        match self.layout {
            Layout::Mvtec | Layout::Mpdd => Some(Names::MVTEC),
            Layout::Btad => Some(Names::BTAD),
            Layout::Visa | Layout::Plain => None,
        }
    }

    fn describe(&self, known: &[String]) -> String {
        let root = &self.root;
        if let Some(names) = self.names()
            && (root.join("train").join(names.good).is_dir() || root.join("test").is_dir())
        {
            return format!("it looks like a category itself: {}", advice(root));
        }
        match (known.len(), self.names()) {
            (0, Some(names)) => format!(
                "no folder in it has train/{} or test, and there is neither split_csv/1cls.csv (VisA) nor good/ (a plain folder)",
                names.good
            ),
            (0, None) => "it names none".into(),
            _ => format!("there are: {}", known.join(", ")),
        }
    }
}

/// What the folder shows; MVTec AD's layout where it shows nothing, whose reader says what is missing.
fn detect(root: &Path) -> Result<Layout, DatasetError> {
    let folders = folders_in(root)?;
    if visa::split_file(root).is_file() {
        return Ok(Layout::Visa);
    }
    let is_dir = |path: &str| root.join(path).is_dir();
    if is_dir("good") && !is_dir("good/train") && !is_dir("train") {
        return Ok(Layout::Plain);
    }
    let any = |path: &str| folders.iter().any(|name| is_dir(&format!("{name}/{path}")));
    if any("train/ok") || any("test/ko") || is_dir("train/ok") {
        return Ok(Layout::Btad);
    }
    let categories: Vec<&String> = folders
        .iter()
        .filter(|name| is_dir(&format!("{name}/train/good")) || is_dir(&format!("{name}/test")))
        .collect();
    let is_mpdd =
        !categories.is_empty() && categories.iter().all(|name| MPDD.contains(&name.as_str()));
    Ok(if is_mpdd { Layout::Mpdd } else { Layout::Mvtec })
}

fn advice(root: &Path) -> String {
    match (root.parent(), root.file_name()) {
        (Some(parent), Some(name)) if !parent.as_os_str().is_empty() => {
            format!(
                "use --data {} --category {}",
                parent.display(),
                name.to_string_lossy()
            )
        }
        _ => "give its parent as --data and its name as --category".into(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::folders::tests::touch;
    use super::*;

    #[test]
    fn every_layout_is_told_from_the_others() {
        for (files, expected) in [
            (&["nut/train/good/0.png"][..], Layout::Mvtec),
            (&["nut/test/crack/0.png"], Layout::Mvtec),
            (
                &["tubes/train/good/0.png", "connector/test/good/0.png"],
                Layout::Mpdd,
            ),
            (
                &["tubes/train/good/0.png", "nut/train/good/0.png"],
                Layout::Mvtec,
            ),
            (&["01/train/ok/0.bmp"], Layout::Btad),
            (
                &["split_csv/1cls.csv", "candle/Data/Images/Normal/0.JPG"],
                Layout::Visa,
            ),
            (&["good/0.png"], Layout::Plain),
            (&["good/0.png", "bad/0.png", "masks/0.png"], Layout::Plain),
            (&["notes/0.png"], Layout::Mvtec),
        ] {
            let root = tempfile::tempdir().unwrap();
            touch(root.path(), files);
            let found = DataSet::open(root.path(), None).unwrap();
            assert_eq!(found.layout(), expected, "{files:?}");
            let forced = DataSet::open(root.path(), Some(Layout::Btad)).unwrap();
            assert_eq!(forced.layout(), Layout::Btad);
        }
    }

    #[test]
    fn unknown_categories_name_the_known_ones() {
        let root = tempfile::tempdir().unwrap();
        touch(
            root.path(),
            &["nut/train/good/0.png", "bolt/train/good/0.png"],
        );
        let error = |root: &Path, wanted: &[&str]| {
            let wanted: Vec<String> = wanted.iter().map(|name| name.to_string()).collect();
            DataSet::open(root, None)
                .and_then(|data| data.categories(&wanted, Part::Train))
                .unwrap_err()
                .to_string()
        };
        assert!(error(root.path(), &["screw"]).contains("bolt, nut"));
        assert!(error(&root.path().join("nut"), &["screw"]).contains("--category nut"));
        assert!(error(root.path(), &["../nut"]).contains("no category"));
        assert!(error(&root.path().join("absent"), &["nut"]).contains("absent"));
        assert!(error(root.path(), &[]).contains("--category is missing"));
        let only = DataSet::open(root.path(), None).unwrap();
        let all = only.categories(&["all".into()], Part::Train).unwrap();
        assert_eq!(all, ["bolt", "nut"]);
    }
}
