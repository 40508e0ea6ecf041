//! The list of images at work: hands them to the worker a few at a time, keeps what it answers.
//!
//! Of all images scores and a small picture stay, of the last few opened ones the whole answer; the
//! files themselves stay on the visitor's disk. So a list of any length takes little memory.

use std::{
    cell::{Cell, RefCell},
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use leptos::prelude::*;
use wasm_bindgen::JsValue;

use fsr_web::{
    list::{Judged, Row, RowId, RowState},
    protocol::Answer,
    session::Task,
};

use crate::{
    hook, link,
    state::{Page, Picture, Shown},
};

/// Images the worker is asked for at a time: it need not wait for the page between two.
const AT_A_TIME: usize = 2;

/// Whole answers kept.
const MOST_RECENT: usize = 4;

thread_local! {
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
            next = Some((row.id, row.name.clone()));
        });
        let Some((id, name)) = next else { return };
        match FILES.with_borrow(|files| files.get(&id).cloned()) {
            Some(file) => link::ask(page, Task::ListFile(id, name, file)),
            None => set(page, id, RowState::Failed("its file is gone".into())),
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
}

/// An image of the list could not be judged.
pub fn failed(page: Page, id: RowId, reason: String) {
    set(page, id, RowState::Failed(reason));
    pump(page);
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
    pump(page);
}

/// Takes back what the worker has not answered yet.
pub fn stop(page: Page) {
    link::cancel_list();
    page.rows.update(|rows| {
        rows.retain(|row| !matches!(row.state, RowState::Waiting | RowState::UnderWay));
    });
    forget_files(page);
}

/// Empties the list.
pub fn clear(page: Page) {
    link::cancel_list();
    page.rows.set(Vec::new());
    page.opened.set(None);
    forget_files(page);
}

fn forget_files(page: Page) {
    page.rows.with_untracked(|rows| {
        let kept: std::collections::HashSet<RowId> = rows.iter().map(|row| row.id).collect();
        FILES.with_borrow_mut(|files| files.retain(|id, _| kept.contains(id)));
        PICTURES.with_borrow_mut(|pictures| pictures.retain(|id, _| kept.contains(id)));
        RECENT.with_borrow_mut(|recent| recent.retain(|(id, _)| kept.contains(id)));
    });
}
