//! Sends a request to a remote write receiver, and says what its refusal means.

use std::time::Duration;

use monitoring::prometheus::RECEIVER_FLAG;
use monitoring::run::{self, StoreAccess};
use reqwest::StatusCode;
use url::Url;

use crate::http::ClientError;

/// k6's time limit for a push.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How much of a refusal's body is worth showing.
const SHOWN: usize = 300;

/// A receiver of remote write.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    url: Url,
}

/// A push that the store did not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// It will not take this, however often it is asked: a 4xx other than 429.
    #[error("{url} answered {status}{cure}: {body}")]
    Refused {
        /// The receiver, without user and password.
        url: String,
        /// The status.
        status: u16,
        /// What can be done about it.
        cure: String,
        /// What it said.
        body: String,
    },
    /// It may take it later: a 5xx or 429.
    #[error("{url} answered {status}: {body}")]
    Unavailable {
        /// The receiver, without user and password.
        url: String,
        /// The status.
        status: u16,
        /// What it said.
        body: String,
    },
    /// It could not be asked.
    #[error("{url} could not be reached: {why}")]
    Unreachable {
        /// The receiver, without user and password.
        url: String,
        /// What happened.
        why: String,
    },
}

impl WriteError {
    /// Whether the same request may be taken later.
    pub const fn is_passing(&self) -> bool {
        !matches!(self, Self::Refused { .. })
    }
}

impl Client {
    /// A client for the receiver at that URL; user and password in it become basic authentication.
    ///
    /// # Errors
    /// If TLS cannot be set up.
    pub fn new(url: Url, access: &StoreAccess) -> Result<Self, ClientError> {
        let no_redirects = reqwest::redirect::Policy::none();
        let http = crate::http::store_client(&url, access).timeout(TIMEOUT).redirect(no_redirects).build()?;
        Ok(Self { http, url })
    }

    /// The receiver, without user and password.
    pub fn shown(&self) -> String {
        run::shown(&self.url)
    }

    /// Sends an encoded request. Success means that the store has it and answers queries with it.
    ///
    /// # Errors
    /// If the store does not take it.
    pub async fn send(&self, body: Vec<u8>) -> Result<(), WriteError> {
        let request = self
            .http
            .post(self.url.clone())
            .header("content-encoding", "snappy")
            .header("content-type", "application/x-protobuf")
            .header("x-prometheus-remote-write-version", "0.1.0")
            .body(body);
        let unreachable = |error| WriteError::Unreachable { url: self.shown(), why: crate::http::root_cause(error) };
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        if status.is_success() {
            return Ok(());
        }
        let body = excerpt(&response.text().await.unwrap_or_else(|error| format!("(no body: {error})")));
        let (url, code) = (self.shown(), status.as_u16());
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Err(WriteError::Unavailable { url, status: code, body });
        }
        Err(WriteError::Refused { url, status: code, cure: cure(status, &body), body })
    }
}

fn cure(status: StatusCode, body: &str) -> String {
    // Prometheus' words, storage/interface.go.
    let about_time = ["out of bounds", "out of order", "too old", "too far in the future"];
    match status {
        StatusCode::BAD_REQUEST if about_time.iter().any(|words| body.contains(words)) => {
            " (is this machine's clock right, and the store's? Or do two runs push under one testid?)".to_owned()
        }
        StatusCode::NOT_FOUND => format!(" (is its receiver on? Prometheus wants {RECEIVER_FLAG})"),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            let [user, password, token] = [run::RW_USERNAME, run::RW_PASSWORD, run::RW_BEARER_TOKEN];
            format!(" (set {user} and {password}, or {token}, or write user:password@ into the URL)")
        }
        _ => String::new(),
    }
}

/// The beginning of a text from outside, on one line and without control characters.
fn excerpt(text: &str) -> String {
    let clean: String = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).take(SHOWN).collect();
    if clean.is_empty() { "(no body)".to_owned() } else { clean }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_comes_with_what_to_do() {
        for (status, body, says) in [
            (400, "out of bounds", "clock"),
            (400, "out of order sample", "two runs"),
            (400, "label name \"a b\" is invalid", ""),
            (401, "", "K6_PROMETHEUS_RW_USERNAME"),
            (404, "404 page not found", RECEIVER_FLAG),
        ] {
            let cure = cure(StatusCode::from_u16(status).unwrap(), body);
            assert!(if says.is_empty() { cure.is_empty() } else { cure.contains(says) }, "{status} {body}: {cure:?}");
        }
    }
}
