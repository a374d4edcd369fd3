//! The error of a failed request, and the cause that it is counted under.

use std::borrow::Cow;
use std::panic::Location;

use perf_report::evidence::{body_text, describe_status};
use tokio::time::Instant;

use super::redirect::Redirect;
use super::{CountedExchange, Request, RequestError, Response, Vu};
use crate::http::ExchangeError;
use crate::measure::{FailedRequest, Failure, FailureDetail};

impl Request<'_> {
    /// The error of a failed request. Its message has method, path and result, such as "GET /news
    /// responded with 404 Not Found: {"detail":"Not Found"}".
    pub(super) fn failed(&self, exchanged: CountedExchange, place: &'static Location<'static>) -> RequestError {
        let CountedExchange { result, failure, failed_check, redirect } = exchanged;
        let request = body_text(self.describe_sent().as_bytes());
        let body = |response: &Response| match body_text(&response.shown_body()) {
            body if body.is_empty() => body,
            body => format!(": {body}"),
        };
        let message = match (&result, failed_check) {
            (Ok(response), Some(check)) => format!("{request}: check {check:?} failed{}", body(response)),
            (Ok(response), None) => {
                let status = describe_status(response.status());
                let not_followed = match redirect {
                    Redirect::Refuse(why) => format!(", not followed: {why}"),
                    Redirect::Follow(_) | Redirect::None => String::new(),
                };
                let expected = self.describe_expected().map(|expected| format!(", {expected}")).unwrap_or_default();
                format!("{request} responded with {status}{expected}{not_followed}{}", body(response))
            }
            (Err(ExchangeError { message, .. }), _) => format!("{request} failed: {message}"),
        };
        // A failure of this machine is not the service's: the scenario did not run as written.
        let judged = self.vu.spec.endpoint.is_some() && failure != Some(Failure::Other);
        let kind = failure.unwrap_or(Failure::Status);
        let response = result.ok().map(Box::new);
        let status = response.as_ref().map(|response| response.status());
        RequestError::Failed { name: self.vu.spec.name, judged, kind, status, response, place: Some(place), message }
    }

    pub(super) fn record_cause(&self, exchanged: &CountedExchange, kind: Failure, at: Instant) {
        let (detail, body) = match &exchanged.result {
            Ok(response) => {
                let status = response.status();
                let detail = match (exchanged.failed_check, &exchanged.redirect) {
                    (Some(name), _) => FailureDetail::Check { name: name.into(), status },
                    (None, Redirect::Refuse(why)) => FailureDetail::Status { status, why: why.into() },
                    (None, _) => {
                        FailureDetail::Status { status, why: self.describe_expected().unwrap_or_default().into() }
                    }
                };
                (detail, response.shown_body())
            }
            Err(ExchangeError { message, .. }) => {
                (FailureDetail::Client { kind, message: message.into() }, (&[]).into())
            }
        };
        let request = match self.vu.spec.endpoint {
            Some(_) => Cow::Borrowed(self.vu.spec.name),
            None => Cow::Owned(format!("{} {}", self.vu.spec.method.as_str(), self.vu.spec.name)),
        };
        let sent = self.describe_sent();
        self.vu.record_cause(FailedRequest { request: &request, detail, body: &body, sent: &sent }, at);
    }

    /// Method and path as sent. A query may have a secret, such as the code of a login that a
    /// redirect hands over.
    fn describe_sent(&self) -> String {
        let Vu { spec, http, .. } = &*self.vu;
        let path = http.target(spec.host).whole_path(&spec.path, spec.redirects.is_redirected());
        format!("{} {}", spec.method.as_str(), path.split('?').next().unwrap_or_default())
    }
}
