//! Reports: from an evaluation and from a study to one file that needs nothing beside it.

use std::fs;

use serde_json::Value;

use crate::program::{TINY, data, fail, folder, json, succeed, trained};

fn evaluate(out: &std::path::Path, more: &str) -> String {
    format!(
        "eval {} --data {} --category bottle --device cpu --out {} {more}",
        trained().display(),
        data().display(),
        out.display()
    )
}

fn report(folder: &std::path::Path, html: &std::path::Path) {
    succeed(&format!(
        "report {} --html {}",
        folder.display(),
        html.display()
    ));
}

#[test]
fn an_evaluation_is_reported_with_its_pictures() {
    let root = folder("report_evaluation");
    let out = root.join("evaluation");
    let printed = json(&evaluate(&out, "--json"));
    let left: Value =
        serde_json::from_slice(&fs::read(out.join("evaluation.json")).unwrap()).unwrap();
    // The file holds all that is printed, and more.
    let (category, shown) = (
        &left["categories"]["bottle"],
        &printed["categories"]["bottle"],
    );
    for figure in ["/image/auroc", "/pixel/aupro", "/verdicts/detection_rate"] {
        assert_eq!(category.pointer(figure), shown.pointer(figure), "{figure}");
    }
    let images =
        shown["images"]["good"].as_u64().unwrap() + shown["images"]["anomalous"].as_u64().unwrap();
    assert_eq!(category["scores"].as_array().unwrap().len() as u64, images);
    let pro = category["pro"].as_array().unwrap();
    let (first, last) = (&pro[0], &pro[pro.len() - 1]);
    assert_eq!(
        (first[0].as_f64(), last[0].as_f64()),
        (Some(0.0), Some(0.3))
    );

    // Every picture named is there and decodes to the model's size.
    let pictures = category["pictures"].as_array().unwrap();
    assert!(!pictures.is_empty());
    let mut files = 1;
    for picture in pictures {
        for view in ["input", "heat", "mask", "attention"] {
            let Some(name) = picture[view].as_str() else {
                assert_eq!((view, picture["defect"].is_null()), ("mask", true));
                continue;
            };
            let image = image::open(out.join(name)).unwrap();
            assert_eq!((image.width(), image.height()), (64, 64), "{name}");
            files += 1;
        }
    }
    assert_eq!(fs::read_dir(&out).unwrap().count(), files);

    let html = root.join("report.html");
    report(&out, &html);
    let page = fs::read_to_string(&html).unwrap();
    assert_eq!(page.matches("<img src='data:image/").count(), files - 1);
    assert!(page.contains("AUPRO") && page.contains("class='threshold'"));
    for outside in ["http:", "https:", "<script", "src='/", "url("] {
        assert!(!page.contains(outside), "the page reaches for {outside}");
    }
    let csv = fs::read_to_string(root.join("report.csv")).unwrap();
    assert_eq!(csv.lines().count(), 2);
    let tables: Value =
        serde_json::from_slice(&fs::read(root.join("report.json")).unwrap()).unwrap();
    assert_eq!(
        tables["sections"][0]["lines"][0]["figures"]["I-AUROC"]["mean"],
        shown["image"]["auroc"]
    );

    // Nothing is lost unasked, and nothing foreign is taken in.
    fail(&evaluate(&out, ""), &["--overwrite"]);
    succeed(&evaluate(&out, "--overwrite"));
    let text = fs::read_to_string(out.join("evaluation.json")).unwrap();
    let name = pictures[0]["input"].as_str().unwrap();
    fs::write(
        out.join("evaluation.json"),
        text.replace(name, "../secret.jpg"),
    )
    .unwrap();
    fs::write(root.join("secret.jpg"), b"x").unwrap();
    let again = format!("report {} --html {}", out.display(), html.display());
    fail(&again, &["../secret.jpg", "outside"]);
    assert_eq!(fs::read_to_string(&html).unwrap(), page);
    fs::write(out.join("notes.txt"), "mine").unwrap();
    for folder in [&root, &out] {
        fail(&evaluate(folder, "--overwrite"), &["other things"]);
    }
}

