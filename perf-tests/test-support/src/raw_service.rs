//! A service on plain sockets, with a thread for each connection. It can close a connection
//! without a response, freeze, stop and start again.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails the test")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// A request as the service sees it.
pub struct RawRequest {
    /// Its number on its connection, from 1.
    pub number: u64,
    /// The time since the previous response on its connection.
    pub idle: Duration,
    /// The time since the service started.
    pub at: Duration,
    /// Its first line, with method and path.
    pub line: String,
}

/// The service's reaction to a request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Responds with 200.
    Respond,
    /// Responds with 999, as some services do to clients that they do not serve.
    Deny,
    /// Closes the connection without a response.
    Close,
    /// Resets the connection without a response.
    Reset,
}

struct RawState {
    act: Box<dyn Fn(&RawRequest) -> Action + Send + Sync>,
    started: Instant,
    connections: AtomicU64,
    requests: AtomicU64,
    is_stopped: AtomicBool,
    open: Mutex<Vec<TcpStream>>,
}

/// A service on plain sockets.
pub struct RawService {
    /// Its URL.
    pub url: String,
    address: SocketAddr,
    state: Arc<RawState>,
    accepting: Option<JoinHandle<()>>,
}

impl RawService {
    #[expect(clippy::disallowed_methods, reason = "a fake service has its own clock")]
    /// Starts it on a free port. `act` chooses the reaction to each request.
    pub fn start(act: impl Fn(&RawRequest) -> Action + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(RawState {
            act: Box::new(act),
            started: Instant::now(),
            connections: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            is_stopped: AtomicBool::new(false),
            open: Mutex::new(Vec::new()),
        });
        let accepting = Some(accept(listener, state.clone()));
        Self { url: format!("http://{address}"), address, state, accepting }
    }

    /// Number of connections so far.
    pub fn connections(&self) -> u64 {
        self.state.connections.load(Ordering::Relaxed)
    }

    /// Number of requests so far.
    pub fn requests(&self) -> u64 {
        self.state.requests.load(Ordering::Relaxed)
    }

    /// Closes the port and every connection.
    pub fn stop(&mut self) {
        self.state.is_stopped.store(true, Ordering::Relaxed);
        self.accepting.take().unwrap().join().unwrap();
        for stream in self.state.open.lock().unwrap().drain(..) {
            // An error means that the client has closed the connection.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Listens on the same port again.
    pub fn start_again(&mut self) {
        self.state.is_stopped.store(false, Ordering::Relaxed);
        let listener = TcpListener::bind(self.address).unwrap();
        self.accepting = Some(accept(listener, self.state.clone()));
    }
}

fn accept(listener: TcpListener, state: Arc<RawState>) -> JoinHandle<()> {
    listener.set_nonblocking(true).unwrap();
    thread::spawn(move || {
        while !state.is_stopped.load(Ordering::Relaxed) {
            let Ok((stream, _)) = listener.accept() else {
                thread::sleep(Duration::from_millis(1));
                continue;
            };
            stream.set_nonblocking(false).unwrap();
            stream.set_nodelay(true).unwrap();
            state.connections.fetch_add(1, Ordering::Relaxed);
            state.open.lock().unwrap().push(stream.try_clone().unwrap());
            let state = state.clone();
            thread::spawn(move || serve(stream, &state));
        }
    })
}

#[expect(clippy::disallowed_methods, reason = "a fake service has its own clock")]
fn serve(mut stream: TcpStream, state: &RawState) {
    // A small buffer, so that a reset leaves bytes of the request unread. This makes the reset.
    let mut reader = BufReader::with_capacity(16, stream.try_clone().unwrap());
    let mut last = Instant::now();
    for number in 1.. {
        let mut read_line = || {
            let mut line = String::new();
            // The client has closed the connection, or the service has stopped.
            reader.read_line(&mut line).ok().filter(|length| *length > 0).map(|_| line)
        };
        let Some(line) = read_line() else { return };
        state.requests.fetch_add(1, Ordering::Relaxed);
        let request = RawRequest { number, idle: last.elapsed(), at: state.started.elapsed(), line };
        let action = (state.act)(&request);
        while action != Action::Reset && read_line().is_some_and(|line| line != "\r\n") {}
        let response = match action {
            Action::Respond => "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\npong",
            Action::Deny => "HTTP/1.1 999 Denied\r\ncontent-length: 6\r\n\r\ndenied",
            Action::Close => {
                let _ = stream.shutdown(Shutdown::Both);
                return;
            }
            Action::Reset => {
                state.open.lock().unwrap().retain(|open| open.peer_addr().ok() != stream.peer_addr().ok());
                return;
            }
        };
        if stream.write_all(response.as_bytes()).is_err() {
            return;
        }
        last = Instant::now();
    }
}
