//! Step three with the camera: what it sees is judged, as fast as the worker can.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use js_sys::{Reflect, Uint8ClampedArray};
use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::ImageData;

use fsr_web::{
    camera::file_name,
    live::{Pace, rate},
    protocol::Answer,
    session::Task,
};

use crate::{
    camera::{self, State, User, Viewfinder},
    language::{say, told, words, words_now},
    link, list,
    state::Page,
};

/// How long until the camera is asked again for a frame that it has not taken yet.
const SOON: Duration = Duration::from_millis(15);

/// How long until it is tried again while something else goes first.
const LATER: Duration = Duration::from_millis(150);

/// What live judging does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    /// It judges.
    Running,
    /// It waits while the result's controls are used: each answer draws them anew.
    Held,
    /// The visitor, or another image, stopped it.
    Paused,
}

/// Signals of live judging.
#[derive(Clone, Copy)]
pub struct Live {
    doing: RwSignal<Doing>,
    /// Frames in a second, once there were two, and milliseconds of the last.
    line: RwSignal<Option<(Option<f64>, f64)>>,
    judged: RwSignal<u32>,
}

impl Live {
    /// Nothing is judged yet.
    pub fn new() -> Self {
        Self {
            doing: RwSignal::new(Doing::Paused),
            line: RwSignal::new(None),
            judged: RwSignal::new(0),
        }
    }
}

thread_local! {
    static PACE: RefCell<Pace> = RefCell::default();
    /// The frame that is judged, and the one whose answer is shown.
    static FRAMES: RefCell<(Option<ImageData>, Option<ImageData>)> = const { RefCell::new((None, None)) };
    static NUMBER: Cell<u32> = const { Cell::new(0) };
    /// A timer will look for a frame.
    static TIMED: Cell<bool> = const { Cell::new(false) };
}

fn run(page: Page) {
    PACE.with_borrow_mut(Pace::run);
    page.live.doing.set(Doing::Running);
    look(page);
}

/// Asks for no more frames: the visitor wants so, or looks at something else.
pub fn pause(page: Page) {
    PACE.with_borrow_mut(Pace::pause);
    if page.live.doing.get_untracked() != Doing::Paused {
        page.live.doing.set(Doing::Paused);
    }
}

/// Another image is asked for, and the frame under way will not be answered.
pub fn give_way(page: Page) {
    pause(page);
    PACE.with_borrow_mut(Pace::lost);
}

/// A frame was judged and is shown.
pub fn answered(page: Page, answer: &Answer) {
    let now = window().performance().map_or(0.0, |clock| clock.now());
    PACE.with_borrow_mut(|pace| {
        pace.answered(now);
        let each = answer.timings.iter().map(|(_, milliseconds)| milliseconds);
        page.live.line.set(Some((pace.per_second(), each.sum())));
        page.live.judged.set(pace.judged());
    });
    FRAMES.with_borrow_mut(|(asked, shown)| *shown = asked.take());
    look(page);
}

fn later(page: Page, wait: Duration) {
    if !TIMED.replace(true) {
        set_timeout(
            move || {
                TIMED.set(false);
                look(page);
            },
            wait,
        );
    }
}

/// The result's controls have the focus or are pressed.
fn result_in_use() -> bool {
    let found = document().query_selector("#result:focus-within, #result:active");
    found.is_ok_and(|found| found.is_some())
}

/// Asks for the newest frame when it can be judged at once.
fn look(page: Page) {
    let on = page.camera.state.get_untracked() == State::On(User::Live);
    if !on || !PACE.with_borrow(Pace::is_running) {
        return;
    }
    let held = result_in_use();
    let doing = if held { Doing::Held } else { Doing::Running };
    if page.live.doing.get_untracked() != doing {
        page.live.doing.set(doing);
    }
    let busy =
        page.busy.with_untracked(Option::is_some) || page.model.with_untracked(Option::is_none);
    let Some(taken) = camera::frame_time().filter(|_| !held && !busy) else {
        return later(page, LATER);
    };
    if !PACE.with_borrow_mut(|pace| pace.offer(taken)) {
        // The camera's next frame; or else the answer under way looks on.
        if PACE.with_borrow(Pace::is_free) {
            later(page, SOON);
        }
        return;
    }
    if let Err(error) = ask(page) {
        give_way(page);
        camera::complain(page, &error);
    }
}

