//! A request as the author of a scenario builds it, and its response.

use std::borrow::Cow;
use std::mem;
use std::panic::Location;
use std::pin::pin;

use monitoring::endpoint::Method;
use monitoring::phase::Phase;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::time::Instant;

use super::{Vu, cookies};
use crate::engine::stopwatch::Stopwatch;
use crate::http::server_timing;
use crate::http::{Exchange, ExchangeError, MAIN, RequestBody, RequestHead};
use crate::measure::Failure;

mod body;
mod expected;
mod failure;
mod host;
mod multipart;
mod redirect;
mod request_spec;
mod response;
mod signature;
#[cfg(test)]
mod tests;
mod unsendable;

pub use multipart::FormField;
use redirect::Redirect;
use request_spec::Check;
pub(super) use request_spec::RequestSpec;
use response::decode;
pub use response::{RequestError, Response};
pub use signature::UnsignedRequest;
use unsendable::UnsendableError;

/// Characters that are escaped in a segment of a path: all except RFC 3986's unreserved characters.
const IN_A_SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A request under construction. [`Request::send`] sends and measures it.
///
/// ```
/// # use serde_json::json;
/// # use test_support::shop::ADD_ITEM;
/// # async fn iteration(vu: &mut perf_tests::Vu) -> anyhow::Result<()> {
/// let item = json!({ "name": "Pen" });
/// vu.request(ADD_ITEM).path("cart", "ABCD").json(&item).expect(201).send().await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "a request does nothing until it is sent"]
pub struct Request<'vu> {
    /// Holds the request, so that each call moves only a reference, and buffers are used again.
    vu: &'vu mut Vu,
}

impl Drop for Request<'_> {
    fn drop(&mut self) {
        self.vu.spec.clear();
    }
}

