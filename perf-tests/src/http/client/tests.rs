//! Bodies of any length, over HTTP/1.1 and HTTP/2.

use std::fs::File;
use std::future::{Future as _, poll_fn};
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use perf_settings::HttpSettings;
use test_support::fake_server::{self, accept_one};
use tokio::runtime::{Builder, Runtime};
use tokio::task::coop;
use tokio::time::{sleep_until, timeout};
use url::Url;

use super::{ConnectionOwner, Deadline, HttpClient, LONGEST_ROUND_TRIP};
use crate::clock;
use crate::data::DataFile;
use crate::http::{FileInBody, HttpConfig, MAIN, Pool, RawResponse, RequestBody, RequestHead};

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
fn exchange(address: SocketAddr, http2: bool, head: RequestHead<'_>, body: RequestBody<'_>) -> (RawResponse, u64) {
    let (runtime, mut reply) = (runtime(), None);
    let counted = allocation_counter::measure(|| {
        reply =
            Some(runtime.block_on(async {
                client(address, http2).exchange(MAIN, head, body, clock::now()).await.result.unwrap()
            }));
    });
    (reply.unwrap(), counted.bytes_max)
}

fn client(address: SocketAddr, http2: bool) -> HttpClient {
    let settings = HttpSettings { http2, max_body: Some(MAX_BODY), ..HttpSettings::default() };
    let url = Url::parse(&format!("http://{address}")).unwrap();
    let config = Arc::new(HttpConfig::new(&url, &Default::default(), settings).unwrap());
    HttpClient::new(config, Pool::default(), ConnectionOwner::Client)
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
            let head = RequestHead { discards_body, ..RequestHead::new("GET", "/") };
            let (reply, held) = exchange(address, http2, head, RequestBody::default());
            assert_eq!((reply.status, reply.discarded), (200, (CHUNK * CHUNKS) as u64), "{name}");
            assert!(reply.body().is_empty() && held < BOUND, "{name}: {held} bytes");
        }
    }
}

/// The sum of the bytes. Most pieces are zeros, which are compared much faster.
fn add_bytes(piece: &[u8]) -> u64 {
    static ZEROS: [u8; CHUNK] = [0; CHUNK];
    if *piece == ZEROS[..piece.len()] { 0 } else { piece.iter().map(|byte| u64::from(*byte)).sum() }
}

/// Reads a request over HTTP/1.1. Returns the sum of the bytes of its body, and their number.
fn read_body(stream: &mut TcpStream) -> (u64, u64) {
    let mut reader = BufReader::with_capacity(CHUNK, stream);
    let (mut length, mut line) = (0, String::new());
    while line != "\r\n" {
        line.clear();
        assert!(reader.read_line(&mut line).unwrap() > 0);
        line.strip_prefix("content-length: ").into_iter().for_each(|it| length = it.trim().parse().unwrap());
    }
    let (mut body, mut sum, mut read) = (reader.take(length), 0, 0);
    loop {
        let piece = body.fill_buf().unwrap();
        let count = piece.len();
        if count == 0 {
            return (sum, read);
        }
        sum += add_bytes(piece);
        read += count as u64;
        body.consume(count);
    }
}

/// Reads a body, and responds with the sum of its bytes and their number.
fn add_up() -> SocketAddr {
    let (address, _) = accept_one(|mut stream| {
        let sum = format!("{:?}", read_body(&mut stream));
        write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{sum}", sum.len()).unwrap();
    });
    address
}

