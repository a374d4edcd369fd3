//! Sends a request to a remote write receiver, and says what its refusal means.

use std::fmt;
use std::time::{Duration, SystemTime};

use monitoring::prometheus::config::{NATIVE_HISTOGRAMS_FLAG, RECEIVER_FLAG};
use prometheus_store::response::shown;
use prometheus_store::{BodyLimit, ClientError, ClientOptions, StoreAccess, root_cause, shown_url, store_client};
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use url::Url;

use super::message::{Size, Version};
use crate::clock;
use crate::http::USER_AGENT;

/// With k6's time limit for a push.
const OPTIONS: ClientOptions = ClientOptions { user_agent: Some(USER_AGENT), timeout: Duration::from_secs(5) };
/// The beginning of a refusal.
const REFUSAL: BodyLimit = BodyLimit(4096);

const SAMPLES_WRITTEN: &str = "x-prometheus-remote-write-samples-written";
const HISTOGRAMS_WRITTEN: &str = "x-prometheus-remote-write-histograms-written";
const EXEMPLARS_WRITTEN: &str = "x-prometheus-remote-write-exemplars-written";

/// A receiver of remote write.
pub struct Client {
    http: reqwest::Client,
    url: Url,
}

/// Without user and password.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("url", &self.shown()).finish_non_exhaustive()
    }
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
        /// How long it asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// It does not speak this version of the protocol.
    #[error("{url} does not speak remote write 2.0: {why}")]
    NotSpoken {
        /// The receiver, without user and password.
        url: String,
        /// How that shows.
        why: String,
    },
    /// It took some of what was sent, and says so.
    #[error("{url} took {written} of {sent} samples")]
    Partly {
        /// The receiver, without user and password.
        url: String,
        /// How many there were, native histograms among them.
        sent: u64,
        /// How many it took.
        written: u64,
    },
    /// There are series that it does not take, while it takes others.
    #[error("{why}; series that were not taken: {series}")]
    Series {
        /// Which.
        series: String,
        /// Why the first of them was not.
        why: Box<WriteError>,
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
        matches!(self, Self::Unavailable { .. } | Self::Unreachable { .. })
    }

    /// Whether it may be about some of what was sent, and not about who sent it, or where to.
    pub(super) const fn is_about_content(&self) -> bool {
        match self {
            Self::Refused { status, .. } => !matches!(*status, 200..=299 | 401 | 403 | 404 | 405 | 407),
            Self::Partly { .. } => true,
            _ => false,
        }
    }

    /// How long the store asks to be left alone.
    pub(super) const fn retry_after(&self) -> Option<Duration> {
        if let Self::Unavailable { retry_after, .. } = self { *retry_after } else { None }
    }
}

impl Client {
    /// A client for the receiver at that URL; user and password in it become basic authentication.
    ///
    /// # Errors
    /// If TLS cannot be set up, or a file of certificates cannot be used.
    pub fn new(url: Url, access: &StoreAccess) -> Result<Self, ClientError> {
        Ok(Self { http: store_client(&url, access, OPTIONS)?, url })
    }

    /// The receiver, without user and password.
    pub fn shown(&self) -> String {
        shown_url(&self.url)
    }

    /// Sends an encoded request that holds so much, after so many attempts that failed. Success means that the store has it and answers
    /// queries with it.
    ///
    /// # Errors
    /// If the store does not take it, or not all of it.
    pub(super) async fn send(
        &self,
        body: Vec<u8>,
        version: Version,
        sent: Size,
        failures: u32,
    ) -> Result<(), WriteError> {
        let mut request = self.http.post(self.url.clone()).headers(version.headers()).body(body);
        if failures > 0 {
            request = request.header("retry-attempt", failures);
        }
        let unreachable = |error| WriteError::Unreachable { url: self.shown(), why: root_cause(error) };
        let mut response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        if status.is_success() && is_page(response.headers()) {
            let body = excerpt(&beginning(&mut response).await);
            let cure = " with a web page (is there a login, or a proxy, in between?)".to_owned();
            return Err(WriteError::Refused { url: self.shown(), status: status.as_u16(), cure, body });
        }
        if status.is_success() {
            return if version == Version::Two { self.is_written(response.headers(), sent) } else { Ok(()) };
        }
        let body = excerpt(&beginning(&mut response).await);
        let (url, code) = (self.shown(), status.as_u16());
        if version == Version::Two && status == StatusCode::UNSUPPORTED_MEDIA_TYPE {
            return Err(WriteError::NotSpoken { url, why: format!("it answered {code}: {body}") });
        }
        // Prometheus before 3.7 answers 500 to what it never takes.
        let is_final = NEVER_TAKEN.iter().any(|words| body.contains(words));
        if (status.is_server_error() && !is_final) || status == StatusCode::TOO_MANY_REQUESTS {
            let retry_after = retry_after(response.headers(), clock::wall());
            return Err(WriteError::Unavailable { url, status: code, body, retry_after });
        }
        Err(WriteError::Refused { url, status: code, cure: cure(status, &body), body })
    }

