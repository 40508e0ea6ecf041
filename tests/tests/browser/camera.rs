//! The camera, in a real browser with Chromium's moving test picture: pictures of good parts, live judging, and what is
//! said when there is none. By keyboard.

use fsr_tests::access::{axe, look, press_enter, tab_to};
use fsr_tests::bench::Bench;
use fsr_tests::chromium::{Camera, WebGpu};
use fsr_tests::packages;
use fsr_tests::page::Page;

/// Notes every track that the page is given and every connection it makes.
const WATCH: &str = "
    window.__tracks = [];
    const media = navigator.mediaDevices;
    const given = media.getUserMedia.bind(media);
    media.getUserMedia = async (constraints) => {
        window.__constraints = constraints;
        const stream = await given(constraints);
        window.__tracks.push(...stream.getTracks());
        return stream;
    };";

/// A bench with a camera that serves a tiny model.
fn bench(camera: Camera) -> Option<Bench> {
    let files = packages::tiny_files("tiny", 11).unwrap();
    Bench::start_with_camera(WebGpu::Missing, camera, |site| {
        Bench::serve_model(site, "tiny", &files);
    })
}

fn open(bench: &Bench) -> Page<'_> {
    let page = bench.open("backend=cpu&demo=off&model=tiny");
    bench.chromium.session.execute(WATCH, &[]).unwrap();
    page
}

/// How many tracks the page was given, and how many of them still run.
fn tracks(bench: &Bench) -> (u64, u64) {
    let script = "
        const tracks = window.__tracks;
        return [tracks.length, tracks.filter(({ readyState }) => readyState === 'live').length];";
    let counts = bench.chromium.session.execute(script, &[]).unwrap();
    (counts[0].as_u64().unwrap(), counts[1].as_u64().unwrap())
}

fn state_is(page: &Page<'_>, id: &str, state: &str) {
    page.wait(&format!("{id} to be {state}"), || {
        Ok((page.attribute(id, "data-state")? == state).then_some(()))
    })
    .unwrap();
}

fn good(page: &Page<'_>) -> usize {
    let count = page.attribute("collect", "data-count").unwrap();
    count.parse().unwrap()
}

fn frames(page: &Page<'_>) -> usize {
    let count = page.attribute("live", "data-frames").unwrap();
    count.parse().unwrap()
}

fn focus_is(bench: &Bench, page: &Page<'_>, id: &str) {
    let script = "return document.activeElement.dataset.testid ?? ''";
    page.wait(&format!("the focus on {id}"), || {
        let focused = bench.chromium.session.execute(script, &[])?;
        Ok((focused == id).then_some(()))
    })
    .unwrap();
}

#[test]
fn pictures_of_good_parts_are_taken_by_keyboard_and_trained_on() {
    let Some(bench) = bench(Camera::Fake) else {
        return;
    };
    let script = axe();
    let page = open(&bench);
    assert_eq!(tracks(&bench), (0, 0), "nothing is asked for unasked");
    tab_to(&bench, "camera-open");
    press_enter(&bench);
    state_is(&page, "camera", "on");
    focus_is(&bench, &page, "camera-shutter");
    assert_eq!(tracks(&bench), (1, 1), "one picture, no sound");
    // The shutter by both keys.
    page.wait("the first frame", || {
        let script =
            "return (document.querySelector('[data-testid=viewfinder]')?.videoWidth ?? 0) > 0";
        Ok((bench.chromium.session.execute(script, &[])? == true).then_some(()))
    })
    .unwrap();
    for (key, count) in [("\u{e007}", 1), (" ", 2)] {
        bench.chromium.session.press(key).unwrap();
        page.wait("a picture", || Ok((good(&page) == count).then_some(())))
            .unwrap();
    }
    tab_to(&bench, "camera-burst");
    press_enter(&bench);
    page.wait("the burst", || Ok((good(&page) == 10).then_some(())))
        .unwrap();
    look(&bench, script.as_deref(), "7-camera-collect");
    let titles =
        "return [...document.querySelectorAll('.good-tile')].map(({ title }) => title).join(' ')";
    let titles = bench.chromium.session.execute(titles, &[]).unwrap();
    let titles = titles.as_str().unwrap().to_owned();
    assert!(
        titles.starts_with("camera-001.png") && titles.ends_with("camera-010.png"),
        "{titles}"
    );

    // Closed, the camera is off, and the focus is where it was.
    let back = "document.querySelector('[data-testid=camera-open]').focus()";
    bench.chromium.session.execute(back, &[]).unwrap();
    press_enter(&bench);
    state_is(&page, "camera", "off");
    assert_eq!(tracks(&bench), (1, 0));
    focus_is(&bench, &page, "camera-open");

    // What was taken is as good as a file.
    page.train("what it saw", 3).unwrap();
    page.trained().unwrap().unwrap();
    assert!(page.model().unwrap().contains("what it saw"));
}

