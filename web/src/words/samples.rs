//! Generated samples: products and defects by the names that the generator uses.

use super::Language;
use crate::address::{SampleSpec, spaced};

table! {
    /// The gallery.
    Samples {
        title: "Samples", "样例";
        about: "drawn in this tab from a seed", "由随机种子在此标签页内生成";
        later: "They come with the detector.", "随检测器一同加载。";
        product: "Product", "产品";
        fresh: "New sample", "新样例";
        seed: "Seed ", "种子 ";
        same: "The same seed gives the same picture; it is in this page's address, to be shared.",
            "相同的种子生成相同的图像；种子写在页面地址中，便于分享。";
        good: "good", "良品";
    }

    /// A product by its name, and by the title that the generator gives it.
    fn product_title(name: &str, title: &str) -> String {
        title.to_owned(), product(name).map_or_else(|| title.to_owned(), str::to_owned)
    }

    /// A defect by its name.
    fn defect(name: &str) -> String {
        spaced(name), defect(name).map_or_else(|| spaced(name), str::to_owned)
    }

    /// A sample.
    fn name(sample: &SampleSpec) -> String {
        sample.title(),
        format!(
            "{} · {}",
            product(&sample.product).map_or_else(|| spaced(&sample.product), str::to_owned),
            sample.defect.as_deref().map_or_else(
                || Samples::ZH.good.to_owned(),
                |name| defect(name).map_or_else(|| spaced(name), str::to_owned),
            ),
        ),
    }

    /// A tile.
    fn inspect(title: &str) -> String { format!("Inspect the sample {title}"), format!("检测样例：{title}") }
}

/// The Chinese name of a product.
pub(super) fn product(name: &str) -> Option<&'static str> {
    Some(match name {
        "carpet" => "编织地毯",
        "wood" => "橡木板",
        "brushed_metal" => "拉丝金属",
        "ceramic_tile" => "瓷砖",
        "hex_nut" => "六角螺母",
        "blister" => "胶囊泡罩板",
        "circuit_board" => "电路板",
        "bottle" => "玻璃瓶",
        _ => return None,
    })
}

/// The Chinese name of a defect.
pub(super) fn defect(name: &str) -> Option<&'static str> {
    Some(match name {
        "bubble" => "气泡",
        "burn" => "烧痕",
        "chip" => "崩缺",
        "chipped_lip" => "瓶口崩缺",
        "crack" => "裂纹",
        "crushed" => "压碎",
        "cut" => "割口",
        "dent" => "凹坑",
        "fibre" => "纤维异物",
        "fingerprint" => "指纹",
        "flipped" => "胶囊倒置",
        "flux" => "助焊剂残留",
        "foreign_thread" => "异色纱线",
        "hair" => "毛发",
        "hole" => "孔洞",
        "metal_chip" => "金属屑",
        "missing" => "缺胶囊",
        "missing_liner" => "缺垫片",
        "missing_mark" => "标记缺失",
        "missing_part" => "缺件",
        "missing_tile" => "缺砖",
        "nick" => "磕碰",
        "oil" => "油污",
        "pinholes" => "针孔",
        "residue" => "残留物",
        "rust" => "锈蚀",
        "scratch" => "划痕",
        "scuff" => "擦伤",
        "shifted_liner" => "垫片偏移",
        "skewed_part" => "元件歪斜",
        "solder_bridge" => "焊锡桥连",
        "split" => "开裂",
        "stain" => "污渍",
        "stripped_thread" => "滑丝",
        "swapped" => "胶囊互换",
        "swapped_parts" => "元件互换",
        "swapped_tiles" => "瓷砖互换",
        "swarf" => "切屑",
        "turned" => "放置歪斜",
        "turned_part" => "元件装反",
        "turned_tile" => "瓷砖转向",
        "wrong_brush" => "拉丝方向错误",
        "wrong_colour" => "颜色错误",
        "wrong_grain" => "木纹错误",
        "wrong_yarn" => "用纱错误",
        _ => return None,
    })
}