    /// Whether a receiver of version 2.0 says that it took everything. One that says nothing does not know that version, and took
    /// nothing: it found no field that it knows.
    fn is_written(&self, headers: &HeaderMap, sent: Size) -> Result<(), WriteError> {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        if [SAMPLES_WRITTEN, HISTOGRAMS_WRITTEN, EXEMPLARS_WRITTEN].iter().all(|name| !headers.contains_key(*name)) {
            let why = "it does not say how much it took".to_owned();
            return Err(WriteError::NotSpoken { url: self.shown(), why });
        }
        let written = [SAMPLES_WRITTEN, HISTOGRAMS_WRITTEN].map(|name| header(name).unwrap_or_default());
        if written == [sent.samples, sent.histograms] {
            return Ok(());
        }
        let [samples, histograms] = written;
        let sent = sent.samples + sent.histograms;
        Err(WriteError::Partly { url: self.shown(), sent, written: samples.saturating_add(histograms) })
    }
}

/// Prometheus' words where trying again is of no use: `storage/interface.go`, `model/histogram/generic.go`.
const NEVER_TAKEN: [&str; 2] = [NATIVE_DISABLED, "observation count should"];
const NATIVE_DISABLED: &str = "native histograms are disabled";

/// Whether an answer is for people to look at. No receiver says anything when it has taken what it was sent.
fn is_page(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|value| value.starts_with("text/html"))
}

/// What a store asks for before the next attempt: seconds or a date, <https://www.rfc-editor.org/rfc/rfc9110#name-retry-after>.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    match text.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => httpdate::parse_http_date(text).ok()?.duration_since(now).ok(),
    }
}

/// The beginning of a body, which may be endless.
async fn beginning(response: &mut Response) -> String {
    match REFUSAL.read_beginning(response).await {
        Ok(read) => String::from_utf8_lossy(&read).into_owned(),
        Err(error) => format!("(no body: {})", root_cause(error)),
    }
}

fn cure(status: StatusCode, body: &str) -> String {
    // Prometheus' words, storage/interface.go.
    let about_time = ["out of bounds", "out of order", "too old", "too far in the future"];
    match status {
        _ if body.contains(NATIVE_DISABLED) => {
            format!(" (Prometheus before 3.9 wants {NATIVE_HISTOGRAMS_FLAG}; or leave native histograms out)")
        }
        StatusCode::BAD_REQUEST if about_time.iter().any(|words| body.contains(words)) => {
            " (is this machine's clock right, and the store's? Or do two runs push under one testid?)".to_owned()
        }
        StatusCode::NOT_FOUND => format!(" (is its receiver on? Prometheus wants {RECEIVER_FLAG})"),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            let [user, password, token] =
                [perf_settings::RW_USERNAME, perf_settings::RW_PASSWORD, perf_settings::RW_BEARER_TOKEN];
            format!(" (set {user} and {password}, or {token}, or write user:password@ into the URL)")
        }
        _ => String::new(),
    }
}

/// The beginning of a text from outside, on one line and without control characters.
fn excerpt(text: &str) -> String {
    let clean = shown(text);
    if clean.is_empty() { "(no body)".to_owned() } else { clean }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_may_ask_for_seconds_or_name_a_time() {
        let now = httpdate::parse_http_date("Tue, 24 Nov 2026 12:00:00 GMT").unwrap();
        for (value, expected) in [
            ("7", Some(7)),
            ("Tue, 24 Nov 2026 12:00:30 GMT", Some(30)),
            ("Tue, 24 Nov 2026 11:00:00 GMT", None),
            ("soon", None),
            ("-1", None),
        ] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, value.parse().unwrap())]);
            assert_eq!(retry_after(&headers, now), expected.map(Duration::from_secs), "{value}");
        }
    }

    #[test]
    fn what_panics_may_print_holds_no_secret() {
        let url = Url::parse("http://user:S3cr3t@127.0.0.1:9/write?key=S3cr3t").unwrap();
        let shown = format!("{:?}", Client::new(url, &StoreAccess::default()).unwrap());
        assert!(shown.contains("127.0.0.1") && !shown.contains("S3cr3t"), "{shown}");
    }

    #[test]
    fn a_refusal_comes_with_what_to_do() {
        for (status, body, says) in [
            (400, "out of bounds", "clock"),
            (400, "out of order sample", "two runs"),
            (400, "label name \"a b\" is invalid", ""),
            (401, "", "K6_PROMETHEUS_RW_USERNAME"),
            (404, "404 page not found", RECEIVER_FLAG),
            (500, "native histograms are disabled", NATIVE_HISTOGRAMS_FLAG),
        ] {
            let cure = cure(StatusCode::from_u16(status).unwrap(), body);
            assert!(if says.is_empty() { cure.is_empty() } else { cure.contains(says) }, "{status} {body}: {cure:?}");
        }
    }
}
