//! The client certificate that a target may require, and its key.

use std::path::{Path, PathBuf};

use perf_settings::HttpSettings;
use rustls::client::WantsClientCert;
use rustls::{ClientConfig, ConfigBuilder, Error, InconsistentKeys};

use super::{TlsError, flag_value};

/// The files of a client certificate and of its key. They may be the same.
#[derive(Debug, Clone, Copy)]
pub(super) struct ClientIdentity<'a> {
    certificate: &'a Path,
    key: &'a Path,
    /// The host that they are for; `None` is the main target.
    host: Option<&'a str>,
}

impl<'a> ClientIdentity<'a> {
    /// The files for exactly this host; `None` if it has no client certificate. A file without a
    /// name is for the main target only: no other host is shown who this client is.
    pub(super) fn find(host: Option<&'a str>, settings: &'a HttpSettings) -> Result<Option<Self>, TlsError> {
        let file = |path: &'a PathBuf| path.as_path();
        let key = settings.client_key.get_own(host).map(file);
        match (settings.client_certificate.get_own(host).map(file), key) {
            (Some(certificate), key) => Ok(Some(Self { certificate, key: key.unwrap_or(certificate), host })),
            (None, Some(key)) => {
                let key = key.display().to_string();
                Err(TlsError::NoClientCertificate { key, value: flag_value(host) })
            }
            (None, None) => Ok(None),
        }
    }

    /// Reads the files and completes a configuration.
    pub(super) fn add_to(
        self,
        builder: ConfigBuilder<ClientConfig, WantsClientCert>,
    ) -> Result<ClientConfig, TlsError> {
        let value = flag_value(self.host);
        let chain = super::read_certificates(self.certificate, &format!("--client-certificate {value}"))?;
        let path = self.key.display().to_string();
        let unusable = |why| TlsError::Key { path: path.clone(), why, value: value.clone() };
        let key = prometheus_store::read_key(self.key).map_err(unusable)?;
        builder.with_client_auth_cert(chain, key).map_err(|error| match error {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                let certificate = self.certificate.display().to_string();
                TlsError::KeyMismatch { key: path.clone(), certificate, value: value.clone() }
            }
            error => unusable(error.to_string()),
        })
    }
}

/// Whether a configuration has a client certificate.
pub(super) fn is_in(config: &ClientConfig) -> bool {
    config.client_auth_cert_resolver.has_certs()
}
