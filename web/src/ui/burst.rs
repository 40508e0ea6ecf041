//! Step one with the camera: pictures of good parts, one at a time or several in a row.

use std::cell::Cell;

use leptos::prelude::*;
use std::time::Duration;

use fsr_web::{camera::file_name, protocol::MOST_IMAGES};

use crate::{
    camera::{self, State, User, Viewfinder},
    collect,
    language::{say, told, words},
    state::Page,
};

/// Pictures of a burst.
const BURST: u32 = 8;

/// Between two of them there is time to turn the part.
const APART: Duration = Duration::from_millis(700);

thread_local! {
    static NUMBER: Cell<u32> = const { Cell::new(0) };
    /// Counts bursts: one that was stopped takes no more.
    static TURN: Cell<u32> = const { Cell::new(0) };
}

/// A burst: pictures taken, and whether it goes on.
#[derive(Clone, Copy, Default)]
struct Series {
    taken: u32,
    running: bool,
}

fn room(page: Page) -> bool {
    page.good.with_untracked(Vec::len) < MOST_IMAGES
}

/// Takes what is seen now; whether there was something to take.
fn take(page: Page) -> bool {
    if camera::frame_time().is_none() || !room(page) {
        return false;
    }
    let frame = match camera::frame() {
        Ok(frame) => frame,
        Err(error) => {
            camera::complain(page, &error);
            return false;
        }
    };
    let number = NUMBER.get() + 1;
    NUMBER.set(number);
    leptos::task::spawn_local(async move {
        match camera::file(&frame, &file_name("camera", number)).await {
            Ok(file) => collect::add(page, vec![file]),
            Err(error) => camera::complain(page, &error),
        }
    });
    true
}

/// Takes the rest of a burst, one picture after the other.
fn go_on(page: Page, burst: RwSignal<Series>, turn: u32) {
    let Series { taken, running } = burst.get_untracked();
    if !running || TURN.get() != turn {
        return;
    }
    let on = page.camera.state.get_untracked() == State::On(User::Collect);
    // Before the first frame there is nothing to take yet.
    let taken = taken + u32::from(on && take(page));
    let running = on && taken < BURST && room(page);
    burst.set(Series { taken, running });
    if running {
        set_timeout(move || go_on(page, burst, turn), APART);
    }
}

/// The button that opens the camera, and under it what can be done with it.
#[component]
pub fn Burst(page: Page) -> impl IntoView {
    let opener = NodeRef::<leptos::html::Button>::new();
    let shutter = NodeRef::<leptos::html::Button>::new();
    let burst = RwSignal::new(Series::default());
    let here = move || page.camera.state.get().is_for(User::Collect);
    let on = move || page.camera.state.get() == State::On(User::Collect);
    let enough = move || page.good.with(Vec::len) >= MOST_IMAGES;
    // The focus goes where the work is.
    Effect::new(move |_| {
        if let Some(shutter) = shutter.get() {
            let _ = shutter.focus();
        }
    });
    let run = move |_| {
        TURN.set(TURN.get() + 1);
        let running = !burst.get_untracked().running;
        burst.set(Series { taken: 0, running });
        go_on(page, burst, TURN.get());
    };
    let close = move |_| {
        burst.set(Series::default());
        camera::close(page);
        if let Some(opener) = opener.get_untracked() {
            let _ = opener.focus();
        }
    };
    view! {
        <div class="camera" data-testid="camera" data-state=move || page.camera.state.get().name(User::Collect)>
            <button node_ref=opener type="button" class="secondary" data-testid="camera-open" aria-expanded=move || here().to_string()
                on:click=move |event| if here() { close(event) } else { camera::open(page, User::Collect, None) }>
                {told(move || if here() { words().camera.close } else { words().camera.open }.to_owned())}
            </button>
            <Show when=here>
                <Viewfinder page user=User::Collect/>
            </Show>
            <Show when=on>
                <p class="quiet">{say(|w| w.camera.hint)}</p>
                <div class="row">
                    <button node_ref=shutter type="button" class="primary" data-testid="camera-shutter" prop:disabled=enough
                        on:click=move |_| { take(page); }>{say(|w| w.camera.shutter)}</button>
                    <button type="button" class="secondary" data-testid="camera-burst" prop:disabled=enough on:click=run>
                        {told(move || if burst.get().running { words().camera.stop.to_owned() } else { words().camera.burst(BURST) })}
                    </button>
                </div>
                <p class="quiet" role="status" data-testid="camera-line">
                    {told(move || match burst.get().taken {
                        _ if enough() => words().camera.full(),
                        0 => String::new(),
                        taken => words().camera.taken(taken, BURST),
                    })}
                </p>
            </Show>
        </div>
    }
}
