//! What the worker tells of itself: its backend and why, and where a model comes from.

use super::Language;
use crate::backend::Reason;
use crate::protocol::{Architecture, Origin, TrainedOn};

table! {
    /// Facts of the worker.
    Facts {
        nameless: "an adapter without a name", "未命名的适配器";
    }

    /// Why this backend.
    fn reason(reason: &Reason) -> String {
        match reason {
            Reason::Asked => "as the address asks".into(),
            Reason::NoApi => "this browser offers no WebGPU here".into(),
            Reason::NoAdapter => "this browser found no WebGPU adapter".into(),
            Reason::AskedOn { adapter } => format!("as the address asks, on {}", named(adapter, Facts::EN.nameless)),
            Reason::AskedSoftware { adapter } => format!(
                "as the address asks, although {} computes in software and is slower than the CPU backend",
                named(adapter, Facts::EN.nameless)
            ),
            Reason::On { adapter } => format!("on {}", named(adapter, Facts::EN.nameless)),
            Reason::Software { adapter } => format!(
                "the WebGPU adapter ({}) computes in software, where the CPU backend is faster",
                named(adapter, Facts::EN.nameless)
            ),
            Reason::Restarted { message } => format!("restarted after it stopped: {message}"),
            Reason::Stopped { message } => format!("WebGPU stopped: {message}"),
            Reason::NotInitialised { message } => format!("WebGPU could not be initialised: {message}"),
            Reason::SelfTest { map_error } => {
                format!("WebGPU failed the model's self-test (map off by {map_error:.1e} of its maximum)")
            }
            Reason::WarmUp { message } => format!("WebGPU failed in the model's warm-up: {message}"),
        },
        match reason {
            Reason::Asked => "按地址要求".into(),
            Reason::NoApi => "此浏览器在此处不提供 WebGPU".into(),
            Reason::NoAdapter => "此浏览器未找到 WebGPU 适配器".into(),
            Reason::AskedOn { adapter } => format!("按地址要求，使用 {}", named(adapter, Facts::ZH.nameless)),
            Reason::AskedSoftware { adapter } => format!(
                "按地址要求使用 {}，但它以软件方式计算，比 CPU 后端慢",
                named(adapter, Facts::ZH.nameless)
            ),
            Reason::On { adapter } => format!("使用 {}", named(adapter, Facts::ZH.nameless)),
            Reason::Software { adapter } => format!(
                "WebGPU 适配器（{}）以软件方式计算，CPU 后端更快",
                named(adapter, Facts::ZH.nameless)
            ),
            Reason::Restarted { message } => format!("停止后已重新启动：{message}"),
            Reason::Stopped { message } => format!("WebGPU 已停止：{message}"),
            Reason::NotInitialised { message } => format!("WebGPU 初始化失败：{message}"),
            Reason::SelfTest { map_error } => {
                format!("WebGPU 未通过模型自检（异常图偏差为最大值的 {map_error:.1e}）")
            }
            Reason::WarmUp { message } => format!("WebGPU 在模型预热时失败：{message}"),
        },
    }

    /// Where a model came from.
    fn origin(origin: Origin) -> &'static str {
        match origin {
            Origin::Server => "this page's server",
            Origin::Files => "files of yours",
            Origin::Trained => "trained in this tab",
        },
        match origin {
            Origin::Server => "本页面的服务器",
            Origin::Files => "您的文件",
            Origin::Trained => "在此标签页内训练",
        },
    }

    /// Backbone and restorer.
    fn architecture(architecture: &Architecture) -> String {
        {
            let Architecture { backbone, blocks, width } = architecture;
            format!("{backbone} backbone, restorer of {blocks} blocks, width {width}")
        },
        {
            let Architecture { backbone, blocks, width } = architecture;
            format!("骨干网络 {backbone}，还原网络 {blocks} 层、宽度 {width}")
        },
    }

    /// What a model was trained on; empty when its package does not say. The package's own words stay as they are.
    fn trained_on(trained: &TrainedOn) -> String {
        {
            let mut text = trained.data.clone();
            if trained.images > 0 {
                let comma = if text.is_empty() { "" } else { ", " };
                text += &format!("{comma}{} good images", trained.images);
            }
            if !trained.categories.is_empty() {
                text += &format!(" of {}", trained.categories.join(", ").replace('_', " "));
            }
            text
        },
        {
            let mut text = trained.data.clone();
            if trained.images > 0 {
                let comma = if text.is_empty() { "" } else { "，" };
                text += &format!("{comma}{} 张良品图像", trained.images);
            }
            if !trained.categories.is_empty() {
                let names: Vec<String> = trained
                    .categories
                    .iter()
                    .map(|name| super::samples::product(name).map_or_else(|| name.replace('_', " "), str::to_owned))
                    .collect();
                text += &format!("（{}）", names.join("、"));
            }
            text
        },
    }
}

fn named<'a>(adapter: &'a str, nameless: &'static str) -> &'a str {
    if adapter.is_empty() {
        nameless
    } else {
        adapter
    }
}
