//! Sends requests to a remote-write receiver, and classifies its responses.

use std::fmt;
use std::time::{Duration, SystemTime};

use monitoring::prometheus::config::{NATIVE_HISTOGRAMS_FLAG, RECEIVER_FLAG};
use prometheus_store::response::shown;
use prometheus_store::{
    BodyLimit, ClientError, ClientOptions, OtherScheme, ProxySettings, StoreAccess, certificate_error, is_authority,
    root_cause, shown_url, store_client,
};
use reqwest::header::{CONTENT_TYPE, HeaderMap, LOCATION, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use rustls::CertificateError;
use url::Url;

use super::message::{Size, Version, encode};
use crate::clock;
use crate::http::USER_AGENT;

/// k6's time limit for a push.
const OPTIONS: ClientOptions = ClientOptions { user_agent: Some(USER_AGENT), timeout: Duration::from_secs(5) };
/// Bytes of an error response that are read.
const REFUSAL: BodyLimit = BodyLimit(4096);

const SAMPLES_WRITTEN: &str = "x-prometheus-remote-write-samples-written";
const HISTOGRAMS_WRITTEN: &str = "x-prometheus-remote-write-histograms-written";
const EXEMPLARS_WRITTEN: &str = "x-prometheus-remote-write-exemplars-written";

pub(crate) struct Client {
    http: reqwest::Client,
    url: Url,
    /// The receiver and its proxy, without user and password.
    in_errors: String,
    proxies: ProxySettings,
}

/// Without user and password.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("url", &self.shown()).finish_non_exhaustive()
    }
}

/// A push that the store did not accept. Each `url` is the receiver, without user and password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PushError {
    /// The store rejects this request for good: a 4xx status other than 429.
    #[error("{url} responded with status {status}{remedy}: {body}")]
    Refused {
        url: String,
        status: u16,
        /// A hint how to fix it, in parentheses after a space; may be empty.
        remedy: String,
        body: String,
    },
    /// The store may accept the request later: a 5xx status or 429.
    #[error("{url} responded with status {status}: {body}")]
    Unavailable { url: String, status: u16, body: String, retry_after: Option<Duration> },
    /// The store does not support this version of the protocol.
    #[error("{url} does not support remote write 2.0: {why}")]
    UnsupportedVersion { url: String, why: String },
    /// The store reports that it stored only part of the request.
    #[error("{url} stored {written} of {sent} samples")]
    Partial {
        url: String,
        /// Number of samples sent, native histograms included.
        sent: u64,
        written: u64,
    },
    /// The store rejects some series and accepts others.
    #[error("{why}; rejected series: {series}")]
    Series {
        series: String,
        /// The error of the first rejected series.
        why: Box<PushError>,
    },
    /// The store's certificate is not trusted.
    #[error(
        "this client refuses the certificate of {url} ({why}): {remedy}, or set {skip}=true",
        skip = perf_settings::RW_INSECURE
    )]
    Untrusted {
        /// The receiver, without user and password.
        url: String,
        /// The fault of the certificate.
        why: String,
        /// Advice for that fault.
        remedy: String,
    },
    /// The store has TLS and its URL does not, or the other way round.
    #[error(transparent)]
    OtherScheme(#[from] OtherScheme),
    /// There was no response.
    #[error("{url} could not be reached: {why}")]
    Unreachable { url: String, why: String },
}

impl PushError {
    /// Whether the same request may be accepted later.
    pub(crate) const fn is_temporary(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Unreachable { .. })
    }

    /// Whether the error may be due to some of the samples, and not to credentials or the URL.
    pub(super) const fn is_about_content(&self) -> bool {
        match self {
            Self::Refused { status, .. } => !matches!(*status, 200..=399 | 401 | 403 | 404 | 405 | 407),
            Self::Partial { .. } => true,
            _ => false,
        }
    }

    pub(super) const fn retry_after(&self) -> Option<Duration> {
        if let Self::Unavailable { retry_after, .. } = self { *retry_after } else { None }
    }
}

