//! Tests of `proxy_url`.

use super::*;

#[test]
fn a_proxy_is_shown_without_user_and_password() {
    let proxy = ProxyUrl::parse("http://me:S3cr3t@proxy.test:3128").unwrap();
    assert_eq!((proxy.to_string(), format!("{proxy:?}")), ("http://proxy.test:3128".into(), proxy.to_string()));
    for wrong in ["https://me:S3cr3t@p", "socks5://me:S3cr3t@p", "http://me:S3cr3t@p/a", "me:S3cr3t@p:1"] {
        let error = ProxyUrl::parse(wrong).unwrap_err().to_string();
        assert!(!error.contains("S3cr3t"), "{error}");
    }
}
