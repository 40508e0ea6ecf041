//! Bad images and folders: code 1, one line that names the thing, and nothing lost.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::program::{TINY, data, fail, folder, snapshot, succeed, trained};

/// `train` on what `root` holds as category `nut`.
fn train(root: &Path) -> String {
    format!(
        "train --data {} --category nut --steps 1 {TINY} --out {}",
        root.display(),
        root.join("run").display()
    )
}

/// A data set whose only training images are those given, as file name and content.
fn training_set(test: &str, files: &[(&str, &[u8])]) -> PathBuf {
    let root = folder(test);
    let good = root.join("nut/train/good");
    fs::create_dir_all(&good).unwrap();
    for (name, bytes) in files {
        fs::write(good.join(name), bytes).unwrap();
    }
    root
}

/// A good image of the shared data.
fn png() -> Vec<u8> {
    fs::read(data().join("bottle/train/good/000.png")).unwrap()
}

/// The PNG with other dimensions in its header, and the header's checksum made right.
fn with_header(png: &[u8], width: u32, height: u32) -> Vec<u8> {
    let mut png = png.to_vec();
    png[16..20].copy_from_slice(&width.to_be_bytes());
    png[20..24].copy_from_slice(&height.to_be_bytes());
    let crc = png[12..29].iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            if crc & 1 == 1 {
                (crc >> 1) ^ 0xEDB8_8320
            } else {
                crc >> 1
            }
        })
    });
    png[29..33].copy_from_slice(&(!crc).to_be_bytes());
    png
}

#[test]
fn images_that_cannot_be_trained_on_are_named() {
    let good = png();
    let truncated = &good[..good.len() / 2];
    let huge = with_header(&good, 20_000, 20_000);
    assert_eq!(
        with_header(&good, 64, 64),
        good,
        "the checksum is the PNG's own"
    );
    for (test, bytes, reason) in [
        ("not_an_image", b"just text".as_slice(), ""),
        ("truncated", truncated, ""),
        ("huge", &huge, "20000"),
        ("empty_file", b"", ""),
    ] {
        let root = training_set(test, &[("000.png", &good), ("001.png", bytes)]);
        fail(&train(&root), &["001.png", reason]);
        assert!(!root.join("run/model").exists());
    }
}

#[test]
fn folders_without_what_is_needed_are_named() {
    let root = training_set("empty_folder", &[]);
    fail(&train(&root), &["no images in", "train/good", "empty"]);
    let root = training_set("other_files", &[("notes.txt", b"x")]);
    fail(&train(&root), &["no images in", "notes.txt"]);
    fs::remove_dir_all(root.join("nut/train")).unwrap();
    fail(&train(&root), &["train/good", "missing"]);
    fs::remove_dir_all(root.join("nut")).unwrap();
    fail(&train(&root), &["no category 'nut'"]);
    fail(
        &train(&root.join("absent")),
        &["cannot read folder", "absent"],
    );
    assert!(
        !root.join("run").exists(),
        "nothing is written before the checks have passed"
    );

    let shared = data().display();
    fail(
        &format!(
            "train --data {shared} --category bottle --shots 7 --out {}/r {TINY}",
            root.display()
        ),
        &["--shots 7", "only 6"],
    );
    fail(
        &format!(
            "train --data {shared}/bottle --category bottle --out {}/r {TINY}",
            root.display()
        ),
        &["--category bottle"],
    );
    fail(
        &format!(
            "eval {} --data {shared} --category screw",
            trained().display()
        ),
        &["no category 'screw'", "bottle, carpet"],
    );
}

#[test]
fn masks_must_fit_their_images() {
    let root = folder("masks");
    let eval = format!(
        "eval {} --data {} --category nut --device cpu",
        trained().display(),
        root.display()
    );
    let put = |name: &str, width, height| {
        let path = root.join("nut").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        image::GrayImage::new(width, height).save(path).unwrap();
    };
    put("test/good/000.png", 64, 64);
    put("test/crack/000.png", 64, 64);
    put("test/crack/001.png", 64, 64);
    put("ground_truth/crack/000_mask.png", 32, 64);
    fail(&eval, &["crack/001.png", "001_mask.png", "missing"]);
    put("ground_truth/crack/001.png", 64, 64);
    fail(&eval, &["000_mask.png", "32×64", "64×64"]);
    put("ground_truth/crack/000_mask.png", 64, 64);
    succeed(&eval);
    fs::write(root.join("nut/ground_truth/crack/001.png"), b"no mask").unwrap();
    fail(&eval, &["crack/001.png"]);
}

#[test]
fn one_bad_image_does_not_keep_the_others_from_being_judged() {
    let root = folder("mixed");
    let good = png();
    fs::write(root.join("a.png"), &good).unwrap();
    fs::write(root.join("b.png"), b"text").unwrap();
    fs::write(root.join("c.png"), with_header(&good, 20_000, 20_000)).unwrap();
    fs::write(root.join("d.png"), &good[..good.len() - 40]).unwrap();
    fs::write(root.join("e.png"), &good).unwrap();
    fs::create_dir(root.join("nothing")).unwrap();
    let out = root.join("out");
    let names = ["a", "b", "c", "d", "e"]
        .map(|name| root.join(format!("{name}.png")).display().to_string());
    fail(
        &format!(
            "predict {} {} {} --out {} --device cpu",
            trained().display(),
            names.join(" "),
            root.join("nothing").display(),
            out.display()
        ),
        &[
            "b.png",
            "c.png",
            "d.png",
            "nothing",
            "4 of 6 images could not be judged",
        ],
    );
    let listed: Value =
        serde_json::from_slice(&fs::read(out.join("predictions.json")).unwrap()).unwrap();
    assert_eq!(listed["failed"], 4);
    assert_eq!(listed["images"][0]["score"], listed["images"][4]["score"]);
    assert!(out.join("a_overlay.png").is_file() && out.join("e_map.npy").is_file());
}

#[test]
fn folders_in_use_are_left_alone() {
    let root = folder("in_use");
    fs::write(root.join("thesis.txt"), b"precious").unwrap();
    let before = snapshot(&root);
    let place = root.display();
    fail(
        &format!("export {} --out {place} --overwrite", trained().display()),
        &["other things"],
    );
    fail(
        &format!(
            "train --data {} --category bottle --steps 1 {TINY} --overwrite --out {place}",
            data().display()
        ),
        &["thesis.txt"],
    );
    assert!(snapshot(&root) == before);

    let package = root.join("package");
    let export = format!(
        "export {} --out {} --dtype q8",
        trained().display(),
        package.display()
    );
    succeed(&export);
    let before = snapshot(&package);
    fail(&export, &["in use", "--overwrite"]);
    assert!(snapshot(&package) == before);
    succeed(&format!("{export} --overwrite"));
    assert!(
        snapshot(&package) == before,
        "equal runs give equal packages"
    );
}
