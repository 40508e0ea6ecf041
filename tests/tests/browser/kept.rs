//! What the page keeps in the browser: trained detectors, models of the catalogue, packages from elsewhere. What
//! survives a reload, what is refused, and that nothing connects elsewhere before the visitor says where.

use fsr_tests::bench::{Bench, refs};
use fsr_tests::chromium::WebGpu;
use fsr_tests::faulty_server::{Fault, FaultyServer};
use fsr_tests::packages::{self, Files};
use fsr_tests::page::{Page, hook};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use xtask::catalogue;
use xtask::static_server::StaticServer;

/// Enter, as WebDriver writes it.
const ENTER: char = '\u{e007}';

fn tiny_files(name: &str, seed: u64) -> Files {
    packages::tiny_files(name, seed).unwrap()
}

/// A bench that also serves a tiny model as `models/tiny`, in the catalogue.
fn bench_with(change: impl FnOnce(&Path)) -> Option<Bench> {
    Bench::start_with(WebGpu::Missing, |site| {
        let models = site.join("models");
        Bench::serve_model(site, "tiny", &tiny_files("tiny", 11));
        let mut index = catalogue::read(&models).unwrap();
        let mut entry = index.models[0].clone();
        entry.id = "tiny".into();
        entry.name = "Tiny".into();
        entry.included = false;
        entry.files = catalogue::files(&models.join("tiny")).unwrap();
        index.models.push(entry);
        let text = serde_json::to_string(&index).unwrap();
        fs::write(models.join(catalogue::INDEX), text).unwrap();
        change(site);
    })
}

/// Trains a detector for three steps on the tiny model and waits for the shelf's word on it.
fn train(bench: &Bench, page: &Page<'_>, name: &str) -> String {
    let good = bench.samples(None, 700_000, 2);
    page.collect(&refs(&good)).unwrap();
    page.train(name, 3).unwrap();
    page.trained().unwrap().unwrap();
    said(page, name)
}

/// Waits until the shelf says something with `words` in it.
fn said(page: &Page<'_>, words: &str) -> String {
    page.wait(&format!("the shelf to say {words:?}"), || {
        let line = page.text("shelf-line")?;
        Ok(line.contains(words).then_some(line))
    })
    .unwrap()
}

fn wait_for(page: &Page<'_>, bench: &Bench, css: &str, there: bool) {
    page.wait(&format!("{css} to be {there}"), || {
        Ok((bench.chromium.session.has(css)? == there).then_some(()))
    })
    .unwrap();
}

fn wait_model(page: &Page<'_>, name: &str) {
    page.wait(&format!("the model {name}"), || {
        let there = page.model()?.contains(name) && page.stage()? == "ready";
        Ok(there.then_some(()))
    })
    .unwrap();
}

/// Deletes with the button inside `row`: it asks once more.
fn delete(bench: &Bench, row: &str, button: &str) {
    let css = format!("{row} {}", hook(button));
    bench.chromium.session.click(&css).unwrap();
    assert!(
        bench.chromium.session.has(&css).unwrap(),
        "once is not enough"
    );
    bench.chromium.session.click(&css).unwrap();
}

const TINY: &str = "[data-testid=catalogue-entry][data-id=tiny]";

/// Waits until the catalogue's tiny model is in a state: `none`, `loading`, `part`, `kept`.
fn tiny_is(page: &Page<'_>, bench: &Bench, state: &str) {
    wait_for(page, bench, &format!("{TINY}[data-state={state}]"), true);
}

fn press_tiny(bench: &Bench, button: &str) {
    let css = format!("{TINY} {}", hook(button));
    bench.chromium.session.click(&css).unwrap();
}

