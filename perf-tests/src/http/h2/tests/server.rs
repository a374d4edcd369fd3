//! Exchanges with a server of another make, the h2 crate.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::future::join_all;
use h2::server::{Builder, SendResponse};
use proptest::prelude::*;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex};
use tokio::task::{LocalSet, yield_now};
use tokio::time::timeout;

use crate::http::RequestBody;
use crate::http::h1::{RawResponse, ResponseLimits, ResponseTo};
use crate::http::h2::{Connection, Http2Error, WholeRequest, send};

type Client = Rc<RefCell<Connection<CountedStream>>>;

/// Limit on the time of a test, in which nothing waits for the network.
const LIMIT: Duration = Duration::from_secs(60);

/// A stream that counts writes.
struct CountedStream {
    io: DuplexStream,
    writes: usize,
}

impl AsyncRead for CountedStream {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, buf)
    }
}

impl AsyncWrite for CountedStream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.writes += 1;
        Pin::new(&mut self.io).poll_write(context, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

/// Runs a test with a connection to a server that sends back headers and bodies of requests.
fn with_echo<T>(builder: Builder, buffer: usize, test: impl AsyncFnOnce(Client) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    LocalSet::new().block_on(&runtime, async {
        let (client, server) = duplex(buffer);
        tokio::task::spawn_local(async move {
            let mut connection = builder.handshake::<_, Bytes>(server).await.unwrap();
            while let Some(Ok((request, reply))) = connection.accept().await {
                tokio::task::spawn_local(echo(request, reply));
            }
        });
        let connection = Connection::new(CountedStream { io: client, writes: 0 }, ResponseLimits::default());
        // Both sides wait for each other if one of them breaks a rule of windows.
        timeout(LIMIT, test(Rc::new(RefCell::new(connection)))).await.expect("the exchange ends")
    })
}

async fn echo(request: http::Request<h2::RecvStream>, mut reply: SendResponse<Bytes>) -> Option<()> {
    let (head, mut body) = request.into_parts();
    match head.uri.path() {
        "/silent" => std::future::pending().await,
        "/refused" => reply.send_reset(h2::Reason::REFUSED_STREAM),
        _ => {}
    }
    let mut whole = BytesMut::new();
    while let Some(Ok(piece)) = body.data().await {
        body.flow_control().release_capacity(piece.len()).ok()?;
        whole.extend_from_slice(&piece);
    }
    let mut response = http::Response::new(());
    *response.headers_mut() = head.headers;
    response.headers_mut().insert("x-line", format!("{} {}", head.method, head.uri).parse().unwrap());
    let mut send = reply.send_response(response, whole.is_empty()).ok()?;
    let mut whole = whole.freeze();
    while !whole.is_empty() {
        send.reserve_capacity(whole.len());
        let room = std::future::poll_fn(|context| send.poll_capacity(context)).await?.ok()?;
        let piece = whole.split_to(room.min(whole.len()));
        send.send_data(piece, whole.is_empty()).ok()?;
    }
    Some(())
}

fn head(path: &str, headers: &[(String, String)]) -> Vec<u8> {
    let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("POST {path} HTTP/1.1\r\nhost: a:1\r\n{lines}\r\n").into_bytes()
}

async fn exchange(client: &Client, head: &[u8], body: &[u8]) -> Result<RawResponse, Http2Error> {
    let body = RequestBody { bytes: body, files: &[] };
    let request =
        WholeRequest { head, body, response_to: ResponseTo::Other, is_idempotent: false, expects_continue: false };
    send(client, true, false, request).await
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8).collect()
}

#[test]
fn bodies_of_any_size_go_there_and_back() {
    let small = Builder::new().initial_window_size(100).initial_connection_window_size(1000).to_owned();
    for (builder, buffer) in [(Builder::new(), 1 << 20), (small.clone(), 1 << 20), (small, 7), (Builder::new(), 100)] {
        with_echo(builder, buffer, async |client| {
            for length in [0, 1, 100, 16_384, 70_000, 300_000, 0] {
                let body = pattern(length);
                let response = exchange(&client, &head("/", &[]), &body).await.unwrap();
                assert!(response.status == 200 && response.body() == body, "{length}");
                assert_eq!(response.header("x-line"), Some(&b"POST http://a:1/"[..]));
            }
        });
    }
}

/// More bytes than the windows of the connection and of a stream: they must be returned.
#[test]
fn windows_are_returned_to_the_server() {
    with_echo(Builder::new(), 1 << 20, async |client| {
        for _ in 0..3 {
            let body = pattern(5 << 20);
            assert!(exchange(&client, &head("/", &[]), &body).await.unwrap().body() == body);
        }
    });
}

#[test]
fn requests_at_once_share_a_connection_whatever_its_limits() {
    let builders = [
        Builder::new(),
        Builder::new().max_concurrent_streams(3).to_owned(),
        Builder::new().max_concurrent_streams(3).initial_window_size(50).to_owned(),
    ];
    for builder in builders {
        for buffer in [50, 1 << 20] {
            with_echo(builder.clone(), buffer, async |client| {
                let one = async |number: usize| {
                    let body = pattern(number * 37);
                    let response = exchange(&client, &head(&format!("/{number}"), &[]), &body).await.unwrap();
                    assert!(response.body() == body, "{number}");
                };
                // The server's settings arrive with the first response.
                one(1).await;
                join_all((0..100).map(one)).await;
            });
        }
    }
}

