//! Step two: training, its course, and how to steer it.

use leptos::prelude::*;

use fsr_web::{
    curve::duration,
    protocol::{FEWEST_IMAGES, Failure, MOST_IMAGES, MOST_STEPS, Steer, TrainPlan},
    session::Task,
    verdict::number,
};

use crate::{
    collect, link,
    state::{Page, Stage, TrainStage},
    tile_grid::TileSize,
};

/// Size of the curve's drawing.
const CURVE: (f32, f32) = (300.0, 84.0);

/// Settings, start, curve, pause, stop, cancel.
#[component]
pub fn Train(page: Page) -> impl IntoView {
    let plan = TrainPlan::few_shot("my product");
    let name = RwSignal::new(plan.name.clone());
    let steps = RwSignal::new(plan.steps);
    let tile = RwSignal::new(plan.tile);
    let ready = move || {
        let images = page.good.with(Vec::len);
        (FEWEST_IMAGES..=MOST_IMAGES).contains(&images)
            && page.model.with(Option::is_some)
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
            Err(Failure::new("The detector has no name.", "Give it one."))
        } else {
            plan.check(images.len())
        };
        match checked {
            Ok(()) => link::ask(page, Task::Train(plan, images)),
            Err(failure) => page.failure.set(Some(failure)),
        }
    };
    let under_way = move || page.training.get().under_way();
    view! {
        <div class="step" data-testid="training" data-state=move || page.training.get().name()
            data-paused=move || page.paused.get().to_string()
            data-step=move || page.curve.with(|curve| curve.done())>
            <h3><span class="step-number" aria-hidden="true">"2"</span> "Train"</h3>
            <p class="quiet">"A small network learns, here in this tab, to restore what your good parts look like."</p>
            <Show when=move || !under_way()>
                <div class="fields">
                    <label>"Name" <input type="text" maxlength="60" data-testid="train-name" prop:value=move || name.get()
                        on:input:target=move |event| name.set(event.target().value())/></label>
                    <label>"Steps" <input type="number" min="1" max=MOST_STEPS step="1" inputmode="numeric" data-testid="train-steps"
                        prop:value=move || steps.get().to_string()
                        on:change:target=move |event| {
                            if let Ok(value) = event.target().value().trim().parse() {
                                steps.set(value);
                            }
                        }/></label>
                    <TileSize tile/>
                </div>
                <button type="button" class="primary" data-testid="train-start" prop:disabled=move || !ready() on:click=start.clone()>
                    {move || if page.training.get() == TrainStage::Done { "Train again" } else { "Train" }}
                </button>
                <Show when=move || page.stage.get() == Stage::Empty>
                    <p class="quiet">"Training needs a model's backbone: open a model package."</p>
                </Show>
            </Show>
            <Show when=under_way>
                <div class="row">
                    <button type="button" class="secondary" data-testid="train-pause"
                        prop:disabled=move || page.training.get() != TrainStage::Running
                        on:click=move |_| link::steer(if page.paused.get_untracked() { Steer::Resume } else { Steer::Pause })>
                        {move || if page.paused.get() { "Resume" } else { "Pause" }}
                    </button>
                    <button type="button" class="secondary" data-testid="train-stop"
                        prop:disabled=move || page.training.get() != TrainStage::Running || page.curve.with(|curve| curve.done() == 0)
                        on:click=move |_| link::steer(Steer::Stop)>"Stop and keep"</button>
                    <button type="button" class="link" data-testid="train-cancel"
                        on:click=move |_| link::cancel_training(page)>"Cancel"</button>
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
        TrainStage::Asked => "Waiting for the detector…".into(),
        TrainStage::Features { done, total } => format!("Looking at the images: {done} of {total}"),
        TrainStage::Running => page.curve.with(|curve| {
            let left = curve.seconds_left().map(duration).unwrap_or_default();
            if page.paused.get() {
                format!("Paused after step {} of {}", curve.done(), curve.steps)
            } else {
                format!(
                    "Step {} of {}, about {left} left",
                    curve.done(),
                    curve.steps
                )
            }
        }),
        TrainStage::Calibrating { done, total } => {
            format!("Setting the threshold: {done} of {total}")
        }
        TrainStage::Packing => "Testing the new detector…".into(),
        TrainStage::Done => "Trained. The new detector is in use.".into(),
    };
    // Announced when the stage changes and at every tenth of the steps, not at each.
    let announced = Memo::new(move |_| match page.training.get() {
        TrainStage::Idle | TrainStage::Asked => String::new(),
        TrainStage::Features { .. } => "Looking at the good images".to_owned(),
        TrainStage::Running if page.paused.get() => "Training paused".to_owned(),
        TrainStage::Running => {
            let tenths = page
                .curve
                .with(|curve| 10 * curve.done() / curve.steps.max(1));
            format!("Training, {tenths}0 % done")
        }
        TrainStage::Calibrating { .. } => "Setting the threshold".to_owned(),
        TrainStage::Packing => "Testing the new detector".to_owned(),
        TrainStage::Done => "Trained. The new detector is in use.".to_owned(),
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
        <p class="train-line" data-testid="train-line">{text}</p>
        <p class="visually-hidden" role="status">{move || announced.get()}</p>
        {move || page.training.get().under_way().then(|| match fraction() {
            Some(value) => view! { <progress max="1" value=value aria-label="Training"></progress> }.into_any(),
            None => view! { <progress aria-label="Training"></progress> }.into_any(),
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
                aria-label=move || page.curve.with(|curve| curve.describe())>
                <polyline class="single" points=move || lines.with(|[single, _]| single.clone())/>
                <polyline class="smooth" points=move || lines.with(|[_, smooth]| smooth.clone())/>
            </svg>
            <figcaption class="quiet" data-testid="loss">
                {move || page.curve.with(|curve| curve.loss()).map(|loss| format!("Restoration loss {}", number(loss)))}
            </figcaption>
        </figure>
    }
}
