//! What has been asked of the worker and not yet answered, and what to do when the worker traps.
//!
//! Answers are paired with requests by id. A new image makes the answers to earlier images
//! stale, a new package those to earlier packages, a new training the one before; images of the
//! list stand side by side. A trap on WebGPU restarts the worker on the CPU and asks everything
//! again. A trap on the CPU also asks everything again but the request that was being worked on:
//! a single image or package is given up, an image of the list or a training is tried once more.

use std::collections::BTreeMap;

use crate::{
    address::SampleSpec,
    backend::{Backend, BackendWish, Reason},
    protocol::{
        Again, Failure, GoodImage, Matter, MeasurePlan, RequestId, Steer, ToWorker, TrainPlan,
    },
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
    /// Judge a camera's frame of this name, width and height.
    InspectFrame(String, (u32, u32), F),
    /// Judge an image file of the list: its row, its name, and whether its map is wanted.
    ListFile(u32, String, F, bool),
    /// Compute the figures of a labelled folder, from maps and masks in the plan's order.
    Measure(Box<MeasurePlan>, Vec<F>),
    /// Look through a weight file of this name for a backbone.
    CheckBackbone(String, F),
    /// Train a detector, on the backbone in a weight file or on that of the model in use.
    Train(TrainPlan, Vec<Good<F>>, Option<(String, F)>),
    /// Judge a generated sample.
    InspectSample(SampleSpec),
    /// Show a generated sample.
    Preview(SampleSpec),
}

/// A good image to train on.
#[derive(Debug, Clone, PartialEq)]
pub enum Good<F> {
    /// A file of this name.
    File(String, F),
    /// A generated sample.
    Sample(SampleSpec),
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
    List,
    Measure,
    Backbone,
    Train,
    Preview,
}

impl Lane {
    /// Whether a new request makes those before it stale.
    fn replaces(self) -> bool {
        matches!(
            self,
            Self::Package | Self::Image | Self::Measure | Self::Backbone | Self::Train
        )
    }
}

impl<F: Clone> Task<F> {
    fn lane(&self) -> Lane {
        match self {
            Self::FetchPackage(_) | Self::OpenPackage(_) => Lane::Package,
            Self::InspectFile(..) | Self::InspectFrame(..) | Self::InspectSample(_) => Lane::Image,
            Self::ListFile(..) => Lane::List,
            Self::Measure(..) => Lane::Measure,
            Self::CheckBackbone(..) => Lane::Backbone,
            Self::Train(..) => Lane::Train,
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
            Self::InspectFrame(name, (width, height), pixels) => {
                let head = ToWorker::InspectFrame {
                    id,
                    name,
                    width,
                    height,
                };
                (head, vec![pixels])
            }
            Self::ListFile(_, name, file, map) => {
                (ToWorker::ListFile { id, name, map }, vec![file])
            }
            Self::Measure(plan, files) => (ToWorker::Measure { id, plan: *plan }, files),
            Self::CheckBackbone(name, file) => (ToWorker::CheckBackbone { id, name }, vec![file]),
            Self::Train(plan, good, backbone) => {
                let mut files = Vec::new();
                let mut images = Vec::new();
                for image in good {
                    images.push(match image {
                        Good::File(name, file) => {
                            files.push(file);
                            GoodImage::File { name }
                        }
                        Good::Sample(sample) => GoodImage::Sample { sample },
                    });
                }
                let (backbone, weights) = backbone.unzip();
                files.extend(weights);
                let head = ToWorker::Train {
                    id,
                    plan,
                    images,
                    backbone,
                };
                (head, files)
            }
            Self::InspectSample(sample) => (ToWorker::InspectSample { id, sample }, Vec::new()),
            Self::Preview(sample) => (ToWorker::Preview { id, sample }, Vec::new()),
        };
        Post { head, files }
    }

    /// For messages about it.
    pub fn matter(&self) -> Matter {
        match self {
            Self::FetchPackage(url) => Matter::ModelAt(url.clone()),
            Self::OpenPackage(_) => Matter::Package,
            Self::InspectFile(name, _)
            | Self::InspectFrame(name, ..)
            | Self::ListFile(_, name, ..)
            | Self::CheckBackbone(name, _) => Matter::File(name.clone()),
            Self::Measure(..) => Matter::Figures,
            Self::Train(plan, ..) => Matter::Training(plan.name.clone()),
            Self::InspectSample(sample) | Self::Preview(sample) => Matter::Sample(sample.clone()),
        }
    }
}

