//! The camera: asked for when a button is pressed, shown, and let go of. Its pictures stay in this tab.

use std::cell::{Cell, RefCell};

use js_sys::{Array, Object, Promise, Reflect};
use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::{CanvasRenderingContext2d, File, HtmlCanvasElement, HtmlVideoElement, ImageData};

use fsr_web::protocol::Failure;

use crate::{
    language::{say, words},
    media::{self, Stream},
    state::Page,
};

/// Who uses the camera. There is one at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum User {
    /// Step one takes pictures of good parts.
    Collect,
    /// Step three judges what it sees.
    Live,
}

/// Whether the camera is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is off.
    Off,
    /// The browser was asked for it.
    Asking(User),
    /// It is on.
    On(User),
}

impl State {
    /// For `data-state`, which tests use.
    pub fn name(self, user: User) -> &'static str {
        match self {
            Self::Asking(who) if who == user => "asking",
            Self::On(who) if who == user => "on",
            _ => "off",
        }
    }

    /// Whether it is on, or about to be, for this user.
    pub fn is_for(self, user: User) -> bool {
        self.name(user) != "off"
    }
}

/// Signals of the camera.
#[derive(Clone, Copy)]
pub struct Camera {
    /// Whether it is on.
    pub state: RwSignal<State>,
    /// All there are: the browser's identifier, and its name for it if it tells one.
    pub known: RwSignal<Vec<(String, String)>>,
    /// The one in use.
    pub chosen: RwSignal<String>,
}

impl Camera {
    /// A camera that is off.
    pub fn new() -> Self {
        Self {
            state: RwSignal::new(State::Off),
            known: RwSignal::new(Vec::new()),
            chosen: RwSignal::new(String::new()),
        }
    }
}

/// What is open, besides the signals.
struct Open {
    stream: Stream,
    /// Hears that the camera went away.
    _ended: Closure<dyn FnMut()>,
    video: Option<HtmlVideoElement>,
}

thread_local! {
    static OPEN: RefCell<Option<Open>> = const { RefCell::new(None) };
    /// Counts what the browser was asked for: an answer to an earlier question is let go of.
    static TURN: Cell<u32> = const { Cell::new(0) };
}

/// From now on the camera goes off when the page is hidden.
pub fn watch(page: Page) {
    let hidden = move |_| {
        if document().hidden() {
            close(page);
        }
    };
    window_event_listener_untyped("visibilitychange", hidden);
    window_event_listener_untyped("pagehide", move |_| close(page));
}

/// Asks the browser for the camera; `device` names one of several.
pub fn open(page: Page, user: User, device: Option<String>) {
    close(page);
    page.failure.set(None);
    page.camera.state.set(State::Asking(user));
    let turn = TURN.get();
    leptos::task::spawn_local(async move {
        let given = media::ask(device.as_deref()).await;
        let stale = TURN.get() != turn;
        match given {
            Ok(stream) if stale => stream.stop(),
            Ok(stream) => started(page, user, stream).await,
            Err(_) if stale => {}
            Err(failure) => {
                page.camera.state.set(State::Off);
                page.failure.set(Some(failure));
            }
        }
    });
}

/// Lets the camera go.
pub fn close(page: Page) {
    TURN.set(TURN.get() + 1);
    if let Some(Open { stream, video, .. }) = OPEN.take() {
        stream.stop();
        if let Some(video) = video {
            media::hide(&video);
        }
    }
    if page.camera.state.get_untracked() != State::Off {
        page.camera.state.set(State::Off);
    }
}

async fn started(page: Page, user: User, stream: Stream) {
    let ended = Closure::<dyn FnMut()>::new(move || {
        close(page);
        page.failure.set(Some(Failure::CameraLost));
    });
    stream.on_ended(ended.as_ref().unchecked_ref());
    page.camera.chosen.set(stream.device());
    OPEN.set(Some(Open {
        stream,
        _ended: ended,
        video: None,
    }));
    page.camera.state.set(State::On(user));
    if let Ok(known) = media::cameras().await {
        page.camera.known.set(known);
    }
}