#[test]
fn a_trained_detector_survives_a_reload_until_it_is_deleted() {
    let Some(bench) = bench_with(|_| ()) else {
        return;
    };
    let session = &bench.chromium.session;
    let query = "backend=cpu&demo=off&model=tiny";
    let page = bench.open(query);
    train(&bench, &page, "nut");
    let row = "[data-testid=kept][data-name=nut]";
    wait_for(&page, &bench, &format!("{row}[data-in-use=true]"), true);
    let probe = bench.samples(Some("rust"), 700_100, 1);
    let before = page.inspect(&probe[0]).unwrap().shown();
    // A threshold of the visitor's own is kept with it.
    let calibrated = page.attribute("threshold-card", "data-threshold").unwrap();
    let drag = "
        const slider = document.querySelector('[data-testid=threshold]');
        slider.value = 900;
        slider.dispatchEvent(new Event('input', { bubbles: true }));";
    session.execute(drag, &[]).unwrap();
    page.wait("the threshold to be kept", || {
        Ok(page
            .text("kept")?
            .contains("your own threshold")
            .then_some(()))
    })
    .unwrap();
    let threshold = page.attribute("threshold-card", "data-threshold").unwrap();
    assert_ne!(threshold, calibrated);

    let page = bench.open(query);
    assert!(page.model().unwrap().contains("tiny"));
    wait_for(&page, &bench, &hook("kept-open"), true);
    // By keyboard; the focus does not get lost with the button.
    let focus = "document.querySelector('[data-testid=kept-open]').focus()";
    session.execute(focus, &[]).unwrap();
    session.press(&ENTER.to_string()).unwrap();
    wait_model(&page, "nut");
    assert_eq!(page.self_test().unwrap(), "passed");
    wait_for(&page, &bench, &format!("{row}[data-in-use=true]"), true);
    let focused = "return document.activeElement.dataset.testid";
    page.wait("the focus", || {
        Ok((session.execute(focused, &[])? == "kept-offer").then_some(()))
    })
    .unwrap();
    let after = page.inspect(&probe[0]).unwrap().shown();
    assert_eq!(after.scores, before.scores);
    assert_eq!(after.map, before.map);
    // The threshold is shown with a list of images.
    let more = bench.samples(None, 700_200, 2);
    page.list(&[&more[0], &more[1]]).unwrap();
    page.listed(2).unwrap();
    let kept: f64 = page
        .attribute("threshold-card", "data-threshold")
        .unwrap()
        .parse()
        .unwrap();
    let set: f64 = threshold.parse().unwrap();
    assert!((kept / set - 1.0).abs() < 1e-6, "{kept}, {set}");
    // And it can be saved as a file that opens.
    let zip = page
        .save("kept-save", &bench.chromium.downloads(), "nut.zip")
        .unwrap();
    assert!(fsr::package::unpack(fs::File::open(zip).unwrap()).is_ok());

    delete(&bench, row, "kept-delete");
    wait_for(&page, &bench, row, false);
    // It stays in use until another model is, and nothing brings it back.
    assert!(page.model().unwrap().contains("nut"));
    let page = bench.open(query);
    wait_for(&page, &bench, TINY, true);
    assert!(!session.has(row).unwrap());
    assert!(!session.has(&hook("kept-open")).unwrap());
}

#[test]
fn where_nothing_can_be_kept_the_detector_works_all_the_same() {
    // As in a private window of some browsers.
    let Some(bench) = bench_with(|site| {
        let script = site.join("shelf/detectors.js");
        let text = fs::read_to_string(&script).unwrap();
        let refuse = "StorageManager.prototype.getDirectory = () => Promise.reject(new DOMException('refused', 'SecurityError'));";
        fs::write(&script, format!("{refuse}\n{text}")).unwrap();
    }) else {
        return;
    };
    let page = bench.open("backend=cpu&demo=off&model=tiny");
    wait_for(&page, &bench, &hook("kept-trouble"), true);
    let line = train(&bench, &page, "nut");
    assert!(
        line.contains("could not be kept") && line.contains("private window"),
        "{line}"
    );
    assert_eq!(page.error().unwrap(), None);
    let probe = bench.samples(Some("rust"), 700_100, 1);
    page.inspect(&probe[0]).unwrap().shown();
    let zip = page
        .save("save-package", &bench.chromium.downloads(), "nut.zip")
        .unwrap();
    assert!(fsr::package::unpack(fs::File::open(zip).unwrap()).is_ok());
}

