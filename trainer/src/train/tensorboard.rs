//! Event files that TensorBoard reads: protobuf messages in TFRecord frames.
//!
//! Written here, because none of the crates for it is kept up: `tensorboard-rs` stopped in 2022 (on `image` 0.23),
//! `tfrecord` in 2023, `tboard` in January 2024 (and needs `protoc` to build). Four fields of two messages are enough:
//! `Event { wall_time = 1, step = 2, file_version = 3, summary = 5, session_log = 7 }` and
//! `Summary.Value { tag = 1, simple_value = 2 }`.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};

/// Folder of event files in a run.
pub const FOLDER: &str = "tensorboard";

/// What the first event of a file says.
const FILE_VERSION: &[u8] = b"brain.Event:2";

/// An event file open for writing.
pub struct EventWriter {
    file: File,
}

impl EventWriter {
    /// A new file in the run's folder. `after` is the step that the training goes on from: TensorBoard then leaves out
    /// what earlier files say of later steps, as they are trained again.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn create(run: &Path, after: usize) -> Result<Self> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let folder = run.join(FOLDER);
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make folder {}", folder.display()))?;
        // Files are read in the order of their names: by time, then by step.
        let path = folder.join(format!(
            "events.out.tfevents.{:010}.fsr.{after:08}",
            now.as_secs()
        ));
        let file =
            File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        let mut writer = Self { file };
        writer.write(&version(now))?;
        if after > 0 {
            writer.write(&restart(now, after + 1))?;
        }
        Ok(writer)
    }

    /// Adds the values of a step.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn add(&mut self, step: usize, values: &[(&str, f32)]) -> Result<()> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        self.write(&scalars(now, step, values))
    }

    fn write(&mut self, event: &[u8]) -> Result<()> {
        // In one piece, so that a kill leaves at most one frame cut short, which readers pass over.
        self.file
            .write_all(&framed(event))
            .context("cannot write the TensorBoard event file")
    }
}

fn version(time: Duration) -> Vec<u8> {
    let mut event = begin(time, 0);
    bytes(&mut event, 3, FILE_VERSION);
    event
}

/// `SessionLog { status: START }`: what was said of `step` and later no longer counts.
fn restart(time: Duration, step: usize) -> Vec<u8> {
    let mut event = begin(time, step);
    let mut log = Vec::new();
    integer(&mut log, 1, 1);
    bytes(&mut event, 7, &log);
    event
}

fn scalars(time: Duration, step: usize, values: &[(&str, f32)]) -> Vec<u8> {
    let mut summary = Vec::new();
    for (tag, value) in values {
        let mut field = Vec::new();
        bytes(&mut field, 1, tag.as_bytes());
        key(&mut field, 2, 5);
        field.extend(value.to_le_bytes());
        bytes(&mut summary, 1, &field);
    }
    let mut event = begin(time, step);
    bytes(&mut event, 5, &summary);
    event
}

fn begin(time: Duration, step: usize) -> Vec<u8> {
    let mut event = Vec::new();
    key(&mut event, 1, 1);
    event.extend(time.as_secs_f64().to_le_bytes());
    if step > 0 {
        integer(&mut event, 2, step as u64);
    }
    event
}

/// A field's number and its wire type: 0 integer, 1 eight bytes, 2 length and bytes, 5 four bytes.
fn key(message: &mut Vec<u8>, field: u8, wire: u8) {
    message.push(field << 3 | wire);
}

fn integer(message: &mut Vec<u8>, field: u8, value: u64) {
    key(message, field, 0);
    varint(message, value);
}

fn bytes(message: &mut Vec<u8>, field: u8, value: &[u8]) {
    key(message, field, 2);
    varint(message, value.len() as u64);
    message.extend(value);
}

fn varint(message: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        message.push(value as u8 | 0x80);
        value >>= 7;
    }
    message.push(value as u8);
}

/// A TFRecord: length, its checksum, the bytes, theirs.
fn framed(record: &[u8]) -> Vec<u8> {
    let masked = |bytes: &[u8]| {
        let sum = crc32c::crc32c(bytes).rotate_right(15);
        sum.wrapping_add(0xa282_ead8).to_le_bytes()
    };
    let length = (record.len() as u64).to_le_bytes();
    let mut frame = Vec::with_capacity(record.len() + 16);
    frame.extend(length);
    frame.extend(masked(&length));
    frame.extend(record);
    frame.extend(masked(record));
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By TensorBoard's own Python package: `RecordWriter` on `Event` messages of the same content.
    const GOLDEN: &str = "1800000000000000a37f4b220900002040fc54d9411a0d627261696e2e4576656e743a32\
                          2b353110100000000000000095fbfe180900002040fc54d94110ac023a020801b94512a3\
                          3700000000000000e7e8ca590900005040fc54d94110b8022a290a110a0a6c6f73732f74\
                          6f74616c150000403f0a140a0d6c6561726e696e675f726174651517b7d138c6363339";

    #[test]
    fn bytes_are_those_of_tensorboards_own_writer() {
        let time = |seconds| Duration::from_secs_f64(1.7e9 + seconds);
        let values = [("loss/total", 0.75), ("learning_rate", 1e-4)];
        let file = [
            framed(&version(time(0.5))),
            framed(&restart(time(0.5), 300)),
            framed(&scalars(time(1.25), 312, &values)),
        ]
        .concat();
        assert_eq!(hex::encode(file), GOLDEN);
    }
}
