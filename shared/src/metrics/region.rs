//! Connected regions of a mask.

/// Labels the 8-connected regions of a mask: 0 outside, 1, 2, … in order of their first pixel.
///
/// Returns one label per pixel and the size of each region in pixels (region `n` at index `n − 1`).
/// A trailing part row is ignored by the neighbourhood only; `width` 0 gives no regions.
pub fn label_regions(mask: &[bool], width: usize) -> (Vec<u32>, Vec<u64>) {
    let mut labels = vec![0u32; mask.len()];
    let mut sizes = Vec::new();
    if width == 0 {
        return (labels, sizes);
    }
    let rows = mask.len().div_ceil(width);
    let mut open = Vec::new();
    for start in 0..mask.len() {
        if !mask[start] || labels[start] != 0 {
            continue;
        }
        let label = sizes.len() as u32 + 1;
        let mut size = 0;
        labels[start] = label;
        open.push(start);
        while let Some(pixel) = open.pop() {
            size += 1;
            let (y, x) = (pixel / width, pixel % width);
            for y in y.saturating_sub(1)..=(y + 1).min(rows - 1) {
                for x in x.saturating_sub(1)..=(x + 1).min(width - 1) {
                    let neighbour = y * width + x;
                    if neighbour < mask.len() && mask[neighbour] && labels[neighbour] == 0 {
                        labels[neighbour] = label;
                        open.push(neighbour);
                    }
                }
            }
        }
        sizes.push(size);
    }
    (labels, sizes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(rows: &[&str]) -> Vec<bool> {
        rows.iter()
            .flat_map(|row| row.bytes().map(|b| b == b'#'))
            .collect()
    }

    #[test]
    fn diagonals_connect_and_holes_stay_open() {
        let rows = ["#..###", ".#.#.#", "...###", "#....."];
        let (labels, sizes) = label_regions(&mask(&rows), 6);
        assert_eq!(sizes, [2, 8, 1]);
        assert_eq!(labels[10], 0, "the hole is not filled");
        assert_eq!((labels[0], labels[7], labels[3], labels[18]), (1, 1, 2, 3));
    }

    #[test]
    fn a_u_shape_is_one_region() {
        let (_, sizes) = label_regions(&mask(&["#.#", "#.#", "###"]), 3);
        assert_eq!(sizes, [7]);
    }

    #[test]
    fn rows_do_not_wrap_around() {
        let (_, sizes) = label_regions(&mask(&["...#", "#...", "...."]), 4);
        assert_eq!(sizes, [1, 1]);
        assert!(label_regions(&[], 0).1.is_empty());
    }
}