#[test]
fn a_full_store_is_told_and_loses_nothing() {
    let Some(bench) = bench_with(|_| ()) else {
        return;
    };
    let session = &bench.chromium.session;
    let page = bench.open("backend=cpu&demo=off&model=tiny");
    train(&bench, &page, "first");
    let quota = |bytes: Option<u64>| {
        let mut parameters = json!({ "origin": bench.address });
        if let Some(bytes) = bytes {
            parameters["quotaSize"] = bytes.into();
        }
        session
            .chromium("Storage.overrideQuotaForOrigin", parameters)
            .unwrap();
    };
    quota(Some(1000));
    page.train("second", 3).unwrap();
    page.trained().unwrap().unwrap();
    let line = said(&page, "second");
    assert!(
        line.contains("could not be kept") && line.contains("no more space"),
        "{line}"
    );
    assert!(session.has("[data-testid=kept][data-name=first]").unwrap());
    assert!(!session.has("[data-testid=kept][data-name=second]").unwrap());
    quota(None);
    page.train("third", 3).unwrap();
    page.trained().unwrap().unwrap();
    said(&page, "“third” is kept");
    wait_for(&page, &bench, "[data-testid=kept][data-name=third]", true);
}

#[test]
fn a_model_of_the_catalogue_is_downloaded_once_and_kept() {
    let Some(bench) = bench_with(|_| ()) else {
        return;
    };
    let query = "backend=cpu&demo=off";
    let page = bench.open(query);
    tiny_is(&page, &bench, "none");
    assert!(page.text("catalogue").unwrap().contains("Small"));
    press_tiny(&bench, "catalogue-get");
    said(&page, "was downloaded");
    tiny_is(&page, &bench, "kept");
    fs::remove_dir_all(bench.site().join("models/tiny")).unwrap();

    let page = bench.open(query);
    tiny_is(&page, &bench, "kept");
    press_tiny(&bench, "catalogue-use");
    wait_model(&page, "tiny");
    assert_eq!(page.self_test().unwrap(), "passed");
    // The one that comes with the page takes its place again.
    let included = "[data-testid=catalogue-entry][data-id=default] [data-testid=catalogue-use]";
    bench.chromium.session.click(included).unwrap();
    wait_model(&page, "default");

    delete(&bench, TINY, "catalogue-delete");
    tiny_is(&page, &bench, "none");
    let page = bench.open(query);
    tiny_is(&page, &bench, "none");
}

#[test]
fn a_file_that_is_not_the_one_named_is_refused() {
    let Some(bench) = bench_with(|site| {
        // As many bytes, one of them another.
        let weights = site.join("models/tiny/model.safetensors");
        let mut bytes = fs::read(&weights).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(weights, bytes).unwrap();
    }) else {
        return;
    };
    let page = bench.open("backend=cpu&demo=off");
    let model = page.model().unwrap();
    press_when_there(&page, &bench, "none");
    let line = said(&page, "could not be downloaded");
    assert!(
        line.contains("model.safetensors") && line.contains("sha-256"),
        "{line}"
    );
    assert!(
        !bench
            .chromium
            .session
            .has(&format!("{TINY} {}", hook("catalogue-use")))
            .unwrap()
    );
    assert_eq!(page.model().unwrap(), model);

    // The right file is then taken whole.
    let files = tiny_files("tiny", 11);
    Bench::serve_model(&bench.site(), "tiny", &files);
    tiny_is(&page, &bench, "part");
    press_tiny(&bench, "catalogue-get");
    tiny_is(&page, &bench, "kept");

    // What is kept is compared once more when it is used: here it was changed in the cache.
    let spoil = "
        window.__spoilt = false;
        (async () => {
            const cache = await caches.open('fsr-models');
            for (const request of await cache.keys()) {
                if (!request.url.includes('tiny/model.safetensors')) continue;
                const bytes = new Uint8Array(await (await cache.match(request)).arrayBuffer());
                bytes[bytes.length - 1] ^= 1;
                await cache.put(request, new Response(bytes));
                window.__spoilt = true;
            }
        })();";
    let session = &bench.chromium.session;
    session.execute(spoil, &[]).unwrap();
    page.wait("the spoilt file", || {
        Ok((session.execute("return window.__spoilt", &[])? == true).then_some(()))
    })
    .unwrap();
    press_tiny(&bench, "catalogue-use");
    let line = said(&page, "cannot be used");
    assert!(line.contains("sha-256"), "{line}");
    assert_eq!(page.model().unwrap(), model);
    tiny_is(&page, &bench, "part");
}

