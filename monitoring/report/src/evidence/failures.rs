//! Causes of failed requests. Each cause is kept once, with its count, the time of its first
//! failure and its first response body.

use std::borrow::Cow;
use std::fmt;

use http::StatusCode;
use monitoring::sanitize::one_line;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::failure::FailureKind;
use crate::format::{clock_time, count};

/// Limit on causes per worker. Failures with further causes are counted by kind only.
const MOST_CAUSES: usize = 50;
/// Limit on characters of a message and of a body.
const MOST_TEXT: usize = 200;
/// Limit on bytes of a page of HTML that are searched for its text. It may begin with its styles.
const MOST_OF_PAGE: usize = 8 << 10;

/// Requests that failed for the same reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FailureCause {
    /// Name of the endpoint, or method and path of a request without an endpoint.
    pub request: Cow<'static, str>,
    /// Kind of failure of the requests.
    #[serde(flatten)]
    pub detail: FailureDetail<'static>,
    /// Beginning of the first response's body, on one line; at most 200 characters.
    pub body: String,
    /// Requests that failed in this way.
    pub count: u64,
    /// Time of the first failure, in milliseconds since load began.
    pub first_ms: u64,
    /// Method and path of the first failure, without the query: "GET /api/carts/7". Empty if it was
    /// not an HTTP request, and in reports of older versions.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub first_request: String,
}

/// Kind of failure of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "FlatDetail<'a>", into = "FlatDetail<'a>")]
#[schemars(with = "FlatDetail<'static>")]
pub enum FailureDetail<'a> {
    /// The response did not pass a check of the scenario.
    Check {
        /// Name of the check in the scenario: "has a room".
        name: Cow<'a, str>,
        /// Status of the response.
        status: u16,
    },
    /// The response had a status that is not expected.
    Status {
        /// Status of the response.
        status: u16,
        /// The expected statuses if they are not 200-299, or why a redirect was not followed. Empty
        /// if the status explains the failure.
        why: Cow<'a, str>,
    },
    /// There was no valid response.
    Client {
        /// Kind of failure.
        kind: FailureKind,
        /// Error of the client: "Connection refused (os error 111)".
        message: Cow<'a, str>,
    },
}

/// Kind of failure of a request, as in JSON.
#[derive(Serialize, Deserialize, JsonSchema)]
struct FlatDetail<'a> {
    /// Kind of failure.
    kind: FailureKind,
    /// Status code, if there was a response.
    status: Option<u16>,
    /// Message of the client, name of the failed check, or the expected statuses if they are not
    /// 200-299. Empty if the status explains the failure.
    message: Cow<'a, str>,
}

impl<'a> From<FlatDetail<'a>> for FailureDetail<'a> {
    fn from(FlatDetail { kind, status, message }: FlatDetail<'a>) -> Self {
        match (kind, status) {
            (FailureKind::Check, Some(status)) => Self::Check { name: message, status },
            (FailureKind::Status, Some(status)) => Self::Status { status, why: message },
            _ => Self::Client { kind, message },
        }
    }
}

impl<'a> From<FailureDetail<'a>> for FlatDetail<'a> {
    fn from(detail: FailureDetail<'a>) -> Self {
        let (kind, status) = (detail.kind(), detail.status());
        let (FailureDetail::Check { name: message, .. }
        | FailureDetail::Status { why: message, .. }
        | FailureDetail::Client { message, .. }) = detail;
        Self { kind, status, message }
    }
}

/// Causes of a run, or of a part of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureCauses(Vec<FailureCause>);

/// A failed request, before it is counted under its cause.
#[derive(Debug, Clone)]
pub struct FailedRequest<'a> {
    /// Name of the endpoint, or method and path of a request without an endpoint.
    pub request: &'a str,
    /// Cause of a failed request.
    pub detail: FailureDetail<'a>,
    /// Beginning of the response's body. Empty without a response.
    pub body: &'a [u8],
    /// Method and path as sent, without the query. Empty if it was not an HTTP request.
    pub sent: &'a str,
}

impl FailureCauses {
    /// Counts a failed request. `first_ms` is the current time in milliseconds since load began.
    pub fn record(&mut self, failed: FailedRequest<'_>, first_ms: u64) {
        let FailedRequest { request, detail, body, sent } = failed;
        let detail = detail.bounded();
        if let Some(cause) = self.0.iter_mut().find(|cause| cause.request == request && cause.detail == detail) {
            cause.count += 1;
        } else if self.0.len() < MOST_CAUSES {
            let (request, detail) = (Cow::Owned(request.to_owned()), detail.into_owned());
            let first_request = body_text(sent.as_bytes());
            self.0.push(FailureCause { request, detail, body: body_text(body), count: 1, first_ms, first_request });
        }
    }

    /// Adds causes of another worker.
    pub fn merge(&mut self, other: &Self) {
        for theirs in &other.0 {
            let is_same = |mine: &&mut FailureCause| mine.request == theirs.request && mine.detail == theirs.detail;
            match self.0.iter_mut().find(is_same) {
                None => self.0.push(theirs.clone()),
                Some(mine) => {
                    let count = mine.count + theirs.count;
                    if theirs.first_ms < mine.first_ms {
                        *mine = theirs.clone();
                    }
                    mine.count = count;
                }
            }
        }
    }

