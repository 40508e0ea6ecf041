//! Weights in 8 bits.
//!
//! A tensor is cut into blocks of [`BLOCK`] values in row-major order. A block has one scale
//! s = max|x| / 127, rounded up to f16, and its values are the integers round(x / s): symmetric, without
//! an offset, 8.5 bits a weight. The error of a value is at most s / 2.

use half::f16;

/// Values that share a scale; the last block may be shorter.
pub const BLOCK: usize = 32;

/// A tensor in 8 bits.
#[derive(Debug, Clone, PartialEq)]
pub struct Quantised {
    /// One integer per value, −127 to 127.
    pub values: Vec<i8>,
    /// One scale per block.
    pub scales: Vec<f16>,
}

/// Quantises; `None` if a value is not finite or too large for an f16 scale.
pub fn quantise(values: &[f32]) -> Option<Quantised> {
    let mut quantised = Quantised {
        values: Vec::with_capacity(values.len()),
        scales: Vec::with_capacity(values.len().div_ceil(BLOCK)),
    };
    for block in values.chunks(BLOCK) {
        let scale = block_scale(block)?;
        let inverse = if scale > f16::ZERO {
            1.0 / f64::from(scale)
        } else {
            0.0
        };
        quantised.values.extend(
            block
                .iter()
                .map(|&value| (f64::from(value) * inverse).round().clamp(-127.0, 127.0) as i8),
        );
        quantised.scales.push(scale);
    }
    Some(quantised)
}

/// The smallest f16 that is not below max|x| / 127.
fn block_scale(block: &[f32]) -> Option<f16> {
    if block.iter().any(|value| !value.is_finite()) {
        return None;
    }
    let largest = block.iter().fold(0.0f32, |max, value| max.max(value.abs()));
    let exact = f64::from(largest) / 127.0;
    let mut scale = f16::from_f64(exact);
    if f64::from(scale) < exact {
        scale = f16::from_bits(scale.to_bits() + 1);
    }
    scale.is_finite().then_some(scale)
}

/// Gives the values back; `None` if the number of scales does not fit.
pub fn dequantise(values: &[i8], scales: &[f16]) -> Option<Vec<f32>> {
    if scales.len() != values.len().div_ceil(BLOCK) {
        return None;
    }
    let mut restored = Vec::with_capacity(values.len());
    for (block, scale) in values.chunks(BLOCK).zip(scales) {
        let scale = scale.to_f32();
        restored.extend(block.iter().map(|&value| f32::from(value) * scale));
    }
    Some(restored)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn the_error_is_at_most_half_a_scale() {
        let mut random = ChaCha8Rng::seed_from_u64(7);
        // From the smallest f16 to its largest, and lengths that leave a part block.
        for exponent in -30..16 {
            let length = random.random_range(1..200);
            let size = 2f32.powi(exponent);
            let values: Vec<f32> = (0..length)
                .map(|_| size * (random.random::<f32>() * 2.0 - 1.0))
                .collect();
            let quantised = quantise(&values).unwrap();
            let restored = dequantise(&quantised.values, &quantised.scales).unwrap();
            assert_eq!(restored.len(), values.len());
            for (block, (before, after)) in
                values.chunks(BLOCK).zip(restored.chunks(BLOCK)).enumerate()
            {
                let scale = quantised.scales[block].to_f32();
                let largest = before.iter().fold(0.0f32, |max, v| max.max(v.abs()));
                // Rounding the scale up costs at most one step of f16: 2⁻¹⁰ relative, 2⁻²⁴ absolute.
                assert!(scale <= largest / 127.0 * (1.0 + 1.0 / 1024.0) + 6e-8);
                for (before, after) in before.iter().zip(after) {
                    assert!(
                        (before - after).abs() <= scale * 0.50001,
                        "{before} {after} {scale}"
                    );
                }
            }
        }
    }

    #[test]
    fn zeros_and_extremes_survive() {
        let mut values = vec![0.0; 40];
        values[39] = -3.0;
        let quantised = quantise(&values).unwrap();
        assert_eq!(quantised.values[39], -127);
        let restored = dequantise(&quantised.values, &quantised.scales).unwrap();
        assert_eq!(restored[..32], [0.0; 32]);
        assert!((restored[39] + 3.0).abs() < 0.02);
        assert_eq!(quantise(&[]).unwrap().scales.len(), 0);
    }

    #[test]
    fn quantising_twice_changes_nothing() {
        let mut random = ChaCha8Rng::seed_from_u64(9);
        let values: Vec<f32> = (0..320).map(|_| random.random::<f32>() - 0.5).collect();
        let once = quantise(&values).unwrap();
        let restored = dequantise(&once.values, &once.scales).unwrap();
        let twice = quantise(&restored).unwrap();
        assert_eq!(dequantise(&twice.values, &twice.scales).unwrap(), restored);
    }

    #[test]
    fn unusable_input_is_refused() {
        assert_eq!(quantise(&[1.0, f32::NAN]), None);
        assert_eq!(quantise(&[f32::INFINITY]), None);
        assert_eq!(quantise(&[1e9]), None);
        assert_eq!(dequantise(&[1; 33], &[f16::ONE]), None);
        assert_eq!(dequantise(&[], &[f16::ONE]), None);
    }
}
