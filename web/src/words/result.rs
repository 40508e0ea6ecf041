//! The result of an image: verdict, map, figures and controls.

use super::Language;
use crate::protocol::{Reduction, Source};
use crate::verdict::Verdict as Judged;

table! {
    /// Everything around the image that was judged last.
    Result {
        title: "Result", "检测结果";
        moment: "One moment…", "请稍候…";
        none: "No image yet", "还没有图像";
        hint: "Give an image of your own or pick a sample. The map shows, pixel by pixel, how far it is from what the model can restore.",
            "请提供一张图像，或选一个样例。异常图逐像素显示图像与模型还原结果之间的差异。";
        uncalibrated: "This package brings no calibration: the colours run to this image's own maximum, and there is no verdict.",
            "此模型包未附带校准数据：颜色以本图最大值为上限，也不给出判定。";
        save_png: "Save this view as PNG", "将当前视图存为 PNG";
        pixel_auroc: "Pixel AUROC", "像素级 AUROC";
        overlap: "Overlap with the defect", "与缺陷的交并比";
        area: "Defect's area", "缺陷面积占比";
        good_mark: "good", "良品";
        anomalous_mark: "anomalous", "异常";
        colours_fixed: "Colours are fixed by calibration, the same for every image: a good part stays dark.",
            "颜色范围由校准确定，对所有图像一致：良品保持暗色。";
        colours_stretched: "Without calibration the colours are stretched to this image.", "没有校准数据，颜色按本图拉伸。";
        difference: "difference to the restored features", "与还原特征的差异";
        drawn_good_right: "Drawn without a defect: the verdict is right.", "此样例无缺陷：判定正确。";
        drawn_good_wrong: "Drawn without a defect: the verdict is a false alarm.", "此样例无缺陷：判定为误报。";
        all_figures: " · time per stage, all scores", " · 各阶段用时与全部得分";
        stages: "Time per stage", "各阶段用时";
        scores: "Image scores", "图像得分";
        std: "spread (std)", "标准差（std）";
        max: "hottest pixel (max)", "最大像素值（max）";
        top1: "hottest 1 % (top1)", "最高 1% 像素（top1）";
        read_hint: "Point at the image, or focus it and use the arrow keys, to read the map.",
            "将指针移到图像上，或选中图像后按方向键，即可读取异常图的数值。";
        place: "Where", "位置";
        share: "Area", "面积";
        peak: "Peak", "峰值";
        judge_again: "Judge it with the model in use", "用当前模型重新检测";
    }

    /// Another model is in use by now.
    fn judged_by(model: &str) -> String {
        format!("Judged by the model “{model}”, which is not in use any longer."), format!("由模型“{model}”检测，该模型现已不再使用。")
    }

    /// Pixels of the image.
    fn pixels(width: u32, height: u32) -> String {
        format!("{width} × {height} pixels"), format!("{width} × {height} 像素")
    }

    /// The text alternative of the image with its map.
    fn map_of(name: &str, description: &str) -> String {
        format!("Anomaly map of {name}: {description}"), format!("{name} 的异常图：{description}")
    }

    /// A sample with a defect that was found.
    fn drawn_bad_right(defect: &str) -> String {
        format!("Drawn with a defect ({defect}): the verdict is right."), format!("此样例有缺陷（{defect}）：判定正确。")
    }

    /// A sample with a defect that was missed.
    fn drawn_bad_wrong(defect: &str) -> String {
        format!("Drawn with a defect ({defect}): the verdict misses it."), format!("此样例有缺陷（{defect}）：判定为漏检。")
    }

    /// On the meter.
    fn times(factor: f32) -> String { format!("{factor:.1} × threshold"), format!("阈值的 {factor:.1} 倍") }

    /// How long it took, and on what.
    fn detected(duration: &str, backend: &str) -> String {
        format!("Detected in {duration} on {backend}"), format!("检测用时 {duration}（{backend}）")
    }

    /// A value of the map.
    fn pixel(x: u32, y: u32, value: &str) -> String {
        format!("Pixel {x}, {y}: {value}"), format!("像素 {x}, {y}：{value}")
    }

    /// Regions above the level.
    fn regions(count: usize) -> String {
        match count {
            1 => "One region inside the contour".to_owned(),
            many => format!("{many} regions inside the contour"),
        },
        format!("轮廓线内有 {count} 个区域"),
    }

    /// A stage of the detector, as the worker calls it.
    fn stage(name: &str) -> String {
        name.to_owned(),
        match name {
            "generate" => "生成",
            "decode" => "解码",
            "resize" => "缩放",
            "backbone" => "骨干网络",
            "restoration" => "还原",
            "launch" => "提交",
            "backbone and restoration" => "骨干网络与还原",
            "map" => "异常图",
            "picture" => "绘制",
            other => other,
        }
        .to_owned(),
    }
}

