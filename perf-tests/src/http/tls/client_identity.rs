//! The client certificate that a target may require, and its key.

use std::path::{Path, PathBuf};

use perf_settings::HttpSettings;
use rustls::client::WantsClientCert;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, ConfigBuilder, Error, InconsistentKeys};

use super::TlsError;

/// The files of a client certificate and of its key. They may be the same.
#[derive(Debug, Clone, Copy)]
pub(super) struct ClientIdentity<'a> {
    certificate: &'a Path,
    key: &'a Path,
}

impl<'a> ClientIdentity<'a> {
    /// The files for a host; `None` if it has no client certificate.
    pub(super) fn of(name: Option<&str>, settings: &'a HttpSettings) -> Result<Option<Self>, TlsError> {
        let file = |path: &'a PathBuf| path.as_path();
        let key = settings.client_key.get(name).map(file);
        match (settings.client_certificate.get(name).map(file), key) {
            (Some(certificate), key) => Ok(Some(Self { certificate, key: key.unwrap_or(certificate) })),
            (None, Some(key)) => Err(TlsError::NoClientCertificate(key.display().to_string())),
            (None, None) => Ok(None),
        }
    }

    /// Reads the files and completes a configuration.
    pub(super) fn add_to(
        self,
        builder: ConfigBuilder<ClientConfig, WantsClientCert>,
    ) -> Result<ClientConfig, TlsError> {
        let chain = super::read_certificates(self.certificate)?;
        let path = self.key.display().to_string();
        let key = PrivateKeyDer::from_pem_file(self.key).map_err(|error| match error {
            rustls::pki_types::pem::Error::NoItemsFound => TlsError::NoKey(path.clone()),
            error => TlsError::Key(path.clone(), error.to_string()),
        })?;
        builder.with_client_auth_cert(chain, key).map_err(|error| match error {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                TlsError::KeyMismatch { key: path, certificate: self.certificate.display().to_string() }
            }
            error => TlsError::Key(path, error.to_string()),
        })
    }
}

/// Whether a configuration has a client certificate.
pub(super) fn is_in(config: &ClientConfig) -> bool {
    config.client_auth_cert_resolver.has_certs()
}
