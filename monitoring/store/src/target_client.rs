//! The client for the metrics of a target, with the options of the load on that target.

use std::net::SocketAddr;
use std::path::PathBuf;

use reqwest::Client;
use reqwest::redirect::Policy;
use rustls::{ClientConfig, DEFAULT_VERSIONS};

use crate::http_client::{self, ClientError, ClientOptions, builder, certificates};
use crate::server_trust::ServerTrust;

/// Addresses and certificates for requests to a target.
#[derive(Debug, Default)]
pub struct TargetAccess {
    /// Accepts any server certificate.
    pub insecure_skip_tls_verify: bool,
    /// PEM file of CA certificates that replace the system's.
    pub ca_certificate: Option<PathBuf>,
    /// PEM files of the client certificate and its key.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// A host with its addresses, in place of a look-up.
    pub resolve: Option<(String, Vec<SocketAddr>)>,
    /// Follows redirects to the same origin only.
    pub same_origin: bool,
}

impl TargetAccess {
    /// A client for a target with this scheme.
    ///
    /// # Errors
    /// If a file of certificates or keys cannot be used.
    pub fn client(&self, scheme: &str, options: ClientOptions) -> Result<Client, ClientError> {
        let mut builder = builder(scheme, options);
        let has_files = self.ca_certificate.is_some() || self.identity.is_some();
        if scheme == "https" && (self.insecure_skip_tls_verify || has_files) {
            builder = builder.tls_backend_preconfigured(self.tls()?);
        }
        if self.same_origin {
            builder = builder.redirect(same_origin());
        }
        if let Some((host, addresses)) = &self.resolve {
            builder = builder.resolve_to_addrs(host, addresses);
        }
        Ok(builder.build()?)
    }

    fn tls(&self) -> Result<ClientConfig, ClientError> {
        let authorities = self.ca_certificate.as_deref();
        let trust = match authorities {
            _ if self.insecure_skip_tls_verify => ServerTrust::Any,
            Some(path) => ServerTrust::Only(certificates(path)?),
            None => ServerTrust::System(Vec::new()),
        };
        let identity = self.identity.as_ref().map(|(certificate, key)| (certificate, key));
        http_client::tls(DEFAULT_VERSIONS, trust, authorities, identity)
    }
}

/// Follows redirects to the same origin only.
fn same_origin() -> Policy {
    Policy::custom(|attempt| {
        let is_same = attempt.previous().last().is_some_and(|last| last.origin() == attempt.url().origin());
        if is_same { Policy::default().redirect(attempt) } else { attempt.stop() }
    })
}
