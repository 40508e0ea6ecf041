//! The list of images at work: hands them to the worker a few at a time, keeps what it answers.
//!
//! Of all images scores and a small picture stay, of the last few opened ones the whole answer; the
//! files themselves stay on the visitor's disk. So a list of any length takes little memory.

use std::{
    cell::{Cell, RefCell},
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use js_sys::ArrayBuffer;
use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};

use fsr_web::{
    folder::{self, TestImage},
    list::{Judged, Row, RowId, RowState},
    protocol::{Answer, Failure, MeasurePlan, MeasuredImage, Note, Reduction},
    session::Task,
};

use crate::{
    compare, hook, link,
    state::{Measured, Page, Picture, Shown},
};

/// Images the worker is asked for at a time: it need not wait for the page between two.
const AT_A_TIME: usize = 2;

/// Whole answers kept.
const MOST_RECENT: usize = 4;

/// Images of a labelled folder whose maps are kept, a quarter of a megabyte each.
const MOST_MAPS: usize = 200;

/// What is kept of the labelled folder.
#[derive(Default)]
struct Labelled {
    /// Why there are no pixel figures; then no maps are kept.
    no_pixels: Option<Note>,
    masks: HashMap<RowId, JsValue>,
    /// Width, height and values, outside the program's memory.
    maps: HashMap<RowId, ((u32, u32), JsValue)>,
}

thread_local! {
    static LABELLED: RefCell<Labelled> = RefCell::default();
    static FILES: RefCell<HashMap<RowId, JsValue>> = RefCell::default();
    static PICTURES: RefCell<HashMap<RowId, Arc<Picture>>> = RefCell::default();
    static RECENT: RefCell<VecDeque<(RowId, Arc<Shown>)>> = RefCell::default();
    static NEXT: Cell<RowId> = const { Cell::new(1) };
}

/// Adds files; the first of a new list is also shown.
pub fn add(page: Page, files: Vec<(String, JsValue)>) {
    let fresh = page.rows.with_untracked(Vec::is_empty);
    let mut first = None;
    page.rows.update(|rows| {
        for (name, file) in files {
            let id = NEXT.replace(NEXT.get() + 1);
            FILES.with_borrow_mut(|files| files.insert(id, file));
            rows.push(Row::new(id, name));
            first.get_or_insert(id);
        }
    });
    if let Some(first) = first.filter(|_| fresh) {
        open(page, first);
    }
    pump(page);
}

/// Adds a file without showing it.
pub fn keep(page: Page, name: String, file: JsValue) {
    let id = NEXT.replace(NEXT.get() + 1);
    FILES.with_borrow_mut(|files| files.insert(id, file));
    page.rows.update(|rows| rows.push(Row::new(id, name)));
    pump(page);
}

/// Adds the test images of a labelled folder; one that was there before loses its labels.
pub fn add_folder(page: Page, images: Vec<TestImage>, files: &[JsValue]) {
    let mut labelled = Labelled {
        no_pixels: folder::no_pixels(&images, MOST_MAPS),
        ..Labelled::default()
    };
    let fresh = page.rows.with_untracked(Vec::is_empty);
    let mut first = None;
    page.rows.update(|rows| {
        rows.iter_mut().for_each(|row| row.defect = None);
        for image in images {
            let Some(file) = files.get(image.file) else {
                continue;
            };
            let id = NEXT.replace(NEXT.get() + 1);
            FILES.with_borrow_mut(|files| files.insert(id, file.clone()));
            if let Some(mask) = image.mask.and_then(|mask| files.get(mask)) {
                labelled.masks.insert(id, mask.clone());
            }
            let mut row = Row::new(id, image.name);
            row.defect = Some(image.defect);
            rows.push(row);
            first.get_or_insert(id);
        }
    });
    LABELLED.set(labelled);
    link::cancel_measure();
    page.measured.set(Measured::Waiting);
    if let Some(first) = first.filter(|_| fresh) {
        open(page, first);
    }
    pump(page);
}

/// Keeps the map of an image of the labelled folder.
pub fn keep_map(id: RowId, size: (u32, u32), values: &JsValue) {
    let there = values
        .dyn_ref::<ArrayBuffer>()
        .is_some_and(|buffer| buffer.byte_length() > 0);
    if there {
        LABELLED.with_borrow_mut(|labelled| labelled.maps.insert(id, (size, values.clone())));
    }
}

