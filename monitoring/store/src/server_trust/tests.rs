//! Tests of `server_trust`.

use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use test_support::tls_server::openssl_certificate;

use super::*;

/// Names of the certificates.
const OWN: &str = "own";
const OTHER: &str = "other";

fn verify(trusted: &str, presented: &str, name: &str, year: u64) -> Result<(), Error> {
    crate::use_ring();
    let certificate = |name: &str| CertificateDer::from_pem_file(openssl_certificate(name)).unwrap();
    let now = UnixTime::since_unix_epoch(Duration::from_secs((year - 1970) * 31_557_600));
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let [only, system] = [ServerTrust::Only, ServerTrust::System].map(|trust| {
        let verifier = trust(vec![certificate(trusted)]).verifier().unwrap();
        verifier.verify_server_cert(&certificate(presented), &[], &name, &[], now).map(drop)
    });
    assert_eq!(format!("{only:?}"), format!("{system:?}"));
    only
}

#[test]
fn a_self_signed_certificate_of_the_file_is_trusted() {
    verify(OWN, OWN, "own.test", 2030).unwrap();
    verify(OWN, OWN, "127.0.0.1", 2030).unwrap();
}

#[test]
fn name_and_validity_of_a_self_signed_certificate_are_verified() {
    let wrong = |name, year| match verify(OWN, OWN, name, year) {
        Err(Error::InvalidCertificate(error)) => error,
        other => panic!("{other:?}"),
    };
    assert!(matches!(wrong("other.test", 2030), CertificateError::NotValidForNameContext { .. }));
    assert!(matches!(wrong("own.test", 2050), CertificateError::ExpiredContext { .. }));
    assert!(matches!(wrong("own.test", 2020), CertificateError::NotValidYetContext { .. }));
}

#[test]
fn an_unlisted_self_signed_certificate_is_not_trusted() {
    // The same name and the same issuer, but another key.
    assert!(verify(OWN, OTHER, "own.test", 2030).is_err());
    assert!(verify(OTHER, OWN, "own.test", 2030).is_err());
}
