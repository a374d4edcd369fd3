//! Tests of `agents`.

use super::*;

#[test]
fn agents_do_not_get_the_token_of_metrics() {
    let target = url::Url::parse("http://127.0.0.1").unwrap();
    let settings = Settings { metrics_token: Some("S3cr3t".to_owned()), ..Settings::new(target) };
    assert_eq!(sent(&settings).metrics_token, None);
}