#[test]
fn a_study_is_laid_out_as_the_paper_with_the_difference() {
    let root = folder("report_study");
    fs::write(
        root.join("tiny.toml"),
        "title = \"Tiny & <small>\"\ncategories = [\"bottle\", \"carpet\"]\nsettings = [\"unified\"]\n\
         seeds = [1, 2]\n[fixed]\npreset = \"lite\"\nsize = 64\nbackbone-weights = \"random\"\n\
         [[variants]]\nmethod = \"patchcore\"\ncoreset = 0.2\n[[variants]]\nmethod = \"padim\"\npadim-channels = 20\n",
    )
    .unwrap();
    let out = root.join("out");
    succeed(&format!(
        "study {} --data {} --out {} --device cpu",
        root.join("tiny.toml").display(),
        data().display(),
        out.display()
    ));
    let html = root.join("report.html");
    report(&out, &html);
    let page = fs::read_to_string(&html).unwrap();
    assert!(page.contains("<h2>Tiny &amp; &lt;small&gt;</h2>"));
    // Two methods, two seeds, two categories: a ROC and a PRO curve and a histogram each.
    assert_eq!(page.matches("<svg").count(), 2 * 2 * 2 * 3);
    let tables: Value =
        serde_json::from_slice(&fs::read(root.join("report.json")).unwrap()).unwrap();
    let lines = tables["sections"][0]["lines"].as_array().unwrap();
    assert_eq!(lines.len(), 2 * 3);
    for line in lines {
        let mean = line["category"] == "mean";
        assert_eq!(line["paper"].is_object(), mean);
        if mean {
            let ours = line["figures"]["I-AUROC"]["mean"].as_f64().unwrap() * 100.0;
            let paper = match line["options"]["method"].as_str() {
                Some("padim") => 84.2,
                _ => 96.4,
            };
            let difference = line["difference"][0].as_f64().unwrap();
            assert!((ours - paper - difference).abs() < 1e-9);
        }
    }
    assert!(page.contains("96.4 / 95.7") && page.contains("84.2 / 89.5"));
    fail(
        &format!("report {} --html {}", root.display(), html.display()),
        &["fsr study", "fsr eval --out"],
    );
}

#[test]
fn a_decoder_shows_what_was_restored_and_changes_nothing() {
    let root = folder("report_decoder");
    let run = root.join("run");
    let train = |more: &str| {
        format!(
            "train --data {} --category bottle --shots 4 --steps 12 {TINY} --out {} {more}",
            data().display(),
            run.display()
        )
    };
    succeed(&train(""));
    let bare = fs::read(run.join("model/model.safetensors")).unwrap();
    // Added to the finished run, and only once.
    succeed(&train("--resume --decoder 6"));
    let first = fs::read(run.join("decoder.safetensors")).unwrap();
    succeed(&train("--resume --decoder 7"));
    assert!(fs::read(run.join("decoder.safetensors")).unwrap() == first);
    // Together with the model it comes out the same.
    succeed(&train("--overwrite --decoder 6"));
    assert!(fs::read(run.join("decoder.safetensors")).unwrap() == first);
    assert!(fs::read(run.join("model/model.safetensors")).unwrap() == bare);

    let out = root.join("evaluation");
    let evaluate = |more: &str| {
        format!(
            "eval {} --data {} --category bottle --device cpu --out {} {more}",
            run.display(),
            data().display(),
            out.display()
        )
    };
    let with = json(&evaluate("--json"));
    let left: Value =
        serde_json::from_slice(&fs::read(out.join("evaluation.json")).unwrap()).unwrap();
    let pictures = left["categories"]["bottle"]["pictures"].as_array().unwrap();
    assert!(!pictures.is_empty());
    for picture in pictures {
        for view in ["features", "restored"] {
            let name = picture[view].as_str().unwrap();
            let image = image::open(out.join(name)).unwrap();
            assert_eq!((image.width(), image.height()), (32, 32), "{name}");
        }
    }
    let html = root.join("report.html");
    report(&out, &html);
    assert!(
        fs::read_to_string(&html)
            .unwrap()
            .contains("restored, decoded")
    );

    fs::write(run.join("decoder.safetensors"), b"no tensors").unwrap();
    fail(&evaluate("--overwrite"), &["decoder.safetensors"]);
    fs::remove_file(run.join("decoder.safetensors")).unwrap();
    let without = json(&evaluate("--json --overwrite"));
    assert_eq!(
        with["categories"]["bottle"]["image"],
        without["categories"]["bottle"]["image"]
    );
    fail(
        &format!(
            "train --data {} --category bottle --method patchcore {TINY} --decoder --out {}",
            data().display(),
            root.join("other").display()
        ),
        &["--decoder", "patchcore"],
    );
}
