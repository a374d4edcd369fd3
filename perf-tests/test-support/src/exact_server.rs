//! A server that sends exact bytes: over HTTP/1.1 a whole response, over HTTP/2 headers and a body.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails the test")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use bytes::Bytes;

use crate::fake_server::accept_each;

/// Headers and body of a response to a path.
pub type Respond = fn(&str) -> (Vec<(&'static str, String)>, Vec<u8>);

/// A request line with the header lines below it, and the body.
pub type Received = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// A server of exact bytes.
pub struct ExactServer {
    /// Its URL.
    pub url: String,
    received: Received,
}

/// Settings, as variables and their values.
pub type Given = &'static [(&'static str, &'static str)];

impl ExactServer {
    /// A server for each protocol, and the settings that use it.
    pub fn both_protocols(respond: Respond) -> [(Self, Given); 2] {
        [(Self::http1(respond), &[]), (Self::http2(respond), &[("PERF_HTTP2", "1")])]
    }

    /// Serves HTTP/1.1. The response has a content-length, except to HEAD.
    pub fn http1(respond: Respond) -> Self {
        Self::start(respond, serve_http1)
    }

    /// Serves HTTP/2 by prior knowledge.
    pub fn http2(respond: Respond) -> Self {
        Self::start(respond, serve_http2)
    }

    fn start(respond: Respond, serve: fn(TcpStream, Respond, &Received)) -> Self {
        let received = Received::default();
        let shared = received.clone();
        let address = accept_each(move |stream| serve(stream, respond, &shared));
        Self { url: format!("http://{address}"), received }
    }

    /// Heads in lower case, and bodies, of the requests to a path.
    pub fn received(&self, path: &str) -> Vec<(String, Vec<u8>)> {
        let received = self.received.lock().unwrap();
        received.iter().filter(|(head, _)| head.split(' ').nth(1) == Some(path)).cloned().collect()
    }
}

fn serve_http1(mut stream: TcpStream, respond: Respond, received: &Received) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head).unwrap_or(0) == 0 {
                return;
            }
        }
        let head = head.to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).map(|it| it.parse().unwrap());
        let mut body = vec![0; length.unwrap_or(0)];
        reader.read_exact(&mut body).unwrap();
        let path = head.split(' ').nth(1).unwrap().to_owned();
        let is_head = head.starts_with("head ");
        received.lock().unwrap().push((head, body));
        let (headers, body) = respond(&path);
        let mut response = "HTTP/1.1 200 OK\r\n".to_owned();
        headers.iter().for_each(|(name, value)| response.push_str(&format!("{name}: {value}\r\n")));
        response.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
        let body = if is_head { &[][..] } else { &body };
        if stream.write_all(&[response.as_bytes(), body].concat()).is_err() {
            return;
        }
    }
}

fn serve_http2(stream: TcpStream, respond: Respond, received: &Received) {
    stream.set_nonblocking(true).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let stream = tokio::net::TcpStream::from_std(stream).unwrap();
        let Ok(mut connection) = h2::server::handshake(stream).await else { return };
        while let Some(Ok((request, mut reply))) = connection.accept().await {
            let mut head = format!("{} {} http/2\n", request.method(), request.uri().path()).to_lowercase();
            for (name, value) in request.headers() {
                head.push_str(&format!("{name}: {}\n", value.to_str().unwrap()));
            }
            received.lock().unwrap().push((head, Vec::new()));
            let (headers, body) = respond(request.uri().path());
            let mut response = http::Response::builder().status(200);
            for (name, value) in headers {
                response = response.header(name, value);
            }
            let mut send = reply.send_response(response.body(()).unwrap(), false).unwrap();
            send.send_data(Bytes::from(body), true).unwrap();
        }
    });
}
