//! Tests of `tls`.

use super::*;

#[test]
fn aes_with_128_bits_is_asked_for_first_as_by_browsers() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/own_certificate.pem");
    let config = client_config(&own, "--ca-certificate FILE").unwrap();
    assert_eq!(config.crypto_provider().cipher_suites[0].suite(), rustls::CipherSuite::TLS13_AES_128_GCM_SHA256);
}
