//! Which files a model package on a server has, found from its index without reading weights.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::protocol::Failure;

/// More shards than any honest package has.
const MOST_SHARDS: usize = 1_000;

#[derive(Deserialize)]
struct Index {
    weight_map: std::collections::BTreeMap<String, String>,
}

/// File names of the shards in `model.safetensors.index.json`, each once, in order.
///
/// Names become part of an address, so only plain `.safetensors` names are taken.
pub fn shard_names(index: &[u8]) -> Result<Vec<String>, Failure> {
    let unusable = |reason: String| Failure::Index { reason };
    let index: Index =
        serde_json::from_slice(index).map_err(|error| unusable(error.to_string()))?;
    let names: BTreeSet<String> = index.weight_map.into_values().collect();
    if let Some(odd) = names.iter().find(|name| !is_plain(name)) {
        return Err(unusable(format!("it names the file {odd:?}")));
    }
    if names.is_empty() || names.len() > MOST_SHARDS {
        return Err(unusable(format!("it names {} files", names.len())));
    }
    Ok(names.into_iter().collect())
}

fn is_plain(name: &str) -> bool {
    name.ends_with(".safetensors")
        && !name.starts_with('.')
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::words::Language;

    #[test]
    fn each_shard_once_in_order() {
        let index = br#"{"metadata": {}, "weight_map": {"a": "model-00002-of-00002.safetensors",
            "b": "model-00001-of-00002.safetensors", "c": "model-00002-of-00002.safetensors"}}"#;
        assert_eq!(
            shard_names(index).unwrap(),
            [
                "model-00001-of-00002.safetensors",
                "model-00002-of-00002.safetensors"
            ]
        );
    }

    #[test]
    fn names_that_leave_the_folder_are_refused() {
        for name in [
            "../x.safetensors",
            "a/b.safetensors",
            "http://a.safetensors",
            "x.bin",
            ".safetensors",
            "a%2f.safetensors",
        ] {
            let index = format!(r#"{{"weight_map": {{"a": {name:?}}}}}"#);
            assert!(shard_names(index.as_bytes()).is_err(), "{name}");
        }
    }

    #[test]
    fn nonsense_is_a_failure_with_the_files_name() {
        for index in [
            &b"{"[..],
            br#"{"weight_map": {}}"#,
            br#"{"weight_map": 3}"#,
            b"<html>",
        ] {
            let failure = shard_names(index).unwrap_err();
            let told = Language::En.words().failures.tell(&failure);
            assert!(told.what.contains("index.json"), "{told:?}");
        }
    }
}
