//! Tests of `fake_server`.

use super::*;

#[test]
fn each_request_gets_its_own_response() {
    let url = respond(|request| {
        let path = request.split(' ').nth(1).unwrap_or_default();
        if path == "/gone" { ("404 Not Found", "{}".to_owned()) } else { ("200 OK", format!("{{\"path\":{path:?}}}")) }
    });
    let get = |path: &str| {
        let mut stream = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
        for piece in ["GET ", path, " HTTP/1.1\r\nhost: a\r\n\r\n"] {
            stream.write_all(piece.as_bytes()).unwrap();
            // The server then usually reads each piece by itself.
            thread::yield_now();
        }
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    };
    assert!(get("/a").ends_with("content-length: 13\r\n\r\n{\"path\":\"/a\"}"), "{}", get("/a"));
    assert!(get("/gone").starts_with("HTTP/1.1 404 Not Found\r\n"));
}
