//! `fsr data get` against a server that stalls, cuts off, changes the file, or sends another one.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::program::{data, fail, folder, json, snapshot, succeed};
use crate::server::{Answer, Server};

/// A tar of files with names as they are given.
fn tar(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, contents) in members {
        let mut header = tar::Header::new_ustar();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(contents.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        builder.append(&header, contents.as_slice()).unwrap();
    }
    builder.into_inner().unwrap()
}

/// A small data set in a tar, with some noise so that it has a few pieces.
fn archive(seed: u8) -> Vec<u8> {
    let image = fs::read(data().join("bottle/train/good/000.png")).unwrap();
    let noise = (0..100_000u32).map(|index| (index.wrapping_mul(2_654_435_761) >> 13) as u8 ^ seed);
    tar(&[
        ("set/tubes/train/good/0.png", image.clone()),
        ("set/tubes/test/good/0.png", image),
        ("set/noise.bin", noise.collect()),
    ])
}

fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// The command for a data set without an address of its own.
fn get(server: &Server, out: &Path, bytes: &[u8]) -> String {
    format!(
        "data get mpdd --yes --url {} --sha256 {} --out {} --timeout 1",
        server.url,
        hash(bytes),
        out.display()
    )
}

fn names(out: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(out)
        .map(|entries| {
            entries
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect()
        })
        .unwrap_or_default();
    names.sort();
    names
}

fn check_unpacked(out: &Path) {
    assert_eq!(names(out), ["mpdd"], "nothing else is left");
    assert!(out.join("mpdd/tubes/train/good/0.png").is_file());
}

#[test]
fn a_stalled_download_goes_on_where_it_stopped() {
    let (out, body) = (folder("fetch_stall"), archive(1));
    let server = Server::start(
        &body,
        Some("\"one\""),
        &[Answer::Stall(1000), Answer::Cut(500)],
    );
    let fetched = json(&format!("{} --retries 2 --json", get(&server, &out, &body)));
    assert_eq!(fetched["sha256"], hash(&body).as_str());
    assert_eq!(
        (fetched["verified"].as_str(), fetched["layout"].as_str()),
        (Some("all"), Some("mpdd"))
    );
    check_unpacked(&out);
    let requests = server.requests();
    assert_eq!(requests.len(), 3);
    assert!(!requests[0].contains("range:"));
    assert!(
        requests[1].contains("range: bytes=1000-") && requests[1].contains("if-range: \"one\"")
    );
    assert!(
        requests[2].contains("range: bytes=1500-"),
        "{}",
        requests[2]
    );
}

#[test]
fn a_cut_off_download_is_kept_for_the_next_call() {
    for (etag, second) in [
        (Some("\"one\""), Answer::Right),
        (None, Answer::Right),
        (None, Answer::Whole),
    ] {
        let (out, body) = (folder("fetch_cut"), archive(2));
        let server = Server::start(&body, etag, &[Answer::Cut(2000), second]);
        let command = get(&server, &out, &body);
        fail(
            &format!("{command} --retries 0"),
            &["2000 of", "goes on from there"],
        );
        assert_eq!(
            fs::metadata(out.join("mpdd.archive.part")).unwrap().len(),
            2000
        );
        succeed(&command);
        check_unpacked(&out);
        assert!(server.requests()[1].contains("range: bytes=2000-"));
    }
}

#[test]
fn a_file_that_changed_meanwhile_is_fetched_anew() {
    // By its tag, and where there is none by its length.
    let (one, mut two) = (archive(3), archive(4));
    for etags in [
        (Some("\"one\""), Some("\"two\"")),
        (Some("W/\"one\""), Some("W/\"two\"")),
        (None, None),
    ] {
        let out = folder("fetch_changed");
        two.extend([0; 512]);
        let server = Server::start(&one, etags.0, &[Answer::Cut(2000)]);
        fail(
            &format!("{} --retries 0", get(&server, &out, &two)),
            &["2000 of"],
        );
        server.change(&two, etags.1);
        succeed(&get(&server, &out, &two));
        check_unpacked(&out);
    }
}

