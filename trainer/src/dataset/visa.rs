//! The layout of VisA: `split_csv/1cls.csv` says of every image where it is and what it is for.
//!
//! Its columns are object, split (train or test), label (normal or anomaly), image and mask, the last two
//! relative to the data set's folder. The names of the defects, if they are there, are in
//! `<object>/image_anno.csv` (image, label, mask).

use std::collections::{BTreeSet, HashMap};
use std::path::{Component, Path, PathBuf};

use super::{DatasetError, Listing, TestImage, masks};

/// The one-class split of the data set in `root`.
pub fn split_file(root: &Path) -> PathBuf {
    root.join("split_csv").join("1cls.csv")
}

/// The objects that the split names, sorted.
///
/// # Errors
/// When the split cannot be read.
pub fn categories(root: &Path) -> Result<Vec<String>, DatasetError> {
    let objects: BTreeSet<String> = rows(root)?.into_iter().map(|row| row.object).collect();
    Ok(objects.into_iter().collect())
}

/// Lists one object's images.
///
/// # Errors
/// When the split cannot be read.
pub fn list(root: &Path, name: &str) -> Result<Listing, DatasetError> {
    let mut listing = Listing::new(name);
    let kinds = defect_names(root, name);
    for row in rows(root)?.into_iter().filter(|row| row.object == name) {
        let faults = if row.train {
            &mut listing.train_faults
        } else {
            &mut listing.test_faults
        };
        let mut there = |file: &String| {
            let path = root.join(file);
            if path.is_file() {
                return Some(path);
            }
            faults.push(DatasetError::Listed {
                missing: path,
                split: split_file(root),
                line: row.line,
            });
            None
        };
        let Some(path) = there(&row.image) else {
            continue;
        };
        let mask = row.mask.as_ref().and_then(&mut there);
        match (row.train, row.anomalous) {
            (true, true) => faults.push(DatasetError::Split {
                path: split_file(root),
                line: row.line,
                reason: "an anomaly cannot be trained on; its split must be test".into(),
            }),
            (true, false) => listing.category.train.push(path),
            (false, anomalous) => listing.category.test.push(TestImage {
                path,
                defect: anomalous.then(|| {
                    kinds
                        .get(&row.image)
                        .cloned()
                        .unwrap_or_else(|| "anomaly".into())
                }),
                mask,
            }),
        }
    }
    let category = &mut listing.category;
    category.train.sort();
    category
        .test
        .sort_by(|a, b| (&a.defect, &a.path).cmp(&(&b.defect, &b.path)));
    let empty = |half: &str| DatasetError::Split {
        path: split_file(root),
        line: 1,
        reason: format!("it has no {half} images of '{name}'"),
    };
    if category.train.is_empty() && listing.train_faults.is_empty() {
        listing.train_faults.push(empty("train"));
    }
    if category.test.is_empty() && listing.test_faults.is_empty() {
        listing.test_faults.push(empty("test"));
    }
    let truth = root.join(name).join("Data/Masks/Anomaly");
    // A mask that is named and not there has been reported already.
    if listing.test_faults.is_empty() {
        listing.test_faults = masks::holes(&category.test, &split_file(root), |image| {
            masks::expected(&truth, &image.path)
        });
    }
    listing.stray_masks = masks::strays([truth].into_iter(), &category.test);
    Ok(listing)
}

struct Row {
    line: u64,
    object: String,
    train: bool,
    anomalous: bool,
    image: String,
    mask: Option<String>,
}

fn rows(root: &Path) -> Result<Vec<Row>, DatasetError> {
    let path = split_file(root);
    let fail = |line: u64, reason: String| DatasetError::Split {
        path: path.clone(),
        line,
        reason,
    };
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .trim(csv::Trim::All)
        .from_path(&path)
        .map_err(|error| fail(1, error.to_string()))?;
    let headers = reader
        .headers()
        .map_err(|error| fail(1, error.to_string()))?
        .clone();
    let column = |name: &str| {
        headers
            .iter()
            .position(|header| header.trim_start_matches('\u{feff}') == name)
            .ok_or_else(|| {
                fail(
                    1,
                    format!("no column '{name}'; it needs object,split,label,image,mask"),
                )
            })
    };
    let columns = [
        column("object")?,
        column("split")?,
        column("label")?,
        column("image")?,
        column("mask")?,
    ];
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| {
            let line = error.position().map_or(0, csv::Position::line);
            fail(line, error.to_string())
        })?;
        let line = record.position().map_or(0, csv::Position::line);
        let [object, split, label, image, mask] =
            columns.map(|column| record.get(column).unwrap_or_default());
        for file in [image, mask] {
            // A split file may come from anywhere: it must not name files outside its data set.
            let inside = Path::new(file)
                .components()
                .all(|part| matches!(part, Component::Normal(_)));
            if !inside {
                return Err(fail(
                    line,
                    format!("'{file}' is not a path inside the data set"),
                ));
            }
        }
        if object.is_empty() || image.is_empty() {
            return Err(fail(line, "object or image is empty".into()));
        }
        rows.push(Row {
            line,
            object: object.into(),
            train: choose(split, "train", "test").map_err(|reason| fail(line, reason))?,
            anomalous: choose(label, "anomaly", "normal").map_err(|reason| fail(line, reason))?,
            image: image.into(),
            mask: (!mask.is_empty()).then(|| mask.into()),
        });
    }
    Ok(rows)
}

