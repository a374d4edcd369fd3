//! Tests of `target`.

use super::*;

fn target(url: &str) -> Target {
    Target::new(&Url::parse(url).unwrap(), &[])
}

#[test]
fn a_url_is_split_into_its_parts() {
    let plain = target("http://127.0.0.1:8000/api/");
    assert_eq!((plain.host.as_str(), plain.port, plain.tls), ("127.0.0.1", 8000, false));
    assert_eq!((plain.authority.as_str(), plain.base.as_str()), ("127.0.0.1:8000", "/api"));
    let six = target("https://[::1]/");
    assert_eq!((six.host.as_str(), six.port, six.tls, six.authority.as_str()), ("::1", 443, true, "[::1]"));
    // The example of RFC 7617.
    let user = target("http://Aladdin:open%20sesame@x/").authorization.unwrap();
    assert_eq!(user, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
}

#[test]
fn a_location_is_resolved_and_compared_by_origin() {
    let target = target("http://127.0.0.1:8000/api");
    let resolve = |location| target.resolve("/api/a", location).unwrap();
    assert_eq!(resolve("/b?c=1#d").as_str(), "http://127.0.0.1:8000/b?c=1#d");
    assert_eq!(resolve("b").path(), "/api/b");
    assert!(target.serves(&resolve("http://127.0.0.1:8000/x")));
    for other in ["http://127.0.0.1:8001/x", "https://127.0.0.1:8000/x", "//elsewhere/x"] {
        assert!(!target.serves(&resolve(other)), "{other}");
    }
    assert!(
        super::Target::new(&Url::parse("http://[::1]/").unwrap(), &[])
            .serves(&Url::parse("http://[::1]:80/a").unwrap())
    );
}
