//! The three steps: collect, train, inspect.

use super::Language;
use crate::protocol::{FEWEST_IMAGES, MOST_IMAGES};

table! {
    /// Step one, and the head of all three.
    Collect {
        workshop: "Your own product", "检测您自己的产品";
        promise: "A few good photographs, and a detector of your own", "几张良品照片，就能得到专属检测器";
        title: "Collect", "收集";
        zone: "Good images: drop or paste them here", "良品图像：拖放或粘贴到这里";
        drop: "Drop or paste good images here, or", "将良品图像拖放或粘贴到此处，或";
        choose: "Choose images", "选择图像";
        folder: "Folder", "文件夹";
        images: "Good images", "良品图像";
        images_folder: "Folder of good images", "良品图像文件夹";
        collected: "Good images collected", "已收集的良品图像";
        one: "1 good image: one more is needed", "1 张良品图像：至少还需 1 张";
    }

    /// What pictures are wanted.
    fn wanted() -> String {
        format!("{FEWEST_IMAGES} to {MOST_IMAGES} pictures of good parts, taken the way you will inspect."),
        format!("{FEWEST_IMAGES} 至 {MOST_IMAGES} 张良品照片，拍摄条件应与检测时相同。"),
    }

    /// Samples instead of photographs.
    fn samples(count: u64) -> String {
        format!("or try with {count} generated samples"), format!("或用 {count} 张生成的样例试一试")
    }

    /// How many there are.
    fn many(count: usize) -> String { format!("{count} good images"), format!("{count} 张良品图像") }

    /// Takes one away.
    fn remove(name: &str) -> String { format!("Remove {name}"), format!("移除 {name}") }
}

table! {
    /// Step two.
    Train {
        title: "Train", "训练";
        about: "A small network learns, here in this tab, to restore what your good parts look like.",
            "一个小型网络将在此标签页内学习还原良品的样子。";
        name: "Name", "名称";
        my_product: "my product", "我的产品";
        steps: "Steps", "步数";
        look_at: "Look at", "检视范围";
        whole: "the whole image", "整幅图像";
        tiles_about: "Tiles keep small defects of large photographs in sight; training and inspection take longer.",
            "分块可保留大幅照片中的小缺陷，但训练和检测耗时更长。";
        start: "Train", "开始训练";
        again: "Train again", "重新训练";
        resume: "Resume", "继续";
        pause: "Pause", "暂停";
        stop: "Stop and keep", "停止并保留";
        cancel: "Cancel", "取消";
        asked: "Waiting for the detector…", "等待检测器…";
        looking: "Looking at the good images", "正在提取良品图像的特征";
        paused: "Training paused", "训练已暂停";
        setting: "Setting the threshold", "正在设定阈值";
        testing: "Testing the new detector", "正在测试新检测器";
        done: "Trained. The new detector is in use.", "训练完成，新检测器已启用。";
        label: "Training", "训练进度";
        no_step: "No step yet", "尚未开始";
    }

    /// Tiles of this size.
    fn tiles_of(side: u32) -> String { format!("tiles of {side} pixels"), format!("{side} 像素的图块") }

    /// Features are being computed.
    fn features(done: usize, total: usize) -> String {
        format!("Looking at the images: {done} of {total}"), format!("正在提取特征：{done} / {total}")
    }

    /// It waits.
    fn paused_after(step: usize, steps: usize) -> String {
        format!("Paused after step {step} of {steps}"), format!("已暂停于第 {step} 步，共 {steps} 步")
    }

    /// It runs.
    fn running(step: usize, steps: usize, left: &str) -> String {
        format!("Step {step} of {steps}, about {left} left"), format!("第 {step} 步，共 {steps} 步，约剩 {left}")
    }

    /// The threshold is being set.
    fn calibrating(done: usize, total: usize) -> String {
        format!("Setting the threshold: {done} of {total}"), format!("正在设定阈值：{done} / {total}")
    }

    /// For who hears it.
    fn share_done(tenths: usize) -> String {
        format!("Training, {tenths}0 % done"), format!("训练已完成 {tenths}0%")
    }

    /// The last loss.
    fn loss(loss: &str) -> String { format!("Restoration loss {loss}"), format!("还原损失 {loss}") }

    /// The course of the losses.
    fn course(first: f32, last: f32, done: usize, steps: usize) -> String {
        format!("Loss {first:.3} at the first step, {last:.3} after {done} of {steps} steps"),
        format!("第一步损失 {first:.3}，{steps} 步中完成 {done} 步后为 {last:.3}"),
    }

    /// Whole seconds.
    fn duration(seconds: u64) -> String {
        match seconds {
            0..60 => format!("{seconds} s"),
            60..3_600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
            _ => format!("{} h {:02} min", seconds / 3_600, seconds % 3_600 / 60),
        },
        match seconds {
            0..60 => format!("{seconds} 秒"),
            60..3_600 => format!("{} 分 {:02} 秒", seconds / 60, seconds % 60),
            _ => format!("{} 小时 {:02} 分", seconds / 3_600, seconds % 3_600 / 60),
        },
    }
}

table! {
    /// Step three, and what is opened.
    Inspect {
        title: "Inspect", "检测";
        now: "Your detector judges whatever you drop on this page, one image or hundreds.",
            "将图像拖到此页面，一张或数百张，您的检测器都会逐一判定。";
        then: "Then drop images anywhere on this page, one or hundreds. Until then the model in use judges them.",
            "然后将图像拖到此页面的任意位置，一张或数百张均可。在此之前由当前模型判定。";
        save: "Save the detector", "保存检测器";
        drop: "Drop images anywhere, paste one, or", "将图像拖放或粘贴到本页面，或";
        choose: "Choose images", "选择图像";
        folder: "Folder", "文件夹";
        images: "Images to inspect", "待检图像";
        images_folder: "Folder of images to inspect", "待检图像文件夹";
        other_model: "Other model:", "其他模型：";
        open_package: "open package", "打开模型包";
        or: "or", "或";
        open_folder: "folder", "文件夹";
        package_files: "Files of a model package", "模型包的文件";
        package_folder: "Folder of a model package", "模型包所在文件夹";
    }

    /// The saved package, and where it opens.
    fn saved(file: &str, size: &str) -> String {
        format!("{file}, {size}: opens here again, and with fsr predict, eval and export."),
        format!("{file}，{size}：可在此重新打开，也可用于 fsr predict、eval 和 export。"),
    }
}
