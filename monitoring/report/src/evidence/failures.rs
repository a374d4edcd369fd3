//! Causes of failed requests. Each cause is kept once, with its count, the time of its first
//! failure and its first response body.

use std::borrow::Cow;

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

/// Requests that failed for the same reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FailureCause {
    /// Name of the endpoint, or method and path of a request without an endpoint.
    pub request: Cow<'static, str>,
    /// Kind of failure.
    pub kind: FailureKind,
    /// Status code, if there was a response.
    pub status: Option<u16>,
    /// Message of the client, name of the failed check, or the expected statuses if they are not
    /// 200-299. Empty if the status explains the failure.
    pub message: Cow<'static, str>,
    /// Beginning of the first response's body, on one line; at most 200 characters.
    pub body: String,
    /// Number of failed requests.
    pub count: u64,
    /// Time of the first failure, in milliseconds since load began.
    pub first_ms: u64,
}

/// Causes of a run, or of a part of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureCauses(Vec<FailureCause>);

/// A failed request, before it is counted under its cause.
#[derive(Debug, Clone, Copy)]
pub struct FailedRequest<'a> {
    /// Name of the endpoint, or method and path of a request without an endpoint.
    pub request: &'a str,
    /// Kind of failure.
    pub kind: FailureKind,
    /// Status code, if there was a response.
    pub status: Option<u16>,
    /// Message of the client, or name of the failed check.
    pub message: &'a str,
    /// Body of the response.
    pub body: &'a [u8],
}

impl FailureCauses {
    /// Counts a failed request. `first_ms` is the current time in milliseconds since load began.
    pub fn record(&mut self, failed: FailedRequest<'_>, first_ms: u64) {
        let FailedRequest { request, kind, status, message, body } = failed;
        // The name of a check is not cut: objectives have the whole name.
        let message = if kind == FailureKind::Check { message } else { beginning(message) };
        let key = (request, kind, status, message);
        if let Some(cause) = self.0.iter_mut().find(|cause| cause.key() == key) {
            cause.count += 1;
        } else if self.0.len() < MOST_CAUSES {
            let (request, message) = (Cow::Owned(request.to_owned()), Cow::Owned(message.to_owned()));
            self.0.push(FailureCause { request, kind, status, message, body: body_text(body), count: 1, first_ms });
        }
    }

    /// Adds causes of another worker.
    pub fn merge(&mut self, other: &Self) {
        for theirs in &other.0 {
            match self.0.iter_mut().find(|mine| mine.key() == theirs.key()) {
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
    pub fn into_sorted(mut self) -> Vec<FailureCause> {
        self.0.sort_by(|one, other| other.count.cmp(&one.count).then_with(|| one.request.cmp(&other.request)));
        self.0
    }
}

impl FailureCause {
    /// Failures with one key have the same cause.
    fn key(&self) -> (&str, FailureKind, Option<u16>, &str) {
        (&self.request, self.kind, self.status, &self.message)
    }

    /// Name of the failed check. `None` for other failures.
    pub fn check(&self) -> Option<&str> {
        (self.kind == FailureKind::Check).then_some(&*self.message)
    }

    /// Text of the cause, without its request: "40,404 × 404 Not Found {"detail":"Not Found"},
    /// first at 00:03".
    pub fn describe(&self) -> String {
        let body = match (self.check(), self.status, self.body.as_str()) {
            (_, _, "") | (None, None, _) => String::new(),
            (Some(_), _, body) => format!(": {body}"),
            (None, Some(_), body) => format!(" {body}"),
        };
        format!("{} × {}{body}, first at {}", count(self.count), self.reason(), clock_time(self.first_ms))
    }

    /// Text of the failure without the body: "404 Not Found", "check "has news" failed", "refused:
    /// Connection refused".
    pub fn reason(&self) -> String {
        match (self.check(), self.status, &*self.message) {
            (Some(check), _, _) => format!("check {check:?} failed"),
            (None, Some(status), "") => describe_status(status),
            (None, Some(status), message) => format!("{}, {message}", describe_status(status)),
            (None, None, message) => format!("{}: {message}", self.kind.as_str()),
        }
    }
}

/// A status code with its reason phrase (RFC 9110, section 15): "404 Not Found".
pub fn describe_status(status: u16) -> String {
    let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    reason.map_or_else(|| status.to_string(), |reason| format!("{status} {reason}"))
}

/// Beginning of a body as text on one line, without control characters.
pub fn body_text(body: &[u8]) -> String {
    // A character has at most 4 bytes.
    let text = String::from_utf8_lossy(&body[..body.len().min(MOST_TEXT * 4)]);
    let parts: Vec<_> = text.split_whitespace().collect();
    one_line(beginning(&parts.join(" ")))
}

fn beginning(text: &str) -> &str {
    text.char_indices().nth(MOST_TEXT).map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOT_FOUND: FailedRequest<'_> = FailedRequest {
        request: "get_news",
        kind: FailureKind::Status,
        status: Some(404),
        message: "",
        body: b"{\"detail\":\n \"Not Found\"}",
    };

    #[test]
    fn a_cause_is_counted_and_keeps_its_first_body() {
        let (mut one, mut other) = (FailureCauses::default(), FailureCauses::default());
        one.record(NOT_FOUND, 5_000);
        one.record(FailedRequest { body: b"later", ..NOT_FOUND }, 6_000);
        other.record(FailedRequest { body: b"earliest", ..NOT_FOUND }, 3_000);
        other.record(FailedRequest { kind: FailureKind::Check, status: Some(200), message: "news", ..NOT_FOUND }, 0);
        one.merge(&other);
        let causes: Vec<_> = one.into_sorted().iter().map(FailureCause::describe).collect();
        assert_eq!(
            causes,
            [
                "3 × 404 Not Found earliest, first at 00:03",
                "1 × check \"news\" failed: {\"detail\": \"Not Found\"}, first at 00:00"
            ]
        );
    }

    #[test]
    fn a_failure_of_a_check_has_the_whole_name_of_the_check() {
        let name = "n".repeat(2 * MOST_TEXT);
        let mut causes = FailureCauses::default();
        causes.record(FailedRequest { kind: FailureKind::Check, message: &name, ..NOT_FOUND }, 0);
        assert_eq!(causes.into_sorted()[0].check(), Some(&*name));
    }

    #[test]
    fn causes_and_their_texts_are_bounded() {
        let mut causes = FailureCauses::default();
        for at in 0..1_000 {
            let message = format!("{at}{}", "é".repeat(1_000));
            causes.record(FailedRequest { message: &message, body: &[b'x'; 5_000], ..NOT_FOUND }, at);
        }
        let causes = causes.into_sorted();
        assert_eq!(causes.len(), MOST_CAUSES);
        let longest = |text: &str| text.chars().count() == MOST_TEXT;
        assert!(causes.iter().all(|cause| longest(&cause.message) && longest(&cause.body)));
    }
}
