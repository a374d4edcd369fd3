//! Tests of `stub_backend`.

use super::*;

#[test]
fn the_url_of_this_and_an_older_stub_backend_is_read() {
    let url = Url::parse("http://127.0.0.1:4711").unwrap();
    assert_eq!(read_url(r#"{"url":"http://127.0.0.1:4711"}"#), Some(url.clone()));
    assert_eq!(read_url("listening on http://127.0.0.1:4711"), Some(url));
    assert_eq!(read_url("failed to listen"), None);
    assert_eq!(read_url(r#"{"url":"none"}"#), None);
}
