//! The library's client, reqwest: for the store, for the first question whether a target answers, and for what only some
//! scenarios need of a request.

/// A client could not be made.
#[derive(Debug, thiserror::Error)]
#[error("failed to set up an HTTP client: {0}")]
pub struct ClientError(#[from] reqwest::Error);

/// What all our clients have in common: TLS by rustls on ring, and no proxy between generator and target.
pub(crate) fn client_builder() -> reqwest::ClientBuilder {
    super::tls::use_ring();
    reqwest::Client::builder().no_proxy().user_agent(super::encode::USER_AGENT)
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
