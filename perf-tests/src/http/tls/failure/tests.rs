//! Tests of `failure`.

use std::sync::Arc;

use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;
use rustls::{PeerIncompatible, SignatureScheme};

use super::*;

/// A client certificate that no server asks for.
#[derive(Debug)]
struct Identified;

impl ResolvesClientCert for Identified {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        None
    }

    fn has_certs(&self) -> bool {
        true
    }
}

fn config(is_target: bool, is_identified: bool) -> HostTlsConfig {
    let mut client = super::super::config(true, None, None).unwrap();
    if is_identified {
        client.client_auth_cert_resolver = Arc::new(Identified);
    }
    HostTlsConfig {
        client: Arc::new(client),
        value: super::super::flag_value(Some("auth")),
        is_target,
        has_tls: Arc::default(),
    }
}

fn explained(error: Error, config: &HostTlsConfig) -> String {
    explain(io::Error::new(io::ErrorKind::InvalidData, error), config).to_string()
}

#[test]
fn each_alert_has_its_side_reason_and_remedy() {
    let (stranger, identified, other) = (config(true, false), config(true, true), config(false, false));
    let pass = "--client-certificate auth=FILE and --client-key auth=FILE";
    let replace = "pass another one with --client-certificate auth=FILE";
    let refused = "the server refuses the TLS handshake";
    for (alert, config, parts) in [
        (Alert::ProtocolVersion, &stranger, ["the server refuses", "TLS 1.2 and 1.3", "enable one of them on the"]),
        (Alert::UnrecognisedName, &stranger, ["the server does not know", "host name", "check the URL's host"]),
        (Alert::CertificateRequired, &stranger, ["the server requires", "a client certificate", pass]),
        (Alert::CertificateRequired, &identified, ["the server accepts no", "client's authority", replace]),
        (Alert::CertificateRequired, &other, ["the server requires", "shows one to targets only", "Host::new"]),
        (Alert::CertificateRevoked, &identified, ["the server refuses", "the client certificate", replace]),
        (Alert::BadCertificate, &stranger, [refused, "it may require a client certificate", pass]),
        (Alert::BadCertificate, &identified, ["the server refuses", "the client certificate", replace]),
        (Alert::BadCertificate, &other, [refused, "shows one to targets only", "Host::new"]),
        (Alert::HandshakeFailure, &stranger, [refused, "require a client certificate", pass]),
        (Alert::HandshakeFailure, &identified, [refused, "refuse the client certificate", "check its log"]),
        (Alert::HandshakeFailure, &other, [refused, "shows one to targets only", "Host::new"]),
        (Alert::InternalError, &stranger, ["the server ends TLS", "InternalError", "check the server's log"]),
    ] {
        let text = explained(Error::AlertReceived(alert), config);
        assert!(parts.iter().all(|part| text.contains(part)), "{parts:?} are not all in: {text}");
        assert!(text.contains(&format!("(alert {alert:?})")), "{text}");
        assert!(config.is_target || !text.contains("--client"), "{text}");
    }
}

#[test]
fn each_fault_of_a_server_has_its_side_reason_and_remedy() {
    let config = config(true, false);
    let refuses = "this client refuses the server's";
    for (error, parts) in [
        (CertificateError::Revoked.into(), ["the server's certificate", "is revoked", "renew it"]),
        (CertificateError::Expired.into(), ["the server's certificate", "has expired", "renew it"]),
        (CertificateError::BadSignature.into(), [refuses, "created again", "--ca-certificate auth=FILE"]),
        (
            CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext {
                signature_algorithm_id: vec![6],
                public_key_algorithm_id: vec![6],
            }
            .into(),
            [refuses, "created again", "--ca-certificate auth=FILE"],
        ),
        (
            CertificateError::NotValidForNameContext { expected: "a.test".try_into().unwrap(), presented: Vec::new() }
                .into(),
            ["the server's certificate", "is for no name", "no subjectAltName"],
        ),
        (
            CertificateError::UnknownIssuer.into(),
            ["does not trust the authority", "--ca-certificate auth=FILE", "send its intermediate certificates"],
        ),
        (CertificateError::BadEncoding.into(), [refuses, "certificate: ", "replace it"]),
        (
            Error::PeerIncompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13),
            [refuses, "TLS (ServerDoesNotSupportTls12Or13)", "enable TLS 1.2 or 1.3 on the server"],
        ),
    ] {
        let text = explained(error, &config);
        assert!(parts.iter().all(|part| text.contains(part)), "{parts:?} are not all in: {text}");
    }
}
