//! A static file server for the built page: loopback only, GET and HEAD only, one thread a connection.
//!
//! Small enough to read, because the page needs no more: the right MIME types (a browser compiles wasm as it streams
//! only under `application/wasm`), no caching, the rest of a file from a byte on (for downloads that are resumed), and
//! nothing outside its folder.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// Longest request head that is read.
const MAX_HEAD: u64 = 16 * 1024;

/// A server bound to a port, not yet answering.
#[derive(Debug)]
pub struct StaticServer {
    listener: TcpListener,
    address: SocketAddr,
    folder: Arc<PathBuf>,
}

impl StaticServer {
    /// Listens on `127.0.0.1:port` (0: any free port) for files under `folder`.
    pub fn bind(folder: PathBuf, port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        let address = listener.local_addr()?;
        Ok(Self {
            listener,
            address,
            folder: Arc::new(folder),
        })
    }

    /// `http://127.0.0.1:port`, without a closing slash.
    pub fn address(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Answers until the process ends.
    pub fn serve(self) {
        self.serve_until(&AtomicBool::new(false));
    }

    fn serve_until(self, stopped: &AtomicBool) {
        for stream in self.listener.incoming().flatten() {
            if stopped.load(Ordering::Relaxed) {
                return;
            }
            let folder = Arc::clone(&self.folder);
            // A browser opens connections it may never use: each waits in its own thread, and not for ever.
            thread::spawn(move || {
                let _gone = answer(&stream, &folder);
            });
        }
    }

    /// Answers from a background thread; returns the address.
    pub fn spawn(self) -> String {
        let address = self.address();
        thread::spawn(move || self.serve());
        address
    }

    /// Answers from a background thread until stopped.
    pub fn start(self) -> Running {
        let address = self.address;
        let stopped = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stopped);
        let thread = thread::spawn(move || self.serve_until(&told));
        Running {
            address,
            stopped,
            thread,
        }
    }
}

/// A server that answers until it is stopped.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    stopped: Arc<AtomicBool>,
    thread: thread::JoinHandle<()>,
}

impl Running {
    /// `http://127.0.0.1:port`, without a closing slash.
    pub fn address(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stops: from now on nobody listens on the port.
    pub fn stop(self) {
        self.stopped.store(true, Ordering::Relaxed);
        // It waits for a connection: this is its last.
        let _woken = TcpStream::connect(self.address);
        let _ended = self.thread.join();
    }
}

/// Reads one request and writes its answer.
fn answer(stream: &TcpStream, folder: &Path) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let mut reader = BufReader::new(stream.take(MAX_HEAD));
    let mut request = String::new();
    reader.read_line(&mut request)?;
    // The headers must be read, or closing the connection would reset it before the answer arrives.
    let mut header = String::new();
    let mut first = 0;
    while reader.read_line(&mut header)? > 2 {
        first = rest_from(&header).unwrap_or(first);
        header.clear();
    }
    let mut words = request.split_whitespace();
    let (method, target) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    if method != "GET" && method != "HEAD" {
        return respond(
            stream,
            "405 Method Not Allowed",
            "text/plain",
            b"only GET and HEAD\n",
            true,
        );
    }
    match resolve(folder, target).and_then(|path| Some((mime(&path), std::fs::read(path).ok()?))) {
        Some((mime, body)) if first > 0 && first < body.len() => {
            let range = format!(
                "Content-Range: bytes {first}-{}/{}",
                body.len() - 1,
                body.len()
            );
            let status = format!("206 Partial Content\r\n{range}");
            respond(stream, &status, mime, &body[first..], method == "GET")
        }
        Some((mime, body)) => respond(stream, "200 OK", mime, &body, method == "GET"),
        None => respond(
            stream,
            "404 Not Found",
            "text/plain",
            b"not found\n",
            method == "GET",
        ),
    }
}

fn respond(
    mut stream: &TcpStream,
    status: &str,
    mime: &str,
    body: &[u8],
    with_body: bool,
) -> io::Result<()> {
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {mime}\r\nContent-Length: {}\r\nCache-Control: no-store\r\n\
         X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    if with_body {
        stream.write_all(body)?;
    }
    stream.flush()
}

/// The byte from which on a header asks for the rest of a file. Other ranges may be answered with the whole.
fn rest_from(header: &str) -> Option<usize> {
    let (name, value) = header.trim_end().split_once(':')?;
    let first = value.trim().strip_prefix("bytes=")?.strip_suffix('-')?;
    name.eq_ignore_ascii_case("range")
        .then(|| first.parse().ok())?
}

