//! HTTP servers in the test's process. Each has a free loopback port and its own thread.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails the test")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use axum::Router;
use axum::serve::ListenerExt as _;
use tokio::runtime::Builder;
use tokio::sync::Notify;

/// Limit on a request that [`respond`] reads, in bytes.
const MAX_REQUEST: usize = 64 << 10;

fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// A loopback port that is free now. Another process may take it later.
pub fn free_port() -> u16 {
    listen().1.port()
}

/// A loopback URL at which no server listens.
pub fn unreachable_url() -> String {
    format!("http://{}", listen().1)
}

/// Serves a router until the process ends or `stop` is notified, and counts its connections.
/// Returns the URL.
pub fn serve(router: Router, stop: Arc<Notify>, connections: Arc<AtomicU64>) -> String {
    let (listener, address) = listen();
    listener.set_nonblocking(true).unwrap();
    thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap().tap_io(move |_| {
                connections.fetch_add(1, Ordering::Relaxed);
            });
            tokio::select! {
                served = axum::serve(listener, router) => served.unwrap(),
                () = stop.notified() => {}
            }
        });
    });
    format!("http://{address}")
}

/// Serves a router at a new Unix socket of this path, until the process ends or `stop` is notified.
/// Then it closes all connections, and the socket's file stays.
#[cfg(unix)]
pub fn serve_at_socket(router: Router, path: &std::path::Path, stop: Arc<Notify>) -> JoinHandle<()> {
    // An error means that there is no earlier socket.
    let _ = std::fs::remove_file(path);
    let listener = std::os::unix::net::UnixListener::bind(path).unwrap();
    listener.set_nonblocking(true).unwrap();
    thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::UnixListener::from_std(listener).unwrap();
            tokio::select! {
                served = axum::serve(listener, router) => served.unwrap(),
                () = stop.notified() => {}
            }
        });
    })
}

/// Accepts one connection and passes it to `handle`, which may violate any rule of HTTP. Join the
/// thread to get its panic.
pub fn accept_one(handle: impl FnOnce(TcpStream) + Send + 'static) -> (SocketAddr, JoinHandle<()>) {
    let (listener, address) = listen();
    (address, thread::spawn(move || handle(listener.accept().unwrap().0)))
}

/// Passes each connection to `handle`, on a thread of its own, until the process ends. Returns the
/// server's address.
pub fn accept_each(handle: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    accept_each_at("127.0.0.1:0", handle)
}

/// As [`accept_each`], at an address such as `0.0.0.0:0`.
pub fn accept_each_at(address: &str, handle: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind(address).unwrap();
    let (address, handle) = (listener.local_addr().unwrap(), Arc::new(handle));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, handle) = (stream.unwrap(), Arc::clone(&handle));
            thread::spawn(move || handle(stream));
        }
    });
    address
}

/// Serves one request for each connection. `respond_to` makes the status line and the JSON body
/// from the request's text. Returns the server's URL.
pub fn respond(respond_to: impl Fn(&str) -> (&'static str, String) + Send + Sync + 'static) -> String {
    respond_at("127.0.0.1:0", respond_to)
}

/// As [`respond`], at an address such as `[::1]:0`.
pub fn respond_at(
    address: &str,
    respond_to: impl Fn(&str) -> (&'static str, String) + Send + Sync + 'static,
) -> String {
    let address = accept_each_at(address, move |mut stream| {
        let (status, body) = respond_to(&read_request(&mut stream));
        let head = format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\nconnection: close");
        write!(stream, "{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).unwrap();
    });
    format!("http://{address}")
}

/// The text of a request with its body. It may arrive in several pieces.
fn read_request(stream: &mut TcpStream) -> String {
    let (mut buffer, mut length) = (vec![0; MAX_REQUEST], 0);
    loop {
        let read = stream.read(&mut buffer[length..]).unwrap();
        length += read;
        let text = String::from_utf8_lossy(&buffer[..length]);
        if read == 0 || is_complete(&text) {
            return text.into_owned();
        }
    }
}

/// Whether the head has ended and the body is as long as `content-length`.
fn is_complete(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else { return false };
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().unwrap())
    };
    body.len() >= head.lines().find_map(header).unwrap_or(0)
}

#[cfg(test)]
mod tests;
