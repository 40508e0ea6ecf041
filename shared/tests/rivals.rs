//! PatchCore and PaDiM against NumPy and scikit-learn, and what must hold for any data.

#![allow(clippy::unwrap_used)]

use burn::tensor::{Device, Tensor, TensorData};
use fsr::rivals::RivalError;
use fsr::rivals::padim::Padim;
use fsr::rivals::patchcore::{PatchCore, greedy_k_centre};
use pollster::block_on;

/// The numbers that the NumPy side drew: MINSTD, mapped to −1…1.
fn drawn(count: usize, seed: u64) -> Vec<f32> {
    let mut x = seed;
    (0..count)
        .map(|_| {
            x = x * 48_271 % 2_147_483_647;
            (x as f64 / 2_147_483_647.0 * 2.0 - 1.0) as f32
        })
        .collect()
}

fn matrix(values: Vec<f32>, width: usize) -> Tensor<2> {
    let rows = values.len() / width;
    Tensor::from_data(TensorData::new(values, [rows, width]), &Device::flex())
}

fn cube(values: Vec<f32>, shape: [usize; 3]) -> Tensor<3> {
    Tensor::from_data(TensorData::new(values, shape), &Device::flex())
}

fn close(found: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(found.len(), expected.len());
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() < tolerance, "{found:?} {expected:?}");
    }
}

#[test]
fn k_centre_chooses_as_numpy_does() {
    assert_eq!(
        greedy_k_centre(&drawn(40 * 6, 7), 6, 8, 3),
        [3, 21, 13, 4, 10, 12, 19, 16]
    );
}

/// Greedy k-centre by its definition, in double precision.
fn k_centre_by_definition(points: &[f32], width: usize, count: usize, first: usize) -> Vec<usize> {
    let total = points.len() / width;
    let squared = |a: usize, b: usize| -> f64 {
        let row = |index: usize| &points[index * width..][..width];
        let pairs = row(a).iter().zip(row(b));
        pairs.map(|(a, b)| f64::from(a - b).powi(2)).sum()
    };
    let mut chosen = vec![first];
    while chosen.len() < count {
        let uncovered = |point: usize| {
            let distances = chosen.iter().map(|&centre| squared(point, centre));
            distances.fold(f64::INFINITY, f64::min)
        };
        let farthest = (0..total).max_by(|&a, &b| uncovered(a).total_cmp(&uncovered(b)));
        chosen.push(farthest.unwrap());
    }
    chosen
}

#[test]
fn what_k_centre_skips_changes_nothing() {
    for seed in [5, 71, 903] {
        // In clusters, where most points are out of a new centre's reach.
        let centres = drawn(12 * 10, seed);
        let mut points = drawn(300 * 10, seed + 1);
        for (index, value) in points.iter_mut().enumerate() {
            *value = 0.2 * *value + 2.0 * centres[index / 10 % 12 * 10 + index % 10];
        }
        assert_eq!(
            greedy_k_centre(&points, 10, 90, 4),
            k_centre_by_definition(&points, 10, 90, 4)
        );
    }
}

#[test]
fn a_coreset_is_of_different_patches_and_covers_better_the_larger_it_is() {
    let points = drawn(200 * 4, 23);
    let row = |index: usize| &points[index * 4..][..4];
    let radius = |chosen: &[usize]| {
        (0..200)
            .map(|index| {
                let squared = |centre: &usize| -> f32 {
                    row(index)
                        .iter()
                        .zip(row(*centre))
                        .map(|(a, b)| (a - b) * (a - b))
                        .sum()
                };
                chosen.iter().map(squared).fold(f32::INFINITY, f32::min)
            })
            .fold(0.0f32, f32::max)
    };
    let mut last = f32::INFINITY;
    for count in [1, 5, 20, 80, 200, 300] {
        let mut chosen = greedy_k_centre(&points, 4, count, 17);
        let now = radius(&chosen);
        assert!(now <= last);
        last = now;
        assert_eq!(chosen.len(), count.min(200));
        chosen.sort_unstable();
        chosen.dedup();
        assert_eq!(chosen.len(), count.min(200), "no patch twice");
        assert!(chosen.iter().all(|index| *index < 200));
    }
    assert_eq!(last, 0.0, "all of them cover all of them");
    // Equal patches are one.
    assert_eq!(greedy_k_centre(&[0.5; 12], 2, 4, 0), [0]);
}

