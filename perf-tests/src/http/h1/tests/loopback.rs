//! Exchanges over loopback with a server on another thread, for effects that only real sockets
//! show.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener};
use std::thread::JoinHandle;
use std::time::Duration;

use test_support::fake_server::accept_one;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};

use crate::http::h1::{BrokenExchange, Connection, ResponseLimits, ResponseTo};

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Responds to `count` requests on one connection, then closes it.
fn serve(count: usize, response: Vec<u8>) -> (SocketAddr, JoinHandle<()>) {
    accept_one(move |mut stream| {
        stream.set_nodelay(true).unwrap();
        let mut request = [0; REQUEST.len()];
        for _ in 0..count {
            stream.read_exact(&mut request).unwrap();
            stream.write_all(&response).unwrap();
        }
    })
}

fn length(body: usize) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {body}\r\n\r\n{}", "b".repeat(body)).into_bytes()
}

fn chunked(chunks: usize, size: usize) -> Vec<u8> {
    let chunk = format!("{size:x}\r\n{}\r\n", "b".repeat(size)).repeat(chunks);
    format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{chunk}0\r\n\r\n").into_bytes()
}

async fn connect(address: SocketAddr) -> Connection<TcpStream> {
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    Connection::new(stream, ResponseLimits::default())
}

/// Makes `count` exchanges and expects bodies of this length.
async fn make_exchanges(
    connection: &mut Connection<TcpStream>,
    count: usize,
    body: usize,
) -> Result<(), BrokenExchange> {
    for _ in 0..count {
        assert!(connection.is_open());
        let response = connection.exchange(REQUEST, ResponseTo::Other).await?;
        assert_eq!((response.status, response.body().len()), (200, body));
        let timings = response.timings;
        assert!(timings.sent <= timings.finished && timings.first_byte <= timings.finished);
    }
    Ok(())
}

#[test]
fn one_connection_carries_many_exchanges() {
    for (response, body) in [(length(5), 5), (length(20_000), 20_000), (chunked(3, 5), 15), (length(200_000), 200_000)]
    {
        let (address, server) = serve(1000, response);
        runtime().block_on(async { make_exchanges(&mut connect(address).await, 1000, body).await.unwrap() });
        server.join().unwrap();
    }
}

#[test]
fn nothing_is_allocated_once_warm() {
    for (response, body) in [(length(5), 5), (length(3000), 3000), (length(20_000), 20_000), (chunked(9, 100), 900)] {
        let (address, server) = serve(1200, response);
        let runtime = runtime();
        let mut connection = runtime.block_on(connect(address));
        runtime.block_on(make_exchanges(&mut connection, 200, body)).unwrap();
        let counted =
            allocation_counter::measure(|| runtime.block_on(make_exchanges(&mut connection, 1000, body)).unwrap());
        assert_eq!(counted.count_total, 0, "{counted:?} for a body of {body}");
        server.join().unwrap();
    }
}

#[test]
fn responses_outlive_later_exchanges() {
    let (address, server) = serve(50, length(1000));
    runtime().block_on(async {
        let mut connection = connect(address).await;
        let mut responses = Vec::new();
        for _ in 0..50 {
            responses.push(connection.exchange(REQUEST, ResponseTo::Other).await.unwrap());
        }
        assert!(responses.iter().all(|response| response.body()[..] == [b'b'; 1000]));
    });
    server.join().unwrap();
}

#[test]
fn a_connection_that_the_server_closed_is_not_open() {
    let (address, server) = serve(1, length(5));
    runtime().block_on(async {
        let mut connection = connect(address).await;
        make_exchanges(&mut connection, 1, 5).await.unwrap();
        server.join().unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(!connection.is_open());
    });
}

#[test]
fn an_early_response_to_a_large_request_is_read() {
    let (address, server) = accept_one(|mut stream| {
        stream.read_exact(&mut [0; 100]).unwrap();
        stream.write_all(b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno").unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        // Closing now would reset the connection, and the response might get lost.
        stream.read_to_end(&mut Vec::new()).unwrap();
    });
    runtime().block_on(async {
        let mut connection = connect(address).await;
        let request = vec![b'a'; 64 << 20];
        let response = connection.exchange(&request, ResponseTo::Other).await.unwrap();
        assert_eq!((response.status, response.body()), (413, &b"no"[..]));
        assert!(!connection.is_open());
    });
    server.join().unwrap();
}

#[test]
fn a_large_request_arrives_whole() {
    let (address, server) = accept_one(|mut stream| {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").unwrap();
        let mut request = vec![0; 16 << 20];
        stream.read_exact(&mut request).unwrap();
        stream.write_all(&length(5)).unwrap();
        assert!(request.iter().enumerate().all(|(at, byte)| *byte == at.to_le_bytes()[1]));
    });
    runtime().block_on(async {
        let mut connection = connect(address).await;
        let request: Vec<u8> = (0..16_usize << 20).map(|at| at.to_le_bytes()[1]).collect();
        let response = connection.exchange(&request, ResponseTo::Other).await.unwrap();
        assert_eq!(response.body(), b"bbbbb");
        assert!(connection.is_open());
    });
    server.join().unwrap();
}

#[test]
fn a_dropped_exchange_ends_the_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    runtime().block_on(async {
        let mut connection = connect(address).await;
        let exchange = connection.exchange(REQUEST, ResponseTo::Other);
        assert!(tokio::time::timeout(Duration::from_millis(20), exchange).await.is_err());
        assert!(!connection.is_open());
    });
}

#[test]
fn timings_are_those_of_the_final_response() {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let (stream, mut server) = tokio::io::duplex(1 << 10);
        let begin = crate::clock::now();
        let ms = |instant: tokio::time::Instant| (instant - begin).as_millis();
        let mut connection = Connection::new(stream, ResponseLimits::default());
        let serving = async {
            for piece in ["HTTP/1.1 100 C\r\n", "\r\nHTTP/1.1 200 OK\r\n", "content-length: 2\r\n\r\nh", "i"] {
                tokio::time::sleep(Duration::from_millis(10)).await;
                server.write_all(piece.as_bytes()).await.unwrap();
            }
        };
        let (response, ()) = tokio::join!(connection.exchange(REQUEST, ResponseTo::Other), serving);
        let timings = response.unwrap().timings;
        assert_eq!((ms(timings.sent), ms(timings.first_byte), ms(timings.finished)), (0, 20, 40));
        let serving = async {
            for piece in ["HTTP/1.1 413 L\r\n", "\r\n"] {
                tokio::time::sleep(Duration::from_millis(10)).await;
                server.write_all(piece.as_bytes()).await.unwrap();
            }
            server.shutdown().await.unwrap();
        };
        // The request is larger than the stream's buffer, so sending stops at 60 ms, when the head
        // is there.
        let (response, ()) = tokio::join!(connection.exchange(&[b'a'; 2 << 10], ResponseTo::Other), serving);
        let timings = response.unwrap().timings;
        assert_eq!((ms(timings.sent), ms(timings.first_byte), ms(timings.finished)), (60, 50, 60));
    });
}