/// The outcome of one exchange, without the redirects that follow it.
struct CountedExchange {
    result: Result<Response, ExchangeError>,
    failure: Option<Failure>,
    /// The check that failed, if one did.
    failed_check: Option<&'static str>,
    /// Whether it is a redirect to follow, and why it is not followed.
    redirect: Redirect,
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
        let spec = &mut vu.spec;
        (spec.endpoint, spec.name, spec.method, spec.path) = (endpoint, name, method, Cow::Borrowed(path));
        Self { vu }
    }

    pub(super) fn from_spec(vu: &'vu mut Vu, spec: RequestSpec, body: Vec<u8>) -> Self {
        (vu.spec, vu.body) = (spec, body);
        Self { vu }
    }

    pub(super) fn into_spec(self) -> (RequestSpec, Vec<u8>) {
        (mem::take(&mut self.vu.spec), mem::take(&mut self.vu.body))
    }

    /// Replaces `{name}` in the path's template by a percent-encoded value. A value that would
    /// change the path's shape (empty, `.` or `..`) is an error when the request is sent. So is a
    /// name that the template does not have.
    ///
    /// ```
    /// # use test_support::shop::GET_CART;
    /// # async fn iteration(vu: &mut perf_tests::Vu) -> anyhow::Result<()> {
    /// vu.request(GET_CART).path("cart", "ABCD").send().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn path(mut self, name: &str, value: impl ToString) -> Self {
        let value = value.to_string();
        if matches!(value.as_str(), "" | "." | "..") {
            self.refuse(UnsendableError::PathValue { name: name.to_owned(), value: value.clone() });
        }
        let placeholder = |path: &str| {
            let mut opens = path.match_indices('{').map(|(open, _)| open);
            opens.find(|open| path[open + 1..].strip_prefix(name).is_some_and(|rest| rest.starts_with('}')))
        };
        let (mut rest, mut filled) =
            (&*self.vu.spec.path, String::with_capacity(self.vu.spec.path.len() + value.len()));
        while let Some(open) = placeholder(rest) {
            filled.push_str(&rest[..open]);
            filled.extend(utf8_percent_encode(&value, IN_A_SEGMENT));
            rest = &rest[open + name.len() + 2..];
        }
        let is_missing = rest.len() == self.vu.spec.path.len();
        filled.push_str(rest);
        self.vu.spec.path = Cow::Owned(filled);
        if is_missing {
            self.refuse(UnsendableError::NoPlaceholder(name.to_owned(), self.vu.spec.path.to_string()));
        }
        self
    }

    /// Adds `name=value` to the query, form-encoded.
    ///
    /// ```
    /// # use test_support::shop::GET_OFFERS;
    /// # async fn iteration(vu: &mut perf_tests::Vu) -> anyhow::Result<()> {
    /// vu.request(GET_OFFERS).query("day", 1).send().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn query(self, name: &str, value: impl ToString) -> Self {
        let query = mem::take(&mut self.vu.spec.query);
        let at = query.len();
        let mut query = url::form_urlencoded::Serializer::for_suffix(query, 0);
        query.append_pair(name, &value.to_string());
        self.vu.spec.query = query.finish();
        debug_assert!(self.vu.spec.query.len() > at);
        self
    }

    /// Adds a header to this request, after those of [`Vu::header`]. It goes to the request's host,
    /// whichever that is. An invalid header is an error when the request is sent.
    ///
    /// ```
    /// # use test_support::shop::GET_OFFERS;
    /// # async fn iteration(vu: &mut perf_tests::Vu) -> anyhow::Result<()> {
    /// vu.request(GET_OFFERS).header("accept", "application/json").send().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn header(self, name: &str, value: &str) -> Self {
        self.vu.spec.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Reads the body of the response, counts its bytes and discards them. They take neither memory
    /// nor time for decompression. A body longer than `--max-body` is discarded by default.
    ///
    /// ```
    /// # use test_support::shop::GET_OFFERS;
    /// # async fn iteration(vu: &mut perf_tests::Vu) -> anyhow::Result<()> {
    /// let response = vu.request(GET_OFFERS).discard_body().send().await?;
    /// assert!(response.discarded() > 0);
    /// # Ok(())
    /// # }
    /// ```
    pub const fn discard_body(self) -> Self {
        self.vu.spec.discards_body = true;
        self
    }

    /// Checks the response before it is counted. If `passes` returns false, the request has failed,
    /// with the kind `check`. Only responses with an expected status are checked. Every check is
    /// counted under its name.
    ///
    /// ```
    /// # use test_support::shop::GET_OFFERS;
    /// # async fn iteration(vu: &mut perf_tests::Vu) -> anyhow::Result<()> {
    /// let request = vu.request(GET_OFFERS).check("not empty", |it| !it.body().is_empty());
    /// request.send().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn check(self, name: &'static str, passes: impl Fn(&Response) -> bool + 'static) -> Self {
        self.vu.spec.checks.push(Check { name, passes: Box::new(passes) });
        self
    }

    /// Sends the request, reads the whole response, and counts both.
    ///
    /// A redirect is a failed request, unless redirects are followed (`--max-redirects`). Then each
    /// one is a request of its own.
    ///
    /// ```
    /// # use test_support::shop::GET_OFFERS;
    /// # use perf_tests::engine::RequestError;
    /// # async fn iteration(vu: &mut perf_tests::Vu) -> anyhow::Result<()> {
    /// match vu.request(GET_OFFERS).send().await {
    ///     Err(RequestError::Failed { status: Some(404), .. }) => { /* No offers today. */ }
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
        self.make(Location::caller())
    }

    /// Sends the request in one future. Each nested future would be moved into the one around it.
    pub(super) fn make(
        self,
        place: &'static Location<'static>,
    ) -> impl Future<Output = Result<Response, RequestError>> + use<'vu> {
        // A captured variable, since the future would hold an argument of an async function twice.
        let mut request = self;
        async move {
            let name = request.vu.spec.name;
            if let Err(error) = request.validate() {
                let message = error.to_string();
                return Err(request.vu.end_run(RequestError::Unsendable { name, place, message }));
            }
            request.vu.spec.redirects.begin(request.vu.spec.host);
            loop {
                if !request.vu.may_send(request.vu.spec.host).await {
                    return Err(RequestError::NotSent { name });
                }
                let wanted = request.vu.wait_for_turn().await;
                let stopwatch = request.vu.start(request.vu.spec.endpoint, wanted);
                let exchange = pin!(request.exchange(stopwatch.started())).await;
                match request.count(stopwatch, exchange) {
                    CountedExchange { redirect: Redirect::Follow(hop), .. } => request.go_to(hop),
                    CountedExchange { result: Ok(response), failure: None, .. } => return Ok(response),
                    failed => return Err(request.failed(failed, place)),
                }
            }
        }
    }

    fn exchange(&mut self, started: Instant) -> impl Future<Output = Exchange> {
        let Vu { spec, http, headers, body, jar, .. } = &mut *self.vu;
        let absolute = spec.redirects.is_redirected();
        let mut jar = jar.as_ref().map(|jar| jar.borrow_mut());
        let cookies = cookies::header(jar.as_deref_mut(), http.target(spec.host), &spec.path, absolute);
        let body = RequestBody { bytes: body, files: &spec.files };
        let is_foreign = spec.redirects.is_foreign(spec.host);
        let head = RequestHead {
            method: spec.method.as_str(),
            path: &spec.path,
            query: &spec.query,
            headers: [headers, &spec.headers],
            cookies,
            user_agent: None,
            content_type: spec.content_type.as_deref(),
            content_length: body.len(),
            expects_continue: spec.expects_continue,
            compression: false,
            close: false,
            absolute,
            credentials: [!is_foreign && spec.host == MAIN, !is_foreign],
            discards_body: spec.discards_body,
        };
        http.exchange(spec.host, head, body, started)
    }

    fn count(&mut self, stopwatch: Stopwatch, exchange: Exchange) -> CountedExchange {
        let Exchange { mut result, parts, finished, is_resent } = exchange;
        if is_resent {
            stopwatch.resent();
        }
        let Vu { spec, http, jar, .. } = &mut *self.vu;
        if let Ok(reply) = &result {
            cookies::store(jar, reply, http.target(spec.host), &spec.path, spec.redirects.is_redirected());
        }
        let max_body = http.config().max_body();
        let is_expected = result.as_ref().is_ok_and(|reply| self.expects(reply.status));
        stopwatch.received(decode(&mut result, max_body, is_expected));
        let max_body = (!self.vu.spec.discards_body).then_some(max_body);
        let result = result.map(|reply| Response::new(self.vu.spec.name, reply, max_body));
        let redirect = match &result {
            Ok(response) if !is_expected => self.redirect(response),
            _ => Redirect::None,
        };
        let (failure, failed_check) = match &result {
            Err(error) => (Some(error.failure), None),
            Ok(_) if matches!(redirect, Redirect::Follow(_)) => (None, None),
            Ok(response) if is_expected => {
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
        let exchanged = CountedExchange { result, failure, failed_check, redirect };
        if failure == Some(Failure::Other) {
            // This machine could not send the request, so it is counted as unknown.
            drop(stopwatch);
            return exchanged;
        }
        if let Some(kind) = failure {
            self.record_cause(&exchanged, kind, finished);
        }
        stopwatch.stop(status, failure, parts, finished);
        exchanged
    }

    /// Tries every check, so that each is counted, in the phase of the request. Returns the first
    /// that failed.
    fn failed_check(&self, phase: Phase, response: &Response) -> Option<&'static str> {
        let mut failed = None;
        for check in &self.vu.spec.checks {
            let passed = (check.passes)(response);
            self.vu.count_check(phase, check.name, passed);
            if !passed {
                failed = failed.or(Some(check.name));
            }
        }
        failed
    }
}
