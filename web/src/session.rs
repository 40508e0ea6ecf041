//! What has been asked of the worker and not yet answered, and what to do when the worker traps.
//!
//! Answers are paired with requests by id. A new image makes the answers to earlier images
//! stale, a new package those to earlier packages. A trap on WebGPU restarts the worker on the
//! CPU and asks everything again; a trap on the CPU gives up the request that was being worked
//! on and asks the rest again.

use std::collections::BTreeMap;

use crate::{
    address::SampleSpec,
    backend::{Backend, BackendWish},
    protocol::{Failure, RequestId, ToWorker},
};

/// A request that can be asked again. `F` is a handle on a file: the browser's `File`.
#[derive(Debug, Clone, PartialEq)]
pub enum Task<F> {
    /// Load the package at this address.
    FetchPackage(String),
    /// Load a package from files with these names.
    OpenPackage(Vec<(String, F)>),
    /// Judge an image file of this name.
    InspectFile(String, F),
    /// Judge a generated sample.
    InspectSample(SampleSpec),
    /// Show a generated sample.
    Preview(SampleSpec),
}

/// A message with its attachments, ready to be posted.
#[derive(Debug, Clone, PartialEq)]
pub struct Post<F> {
    /// The head.
    pub head: ToWorker,
    /// What travels with it.
    pub files: Vec<F>,
}

/// Requests of the same kind replace each other; previews stand side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lane {
    Package,
    Image,
    Preview,
}

impl<F: Clone> Task<F> {
    fn lane(&self) -> Lane {
        match self {
            Self::FetchPackage(_) | Self::OpenPackage(_) => Lane::Package,
            Self::InspectFile(..) | Self::InspectSample(_) => Lane::Image,
            Self::Preview(_) => Lane::Preview,
        }
    }

    fn post(&self, id: RequestId) -> Post<F> {
        let (head, files) = match self.clone() {
            Self::FetchPackage(url) => (ToWorker::FetchPackage { id, url }, Vec::new()),
            Self::OpenPackage(files) => {
                let (names, files) = files.into_iter().unzip();
                (ToWorker::OpenPackage { id, names }, files)
            }
            Self::InspectFile(name, file) => (ToWorker::InspectFile { id, name }, vec![file]),
            Self::InspectSample(sample) => (ToWorker::InspectSample { id, sample }, Vec::new()),
            Self::Preview(sample) => (ToWorker::Preview { id, sample }, Vec::new()),
        };
        Post { head, files }
    }

    /// For messages about it.
    pub fn title(&self) -> String {
        match self {
            Self::FetchPackage(url) => format!("the model at {url}"),
            Self::OpenPackage(_) => "the opened model package".into(),
            Self::InspectFile(name, _) => name.clone(),
            Self::InspectSample(sample) | Self::Preview(sample) => {
                format!("the sample \"{}\"", sample.title())
            }
        }
    }
}

/// What to do after a trap.
#[derive(Debug, Clone, PartialEq)]
pub enum Recovery<F> {
    /// Start a new worker on the CPU, then post these.
    Restart {
        /// For [`ToWorker::Start`], and to show.
        because: String,
        /// Model first, then what had not been answered.
        posts: Vec<Post<F>>,
        /// The request that is given up, and what to tell about it.
        dropped: Option<(Task<F>, Failure)>,
    },
    /// Nothing more can be done.
    GiveUp(Failure),
}

/// How far a worker was when it trapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// Its program had not begun to run.
    Loading,
    /// It ran, and had not yet a backend.
    Starting,
    /// It had this backend.
    Running(Backend),
}

/// Traps after which the page stops trying.
const MOST_TRAPS: usize = 4;

/// Requests under way on one worker after another.
#[derive(Debug, Clone)]
pub struct Session<F> {
    next: RequestId,
    waiting: BTreeMap<RequestId, Task<F>>,
    model: Option<Task<F>>,
    traps: usize,
}

impl<F> Default for Session<F> {
    fn default() -> Self {
        Self {
            next: 1,
            waiting: BTreeMap::new(),
            model: None,
            traps: 0,
        }
    }
}

