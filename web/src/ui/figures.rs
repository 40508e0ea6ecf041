//! Figures of a folder in the layout of MVTec AD.

use leptos::prelude::*;

use fsr_web::protocol::{Figures, PixelFigures, Ranking};

use crate::{
    curves::Curves,
    language::{Text, say, told, words},
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
                    <h2 id="figures-title">{say(|w| w.figures.title)}</h2>
                    <p class="quiet" role="status" data-testid="figures-line">{told(line)}</p>
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
        .map(|PixelFigures { ranking, aupro }| row(|w| w.figures.pixels, ranking, Some(aupro)));
    let curves = figures.clone();
    let notes = figures.notes;
    view! {
        <div class="figures-body">
            <Curves figures=curves/>
            <div class="figures-table" tabindex="0" role="region" aria-label=say(|w| w.figures.table)>
                <table>
                    <caption class="visually-hidden">{say(|w| w.figures.caption)}</caption>
                    <thead>
                        <tr>
                            <td></td>
                            <th scope="col">"AUROC"</th>
                            <th scope="col">"AP"</th>
                            <th scope="col">"F1-max"</th>
                            <th scope="col" title=say(|w| w.figures.aupro_title)>"AUPRO"</th>
                        </tr>
                    </thead>
                    <tbody>
                        {row(|w| w.figures.images, figures.image, None)}
                        {pixel}
                    </tbody>
                </table>
                {(!notes.is_empty()).then(|| view! {
                    <p class="quiet">{told(move || {
                        let notes: Vec<String> = notes.iter().map(|note| words().figures.note(note)).collect();
                        notes.join(" ")
                    })}</p>
                })}
            </div>
        </div>
    }
}

fn row(name: Text, ranking: Ranking, aupro: Option<Option<f64>>) -> impl IntoView {
    view! {
        <tr>
            <th scope="row">{say(name)}</th>
            <td>{told(move || percent(ranking.auroc))}</td>
            <td>{told(move || percent(ranking.ap))}</td>
            <td>{told(move || percent(ranking.f1_max))}</td>
            <td>{told(move || aupro.map(percent).unwrap_or_default())}</td>
        </tr>
    }
}

/// A figure for people; a dash where it is not defined.
fn percent(value: Option<f64>) -> String {
    value.map_or_else(|| "–".into(), |value| words().percent(value, 1))
}

fn line(measured: &Measured) -> String {
    match measured {
        Measured::Nothing => String::new(),
        Measured::Waiting => words().figures.waiting.into(),
        Measured::Asked => words().figures.asked.into(),
        Measured::Done(figures) => words().figures.judged(
            figures.good,
            figures.defective,
            &figures.model,
            words().verdict.reduction(figures.reduction),
        ),
        Measured::Failed(failure) => {
            let told = words().failures.tell(failure);
            format!("{} {}", told.what, told.mend).trim().to_owned()
        }
    }
}
