//! The pace of live judging: one frame at a time, always the newest, never the same one twice; and how fast that is.
//!
//! Frames are not queued: while one is judged, those the camera takes meanwhile are passed over.

use std::collections::VecDeque;

use crate::words::Words;

/// Answers that the rate is averaged over.
const RECENT: usize = 12;

/// Where live judging stands.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pace {
    running: bool,
    under_way: bool,
    /// When the camera took the frame that was asked for last, in its own time.
    taken: Option<f64>,
    judged: u32,
    /// When the last answers came, in milliseconds.
    answers: VecDeque<f64>,
}

impl Pace {
    /// Frames are to be judged from now on.
    pub fn run(&mut self) {
        self.running = true;
    }

    /// No frame is to be asked for any more; one under way may still be answered.
    pub fn pause(&mut self) {
        self.running = false;
        self.answers.clear();
    }

    /// Frames are asked for.
    pub fn is_running(&self) -> bool {
        self.running
    }

    /// Nothing is under way, so a frame would be judged at once.
    pub fn is_free(&self) -> bool {
        self.running && !self.under_way
    }

    /// The camera's newest frame, taken at `taken`: whether to ask for it now.
    pub fn offer(&mut self, taken: f64) -> bool {
        let wanted = self.is_free() && self.taken != Some(taken);
        if wanted {
            self.under_way = true;
            self.taken = Some(taken);
        }
        wanted
    }

    /// The frame under way was judged, at `now` in milliseconds.
    pub fn answered(&mut self, now: f64) {
        self.under_way = false;
        self.judged += 1;
        if self.running {
            self.answers.push_back(now);
            if self.answers.len() > RECENT {
                self.answers.pop_front();
            }
        }
    }

    /// The frame under way will not be answered.
    pub fn lost(&mut self) {
        self.under_way = false;
    }

    /// Frames judged so far.
    pub fn judged(&self) -> u32 {
        self.judged
    }

    /// Frames in a second, of late; `None` before two were answered.
    pub fn per_second(&self) -> Option<f64> {
        let span = self.answers.back()? - self.answers.front()?;
        (span > 0.0).then(|| 1e3 * (self.answers.len() - 1) as f64 / span)
    }
}

/// The rate and a frame's own time as a line.
pub fn rate(words: &Words, per_second: Option<f64>, milliseconds: f64) -> String {
    let each = words.camera.each(milliseconds);
    match per_second {
        Some(rate) if rate < 9.95 => words.camera.rate(&format!("{rate:.1}"), &each),
        Some(rate) => words.camera.rate(&format!("{rate:.0}"), &each),
        None => each,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Language;

    #[test]
    fn frames_taken_while_one_is_judged_are_passed_over() {
        let mut pace = Pace::default();
        assert!(!pace.offer(0.0), "not before it runs");
        pace.run();
        assert!(pace.offer(0.1));
        for taken in [0.2, 0.3, 0.4] {
            assert!(!pace.offer(taken), "one at a time");
        }
        pace.answered(50.0);
        assert!(!pace.offer(0.1), "not the same one again");
        assert!(pace.offer(0.5), "the newest");
        assert_eq!(pace.judged(), 1);
    }

    #[test]
    fn a_pause_asks_for_nothing_and_the_answer_under_way_still_counts() {
        let mut pace = Pace::default();
        pace.run();
        assert!(pace.offer(1.0));
        pace.pause();
        assert!(!pace.offer(2.0) && !pace.is_free());
        pace.run();
        assert!(!pace.offer(2.0), "the one before has not been answered");
        pace.answered(9.0);
        assert!(pace.offer(2.0));
        pace.lost();
        assert!(pace.offer(3.0));
        assert_eq!(pace.judged(), 1);
    }

    #[test]
    fn the_rate_is_that_of_the_last_answers() {
        let mut pace = Pace::default();
        pace.run();
        assert_eq!(pace.per_second(), None);
        // A slow start is forgotten.
        let mut now = 0.0;
        for step in 0..40 {
            now += if step < 20 { 1000.0 } else { 250.0 };
            assert!(pace.offer(now));
            pace.answered(now);
        }
        assert_eq!(pace.per_second(), Some(4.0));
        pace.pause();
        assert_eq!(pace.per_second(), None);
    }

    #[test]
    fn the_line_has_both_figures() {
        let words = Language::En.words();
        assert_eq!(
            rate(words, Some(3.06), 251.3),
            "3.1 frames a second, 251 ms a frame"
        );
        assert_eq!(
            rate(words, Some(24.8), 38.0),
            "25 frames a second, 38 ms a frame"
        );
        assert_eq!(rate(words, None, 251.3), "251 ms a frame");
    }
}
