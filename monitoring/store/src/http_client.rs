//! HTTP clients: TLS by rustls with ring. Only a store's client uses a proxy. Secrets of a store
//! are sent to that store only.

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fmt, io};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder};
use rustls::pki_types::CertificateDer;
use rustls::version::TLS13;
use rustls::{CertificateError, CipherSuite, ClientConfig, DEFAULT_VERSIONS, SupportedProtocolVersion};
use url::Url;

use crate::access::StoreAccess;
use crate::pem_file::{read_certificates, read_key};
use crate::proxy::ProxyError;
use crate::server_trust::ServerTrust;

const PREFERRED: [CipherSuite; 3] = [
    CipherSuite::TLS13_AES_128_GCM_SHA256,
    CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
];

/// Options for all requests of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientOptions {
    /// Header `user-agent`; not sent if `None`.
    pub user_agent: Option<&'static str>,
    /// Timeout of a request, including its response.
    pub timeout: Duration,
}

/// A client could not be created.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The HTTP library reported an error.
    #[error("cannot create an HTTP client: {0}")]
    Library(String),
    /// A file of certificates or keys cannot be read or parsed: path and cause.
    #[error("cannot read certificates from {0}: {1}")]
    Certificates(String, String),
    /// A header cannot be sent. The message omits the header, because it may be a secret.
    #[error("cannot create an HTTP client: a header for the store is invalid")]
    Header,
    /// A proxy that is not supported.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
}

impl From<reqwest::Error> for ClientError {
    fn from(error: reqwest::Error) -> Self {
        Self::Library(root_cause(error))
    }
}

/// Installs ring as the TLS provider of this process. As browsers and Go do, it asks for AES with
/// 128 bits first. So a service spends as much time on TLS as with users.
pub fn use_ring() {
    let mut ring = rustls::crypto::ring::default_provider();
    ring.cipher_suites.sort_by_key(|suite| !PREFERRED.contains(&suite.suite()));
    // Fails only if a provider is installed already; that one works, too.
    let _ = ring.install_default();
}

/// A client without credentials for the server at `url`. It follows redirects.
///
/// # Errors
/// If TLS cannot be configured.
pub fn client(url: &Url, options: ClientOptions) -> Result<Client, ClientError> {
    Ok(builder(url.scheme(), options).build()?)
}

/// A client for the server at a Unix socket. It sends every request there, whatever its URL's host.
#[cfg(unix)]
pub fn socket_client(socket: &Path, options: ClientOptions) -> Result<Client, ClientError> {
    Ok(builder("http", options).unix_socket(socket).build()?)
}

/// A client for the store at `url`. It sends the store's credentials with every request, uses the
/// proxy for that URL, and does not follow redirects.
///
/// # Errors
/// If a certificate or key file cannot be used, a header cannot be sent, or the proxy is not
/// supported.
pub fn store_client(url: &Url, access: &StoreAccess, options: ClientOptions) -> Result<Client, ClientError> {
    // A redirect could send the credentials to another host.
    let mut builder = builder(url.scheme(), options).redirect(Policy::none()).default_headers(headers(url, access)?);
    if url.scheme() == "https" || access.ca_certificate.is_some() {
        builder = builder.tls_backend_preconfigured(store_tls(url, access)?);
    }
    if let Some(proxy) = access.proxies.proxy_for(url)? {
        builder = builder.proxy(reqwest::Proxy::all(proxy)?);
    }
    Ok(builder.build()?)
}

pub(crate) fn builder(scheme: &str, options: ClientOptions) -> ClientBuilder {
    use_ring();
    let mut builder = Client::builder().no_proxy().timeout(options.timeout);
    if let Some(user_agent) = options.user_agent {
        builder = builder.user_agent(user_agent);
    }
    // Plain HTTP needs no CA certificates, and many containers have none.
    if scheme == "https" { builder } else { builder.tls_certs_only([]) }
}

fn headers(url: &Url, access: &StoreAccess) -> Result<HeaderMap, ClientError> {
    let header = |(name, value): &(String, String)| {
        let mut value = HeaderValue::from_str(value).ok()?;
        value.set_sensitive(true);
        Some((HeaderName::from_bytes(name.as_bytes()).ok()?, value))
    };
    let mut headers = HeaderMap::new();
    for pair in access.headers_for(url) {
        let (name, value) = header(pair).ok_or(ClientError::Header)?;
        headers.append(name, value);
    }
    Ok(headers)
}

/// TLS with the store's certificates.
fn store_tls(url: &Url, access: &StoreAccess) -> Result<ClientConfig, ClientError> {
    let authorities = access.ca_certificate.as_deref();
    let trusted = authorities.map(certificates).transpose()?.unwrap_or_default();
    let trust = if access.insecure_skip_tls_verify { ServerTrust::Any } else { ServerTrust::System(trusted) };
    let versions = if access.tls_1_3 { &[&TLS13][..] } else { DEFAULT_VERSIONS };
    tls(versions, trust, authorities, access.client_certificate_for(url))
}

/// TLS with this trust, which has the certificates of the file `authorities`, and with the files of
/// a client certificate and its key.
pub(crate) fn tls(
    versions: &[&'static SupportedProtocolVersion],
    trust: ServerTrust,
    authorities: Option<&Path>,
    identity: Option<(&PathBuf, &PathBuf)>,
) -> Result<ClientConfig, ClientError> {
    let verifier = trust.verifier().map_err(|why| match authorities {
        Some(path) => unusable(path, why),
        None => ClientError::Library(why.to_string()),
    })?;
    let builder = ClientConfig::builder_with_protocol_versions(versions).dangerous();
    let builder = builder.with_custom_certificate_verifier(verifier);
    let Some((certificate, key)) = identity else { return Ok(builder.with_no_client_auth()) };
    let key = read_key(key).map_err(|why| unusable(key, why))?;
    builder.with_client_auth_cert(certificates(certificate)?, key).map_err(|why| unusable(certificate, why))
}

/// The certificates of a file.
pub(crate) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, ClientError> {
    read_certificates(path).map_err(|why| unusable(path, why))
}

fn unusable(path: &Path, why: impl fmt::Display) -> ClientError {
    ClientError::Certificates(path.display().to_string(), why.to_string())
}

/// Message of the innermost cause of an error. It contains no URL, because a URL may contain a
/// password.
pub fn root_cause(error: reqwest::Error) -> String {
    innermost(&error.without_url())
}

/// Why a server's certificate was refused, if that is the error.
pub fn certificate_error(error: &reqwest::Error) -> Option<CertificateError> {
    match tls_error(error) {
        Some(rustls::Error::InvalidCertificate(why)) => Some(why.clone()),
        _ => None,
    }
}

/// The TLS error that is the cause of an error.
pub(crate) fn tls_error(error: &reqwest::Error) -> Option<&rustls::Error> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(found) = cause {
        if let Some(error) = found.downcast_ref() {
            return Some(error);
        }
        cause = match found.downcast_ref::<io::Error>() {
            // It does not name the error in it as its source.
            Some(error) => error.get_ref().map(|inner| inner as _),
            None => found.source(),
        };
    }
    None
}

pub(crate) fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests;
