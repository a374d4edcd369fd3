//! A request as the author of a scenario builds it, and its response.

use std::borrow::Cow;
use std::panic::Location;

use monitoring::endpoint::Method;
use monitoring::phase::Phase;
use monitoring::statuses::Statuses;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use perf_report::evidence::{body_text, describe_status};
use tokio::time::Instant;

use super::{Vu, cookies};
use crate::http::server_timing;
use crate::http::{Exchange, ExchangeError, RequestHead, is_header_value};
use crate::measure::{FailedRequest, Failure};

mod body;
mod expected;
mod redirect;
mod response;

use response::decode;
pub use response::{RequestError, Response};

/// Characters that are escaped in a segment of a path: all except RFC 3986's unreserved characters.
const IN_A_SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A request under construction. [`Request::send`] sends and measures it.
#[must_use = "a request does nothing until it is sent"]
pub struct Request<'vu> {
    vu: &'vu mut Vu,
    /// Index in the catalogue; `None` for a request that is not judged.
    endpoint: Option<usize>,
    name: &'static str,
    method: Method,
    path: Cow<'static, str>,
    query: String,
    headers: Vec<(String, String)>,
    content_type: Option<Cow<'static, str>>,
    /// An error in the request, found before it is sent.
    wrong: Option<String>,
    /// Statuses of a successful response.
    expected: Cow<'static, [Statuses]>,
    checks: Vec<Check>,
}

struct Check {
    name: &'static str,
    passes: Box<dyn Fn(&Response) -> bool>,
}

/// The outcome of one exchange, without the redirects that follow it.
struct CountedExchange {
    result: Result<Response, ExchangeError>,
    failure: Option<Failure>,
    /// The check that failed, if one did.
    failed_check: Option<&'static str>,
}

impl<'vu> Request<'vu> {
    pub(super) fn new(
        vu: &'vu mut Vu,
        endpoint: Option<usize>,
        name: &'static str,
        method: Method,
        path: &'static str,
    ) -> Self {
        vu.body.clear();
        Self {
            vu,
            endpoint,
            name,
            method,
            path: Cow::Borrowed(path),
            query: String::new(),
            headers: Vec::new(),
            content_type: None,
            wrong: None,
            expected: Cow::Borrowed(&[Statuses::SUCCESS]),
            checks: Vec::new(),
        }
    }

