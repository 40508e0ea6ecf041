//! The shelf's texts. Its script gets them by name and puts values where `{name}` stands.

use super::Language;

table! {
    /// What is kept in the browser, and offline use.
    Shelf {
        title: "Models and storage", "模型与存储";
        yours: "Your detectors", "您的检测器";
        yours_about: "Kept in this browser, on this device, until you delete them or clear the browser's data.",
            "保存在本设备的此浏览器中，直到您将其删除或清除浏览器数据。";
        none_yet: "None yet: train one above.", "还没有：请在上方训练一个。";
        not_available: "Detectors cannot be kept: {why}.", "无法保存检测器：{why}。";
        used: "{used} used by this page of {allowed} allowed", "本页面已用 {used}，上限 {allowed}";
        used_offline: "{size} of it for offline use", "其中 {size} 用于离线使用";
        comma: ", ", "，";
        own_threshold: "your own threshold", "自定义阈值";
        in_use: "in use", "使用中";
        use_it: "Use", "使用";
        save_file: "Save as file", "保存为文件";
        delete: "Delete", "删除";
        delete_sure: "Delete for good?", "确定永久删除？";
        kept_here: "Kept in this browser:", "保存在此浏览器中：";
        now_in_use: "“{name}” is in use and kept in this browser.", "“{name}”正在使用，已保存在此浏览器中。";
        was_kept: "“{name}” is kept in this browser.", "“{name}”已保存在此浏览器中。";
        not_kept: "“{name}” could not be kept in this browser: {why}. Save it as a file instead.",
            "“{name}”无法保存在此浏览器中：{why}。请改为保存为文件。";
        threshold_lost: "The threshold could not be kept: {why}.", "无法保存阈值：{why}。";
        unreadable: "“{name}” could not be read: {why}.", "无法读取“{name}”：{why}。";
        deleted: "“{name}” was deleted.", "“{name}”已删除。";
        nameless: "a detector", "未命名的检测器";

        catalogue: "Catalogue", "模型目录";
        catalogue_about: "Models that this page's server offers. Each file is compared with its hash before it is used.",
            "本页面服务器提供的模型。每个文件在使用前都会核对哈希值。";
        catalogue_off: "This browser keeps no models for pages, or only for those opened over HTTPS.",
            "此浏览器不为网页保存模型，或仅为通过 HTTPS 打开的网页保存。";
        catalogue_trouble: "The catalogue cannot be read: {why}.", "无法读取模型目录：{why}。";
        not_catalogue: "it is not a catalogue of version 1", "它不是版本 1 的目录";
        no_models: "it has no list of models", "其中没有模型列表";
        bad_entry: "its entry “{id}” is not usable", "条目“{id}”无法使用";
        needs_memory: "Needs {needed} of memory", "需要 {needed} 内存";
        short_memory: "Needs {needed} of memory, this device has about {there}", "需要 {needed} 内存，本设备约有 {there}";
        has_f16: "Needs 16-bit floats on the GPU, and has them", "需要 GPU 支持 16 位浮点数，本设备支持";
        lacks_f16: "Needs 16-bit floats on the GPU, which this browser does not offer", "需要 GPU 支持 16 位浮点数，此浏览器不提供";
        download_of: "Download of {name}", "{name} 的下载进度";
        comes_with: "{size} · comes with the page", "{size} · 随页面提供";
        part_of: "{done} of {total} downloaded", "已下载 {done} / {total}";
        kept_size: "{size} · kept in this browser", "{size} · 已保存在此浏览器中";
        of: "{done} of {total}", "{done} / {total}";
        silent: "{done} of {total}, the server is silent", "{done} / {total}，服务器没有响应";
        download: "Download", "下载";
        resume: "Resume", "继续下载";
        cancel: "Cancel", "取消";
        downloaded: "“{name}” was downloaded, compared with its hashes, and is kept in this browser.",
            "“{name}”已下载并通过哈希核对，现保存在此浏览器中。";
        part_lost: " What had come could not be kept: {why}.", "已下载的部分无法保存：{why}。";
        download_cancelled: "The download of “{name}” was cancelled.", "“{name}”的下载已取消。";
        not_downloaded: "“{name}” could not be downloaded: {why}.", "无法下载“{name}”：{why}。";
        not_usable: "“{name}” cannot be used: {why}.", "无法使用“{name}”：{why}。";
        no_longer: "{file} is no longer kept", "{file} 已不再保存";
        deleted_here: "“{name}” was deleted from this browser.", "“{name}”已从此浏览器中删除。";
        old_models: "{size} of models that are no longer in the catalogue", "{size} 已不在目录中的模型";
        old_name: "the old models", "旧模型";
        old_deleted: "The old models were deleted.", "旧模型已删除。";

        no_hash: "hashes can only be computed on pages opened over HTTPS", "只有通过 HTTPS 打开的网页才能计算哈希值";
        wrong_size: "{file} has {found} bytes instead of {wanted}", "{file} 有 {found} 字节，应为 {wanted} 字节";
        wrong_hash: "{file} is not the file that the catalogue names: its sha-256 differs", "{file} 与目录所列的文件不符：SHA-256 不同";
        answered: "{file}: the server answered {status}", "{file}：服务器返回 {status}";
        server_answered: "the server answered {status}", "服务器返回 {status}";
        too_long: "{file} is longer than the {wanted} that the catalogue names", "{file} 超过目录所列的 {wanted}";
        ended: "{file} ended after {done} of {total}", "{file} 在 {done} / {total} 处提前结束";
        broke_off: "{file} broke off after {done} of {total}", "{file} 在 {done} / {total} 处中断";
        unreachable: "{file}: the server cannot be reached", "{file}：无法连接服务器";
        no_space: "the browser gives this page no more space; delete something here", "浏览器分配给本页面的空间已用完，请在此删除一些内容";
        private_window: "the browser lets this page store nothing (a private window?)", "浏览器不允许本页面存储任何内容（是否为无痕窗口？）";
        no_files: "this browser stores no files for pages, or only for those opened over HTTPS", "此浏览器不为网页存储文件，或仅为通过 HTTPS 打开的网页存储";
        no_writing: "this browser writes no files for pages", "此浏览器不为网页写入文件";
        unknown: "unknown reason", "原因不明";

        elsewhere: "From elsewhere", "其他来源";
        elsewhere_about: "Until you type an address here and press Fetch, this page connects to no server but its own. Images are never sent.",
            "在您于此输入地址并点击“获取”之前，本页面只连接自己的服务器。图像绝不会被发送。";
        elsewhere_open: "Fetch from an address…", "从地址获取…";
        elsewhere_frame: "Fetch a model package or a backbone's weights from another address", "从其他地址获取模型包或骨干网络权重";
        elsewhere_label: "Its address, or owner/name on Hugging Face", "地址，或 Hugging Face 上的 owner/name";
        elsewhere_fetch: "Fetch", "获取";
        elsewhere_bar: "Download from the address", "从该地址下载的进度";
        fetching: "Fetching from {host}…", "正在从 {host} 获取…";
        progress: "{file}: {size}", "{file}：{size}";
        not_fetched: "Nothing was fetched: {why}.", "未获取任何内容：{why}。";
        goes_on: " Fetch goes on where it ended.", "再次点击“获取”可从中断处继续。";
        fetch_cancelled: "The download from {host} was cancelled.", "从 {host} 的下载已取消。";
        fetch_failed: "Nothing could be fetched from {host}: {why}.", "无法从 {host} 获取：{why}。";
        package_fetched: "The package from {host} was fetched and is kept in this browser.", "已从 {host} 获取模型包，并保存在此浏览器中。";
        package_fetched_only: "The package from {host} was fetched, but could not be kept: {why}.", "已从 {host} 获取模型包，但无法保存：{why}。";
        package_from: "the package from {address}", "来自 {address} 的模型包";
        package_deleted: "The package was deleted from this browser.", "模型包已从此浏览器中删除。";
        weights_fetched: "The weights from {host} were fetched and are kept in this browser.", "已从 {host} 获取权重，并保存在此浏览器中。";
        weights_fetched_only: "The weights from {host} were fetched, but could not be kept: {why}.", "已从 {host} 获取权重，但无法保存：{why}。";
        weights_from: "the weights from {address}", "来自 {address} 的权重";
        weights_deleted: "The weights were deleted from this browser.", "权重已从此浏览器中删除。";
        https_only: "only https addresses can be fetched", "只能从 https 地址获取";
        password: "an address with a password in it is not fetched", "不接受含有密码的地址";
        no_address: "no address was typed", "没有输入地址";
        not_address: "that is not an address", "这不是有效的地址";
        no_file: "there is no such file", "没有此文件";
        no_config: "there is no config.json: it is not a model package", "没有 config.json，不是模型包";
        no_model: "there is no model.safetensors", "没有 model.safetensors";
        bad_index: "model.safetensors.index.json is not usable", "model.safetensors.index.json 无法使用";
        missing: "{file} is missing", "缺少 {file}";
        connection: "the connection broke off", "连接中断";
        no_server: "the server cannot be reached, or does not let other pages read from it (CORS)", "无法连接服务器，或服务器不允许其他网页读取（CORS）";

        offline_ready: "Ready for offline use", "可离线使用";
        offline_keeping: "Getting ready for offline use…", "正在准备离线使用…";
        offline_update: "A new version is ready.", "新版本已就绪。";
        offline_use: "Use it", "立即启用";
        offline_failed: "Needs the network", "需要网络连接";
    }
}