#[test]
fn what_the_camera_sees_is_judged_until_it_is_stopped() {
    let Some(bench) = bench(Camera::Fake) else {
        return;
    };
    let session = &bench.chromium.session;
    let script = axe();
    let page = open(&bench);
    tab_to(&bench, "live-open");
    press_enter(&bench);
    state_is(&page, "live", "running");
    page.wait("some frames", || Ok((frames(&page) >= 6).then_some(())))
        .unwrap();
    let line = page.text("live-rate").unwrap();
    println!("{line}");
    assert!(
        line.contains("frames a second") && line.contains("ms a frame"),
        "{line}"
    );
    let shown = page.last().unwrap().unwrap();
    assert_eq!(shown.name, "Live camera");
    assert!(!shown.verdict.is_empty());
    look(&bench, script.as_deref(), "8-camera-live");

    // Paused, it stands still; resumed, it goes on.
    focus_is(&bench, &page, "live-pause");
    press_enter(&bench);
    state_is(&page, "live", "paused");
    page.wait("the answer under way", || {
        let serial = "return window.__fsr_last.serial";
        let before = session.execute(serial, &[])?;
        std::thread::sleep(std::time::Duration::from_millis(700));
        Ok((session.execute(serial, &[])? == before).then_some(()))
    })
    .unwrap();
    let stood = frames(&page);
    // The frame that is shown goes into the list, and is judged there as it was here.
    let shown = page.last().unwrap().unwrap();
    page.press("live-keep").unwrap();
    page.listed(1).unwrap();
    assert_eq!(frames(&page), stood);
    session.click("[data-testid=list-row] .open-row").unwrap();
    page.wait("the picture from the list", || {
        let last = page.last()?;
        Ok(last.filter(|last| last.name == "live-001.png"))
    })
    .map(|kept| assert_eq!(kept.scores, shown.scores))
    .unwrap();
    page.press("live-pause").unwrap();
    page.wait("more frames", || {
        Ok((frames(&page) > stood + 1).then_some(()))
    })
    .unwrap();

    // While the result's controls are used, it is held.
    session
        .execute("document.querySelector('.layers').focus()", &[])
        .unwrap();
    state_is(&page, "live", "held");
    session
        .execute("document.activeElement.blur()", &[])
        .unwrap();
    state_is(&page, "live", "running");

    // Another image goes first, and is not replaced by the next frame.
    let image = bench.sample(Some("rust"), 700_000);
    page.inspect(&image).unwrap().shown();
    state_is(&page, "live", "paused");
    assert_eq!(tracks(&bench), (1, 1));
    page.press("live-open").unwrap();
    state_is(&page, "live", "off");
    assert_eq!(tracks(&bench), (1, 0));

    // One camera for both steps, and none when the page is hidden.
    page.press("live-open").unwrap();
    state_is(&page, "live", "running");
    page.press("camera-open").unwrap();
    state_is(&page, "camera", "on");
    state_is(&page, "live", "off");
    assert_eq!(tracks(&bench), (3, 1));
    let hide = "
        Object.defineProperty(document, 'hidden', { value: true, configurable: true });
        document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));";
    session.execute(hide, &[]).unwrap();
    state_is(&page, "camera", "off");
    assert_eq!(tracks(&bench), (3, 0));
}

#[test]
fn a_camera_that_cannot_be_had_is_told_in_one_line() {
    let Some(bench) = bench(Camera::Denied) else {
        return;
    };
    let session = &bench.chromium.session;
    let page = open(&bench);
    let told = |id: &str| -> String {
        page.forget().unwrap();
        page.press(id).unwrap();
        page.wait("the message", || page.error()).unwrap()
    };
    for (id, panel) in [("camera-open", "camera"), ("live-open", "live")] {
        let message = told(id);
        assert!(
            message.contains("not allowed") && message.contains("Allow it"),
            "{message}"
        );
        state_is(&page, panel, "off");
    }
    for (error, words) in [
        ("NotFoundError", "No camera was found"),
        ("NotReadableError", "another program"),
    ] {
        let fails = "
            const error = new DOMException('', arguments[0]);
            navigator.mediaDevices.getUserMedia = () => Promise.reject(error);";
        session.execute(fails, &[error.into()]).unwrap();
        let message = told("camera-open");
        assert!(message.contains(words), "{message}");
    }
    // As on a page without HTTPS, where the browser offers no cameras at all.
    let absent = "
        Object.defineProperty(navigator, 'mediaDevices', { value: undefined });
        Object.defineProperty(window, 'isSecureContext', { value: false });";
    session.execute(absent, &[]).unwrap();
    let message = told("live-open");
    assert!(
        message.contains("HTTPS") && message.contains("https://"),
        "{message}"
    );
    assert_eq!(page.stage().unwrap(), "ready");
}
