//! A file server that misbehaves as it is told to, one answer after another.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// How to answer one request.
#[derive(Debug, Clone, Copy)]
pub enum Answer {
    /// Rightly: the range that was asked for, if there was one.
    Right,
    /// The whole file, whatever was asked for.
    Whole,
    /// Rightly, but the connection ends after this many bytes.
    Cut(usize),
    /// Rightly, but after this many bytes nothing more comes, and the connection stays.
    Stall(usize),
    /// This status and nothing else.
    Status(u16),
}

/// What is served, and what was asked.
#[derive(Debug, Default)]
struct State {
    body: Vec<u8>,
    etag: Option<&'static str>,
    script: VecDeque<Answer>,
    requests: Vec<String>,
}

/// The server; ends with the test's process.
pub struct Server {
    /// Where the file is.
    pub url: String,
    state: Arc<Mutex<State>>,
}

impl Server {
    /// Serves `body`; when `script` is used up, rightly.
    pub fn start(body: &[u8], etag: Option<&'static str>, script: &[Answer]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/file", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State {
            body: body.into(),
            etag,
            script: script.iter().copied().collect(),
            requests: Vec::new(),
        }));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                // A client that leaves is no failure of the server.
                thread::spawn(move || answer(stream, &shared).ok());
            }
        });
        Self { url, state }
    }

    /// Replaces what is served.
    pub fn change(&self, body: &[u8], etag: Option<&'static str>) {
        let mut state = self.state.lock().unwrap();
        (state.body, state.etag) = (body.into(), etag);
    }

    /// Heads of the requests so far, in lower case.
    pub fn requests(&self) -> Vec<String> {
        self.state.lock().unwrap().requests.clone()
    }
}

fn answer(mut stream: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut head = String::new();
    let mut reader = BufReader::new(stream.try_clone()?);
    while reader.read_line(&mut head)? > 2 {}
    let head = head.to_lowercase();
    let header = |name: &str| {
        head.lines()
            .find_map(|line| line.strip_prefix(&format!("{name}: ")).map(str::trim))
    };
    let (answer, body, etag) = {
        let mut state = state.lock().unwrap();
        state.requests.push(head.clone());
        let answer = state.script.pop_front().unwrap_or(Answer::Right);
        (answer, state.body.clone(), state.etag)
    };
    if let Answer::Status(status) = answer {
        return write!(
            stream,
            "HTTP/1.1 {status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
    }
    let start = header("range")
        .and_then(|range| {
            range
                .strip_prefix("bytes=")?
                .strip_suffix('-')?
                .parse()
                .ok()
        })
        .filter(|_| !matches!(answer, Answer::Whole))
        .filter(|_| header("if-range").is_none_or(|asked| Some(asked) == etag))
        .unwrap_or(0);
    let tag = etag.map_or_else(String::new, |etag| format!("ETag: {etag}\r\n"));
    if start > 0 && start >= body.len() {
        return write!(
            stream,
            "HTTP/1.1 416 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
    }
    let piece = &body[start..];
    let (status, range) = match start {
        0 => ("200 OK", String::new()),
        start => (
            "206 Partial Content",
            format!(
                "Content-Range: bytes {start}-{}/{}\r\n",
                body.len() - 1,
                body.len()
            ),
        ),
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\n{range}{tag}Connection: close\r\n\r\n",
        piece.len()
    )?;
    match answer {
        Answer::Cut(bytes) => stream.write_all(&piece[..bytes]),
        Answer::Stall(bytes) => {
            stream.write_all(&piece[..bytes])?;
            stream.flush()?;
            // Until the client has had enough and closes.
            reader.read_to_end(&mut Vec::new()).map(|_| ())
        }
        _ => stream.write_all(piece),
    }
}
