//! Multiply-adds of a backbone, counted from its shapes.

use crate::config::{BackboneConfig, BlockKind, StridePlacement};

/// Multiply-adds of the convolutions for one `side`×`side` image.
pub fn backbone_macs(config: &BackboneConfig, side: usize) -> u64 {
    let conv = |input: usize, output: usize, kernel: usize, out_side: usize| {
        (input * output * kernel * kernel) as u64 * (out_side * out_side) as u64
    };
    let kind = config.kind;
    let mut total = conv(3, kind.stem_channels(), 7, side / 2);
    let (mut channels, mut size) = (kind.stem_channels(), side / 4);
    for stage in 0..3 {
        let (inner, out) = (kind.inner_channels()[stage], kind.tap_channels()[stage]);
        for block in 0..kind.depths()[stage] {
            let stride = if block == 0 && stage > 0 { 2 } else { 1 };
            let small = size / stride;
            total += match kind.block() {
                BlockKind::Basic => conv(channels, inner, 3, small) + conv(inner, out, 3, small),
                BlockKind::Bottleneck => {
                    let first = if config.stride == StridePlacement::V1 {
                        small
                    } else {
                        size
                    };
                    conv(channels, inner, 1, first)
                        + conv(inner, inner, 3, small)
                        + conv(inner, out, 1, small)
                }
            };
            if stride != 1 || channels != out {
                total += conv(channels, out, 1, small);
            }
            (channels, size) = (out, small);
        }
    }
    total
}