/// File under `folder` for a request target, `index.html` for a folder; `None` outside it or where no file is.
fn resolve(folder: &Path, target: &str) -> Option<PathBuf> {
    let path = target.split(['?', '#']).next()?;
    let path = percent_decode(path.strip_prefix('/')?)?;
    let relative = Path::new(&path);
    if path.contains('\\')
        || !relative
            .components()
            .all(|part| matches!(part, Component::Normal(_)))
    {
        return None;
    }
    let mut file = folder.join(relative);
    if file.is_dir() {
        file.push("index.html");
    }
    file.is_file().then_some(file)
}

fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte == b'%' {
            let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = rest.get(2..)?;
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

/// MIME type by the file's extension.
pub fn mime(path: &Path) -> &'static str {
    match path
        .extension()
        .and_then(|extension| extension.to_str())
        .unwrap_or("")
    {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "wasm" => "application/wasm",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "md" | "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Serves a folder with a few files; returns the address of the server.
    fn serve(name: &str) -> (PathBuf, SocketAddr) {
        let base = std::env::temp_dir().join(format!("fsr-static-{name}-{}", std::process::id()));
        std::fs::create_dir_all(base.join("public/models/a b")).expect("folder");
        std::fs::write(base.join("secret.txt"), "secret").expect("file");
        std::fs::write(base.join("public/index.html"), "<h1>page</h1>").expect("file");
        std::fs::write(base.join("public/app.wasm"), b"\0asm").expect("file");
        std::fs::write(base.join("public/models/a b/config.json"), "{}").expect("file");
        let server = StaticServer::bind(base.join("public"), 0).expect("bind");
        let address = server.address;
        server.spawn();
        (base, address)
    }

    fn request(address: SocketAddr, line: &str) -> String {
        let mut stream = TcpStream::connect(address).expect("connect");
        write!(
            stream,
            "{line} HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n"
        )
        .expect("send");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("answer");
        String::from_utf8_lossy(&answer).into_owned()
    }

    #[test]
    fn serves_files_with_their_types() {
        let (base, address) = serve("types");
        let page = request(address, "GET /");
        assert!(page.starts_with("HTTP/1.1 200 OK\r\n"), "{page}");
        assert!(
            page.contains("Content-Type: text/html") && page.ends_with("\r\n\r\n<h1>page</h1>"),
            "{page}"
        );
        assert!(
            request(address, "GET /app.wasm?v=1").contains("Content-Type: application/wasm\r\n")
        );
        assert!(request(address, "GET /models/a%20b/config.json").ends_with("\r\n\r\n{}"));
        let head = request(address, "HEAD /");
        assert!(
            head.contains("Content-Length: 13\r\n") && head.ends_with("\r\n\r\n"),
            "{head}"
        );
        let _ = std::fs::remove_dir_all(base);
    }

    #[test]
    fn serves_the_rest_of_a_file() {
        let (base, address) = serve("rest");
        let rest = |range: &str| {
            request(
                address,
                &format!("GET / HTTP/1.1\r\nrange: {range}\r\nX: y"),
            )
        };
        let answer = rest("bytes=4-");
        assert!(
            answer.starts_with("HTTP/1.1 206 Partial Content\r\n"),
            "{answer}"
        );
        assert!(
            answer.contains("Content-Range: bytes 4-12/13\r\n"),
            "{answer}"
        );
        assert!(
            answer.contains("Content-Length: 9\r\n") && answer.ends_with("\r\n\r\npage</h1>"),
            "{answer}"
        );
        // What it does not understand or does not have, it answers with the whole.
        for range in ["bytes=0-", "bytes=13-", "bytes=2-3", "bytes=-2", "lines=1-"] {
            let answer = rest(range);
            assert!(
                answer.starts_with("HTTP/1.1 200 OK\r\n"),
                "{range}: {answer}"
            );
        }
        let _ = std::fs::remove_dir_all(base);
    }

    #[test]
    fn a_stopped_server_does_not_listen() {
        let folder = std::env::temp_dir();
        let server = StaticServer::bind(folder, 0).expect("bind").start();
        let address = server.address;
        assert!(TcpStream::connect(address).is_ok());
        server.stop();
        assert!(TcpStream::connect(address).is_err());
    }

    #[test]
    fn serves_nothing_outside_its_folder() {
        let (base, address) = serve("outside");
        for target in [
            "/../secret.txt",
            "/%2e%2e/secret.txt",
            "/models/../../secret.txt",
            "//etc/passwd",
            "/none",
            "/%zz",
            "x",
        ] {
            let answer = request(address, &format!("GET {target}"));
            assert!(answer.starts_with("HTTP/1.1 404 "), "{target}: {answer}");
        }
        assert!(request(address, "POST /").starts_with("HTTP/1.1 405 "));
        let _ = std::fs::remove_dir_all(base);
    }
}