#[test]
fn distances_and_the_reweighted_score_are_scikit_learns() {
    let patchcore = PatchCore::from_bank(drawn(30 * 5, 11), 5, &Device::flex());
    let scores = block_on(patchcore.scores(matrix(drawn(12 * 5, 13), 5))).unwrap();
    let expected = [
        0.769442, 0.299875, 0.748519, 0.969442, 0.919982, 0.915664, 0.973209, 0.982684, 0.56436,
        0.592048, 0.679069, 0.766959,
    ];
    close(&scores.distances, &expected, 2e-6);
    close(&[scores.image], &[0.906_142_1], 2e-6);
}

#[test]
fn what_is_in_the_bank_scores_nothing() {
    let bank = drawn(30 * 5, 11);
    let patchcore = PatchCore::from_bank(bank.clone(), 5, &Device::flex());
    let scores = block_on(patchcore.scores(matrix(bank.clone(), 5))).unwrap();
    assert!(scores.distances.iter().all(|&distance| distance == 0.0));
    assert_eq!(scores.image, 0.0);
    // The order of the bank does not matter, and a larger one never brings patches farther away.
    let queries = drawn(12 * 5, 13);
    let turned: Vec<f32> = bank.chunks(5).rev().flatten().copied().collect();
    let of = |bank: Vec<f32>| {
        let patchcore = PatchCore::from_bank(bank, 5, &Device::flex());
        block_on(patchcore.scores(matrix(queries.clone(), 5))).unwrap()
    };
    let (all, some) = (of(bank.clone()), of(bank[..50].to_vec()));
    let other = of(turned);
    close(&other.distances, &all.distances, 1e-6);
    close(&[other.image], &[all.image], 1e-6);
    assert!(
        all.distances
            .iter()
            .zip(&some.distances)
            .all(|(all, some)| all <= some)
    );
    // A lone member has no neighbours to be compared with: the distance is the score.
    let lone = of(bank[..5].to_vec());
    let largest = lone.distances.iter().copied().fold(0.0, f32::max);
    assert_eq!(lone.image, largest);
}

/// Fits to `images` of `positions` × 4 values, in batches of `batch`.
fn padim(values: &[f32], positions: usize, batch: usize) -> Padim {
    let size = positions * 4;
    let batches: Vec<&[f32]> = values.chunks(size * batch).collect();
    block_on(Padim::fit_batches(
        batches.iter().copied(),
        vec![0, 1, 2, 3],
        |own| Ok(cube(own.to_vec(), [own.len() / size, positions, 4])),
        &Device::flex(),
    ))
    .unwrap()
}

#[test]
fn mahalanobis_distances_are_numpys() {
    let model = padim(&drawn(6 * 3 * 4, 17), 3, 4);
    let found = block_on(model.distances(cube(drawn(2 * 3 * 4, 19), [2, 3, 4]))).unwrap();
    let expected = [3.15595, 1.79805, 7.57501, 2.51415, 1.36986, 3.30573];
    close(&found, &expected, 2e-4);
}

#[test]
fn gaussians_do_not_depend_on_order_or_batches_and_their_centre_scores_nothing() {
    let images = drawn(7 * 2 * 4, 29);
    let queries = cube(drawn(3 * 2 * 4, 31), [3, 2, 4]);
    let of = |values: &[f32], batch| {
        block_on(padim(values, 2, batch).distances(queries.clone())).unwrap()
    };
    let turned: Vec<f32> = images.chunks(8).rev().flatten().copied().collect();
    let base = of(&images, 3);
    close(&of(&turned, 1), &base, 1e-3);
    close(&of(&images, 7), &base, 1e-3);
    // One image: it is the mean, and the covariance is 0.01 · I.
    let single = padim(&images[..8], 2, 1);
    let same = block_on(single.distances(cube(images[..8].to_vec(), [1, 2, 4]))).unwrap();
    assert_eq!(same, [0.0, 0.0]);
    let mut moved = images[..8].to_vec();
    moved[0] += 0.3;
    let apart = block_on(single.distances(cube(moved, [1, 2, 4]))).unwrap();
    close(&apart, &[3.0, 0.0], 1e-3);
}

#[test]
fn nothing_to_learn_from_is_an_error() {
    let none = block_on(Padim::fit_batches(
        std::iter::empty::<usize>(),
        vec![0],
        |_| unreachable!("there is no batch"),
        &Device::flex(),
    ));
    assert!(matches!(none, Err(RivalError::Empty)));
}
