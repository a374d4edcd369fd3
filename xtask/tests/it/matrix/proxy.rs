//! A proxy before a store or a service that fails on demand.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use test_support::fake_server::accept_each;

/// The behavior of a proxy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Mode {
    /// Forwards requests.
    Forward,
    /// Forwards requests after a pause.
    Slow(Duration),
    /// Responds to writes with a status, and with the seconds of `Retry-After`, if not 0.
    Status(u16, u64),
    /// Resets the connection.
    Reset,
    /// Accepts requests and never responds.
    HalfOpen,
    /// Responds with a web page.
    Page,
    /// Forwards requests, and sends one byte of the response per number of milliseconds.
    Trickle(u64),
    /// Forwards requests of at most that many connections at a time, and closes others.
    AtMost(u64),
    /// Forwards requests, and those for `/metrics` only with this header `authorization`.
    Login(&'static str),
    /// Forwards writes at once, and queries after a pause.
    SlowQueries(Duration),
}

/// A proxy for HTTP/1.1 messages with a known length.
#[derive(Clone)]
pub(crate) struct Proxy {
    mode: Arc<Mutex<Mode>>,
    writes: Arc<AtomicU64>,
    queries: Arc<AtomicU64>,
    open: Arc<AtomicU64>,
    port: u16,
    upstream: u16,
}

impl Proxy {
    pub(crate) fn before(upstream: u16) -> Self {
        let mut proxy = Self {
            mode: Arc::new(Mutex::new(Mode::Forward)),
            writes: Arc::default(),
            queries: Arc::default(),
            open: Arc::default(),
            port: 0,
            upstream,
        };
        let serving = proxy.clone();
        let address = accept_each(move |stream| {
            serving.open.fetch_add(1, Ordering::SeqCst);
            // An error ends the connection.
            let _ = serving.serve(stream);
            serving.open.fetch_sub(1, Ordering::SeqCst);
        });
        proxy.port = address.port();
        proxy
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn set(&self, mode: Mode) {
        *self.mode.lock().unwrap() = mode;
    }

    /// The number of received requests with a body.
    pub(crate) fn writes(&self) -> u64 {
        self.writes.load(Ordering::SeqCst)
    }

    /// The number of received requests without a body.
    pub(crate) fn queries(&self) -> u64 {
        self.queries.load(Ordering::SeqCst)
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
            let counter = if is_write { &self.writes } else { &self.queries };
            counter.fetch_add(1, Ordering::SeqCst);
            match self.mode() {
                Mode::Forward | Mode::AtMost(_) => stream.write_all(&self.forward(&request)?)?,
                Mode::Login(authorization) => {
                    let is_refused =
                        request.starts_with(b"GET /metrics ") && find(&request, authorization.as_bytes()).is_none();
                    let refusal = || b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n".to_vec();
                    stream.write_all(&if is_refused { refusal() } else { self.forward(&request)? })?;
                }
                Mode::Slow(pause) => {
                    thread::sleep(pause);
                    stream.write_all(&self.forward(&request)?)?;
                }
                Mode::SlowQueries(pause) => {
                    thread::sleep(if is_write { Duration::ZERO } else { pause });
                    stream.write_all(&self.forward(&request)?)?;
                }
                Mode::Status(status, after) if is_write => {
                    let again = if after > 0 { format!("Retry-After: {after}\r\n") } else { String::new() };
                    let response = format!("HTTP/1.1 {status} No\r\n{again}Content-Length: 4\r\n\r\nno.\n");
                    stream.write_all(response.as_bytes())?;
                }
                Mode::Status(..) => stream.write_all(&self.forward(&request)?)?,
                Mode::Reset => {
                    // With a linger of zero, closing the connection resets it.
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
                    for byte in self.forward(&request)? {
                        stream.write_all(&[byte])?;
                        thread::sleep(Duration::from_millis(pause));
                    }
                }
            }
        }
        Ok(())
    }

    /// Sends a request to the upstream server. Gives the response.
    fn forward(&self, request: &[u8]) -> std::io::Result<Vec<u8>> {
        let mut upstream = TcpStream::connect(("127.0.0.1", self.upstream))?;
        upstream.write_all(request)?;
        Ok(read_message(&mut upstream)?.map(|(response, _)| response).unwrap_or_default())
    }
}

/// Reads a whole request or response. Gives it with whether it has
/// a body; `None` at the end of the connection.
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
