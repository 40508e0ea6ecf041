//! The list of images, its threshold, and the figures of a labelled folder.

use super::Language;
use crate::protocol::Note;

table! {
    /// The list.
    List {
        title: "Images", "图像列表";
        inspected: "Images inspected", "已检测的图像";
        save_csv: "Save CSV", "保存 CSV";
        save_json: "Save JSON", "保存 JSON";
        again: "Inspect again with this model", "用此模型重新检测";
        stop: "Stop", "停止";
        clear: "Clear the list", "清空列表";
        table: "Table of inspected images", "已检测图像的表格";
        caption: "Inspected images; a name opens its image", "已检测的图像；点击名称可打开图像";
        image: "Image", "图像";
        score: "Score", "得分";
        verdict: "Verdict", "判定";
        above_good: "Above good", "高于良品";
        above_good_title: "Share of the calibration's good images with a lower score", "校准所用良品图像中得分更低者的比例";
        time: "Time", "用时";
        waits: "waits", "等待中";
        at_work: "at work", "检测中";
    }

    /// For who hears it.
    fn heard(done: usize, total: usize) -> String {
        format!("{done} of {total} images inspected"), format!("共 {total} 张图像，已检测 {done} 张")
    }

    /// How far the list is.
    fn some(done: usize, total: usize) -> String {
        format!("{done} of {total} inspected"), format!("已检测 {done} / {total}")
    }

    /// All are answered.
    fn all(done: usize) -> String { format!("{done} inspected"), format!("已检测 {done} 张") }

    /// Of these, anomalous.
    fn anomalous(count: usize) -> String { format!(", {count} anomalous"), format!("，异常 {count} 张") }

    /// Of these, failed.
    fn failed(count: usize) -> String { format!(", {count} could not be read"), format!("，{count} 张无法读取") }

    /// Of these, judged by another model.
    fn outdated(count: usize) -> String { format!(", {count} by an earlier model"), format!("，{count} 张由先前的模型判定") }

    /// More rows.
    fn more(portion: usize, total: usize) -> String {
        format!("Show {portion} more of {total}"), format!("再显示 {portion} 张（共 {total} 张）")
    }

    /// Opens a row's image.
    fn show(name: &str) -> String { format!("Show {name}"), format!("显示 {name}") }
}

table! {
    /// The threshold on the histogram.
    Threshold {
        title: "Threshold", "阈值";
        good: "good images of the calibration", "校准所用良品图像";
        listed: "images of the list", "列表中的图像";
        reset: "Back to the calibrated one", "恢复校准阈值";
    }

    /// The drawing in words.
    fn histogram(threshold: &str, above: usize, all: usize) -> String {
        format!("Histogram of scores: threshold {threshold}, {above} of {all} images of the list above it"),
        format!("得分直方图：阈值 {threshold}，列表中 {all} 张图像有 {above} 张高于阈值"),
    }
}

table! {
    /// Figures of a labelled folder.
    Figures {
        title: "Figures of the folder", "文件夹评估指标";
        waiting: "Computed when all its images are inspected", "全部图像检测完毕后计算";
        asked: "Being computed", "正在计算";
        roc: "ROC of the images: found defects over false alarms", "图像级 ROC 曲线：检出率随误报率的变化";
        precision: "Precision of the images over found defects", "图像级精确率随检出率的变化";
        overlap: "PRO: overlap with defects over false-positive pixels, to 30 %", "PRO：缺陷重叠率随像素假阳性率的变化（至 30%）";
        undefined: "not defined", "未定义";
        table: "Table of figures", "指标表";
        caption: "Figures of images and pixels", "图像级与像素级指标";
        aupro_title: "Per-region overlap up to a false-positive rate of 0.3", "假阳性率不超过 0.3 时的区域重叠率";
        images: "Images", "图像级";
        pixels: "Pixels", "像素级";
    }

    /// The ROC curve in words.
    fn roc_told(area: &str, at: &str) -> String {
        format!("ROC curve of the images, area {area}; found defects by false alarms: {at}"),
        format!("图像级 ROC 曲线，曲线下面积 {area}；各误报率下的检出率：{at}"),
    }

    /// The precision–recall curve in words.
    fn precision_told(area: &str, at: &str) -> String {
        format!("Precision–recall curve of the images, average precision {area}; precision by found defects: {at}"),
        format!("图像级精确率–召回率曲线，平均精确率 {area}；各检出率下的精确率：{at}"),
    }

    /// The regions' overlap curve in words.
    fn overlap_told(area: &str, at: &str) -> String {
        format!("Overlap curve of the defects' regions, area {area}; overlap by false-positive pixels: {at}"),
        format!("缺陷区域重叠率曲线，曲线下面积 {area}；各像素假阳性率下的重叠率：{at}"),
    }

    /// One after the other.
    fn all(values: &[String]) -> String { values.join(", "), values.join("、") }

    /// A value of a curve at a place.
    fn at(value: &str, place: &str) -> String { format!("{value} at {place}"), format!("{place} 时 {value}") }

    /// What was judged, by what.
    fn judged(good: usize, defective: usize, model: &str, reduction: &str) -> String {
        format!("{good} good and {defective} defective images, judged by {model} with the {reduction}"),
        format!("良品 {good} 张，缺陷 {defective} 张；由 {model} 按{reduction}判定"),
    }

    /// What is to be told beside the figures.
    fn note(note: &Note) -> String {
        match note {
            Note::TooMany { most, images } => {
                format!("Pixel figures are computed for at most {most} images; these are {images}.")
            }
            Note::NoMasks => "There are no masks, so there are no pixel figures.".into(),
            Note::NoMaskFor { name } => format!("There is no mask for {name}, so there are no pixel figures."),
            Note::LeftOut { images } => format!("{images} could not be judged and are left out."),
        },
        match note {
            Note::TooMany { most, images } => {
                format!("像素级指标最多支持 {most} 张图像，此处有 {images} 张。")
            }
            Note::NoMasks => "没有掩膜，因此没有像素级指标。".into(),
            Note::NoMaskFor { name } => format!("{name} 没有掩膜，因此没有像素级指标。"),
            Note::LeftOut { images } => format!("{images} 张无法判定，未计入。"),
        },
    }
}
