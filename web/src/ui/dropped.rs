//! Files of a drop, also those of a dropped folder (one level: model packages are flat).

use js_sys::{Array, Function, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{DataTransfer, File};

/// More files than any package or drop of images has.
const MOST_FILES: usize = 2_000;

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
    pub async fn files(self) -> Result<Vec<File>, JsValue> {
        let mut files = self.files;
        for folder in self.folders {
            let reader = call(&folder, "createReader", &[])?;
            // A browser hands out a folder's entries in portions; an empty one is the last.
            loop {
                let portion = Array::from(&promised(&reader, "readEntries").await?);
                if portion.length() == 0 || files.len() >= MOST_FILES {
                    break;
                }
                for entry in portion.iter() {
                    if Reflect::get(&entry, &"isFile".into())?.is_truthy() {
                        files.push(promised(&entry, "file").await?.dyn_into()?);
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
