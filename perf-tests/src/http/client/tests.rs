//! Endless bodies, over HTTP/1.1 and HTTP/2.

use std::future::poll_fn;
use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use perf_settings::HttpSettings;
use test_support::fake_server::accept_one;
use tokio::runtime::{Builder, Runtime};
use url::Url;

use super::HttpClient;
use crate::clock;
use crate::http::{HttpConfig, MAIN, Pool, Reply, RequestBody, RequestHead};

const CHUNK: usize = 64 << 10;
/// 256 MiB.
const CHUNKS: usize = 4096;
const MAX_BODY: u64 = 1 << 20;
/// Memory that an exchange may hold at once, in bytes.
const BOUND: u64 = 4 << 20;

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Sends zeros over HTTP/1.1, with this framing of the body.
fn send_zeros(framing: &'static str) -> SocketAddr {
    let (address, _) = accept_one(move |mut stream| {
        assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
        write!(stream, "HTTP/1.1 200 OK\r\n{framing}\r\n\r\n").unwrap();
        let zeros = vec![0; CHUNK];
        let is_chunked = framing.contains("chunked");
        for _ in 0..CHUNKS {
            if is_chunked {
                write!(stream, "{CHUNK:x}\r\n").unwrap();
            }
            stream.write_all(&zeros).unwrap();
            if is_chunked {
                stream.write_all(b"\r\n").unwrap();
            }
        }
        if is_chunked {
            stream.write_all(b"0\r\n\r\n").unwrap();
        }
    });
    address
}

/// Sends zeros over HTTP/2.
fn send_zeros_over_http2() -> SocketAddr {
    let (address, _) = accept_one(|stream| {
        stream.set_nonblocking(true).unwrap();
        runtime().block_on(async {
            let stream = tokio::net::TcpStream::from_std(stream).unwrap();
            let mut connection = h2::server::handshake(stream).await.unwrap();
            let (_, mut reply) = connection.accept().await.unwrap().unwrap();
            tokio::spawn(async move {
                let mut send = reply.send_response(http::Response::new(()), false).unwrap();
                let mut left = CHUNK * CHUNKS;
                while left > 0 {
                    send.reserve_capacity(left.min(CHUNK));
                    let room = poll_fn(|context| send.poll_capacity(context)).await.unwrap().unwrap();
                    left -= room;
                    send.send_data(Bytes::from(vec![0; room]), left == 0).unwrap();
                }
            });
            // Ends when the client closes the connection.
            assert!(connection.accept().await.is_none());
        });
    });
    address
}

/// Makes one exchange. Returns its response, and the maximum memory of this thread, in bytes.
fn exchange(address: SocketAddr, http2: bool, discards_body: bool) -> (Reply, u64) {
    let (runtime, mut reply) = (runtime(), None);
    let counted = allocation_counter::measure(|| {
        reply = Some(runtime.block_on(async {
            let settings = HttpSettings { http2, max_body: Some(MAX_BODY), ..HttpSettings::default() };
            let url = Url::parse(&format!("http://{address}")).unwrap();
            let config = Arc::new(HttpConfig::new(&url, &Default::default(), settings).unwrap());
            let mut client = HttpClient::new(config, Pool::default(), false);
            let head = RequestHead { discards_body, ..RequestHead::new("GET", "/") };
            client.exchange(MAIN, head, RequestBody::default(), clock::now()).await.result.unwrap()
        }));
    });
    (reply.unwrap(), counted.bytes_max)
}

#[test]
fn an_endless_body_takes_bounded_memory() {
    let length = format!("content-length: {}", CHUNK * CHUNKS);
    let length: &'static str = length.leak();
    for discards_body in [false, true] {
        let servers = [
            ("length", send_zeros(length), false),
            ("chunked", send_zeros("transfer-encoding: chunked"), false),
            ("until close", send_zeros("x: y"), false),
            ("HTTP/2", send_zeros_over_http2(), true),
        ];
        for (name, address, http2) in servers {
            let (reply, held) = exchange(address, http2, discards_body);
            assert_eq!((reply.status, reply.discarded), (200, (CHUNK * CHUNKS) as u64), "{name}");
            assert!(reply.body().is_empty() && held < BOUND, "{name}: {held} bytes");
        }
    }
}