/// When the frame that is seen now was taken, in the stream's time; `None` while there is none.
pub fn frame_time() -> Option<f64> {
    OPEN.with_borrow(|open| {
        let video = open.as_ref()?.video.as_ref()?;
        (video.video_width() > 0 && video.ready_state() >= 2).then(|| video.current_time())
    })
}

/// The frame that is seen now.
pub fn frame() -> Result<ImageData, JsValue> {
    let video = OPEN.with_borrow(|open| open.as_ref()?.video.clone());
    let video = video.ok_or("the camera is off")?;
    let (width, height) = (video.video_width(), video.video_height());
    let context = sheet(width, height)?;
    context.draw_image_with_html_video_element(&video, 0.0, 0.0)?;
    context.get_image_data(0.0, 0.0, f64::from(width), f64::from(height))
}

/// A canvas that is read from.
fn sheet(width: u32, height: u32) -> Result<CanvasRenderingContext2d, JsValue> {
    let canvas: HtmlCanvasElement = document().create_element("canvas")?.dyn_into()?;
    canvas.set_width(width);
    canvas.set_height(height);
    let options = Object::new();
    Reflect::set(&options, &"willReadFrequently".into(), &true.into())?;
    let context = canvas.get_context_with_context_options("2d", &options)?;
    context
        .ok_or("no 2d context")?
        .dyn_into()
        .map_err(JsValue::from)
}

/// A frame as a file, without loss.
pub async fn file(frame: &ImageData, name: &str) -> Result<File, JsValue> {
    let context = sheet(frame.width(), frame.height())?;
    context.put_image_data(frame, 0.0, 0.0)?;
    let canvas = context.canvas().ok_or("no canvas")?;
    let blob = Promise::new(&mut |resolve, reject| {
        if let Err(error) = canvas.to_blob(&resolve) {
            let _ = reject.call1(&JsValue::NULL, &error);
        }
    });
    let blob = JsFuture::from(blob).await?;
    if blob.is_null() {
        return Err("the picture could not be encoded".into());
    }
    File::new_with_blob_sequence(&Array::of1(&blob), name)
}

/// A picture could not be taken.
pub fn complain(page: Page, error: &JsValue) {
    page.failure.set(Some(Failure::Picture {
        why: media::message(error),
    }));
}

/// What the camera sees, and which camera it is.
#[component]
pub fn Viewfinder(page: Page, user: User) -> impl IntoView {
    let video = NodeRef::<leptos::html::Video>::new();
    Effect::new(move |_| {
        let (Some(video), State::On(who)) = (video.get(), page.camera.state.get()) else {
            return;
        };
        if who != user {
            return;
        }
        OPEN.with_borrow_mut(|open| {
            let Some(open) = open else { return };
            open.stream.show(&video);
            // It begins by itself; where it must not, the still picture says so.
            if let Ok(begun) = video.play() {
                leptos::task::spawn_local(async move {
                    let _ = JsFuture::from(begun).await;
                });
            }
            open.video = Some(video);
        });
    });
    let several = move || page.camera.known.with(|known| known.len() > 1);
    view! {
        <Show when=move || page.camera.state.get() == State::Asking(user)>
            <p role="status">{say(|w| w.camera.waiting)}</p>
        </Show>
        <Show when=move || page.camera.state.get() == State::On(user)>
            <video node_ref=video class="viewfinder" autoplay playsinline aria-label=say(|w| w.camera.preview) data-testid="viewfinder"></video>
            <Show when=several>
                <label class="camera-choice">{say(|w| w.camera.which)}
                    <select data-testid="camera-choice" prop:value=move || page.camera.chosen.get()
                        on:change:target=move |event| open(page, user, Some(event.target().value()))>
                        {move || page.camera.known.get().into_iter().enumerate().map(|(place, (id, label))| {
                            let label = if label.is_empty() { words().camera.nameless(place + 1) } else { label };
                            let chosen = id == page.camera.chosen.get_untracked();
                            view! { <option value=id selected=chosen>{label}</option> }
                        }).collect_view()}
                    </select>
                </label>
            </Show>
        </Show>
        <p class="quiet">{say(|w| w.camera.private)}</p>
    }
}
