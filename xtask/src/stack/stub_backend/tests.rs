//! Tests of `stub_backend`.

use super::*;

#[test]
fn only_a_url_in_json_is_read() {
    let url = Url::parse("http://127.0.0.1:4711").unwrap();
    assert_eq!(read_url(r#"{"url":"http://127.0.0.1:4711"}"#), Some(url));
    assert_eq!(read_url("failed to listen"), None);
    assert_eq!(read_url(r#"{"url":"none"}"#), None);
}