fn press_when_there(page: &Page<'_>, bench: &Bench, state: &str) {
    tiny_is(page, bench, state);
    press_tiny(bench, "catalogue-get");
}

#[test]
fn a_download_is_cancelled_or_breaks_off_and_goes_on_where_it_ended() {
    const WEIGHTS: &str = "/models/tiny/model.safetensors";
    let Some(bench) = bench_with(|_| ()) else {
        return;
    };
    let server = FaultyServer::start(&bench.site()).unwrap();
    let session = &bench.chromium.session;
    let query = "backend=cpu&demo=off";
    let page = Page::open(session, &server.address, query).unwrap();
    // The server falls silent: the visitor cancels.
    server.set(WEIGHTS, Some(Fault::Stall(50_000)));
    press_when_there(&page, &bench, "none");
    page.wait("some bytes", || {
        let asked = server.requests().iter().any(|(path, _)| path == WEIGHTS);
        let done = format!("return Number(document.querySelector('{TINY} progress').value)");
        let done = session.execute(&done, &[])?.as_f64().unwrap_or(0.0);
        Ok((asked && done >= 50_000.0).then_some(()))
    })
    .unwrap();
    press_tiny(&bench, "catalogue-cancel");
    said(&page, "was cancelled");
    tiny_is(&page, &bench, "part");

    // After a reload it goes on from there, and breaks off.
    server.set(WEIGHTS, Some(Fault::Cut(120_000)));
    let page = Page::open(session, &server.address, query).unwrap();
    press_when_there(&page, &bench, "part");
    let line = said(&page, "could not be downloaded");
    assert!(line.contains("model.safetensors"), "{line}");
    tiny_is(&page, &bench, "part");

    server.set(WEIGHTS, None);
    press_tiny(&bench, "catalogue-get");
    tiny_is(&page, &bench, "kept");
    let from: Vec<usize> = server
        .requests()
        .into_iter()
        .filter(|(path, _)| path == WEIGHTS)
        .map(|(_, from)| from)
        .collect();
    // Of what came before a connection broke, a browser may drop what was not read yet.
    assert_eq!((from.len(), from[0], from[1]), (3, 0, 50_000));
    assert!((50_000..=120_000).contains(&from[2]), "{from:?}");
    press_tiny(&bench, "catalogue-use");
    wait_model(&page, "tiny");
    assert_eq!(page.self_test().unwrap(), "passed");
}

#[test]
fn nothing_connects_elsewhere_until_the_visitor_types_where() {
    let folder = tempfile::tempdir().unwrap();
    let repository = folder.path().join("owner/name/resolve/main");
    packages::write_folder(&repository, &tiny_files("hub", 12)).unwrap();
    let other = FaultyServer::start(folder.path()).unwrap();
    let Some(bench) = bench_with(|_| ()) else {
        return;
    };
    let session = &bench.chromium.session;
    let page = bench.open("backend=cpu&demo=off");
    assert!(
        !session.has("iframe").unwrap(),
        "it is there only on demand"
    );
    page.press("elsewhere-open").unwrap();
    wait_for(&page, &bench, "iframe", true);
    // The page's own code, hostile now, tries all it can: by itself, through the frame, through a frame of its own.
    let attack = "
        const url = arguments[0];
        const tried = window.__tried = [];
        const frame = document.querySelector('iframe');
        for (const message of [url, { address: url }, { kind: 'fetch', url }]) frame.contentWindow.postMessage(message, '*');
        tried.push(frame.contentDocument === null ? 'no document' : 'a document');
        try { frame.contentWindow.document.body; tried.push('reached in'); } catch { tried.push('kept out'); }
        fetch(url, { mode: 'no-cors' }).then(() => tried.push('page reached'), () => tried.push('page refused'));
        const own = document.createElement('iframe');
        own.src = 'shelf/elsewhere.html';
        own.onload = () => {
            own.contentWindow.fetch(url, { mode: 'no-cors' }).then(() => tried.push('frame reached'), () => tried.push('frame refused'));
        };
        document.body.append(own);";
    session
        .execute(attack, &[format!("{}/owner", other.address).into()])
        .unwrap();
    let tried = page
        .wait("all attempts", || {
            let tried = session.execute("return window.__tried", &[])?;
            let tried = tried.as_array().cloned().unwrap_or_default();
            Ok((tried.len() == 4).then_some(tried))
        })
        .unwrap();
    for outcome in ["no document", "kept out", "page refused", "frame refused"] {
        assert!(
            tried.contains(&Value::from(outcome)),
            "{outcome}: {tried:?}"
        );
    }
    session
        .execute("document.querySelectorAll('iframe')[1].remove()", &[])
        .unwrap();
    assert_eq!(other.requests(), []);

    // Then the visitor types an address, as a browser shows it for a repository.
    fetch_from(&bench, &format!("{}/owner/name/tree/main", other.address));
    wait_model(&page, "hub");
    assert_eq!(page.self_test().unwrap(), "passed");
    let asked = other.requests();
    assert!(
        asked
            .iter()
            .all(|(path, _)| path.starts_with("/owner/name/resolve/main/")),
        "{asked:?}"
    );

    // It is kept, and the other server is not asked again.
    said(&page, "is kept");
    let page = bench.open("backend=cpu&demo=off");
    wait_for(&page, &bench, &hook("elsewhere-use"), true);
    page.press("elsewhere-use").unwrap();
    wait_model(&page, "hub");
    assert_eq!(other.requests(), asked);
    delete(&bench, &hook("elsewhere-entry"), "elsewhere-delete");
    wait_for(&page, &bench, &hook("elsewhere-entry"), false);
}

