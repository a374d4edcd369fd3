//! TLS by rustls. It trusts the system's certificates, those of a file, or any.

mod client_identity;
mod failure;

use std::fmt;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use perf_settings::HttpSettings;
use prometheus_store::ServerTrust;
use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;

use self::client_identity::ClientIdentity;
pub(super) use self::failure::{explain, explain_handshake, no_protocol};
use super::protocol::Protocol;

#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    #[error("failed to read certificates from {path}: {why}; give a PEM file with {setting}")]
    Certificates { path: String, why: String, setting: String },
    #[error(
        "failed to read the key of the client certificate from {path}: {why}; pass the key's file with --client-key {value}"
    )]
    Key { path: String, why: String, value: String },
    #[error("the key {key} has no certificate: give the file of its certificate with --client-certificate {value}")]
    NoClientCertificate { key: String, value: String },
    #[error(
        "the key in {key} does not fit the client certificate, the first in {certificate}: give the certificate's own \
         key with --client-key {value}, or put the client's own certificate first"
    )]
    KeyMismatch { key: String, certificate: String, value: String },
    #[error("failed to set up TLS: {0}")]
    Rustls(#[from] rustls::Error),
}

/// A file for one host as the value of a flag: `FILE` for the main target, else `NAME=FILE`.
fn flag_value(host: Option<&str>) -> String {
    host.map_or_else(|| "FILE".to_owned(), |name| format!("{name}=FILE"))
}

#[derive(Debug)]
pub(super) struct HostTlsConfig {
    pub(super) client: Arc<ClientConfig>,
    /// The value with which a flag adds a file for this host.
    value: String,
    /// Whether it is a target. Otherwise only a redirect leads to it, and it gets no client
    /// certificate.
    is_target: bool,
    /// Set after the first handshake with the host that succeeded.
    has_tls: Arc<OnceLock<()>>,
}

impl HostTlsConfig {
    pub(super) fn shook_hands(&self) {
        self.has_tls.get_or_init(|| ());
    }
}

/// The TLS configurations of one host, which all its connections share.
#[derive(Debug)]
pub(super) struct HostTls {
    /// Offers both protocols.
    pub(super) any: Arc<HostTlsConfig>,
    only_http1: Arc<HostTlsConfig>,
    only_http2: Arc<HostTlsConfig>,
}

impl HostTls {
    /// The configurations for a target by its name. Reads the files of certificates.
    pub(super) fn for_target(name: Option<&str>, settings: &HttpSettings) -> Result<Self, TlsError> {
        let identity = ClientIdentity::find(name, settings)?;
        Self::new(name, settings, identity, true)
    }

    /// The configurations for an origin that only redirects lead to. It gets no client certificate.
    pub(super) fn for_other_origin(settings: &HttpSettings) -> Result<Self, TlsError> {
        Self::new(None, settings, None, false)
    }

    fn new(
        name: Option<&str>,
        settings: &HttpSettings,
        identity: Option<ClientIdentity<'_>>,
        is_target: bool,
    ) -> Result<Self, TlsError> {
        let own = settings.ca_certificate.get(name).map(AsRef::as_ref);
        let setting = format!("--ca-certificate {}", flag_value(name));
        let own = own.map(|path| (path, &*setting));
        let config = config(settings.insecure_skip_tls_verify, own, identity)?;
        let has_tls = Arc::default();
        let offering = |protocols: &[Protocol]| {
            let mut config = config.clone();
            config.alpn_protocols = protocols.iter().map(|protocol| protocol.alpn().to_vec()).collect();
            let (client, value, has_tls) = (Arc::new(config), flag_value(name), Arc::clone(&has_tls));
            Arc::new(HostTlsConfig { client, value, is_target, has_tls })
        };
        Ok(Self {
            any: offering(&[Protocol::Http2, Protocol::Http1]),
            only_http1: offering(&[Protocol::Http1]),
            only_http2: offering(&[Protocol::Http2]),
        })
    }

    /// The configuration that offers only this protocol.
    pub(super) const fn only(&self, protocol: Protocol) -> &Arc<HostTlsConfig> {
        match protocol {
            Protocol::Http1 => &self.only_http1,
            Protocol::Http2 => &self.only_http2,
        }
    }
}

/// A configuration without protocols. `own` is a file of certificates that replaces the system's,
/// and its setting.
fn config(
    insecure: bool,
    own: Option<(&Path, &str)>,
    identity: Option<ClientIdentity<'_>>,
) -> Result<ClientConfig, TlsError> {
    prometheus_store::use_ring();
    let trust = match (insecure, own) {
        (true, _) => ServerTrust::Any,
        (false, Some((path, setting))) => ServerTrust::Only(read_certificates(path, setting)?),
        (false, None) => ServerTrust::System(Vec::new()),
    };
    let verifier = trust.verifier().map_err(|why| match own {
        Some((path, setting)) => unusable(path, why, setting),
        None => why.into(),
    })?;
    let builder = ClientConfig::builder().dangerous().with_custom_certificate_verifier(verifier);
    match identity {
        Some(identity) => identity.add_to(builder),
        None => Ok(builder.with_no_client_auth()),
    }
}

/// A configuration that trusts only the certificates of a file, which this setting gives.
pub(crate) fn client_config(certificates: &Path, setting: &str) -> Result<ClientConfig, TlsError> {
    config(false, Some((certificates, setting)), None)
}

/// Reads all certificates of a PEM file, which this setting gives. A file without any is an error.
pub(crate) fn read_certificates(path: &Path, setting: &str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    prometheus_store::read_certificates(path).map_err(|why| unusable(path, why, setting))
}

fn unusable(path: &Path, why: impl fmt::Display, setting: &str) -> TlsError {
    TlsError::Certificates { path: path.display().to_string(), why: why.to_string(), setting: setting.to_owned() }
}

#[cfg(test)]
mod tests;