impl Client {
    /// A client for the receiver at this URL. User and password in the URL become basic
    /// authentication.
    pub(crate) fn new(url: Url, access: &StoreAccess) -> Result<Self, ClientError> {
        let in_errors = access.proxies.describe(&url).unwrap_or_else(|| shown_url(&url));
        Ok(Self { http: store_client(&url, access, OPTIONS)?, url, in_errors, proxies: access.proxies.clone() })
    }

    /// The receiver, without user and password.
    pub(crate) fn shown(&self) -> String {
        shown_url(&self.url)
    }

    /// Sends a request without samples, which every receiver accepts. A store that is only
    /// unavailable is not an error.
    pub(crate) async fn check_receiver(&self) -> Result<(), PushError> {
        let Ok(body) = encode(&[], Version::One, 0) else { return Ok(()) };
        let result = self.send(body, Version::One, Size::default(), 0).await;
        // Some servers with TLS send a response without it to say so.
        if let Err(PushError::Unreachable { .. } | PushError::Refused { status: 400, .. }) = result
            && let Some(other) = OtherScheme::find(&self.url, &self.proxies).await
        {
            return Err(other.into());
        }
        match result {
            Err(error) if !error.is_about_content() && !error.is_temporary() => Err(error),
            _ => Ok(()),
        }
    }

    /// Sends an encoded request. `sent` is its size, and `failures` the number of failed attempts
    /// before it. Success means that the store has stored it and returns it in queries.
    pub(super) async fn send(
        &self,
        body: Vec<u8>,
        version: Version,
        sent: Size,
        failures: u32,
    ) -> Result<(), PushError> {
        let mut request = self.http.post(self.url.clone()).headers(version.headers()).body(body);
        if failures > 0 {
            request = request.header("retry-attempt", failures);
        }
        let failed = |error| match (certificate_error(&error), self.in_errors.clone()) {
            (Some(fault), url) => untrusted(url, &fault),
            (None, url) => PushError::Unreachable { url, why: root_cause(error) },
        };
        let mut response = request.send().await.map_err(failed)?;
        let status = response.status();
        if status.is_success() && is_page(response.headers()) {
            let body = excerpt(&read_beginning(&mut response).await);
            let remedy = " (with a web page: is there a login page or a proxy in between?)".to_owned();
            return Err(PushError::Refused { url: self.in_errors.clone(), status: status.as_u16(), remedy, body });
        }
        if status.is_success() {
            return if version == Version::Two { self.is_written(response.headers(), sent) } else { Ok(()) };
        }
        let location =
            response.headers().get(LOCATION).and_then(|location| self.url.join(location.to_str().ok()?).ok());
        let body = excerpt(&read_beginning(&mut response).await);
        let (url, code) = (self.in_errors.clone(), status.as_u16());
        if version == Version::Two && status == StatusCode::UNSUPPORTED_MEDIA_TYPE {
            return Err(PushError::UnsupportedVersion { url, why: format!("status {code}: {body}") });
        }
        // Prometheus before 3.7 responds with 500 to requests that it never accepts.
        let is_final = PERMANENT_REJECTIONS.iter().any(|phrase| body.contains(phrase));
        if (status.is_server_error() && !is_final) || status == StatusCode::TOO_MANY_REQUESTS {
            let retry_after = retry_after(response.headers(), clock::wall());
            return Err(PushError::Unavailable { url, status: code, body, retry_after });
        }
        let remedy = match location.filter(|_| status.is_redirection()) {
            Some(location) => {
                format!(
                    " (it redirects to {}, and that is not followed: use that URL, or log in)",
                    shown_url(&location)
                )
            }
            None => remedy(status, &body),
        };
        Err(PushError::Refused { url, status: code, remedy, body })
    }

