//! Feature shuffling with rate τ (eq. 3, Algorithm 1), reproducible from a seed.
//!
//! The permutation is made on the host: sorting on a GPU is not to be had everywhere, and the same
//! seed must give the same shuffle on every device.

use rand::RngExt;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::recipe::ShuffleCount;

/// How many of `length` tokens a rate `tau` moves.
pub fn shuffle_count(length: usize, tau: f64, rule: ShuffleCount) -> usize {
    let tau = tau.clamp(0.0, 1.0);
    match rule {
        ShuffleCount::Code => length - (length as f64 * (1.0 - tau)) as usize,
        ShuffleCount::Paper => (length as f64 * tau) as usize,
    }
}

/// For every image of a batch, the source index of each token: `shuffled[i] = tokens[order[i]]`.
///
/// A random subset of the tokens is permuted uniformly among itself (fixed points can happen), the
/// others stay. [`ShuffleCount::Code`] draws a subset for each image, [`ShuffleCount::Paper`] one
/// for the whole batch.
///
/// # Shapes
/// `batch` rows of `length` indices.
pub fn shuffle_orders(
    batch: usize,
    length: usize,
    tau: f64,
    rule: ShuffleCount,
    rng: &mut ChaCha8Rng,
) -> Vec<Vec<usize>> {
    let count = shuffle_count(length, tau, rule);
    match rule {
        ShuffleCount::Code => (0..batch)
            .map(|_| shuffle_order(length, count, rng))
            .collect(),
        ShuffleCount::Paper => vec![shuffle_order(length, count, rng); batch],
    }
}

fn shuffle_order(length: usize, count: usize, rng: &mut ChaCha8Rng) -> Vec<usize> {
    let mut order: Vec<usize> = (0..length).collect();
    if count < 2 {
        return order;
    }
    // A partial Fisher-Yates draws the subset; shuffling a copy of it gives the sources.
    let mut places: Vec<usize> = (0..length).collect();
    for i in 0..count {
        let j = rng.random_range(i..length);
        places.swap(i, j);
    }
    let places = &places[..count];
    let mut sources = places.to_vec();
    sources.shuffle(rng);
    for (&place, source) in places.iter().zip(sources) {
        order[place] = source;
    }
    order
}