    /// All causes, the most frequent first.
    pub(crate) fn into_sorted(mut self) -> Vec<FailureCause> {
        self.0.sort_by(|one, other| other.count.cmp(&one.count).then_with(|| one.request.cmp(&other.request)));
        self.0
    }
}

impl FailureDetail<'_> {
    /// Kind of failure.
    pub const fn kind(&self) -> FailureKind {
        match self {
            Self::Check { .. } => FailureKind::Check,
            Self::Status { .. } => FailureKind::Status,
            Self::Client { kind, .. } => *kind,
        }
    }

    /// Status code. `None` without a response.
    pub const fn status(&self) -> Option<u16> {
        match self {
            Self::Check { status, .. } | Self::Status { status, .. } => Some(*status),
            Self::Client { .. } => None,
        }
    }

    /// The detail with at most [`MOST_TEXT`] characters of text. The name of a check is not cut:
    /// objectives have the whole name.
    fn bounded(&self) -> FailureDetail<'_> {
        match self {
            Self::Check { name, status } => FailureDetail::Check { name: Cow::Borrowed(name), status: *status },
            Self::Status { status, why } => FailureDetail::Status { status: *status, why: beginning(why).into() },
            Self::Client { kind, message } => FailureDetail::Client { kind: *kind, message: beginning(message).into() },
        }
    }

    fn into_owned(self) -> FailureDetail<'static> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        match self {
            Self::Check { name, status } => FailureDetail::Check { name: owned(name), status },
            Self::Status { status, why } => FailureDetail::Status { status, why: owned(why) },
            Self::Client { kind, message } => FailureDetail::Client { kind, message: owned(message) },
        }
    }
}

/// Text of the failure without the body: "404 Not Found", "check "has offers" failed", "refused:
/// Connection refused".
impl fmt::Display for FailureDetail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Check { name, .. } => write!(f, "check {name:?} failed"),
            Self::Status { status, why } if why.is_empty() => f.write_str(&describe_status(*status)),
            Self::Status { status, why } => write!(f, "{}, {why}", describe_status(*status)),
            Self::Client { kind, message } => write!(f, "{}: {message}", kind.as_str()),
        }
    }
}

impl FailureCause {
    /// Status and beginning of the body. `None` without a response.
    pub fn response(&self) -> Option<(u16, &str)> {
        Some((self.detail.status()?, &self.body))
    }

    /// Whether it says why the status is a failure.
    pub(crate) fn has_reason(&self) -> bool {
        matches!(&self.detail, FailureDetail::Status { why, .. } if !why.is_empty())
    }

    /// Text of the cause, without its request: "40,404 × 404 Not Found {"detail":"Not Found"},
    /// first at 00:03 by GET /api/carts/7".
    pub fn describe(&self) -> String {
        format!("{} × {}", count(self.count), self.describe_uncounted())
    }

    /// Text of the cause, without its request and count: "404 Not Found {"detail":"Not Found"},
    /// first at 00:03 by GET /api/carts/7".
    pub(crate) fn describe_uncounted(&self) -> String {
        let body = match (&self.detail, self.body.as_str()) {
            (_, "") | (FailureDetail::Client { .. }, _) => String::new(),
            (FailureDetail::Check { .. }, body) => format!(": {body}"),
            (FailureDetail::Status { .. }, body) => format!(" {body}"),
        };
        let by = match self.first_request.as_str() {
            "" => String::new(),
            // A request without an endpoint has its name from this.
            named if named == self.request => String::new(),
            sent => format!(" by {sent}"),
        };
        format!("{}{body}, first at {}{by}", self.detail, clock_time(self.first_ms))
    }
}

/// A status code with its reason phrase (RFC 9110, section 15): "404 Not Found".
pub fn describe_status(status: u16) -> String {
    let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    reason.map_or_else(|| status.to_string(), |reason| format!("{status} {reason}"))
}

/// Beginning of a body as text on one line, without control characters. A page of HTML has no tags.
pub fn body_text(body: &[u8]) -> String {
    let is_page = is_page(body);
    // A character has at most 4 bytes.
    let most = if is_page { MOST_OF_PAGE } else { MOST_TEXT * 4 };
    let mut text = String::from_utf8_lossy(&body[..body.len().min(most)]);
    if is_page {
        text = Cow::Owned(page_text(&text));
    }
    let parts: Vec<_> = text.split_whitespace().collect();
    one_line(beginning(&parts.join(" ")).trim_end())
}

/// Whether a body is a page of HTML.
fn is_page(body: &[u8]) -> bool {
    let start = body.trim_ascii_start();
    let begins = |tag: &[u8]| start.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag));
    begins(b"<!doctype html") || begins(b"<html")
}

/// Text of the body of a page, or its title if the body is not there.
fn page_text(page: &str) -> String {
    let lower = page.to_ascii_lowercase();
    let from = ["<body", "<title"].iter().find_map(|tag| lower.find(tag)).unwrap_or_default();
    let text = page[from..].split('<').filter_map(|part| {
        let (tag, text) = part.split_once('>')?;
        let tag = tag.to_ascii_lowercase();
        let is_code = tag.starts_with("style") || tag.starts_with("script");
        (!is_code).then_some(text)
    });
    text.collect::<Vec<_>>().join(" ")
}

fn beginning(text: &str) -> &str {
    text.char_indices().nth(MOST_TEXT).map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests;
