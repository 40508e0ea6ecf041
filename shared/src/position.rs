//! Position embedding, added after the shuffle (eq. 3): it tells the restorer where a token stands,
//! never where it came from.

use crate::recipe::PositionKind;

/// The embedding of `grid`² tokens, `L × D` row-major; nothing for [`PositionKind::None`]
/// and for [`PositionKind::Learned`], which is a parameter of the restorer.
pub fn position_embedding(grid: usize, width: usize, kind: PositionKind) -> Option<Vec<f32>> {
    match kind {
        PositionKind::None | PositionKind::Learned => None,
        PositionKind::OneD => Some(one_dimensional(grid * grid, width)),
        PositionKind::TwoD => Some(two_dimensional(grid, width)),
    }
}

/// The 2-D embedding of MAE: half the width encodes the column, half the row, each
/// `[sin(ω₀x) … | cos(ω₀x) …]` with ω_i = 10000^(−i/(D/4)).
///
/// # Shapes
/// `grid² × width`, `width` a multiple of 4.
pub fn two_dimensional(grid: usize, width: usize) -> Vec<f32> {
    let quarter = width / 4;
    let mut table = Vec::with_capacity(grid * grid * width);
    for row in 0..grid {
        for column in 0..grid {
            for place in [column, row] {
                let angle = |i: usize| place as f64 * frequency(i, quarter);
                table.extend((0..quarter).map(|i| libm::sin(angle(i)) as f32));
                table.extend((0..quarter).map(|i| libm::cos(angle(i)) as f32));
            }
        }
    }
    table
}

/// The 1-D embedding of the paper (Vaswani et al.): sine at even, cosine at odd places of the width.
///
/// # Shapes
/// `length × width`.
pub fn one_dimensional(length: usize, width: usize) -> Vec<f32> {
    let half = width / 2;
    let mut table = Vec::with_capacity(length * width);
    for place in 0..length {
        for i in 0..half {
            let angle = place as f64 * frequency(i, half);
            table.extend([libm::sin(angle) as f32, libm::cos(angle) as f32]);
        }
    }
    table
}

fn frequency(i: usize, count: usize) -> f64 {
    libm::pow(10_000.0, -(i as f64) / count as f64)
}
