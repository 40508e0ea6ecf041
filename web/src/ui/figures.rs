//! Figures of a folder in the layout of MVTec AD.

use leptos::prelude::*;

use fsr_web::protocol::{Figures, PixelFigures, Ranking};

use crate::{
    curves::Curves,
    state::{Measured, Page},
};

/// Nothing while the list holds no labelled folder.
#[component]
pub fn FiguresCard(page: Page) -> impl IntoView {
    let there = move || {
        page.measured
            .with(|measured| *measured != Measured::Nothing)
    };
    let state = move || page.measured.with(Measured::name);
    let line = move || page.measured.with(line);
    let found = move || {
        page.measured.with(|measured| match measured {
            Measured::Done(figures) => Some(figures.clone()),
            _ => None,
        })
    };
    view! {
        <Show when=there>
            <section class="card figures" aria-labelledby="figures-title" data-testid="figures" data-state=state>
                <div class="card-head">
                    <h2 id="figures-title">"Figures of the folder"</h2>
                    <p class="quiet" role="status" data-testid="figures-line">{line}</p>
                </div>
                {move || found().map(|figures| view! { <Found figures=(*figures).clone()/> })}
            </section>
        </Show>
    }
}

#[component]
fn Found(figures: Figures) -> impl IntoView {
    let pixel = figures
        .pixel
        .map(|PixelFigures { ranking, aupro }| row("Pixels", ranking, Some(aupro)));
    let curves = figures.clone();
    view! {
        <div class="figures-body">
            <Curves figures=curves/>
            <div class="figures-table" tabindex="0" role="region" aria-label="Table of figures">
                <table>
                    <caption class="visually-hidden">"Figures of images and pixels"</caption>
                    <thead>
                        <tr>
                            <td></td>
                            <th scope="col">"AUROC"</th>
                            <th scope="col">"AP"</th>
                            <th scope="col">"F1-max"</th>
                            <th scope="col" title="Per-region overlap up to a false-positive rate of 0.3">"AUPRO"</th>
                        </tr>
                    </thead>
                    <tbody>
                        {row("Images", figures.image, None)}
                        {pixel}
                    </tbody>
                </table>
                {figures.note.map(|note| view! { <p class="quiet">{note}</p> })}
            </div>
        </div>
    }
}

fn row(name: &'static str, ranking: Ranking, aupro: Option<Option<f64>>) -> impl IntoView {
    view! {
        <tr>
            <th scope="row">{name}</th>
            <td>{percent(ranking.auroc)}</td>
            <td>{percent(ranking.ap)}</td>
            <td>{percent(ranking.f1_max)}</td>
            <td>{aupro.map(percent)}</td>
        </tr>
    }
}

/// A figure for people; a dash where it is not defined.
fn percent(value: Option<f64>) -> String {
    value.map_or_else(|| "–".into(), |value| format!("{:.1} %", 100.0 * value))
}

fn line(measured: &Measured) -> String {
    match measured {
        Measured::Nothing => String::new(),
        Measured::Waiting => "Computed when all its images are inspected".into(),
        Measured::Asked => "Being computed".into(),
        Measured::Done(figures) => format!(
            "{} good and {} defective images, judged by {} with the {}",
            figures.good,
            figures.defective,
            figures.model,
            figures.reduction.label()
        ),
        Measured::Failed(reason) => reason.clone(),
    }
}
