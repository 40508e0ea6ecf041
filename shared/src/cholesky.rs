//! Cholesky factors of symmetric matrices, in double precision on the host.

/// The lower factor L of `matrix + ridge·I = L·Lᵀ`, row by row.
///
/// `matrix` is symmetric positive semidefinite, `[width, width]`; `ridge` above zero keeps rounding from making it
/// anything else.
pub(crate) fn factor(matrix: &[f64], width: usize, ridge: f64) -> Vec<f64> {
    let mut lower = vec![0.0f64; width * width];
    for row in 0..width {
        for column in 0..=row {
            let mut value = matrix[row * width + column];
            if row == column {
                value += ridge;
            }
            let (before, current) = (&lower[column * width..], &lower[row * width..]);
            let known: f64 = (0..column).map(|k| before[k] * current[k]).sum();
            value -= known;
            lower[row * width + column] = if row == column {
                value.max(ridge * 1e-6).sqrt()
            } else {
                value / lower[column * width + column]
            };
        }
    }
    lower
}

/// Solves `L·Lᵀ·x = right` for the factor of [`factor`].
pub(crate) fn solve(lower: &[f64], right: &[f64]) -> Vec<f64> {
    let width = right.len();
    let mut solution = right.to_vec();
    for row in 0..width {
        let known: f64 = (0..row).map(|k| lower[row * width + k] * solution[k]).sum();
        solution[row] = (solution[row] - known) / lower[row * width + row];
    }
    for row in (0..width).rev() {
        let known: f64 = (row + 1..width)
            .map(|k| lower[k * width + row] * solution[k])
            .sum();
        solution[row] = (solution[row] - known) / lower[row * width + row];
    }
    solution
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_solution_put_back_gives_the_right_side() {
        // A·Aᵀ of a fixed matrix, plus the ridge.
        let width = 7;
        let a: Vec<f64> = (0..width * width)
            .map(|index| ((index * 37 + 11) % 23) as f64 / 23.0 - 0.5)
            .collect();
        let mut matrix = vec![0.0; width * width];
        for row in 0..width {
            for column in 0..width {
                matrix[row * width + column] = (0..width)
                    .map(|k| a[row * width + k] * a[column * width + k])
                    .sum();
            }
        }
        let right: Vec<f64> = (0..width).map(|row| row as f64 - 2.0).collect();
        let ridge = 0.01;
        let solution = solve(&factor(&matrix, width, ridge), &right);
        for row in 0..width {
            let back: f64 = (0..width)
                .map(|k| matrix[row * width + k] * solution[k])
                .sum::<f64>()
                + ridge * solution[row];
            assert!((back - right[row]).abs() < 1e-9, "{back} {}", right[row]);
        }
    }
}
