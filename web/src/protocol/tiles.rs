//! Where the tiles lie that a large image was judged in.

use serde::{Deserialize, Serialize};

/// A grid of equally large tiles that overlap. All lengths are pixels of the image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TileGrid {
    /// Width of a tile.
    pub width: u32,
    /// Height of a tile.
    pub height: u32,
    /// Left edges.
    pub columns: Vec<u32>,
    /// Upper edges.
    pub rows: Vec<u32>,
}

impl TileGrid {
    /// Number of tiles.
    pub fn count(&self) -> usize {
        self.columns.len() * self.rows.len()
    }

    /// The tiles as one SVG path in pixels of the image.
    pub fn path(&self) -> String {
        let (width, height) = (self.width, self.height);
        let tiles = self
            .rows
            .iter()
            .flat_map(|y| self.columns.iter().map(move |x| (x, y)));
        tiles
            .map(|(x, y)| format!("M{x} {y}h{width}v{height}h-{width}z"))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tile_is_drawn() {
        let grid = TileGrid {
            width: 100,
            height: 50,
            columns: vec![0, 75],
            rows: vec![0, 30, 60],
        };
        assert_eq!(grid.count(), 6);
        let path = grid.path();
        assert_eq!(path.matches('M').count(), 6);
        assert!(path.starts_with("M0 0h100v50h-100zM75 0h") && path.contains("M75 60h100"));
    }
}
