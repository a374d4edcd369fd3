//! A proxy before a store, or before a service, that fails on demand.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What a proxy does with what comes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Mode {
    /// Hands it on.
    Forward,
    /// Hands it on after a while.
    Slow(Duration),
    /// Answers writes with a status, and asks to be left alone for so many seconds, if any.
    Status(u16, u64),
    /// Resets the connection.
    Reset,
    /// Takes it and never answers.
    HalfOpen,
    /// Answers a web page.
    Page,
    /// Hands it on and lets the answer trickle: a byte each so many milliseconds.
    Trickle(u64),
    /// Hands on what comes on so many connections at once, and closes others.
    AtMost(u64),
    /// Hands on writes, and questions after a while.
    SlowQuestions(Duration),
}

/// A proxy for HTTP/1.1 with known lengths.
#[derive(Clone)]
pub(crate) struct Proxy {
    mode: Arc<Mutex<Mode>>,
    writes: Arc<AtomicU64>,
    questions: Arc<AtomicU64>,
    open: Arc<AtomicU64>,
    port: u16,
    upstream: u16,
}

impl Proxy {
    pub(crate) fn before(upstream: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Self {
            mode: Arc::new(Mutex::new(Mode::Forward)),
            writes: Arc::default(),
            questions: Arc::default(),
            open: Arc::default(),
            port: listener.local_addr().unwrap().port(),
            upstream,
        };
        let serving = proxy.clone();
        // Ends with the process, as its connections do.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let proxy = serving.clone();
                thread::spawn(move || {
                    proxy.open.fetch_add(1, Ordering::SeqCst);
                    // An error is the end of a connection.
                    let _ = proxy.serve(stream);
                    proxy.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        proxy
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn set(&self, mode: Mode) {
        *self.mode.lock().unwrap() = mode;
    }

    /// Requests with a body that came.
    pub(crate) fn writes(&self) -> u64 {
        self.writes.load(Ordering::SeqCst)
    }

    /// Those without.
    pub(crate) fn questions(&self) -> u64 {
        self.questions.load(Ordering::SeqCst)
    }

    fn mode(&self) -> Mode {
        *self.mode.lock().unwrap()
    }

    fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        if let Mode::AtMost(most) = self.mode()
            && self.open.load(Ordering::SeqCst) > most
        {
            return stream.shutdown(Shutdown::Both);
        }
        while let Some((request, is_write)) = read_message(&mut stream)? {
            let counter = if is_write { &self.writes } else { &self.questions };
            counter.fetch_add(1, Ordering::SeqCst);
            match self.mode() {
                Mode::Forward | Mode::AtMost(_) => stream.write_all(&self.ask(&request)?)?,
                Mode::Slow(pause) => {
                    thread::sleep(pause);
                    stream.write_all(&self.ask(&request)?)?;
                }
                Mode::SlowQuestions(pause) => {
                    thread::sleep(if is_write { Duration::ZERO } else { pause });
                    stream.write_all(&self.ask(&request)?)?;
                }
                Mode::Status(status, after) if is_write => {
                    let again = if after > 0 { format!("Retry-After: {after}\r\n") } else { String::new() };
                    let answer = format!("HTTP/1.1 {status} No\r\n{again}Content-Length: 4\r\n\r\nno.\n");
                    stream.write_all(answer.as_bytes())?;
                }
                Mode::Status(..) => stream.write_all(&self.ask(&request)?)?,
                Mode::Reset => {
                    // Closed with something unread, and so reset; what is left out is that nobody answered.
                    rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO))?;
                    return Ok(());
                }
                Mode::HalfOpen => {
                    while self.mode() == Mode::HalfOpen {
                        thread::sleep(Duration::from_millis(100));
                    }
                    return Ok(());
                }
                Mode::Page => {
                    let page = "<html><body>Please log in</body></html>";
                    let head =
                        format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n", page.len());
                    stream.write_all((head + page).as_bytes())?;
                }
                Mode::Trickle(pause) => {
                    for byte in self.ask(&request)? {
                        stream.write_all(&[byte])?;
                        thread::sleep(Duration::from_millis(pause));
                    }
                }
            }
        }
        Ok(())
    }

    fn ask(&self, request: &[u8]) -> std::io::Result<Vec<u8>> {
        let mut upstream = TcpStream::connect(("127.0.0.1", self.upstream))?;
        upstream.write_all(request)?;
        Ok(read_message(&mut upstream)?.map(|(answer, _)| answer).unwrap_or_default())
    }
}

/// A request or an answer, whole, and whether it has a body; none at the end of the connection.
fn read_message(stream: &mut TcpStream) -> std::io::Result<Option<(Vec<u8>, bool)>> {
    let (mut message, mut buffer) = (Vec::new(), [0; 16 * 1024]);
    let end = loop {
        if let Some(end) = find(&message, b"\r\n\r\n") {
            break end + 4;
        }
        match stream.read(&mut buffer)? {
            0 => return Ok(None),
            count => message.extend_from_slice(&buffer[..count]),
        }
    };
    let head = String::from_utf8_lossy(&message[..end]).to_ascii_lowercase();
    let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<usize>().ok());
    let length = header("content-length:").unwrap_or(0);
    let is_chunked = head.contains("transfer-encoding: chunked");
    while if is_chunked {
        !message.ends_with(b"\r\n0\r\n\r\n") && !message.ends_with(b"\n0\r\n\r\n")
    } else {
        message.len() < end + length
    } {
        match stream.read(&mut buffer)? {
            0 => break,
            count => message.extend_from_slice(&buffer[..count]),
        }
    }
    Ok(Some((message, length > 0)))
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}