impl<F: Clone> Session<F> {
    /// Notes a request. Returns its id and the messages to post: it may make others stale.
    pub fn ask(&mut self, task: Task<F>) -> (RequestId, Vec<Post<F>>) {
        let lane = task.lane();
        let mut posts = Vec::new();
        if lane != Lane::Preview {
            let ids: Vec<RequestId> = self
                .waiting
                .iter()
                .filter(|(_, old)| old.lane() == lane)
                .map(|(&id, _)| id)
                .collect();
            self.waiting.retain(|id, _| !ids.contains(id));
            if !ids.is_empty() {
                posts.push(Post {
                    head: ToWorker::Forget { ids },
                    files: Vec::new(),
                });
            }
        }
        let id = self.note(task, &mut posts);
        (id, posts)
    }

    fn note(&mut self, task: Task<F>, posts: &mut Vec<Post<F>>) -> RequestId {
        let id = self.next;
        self.next += 1;
        posts.push(task.post(id));
        self.waiting.insert(id, task);
        id
    }

    /// Takes the request that an answer belongs to; `None` when it is stale.
    pub fn answered(&mut self, id: RequestId) -> Option<Task<F>> {
        self.waiting.remove(&id)
    }

    /// Remembers the package in use, to load it again after a trap.
    pub fn model_loaded(&mut self, task: Task<F>) {
        self.model = Some(task);
    }

    /// An image is being judged or waits for it.
    pub fn image_under_way(&self) -> bool {
        self.waiting.values().any(|task| task.lane() == Lane::Image)
    }

    /// The worker trapped.
    pub fn trapped(&mut self, life: Life, message: &str) -> Recovery<F> {
        self.traps += 1;
        let message = first_line(message);
        if life == Life::Loading {
            return Recovery::GiveUp(Failure::new(
                format!("The detector's program could not be started: {message}"),
                "Reload the page; if that does not help, use a current Chrome, Edge, Firefox or Safari.",
            ));
        }
        if self.traps > MOST_TRAPS {
            return Recovery::GiveUp(Failure::new(
                format!(
                    "The detector stopped {} times; the last time: {message}",
                    self.traps
                ),
                "Reload the page; if it happens again, open it with ?backend=cpu and report the message.",
            ));
        }
        let on_cpu = life == Life::Running(Backend::Cpu);
        let mut dropped = None;
        if on_cpu {
            // The worker answers in order, so what waits longest is what it was working on.
            let suspect = self
                .waiting
                .iter()
                .find(|(_, task)| task.lane() != Lane::Preview)
                .map(|(&id, _)| id);
            if let Some(task) = suspect.and_then(|id| self.waiting.remove(&id)) {
                if matches!(task, Task::FetchPackage(_)) {
                    return Recovery::GiveUp(Failure::new(
                        format!(
                            "The detector stopped while loading {}: {message}",
                            task.title()
                        ),
                        "Close other tabs to free memory and reload the page.",
                    ));
                }
                let failure = Failure::new(
                    format!(
                        "The detector stopped while working on {}: {message}",
                        task.title()
                    ),
                    "It was restarted. Try a smaller image or package.",
                );
                dropped = Some((task, failure));
            }
        }
        let because = if on_cpu {
            format!("restarted after it stopped: {message}")
        } else {
            format!("WebGPU stopped: {message}")
        };
        let mut tasks = Vec::new();
        if let Some(model) = self.model.take() {
            tasks.push(model);
        }
        tasks.extend(std::mem::take(&mut self.waiting).into_values());
        let mut posts = Vec::new();
        for task in tasks {
            self.note(task, &mut posts);
        }
        Recovery::Restart {
            because,
            posts,
            dropped,
        }
    }
}

/// What a new worker is told first.
pub fn start(wish: BackendWish, because: Option<String>) -> ToWorker {
    ToWorker::Start { wish, because }
}

