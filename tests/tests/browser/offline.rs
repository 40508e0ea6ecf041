//! The page without its server: kept by its service worker, opened again offline, replaced by a new deployment.

use fsr_tests::bench::Bench;
use fsr_tests::chromium::WebGpu;
use fsr_tests::hostile::{encode, picture};
use fsr_tests::page::Page;
use image::ImageFormat;
use serde_json::Value;
use std::fs;
use std::io::Read;
use std::net::TcpStream;

/// Waits until the page says `state` of its offline use; `ready`, `update` …
fn wait_offline(page: &Page<'_>, state: &str) {
    page.wait(&format!("offline use: {state}"), || {
        Ok((page.attribute("offline", "data-state")? == state).then_some(()))
    })
    .unwrap();
}

/// Names of the caches of the page's files.
fn caches(bench: &Bench) -> Vec<String> {
    let session = &bench.chromium.session;
    let script =
        "window.__caches = null; caches.keys().then((names) => { window.__caches = names; })";
    session.execute(script, &[]).unwrap();
    loop {
        let names = session.execute("return window.__caches", &[]).unwrap();
        if let Some(names) = names.as_array() {
            let names = names.iter().filter_map(Value::as_str);
            return names
                .filter(|name| name.starts_with("fsr-page-"))
                .map(str::to_owned)
                .collect();
        }
    }
}

#[test]
fn once_visited_the_page_needs_no_server() {
    let Some(bench) = Bench::start(WebGpu::Missing) else {
        return;
    };
    let image = bench.file("photo.png", &encode(picture(256, 256), ImageFormat::Png));
    let page = bench.open("backend=cpu&demo=off");
    let online = page.inspect(&image).unwrap().shown();
    wait_offline(&page, "ready");

    bench.cut_server();
    let port = bench.address.trim_start_matches("http://");
    assert!(
        TcpStream::connect(port).is_err(),
        "the server is still there"
    );
    // Another query is another address to a browser's own cache.
    let page = bench.open("backend=cpu&demo=off&again=1");
    assert_eq!(page.self_test().unwrap(), "passed");
    wait_offline(&page, "ready");
    let offline = page.inspect(&image).unwrap().shown();
    assert_eq!(offline.scores, online.scores);
    assert_eq!(offline.map, online.map);
}

#[test]
fn a_new_deployment_replaces_the_old_page() {
    let Some(bench) = Bench::start(WebGpu::Missing) else {
        return;
    };
    let session = &bench.chromium.session;
    let title = || session.execute("return document.title", &[]).unwrap();
    let page = bench.open("backend=cpu&demo=off");
    wait_offline(&page, "ready");
    let first = caches(&bench);
    assert_eq!(first.len(), 1, "{first:?}");

    // Half a deployment: a file has changed, the service worker has not. What was kept stays in use.
    let index = bench.site().join("index.html");
    let text = fs::read_to_string(&index).unwrap();
    let (before, after) = (
        "<title>FSR defect finder</title>",
        "<title>FSR, next</title>",
    );
    assert!(text.contains(before));
    fs::write(&index, text.replace(before, after)).unwrap();
    let page = bench.open("backend=cpu&demo=off");
    assert_eq!(title(), "FSR defect finder");
    wait_offline(&page, "ready");

    // The whole of it: the page says so, and a reload brings it.
    xtask::offline::write(&bench.site()).unwrap();
    let page = bench.open("backend=cpu&demo=off");
    wait_offline(&page, "update");
    assert_eq!(
        title(),
        "FSR defect finder",
        "not under the visitor's hands"
    );
    assert_eq!(caches(&bench).len(), 2);
    let page = bench.open("backend=cpu&demo=off");
    page.wait(
        "the new page",
        || Ok((title() == "FSR, next").then_some(())),
    )
    .unwrap();
    wait_offline(&page, "ready");
    let second = caches(&bench);
    assert_eq!(second.len(), 1, "{second:?}");
    assert_ne!(first, second);

    // Once more, by the button. Then without the server.
    fs::write(&index, text.replace(before, "<title>FSR, third</title>")).unwrap();
    xtask::offline::write(&bench.site()).unwrap();
    let page = bench.open("backend=cpu&demo=off");
    wait_offline(&page, "update");
    page.press("use-update").unwrap();
    page.wait("the third page", || {
        Ok((title() == "FSR, third").then_some(()))
    })
    .unwrap();
    bench.cut_server();
    bench.open("backend=cpu&demo=off");
    assert_eq!(title(), "FSR, third");
}

#[test]
fn a_page_whose_files_do_not_fit_together_is_not_kept() {
    let Some(bench) = Bench::start_with(WebGpu::Missing, |site| {
        let model = site.join("models/default/README.md");
        // Not among what is kept: may differ.
        fs::write(model, "changed").unwrap();
        let icon = site.join("icons/icon.svg");
        fs::write(icon, "<svg/>").unwrap();
    }) else {
        return;
    };
    let page = bench.open("backend=cpu&demo=off");
    wait_offline(&page, "failed");
    assert_eq!(page.text("offline").unwrap(), "Needs the network");
    assert_eq!(page.stage().unwrap(), "ready");
}

#[test]
fn the_page_can_be_installed() {
    let Some(bench) = Bench::start(WebGpu::Missing) else {
        return;
    };
    let page = bench.open("backend=cpu&demo=off");
    wait_offline(&page, "ready");
    let session = &bench.chromium.session;
    let manifest = session
        .chromium("Page.getAppManifest", serde_json::json!({}))
        .unwrap();
    assert_eq!(manifest["errors"], serde_json::json!([]), "{manifest}");
    let data: Value = serde_json::from_str(manifest["data"].as_str().unwrap()).unwrap();
    let icons = data["icons"].as_array().unwrap().clone();
    assert_eq!(icons.len(), 4);
    for icon in &icons {
        let text = |key: &str| icon[key].as_str().unwrap_or_default().to_owned();
        let address = format!("{}/{}", bench.address, text("src"));
        let response = ureq::get(&address).call().unwrap();
        assert_eq!(
            response.headers()["content-type"].to_str().unwrap(),
            text("type")
        );
        let mut bytes = Vec::new();
        let mut body = response.into_body();
        body.as_reader().read_to_end(&mut bytes).unwrap();
        if let Some((side, _)) = text("sizes").split_once('x') {
            let side: u32 = side.parse().unwrap();
            let decoded = image::load_from_memory(&bytes).unwrap();
            assert_eq!((decoded.width(), decoded.height()), (side, side));
        }
    }
    let trouble = session
        .chromium("Page.getInstallabilityErrors", serde_json::json!({}))
        .unwrap();
    assert_eq!(
        trouble["installabilityErrors"],
        serde_json::json!([]),
        "{trouble}"
    );
}