/// Asks for the figures of the labelled folder once all its images are answered.
fn measure(page: Page) {
    let rows: Vec<Row> = page.rows.with_untracked(|rows| {
        let labelled = rows.iter().filter(|row| row.defect.is_some());
        labelled.cloned().collect()
    });
    let open = |row: &Row| matches!(row.state, RowState::Waiting | RowState::UnderWay);
    if rows.is_empty() || rows.iter().any(open) {
        return;
    }
    let models: Vec<u32> = rows
        .iter()
        .filter_map(|row| Some(row.judged()?.model))
        .collect();
    if models.iter().any(|model| *model != models[0]) {
        page.measured.set(Measured::Failed(Failure::MixedModels));
        return;
    }
    let (plan, files) = LABELLED.with_borrow(|labelled| {
        let mut notes: Vec<Note> = labelled.no_pixels.clone().into_iter().collect();
        let failed = rows.len() - models.len();
        if failed > 0 {
            notes.push(Note::LeftOut { images: failed });
        }
        let pixels = labelled.no_pixels.is_none();
        let (mut images, mut files, mut map_size) = (Vec::new(), Vec::new(), (0, 0));
        for row in &rows {
            let Some(judged) = row.judged() else { continue };
            let mask = labelled.masks.get(&row.id).filter(|_| pixels);
            if pixels {
                let map = labelled.maps.get(&row.id);
                map_size = map.map_or(map_size, |(size, _)| *size);
                files.push(map.map_or(JsValue::UNDEFINED, |(_, values)| values.clone()));
                files.extend(mask.cloned());
            }
            images.push(MeasuredImage {
                name: row.name.clone(),
                scores: judged.scores,
                defect: row.defect == Some(true),
                width: judged.width,
                height: judged.height,
                has_mask: mask.is_some(),
            });
        }
        let (model, reduction) = page.model.with_untracked(|model| {
            let known = model.as_ref();
            let threshold = known.and_then(|model| model.threshold.as_ref());
            (
                known.map(|model| model.name.clone()).unwrap_or_default(),
                threshold.map_or(Reduction::Std, |threshold| threshold.reduction),
            )
        });
        let plan = MeasurePlan {
            reduction,
            model,
            images,
            pixels,
            map_size,
            notes,
        };
        (plan, files)
    });
    link::ask(page, Task::Measure(Box::new(plan), files));
}

/// Hands waiting images to the worker.
pub fn pump(page: Page) {
    while link::listed_under_way() < AT_A_TIME {
        let mut next = None;
        let waits = page
            .rows
            .with_untracked(|rows| rows.iter().position(|row| row.state == RowState::Waiting));
        let Some(at) = waits else { return };
        page.rows.update(|rows| {
            let row = &mut rows[at];
            row.set(RowState::UnderWay);
            next = Some((row.id, row.name.clone(), row.defect.is_some()));
        });
        let Some((id, name, labelled)) = next else {
            return;
        };
        let map = labelled && LABELLED.with_borrow(|labelled| labelled.no_pixels.is_none());
        match FILES.with_borrow(|files| files.get(&id).cloned()) {
            Some(file) => link::ask(page, Task::ListFile(id, name, file, map)),
            None => set(page, id, RowState::Failed(Failure::FileGone)),
        }
    }
}

fn set(page: Page, id: RowId, state: RowState) {
    page.rows.update(|rows| {
        if let Some(row) = rows.iter_mut().find(|row| row.id == id) {
            row.set(state);
        }
    });
}

/// An image of the list was judged.
pub fn judged(page: Page, id: RowId, answer: &Answer, picture: Picture) {
    PICTURES.with_borrow_mut(|pictures| pictures.insert(id, Arc::new(picture)));
    let judged = Judged {
        width: answer.width,
        height: answer.height,
        scores: answer.scores,
        milliseconds: answer.timings.iter().map(|(_, ms)| ms).sum(),
        model: page.model_serial.get_untracked(),
    };
    set(page, id, RowState::Judged(judged));
    pump(page);
    measure_with(page, id);
}

