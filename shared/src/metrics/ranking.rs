//! One sort serves every metric.

/// Scores with an integer tag each, in descending order of score.
///
/// A score and its tag share one `u64`, so that sorting ten million pixels is a sort of plain integers.
pub(super) struct Ranking(Vec<u64>);

impl Ranking {
    /// Sorts; `None` if a score is NaN.
    pub fn new(scores: impl Iterator<Item = (f32, u32)>) -> Option<Self> {
        let mut packed = Vec::with_capacity(scores.size_hint().0);
        for (score, tag) in scores {
            if score.is_nan() {
                return None;
            }
            packed.push(u64::from(descending_key(score)) << 32 | u64::from(tag));
        }
        packed.sort_unstable();
        Some(Self(packed))
    }

    /// Groups of equal scores, highest first, each with its tags in ascending order.
    pub fn groups(&self) -> impl Iterator<Item = (f32, impl Iterator<Item = u32> + '_)> + '_ {
        self.0.chunk_by(|a, b| a >> 32 == b >> 32).map(|group| {
            (
                score((group[0] >> 32) as u32),
                group.iter().map(|&packed| packed as u32),
            )
        })
    }
}

/// Maps a score to an integer whose ascending order is the descending order of scores.
fn descending_key(score: f32) -> u32 {
    // Adding zero makes −0 equal to 0.
    let bits = (score + 0.0).to_bits();
    let ascending = if bits >> 31 == 1 {
        !bits
    } else {
        bits | 1 << 31
    };
    !ascending
}

fn score(descending_key: u32) -> f32 {
    let ascending = !descending_key;
    f32::from_bits(if ascending >> 31 == 1 {
        ascending & !(1 << 31)
    } else {
        !ascending
    })
}

/// Scores with binary labels, sorted once for all the metrics of a two-class problem.
pub struct LabelledScores {
    ranking: Ranking,
    pub(super) positives: u64,
    pub(super) negatives: u64,
}

/// Counts of predicted positives at one threshold.
#[derive(Clone, Copy)]
pub(super) struct Counts {
    /// The prediction is `score >= threshold`.
    pub threshold: f32,
    pub true_positives: u64,
    pub false_positives: u64,
}

impl LabelledScores {
    /// Sorts the scores; `true` labels an anomaly.
    ///
    /// `None` if the lengths differ, a class is missing or a score is NaN.
    pub fn new(scores: &[f32], labels: &[bool]) -> Option<Self> {
        if scores.len() != labels.len() {
            return None;
        }
        let positives = labels.iter().filter(|&&label| label).count() as u64;
        let negatives = labels.len() as u64 - positives;
        if positives == 0 || negatives == 0 {
            return None;
        }
        let tagged = scores
            .iter()
            .zip(labels)
            .map(|(&score, &label)| (score, u32::from(label)));
        Some(Self {
            ranking: Ranking::new(tagged)?,
            positives,
            negatives,
        })
    }

    /// Cumulative counts at every distinct score, highest threshold first.
    pub(super) fn counts(&self) -> impl Iterator<Item = Counts> + '_ {
        let (mut true_positives, mut false_positives) = (0, 0);
        self.ranking.groups().map(move |(threshold, tags)| {
            for tag in tags {
                true_positives += u64::from(tag);
                false_positives += u64::from(1 - tag);
            }
            Counts {
                threshold,
                true_positives,
                false_positives,
            }
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// Deterministic noise in 0..1 with ties (a hundred levels) and its labels.
    pub fn toy(seed: u64, count: usize) -> (Vec<f32>, Vec<bool>) {
        let mut state = seed.wrapping_mul(2) + 1;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) as u32
        };
        let labels: Vec<bool> = (0..count)
            .map(|i| i == 0 || (i > 1 && next() % 3 == 0))
            .collect();
        let scores = labels
            .iter()
            .map(|&label| ((next() % 100) as f32 + if label { 20.0 } else { 0.0 }) / 120.0)
            .collect();
        (scores, labels)
    }

    #[test]
    fn keys_keep_order_and_give_scores_back() {
        let scores = [
            f32::NEG_INFINITY,
            -3.5,
            -1e-40,
            0.0,
            1e-40,
            0.25,
            7.0,
            f32::INFINITY,
        ];
        for pair in scores.windows(2) {
            assert!(descending_key(pair[0]) > descending_key(pair[1]));
        }
        for value in scores {
            assert_eq!(score(descending_key(value)), value);
        }
        assert_eq!(descending_key(-0.0), descending_key(0.0));
    }

    #[test]
    fn equal_scores_form_one_group() {
        let ranking = Ranking::new([(1.0, 5), (2.0, 1), (1.0, 3)].into_iter()).unwrap();
        let groups: Vec<(f32, Vec<u32>)> = ranking
            .groups()
            .map(|(s, tags)| (s, tags.collect()))
            .collect();
        assert_eq!(groups, [(2.0, vec![1]), (1.0, vec![3, 5])]);
    }

    #[test]
    fn undefined_input_is_none() {
        assert!(LabelledScores::new(&[], &[]).is_none());
        assert!(LabelledScores::new(&[1.0], &[true]).is_none());
        assert!(LabelledScores::new(&[1.0, 2.0], &[false, false]).is_none());
        assert!(LabelledScores::new(&[1.0, 2.0], &[false]).is_none());
        assert!(LabelledScores::new(&[1.0, f32::NAN], &[false, true]).is_none());
    }
}
