//! An HTTP proxy in the test's process that opens tunnels (CONNECT), or fails on demand.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails the test")]

use std::io::{BufRead as _, BufReader, Write as _, copy};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

#[derive(Default)]
struct ProxyState {
    /// The only accepted value of `proxy-authorization`; empty if none is required.
    credentials: String,
    /// The status of refused tunnels; 0 if tunnels are opened.
    status: AtomicU16,
    /// The number of tunnels after which the status is sent.
    most_tunnels: AtomicU64,
    tunnels: AtomicU64,
    heads: Mutex<Vec<String>>,
}

/// A proxy. It connects to the port of each destination on this machine, whatever its name.
pub struct FakeProxy {
    /// Host and port.
    pub authority: String,
    state: Arc<ProxyState>,
}

impl FakeProxy {
    /// Starts a proxy that requires this value of `proxy-authorization`, unless it is empty.
    pub fn start(credentials: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let authority = listener.local_addr().unwrap().to_string();
        let state = Arc::new(ProxyState { credentials: credentials.to_owned(), ..ProxyState::default() });
        let serving = state.clone();
        // The thread and its connections end with the process.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = serving.clone();
                // An error ends the connection.
                thread::spawn(move || drop(serve(stream, &state)));
            }
        });
        Self { authority, state }
    }

    /// Refuses further tunnels with a status once it has opened `most`.
    pub fn refuse_after(&self, most: u64, status: u16) {
        self.state.most_tunnels.store(most, Ordering::SeqCst);
        self.state.status.store(status, Ordering::SeqCst);
    }

    /// The number of tunnels that it opened.
    pub fn tunnels(&self) -> u64 {
        self.state.tunnels.load(Ordering::SeqCst)
    }

    /// The distinct heads of requests so far.
    pub fn heads(&self) -> Vec<String> {
        let mut heads = self.state.heads.lock().unwrap().clone();
        heads.sort();
        heads.dedup();
        heads
    }
}

fn serve(mut client: TcpStream, state: &ProxyState) -> std::io::Result<()> {
    let mut reader = BufReader::with_capacity(1, client.try_clone()?);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Ok(());
        }
    }
    state.heads.lock().unwrap().push(head.clone());
    let required = format!("proxy-authorization: {}\r\n", state.credentials);
    let refused = |status: u16| format!("HTTP/1.1 {status} No\r\ncontent-length: 3\r\n\r\nno\n");
    if !state.credentials.is_empty() && !head.contains(&required) {
        return client.write_all(refused(407).as_bytes());
    }
    let Some(destination) = head.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next()) else {
        return client.write_all(refused(400).as_bytes());
    };
    let status = state.status.load(Ordering::SeqCst);
    if status > 0 && state.tunnels.load(Ordering::SeqCst) >= state.most_tunnels.load(Ordering::SeqCst) {
        return client.write_all(refused(status).as_bytes());
    }
    let port = destination.rsplit(':').next().and_then(|port| port.parse::<u16>().ok()).unwrap_or_default();
    let Ok(mut target) = TcpStream::connect(("127.0.0.1", port)) else {
        return client.write_all(refused(502).as_bytes());
    };
    target.set_nodelay(true)?;
    client.set_nodelay(true)?;
    state.tunnels.fetch_add(1, Ordering::SeqCst);
    client.write_all(b"HTTP/1.1 200 Connection established\r\nvia: 1.1 fake\r\n\r\n")?;
    let (mut from, mut to) = (target.try_clone()?, client.try_clone()?);
    let back = thread::spawn(move || {
        // The client may have closed its side before.
        drop(copy(&mut from, &mut to));
        drop(to.shutdown(Shutdown::Write));
    });
    drop(copy(&mut client, &mut target));
    target.shutdown(Shutdown::Write)?;
    drop(back.join());
    Ok(())
}
