//! A request as a scenario's author writes it, and its answer.

use std::borrow::Cow;

use monitoring::endpoint::Method;
use monitoring::phase::Phase;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use super::Vu;
use crate::http::server_timing;
use crate::http::{Exchange, ExchangeError, RequestHead, is_header_value};
use crate::measure::Failure;

mod response;

pub use response::{RequestError, Response};

/// What is escaped in a segment of a path: all but RFC 3986's unreserved characters.
const IN_A_SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A request under construction. Nothing is measured before [`Request::send`].
#[must_use = "a request does nothing until it is sent"]
pub struct Request<'vu> {
    vu: &'vu mut Vu,
    /// Index in the catalogue; none for a request that no objective speaks of.
    endpoint: Option<usize>,
    name: &'static str,
    method: Method,
    path: Cow<'static, str>,
    query: String,
    headers: Vec<(String, String)>,
    content_type: Option<Cow<'static, str>>,
    /// What is wrong with it, found before it is sent.
    wrong: Option<String>,
    checks: Vec<Check>,
}

struct Check {
    name: &'static str,
    passes: Box<dyn Fn(&Response) -> bool>,
}

/// What one exchange came to, redirects aside.
struct CountedExchange {
    result: Result<Response, ExchangeError>,
    failure: Option<Failure>,
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
            checks: Vec::new(),
        }
    }

    /// Fills in `{name}` in the path's template, percent-encoded. A value that would change the path's shape (nothing,
    /// `.` or `..`) and a name that the template does not have are found when the request is sent.
    pub fn path(mut self, name: &str, value: impl ToString) -> Self {
        let value = value.to_string();
        if matches!(value.as_str(), "" | "." | "..") {
            self.wrong = Some(format!("{value:?} cannot stand for {{{name}}} in its path"));
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

    /// Adds `name=value` to the query.
    pub fn query(mut self, name: &str, value: impl ToString) -> Self {
        let query = std::mem::take(&mut self.query);
        let at = query.len();
        let mut query = url::form_urlencoded::Serializer::for_suffix(query, 0);
        query.append_pair(name, &value.to_string());
        self.query = query.finish();
        debug_assert!(self.query.len() > at);
        self
    }

    /// Sends that header with this request, after those of the virtual user.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sends a JSON body.
    pub fn json(mut self, body: &impl Serialize) -> Self {
        self.vu.body.clear();
        if let Err(error) = serde_json::to_writer(&mut self.vu.body, body) {
            self.wrong = Some(format!("its body is no JSON: {error}"));
        }
        self.content_type = Some(Cow::Borrowed("application/json"));
        self
    }

    /// Sends a body of that type.
    pub fn body(mut self, content_type: &str, bytes: &[u8]) -> Self {
        self.vu.body.clear();
        self.vu.body.extend_from_slice(bytes);
        self.content_type = Some(Cow::Owned(content_type.to_owned()));
        self
    }

    /// Looks at the answer before it is counted: one that does not pass makes the request a failed one, of kind `check`. Only
    /// answers with a status of success are looked at. Every try is counted under the check's name.
    pub fn check(mut self, name: &'static str, passes: impl Fn(&Response) -> bool + 'static) -> Self {
        self.checks.push(Check { name, passes: Box::new(passes) });
        self
    }

    /// Sends the request, reads the whole answer, and counts both.
    ///
    /// # Errors
    /// If no answer came, one with a status outside 200-299, or one that does not pass a check; all are counted as failed. A
    /// redirect is among them, unless redirects are to be followed (`--max-redirects`): then each is a request of its own.
    /// Or if the request makes no sense: then nothing was sent.
    pub fn send(self) -> impl Future<Output = Result<Response, RequestError>> + use<'vu> {
        // A captured variable, and not the argument of an async function, of which its future would hold two.
        let mut request = self;
        async move { request.make().await }
    }

    async fn make(&mut self) -> Result<Response, RequestError> {
        let name = self.name;
        self.look_through().map_err(|message| RequestError::Unsendable { name, message })?;
        let (mut followed, mut absolute) = (0, false);
        loop {
            let may_follow = followed < self.vu.http.config().settings.max_redirects;
            let (exchanged, location) = self.exchange(absolute, may_follow).await;
            if let Some((path, same_method)) = location {
                (followed, absolute) = (followed + 1, true);
                self.go_to(path, same_method);
                continue;
            }
            // What this machine could not do is no failure of the service, and keeps the scenario from doing what it is to.
            let judged = self.endpoint.is_some() && exchanged.failure != Some(Failure::Other);
            let failed = |message: String| RequestError::Failed { name, judged, message };
            return match (exchanged.result, exchanged.failure) {
                (Ok(response), None) => Ok(response),
                (Ok(_), Some(Failure::Check)) => Err(failed("a check did not pass".to_owned())),
                (Ok(response), Some(_)) => Err(failed(format!("answered with status {}", response.status()))),
                (Err(ExchangeError { message, .. }), _) => Err(failed(message)),
            };
        }
    }

    /// Finds what cannot be sent.
    fn look_through(&mut self) -> Result<(), String> {
        if let Some(wrong) = self.wrong.take() {
            return Err(wrong);
        }
        if let Some(missing) = self.path.find('{').map(|at| &self.path[at..]) {
            return Err(format!("no value was given for {missing} in its path"));
        }
        if !self.path.starts_with('/') || !self.path.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(format!("{:?} is no path", self.path));
        }
        let content_type = self.content_type.as_ref().map(|content_type| ("content-type", content_type.as_ref()));
        let headers = self.vu.headers.iter().chain(&self.headers).map(|(name, value)| (name.as_str(), value.as_str()));
        match headers.chain(content_type).find(|(name, value)| !is_header_value(name, value)) {
            Some((header, _)) => Err(format!("{header:?} is no header, or not one with that value, that can be set")),
            None => Ok(()),
        }
    }

    /// One request and its answer, counted. If it is a redirect to be followed, where it leads, and whether with the same
    /// method.
    async fn exchange(&mut self, absolute: bool, may_follow: bool) -> (CountedExchange, Option<(String, bool)>) {
        let stopwatch = self.vu.start(self.endpoint).await;
        let exchange = {
            let Vu { http, headers, body, .. } = &mut *self.vu;
            let head = RequestHead {
                method: self.method.as_str(),
                path: &self.path,
                query: &self.query,
                headers: [headers, &self.headers],
                user_agent: None,
                content_type: self.content_type.as_deref(),
                content_length: body.len(),
                close: false,
                absolute,
            };
            http.exchange(head, body, stopwatch.started())
        };
        let Exchange { result, parts, finished } = exchange.await;
        let result = result.map(|reply| Response::new(self.name, reply));
        let location = match &result {
            Ok(response) if may_follow => self.redirect(response, absolute),
            _ => None,
        };
        let failure = match &result {
            Err(broken) => Some(broken.failure),
            Ok(_) if location.is_some() => None,
            Ok(response) if (200..=299).contains(&response.status()) => self.failed_check(stopwatch.phase(), response),
            Ok(_) => Some(Failure::Status),
        };
        if let Ok(response) = &result
            && self.vu.reads_server_timing()
            && let Some(took) = response.header("server-timing").and_then(server_timing::parse)
        {
            stopwatch.backend_took(took, &parts, finished);
        }
        let status = result.as_ref().ok().map(Response::status);
        if failure == Some(Failure::Other) {
            // This machine could not make it: what it would have been, nobody knows.
            drop(stopwatch);
            return (CountedExchange { result, failure }, None);
        }
        stopwatch.stop(status, failure, parts, finished);
        (CountedExchange { result, failure }, location)
    }

    /// Tries every check, so that each is counted, in the phase of the request.
    fn failed_check(&self, phase: Phase, response: &Response) -> Option<Failure> {
        let mut failure = None;
        for check in &self.checks {
            let passed = (check.passes)(response);
            self.vu.count_check(phase, check.name, passed);
            if !passed {
                failure = Some(Failure::Check);
            }
        }
        failure
    }

    /// Where a redirect leads on the same target, and whether the method stays (RFC 9110, section 15.4).
    fn redirect(&self, response: &Response, absolute: bool) -> Option<(String, bool)> {
        let same_method = match response.status() {
            301..=303 => false,
            307 | 308 => true,
            _ => return None,
        };
        let location = std::str::from_utf8(response.header("location")?).ok()?;
        let target = &self.vu.http.config().target;
        // A path that a redirect gave has the target's own before it already.
        let base = if absolute { "" } else { &target.base };
        target.resolve(&format!("{base}{}", self.path), location).map(|path| (path, same_method))
    }

    fn go_to(&mut self, path: String, same_method: bool) {
        self.path = Cow::Owned(path);
        self.query.clear();
        if !same_method {
            (self.method, self.content_type) = (Method::Get, None);
            self.vu.body.clear();
        }
    }
}
