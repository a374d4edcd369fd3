//! The HTTP client of one virtual user, with a connection pool of its own.

use std::time::Duration;

use reqwest::redirect;
use url::Url;

use super::connect::ConnectTime;
use crate::measure::Failure;

/// k6's time limit for a request.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Beyond this an answer is no answer of an API; the request fails.
const MAX_BODY: usize = 64 << 20;

/// A client could not be made.
#[derive(Debug, thiserror::Error)]
#[error("failed to set up an HTTP client: {0}")]
pub struct ClientError(#[from] reqwest::Error);

/// One virtual user's client.
#[derive(Debug)]
pub struct HttpClient {
    client: reqwest::Client,
    connecting: ConnectTime,
}

/// What came of a request.
pub(super) struct Exchange {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

/// How a request failed before a whole answer was there.
pub(super) struct Broken {
    pub(super) failure: Failure,
    pub(super) message: String,
}

impl HttpClient {
    /// A client without connections, for a target that is spoken to by TLS or not.
    ///
    /// # Errors
    /// If TLS cannot be set up.
    pub fn new(tls: bool) -> Result<Self, ClientError> {
        let connecting = ConnectTime::default();
        // Reading the system's certificates takes milliseconds, and every VU has a client of its own.
        let builder = if tls { client_builder() } else { client_builder().tls_certs_only([]) };
        let client = builder
            .timeout(TIMEOUT)
            // A redirect is an answer like any other: following it would measure two requests as one.
            .redirect(redirect::Policy::none())
            .connector_layer(connecting.clone())
            .build()?;
        Ok(Self { client, connecting })
    }

    pub(super) fn builder(&self, method: &str, url: Url) -> reqwest::RequestBuilder {
        // Methods come from the catalogue's enum, which has none that HTTP does not allow.
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap_or(reqwest::Method::GET);
        self.client.request(method, url)
    }

    /// Sends the request and reads its whole answer.
    pub(super) async fn exchange(&self, request: reqwest::Request) -> Result<Exchange, Broken> {
        let mut response = self.client.execute(request).await.map_err(broken)?;
        let status = response.status().as_u16();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            if body.len() + chunk.len() > MAX_BODY {
                let message = format!("the answer is longer than {} MiB", MAX_BODY >> 20);
                return Err(Broken { failure: Failure::Transport, message });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Exchange { status, body })
    }

    /// How much of the time since the last call went into making connections.
    pub(super) fn take_connecting(&self) -> Duration {
        self.connecting.take()
    }
}

/// What all our clients have in common: TLS by rustls on ring, and no proxy between generator and target.
pub(crate) fn client_builder() -> reqwest::ClientBuilder {
    // Fails only if a provider is installed already, which then serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().user_agent(concat!("perf-tests/", env!("CARGO_PKG_VERSION")))
}

fn broken(error: reqwest::Error) -> Broken {
    let failure = if error.is_timeout() {
        Failure::Timeout
    } else if error.is_connect() {
        Failure::Connect
    } else {
        Failure::Transport
    };
    Broken { failure, message: root_cause(error) }
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
