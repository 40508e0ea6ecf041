//! How long the page's main thread was kept busy at once.

#![allow(clippy::unwrap_used)]

use crate::bench::Bench;

/// No task of the main thread may be longer while the worker trains, in milliseconds. The aim is 100, and what is
/// measured is printed; but a browser that waits for a core of a busy machine takes as long for less.
pub const LONGEST_TASK: f64 = 1000.0;

const WATCH_TASKS: &str = "
    window.__tasks = [];
    new PerformanceObserver((list) => list.getEntries().forEach((entry) => window.__tasks.push(entry.duration)))
        .observe({ entryTypes: ['longtask'] });";

/// Notes the page's tasks of 50 ms and more from now on.
pub fn watch_tasks(bench: &Bench) {
    bench.chromium.session.execute(WATCH_TASKS, &[]).unwrap();
}

/// The longest task noted, in milliseconds; 0 when none reached 50.
pub fn longest_task(bench: &Bench) -> f64 {
    let tasks = bench
        .chromium
        .session
        .execute("return window.__tasks", &[])
        .unwrap();
    let tasks = tasks.as_array().unwrap().clone();
    tasks
        .iter()
        .filter_map(|task| task.as_f64())
        .fold(0.0, f64::max)
}