    /// Replaces `{name}` in the path's template by a percent-encoded value. A value that would
    /// change the path's shape (empty, `.` or `..`) and a name that the template does not have are
    /// errors when the request is sent.
    ///
    /// ```
    /// # use monitoring::services::stock_ai::GET_STATE;
    /// # async fn iteration(vu: &mut perf_tests::Vu) -> anyhow::Result<()> {
    /// vu.request(GET_STATE).path("code", "ABCD").send().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn path(mut self, name: &str, value: impl ToString) -> Self {
        let value = value.to_string();
        if matches!(value.as_str(), "" | "." | "..") {
            self.wrong = Some(format!("{value:?} cannot replace {{{name}}} in its path"));
        }
        let placeholder = |path: &str| {
            let mut opens = path.match_indices('{').map(|(open, _)| open);
            opens.find(|open| path[open + 1..].strip_prefix(name).is_some_and(|rest| rest.starts_with('}')))
        };
        let (mut rest, mut filled) = (&*self.path, String::with_capacity(self.path.len() + value.len()));
        while let Some(open) = placeholder(rest) {
            filled.push_str(&rest[..open]);
            filled.extend(utf8_percent_encode(&value, IN_A_SEGMENT));
            rest = &rest[open + name.len() + 2..];
        }
        if rest.len() == self.path.len() {
            self.wrong = Some(format!("its path has no {{{name}}}"));
        }
        filled.push_str(rest);
        self.path = Cow::Owned(filled);
        self
    }

    /// Adds `name=value` to the query, form-encoded.
    ///
    /// ```
    /// # use monitoring::services::stock_ai::GET_NEWS;
    /// # async fn iteration(vu: &mut perf_tests::Vu) -> anyhow::Result<()> {
    /// vu.request(GET_NEWS).query("day", 1).send().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn query(mut self, name: &str, value: impl ToString) -> Self {
        let query = std::mem::take(&mut self.query);
        let at = query.len();
        let mut query = url::form_urlencoded::Serializer::for_suffix(query, 0);
        query.append_pair(name, &value.to_string());
        self.query = query.finish();
        debug_assert!(self.query.len() > at);
        self
    }

    /// Adds a header to this request, after those of [`Vu::header`]. An invalid header is an error
    /// when the request is sent.
    ///
    /// ```
    /// # use monitoring::services::stock_ai::GET_NEWS;
    /// # async fn iteration(vu: &mut perf_tests::Vu) -> anyhow::Result<()> {
    /// vu.request(GET_NEWS).header("accept", "application/json").send().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Checks the response before it is counted. If `passes` returns false, the request has failed,
    /// with the kind `check`. Only responses with an expected status are checked. Every check is
    /// counted under its name.
    ///
    /// ```
    /// # use monitoring::services::stock_ai::GET_NEWS;
    /// # async fn iteration(vu: &mut perf_tests::Vu) -> anyhow::Result<()> {
    /// let request = vu.request(GET_NEWS).check("not empty", |it| !it.body().is_empty());
    /// request.send().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn check(mut self, name: &'static str, passes: impl Fn(&Response) -> bool + 'static) -> Self {
        self.checks.push(Check { name, passes: Box::new(passes) });
        self
    }

    /// Sends the request, reads the whole response, and counts both.
    ///
    /// A redirect is a failed request, unless redirects are followed (`--max-redirects`). Then each
    /// one is a request of its own.
    ///
    /// ```
    /// # use monitoring::services::stock_ai::GET_NEWS;
    /// # use perf_tests::engine::RequestError;
    /// # async fn iteration(vu: &mut perf_tests::Vu) -> anyhow::Result<()> {
    /// match vu.request(GET_NEWS).send().await {
    ///     Err(RequestError::Failed { status: Some(404), .. }) => { /* No news today. */ }
    ///     result => println!("{} bytes", result?.body().len()),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`RequestError::Failed`] if there is no response, if its status is not expected (by default
    /// 200-299), or if it does not pass a check. The request is counted as failed.
    /// [`RequestError::Unsendable`] if the request is not valid; then nothing is sent.
    #[track_caller]
    pub fn send(self) -> impl Future<Output = Result<Response, RequestError>> + use<'vu> {
        let place = Location::caller();
        // A captured variable, since the future would hold an argument of an async function twice.
        let mut request = self;
        async move { request.make(place).await }
    }

    async fn make(&mut self, place: &'static Location<'static>) -> Result<Response, RequestError> {
        let name = self.name;
        if let Err(message) = self.validate() {
            return Err(self.vu.end_run(RequestError::Unsendable { name, place, message }));
        }
        let (mut followed, mut absolute) = (0, false);
        loop {
            if !self.vu.may_send().await {
                return Err(RequestError::NotSent { name });
            }
            let may_follow = followed < self.vu.http.config().settings.max_redirects;
            let (exchanged, location) = self.exchange(absolute, may_follow).await;
            if let Some((path, same_method)) = location {
                (followed, absolute) = (followed + 1, true);
                self.go_to(path, same_method);
                continue;
            }
            return match (exchanged.result, exchanged.failure) {
                (Ok(response), None) => Ok(response),
                (result, failure) => Err(self.failed(result, failure, exchanged.failed_check, place)),
            };
        }
    }

    /// The error of a failed request. Its message has method, path and result, such as "GET /news
    /// answered 404 Not Found: {"detail":"Not Found"}".
    fn failed(
        &self,
        result: Result<Response, ExchangeError>,
        failure: Option<Failure>,
        check: Option<&'static str>,
        place: &'static Location<'static>,
    ) -> RequestError {
        let request = body_text(format!("{} {}", self.method.as_str(), self.path).as_bytes());
        let body = |response: &Response| match body_text(response.body()) {
            body if body.is_empty() => body,
            body => format!(": {body}"),
        };
        let message = match (&result, check) {
            (Ok(response), Some(check)) => format!("{request}: check {check:?} failed{}", body(response)),
            (Ok(response), None) => {
                let answered = describe_status(response.status());
                format!("{request} answered {answered}{}{}", self.describe_expected(), body(response))
            }
            (Err(ExchangeError { message, .. }), _) => format!("{request} failed: {message}"),
        };
        // A failure of this machine is not the service's: the scenario did not run as written.
        let judged = self.endpoint.is_some() && failure != Some(Failure::Other);
        let kind = failure.unwrap_or(Failure::Status);
        let response = result.ok().map(Box::new);
        let status = response.as_ref().map(|response| response.status());
        RequestError::Failed { name: self.name, judged, kind, status, response, place: Some(place), message }
    }

    /// Counts a failed request under its cause.
    fn record_cause(&self, result: &Result<Response, ExchangeError>, kind: Failure, check: Option<&str>, at: Instant) {
        let expected = self.describe_expected();
        let (status, message, body) = match result {
            Ok(response) => {
                let message = check.unwrap_or_else(|| expected.trim_start_matches(", "));
                (Some(response.status()), message, response.body())
            }
            Err(ExchangeError { message, .. }) => (None, message.as_str(), &[][..]),
        };
        let request = match self.endpoint {
            Some(_) => Cow::Borrowed(self.name),
            None => Cow::Owned(format!("{} {}", self.method.as_str(), self.name)),
        };
        self.vu.record_cause(FailedRequest { request: &request, kind, status, message, body }, at);
    }

    /// Finds what cannot be sent.
    fn validate(&mut self) -> Result<(), String> {
        if let Some(wrong) = self.wrong.take() {
            return Err(wrong);
        }
        if let Some(missing) = self.path.find('{').and_then(|at| self.path[at..].split_inclusive('}').next()) {
            return Err(format!("no value was given for {missing} in its path"));
        }
        if !self.method.is_valid() {
            return Err(format!("{:?} is not a method that a request can have", self.method.as_str()));
        }
        if !self.path.starts_with('/') || !self.path.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(format!("{:?} is not a valid path", self.path));
        }
        let content_type = self.content_type.as_ref().map(|content_type| ("content-type", content_type.as_ref()));
        let headers = self.vu.headers.iter().chain(&self.headers).map(|(name, value)| (name.as_str(), value.as_str()));
        match headers.chain(content_type).find(|(name, value)| !is_header_value(name, value)) {
            Some((header, _)) => {
                Err(format!("header {header:?} cannot be set: its name is reserved, or its name or value is not valid"))
            }
            None => Ok(()),
        }
    }

    /// One request and its response, counted. For a redirect that is followed, also the new path,
    /// and whether the method stays the same.
    async fn exchange(&mut self, absolute: bool, may_follow: bool) -> (CountedExchange, Option<(String, bool)>) {
        let stopwatch = self.vu.start(self.endpoint).await;
        let exchange = {
            let Vu { http, headers, body, jar, .. } = &mut *self.vu;
            let cookies = cookies::header(jar.as_deref_mut(), http.config(), &self.path, absolute);
            let head = RequestHead {
                method: self.method.as_str(),
                path: &self.path,
                query: &self.query,
                headers: [headers, &self.headers],
                cookies,
                user_agent: None,
                content_type: self.content_type.as_deref(),
                content_length: body.len(),
                compression: false,
                close: false,
                absolute,
            };
            http.exchange(head, body, stopwatch.started())
        };
        let Exchange { result, parts, finished, is_resent } = exchange.await;
        if is_resent {
            stopwatch.resent();
        }
        if let Ok(reply) = &result {
            self.vu.store_cookies(reply, &self.path, absolute);
        }
        let (result, body) = decode(result, self.vu.http.config().max_body());
        stopwatch.received(body);
        let result = result.map(|reply| Response::new(self.name, reply));
        let location = match &result {
            Ok(response) if may_follow && !self.expects(response.status()) => self.redirect(response, absolute),
            _ => None,
        };
        let (failure, failed_check) = match &result {
            Err(error) => (Some(error.failure), None),
            Ok(_) if location.is_some() => (None, None),
            Ok(response) if self.expects(response.status()) => {
                let failed = self.failed_check(stopwatch.phase(), response);
                (failed.map(|_| Failure::Check), failed)
            }
            Ok(_) => (Some(Failure::Status), None),
        };
        if let Ok(response) = &result
            && self.vu.reads_server_timing()
            && let Some(took) = response.header("server-timing").and_then(server_timing::parse)
        {
            stopwatch.backend_took(took, &parts, finished);
        }
        let status = result.as_ref().ok().map(Response::status);
        if failure == Some(Failure::Other) {
            // This machine could not send the request, so it is counted as unknown.
            drop(stopwatch);
            return (CountedExchange { result, failure, failed_check }, None);
        }
        if let Some(kind) = failure {
            self.record_cause(&result, kind, failed_check, finished);
        }
        stopwatch.stop(status, failure, parts, finished);
        (CountedExchange { result, failure, failed_check }, location)
    }

    /// Tries every check, so that each is counted, in the phase of the request. Returns the first
    /// that failed.
    fn failed_check(&self, phase: Phase, response: &Response) -> Option<&'static str> {
        let mut failed = None;
        for check in &self.checks {
            let passed = (check.passes)(response);
            self.vu.count_check(phase, check.name, passed);
            if !passed {
                failed = failed.or(Some(check.name));
            }
        }
        failed
    }
}