#[test]
fn requests_at_once_are_written_together() {
    with_echo(Builder::new(), 1 << 20, async |client| {
        let writes = || client.borrow().io().writes;
        let head = head("/", &[]);
        exchange(&client, &head, b"").await.unwrap();
        let before = writes();
        let statuses = join_all((0..100).map(|_| exchange(&client, &head, b"body"))).await;
        assert!(statuses.into_iter().all(|response| response.unwrap().status == 200));
        assert_eq!(writes() - before, 1);
    });
}

#[test]
fn a_request_that_ends_early_does_not_stop_the_others() {
    for silent in [0, 1, 2] {
        with_echo(Builder::new(), 1 << 20, async |client| {
            let task = |path: &'static str| {
                let client = client.clone();
                tokio::task::spawn_local(async move { exchange(&client, &head(path, &[]), &pattern(9000)).await })
            };
            let mut tasks = Vec::new();
            for at in 0..3 {
                tasks.push(task(if at == silent { "/silent" } else { "/other" }));
                yield_now().await;
            }
            let ended = tasks.remove(silent);
            ended.abort();
            assert!(ended.await.unwrap_err().is_cancelled());
            for task in tasks {
                assert!(task.await.unwrap().unwrap().body() == pattern(9000));
            }
            assert_eq!(exchange(&client, &head("/", &[]), b"").await.unwrap().status, 200);
        });
    }
}

#[test]
fn a_refused_request_is_unprocessed_and_the_connection_stays() {
    with_echo(Builder::new(), 1 << 20, async |client| {
        let cause = exchange(&client, &head("/refused", &[]), b"").await.unwrap_err();
        assert!(cause.is_unprocessed(), "{cause}");
        assert_eq!(exchange(&client, &head("/", &[]), b"").await.unwrap().status, 200);
    });
}

#[test]
fn names_are_lower_case_and_headers_of_connections_stay_here() {
    with_echo(Builder::new(), 1 << 20, async |client| {
        let given =
            [("X-Upper", "a"), ("connection", "close"), ("Keep-Alive", "5"), ("te", "gzip"), ("Cookie", "a=1; b=2")];
        let given = given.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let response = exchange(&client, &head("/", &given), b"").await.unwrap();
        let names: Vec<_> = response.headers().map(|(name, _)| name).collect();
        assert_eq!(names, ["x-upper", "cookie", "x-line"]);
        assert_eq!(response.header("cookie"), Some(&b"a=1; b=2"[..]));
    });
}

#[test]
fn pings_between_requests_get_a_response() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (client, server) = duplex(1 << 20);
    let mut client = Connection::new(client, ResponseLimits::default());
    runtime.block_on(async {
        let pinged = async {
            let mut connection = h2::server::handshake(server).await.unwrap();
            let mut pings = connection.ping_pong().unwrap();
            let pong = pings.ping(h2::Ping::opaque());
            tokio::select! {
                pong = pong => drop(pong.unwrap()),
                _ = connection.accept() => panic!("there is no request"),
            }
        };
        let thinking = std::future::poll_fn(|context| {
            client.attend(context);
            Poll::<()>::Pending
        });
        tokio::select! {
            () = pinged => {}
            () = thinking => {}
        }
    });
}

#[test]
fn nothing_is_allocated_once_warm() {
    with_echo(Builder::new(), 1 << 20, async |client| {
        let head = head("/", &[("x-a".to_owned(), "b".to_owned())]);
        // The server runs in the same thread, so only the client's steps are measured.
        let mut counts = Vec::new();
        for _ in 0..50 {
            let exchange = std::pin::pin!(exchange(&client, &head, b"body"));
            let mut exchange = exchange;
            let mut allocated = 0;
            let response = std::future::poll_fn(|context| {
                let mut polled = Poll::Pending;
                let counted = allocation_counter::measure(|| polled = exchange.as_mut().poll(context));
                allocated += counted.count_total;
                polled
            });
            assert_eq!(response.await.unwrap().body(), b"body");
            counts.push(allocated);
        }
        assert_eq!(counts[10..], [0; 40]);
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// The server decodes what is encoded here, and encodes it by itself, with Huffman.
    #[test]
    fn random_headers_go_there_and_back(
        table in prop::sample::select(vec![0_u32, 100, 4096, 65_536]),
        requests in prop::collection::vec(
            prop::collection::btree_map("x-[a-c]{1,2}|accept|cookie|user-agent", "[!-~]([ -~]{0,40}[!-~])?|[\u{80}-\u{ff}]{1,9}", 0..8),
            1..12,
        )
    ) {
        let builder = Builder::new().header_table_size(table).to_owned();
        with_echo(builder, 1 << 20, async |client| {
            for fields in &requests {
                let fields: Vec<_> = fields.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
                let response = exchange(&client, &head("/", &fields), b"").await.unwrap();
                for (name, value) in &fields {
                    assert_eq!(response.header(name), Some(value.as_bytes()), "{name}");
                }
            }
        });
    }
}