table! {
    /// The verdict and where the score lies.
    Verdict {
    }

    /// One word.
    fn label(verdict: Judged) -> &'static str {
        match verdict {
            Judged::Good => "Good",
            Judged::Anomalous => "Anomalous",
            Judged::Unknown => "No verdict",
        },
        match verdict {
            Judged::Good => "良品",
            Judged::Anomalous => "异常",
            Judged::Unknown => "未判定",
        },
    }

    /// The score, and where it lies.
    fn explained(score: &str, standing: &str) -> String {
        format!("Score {score}: {standing}."), format!("得分 {score}：{standing}。")
    }

    /// Nothing is known but how many images there were.
    fn calibrated(images: usize) -> String {
        format!("calibrated on {images} good images"), format!("以 {images} 张良品图像校准")
    }

    /// Above all of them.
    fn above_all(images: usize) -> String {
        format!("above all {images} good images of the calibration"), format!("高于校准所用的全部 {images} 张良品图像")
    }

    /// Below all of them.
    fn below_all(images: usize) -> String {
        format!("below all {images} good images of the calibration"), format!("低于校准所用的全部 {images} 张良品图像")
    }

    /// Above some of them.
    fn above(percent: &str, images: usize) -> String {
        format!("above {percent} of the {images} good images of the calibration"),
        format!("高于校准所用 {images} 张良品图像中的 {percent}"),
    }

    /// A threshold.
    fn threshold(value: &str) -> String { format!("threshold {value}"), format!("阈值 {value}") }

    /// How the threshold was set.
    fn provenance(value: &str, reduction: &str, images: usize, source: &str) -> String {
        format!("threshold {value} on the {reduction}, set from {images} {source}"),
        format!("阈值 {value}（按{reduction}），由 {images} 张{source}设定"),
    }

    /// The same as a sentence.
    fn provenance_sentence(provenance: &str) -> String { format!("The {provenance}."), format!("{provenance}。") }

    /// Which score decides.
    fn reduction(reduction: Reduction) -> &'static str {
        match reduction {
            Reduction::Std => "spread of the map",
            Reduction::Max => "hottest pixel",
            Reduction::Top1 => "hottest 1 % of pixels",
        },
        match reduction {
            Reduction::Std => "异常图标准差",
            Reduction::Max => "最大像素值",
            Reduction::Top1 => "最高 1% 像素的均值",
        },
    }

    /// Where the calibration's images came from.
    fn source(source: Source) -> &'static str {
        match source {
            Source::HeldOut => "good images kept out of training",
            Source::AlteredTraining => "altered training images",
            Source::LeaveOneOut => "training images, each left out in turn",
        },
        match source {
            Source::HeldOut => "未参与训练的良品图像",
            Source::AlteredTraining => "经过变换的训练图像",
            Source::LeaveOneOut => "逐一留出的训练图像",
        },
    }
}

table! {
    /// The map in words.
    Region {
        none: "no hot region", "没有异常区域";
        upper_left: "upper left", "左上";
        top: "at the top", "上方";
        upper_right: "upper right", "右上";
        left: "at the left", "左侧";
        centre: "in the centre", "中央";
        right: "at the right", "右侧";
        lower_left: "lower left", "左下";
        bottom: "at the bottom", "下方";
        lower_right: "lower right", "右下";
    }

    /// A share too small to be told.
    fn less_than(percent: &str) -> String { format!("less than {percent}"), format!("不足 {percent}") }

    /// Heat all over.
    fn spread(area: &str) -> String {
        format!("heat spread over the image, {area} of the area"), format!("异常遍布整幅图像，占面积 {area}")
    }

    /// Heat in one place.
    fn at(place: &str, area: &str) -> String {
        format!("hot region {place}, {area} of the area"), format!("异常区域位于{place}，占面积 {area}")
    }
}

table! {
    /// The controls under the image.
    Controls {
        what: "What to show", "显示内容";
        image: "Image", "图像";
        overlay: "Overlay", "叠加";
        map: "Map", "异常图";
        swipe: "Swipe", "卷帘";
        line: "Line", "分界线";
        heat: "Heat", "热力";
        line_label: "Line between image and map", "图像与异常图之间的分界线";
        heat_label: "Opacity of the heat map", "异常热力图的不透明度";
        contour: "Contour", "轮廓线";
        outline: "Outline the true defect", "勾出真实缺陷";
        colours: "Colours", "配色";
        size: "Size", "缩放";
        smaller: "Smaller", "缩小";
        larger: "Larger", "放大";
    }

    /// What the swipe view shows left of its line: another model, its score and verdict.
    fn left_of(model: &str, score: &str, judged: &str) -> String {
        format!("Left of the line: {model}, score {score}, {judged}"),
        format!("分界线左侧：{model}，得分 {score}，{judged}"),
    }

    /// The tiles an image was judged in.
    fn tiles(count: usize, width: u32, height: u32) -> String {
        format!("{count} tiles of {width} × {height} pixels"),
        format!("{count} 个图块，每块 {width} × {height} 像素"),
    }
}
