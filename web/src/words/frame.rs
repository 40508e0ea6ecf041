//! The page as a whole: mast, status line and foot.

use super::Language;
use crate::protocol::Phase;

table! {
    /// Mast, foot, and what a browser shows of the page.
    Frame {
        title: "FSR defect finder", "FSR 缺陷检测";
        description: "Visual anomaly detection by feature shuffling and restoration, computed in your browser. No image leaves your device.",
            "基于特征打乱与还原的视觉异常检测，全部计算在浏览器中完成，图像不会离开您的设备。";
        skip: "Skip to the result", "跳到检测结果";
        brand: "defect finder", "缺陷检测";
        lede: "Learns what good products look like and shows where another one differs, here in this tab.",
            "先学会良品的样子，再指出待检产品哪里不同，全程在此标签页内完成。";
        private: "No image leaves this device", "图像不会离开本设备";
        method: "FSR: feature shuffling and restoration (Luo et al., Knowledge-Based Systems 2025). \
            A network learns to restore shuffled features of good products; where it cannot, something is different. \
            Everything is computed in this tab, in Rust on Burn.",
            "FSR：特征打乱与还原（Luo et al., Knowledge-Based Systems 2025）。\
            网络学习还原良品被打乱的特征；还原不了的地方，便有异常。\
            全部计算都在此标签页内进行，以 Rust 编写，基于 Burn。";
        dismiss: "Dismiss this message", "关闭此消息";
        about_model: "About this model", "关于此模型";
        name: "Name", "名称";
        from: "From", "来源";
        architecture: "Architecture", "结构";
        trained_on: "Trained on", "训练数据";
        not_stated: "not stated", "未说明";
        size: "Size", "大小";
        self_test: "Self-test", "自检";
        made_ready: "Made ready in", "准备用时";
    }

    /// How far the self-test was off.
    fn differences(map: f32, score: f32) -> String {
        format!("largest map difference {map:.1e} of the maximum, score {score:.1e}"),
        format!("异常图最大相对偏差 {map:.1e}，得分偏差 {score:.1e}"),
    }

    /// Durations of the steps that made the model ready.
    fn steps(files: &str, build: &str, warm: &str, test: &str) -> String {
        format!("{files} files, {build} build, {warm} warm-up, {test} self-test"),
        format!("读取 {files}，构建 {build}，预热 {warm}，自检 {test}"),
    }
}

table! {
    /// The status line.
    Status {
        label: "Status", "状态";
        starting: "Starting the detector…", "正在启动检测器…";
        listing: "Inspecting the list…", "正在检测列表中的图像…";
        training: "Training…", "正在训练…";
        ready: "Ready", "就绪";
        empty: "No model loaded: open a model package", "未加载模型：请打开模型包";
        dead: "The detector has stopped", "检测器已停止运行";
        passed: "Self-test passed", "自检通过";
        failed: "Self-test failed", "自检未通过";
        absent: "No self-test", "无自检";
        brings_none: "the package brings none", "模型包未附带";
        loading: "Loading the model", "正在加载模型";
    }

    /// An image is being judged.
    fn inspecting(name: &str) -> String { format!("Inspecting {name}"), format!("正在检测 {name}") }

    /// How far a large image is; stands behind [`Self::inspecting`].
    fn tiles(done: usize, total: usize) -> String {
        format!(": {done} of {total} tiles"), format!("：图块 {done} / {total}")
    }

    /// An image waits for the model.
    fn waiting(name: &str) -> String {
        format!("{name}: waiting for the model"), format!("{name}：等待模型就绪")
    }

    /// The model in use.
    fn model(name: &str) -> String { format!("Model {name}"), format!("模型 {name}") }

    /// The self-test's detail when it passed.
    fn within(error: f32) -> String {
        format!("map within {error:.0e} of the stored one"), format!("与存档异常图相差不超过 {error:.0e}")
    }

    /// The self-test's detail when it failed.
    fn off(error: f32) -> String {
        format!("map off by {error:.0e}: do not trust results"), format!("异常图偏差 {error:.0e}：结果不可信")
    }

    /// How much of how much.
    fn of(done: &str, total: &str) -> String { format!("{done} of {total}"), format!("{done} / {total}") }

    /// A step of making a model ready.
    fn phase(phase: Phase) -> &'static str {
        match phase {
            Phase::Program => "Downloading the detector",
            Phase::Download => "Downloading the model",
            Phase::Build => "Building the detector",
            Phase::WarmUp => "Warming up",
            Phase::SelfTest => "Running the self-test",
        },
        match phase {
            Phase::Program => "正在下载检测器",
            Phase::Download => "正在下载模型",
            Phase::Build => "正在构建检测器",
            Phase::WarmUp => "正在预热",
            Phase::SelfTest => "正在自检",
        },
    }
}
