//! Small print: letters of 3×5 dots, as lasers and pad printers leave on parts.

use super::plane::{V2, Whole};

/// How much of `p` is printed (0 or 1) when `text` starts at the origin, `height` tall,
/// reading along +x.
pub(super) fn printed(p: V2, text: &str, height: f32) -> bool {
    let dot = height / 5.0;
    let (column, row) = ((p.x / dot).whole(), (p.y / dot).whole());
    if column < 0.0 || !(0.0..5.0).contains(&row) {
        return false;
    }
    let (letter, x) = ((column / 4.0).whole() as usize, column as usize % 4);
    if x == 3 {
        return false;
    }
    text.as_bytes()
        .get(letter)
        .is_some_and(|letter| rows(*letter)[row as usize] >> (2 - x) & 1 == 1)
}

/// Width of `text` at `height`.
pub(super) fn width(text: &str, height: f32) -> f32 {
    (4.0 * text.len() as f32 - 1.0) * height / 5.0
}

fn rows(letter: u8) -> [u8; 5] {
    match letter {
        b'0' => [7, 5, 5, 5, 7],
        b'1' => [2, 6, 2, 2, 7],
        b'2' => [7, 1, 7, 4, 7],
        b'3' => [7, 1, 3, 1, 7],
        b'4' => [5, 5, 7, 1, 1],
        b'5' => [7, 4, 7, 1, 7],
        b'7' => [7, 1, 2, 2, 2],
        b'8' => [7, 5, 7, 5, 7],
        b'C' => [7, 4, 4, 4, 7],
        b'F' => [7, 4, 6, 4, 4],
        b'M' => [5, 7, 7, 5, 5],
        b'R' => [6, 5, 6, 5, 5],
        b'S' => [7, 4, 7, 1, 7],
        b'U' => [5, 5, 5, 5, 7],
        b'V' => [5, 5, 5, 5, 2],
        b'.' => [0, 0, 0, 0, 2],
        _ => [0; 5],
    }
}