    /// Checks the written counts that a receiver of version 2.0 reports. A receiver without these
    /// headers does not know that version; it found no known field and stored nothing.
    fn is_written(&self, headers: &HeaderMap, sent: Size) -> Result<(), PushError> {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        if [SAMPLES_WRITTEN, HISTOGRAMS_WRITTEN, EXEMPLARS_WRITTEN].iter().all(|name| !headers.contains_key(*name)) {
            let why = "its response does not report written samples".to_owned();
            return Err(PushError::UnsupportedVersion { url: self.shown(), why });
        }
        let written = [SAMPLES_WRITTEN, HISTOGRAMS_WRITTEN].map(|name| header(name).unwrap_or_default());
        if written == [sent.samples, sent.histograms] {
            return Ok(());
        }
        let [samples, histograms] = written;
        let sent = sent.samples + sent.histograms;
        Err(PushError::Partial { url: self.shown(), sent, written: samples.saturating_add(histograms) })
    }
}

/// Phrases in Prometheus' responses that mean a retry is useless. Source: `storage/interface.go`
/// and `model/histogram/generic.go`.
const PERMANENT_REJECTIONS: [&str; 2] = [NATIVE_DISABLED, "observation count should"];
const NATIVE_DISABLED: &str = "native histograms are disabled";

/// Whether the response is a web page for people. A receiver's success response has no body.
fn is_page(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|value| value.starts_with("text/html"))
}

/// The pause that a store asks for: seconds or a date,
/// <https://www.rfc-editor.org/rfc/rfc9110#name-retry-after>.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    match text.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => httpdate::parse_http_date(text).ok()?.duration_since(now).ok(),
    }
}

/// Reads the beginning of a body, which may be endless.
async fn read_beginning(response: &mut Response) -> String {
    match REFUSAL.read_beginning(response).await {
        Ok(read) => String::from_utf8_lossy(&read).into_owned(),
        Err(error) => format!("(no body: {})", root_cause(error)),
    }
}

fn remedy(status: StatusCode, body: &str) -> String {
    // Phrases of Prometheus and Mimir. Source: `storage/interface.go`.
    let about_time = ["out of bounds", "out of order", "out-of-order", "too old", "too far in the future"];
    match status {
        _ if body.contains(NATIVE_DISABLED) => {
            format!(" (Prometheus before 3.9 needs {NATIVE_HISTOGRAMS_FLAG}; or turn native histograms off)")
        }
        StatusCode::BAD_REQUEST if about_time.iter().any(|phrase| body.contains(phrase)) => {
            " (is this machine's clock right, and the store's? do two runs use one testid?)".to_owned()
        }
        StatusCode::NOT_FOUND => format!(" (is its remote-write receiver on? Prometheus needs {RECEIVER_FLAG})"),
        // Mimir and Cortex.
        StatusCode::UNAUTHORIZED if body.contains("no org id") => {
            format!(" (name the tenant: {}=X-Scope-OrgID:TENANT)", perf_settings::RW_HTTP_HEADERS)
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            let [user, password, token] =
                [perf_settings::RW_USERNAME, perf_settings::RW_PASSWORD, perf_settings::RW_BEARER_TOKEN];
            format!(" (set {user} and {password}, or {token}, or write user:password@ into the URL)")
        }
        _ => String::new(),
    }
}

fn untrusted(url: String, fault: &CertificateError) -> PushError {
    let why = if is_authority(fault) { "it is an authority's".to_owned() } else { fault.to_string() };
    let remedy = match fault {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "renew it, check this machine's clock".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "check the clocks of both machines".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "use a name of the certificate in the store's URL".to_owned()
        }
        // An authority that was created again has another key, maybe of another kind.
        CertificateError::UnknownIssuer
        | CertificateError::BadSignature
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => trust_authority(),
        fault if is_authority(fault) => trust_authority(),
        _ => "replace it".to_owned(),
    };
    PushError::Untrusted { url, why, remedy }
}

fn trust_authority() -> String {
    format!("give its authority's file with {}", perf_settings::STORE_CA_CERTIFICATE)
}

/// The beginning of a foreign text, on one line and without control characters.
fn excerpt(text: &str) -> String {
    let clean = shown(text);
    if clean.is_empty() { "(no body)".to_owned() } else { clean }
}

#[cfg(test)]
mod tests;
