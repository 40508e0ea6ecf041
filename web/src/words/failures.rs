//! Failures in words: what is wrong, and the mend.

use super::{Language, Samples};
use crate::protocol::{Again, FEWEST_IMAGES, Failure, MOST_IMAGES, MOST_STEPS, Matter, sentence};

/// A failure in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// What went wrong.
    pub what: String,
    /// What to do.
    pub mend: String,
}

table! {
    /// Failures in words.
    Failures {
    }

    /// What is wrong and what to do.
    fn tell(failure: &Failure) -> Told { english(failure), chinese(failure) }
}

fn told(what: String, mend: &str) -> Told {
    Told {
        what,
        mend: mend.to_owned(),
    }
}

fn english(failure: &Failure) -> Told {
    match failure {
        Failure::About { matter, message } => {
            let name = match matter {
                Matter::Package => "Model package".into(),
                other => english_matter(other),
            };
            match message.rsplit_once(": ") {
                Some((what, mend)) => told(format!("{name}: {what}."), &sentence(mend)),
                None => told(format!("{name}: {message}."), "Try another file."),
            }
        }
        Failure::GoodLeftOut { images } => told(
            format!("{images} images are left out: {MOST_IMAGES} good images are enough here."),
            "For more, train with the program fsr.",
        ),
        Failure::GoodCount { images } => told(
            format!(
                "Training needs {FEWEST_IMAGES} to {MOST_IMAGES} good images, and there are {images}."
            ),
            "Add or remove some.",
        ),
        Failure::StepCount { steps } => told(
            format!("{steps} training steps are not possible."),
            &format!("Ask for 1 to {MOST_STEPS}."),
        ),
        Failure::Settings => told(
            "The training's settings are not usable.".into(),
            "Reload the page.",
        ),
        Failure::NoName => told("The detector has no name.".into(), "Give it one."),
        Failure::Dropped { why } => told(
            format!("What was dropped could not be read: {why}"),
            "Choose the files with the buttons instead.",
        ),
        Failure::SeveralSets { folders } => told(
            format!(
                "This folder holds several data sets: {}.",
                folders.join(", ")
            ),
            "Choose the folder of one of them.",
        ),
        Failure::MixedModels => told(
            "The images were judged by different models; inspect them again with this one.".into(),
            "",
        ),
        Failure::FileGone => told("its file is gone".into(), ""),
        Failure::NoWorker { why } => told(
            format!("This browser could not start a module worker: {why}"),
            "Use a current Chrome, Edge, Firefox or Safari and serve the page over HTTP.",
        ),
        Failure::OtherVersion => told(
            "The page and its worker are of different versions.".into(),
            "Reload the page without the cache (Ctrl+Shift+R).",
        ),
        Failure::NotStarted { message } => told(
            format!("The detector's program could not be started: {message}"),
            "Reload the page; if that does not help, use a current Chrome, Edge, Firefox or Safari.",
        ),
        Failure::StoppedOften { times, message } => told(
            format!("The detector stopped {times} times; the last time: {message}"),
            "Reload the page; if it happens again, open it with ?backend=cpu and report the message.",
        ),
        Failure::StoppedLoading { matter, message } => told(
            format!(
                "The detector stopped while loading {}: {message}",
                english_matter(matter)
            ),
            "Close other tabs to free memory and reload the page.",
        ),
        Failure::StoppedAt { matter, message } => told(
            format!(
                "The detector stopped while working on {}: {message}",
                english_matter(matter)
            ),
            "It was restarted. Try a smaller image or package.",
        ),
        Failure::Restarted { message, again } => told(
            format!("The detector stopped ({message}) and was started again on the CPU."),
            match again {
                Again::Training => "The training begins again; your images are still here.",
                Again::List => "It goes on with the images that wait; none is lost.",
            },
        ),
        Failure::BadMessage { why } => told(why.clone(), "Reload the page."),
        Failure::NotKept { why } => told(
            format!("The trained detector cannot be kept: {why}"),
            "Free some memory and train again.",
        ),
        Failure::NoModelToTrain { name } => told(
            format!("{name} cannot be trained: no model is loaded."),
            "Open a model package first.",
        ),
        Failure::NoModelToInspect { name } => told(
            format!("{name} cannot be inspected: no model is loaded."),
            "Open a model package first.",
        ),
        Failure::TrainingFailed { message } => told(
            format!("The training failed: {message}."),
            "Remove unusual images and train again.",
        ),
        Failure::ModelUnusable { message } => told(
            format!("The model cannot be used: {message}."),
            "Its weights may be damaged: export the package again.",
        ),
        Failure::NotInspected { name, message } => told(
            format!("{name} could not be inspected: {message}."),
            "Try another image; if it happens with all, the model's weights are damaged.",
        ),
        Failure::Unreachable { url, why } => told(
            format!("{url} could not be fetched: {why}"),
            "Check that the page's server is running and reload the page.",
        ),
        Failure::Refused { url, status } => told(
            format!("{url} could not be fetched: the server answered {status}"),
            "Check the server and reload the page.",
        ),
        Failure::BrokeOff { url, why } => told(
            format!("The download of {url} broke off: {why}"),
            "Check the connection and reload the page.",
        ),
        Failure::Unreadable { matter, why } => told(
            format!("{} could not be read: {why}", english_matter(matter)),
            "Check that the file is still where it was and choose it again.",
        ),
        Failure::NoPackage { url, file } => told(
            format!("There is no model at {url}: {file} is missing."),
            "Open a model package from your disk, or rebuild the page with models/.",
        ),
        Failure::Index { reason } => told(
            format!("model.safetensors.index.json is not usable: {reason}."),
            "Export the package again.",
        ),
        Failure::NoMap { name } => told(
            format!("The map of {name} is not there."),
            "Inspect the folder again.",
        ),
        Failure::MaskSize { name, mask, image } => told(
            format!(
                "The mask of {name} has {} × {} pixels, the image {} × {}.",
                mask.0, mask.1, image.0, image.1
            ),
            "Use masks of their images' size.",
        ),
        Failure::TileMemory {
            images,
            tiles,
            megabytes,
        } => told(
            format!("{images} images of {tiles} tiles each would take {megabytes} MB of memory."),
            "Choose larger tiles or fewer images.",
        ),
        Failure::NoBackbone { name, reason } => told(
            format!("{name} cannot be trained on: {reason}."),
            "Give a .safetensors file with torchvision's or timm's ResNet-18, ResNet-34, ResNet-50 or WideResNet-50-2; \
             or a model package: its .zip, or config.json with its weights.",
        ),
        Failure::NoCameras => told(
            "This browser gives pages no camera.".into(),
            "Use a current Chrome, Edge, Firefox or Safari, or choose files.",
        ),
        Failure::Untrusted => told(
            "A camera can only be used on a page opened over HTTPS or from this device.".into(),
            "Open the page by an https:// address or as localhost, or choose files.",
        ),
        Failure::CameraRefused => told(
            "The camera was not allowed.".into(),
            "Allow it for this page, beside the address and in the system's settings, and press the button again.",
        ),
        Failure::NoCamera => told(
            "No camera was found.".into(),
            "Connect one and press the button again, or choose files.",
        ),
        Failure::CameraBusy => told(
            "The camera could not be started; another program may be using it.".into(),
            "Close that program or choose another camera, and press the button again.",
        ),
        Failure::Camera { why } => told(
            format!("The camera could not be used: {why}"),
            "Press the button again, or choose files.",
        ),
        Failure::CameraLost => told(
            "The camera was disconnected.".into(),
            "Connect it and press the button again.",
        ),
        Failure::Picture { why } => told(
            format!("The picture could not be taken: {why}"),
            "Close the camera and open it again.",
        ),
        Failure::NoSample { message } => told(
            format!("The sample cannot be made: {message}."),
            "Pick one of the sample tiles.",
        ),
    }
}

