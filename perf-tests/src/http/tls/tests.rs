//! Tests of `tls`.

use test_support::tls_server::openssl_certificate;

use super::*;

#[test]
fn aes_with_128_bits_is_asked_for_first_as_by_browsers() {
    let config = client_config(&openssl_certificate("own"), "--ca-certificate FILE").unwrap();
    assert_eq!(config.crypto_provider().cipher_suites[0].suite(), rustls::CipherSuite::TLS13_AES_128_GCM_SHA256);
}