/// What to do after a trap.
#[derive(Debug, Clone, PartialEq)]
pub enum Recovery<F> {
    /// Start a new worker on the CPU, then post these.
    Restart {
        /// For [`ToWorker::Start`], and to show.
        because: Reason,
        /// Model first, then what had not been answered.
        posts: Vec<Post<F>>,
        /// The request that is given up, and what to tell about it.
        dropped: Option<Box<(Task<F>, Failure)>>,
        /// What to tell when images of a list or a training are asked for again.
        again: Option<Failure>,
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

/// A request without an answer yet.
#[derive(Debug, Clone)]
struct Waiting<F> {
    task: Task<F>,
    /// It was worked on when a worker trapped on the CPU.
    suspected: bool,
}

/// Requests under way on one worker after another.
#[derive(Debug, Clone)]
pub struct Session<F> {
    next: RequestId,
    waiting: BTreeMap<RequestId, Waiting<F>>,
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
        if lane.replaces() {
            posts.extend(self.forget(lane));
        }
        let id = self.note(task, false, &mut posts);
        (id, posts)
    }

    /// Drops the requests of a lane; what to post when there were any.
    fn forget(&mut self, lane: Lane) -> Option<Post<F>> {
        let ids: Vec<RequestId> = self
            .waiting
            .iter()
            .filter(|(_, old)| old.task.lane() == lane)
            .map(|(&id, _)| id)
            .collect();
        self.waiting.retain(|id, _| !ids.contains(id));
        (!ids.is_empty()).then_some(Post {
            head: ToWorker::Forget { ids },
            files: Vec::new(),
        })
    }

    /// Gives up the training under way; what to post when there is one.
    pub fn cancel_training(&mut self) -> Option<Post<F>> {
        self.forget(Lane::Train)
    }

    /// Gives up the images of the list that the worker was asked for.
    pub fn cancel_list(&mut self) -> Option<Post<F>> {
        self.forget(Lane::List)
    }

    /// What to post to pause, resume or end the training under way, if there is one.
    pub fn steer(&self, wish: Steer) -> Option<Post<F>> {
        let id = self.training()?;
        Some(Post {
            head: ToWorker::Steer { id, wish },
            files: Vec::new(),
        })
    }

    /// The training under way.
    pub fn training(&self) -> Option<RequestId> {
        self.waiting
            .iter()
            .find(|(_, waiting)| waiting.task.lane() == Lane::Train)
            .map(|(&id, _)| id)
    }

    fn note(&mut self, task: Task<F>, suspected: bool, posts: &mut Vec<Post<F>>) -> RequestId {
        let id = self.next;
        self.next += 1;
        posts.push(task.post(id));
        self.waiting.insert(id, Waiting { task, suspected });
        id
    }

    /// Takes the request that an answer belongs to; `None` when it is stale.
    pub fn answered(&mut self, id: RequestId) -> Option<Task<F>> {
        let task = self.waiting.remove(&id)?.task;
        if matches!(task.lane(), Lane::List | Lane::Train) {
            // A long list may hold several images that stop a worker; each is given up in the end.
            self.traps = 0;
        }
        Some(task)
    }

    /// Remembers the package in use, to load it again after a trap.
    pub fn model_loaded(&mut self, task: Task<F>) {
        self.model = Some(task);
    }

    /// Whether the answer to a request is still wanted.
    pub fn awaits(&self, id: RequestId) -> bool {
        self.waiting.contains_key(&id)
    }

    /// An image is being judged or waits for it.
    pub fn image_under_way(&self) -> bool {
        self.waiting
            .values()
            .any(|waiting| waiting.task.lane() == Lane::Image)
    }

    /// Gives up the figures the worker was asked for.
    pub fn cancel_measure(&mut self) -> Option<Post<F>> {
        self.forget(Lane::Measure)
    }

    /// Images of the list that the worker was asked for.
    pub fn listed_under_way(&self) -> usize {
        self.waiting
            .values()
            .filter(|waiting| waiting.task.lane() == Lane::List)
            .count()
    }

    /// The worker trapped.
    pub fn trapped(&mut self, life: Life, message: &str) -> Recovery<F> {
        self.traps += 1;
        let message = first_line(message);
        if life == Life::Loading {
            return Recovery::GiveUp(Failure::NotStarted { message });
        }
        if self.traps > MOST_TRAPS {
            let times = self.traps;
            return Recovery::GiveUp(Failure::StoppedOften { times, message });
        }
        let on_cpu = life == Life::Running(Backend::Cpu);
        let mut dropped = None;
        if on_cpu {
            // The worker answers in order, so what waits longest is what it was working on; a training
            // only goes on when nothing else waits.
            let rank = |lane: Lane| usize::from(lane == Lane::Train);
            let suspect = self
                .waiting
                .iter()
                .filter(|(_, waiting)| waiting.task.lane() != Lane::Preview)
                .min_by_key(|&(&id, waiting)| (rank(waiting.task.lane()), id))
                .map(|(&id, _)| id);
            let retried = suspect
                .and_then(|id| self.waiting.get_mut(&id))
                .filter(|waiting| matches!(waiting.task.lane(), Lane::List | Lane::Train))
                .is_some_and(|waiting| !std::mem::replace(&mut waiting.suspected, true));
            let given_up = suspect.filter(|_| !retried);
            if let Some(Waiting { task, .. }) = given_up.and_then(|id| self.waiting.remove(&id)) {
                let matter = task.matter();
                if matches!(task, Task::FetchPackage(_)) {
                    return Recovery::GiveUp(Failure::StoppedLoading { matter, message });
                }
                let message = message.clone();
                dropped = Some(Box::new((task, Failure::StoppedAt { matter, message })));
            }
        }
        let because = {
            let message = message.clone();
            if on_cpu {
                Reason::Restarted { message }
            } else {
                Reason::Stopped { message }
            }
        };
        let mut tasks = Vec::new();
        if let Some(task) = self.model.take() {
            let suspected = false;
            tasks.push(Waiting { task, suspected });
        }
        tasks.extend(std::mem::take(&mut self.waiting).into_values());
        let has = |lane| tasks.iter().any(|waiting| waiting.task.lane() == lane);
        let again = match (has(Lane::Train), has(Lane::List)) {
            (false, false) => None,
            (true, false) => Some(Again::Training),
            (_, true) => Some(Again::List),
        };
        let again = again.map(|again| Failure::Restarted { message, again });
        let mut posts = Vec::new();
        for Waiting { task, suspected } in tasks {
            self.note(task, suspected, &mut posts);
        }
        Recovery::Restart {
            because,
            posts,
            dropped,
            again,
        }
    }
}

/// What a new worker is told first.
pub fn start(wish: BackendWish, because: Option<Reason>) -> ToWorker {
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
    use crate::protocol::Head;
    use crate::words::Language;

    type TestSession = Session<&'static str>;

    fn what(failure: &Failure) -> String {
        Language::En.words().failures.tell(failure).what
    }

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
            again,
        } = session.trapped(Life::Running(Backend::WebGpu), "device lost\nstack")
        else {
            panic!("should restart");
        };
        let message = "device lost".into();
        assert_eq!(because, Reason::Stopped { message });
        assert_eq!((dropped, again), (None, None));
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
        let (task, failure) = *dropped.unwrap();
        assert_eq!(task, image("huge.png"));
        let what = what(&failure);
        assert!(what.contains("huge.png") && what.contains("out of memory"));
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
        assert!(matches!(dropped.unwrap().0, Task::OpenPackage(_)));
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
        assert!(what(&failure).contains("404"));
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

