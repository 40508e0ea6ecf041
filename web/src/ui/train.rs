//! Step two: training, its course, and how to steer it.

use leptos::prelude::*;

use fsr_web::{
    curve::duration,
    protocol::{FEWEST_IMAGES, Failure, MOST_IMAGES, MOST_STEPS, Steer, TrainPlan},
    session::Task,
    verdict::number,
};

use crate::{
    backbone::{self, BackboneLine},
    collect,
    language::{say, told, words, words_now},
    link,
    state::{Page, TrainStage},
    tile_grid::TileSize,
};

/// Size of the curve's drawing.
const CURVE: (f32, f32) = (300.0, 84.0);

/// Settings, start, curve, pause, stop, cancel.
#[component]
pub fn Train(page: Page) -> impl IntoView {
    let plan = TrainPlan::few_shot(words_now().train.my_product);
    let name = RwSignal::new(plan.name.clone());
    let steps = RwSignal::new(plan.steps);
    let tile = RwSignal::new(plan.tile);
    let ready = move || {
        let images = page.good.with(Vec::len);
        (FEWEST_IMAGES..=MOST_IMAGES).contains(&images)
            && backbone::is_there(page)
            && !page.training.get().under_way()
    };
    let start = move |_| {
        let plan = TrainPlan {
            name: name.get_untracked().trim().to_owned(),
            steps: steps.get_untracked(),
            tile: tile.get_untracked(),
            ..plan.clone()
        };
        let images = collect::images(page);
        let checked = if plan.name.is_empty() {
            Err(Failure::NoName)
        } else {
            plan.check(images.len())
        };
        match checked {
            Ok(()) => link::ask(page, Task::Train(plan, images, backbone::chosen(page))),
            Err(failure) => page.failure.set(Some(failure)),
        }
    };
    let under_way = move || page.training.get().under_way();
    view! {
        <div class="step" data-testid="training" data-state=move || page.training.get().name()
            data-paused=move || page.paused.get().to_string()
            data-step=move || page.curve.with(|curve| curve.done())>
            <h3><span class="step-number" aria-hidden="true">"2"</span> {say(|w| w.train.title)}</h3>
            <p class="quiet">{say(|w| w.train.about)}</p>
            <BackboneLine page/>
            <Show when=move || !under_way()>
                <div class="fields">
                    <label>{say(|w| w.train.name)} " " <input type="text" maxlength="60" data-testid="train-name" prop:value=move || name.get()
                        on:input:target=move |event| name.set(event.target().value())/></label>
                    <label>{say(|w| w.train.steps)} " " <input type="number" min="1" max=MOST_STEPS step="1" inputmode="numeric" data-testid="train-steps"
                        prop:value=move || steps.get().to_string()
                        on:change:target=move |event| {
                            if let Ok(value) = event.target().value().trim().parse() {
                                steps.set(value);
                            }
                        }/></label>
                    <TileSize tile/>
                </div>
                <button type="button" class="primary" data-testid="train-start" prop:disabled=move || !ready() on:click=start.clone()>
                    {told(move || if page.training.get() == TrainStage::Done { words().train.again } else { words().train.start }.to_owned())}
                </button>
            </Show>
            <Show when=under_way>
                <div class="row">
                    <button type="button" class="secondary" data-testid="train-pause"
                        prop:disabled=move || page.training.get() != TrainStage::Running
                        on:click=move |_| link::steer(if page.paused.get_untracked() { Steer::Resume } else { Steer::Pause })>
                        {told(move || if page.paused.get() { words().train.resume } else { words().train.pause }.to_owned())}
                    </button>
                    <button type="button" class="secondary" data-testid="train-stop"
                        prop:disabled=move || page.training.get() != TrainStage::Running || page.curve.with(|curve| curve.done() == 0)
                        on:click=move |_| link::steer(Steer::Stop)>{say(|w| w.train.stop)}</button>
                    <button type="button" class="link" data-testid="train-cancel"
                        on:click=move |_| link::cancel_training(page)>{say(|w| w.train.cancel)}</button>
                </div>
            </Show>
            <Progress page/>
            <Show when=move || page.curve.with(|curve| curve.done() > 0)>
                <Losses page/>
            </Show>
        </div>
    }
}

#[component]
fn Progress(page: Page) -> impl IntoView {
    let text = move || match page.training.get() {
        TrainStage::Idle => String::new(),
        TrainStage::Asked => words().train.asked.into(),
        TrainStage::Features { done, total } => words().train.features(done, total),
        TrainStage::Running => page.curve.with(|curve| {
            let left = curve.seconds_left().map(|left| duration(words(), left));
            if page.paused.get() {
                words().train.paused_after(curve.done(), curve.steps)
            } else {
                let left = left.unwrap_or_default();
                words().train.running(curve.done(), curve.steps, &left)
            }
        }),
        TrainStage::Calibrating { done, total } => words().train.calibrating(done, total),
        TrainStage::Packing => format!("{}…", words().train.testing),
        TrainStage::Done => words().train.done.into(),
    };
    // Announced when the stage changes and at every tenth of the steps, not at each.
    let announced = Memo::new(move |_| match page.training.get() {
        TrainStage::Idle | TrainStage::Asked => String::new(),
        TrainStage::Features { .. } => words().train.looking.to_owned(),
        TrainStage::Running if page.paused.get() => words().train.paused.to_owned(),
        TrainStage::Running => {
            let tenths = page
                .curve
                .with(|curve| 10 * curve.done() / curve.steps.max(1));
            words().train.share_done(tenths)
        }
        TrainStage::Calibrating { .. } => words().train.setting.to_owned(),
        TrainStage::Packing => words().train.testing.to_owned(),
        TrainStage::Done => words().train.done.to_owned(),
    });
    let fraction = move || match page.training.get() {
        TrainStage::Features { done, total } | TrainStage::Calibrating { done, total } => {
            Some(done as f64 / total.max(1) as f64)
        }
        TrainStage::Running => page
            .curve
            .with(|curve| Some(curve.done() as f64 / curve.steps.max(1) as f64)),
        _ => None,
    };
    view! {
        <p class="train-line" data-testid="train-line">{told(text)}</p>
        <p class="visually-hidden" role="status">{told(move || announced.get())}</p>
        {move || page.training.get().under_way().then(|| match fraction() {
            Some(value) => view! { <progress max="1" value=value aria-label=say(|w| w.train.label)></progress> }.into_any(),
            None => view! { <progress aria-label=say(|w| w.train.label)></progress> }.into_any(),
        })}
    }
}

/// The losses as a curve.
#[component]
fn Losses(page: Page) -> impl IntoView {
    let (width, height) = CURVE;
    let lines = Memo::new(move |_| page.curve.with(|curve| curve.lines(width, height)));
    view! {
        <figure class="curve">
            <svg viewBox=format!("-2 -3 {} {}", width + 4.0, height + 6.0) role="img" preserveAspectRatio="none"
                aria-label=told(move || page.curve.with(|curve| curve.describe(words())))>
                <polyline class="single" points=move || lines.with(|[single, _]| single.clone())/>
                <polyline class="smooth" points=move || lines.with(|[_, smooth]| smooth.clone())/>
            </svg>
            <figcaption class="quiet" data-testid="loss">
                {told(move || page.curve.with(|curve| curve.loss()).map(|loss| words().train.loss(&number(loss))).unwrap_or_default())}
            </figcaption>
        </figure>
    }
}
