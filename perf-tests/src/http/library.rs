//! The library's client, reqwest: for the store, for the first question whether a target answers, and for what only some
//! scenarios need of a request.

use std::str::FromStr as _;

use monitoring::run::StoreAccess;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

/// A client could not be made.
#[derive(Debug, thiserror::Error)]
#[error("failed to set up an HTTP client: {0}")]
pub struct ClientError(#[from] reqwest::Error);

/// What all our clients have in common: TLS by rustls on ring, and no proxy between generator and target.
pub(crate) fn client_builder() -> reqwest::ClientBuilder {
    super::tls::use_ring();
    reqwest::Client::builder().no_proxy().user_agent(super::encode::USER_AGENT)
}

/// A client for a store, which is told who we are with every request.
pub(crate) fn store_client(url: &Url, access: &StoreAccess) -> reqwest::ClientBuilder {
    let mut headers = HeaderMap::new();
    for (name, value) in access.headers_for(url) {
        // Checked when they were read.
        if let (Ok(name), Ok(mut value)) = (HeaderName::from_str(name), HeaderValue::from_str(value)) {
            value.set_sensitive(true);
            headers.append(name, value);
        }
    }
    client_builder().default_headers(headers).danger_accept_invalid_certs(access.insecure_skip_tls_verify)
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
