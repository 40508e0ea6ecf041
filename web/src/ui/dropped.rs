//! Files of a drop, also those of a dropped folder and the folders in it.

use std::collections::VecDeque;

use js_sys::{Array, Function, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{DataTransfer, File};

/// More files than any package or drop of images has.
const MOST_FILES: usize = 2_000;

/// A file with the folders it was in, separated by `/`.
pub struct Found {
    /// Folders and name.
    pub path: String,
    /// The file.
    pub file: File,
}

impl Found {
    /// A file that was chosen; in a chosen folder the browser tells its place.
    pub fn chosen(file: File) -> Self {
        let path = Reflect::get(&file, &"webkitRelativePath".into())
            .ok()
            .and_then(|path| path.as_string())
            .filter(|path| !path.is_empty());
        Self {
            path: path.unwrap_or_else(|| file.name()),
            file,
        }
    }

    /// Whether it lay in the dropped folder itself: model packages are flat.
    pub fn is_flat(&self) -> bool {
        self.path.matches('/').count() <= 1
    }
}

/// Deepest folder that is looked into.
const DEEPEST: usize = 6;

/// What was dropped. The browser forgets it when the event ends, so it is noted at once.
pub struct Dropped {
    files: Vec<File>,
    folders: Vec<JsValue>,
}

impl Dropped {
    /// Notes files and folders.
    pub fn note(transfer: &DataTransfer) -> Self {
        let (mut files, mut folders) = (Vec::new(), Vec::new());
        let items = transfer.items();
        for index in 0..items.length() {
            let Some(item) = items.get(index) else {
                continue;
            };
            let entry = call(&item, "webkitGetAsEntry", &[]).unwrap_or(JsValue::NULL);
            let is_folder =
                Reflect::get(&entry, &"isDirectory".into()).is_ok_and(|flag| flag.is_truthy());
            if is_folder {
                folders.push(entry);
            } else if let Ok(Some(file)) = item.get_as_file() {
                files.push(file);
            }
        }
        if files.is_empty() && folders.is_empty() {
            // Drops made by a script may have files without items.
            let list = transfer.files();
            files = list
                .map(|list| (0..list.length()).filter_map(|i| list.item(i)).collect())
                .unwrap_or_default();
        }
        Self { files, folders }
    }

    /// All files, those of folders after the others.
    pub async fn files(self) -> Result<Vec<Found>, JsValue> {
        let mut files: Vec<Found> = self.files.into_iter().map(Found::chosen).collect();
        let mut folders: VecDeque<JsValue> = self.folders.into();
        while let Some(folder) = folders.pop_front() {
            let reader = call(&folder, "createReader", &[])?;
            // A browser hands out a folder's entries in portions; an empty one is the last.
            loop {
                let portion = Array::from(&promised(&reader, "readEntries").await?);
                if portion.length() == 0 || files.len() >= MOST_FILES {
                    break;
                }
                for entry in portion.iter() {
                    let path = Reflect::get(&entry, &"fullPath".into())?.as_string();
                    let path = path.unwrap_or_default();
                    let path = path.trim_start_matches('/');
                    if Reflect::get(&entry, &"isFile".into())?.is_truthy() {
                        let file: File = promised(&entry, "file").await?.dyn_into()?;
                        let path = path.to_owned();
                        files.push(Found { path, file });
                    } else if path.matches('/').count() < DEEPEST {
                        folders.push_back(entry);
                    }
                }
            }
        }
        Ok(files)
    }
}

fn call(target: &JsValue, method: &str, arguments: &[JsValue]) -> Result<JsValue, JsValue> {
    if target.is_null() || target.is_undefined() {
        return Ok(JsValue::NULL);
    }
    let method: Function = Reflect::get(target, &method.into())?.dyn_into()?;
    method.apply(target, &arguments.iter().collect::<Array>())
}

/// Calls a method that takes two callbacks, for success and failure.
async fn promised(target: &JsValue, method: &str) -> Result<JsValue, JsValue> {
    let promise = Promise::new(&mut |resolve, reject| {
        if let Err(error) = call(target, method, &[resolve.into(), reject.clone().into()]) {
            let _ = reject.call1(&JsValue::NULL, &error);
        }
    });
    JsFuture::from(promise).await
}
