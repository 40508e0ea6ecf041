//! Decoding and computing at the same time: while one batch computes, the next are decoded on all cores.

use std::sync::mpsc;

use anyhow::Result;
use rayon::prelude::*;

/// Batches that may wait, decoded; with the one being decoded this bounds the memory.
const WAITING: usize = 2;

/// Calls `load` for `0..count`, in parallel, and `consume` for batches of the results, in order.
///
/// # Errors
/// The first error of either, in order; nothing is loaded after it but what was already begun.
pub fn in_batches<T: Send>(
    count: usize,
    batch: usize,
    load: impl Fn(usize) -> Result<T> + Sync,
    mut consume: impl FnMut(Vec<T>) -> Result<()>,
) -> Result<()> {
    let batch = batch.max(1);
    std::thread::scope(|scope| {
        let (sender, receiver) = mpsc::sync_channel::<Result<Vec<T>>>(WAITING);
        let load = &load;
        scope.spawn(move || {
            for start in (0..count).step_by(batch) {
                let loaded: Vec<Result<T>> = (start..(start + batch).min(count))
                    .into_par_iter()
                    .map(load)
                    .collect();
                // Collected in order, so that the error reported does not depend on timing.
                let loaded: Result<Vec<T>> = loaded.into_iter().collect();
                let failed = loaded.is_err();
                if sender.send(loaded).is_err() || failed {
                    break;
                }
            }
        });
        receiver.into_iter().try_for_each(|loaded| consume(loaded?))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use anyhow::bail;

    #[test]
    fn keeps_order_and_batch_sizes() {
        let mut seen = Vec::new();
        in_batches(
            10,
            4,
            |index| Ok(index * index),
            |batch| {
                seen.push(batch);
                Ok(())
            },
        )
        .unwrap();
        assert_eq!(seen, [vec![0, 1, 4, 9], vec![16, 25, 36, 49], vec![64, 81]]);
        in_batches(0, 4, Ok, |_| bail!("nothing to consume")).unwrap();
    }

    #[test]
    fn the_first_failure_ends_it_whichever_side_it_is_on() {
        let load = |index: usize| {
            if index >= 5 {
                bail!("image {index}")
            } else {
                Ok(index)
            }
        };
        let mut batches = 0;
        let error = in_batches(100, 4, load, |_| {
            batches += 1;
            Ok(())
        });
        assert_eq!(
            (error.unwrap_err().to_string().as_str(), batches),
            ("image 5", 1)
        );
        let error = in_batches(100, 4, Ok, |_| bail!("disk full"));
        assert_eq!(error.unwrap_err().to_string(), "disk full");
    }
}
