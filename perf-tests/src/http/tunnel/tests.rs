//! Tests of `tunnel`.

use std::io::Write as _;

use test_support::fake_server::accept_one;

use super::*;

#[tokio::test]
async fn no_byte_of_the_target_is_read_with_the_proxys_head() {
    let (address, server) = accept_one(|mut stream| {
        for piece in ["HTTP/1.1 200 ", "Connection established\r\nvia: p\r\n", "\r\nhello"] {
            stream.write_all(piece.as_bytes()).unwrap();
            stream.flush().unwrap();
        }
    });
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = read_head(&mut stream).await.unwrap();
    assert_eq!(parse_status(&head), Some(200));
    let mut rest = String::new();
    stream.read_to_string(&mut rest).await.unwrap();
    assert_eq!(rest, "hello");
    server.join().unwrap();
}

#[test]
fn a_status_is_that_of_http_1_only() {
    assert_eq!(parse_status(b"HTTP/1.0 407 x\r\n\r\n"), Some(407));
    for wrong in ["HTTP/2 200\r\n\r\n", "SSH-2.0 200\r\n", "HTTP/1.1 20\r\n", "HTTP/1.1 999 x\r\n", "\r\n\r\n"] {
        assert_eq!(parse_status(wrong.as_bytes()), None, "{wrong}");
    }
}