/// Types an address into the frame's field and presses Enter.
fn fetch_from(bench: &Bench, address: &str) {
    let session = &bench.chromium.session;
    session.enter_frame("iframe").unwrap();
    let clear = "document.getElementById('address').value = ''";
    session.execute(clear, &[]).unwrap();
    session
        .type_into("#address", &format!("{address}{ENTER}"))
        .unwrap();
    session.leave_frame().unwrap();
}

#[test]
fn what_cannot_be_fetched_from_elsewhere_is_told() {
    const WEIGHTS: &str = "/m/model.safetensors";
    let folder = tempfile::tempdir().unwrap();
    packages::write_folder(&folder.path().join("m"), &tiny_files("hub", 12)).unwrap();
    fs::create_dir(folder.path().join("empty")).unwrap();
    let other = FaultyServer::start(folder.path()).unwrap();
    // It does not let other pages read.
    let closed = StaticServer::bind(folder.path().to_path_buf(), 0)
        .unwrap()
        .spawn();
    let Some(bench) = bench_with(|_| ()) else {
        return;
    };
    let session = &bench.chromium.session;
    let page = bench.open("backend=cpu&demo=off");
    let model = page.model().unwrap();
    page.press("elsewhere-open").unwrap();
    wait_for(&page, &bench, "iframe", true);
    for (typed, words) in [
        ("no address".to_owned(), "that is not an address"),
        ("http://example.org/m/".to_owned(), "only https"),
        ("https://a:b@127.0.0.1/m/".to_owned(), "password"),
        (format!("{}/m/", closed), "CORS"),
        (format!("{}/empty", other.address), "no config.json"),
    ] {
        fetch_from(&bench, &typed);
        said(&page, words);
        assert_eq!(page.model().unwrap(), model, "{typed}");
    }

    // A server that falls silent: cancelled by keyboard, and gone on with.
    let address = format!("{}/m/config.json", other.address);
    other.set(WEIGHTS, Some(Fault::Stall(70_000)));
    fetch_from(&bench, &address);
    page.wait("some bytes", || {
        let progress = page.text("elsewhere-progress")?;
        Ok(progress
            .starts_with("model.safetensors: 70\u{a0}kB")
            .then_some(()))
    })
    .unwrap();
    session
        .execute(
            "document.querySelector('[data-testid=elsewhere-cancel]').focus()",
            &[],
        )
        .unwrap();
    session.press(&ENTER.to_string()).unwrap();
    said(&page, "was cancelled");
    assert_eq!(page.model().unwrap(), model);
    other.set(WEIGHTS, None);
    fetch_from(&bench, &address);
    wait_model(&page, "hub");
    let asked = other.requests();
    assert!(asked.contains(&(WEIGHTS.into(), 70_000)), "{asked:?}");
}