/// The first line of a panic message, short enough for a sentence.
fn first_line(message: &str) -> String {
    let line = message
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or("no message");
    let mut short: String = line.chars().take(200).collect();
    if short.len() < line.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    type TestSession = Session<&'static str>;

    fn image(name: &str) -> Task<&'static str> {
        Task::InspectFile(name.into(), "bytes")
    }

    fn sample(seed: u64) -> SampleSpec {
        SampleSpec {
            product: "carpet".into(),
            defect: None,
            seed,
        }
    }

    #[test]
    fn ids_are_unique_and_answers_taken_once() {
        let mut session = TestSession::default();
        let (a, _) = session.ask(Task::Preview(sample(1)));
        let (b, _) = session.ask(Task::Preview(sample(2)));
        assert_ne!(a, b);
        assert_eq!(session.answered(a), Some(Task::Preview(sample(1))));
        assert_eq!(session.answered(a), None);
        assert_eq!(session.answered(b), Some(Task::Preview(sample(2))));
    }

    #[test]
    fn a_new_image_makes_the_old_answer_stale_and_says_so() {
        let mut session = TestSession::default();
        let (first, _) = session.ask(image("a.png"));
        let (preview, _) = session.ask(Task::Preview(sample(1)));
        let (second, posts) = session.ask(Task::InspectSample(sample(3)));
        assert_eq!(posts[0].head, ToWorker::Forget { ids: vec![first] });
        assert_eq!(posts[1].head.request(), Some(second));
        assert_eq!(session.answered(first), None);
        assert!(
            session.answered(preview).is_some(),
            "previews are not replaced"
        );
        assert!(session.answered(second).is_some());
    }

    #[test]
    fn a_trap_on_webgpu_asks_everything_again_on_the_cpu_model_first() {
        let mut session = TestSession::default();
        let (load, _) = session.ask(Task::FetchPackage("models/default/".into()));
        let task = session.answered(load).unwrap();
        session.model_loaded(task);
        let (old, _) = session.ask(image("a.png"));
        let Recovery::Restart {
            because,
            posts,
            dropped,
        } = session.trapped(Life::Running(Backend::WebGpu), "device lost\nstack")
        else {
            panic!("should restart");
        };
        assert!(because.contains("device lost") && !because.contains("stack"));
        assert_eq!(dropped, None);
        assert!(matches!(posts[0].head, ToWorker::FetchPackage { .. }));
        assert!(matches!(posts[1].head, ToWorker::InspectFile { .. }));
        assert_eq!(posts[1].files, ["bytes"]);
        assert_eq!(
            session.answered(old),
            None,
            "the old worker's answer is stale"
        );
        assert!(session.answered(posts[1].head.request().unwrap()).is_some());
    }

    #[test]
    fn a_trap_before_a_backend_was_chosen_also_restarts() {
        let mut session = TestSession::default();
        session.ask(Task::FetchPackage("models/default/".into()));
        let Recovery::Restart { posts, .. } = session.trapped(Life::Starting, "") else {
            panic!("should restart")
        };
        assert_eq!(posts.len(), 1);
    }

    #[test]
    fn a_trap_on_the_cpu_gives_up_the_image_and_keeps_the_rest() {
        let mut session = TestSession::default();
        session.model_loaded(Task::FetchPackage("models/default/".into()));
        session.ask(image("huge.png"));
        session.ask(Task::Preview(sample(5)));
        let Recovery::Restart { posts, dropped, .. } =
            session.trapped(Life::Running(Backend::Cpu), "out of memory")
        else {
            panic!("should restart");
        };
        let (task, failure) = dropped.unwrap();
        assert_eq!(task, image("huge.png"));
        assert!(failure.what.contains("huge.png") && failure.what.contains("out of memory"));
        assert_eq!(posts.len(), 2, "model and preview");
    }

    #[test]
    fn a_bad_opened_package_falls_back_to_the_model_before() {
        let mut session = TestSession::default();
        session.model_loaded(Task::FetchPackage("models/default/".into()));
        session.ask(Task::OpenPackage(vec![("config.json".into(), "f")]));
        let Recovery::Restart { posts, dropped, .. } =
            session.trapped(Life::Running(Backend::Cpu), "x")
        else {
            panic!("should restart");
        };
        assert!(matches!(dropped, Some((Task::OpenPackage(_), _))));
        assert!(matches!(
            posts.as_slice(),
            [Post {
                head: ToWorker::FetchPackage { .. },
                ..
            }]
        ));
    }

    #[test]
    fn a_program_that_does_not_start_is_not_tried_again() {
        let mut session = TestSession::default();
        let Recovery::GiveUp(failure) = session.trapped(Life::Loading, "404") else {
            panic!("should give up")
        };
        assert!(failure.what.contains("404"));
    }

    #[test]
    fn it_gives_up_in_the_end() {
        let mut session = TestSession::default();
        let traps = (0..20)
            .take_while(|_| {
                matches!(
                    session.trapped(Life::Starting, "again"),
                    Recovery::Restart { .. }
                )
            })
            .count();
        assert_eq!(traps, MOST_TRAPS);
        let mut session = TestSession::default();
        session.ask(Task::FetchPackage("models/default/".into()));
        assert!(matches!(
            session.trapped(Life::Running(Backend::Cpu), "x"),
            Recovery::GiveUp(_)
        ));
    }
}
