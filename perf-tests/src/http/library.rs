//! The library's client, reqwest: for the store, for the first question whether a target answers, and for what only some
//! scenarios need of a request.

use std::path::Path;
use std::str::FromStr as _;

use perf_settings::StoreAccess;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use url::Url;

/// A client could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// By the library.
    #[error("failed to set up an HTTP client: {0}")]
    Library(String),
    /// A file of certificates or keys cannot be used.
    #[error("failed to read certificates from {0}: {1}")]
    Certificates(String, String),
}

impl From<reqwest::Error> for ClientError {
    fn from(error: reqwest::Error) -> Self {
        Self::Library(root_cause(error))
    }
}

/// What all our clients have in common: TLS by rustls on ring, and no proxy between generator and target.
pub(crate) fn client_builder(url: &Url) -> reqwest::ClientBuilder {
    super::tls::use_ring();
    let builder = reqwest::Client::builder().no_proxy().user_agent(super::request_head::USER_AGENT);
    // A machine that knows no authority, as many a container, does without where nobody has to prove who he is.
    if url.scheme() == "https" { builder } else { builder.tls_certs_only([]) }
}

/// A client for a store, which is told who we are with every request.
///
/// # Errors
/// If a file of certificates cannot be used.
pub(crate) fn store_client(url: &Url, access: &StoreAccess) -> Result<reqwest::ClientBuilder, ClientError> {
    let mut headers = HeaderMap::new();
    for (name, value) in access.headers_for(url) {
        // Checked when they were read.
        if let (Ok(name), Ok(mut value)) = (HeaderName::from_str(name), HeaderValue::from_str(value)) {
            value.set_sensitive(true);
            headers.append(name, value);
        }
    }
    // Who we are is said to nobody else, wherever an answer points.
    let mut builder = client_builder(url).redirect(Policy::none()).default_headers(headers);
    builder = builder.danger_accept_invalid_certs(access.insecure_skip_tls_verify);
    if access.tls_1_3 {
        builder = builder.tls_version_min(reqwest::tls::Version::TLS_1_3);
    }
    if let Some(path) = &access.ca_certificate {
        let certificates = reqwest::Certificate::from_pem_bundle(&read(path)?).map_err(|why| unusable(path, why))?;
        builder = certificates.into_iter().fold(builder, reqwest::ClientBuilder::add_root_certificate);
    }
    if let Some((certificate, key)) = access.client_certificate_for(url) {
        let both = [read(key)?, read(certificate)?].concat();
        builder = builder.identity(reqwest::Identity::from_pem(&both).map_err(|why| unusable(certificate, why))?);
    }
    Ok(builder)
}

fn read(path: &Path) -> Result<Vec<u8>, ClientError> {
    std::fs::read(path).map_err(|why| ClientError::Certificates(path.display().to_string(), why.to_string()))
}

fn unusable(path: &Path, why: reqwest::Error) -> ClientError {
    ClientError::Certificates(path.display().to_string(), root_cause(why))
}

/// The beginning of a body, which may be endless: no more bytes than so many.
///
/// # Errors
/// If the answer breaks off before them.
pub(crate) async fn beginning(response: &mut reqwest::Response, most: usize) -> Result<Vec<u8>, reqwest::Error> {
    let mut read = Vec::new();
    while read.len() < most {
        let Some(chunk) = response.chunk().await? else { break };
        read.extend_from_slice(&chunk[..chunk.len().min(most - read.len())]);
    }
    Ok(read)
}

/// The innermost message of an error, which is the one that says what happened.
pub(crate) fn root_cause(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