#[test]
fn what_is_not_the_file_expected_is_refused_and_removed() {
    let (out, body) = (folder("fetch_wrong"), archive(5));
    let server = Server::start(&body, None, &[]);
    fail(
        &get(&server, &out, b"another"),
        &[&hash(&body), &hash(b"another"), "removed"],
    );
    assert_eq!(names(&out), [""; 0]);
    // Of torchvision's weights the name says how the hash begins.
    fail(
        &format!(
            "data get weights:resnet18 --yes --url {} --out {}",
            server.url,
            out.display()
        ),
        &["must be f37072fd", "removed"],
    );
    assert_eq!(names(&out), [""; 0]);
}

#[test]
fn a_server_that_refuses_is_asked_once_and_one_in_trouble_again() {
    let (out, body) = (folder("fetch_status"), archive(6));
    let server = Server::start(&body, None, &[Answer::Status(404)]);
    fail(&get(&server, &out, &body), &["404", &server.url]);
    assert_eq!(server.requests().len(), 1);
    let server = Server::start(&body, None, &[Answer::Status(503); 2]);
    succeed(&get(&server, &out, &body));
    assert_eq!(server.requests().len(), 3);
    check_unpacked(&out);
    fail(&get(&server, &out, &body), &["is there already"]);
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn nothing_is_fetched_without_consent_or_an_address() {
    let out = folder("fetch_consent");
    let server = Server::start(b"x", None, &[]);
    let out = out.display();
    fail(
        &format!("data get mvtec --url {} --out {out}/a", server.url),
        &["--yes"],
    );
    fail(
        &format!("data get mpdd --yes --out {out}/a"),
        &["github.com/stepanje/MPDD", "--from"],
    );
    fail(
        &format!("data get mpdd --yes --url ftp://x/y --out {out}/a"),
        &["https://"],
    );
    assert!(server.requests().is_empty());
    assert!(!PathBuf::from(format!("{out}/a")).exists());
}

#[test]
fn hostile_archives_are_refused_and_touch_nothing() {
    let image = vec![7; 100];
    for (test, name) in [
        ("up", "../evil"),
        ("deep", "a/../../../evil"),
        ("root", "/tmp/fsr-evil"),
    ] {
        let out = folder(&format!("fetch_hostile_{test}")).join("inner/out");
        let around = out.parent().unwrap().parent().unwrap().to_path_buf();
        let body = tar(&[
            ("tubes/train/good/0.png", image.clone()),
            (name, image.clone()),
        ]);
        let server = Server::start(&body, None, &[]);
        fail(&get(&server, &out, &body), &[name, "nothing was unpacked"]);
        let files: Vec<PathBuf> = snapshot(&around)
            .into_iter()
            .map(|(path, _)| path)
            .collect();
        // The archive itself is kept: it is what was asked for, and may be looked at.
        assert_eq!(files, [out.join("mpdd.archive")]);
        fail(
            &get(&server, &out, b"another"),
            &["mpdd.archive to fetch it again", "must be"],
        );
        assert!(!Path::new("/tmp/fsr-evil").exists());
    }
}

#[test]
fn a_file_fetched_by_hand_is_unpacked_from_where_it_is() {
    let out = folder("fetch_from");
    let file = out.join("MPDD.tar");
    fs::write(&file, archive(7)).unwrap();
    let fetched = json(&format!(
        "data get mpdd --yes --from {} --out {} --json",
        file.display(),
        out.display()
    ));
    assert_eq!(fetched["verified"], "nothing");
    assert_eq!(names(&out), ["MPDD.tar", "mpdd"]);
    // Packed with xz by Python's lzma module: the readers do not depend on the writer here.
    let xz = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny.tar.xz");
    let unpacked = out.join("xz");
    let fetched = json(&format!(
        "data get mpdd --yes --from {} --out {} --json",
        xz.display(),
        unpacked.display()
    ));
    assert_eq!(fetched["files"], 2);
    assert_eq!(
        fs::read(unpacked.join("mpdd/tubes/test/good/0.png")).unwrap(),
        b"two"
    );
}