/// As [`add_up`], over HTTP/2.
fn add_up_over_http2() -> SocketAddr {
    let (address, _) = accept_one(|stream| {
        stream.set_nonblocking(true).unwrap();
        // Otherwise each small message about the window waits for the client.
        stream.set_nodelay(true).unwrap();
        runtime().block_on(async {
            let stream = tokio::net::TcpStream::from_std(stream).unwrap();
            let mut windows = h2::server::Builder::new();
            windows.initial_window_size(1 << 20).initial_connection_window_size(1 << 20);
            let mut connection = windows.handshake::<_, Bytes>(stream).await.unwrap();
            let (request, mut reply) = connection.accept().await.unwrap().unwrap();
            tokio::spawn(async move {
                let announced: u64 = request.headers()["content-length"].to_str().unwrap().parse().unwrap();
                let (mut body, mut sum, mut read) = (request.into_body(), 0, 0);
                while let Some(piece) = body.data().await {
                    let piece = piece.unwrap();
                    sum += add_bytes(&piece);
                    read += piece.len() as u64;
                    body.flow_control().release_capacity(piece.len()).unwrap();
                }
                assert_eq!(read, announced);
                let mut send = reply.send_response(http::Response::new(()), false).unwrap();
                send.send_data(Bytes::from(format!("{:?}", (sum, read))), true).unwrap();
            });
            // Ends when the client closes the connection.
            assert!(connection.accept().await.is_none());
        });
    });
    address
}

/// A file of zeros with this length and a last byte of 9.
fn sparse_file(name: &str, len: u64) -> Arc<DataFile> {
    let path = std::env::temp_dir().join(format!("perf-tests-{}-{name}", std::process::id()));
    let mut file = File::create(&path).unwrap();
    file.set_len(len - 1).unwrap();
    file.seek(SeekFrom::End(0)).unwrap();
    file.write_all(&[9]).unwrap();
    let opened = DataFile::open(&path).unwrap();
    // An open file can be read, even if it has no name any more.
    std::fs::remove_file(path).unwrap();
    Arc::new(opened)
}

#[test]
fn a_file_of_300_mib_is_sent_in_bounded_memory() {
    const LEN: u64 = 300 << 20;
    let file = sparse_file("large-upload", LEN);
    let alone = [FileInBody { at: 0, file: file.clone() }];
    let among_fields = [FileInBody { at: 2, file }];
    let bodies = [
        (RequestBody { bytes: b"", files: &alone }, (9, LEN)),
        (RequestBody { bytes: &[1, 1, 1, 1], files: &among_fields }, (13, 4 + LEN)),
    ];
    for (body, expected) in bodies {
        for (address, http2) in [(add_up(), false), (add_up_over_http2(), true)] {
            let head =
                RequestHead { content_type: Some("a/b"), content_length: body.len(), ..RequestHead::new("POST", "/") };
            let (reply, held) = exchange(address, http2, head, body);
            assert_eq!(String::from_utf8_lossy(reply.body()), format!("{expected:?}"), "HTTP/2: {http2}");
            assert!(held < BOUND, "HTTP/2: {http2}, {held} bytes");
        }
    }
}

#[test]
fn a_file_is_sent_from_its_start_on_a_second_connection() {
    const LEN: u64 = 20 << 20;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let (mut first, _) = listener.accept().unwrap();
        read_body(&mut first);
        first.write_all(b"HTTP/1.1 204 OK\r\n\r\n").unwrap();
        // The second request is cut off within its file.
        first.read_exact(&mut [0; 1 << 20]).unwrap();
        drop(first);
        let (mut second, _) = listener.accept().unwrap();
        let sum = read_body(&mut second);
        second.write_all(b"HTTP/1.1 204 OK\r\n\r\n").unwrap();
        sum
    });
    let files = [FileInBody { at: 0, file: sparse_file("sent-again", LEN) }];
    runtime().block_on(async {
        let mut client = client(address, false);
        for (body, is_resent) in [(RequestBody::default(), false), (RequestBody { bytes: b"", files: &files }, true)] {
            let head = RequestHead { content_length: body.len(), ..RequestHead::new("PUT", "/") };
            let exchange = client.exchange(MAIN, head, body, clock::now()).await;
            assert_eq!((exchange.result.unwrap().status, exchange.is_resent), (204, is_resent));
        }
    });
    assert_eq!(server.join().unwrap(), (9, LEN));
}

