//! The camera, in step one and in step three; and backbones of the visitor's own.

use super::Language;
use crate::protocol::MOST_IMAGES;

table! {
    /// The camera.
    Camera {
        open: "Use the camera", "使用摄像头";
        live: "Live camera", "实时检测";
        close: "Close the camera", "关闭摄像头";
        shutter: "Take a picture", "拍一张";
        stop: "Stop", "停止";
        hint: "Turn or shift the part a little between pictures.", "每拍一张，请将零件稍微转动或移动。";
        preview: "What the camera sees", "摄像头画面";
        which: "Camera", "摄像头";
        waiting: "Waiting for the camera: the browser may be asking you.", "正在等待摄像头：浏览器可能正在征求您的许可。";
        private: "No frame leaves this device.", "画面不会离开本设备。";
        pause: "Pause", "暂停";
        resume: "Resume", "继续";
        keep: "Keep this picture in the list", "将此画面加入列表";
        held: "Held while you use the result's controls.", "正在使用结果控件，检测暂缓。";
        paused: "Paused.", "已暂停。";
        first: "Waiting for the first frame…", "正在等待第一帧…";
    }

    /// Several pictures in a row.
    fn burst(count: u32) -> String { format!("Take {count}"), format!("连拍 {count} 张") }

    /// How far a burst is.
    fn taken(taken: u32, count: u32) -> String { format!("{taken} of {count} taken"), format!("已拍 {taken} / {count} 张") }

    /// There is no room for more.
    fn full() -> String {
        format!("{MOST_IMAGES} good images are enough here."), format!("此处最多使用 {MOST_IMAGES} 张良品图像。")
    }

    /// A camera that the browser tells no name of.
    fn nameless(number: usize) -> String { format!("Camera {number}"), format!("摄像头 {number}") }

    /// How long a frame takes.
    fn each(milliseconds: f64) -> String {
        format!("{milliseconds:.0} ms a frame"), format!("每帧 {milliseconds:.0} ms")
    }

    /// How many frames are judged in a second, and how long one takes.
    fn rate(per_second: &str, each: &str) -> String {
        format!("{per_second} frames a second, {each}"), format!("每秒 {per_second} 帧，{each}")
    }
}

table! {
    /// What a training begins with.
    Backbone {
        label: "Backbone: ", "骨干网络：";
        choose: "use weights of your own", "使用自己的权重";
        choose_label: "Weights of a ResNet as a .safetensors file", "ResNet 权重的 .safetensors 文件";
        back: "back to the built-in one", "恢复使用内置骨干网络";
        none: "none: give weights of your own, or open a model package", "无：请提供权重，或打开模型包";
    }

    /// A file is being read.
    fn checking(name: &str) -> String { format!("looking through {name}…"), format!("正在检查 {name}…") }

    /// That of the model in use.
    fn of_the_model(model: &str) -> String {
        format!("built in, that of the model “{model}”"), format!("内置，来自模型“{model}”")
    }

    /// What a file holds.
    fn facts(architecture: &str, millions: &str, name: &str, size: &str) -> String {
        format!("{architecture}, {millions} million parameters, from {name} ({size})"),
        format!("{architecture}，{millions} 百万参数，来自 {name}（{size}）"),
    }
}