    fn listed(row: u32) -> Task<&'static str> {
        Task::ListFile(row, format!("{row}.png"), "bytes", false)
    }

    fn restart(recovery: Recovery<&'static str>) -> (Vec<Post<&'static str>>, bool, bool) {
        match recovery {
            Recovery::Restart {
                posts,
                dropped,
                again,
                ..
            } => (posts, dropped.is_some(), again.is_some()),
            Recovery::GiveUp(failure) => panic!("gave up: {failure:?}"),
        }
    }

    #[test]
    fn images_of_the_list_do_not_replace_each_other_and_can_be_cancelled() {
        let mut session = TestSession::default();
        session.ask(listed(1));
        let (single, posts) = session.ask(image("a.png"));
        assert_eq!(posts.len(), 1, "nothing is forgotten");
        session.ask(listed(2));
        assert_eq!(session.listed_under_way(), 2);
        assert!(session.cancel_list().is_some());
        assert_eq!(session.listed_under_way(), 0);
        assert!(session.cancel_list().is_none());
        assert!(session.answered(single).is_some());
    }

    #[test]
    fn no_image_of_the_list_is_lost_in_a_trap_and_one_that_traps_twice_is_named() {
        let mut session = TestSession::default();
        session.model_loaded(Task::FetchPackage("models/default/".into()));
        session.ask(listed(1));
        session.ask(listed(2));
        let cpu = Life::Running(Backend::Cpu);
        let (posts, dropped, again) = restart(session.trapped(cpu, "injected"));
        assert_eq!((posts.len(), dropped, again), (3, false, true));
        // The first one traps again: given up. The second is asked for as if nothing had happened.
        let model = posts[0].head.request().unwrap();
        let task = session.answered(model).unwrap();
        session.model_loaded(task);
        let Recovery::Restart { posts, dropped, .. } = session.trapped(cpu, "injected") else {
            panic!("should restart");
        };
        assert_eq!(dropped.unwrap().0, listed(1));
        assert_eq!(posts.len(), 2);
        let ToWorker::ListFile { name, .. } = &posts[1].head else {
            panic!("{posts:?}");
        };
        assert_eq!(name, "2.png");
    }

    #[test]
    fn figures_that_trap_on_the_cpu_are_given_up_and_named() {
        let mut session = TestSession::default();
        session.model_loaded(Task::FetchPackage("models/default/".into()));
        let plan = MeasurePlan {
            reduction: crate::protocol::Reduction::Std,
            model: "bottle".into(),
            images: Vec::new(),
            pixels: true,
            map_size: (0, 0),
            notes: Vec::new(),
        };
        session.ask(Task::Measure(Box::new(plan.clone()), Vec::new()));
        // A second question replaces the first.
        let (_, posts) = session.ask(Task::Measure(Box::new(plan), Vec::new()));
        assert_eq!(posts.len(), 2);
        let gpu = session.clone().trapped(Life::Running(Backend::WebGpu), "x");
        assert_eq!(restart(gpu).0.len(), 2, "asked again on the CPU");
        let Recovery::Restart { posts, dropped, .. } =
            session.trapped(Life::Running(Backend::Cpu), "out of memory")
        else {
            panic!("should restart");
        };
        assert_eq!(posts.len(), 1, "the model alone");
        assert!(what(&dropped.unwrap().1).contains("figures of the folder"));
    }

    #[test]
    fn a_training_survives_one_trap_on_the_cpu_and_any_on_webgpu() {
        let plan = TrainPlan::few_shot("bottle");
        let good = vec![
            Good::File("a.png".into(), "a"),
            Good::Sample(sample(1)),
            Good::File("b.png".into(), "b"),
        ];
        let mut session = TestSession::default();
        session.model_loaded(Task::FetchPackage("models/default/".into()));
        let weights = Some(("resnet18.safetensors".into(), "w"));
        let (id, posts) = session.ask(Task::Train(plan, good, weights));
        assert_eq!(posts[0].files, ["a", "b", "w"]);
        assert_eq!(posts[0].head.attachments(), 3);
        assert_eq!(session.training(), Some(id));
        let gpu = Life::Running(Backend::WebGpu);
        let (posts, dropped, again) = restart(session.trapped(gpu, "device lost"));
        assert_eq!((posts.len(), dropped, again), (2, false, true));
        assert_eq!(
            posts[1].files,
            ["a", "b", "w"],
            "the backbone's file comes along to the next worker"
        );
        let task = session.answered(posts[0].head.request().unwrap()).unwrap();
        session.model_loaded(task);
        let cpu = Life::Running(Backend::Cpu);
        let (posts, dropped, again) = restart(session.trapped(cpu, "out of memory"));
        assert_eq!((posts.len(), dropped, again), (2, false, true));
        let task = session.answered(posts[0].head.request().unwrap()).unwrap();
        session.model_loaded(task);
        let (posts, dropped, again) = restart(session.trapped(cpu, "out of memory"));
        assert_eq!((posts.len(), dropped, again), (1, true, false));
        assert_eq!(session.training(), None);
        assert!(session.steer(Steer::Pause).is_none());
    }

    #[test]
    fn an_image_is_suspected_before_a_training_that_began_earlier() {
        let mut session = TestSession::default();
        session.model_loaded(Task::FetchPackage("models/default/".into()));
        session.ask(Task::Train(TrainPlan::few_shot("x"), Vec::new(), None));
        session.ask(image("huge.png"));
        let cpu = Life::Running(Backend::Cpu);
        let Recovery::Restart { dropped, .. } = session.trapped(cpu, "x") else {
            panic!("should restart");
        };
        assert_eq!(dropped.unwrap().0, image("huge.png"));
        assert!(session.training().is_some());
    }

    #[test]
    fn a_long_list_with_bad_images_comes_to_its_end() {
        let mut session = TestSession::default();
        session.model_loaded(Task::FetchPackage("models/default/".into()));
        for row in 0..10 {
            session.ask(listed(row));
        }
        let mut answers = 0;
        let mut given_up = 0;
        while session.listed_under_way() > 0 {
            // Every third image traps; the others are answered.
            let (&id, waiting) = session
                .waiting
                .iter()
                .find(|(_, waiting)| waiting.task.lane() == Lane::List)
                .unwrap();
            let Task::ListFile(row, ..) = &waiting.task else {
                panic!("of the list");
            };
            if row % 3 == 0 {
                let recovery = session.trapped(Life::Running(Backend::Cpu), "bad");
                let (posts, dropped, _) = restart(recovery);
                given_up += usize::from(dropped);
                let model = session.answered(posts[0].head.request().unwrap()).unwrap();
                session.model_loaded(model);
            } else {
                session.answered(id).unwrap();
                answers += 1;
            }
        }
        assert_eq!((answers, given_up), (6, 4));
    }
}