/// Whether `word` is `yes`; it must be that or `no`.
fn choose(word: &str, yes: &str, no: &str) -> Result<bool, String> {
    match word {
        word if word == yes => Ok(true),
        word if word == no => Ok(false),
        _ => Err(format!("'{word}' must be {yes} or {no}")),
    }
}

/// Defect names by image, as far as the object's annotation gives any.
fn defect_names(root: &Path, name: &str) -> HashMap<String, String> {
    let path = root.join(name).join("image_anno.csv");
    let Ok(mut reader) = csv::ReaderBuilder::new().flexible(true).from_path(path) else {
        return HashMap::new();
    };
    reader
        .records()
        .flatten()
        .filter_map(|record| {
            Some((
                record.get(0)?.to_string(),
                record.get(1)?.trim().to_string(),
            ))
        })
        .filter(|(_, label)| !label.is_empty() && label != "normal")
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::folders::tests::touch;
    use super::super::{DataSet, Part};
    use super::*;
    use std::fs;

    const IMAGES: &str = "candle/Data/Images";

    fn data(rows: &str) -> (tempfile::TempDir, DataSet) {
        let root = tempfile::tempdir().unwrap();
        touch(
            root.path(),
            &[
                "candle/Data/Images/Normal/0.JPG",
                "candle/Data/Images/Normal/1.JPG",
                "candle/Data/Images/Anomaly/0.JPG",
                "candle/Data/Masks/Anomaly/0.png",
                "candle/Data/Masks/Anomaly/9.png",
            ],
        );
        fs::create_dir_all(root.path().join("split_csv")).unwrap();
        fs::write(
            split_file(root.path()),
            format!("object,split,label,image,mask\n{rows}"),
        )
        .unwrap();
        let data = DataSet::open(root.path(), None).unwrap();
        (root, data)
    }

    fn good() -> String {
        format!(
            "candle,train,normal,{IMAGES}/Normal/0.JPG,\n\
             candle,test,normal,{IMAGES}/Normal/1.JPG,\n\
             candle,test,anomaly,{IMAGES}/Anomaly/0.JPG,candle/Data/Masks/Anomaly/0.png\n"
        )
    }

    #[test]
    fn reads_the_split_and_the_names_of_defects() {
        let (root, data) = data(&good());
        assert_eq!(data.categories(&[], Part::Train).unwrap(), ["candle"]);
        let category = data.scan("candle", Part::Test).unwrap();
        assert_eq!((category.train.len(), category.test.len()), (1, 2));
        assert_eq!(category.test[1].defect.as_deref(), Some("anomaly"));
        assert!(category.test[1].mask.as_ref().unwrap().ends_with("0.png"));
        let stray = data.list("candle").unwrap().stray_masks;
        assert!(stray.len() == 1 && stray[0].ends_with("9.png"));

        fs::write(
            root.path().join("candle/image_anno.csv"),
            format!("image,label,mask\n{IMAGES}/Anomaly/0.JPG,\"wax, melted\",x.png\n"),
        )
        .unwrap();
        let category = data.scan("candle", Part::Test).unwrap();
        assert_eq!(category.test[1].defect.as_deref(), Some("wax, melted"));
    }

    #[test]
    fn a_bad_line_is_named_by_its_number() {
        let error = |rows: &str| {
            let (_root, data) = data(rows);
            data.categories(&["candle".into()], Part::Test)
                .and_then(|_| data.scan("candle", Part::Test))
                .unwrap_err()
                .to_string()
        };
        let row = format!("candle,test,normal,{IMAGES}/Normal/7.JPG,\n");
        let message = error(&(good() + &row));
        assert!(
            message.contains("7.JPG") && message.contains("line 5"),
            "{message}"
        );
        let message = error("candle,validation,normal,a.png,\n");
        assert!(
            message.contains("line 2") && message.contains("train or test"),
            "{message}"
        );
        let message = error("candle,test,normal,../../etc/passwd,\n");
        assert!(message.contains("not a path inside"), "{message}");
        let message = error("candle,test,normal,/etc/passwd,\n");
        assert!(message.contains("not a path inside"), "{message}");
    }
}
