//! A file server that any page may read from, that remembers what it was asked, and that stalls or breaks off when told.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;
use xtask::static_server::mime;

/// What goes wrong with a file, after so many of its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing more comes, and the connection stays.
    Stall(usize),
    /// The connection ends.
    Cut(usize),
}

/// A request: the path, and the byte from which on the file was asked for.
pub type Request = (String, usize);

/// A running server; it ends with the process.
#[derive(Debug)]
pub struct FaultyServer {
    /// `http://127.0.0.1:port`, without a closing slash.
    pub address: String,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    folder: PathBuf,
    faults: Mutex<BTreeMap<String, Fault>>,
    requests: Mutex<Vec<Request>>,
}

impl FaultyServer {
    /// Serves the files under `folder`.
    pub fn start(folder: &Path) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = format!("http://{}", listener.local_addr()?);
        let state = Arc::new(State {
            folder: folder.to_path_buf(),
            faults: Mutex::default(),
            requests: Mutex::default(),
        });
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                thread::spawn(move || {
                    let _gone = state.answer(&stream);
                });
            }
        });
        Ok(Self { address, state })
    }

    /// From now on `path` (from `/` on) goes wrong, or is right again.
    pub fn set(&self, path: &str, fault: Option<Fault>) {
        let mut faults = lock(&self.state.faults);
        match fault {
            Some(fault) => faults.insert(path.to_owned(), fault),
            None => faults.remove(path),
        };
    }

    /// What it was asked so far.
    pub fn requests(&self) -> Vec<Request> {
        lock(&self.state.requests).clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl State {
    fn answer(&self, stream: &TcpStream) -> io::Result<()> {
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let target = line.split_whitespace().nth(1).unwrap_or("/");
        let path = target.split('?').next().unwrap_or("/").to_owned();
        let mut from = 0;
        let mut header = String::new();
        while reader.read_line(&mut header)? > 2 {
            let lower = header.trim_end().to_ascii_lowercase();
            let range = lower.strip_prefix("range: bytes=");
            from = range
                .and_then(|range| range.strip_suffix('-')?.parse().ok())
                .unwrap_or(from);
            header.clear();
        }
        lock(&self.requests).push((path.clone(), from));
        let fault = lock(&self.faults).get(&path).copied();
        let mut file = self.folder.join(path.trim_start_matches('/'));
        if file.is_dir() {
            file.push("index.html");
        }
        let mut out = stream;
        let Ok(body) = std::fs::read(&file) else {
            return out.write_all(b"HTTP/1.1 404 Not Found\r\nAccess-Control-Allow-Origin: *\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        };
        let from = from.min(body.len());
        let status = match from {
            0 => "200 OK".to_owned(),
            _ => format!(
                "206 Partial Content\r\nContent-Range: bytes {from}-{}/{}",
                body.len() - 1,
                body.len()
            ),
        };
        write!(
            out,
            "HTTP/1.1 {status}\r\nContent-Type: {}\r\nContent-Length: {}\r\nAccess-Control-Allow-Origin: *\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n",
            mime(&file),
            body.len() - from
        )?;
        let end = match fault {
            Some(Fault::Stall(bytes) | Fault::Cut(bytes)) => bytes.clamp(from, body.len()),
            None => body.len(),
        };
        out.write_all(&body[from..end])?;
        out.flush()?;
        if matches!(fault, Some(Fault::Stall(_))) {
            // Until the other side goes away.
            reader.get_ref().set_read_timeout(None)?;
            while reader.read_line(&mut header)? > 0 {
                header.clear();
            }
        }
        Ok(())
    }
}