fn ask(page: Page) -> Result<(), JsValue> {
    let frame = camera::frame()?;
    // Read where it is: through the program's memory it would be copied twice more.
    let data: Uint8ClampedArray = Reflect::get(&frame, &"data".into())?.dyn_into()?;
    let size = (frame.width(), frame.height());
    FRAMES.with_borrow_mut(|(asked, _)| *asked = Some(frame));
    let task = Task::InspectFrame(
        words_now().camera.live.to_owned(),
        size,
        data.buffer().into(),
    );
    link::ask(page, task);
    Ok(())
}

/// Puts the frame that is shown into the list, as a file.
fn keep(page: Page) {
    let Some(frame) = FRAMES.with_borrow(|(_, shown)| shown.clone()) else {
        return;
    };
    let number = NUMBER.get() + 1;
    NUMBER.set(number);
    leptos::task::spawn_local(async move {
        let name = file_name("live", number);
        match camera::file(&frame, &name).await {
            Ok(file) => list::keep(page, name, file.into()),
            Err(error) => camera::complain(page, &error),
        }
    });
}

/// The button that opens the camera, and under it what it sees and how fast that is judged.
#[component]
pub fn LiveView(page: Page) -> impl IntoView {
    let opener = NodeRef::<leptos::html::Button>::new();
    let pauser = NodeRef::<leptos::html::Button>::new();
    let here = move || page.camera.state.get().is_for(User::Live);
    let on = Memo::new(move |_| page.camera.state.get() == State::On(User::Live));
    Effect::new(move |before: Option<bool>| {
        let on = on.get();
        match (before, on) {
            (Some(false), true) => {
                page.set_address(|address| address.sample = None);
                page.live.line.set(None);
                run(page);
            }
            (Some(true), false) => {
                pause(page);
                FRAMES.with_borrow_mut(|(_, shown)| *shown = None);
            }
            _ => {}
        }
        on
    });
    // The focus goes where the work is.
    Effect::new(move |_| {
        if let Some(button) = pauser.get() {
            let _ = button.focus();
        }
    });
    let doing = page.live.doing;
    let state = move || match doing.get() {
        _ if !on.get() => page.camera.state.get().name(User::Live),
        Doing::Running => "running",
        Doing::Held => "held",
        Doing::Paused => "paused",
    };
    let press = move |_| {
        if here() {
            camera::close(page);
            if let Some(opener) = opener.get_untracked() {
                let _ = opener.focus();
            }
        } else {
            camera::open(page, User::Live, None);
        }
    };
    let line = move || match (doing.get(), page.live.line.get()) {
        (Doing::Paused, _) => words().camera.paused.to_owned(),
        (Doing::Held, _) => words().camera.held.to_owned(),
        (Doing::Running, Some((per_second, each))) => rate(words(), per_second, each),
        (Doing::Running, None) => words().camera.first.to_owned(),
    };
    // Beside the picture, because on a phone the result is further down. It is announced when it changes, not with
    // every frame.
    let verdict = Memo::new(move |_| {
        let first = page.live.line.with(Option::is_none) || doing.get() == Doing::Paused;
        let shown = page.shown.get().filter(|_| !first)?;
        Some(shown.verdict(page.threshold_of(&shown.answer).as_ref()))
    });
    view! {
        <div class="camera" data-testid="live" data-state=state data-frames=move || page.live.judged.get()>
            <button node_ref=opener type="button" class="secondary" data-testid="live-open" aria-expanded=move || here().to_string()
                prop:disabled=move || !here() && page.model.with(Option::is_none) on:click=press>
                {told(move || if here() { words().camera.close } else { words().camera.live }.to_owned())}
            </button>
            <Show when=here>
                <Viewfinder page user=User::Live/>
            </Show>
            <Show when=move || on.get()>
                <p class="rate" data-testid="live-rate">{told(line)}</p>
                <p role="status" data-testid="live-verdict">
                    {move || verdict.get().map(|verdict| view! {
                        <span class=format!("pill {}", verdict.name())>{words().verdict.label(verdict)}</span>
                    })}
                </p>
                <div class="row">
                    <button node_ref=pauser type="button" class="primary" data-testid="live-pause"
                        on:click=move |_| if doing.get_untracked() == Doing::Paused { run(page) } else { pause(page) }>
                        {told(move || if doing.get() == Doing::Paused { words().camera.resume } else { words().camera.pause }.to_owned())}
                    </button>
                    <button type="button" class="secondary" data-testid="live-keep" on:click=move |_| keep(page)
                        prop:disabled=move || page.live.line.get().is_none()>{say(|w| w.camera.keep)}</button>
                </div>
            </Show>
        </div>
    }
}
