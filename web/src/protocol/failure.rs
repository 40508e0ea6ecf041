//! What can go wrong, as facts; the table of words says it in the visitor's language.

use super::facts::facts;
use crate::address::SampleSpec;

/// What a failure is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Matter {
    /// The model at an address.
    ModelAt(String),
    /// The model package that was opened.
    Package,
    /// The package of the detector that was just trained.
    Trained,
    /// A file of this name.
    File(String),
    /// The mask of the image of this name.
    MaskOf(String),
    /// The figures of the labelled folder.
    Figures,
    /// The training of the detector of this name.
    Training(String),
    /// A generated sample.
    Sample(SampleSpec),
}

facts! {
    /// An error: what is wrong, with the thing's name, and by that what to do about it.
    pub enum Failure {
        /// A library's message of the form "what is wrong: what to do".
        About {
            /// What it is about.
            matter: Matter,
            /// The message.
            message: String,
        },
        /// More good images than are used.
        GoodLeftOut {
            /// How many are left out.
            images: usize,
        },
        /// Too few or too many good images to train on.
        GoodCount {
            /// How many there are.
            images: usize,
        },
        /// A number of steps that cannot be.
        StepCount {
            /// Asked for.
            steps: usize,
        },
        /// Settings of a training that the page does not make.
        Settings,
        /// A detector to be trained has no name.
        NoName,
        /// What was dropped could not be read.
        Dropped {
            /// The browser's words.
            why: String,
        },
        /// A folder with more than one data set.
        SeveralSets {
            /// Their folders.
            folders: Vec<String>,
        },
        /// Images of a folder were judged by more than one model.
        MixedModels,
        /// The file of an image is no longer there.
        FileGone,
        /// The browser starts no worker.
        NoWorker {
            /// The browser's words.
            why: String,
        },
        /// Page and worker are of different builds.
        OtherVersion,
        /// The worker's program did not start.
        NotStarted {
            /// Its last words.
            message: String,
        },
        /// The worker stopped again and again.
        StoppedOften {
            /// How often.
            times: usize,
            /// Its last words.
            message: String,
        },
        /// The worker stopped while loading the model.
        StoppedLoading {
            /// Which.
            matter: Matter,
            /// Its last words.
            message: String,
        },
        /// The worker stopped while working on something, and was restarted.
        StoppedAt {
            /// On what.
            matter: Matter,
            /// Its last words.
            message: String,
        },
        /// The worker stopped and was restarted; nothing is lost.
        Restarted {
            /// Its last words.
            message: String,
            /// What is done again.
            again: Again,
        },
        /// A message of the worker that cannot be.
        BadMessage {
            /// What is wrong with it.
            why: String,
        },
        /// The trained detector could not be kept.
        NotKept {
            /// The browser's words.
            why: String,
        },
        /// Nothing can be trained without a model.
        NoModelToTrain {
            /// Name of the detector to be.
            name: String,
        },
        /// Nothing can be judged without a model.
        NoModelToInspect {
            /// Name of the image.
            name: String,
        },
        /// A training came to no good end.
        TrainingFailed {
            /// Why.
            message: String,
        },
        /// A model that does not run.
        ModelUnusable {
            /// Why.
            message: String,
        },
        /// An image that was not judged.
        NotInspected {
            /// Its name.
            name: String,
            /// Why.
            message: String,
        },
        /// No answer from the server.
        Unreachable {
            /// Address.
            url: String,
            /// The browser's words.
            why: String,
        },
        /// The server answered with an error.
        Refused {
            /// Address.
            url: String,
            /// Of HTTP.
            status: u16,
        },
        /// A download ended before its end.
        BrokeOff {
            /// Address.
            url: String,
            /// The browser's words.
            why: String,
        },
        /// A file of the visitor's could not be read.
        Unreadable {
            /// Which.
            matter: Matter,
            /// The browser's words.
            why: String,
        },
        /// No model package at an address.
        NoPackage {
            /// Address.
            url: String,
            /// The file that is missing.
            file: String,
        },
        /// A package's index that cannot be used.
        Index {
            /// Why.
            reason: String,
        },
        /// A map that should have been kept.
        NoMap {
            /// Name of its image.
            name: String,
        },
        /// A mask of another size than its image.
        MaskSize {
            /// Name of the image.
            name: String,
            /// Width and height of the mask, pixels.
            mask: (u32, u32),
            /// Width and height of the image, pixels.
            image: (u32, u32),
        },
        /// Images of so many tiles that their features would find no room.
        TileMemory {
            /// How many images.
            images: usize,
            /// Tiles of each.
            tiles: usize,
            /// What their features would take.
            megabytes: usize,
        },
        /// A file that holds no backbone to train on.
        NoBackbone {
            /// Its name.
            name: String,
            /// Why.
            reason: String,
        },
        /// The browser gives pages no camera.
        NoCameras,
        /// The browser does not trust how the page was opened, and so gives it no camera.
        Untrusted,
        /// The visitor, the browser or the system allowed no camera.
        CameraRefused,
        /// There is no camera.
        NoCamera,
        /// A camera that does not start.
        CameraBusy,
        /// Another of the browser's errors.
        Camera {
            /// What the browser says.
            why: String,
        },
        /// The camera went away while it was used.
        CameraLost,
        /// A picture could not be taken.
        Picture {
            /// What the browser says.
            why: String,
        },
        /// A sample that cannot be made.
        NoSample {
            /// Why.
            message: String,
        },
    }
}

/// What is done again on a new worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// The training begins anew.
    Training,
    /// Images of the list that wait.
    List,
}

impl Failure {
    /// From a library's message of the form "what is wrong: what to do".
    pub fn about(matter: Matter, message: impl ToString) -> Self {
        Self::About {
            matter,
            message: message.to_string(),
        }
    }
}

/// First letter large, full stop at the end.
pub fn sentence(text: &str) -> String {
    let mut letters = text.trim_end_matches('.').chars();
    letters.next().map_or_else(String::new, |first| {
        format!("{}{}.", first.to_uppercase(), letters.as_str())
    })
}