fn english_matter(matter: &Matter) -> String {
    match matter {
        Matter::ModelAt(url) => format!("the model at {url}"),
        Matter::Package => "the opened model package".into(),
        Matter::Trained => "the trained detector".into(),
        Matter::File(name) => name.clone(),
        Matter::MaskOf(name) => format!("the mask of {name}"),
        Matter::Figures => "the figures of the folder".into(),
        Matter::Training(name) => format!("the training of \"{name}\""),
        Matter::Sample(sample) => format!("the sample \"{}\"", sample.title()),
    }
}

fn chinese(failure: &Failure) -> Told {
    match failure {
        Failure::About { matter, message } => {
            let name = chinese_matter(matter);
            let name = name.trim();
            match message.rsplit_once(": ") {
                Some((what, mend)) => told(format!("{name}：{what}。"), &sentence(mend)),
                None => told(format!("{name}：{message}。"), "请换一个文件。"),
            }
        }
        Failure::GoodLeftOut { images } => told(
            format!("有 {images} 张图像未加入：此处最多使用 {MOST_IMAGES} 张良品图像。"),
            "如需更多，请使用命令行程序 fsr 训练。",
        ),
        Failure::GoodCount { images } => told(
            format!("训练需要 {FEWEST_IMAGES} 至 {MOST_IMAGES} 张良品图像，现有 {images} 张。"),
            "请增加或移除一些。",
        ),
        Failure::StepCount { steps } => told(
            format!("训练步数不能为 {steps}。"),
            &format!("请填写 1 至 {MOST_STEPS}。"),
        ),
        Failure::Settings => told("训练设置无效。".into(), "请重新加载页面。"),
        Failure::NoName => told("检测器还没有名称。".into(), "请为它命名。"),
        Failure::Dropped { why } => {
            told(format!("无法读取拖放的内容：{why}"), "请改用按钮选择文件。")
        }
        Failure::SeveralSets { folders } => told(
            format!("此文件夹包含多个数据集：{}。", folders.join("、")),
            "请选择其中一个数据集的文件夹。",
        ),
        Failure::MixedModels => told(
            "这些图像由不同的模型判定，请用当前模型重新检测。".into(),
            "",
        ),
        Failure::FileGone => told("文件已不存在".into(), ""),
        Failure::NoWorker { why } => told(
            format!("此浏览器无法启动模块 Worker：{why}"),
            "请使用新版 Chrome、Edge、Firefox 或 Safari，并通过 HTTP 打开页面。",
        ),
        Failure::OtherVersion => told(
            "页面与其 Worker 的版本不一致。".into(),
            "请忽略缓存重新加载页面（Ctrl+Shift+R）。",
        ),
        Failure::NotStarted { message } => told(
            format!("检测器程序无法启动：{message}"),
            "请重新加载页面；若仍无效，请使用新版 Chrome、Edge、Firefox 或 Safari。",
        ),
        Failure::StoppedOften { times, message } => told(
            format!("检测器已停止 {times} 次，最近一次的原因：{message}"),
            "请重新加载页面；若再次发生，请以 ?backend=cpu 打开并反馈此消息。",
        ),
        Failure::StoppedLoading { matter, message } => told(
            format!("检测器在加载{}时停止：{message}", chinese_matter(matter)),
            "请关闭其他标签页以释放内存，然后重新加载页面。",
        ),
        Failure::StoppedAt { matter, message } => told(
            format!("检测器在处理{}时停止：{message}", chinese_matter(matter)),
            "检测器已重新启动。请尝试较小的图像或模型包。",
        ),
        Failure::Restarted { message, again } => told(
            format!("检测器停止（{message}），已改用 CPU 重新启动。"),
            match again {
                Again::Training => "训练将重新开始，您的图像仍在。",
                Again::List => "将继续检测剩余图像，没有图像丢失。",
            },
        ),
        Failure::BadMessage { why } => told(why.clone(), "请重新加载页面。"),
        Failure::NotKept { why } => told(
            format!("无法保留训练好的检测器：{why}"),
            "请释放一些内存后重新训练。",
        ),
        Failure::NoModelToTrain { name } => {
            told(format!("无法训练 {name}：未加载模型。"), "请先打开模型包。")
        }
        Failure::NoModelToInspect { name } => {
            told(format!("无法检测 {name}：未加载模型。"), "请先打开模型包。")
        }
        Failure::TrainingFailed { message } => told(
            format!("训练失败：{message}。"),
            "请移除异样的图像后重新训练。",
        ),
        Failure::ModelUnusable { message } => told(
            format!("无法使用此模型：{message}。"),
            "模型权重可能已损坏，请重新导出模型包。",
        ),
        Failure::NotInspected { name, message } => told(
            format!("无法检测 {name}：{message}。"),
            "请换一张图像；若所有图像都如此，则模型权重已损坏。",
        ),
        Failure::Unreachable { url, why } => told(
            format!("无法获取 {url}：{why}"),
            "请确认页面的服务器正在运行，然后重新加载页面。",
        ),
        Failure::Refused { url, status } => told(
            format!("无法获取 {url}：服务器返回 {status}"),
            "请检查服务器，然后重新加载页面。",
        ),
        Failure::BrokeOff { url, why } => told(
            format!("{url} 的下载中断：{why}"),
            "请检查网络连接，然后重新加载页面。",
        ),
        Failure::Unreadable { matter, why } => told(
            format!("无法读取{}：{why}", chinese_matter(matter).trim_end()),
            "请确认文件仍在原处，然后重新选择。",
        ),
        Failure::NoPackage { url, file } => told(
            format!("{url} 没有模型：缺少 {file}。"),
            "请从磁盘打开模型包，或在 models/ 就绪后重新构建页面。",
        ),
        Failure::Index { reason } => told(
            format!("model.safetensors.index.json 无法使用：{reason}。"),
            "请重新导出模型包。",
        ),
        Failure::NoMap { name } => {
            told(format!("{name} 的异常图已不存在。"), "请重新检测此文件夹。")
        }
        Failure::MaskSize { name, mask, image } => told(
            format!(
                "{name} 的掩膜为 {} × {} 像素，而图像为 {} × {}。",
                mask.0, mask.1, image.0, image.1
            ),
            "请使用与图像大小相同的掩膜。",
        ),
        Failure::TileMemory {
            images,
            tiles,
            megabytes,
        } => told(
            format!("{images} 张图像、每张 {tiles} 个图块，将占用 {megabytes} MB 内存。"),
            "请选择更大的图块或减少图像。",
        ),
        Failure::NoBackbone { name, reason } => told(
            format!("无法用 {name} 训练：{reason}。"),
            "请提供 torchvision 或 timm 的 ResNet-18、ResNet-34、ResNet-50 或 WideResNet-50-2 的 .safetensors 文件，\
             或模型包（.zip，或 config.json 及其权重）。",
        ),
        Failure::NoCameras => told(
            "此浏览器不向网页提供摄像头。".into(),
            "请使用新版 Chrome、Edge、Firefox 或 Safari，或改为选择文件。",
        ),
        Failure::Untrusted => told(
            "只有通过 HTTPS 或在本机打开的页面才能使用摄像头。".into(),
            "请用 https:// 地址或 localhost 打开页面，或改为选择文件。",
        ),
        Failure::CameraRefused => told(
            "摄像头未获许可。".into(),
            "请在地址栏旁和系统设置中允许此页面使用摄像头，然后再次点击按钮。",
        ),
        Failure::NoCamera => told(
            "未找到摄像头。".into(),
            "请连接摄像头后再次点击按钮，或改为选择文件。",
        ),
        Failure::CameraBusy => told(
            "无法启动摄像头，可能正被其他程序占用。".into(),
            "请关闭该程序或选择其他摄像头，然后再次点击按钮。",
        ),
        Failure::Camera { why } => told(
            format!("无法使用摄像头：{why}"),
            "请再次点击按钮，或改为选择文件。",
        ),
        Failure::CameraLost => told("摄像头已断开。".into(), "请重新连接后再次点击按钮。"),
        Failure::Picture { why } => {
            told(format!("无法拍摄照片：{why}"), "请关闭摄像头后重新打开。")
        }
        Failure::NoSample { message } => {
            told(format!("无法生成样例：{message}。"), "请选择一个样例图块。")
        }
    }
}

fn chinese_matter(matter: &Matter) -> String {
    match matter {
        Matter::ModelAt(url) => format!(" {url} 的模型"),
        Matter::Package => "模型包".into(),
        Matter::Trained => "训练好的检测器".into(),
        Matter::File(name) => format!(" {name} "),
        Matter::MaskOf(name) => format!(" {name} 的掩膜"),
        Matter::Figures => "文件夹的评估指标".into(),
        Matter::Training(name) => format!("“{name}”的训练"),
        Matter::Sample(sample) => format!("样例“{}”", Samples::ZH.name(sample)),
    }
}