/// An image of the list could not be judged.
pub fn failed(page: Page, id: RowId, reason: Failure) {
    set(page, id, RowState::Failed(reason));
    pump(page);
    measure_with(page, id);
}

/// [`measure`], if this row belongs to the labelled folder.
fn measure_with(page: Page, id: RowId) {
    let labelled = page.rows.with_untracked(|rows| {
        let mut rows = rows.iter();
        rows.any(|row| row.id == id && row.defect.is_some())
    });
    if labelled {
        measure(page);
    }
}

/// The small picture of a row.
pub fn picture(id: RowId) -> Option<Arc<Picture>> {
    PICTURES.with_borrow(|pictures| pictures.get(&id).cloned())
}

/// Shows a row's image: at once if its answer is still there, else after another inspection.
pub fn open(page: Page, id: RowId) {
    let known = RECENT.with_borrow(|recent| {
        recent
            .iter()
            .find(|(row, _)| *row == id)
            .map(|(_, shown)| shown.clone())
    });
    if let Some(shown) = known {
        let threshold = untrack(|| page.threshold_of(&shown.answer));
        hook::publish(&shown, shown.verdict(threshold.as_ref()));
        page.opened.set(Some(id));
        compare::keep(page, &shown);
        page.shown.set(Some(shown));
        return;
    }
    let name = page.rows.with_untracked(|rows| {
        rows.iter()
            .find(|row| row.id == id)
            .map(|row| row.name.clone())
    });
    let file = FILES.with_borrow(|files| files.get(&id).cloned());
    if let (Some(name), Some(file)) = (name, file) {
        page.set_address(|address| address.sample = None);
        link::ask(page, Task::InspectFile(name, file));
        page.opened.set(Some(id));
    }
}

/// Keeps the whole answer of an opened row.
pub fn remember(id: RowId, shown: &Arc<Shown>) {
    RECENT.with_borrow_mut(|recent| {
        recent.retain(|(row, _)| *row != id);
        recent.push_front((id, shown.clone()));
        recent.truncate(MOST_RECENT);
    });
}

/// Another model is in use: whole answers of the one before are stale.
pub fn model_changed() {
    RECENT.with_borrow_mut(VecDeque::clear);
}

/// Judges all images once more, with the model in use.
pub fn again(page: Page) {
    link::cancel_list();
    page.rows.update(|rows| {
        for row in rows.iter_mut() {
            row.set(RowState::Waiting);
        }
    });
    if page
        .rows
        .with_untracked(|rows| rows.iter().any(|row| row.defect.is_some()))
    {
        link::cancel_measure();
        page.measured.set(Measured::Waiting);
    }
    pump(page);
}

/// Takes back what the worker has not answered yet.
pub fn stop(page: Page) {
    link::cancel_list();
    page.rows.update(|rows| {
        rows.retain(|row| !matches!(row.state, RowState::Waiting | RowState::UnderWay));
    });
    // Figures of a part would be taken for those of the folder.
    if page
        .measured
        .with_untracked(|measured| *measured == Measured::Waiting)
    {
        page.rows
            .update(|rows| rows.iter_mut().for_each(|row| row.defect = None));
        page.measured.set(Measured::Nothing);
    }
    forget_files(page);
}

/// Empties the list.
pub fn clear(page: Page) {
    link::cancel_list();
    link::cancel_measure();
    page.rows.set(Vec::new());
    page.measured.set(Measured::Nothing);
    page.opened.set(None);
    forget_files(page);
}

fn forget_files(page: Page) {
    page.rows.with_untracked(|rows| {
        let kept: std::collections::HashSet<RowId> = rows.iter().map(|row| row.id).collect();
        FILES.with_borrow_mut(|files| files.retain(|id, _| kept.contains(id)));
        PICTURES.with_borrow_mut(|pictures| pictures.retain(|id, _| kept.contains(id)));
        RECENT.with_borrow_mut(|recent| recent.retain(|(id, _)| kept.contains(id)));
        LABELLED.with_borrow_mut(|labelled| {
            labelled.masks.retain(|id, _| kept.contains(id));
            labelled.maps.retain(|id, _| kept.contains(id));
        });
    });
}