#[test]
fn an_unasked_408_on_an_idle_connection_is_not_a_failure() {
    let run = |method: &'static str, wait: Duration| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = thread::spawn(move || {
            let (mut first, _) = listener.accept().unwrap();
            read_body(&mut first);
            first.write_all(b"HTTP/1.1 204 OK\r\n\r\n").unwrap();
            // It gives up the connection while the second request is on its way.
            read_body(&mut first);
            thread::sleep(wait);
            first.write_all(b"HTTP/1.1 408 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
            drop(first);
            listener.set_nonblocking(method == "POST" || !wait.is_zero()).unwrap();
            if let Ok((mut second, _)) = listener.accept() {
                read_body(&mut second);
                second.write_all(b"HTTP/1.1 408 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
            }
        });
        let exchanges = runtime().block_on(async {
            let mut client = client(address, false);
            let mut exchange = async || {
                let exchange =
                    client.exchange(MAIN, RequestHead::new(method, "/"), RequestBody::default(), clock::now());
                let exchange = exchange.await;
                (exchange.result.unwrap().status, exchange.is_resent)
            };
            [exchange().await, exchange().await]
        });
        server.join().unwrap();
        exchanges
    };
    // On the new connection, it is the response.
    assert_eq!(run("GET", Duration::ZERO), [(204, false), (408, true)]);
    assert_eq!(run("POST", Duration::ZERO), [(204, false), (408, false)]);
    // A gateway whose backend took too long.
    assert_eq!(run("GET", LONGEST_ROUND_TRIP), [(204, false), (408, false)]);
}

/// Responds over HTTP/1.1 or HTTP/2 with this many cookies.
async fn set_cookies(address: SocketAddr, http2: bool, max_head: Option<u64>) -> Result<usize, String> {
    let settings = HttpSettings { http2, max_head, ..HttpSettings::default() };
    let url = Url::parse(&format!("http://{address}")).unwrap();
    let config = Arc::new(HttpConfig::new(&url, &Default::default(), settings).unwrap());
    let mut client = HttpClient::new(config, Pool::default(), ConnectionOwner::Client);
    let result = client.exchange(MAIN, RequestHead::new("GET", "/"), RequestBody::default(), clock::now()).await.result;
    result.map(|reply| reply.header_all("set-cookie").count()).map_err(|error| error.message)
}

#[test]
fn a_response_may_set_more_than_a_hundred_cookies() {
    const COOKIES: usize = 1_200;
    let bomb = || async {
        let cookies: [_; COOKIES] = std::array::from_fn(|at| ("set-cookie", format!("c{at}=1")));
        axum::response::AppendHeaders(cookies)
    };
    let url = fake_server::serve(axum::Router::new().fallback(bomb), Arc::default(), Arc::default());
    let address = url.strip_prefix("http://").unwrap().parse().unwrap();
    for http2 in [false, true] {
        let found = |max_head| runtime().block_on(set_cookies(address, http2, max_head));
        assert_eq!(found(None), Ok(COOKIES), "HTTP/2: {http2}");
        assert_eq!(found(Some(16 << 10)), Err("more than 16384 bytes of head: set --max-head".to_owned()));
        assert_eq!(found(Some(1 << 20)), Ok(COOKIES));
    }
}

#[test]
fn a_time_limit_holds_in_a_task_without_budget() {
    let limited = async |most: usize| {
        let begin = clock::now();
        let mut deadline = Deadline { timer: Box::pin(sleep_until(begin)), wakes: None };
        let mut polls = 0;
        // As a task does that handled many messages before it waits for the next one.
        let mut work = pin!(poll_fn(|context| {
            polls += 1;
            while polls <= most && coop::has_budget_remaining() {
                let _ = pin!(coop::consume_budget()).poll(context);
            }
            Poll::<()>::Pending
        }));
        deadline.within(begin + Duration::from_millis(50), work.as_mut()).await
    };
    // The messages end, or never do.
    for most in [1, usize::MAX] {
        runtime().block_on(async {
            let limited = timeout(Duration::from_secs(5), tokio::spawn(limited(most)));
            assert_eq!(limited.await.unwrap().unwrap(), None, "{most} polls without budget");
        });
    }
}
