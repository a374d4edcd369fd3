//! Explains TLS failures: which side refused, why, and what to do.

use std::io;
use std::time::{Duration, UNIX_EPOCH};

use prometheus_store::is_authority;
use rustls::pki_types::UnixTime;
use rustls::{AlertDescription as Alert, CertificateError, ClientConfig, Error};

use super::{HostTlsConfig, client_identity};
use crate::http::protocol::Protocol;

pub(in crate::http) fn explain_handshake(error: io::Error, config: &HostTlsConfig) -> io::Error {
    if !matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset) {
        return explain(error, config);
    }
    let closed = "the server closed the connection in the TLS handshake";
    io::Error::other(match config.has_tls.get() {
        Some(()) => format!("{closed}, unlike in earlier ones: check the server's log and its limit on connections"),
        None => format!("{closed}: check the port and the server's log, or use http:// if it has no TLS"),
    })
}

/// Explains an error of a TLS connection. Other errors stay as they are.
pub(in crate::http) fn explain(error: io::Error, config: &HostTlsConfig) -> io::Error {
    let HostTlsConfig { client, value, .. } = config;
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<Error>());
    let text = match cause {
        Some(Error::InvalidCertificate(cause)) => describe_certificate(cause, value),
        Some(Error::AlertReceived(alert)) => describe_alert(*alert, config),
        Some(Error::InvalidMessage(cause)) => {
            let advice = match config.has_tls.get() {
                Some(()) => ", unlike before: check the server's log, and whether a proxy responds in its place",
                None => ": check the port, or use http://",
            };
            format!("the server does not respond with TLS ({cause:?}){advice}")
        }
        Some(Error::PeerIncompatible(cause)) => {
            format!("this client refuses the server's TLS ({cause:?}): enable TLS 1.2 or 1.3 on the server")
        }
        Some(Error::NoApplicationProtocol) => no_protocol(client),
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            "the server closed the connection without ending TLS (no close_notify), so the response may be cut off: check \
             the server's log"
                .to_owned()
        }
        _ => return error,
    };
    io::Error::new(error.kind(), text)
}

/// Explains a handshake in which no protocol was agreed on.
pub(in crate::http) fn no_protocol(config: &ClientConfig) -> String {
    let offers = |protocol: Protocol| config.alpn_protocols.iter().any(|offered| offered == protocol.alpn());
    match (offers(Protocol::Http1), offers(Protocol::Http2)) {
        (true, false) => "the server refuses HTTP/1.1 over TLS (ALPN): use --http2 in place of --http1",
        (false, true) => "the server refuses HTTP/2 over TLS (ALPN): use --http1 in place of --http2",
        _ => "the server refuses both HTTP/1.1 and HTTP/2 over TLS (ALPN): check the port",
    }
    .to_owned()
}

fn describe_certificate(error: &CertificateError, value: &str) -> String {
    const SKIP: &str = "or pass --insecure-skip-tls-verify";
    match error {
        CertificateError::ExpiredContext { not_after, .. } => {
            format!("the server's certificate expired on {}: renew it, {SKIP}", date(*not_after))
        }
        CertificateError::Expired => format!("the server's certificate has expired: renew it, {SKIP}"),
        CertificateError::NotValidYetContext { not_before, .. } => format!(
            "the server's certificate is valid from {} on: check the clocks of both machines, {SKIP}",
            date(*not_before)
        ),
        CertificateError::NotValidForNameContext { presented, .. } if presented.is_empty() => format!(
            "the server's certificate is for no name (it has no subjectAltName): replace it by one for the URL's host, \
             {SKIP}"
        ),
        CertificateError::NotValidForNameContext { expected, presented } => format!(
            "the server's certificate is not for {} but for {}: use such a name in the URL, with --resolve if it has no \
             address, {SKIP}",
            expected.to_str(),
            presented.iter().map(|name| bare(name)).collect::<Vec<_>>().join(", ")
        ),
        CertificateError::UnknownIssuer => format!(
            "this client does not trust the authority that signed the server's certificate: pass its certificate with \
             --ca-certificate {value}, or let the server send its intermediate certificates, {SKIP}"
        ),
        error if is_authority(error) => format!(
            "the server's certificate is an authority's, and this client does not trust it: if it is self-signed, pass it \
             with --ca-certificate {value}; if not, let the server send its own certificate first, {SKIP}"
        ),
        // An authority that was created again may have a key of another kind.
        CertificateError::BadSignature | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            format!(
                "this client refuses the server's certificate: the key of its authority did not sign it, so the authority \
             may have been created again under the same name: pass the new authority's certificate with \
             --ca-certificate {value}, {SKIP}"
            )
        }
        CertificateError::Revoked => "the server's certificate is revoked: renew it".to_owned(),
        error => format!("this client refuses the server's certificate: {error}; replace it, {SKIP}"),
    }
}

fn describe_alert(alert: Alert, config: &HostTlsConfig) -> String {
    let HostTlsConfig { client, value, .. } = config;
    let is_identified = client_identity::is_in(client);
    let name = format!("alert {alert:?}");
    match alert {
        Alert::CertificateRequired if is_identified => format!(
            "the server accepts no certificate of this client's authority ({name}): pass another one with \
             --client-certificate {value}"
        ),
        Alert::CertificateRequired => {
            format!("the server requires a client certificate ({name}): {}", pass_client_certificate(config))
        }
        Alert::BadCertificate
        | Alert::UnsupportedCertificate
        | Alert::CertificateRevoked
        | Alert::CertificateExpired
        | Alert::CertificateUnknown
        | Alert::UnknownCA
        | Alert::AccessDenied
        | Alert::DecryptError
            if is_identified =>
        {
            format!(
                "the server refuses the client certificate ({name}): pass another one with --client-certificate {value}"
            )
        }
        Alert::BadCertificate => format!(
            "the server refuses the TLS handshake ({name}): it may require a client certificate: {}",
            pass_client_certificate(config)
        ),
        Alert::HandshakeFailure => {
            let certificate = match is_identified {
                true => "refuse the client certificate of --client-certificate".to_owned(),
                false => format!("require a client certificate: {}", pass_client_certificate(config)),
            };
            format!(
                "the server refuses the TLS handshake ({name}): check its log; it may have no cipher in common with this \
                 client (ECDHE with AES-GCM or ChaCha20-Poly1305), or {certificate}"
            )
        }
        Alert::ProtocolVersion => {
            format!("the server refuses TLS 1.2 and 1.3 ({name}): enable one of them on the server")
        }
        Alert::UnrecognisedName => {
            format!("the server does not know this host name ({name}): check the URL's host, and --resolve")
        }
        Alert::NoApplicationProtocol => no_protocol(client),
        _ => format!("the server ends TLS ({name}): check the server's log"),
    }
}

/// Advice to pass a client certificate, which is shown to targets only.
fn pass_client_certificate(config: &HostTlsConfig) -> String {
    let HostTlsConfig { value, is_target, .. } = config;
    match is_target {
        true => format!("pass it with --client-certificate {value} and --client-key {value}"),
        false => "this client shows one to targets only, and a redirect led here: make this origin a host of the \
                  scenario (Host::new)"
            .to_owned(),
    }
}

/// The date and time in UTC.
fn date(time: UnixTime) -> String {
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(time.as_secs()))
}

/// A name without its kind: `DnsName("a.test")` is `a.test`.
fn bare(name: &str) -> &str {
    name.split(['(', ')', '"']).filter(|part| !part.is_empty()).nth(1).unwrap_or(name)
}

#[cfg(test)]
mod tests;
