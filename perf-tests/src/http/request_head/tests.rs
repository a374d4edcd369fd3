//! Tests of `request_head`.

use url::Url;

use super::*;

const HEAD: RequestHead<'static> = RequestHead { user_agent: Some("me"), ..RequestHead::new("GET", "/a") };

fn written(head: &RequestHead<'_>, url: &str) -> String {
    let mut out = Vec::new();
    head.write(&Target::new(&Url::parse(url).unwrap(), &[]), &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn a_head_has_the_bytes_of_the_standard() {
    let get = written(&RequestHead { query: "x=1", ..HEAD }, "http://h:1/base/");
    assert_eq!(get, "GET /base/a?x=1 HTTP/1.1\r\nhost: h:1\r\nuser-agent: me\r\naccept: */*\r\n\r\n");
    for (path, whole) in [("/a?y=2", "/base/a?y=2&x=1 "), ("/a?", "/base/a?x=1 ")] {
        let joined = written(&RequestHead { path, query: "x=1", ..HEAD }, "http://h:1/base/");
        assert!(joined.contains(whole), "{joined}");
    }
    let post = RequestHead {
        method: "POST",
        content_type: Some("application/json"),
        content_length: 1203,
        close: true,
        ..HEAD
    };
    let post = written(&post, "http://h/");
    assert!(
        post.ends_with("content-type: application/json\r\ncontent-length: 1203\r\nconnection: close\r\n\r\n"),
        "{post}"
    );
    let empty = written(&RequestHead { method: "PUT", absolute: true, ..HEAD }, "http://h/base");
    assert!(empty.starts_with("PUT /a HTTP/1.1") && empty.contains("content-length: 0"), "{empty}");
}

#[test]
fn a_header_of_the_scenario_replaces_the_default() {
    let own = [("Accept".to_owned(), "text/html".to_owned()), ("Authorization".to_owned(), "Bearer x".to_owned())];
    let head = written(&RequestHead { headers: [&own, &[]], ..HEAD }, "http://a:b@h/");
    assert_eq!(head.matches("ccept: ").count(), 1);
    assert!(head.contains("Authorization: Bearer x") && !head.contains("Basic"), "{head}");
    let cookies = RequestHead { cookies: b"a=1; b=2", ..HEAD };
    assert!(written(&cookies, "http://h/").ends_with("\r\ncookie: a=1; b=2\r\n\r\n"));
    let own = [("Cookie".to_owned(), "c=3".to_owned())];
    let head = written(&RequestHead { headers: [&own, &[]], ..cookies }, "http://h/");
    assert!(head.contains("Cookie: c=3") && !head.contains("a=1"), "{head}");
}

#[test]
fn options_of_the_connection_and_an_expectation_are_in_the_head() {
    let own = [("TE".to_owned(), "trailers".to_owned())];
    let trailers = RequestHead { headers: [&[], &own], ..HEAD };
    assert!(written(&trailers, "http://h/").ends_with("\r\nTE: trailers\r\nconnection: te\r\n\r\n"));
    let closing = written(&RequestHead { close: true, ..trailers }, "http://h/");
    assert!(closing.ends_with("\r\nconnection: close, te\r\n\r\n"), "{closing}");
    let asking = RequestHead { method: "PUT", content_length: 9, expects_continue: true, ..HEAD };
    let head = written(&asking, "http://h/");
    assert!(head.ends_with("\r\ncontent-length: 9\r\nexpect: 100-continue\r\n\r\n"), "{head}");
    let own = [("Expect".to_owned(), "100-continue".to_owned())];
    assert!(!written(&RequestHead { headers: [&own, &[]], ..asking }, "http://h/").contains("\r\nexpect"));
}

#[test]
fn compression_is_asked_for_unless_the_scenario_says_otherwise() {
    let compressed = RequestHead { compression: true, ..HEAD };
    assert!(written(&compressed, "http://h/").contains("\r\naccept-encoding: gzip, deflate, br, zstd\r\n"));
    let own = [("Accept-Encoding".to_owned(), "identity".to_owned())];
    let head = written(&RequestHead { headers: [&[], &own], ..compressed }, "http://h/");
    assert!(head.contains("\r\nAccept-Encoding: identity\r\n") && !head.contains("gzip"), "{head}");
}

#[test]
fn credentials_of_the_scenario_are_not_sent_to_another_origin() {
    let vu = [("Authorization".to_owned(), "Bearer x".to_owned()), ("x-a".to_owned(), "1".to_owned())];
    let own = [("COOKIE".to_owned(), "a=b".to_owned())];
    let head = RequestHead { headers: [&vu, &own], credentials: [false, false], ..HEAD };
    let foreign = written(&head, "http://h/");
    assert!(!foreign.contains("Bearer") && !foreign.contains("a=b") && foreign.contains("x-a: 1"), "{foreign}");
    let own = written(&head, "http://user:secret@h/");
    assert!(own.contains("authorization: Basic"), "the host's own credentials are sent: {own}");
}

#[test]
fn a_header_cannot_inject_lines_into_a_head() {
    assert!(is_header_value("x-a", "b c\tä"));
    for (name, value) in [("x", "a\r\nb: c"), ("x\n", "a"), ("", "a"), ("a b", "c"), ("x", "a\0"), ("Host", "x")] {
        assert!(!is_header_value(name, value), "{name:?}: {value:?}");
    }
}
