//! A response, and the errors of a request.

use std::borrow::Cow;
use std::panic::Location;

use perf_report::evidence::{BodyBytes, body_text, describe_status};
use perf_report::format::counted;
use serde::de::DeserializeOwned;

use crate::http::{ExchangeError, RawResponse};
use crate::measure::Failure;

/// A response with its whole body, unless the body was discarded.
///
/// ```
/// # use test_support::shop::GET_OFFERS;
/// # use perf_tests::engine::Response;
/// # async fn iteration(vu: &mut perf_tests::Vu) -> anyhow::Result<()> {
/// let response: Response = vu.request(GET_OFFERS).query("day", 1).send().await?;
/// let (status, offers) = (response.status(), response.json::<Vec<String>>()?);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Response {
    name: &'static str,
    reply: RawResponse,
    /// The maximum bytes of a body that is kept; `None` if the request discards the body.
    max_body: Option<usize>,
}

/// Why a request has no usable response.
///
/// ```
/// # use test_support::shop::GET_CART;
/// # use perf_tests::engine::RequestError;
/// # async fn iteration(vu: &mut perf_tests::Vu) -> anyhow::Result<()> {
/// match vu.request(GET_CART).path("cart", "ABCD").send().await {
///     // A cart that has expired is counted as failed, and the iteration goes on.
///     Err(RequestError::Failed { status: Some(410), .. }) => {}
///     result => drop(result?),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The request failed. It has been counted. If the iteration returns this error, for example by
    /// `?`, the iteration is counted as failed, too.
    #[error("{message}")]
    Failed {
        /// The endpoint's name.
        name: &'static str,
        /// Whether the request belongs to objectives. It is false for unjudged requests and for
        /// failures of this machine.
        judged: bool,
        /// Kind of failure.
        kind: Failure,
        /// The response's status, if there was a response.
        status: Option<u16>,
        /// The response, if there was one.
        response: Option<Box<Response>>,
        /// Where the scenario sends the request; `None` for [`Vu::time`](crate::Vu::time).
        place: Option<&'static Location<'static>>,
        /// Method, path and result, on one line.
        message: String,
    },
    /// The request is not valid, so nothing was sent or counted. The run ends with exit code 104.
    #[error("{name} cannot be sent: {message}, at {}:{}", place.file(), place.line())]
    Unsendable {
        /// The endpoint's name.
        name: &'static str,
        /// Where the scenario sends the request.
        place: &'static Location<'static>,
        /// Why it is not valid.
        message: String,
    },
    /// The request was not sent, because the target accepts no connections. The load that could not
    /// be made is counted as unknown.
    #[error("{name} was not sent: no connection to the target can be made")]
    NotSent {
        /// The endpoint's name.
        name: &'static str,
    },
    /// The response is not the JSON that was expected, or its body was discarded.
    #[error("the response of {name} is not the JSON that {}:{} expects: {message}", place.file(), place.line())]
    Unexpected {
        /// The endpoint's name.
        name: &'static str,
        /// Where the scenario reads the JSON.
        place: &'static Location<'static>,
        /// The error of the JSON parser, or why there is no body.
        message: String,
    },
}

impl Response {
    pub(super) const fn new(name: &'static str, reply: RawResponse, max_body: Option<usize>) -> Self {
        Self { name, reply, max_body }
    }

    /// Why the body is not there. `None` if it was not discarded.
    fn why_discarded(&self) -> Option<String> {
        let bytes = match self.reply.discarded {
            0 => return None,
            bytes => format!("its body of {} was discarded", counted(bytes, "byte")),
        };
        Some(match self.max_body {
            None => format!("{bytes}, because the request has discard_body()"),
            Some(max) => format!("{bytes}, because bodies of more than {max} bytes are not kept: set --max-body"),
        })
    }

    /// The body as a report shows it: its beginning, or why it is not there.
    pub(super) fn shown_body(&self) -> Cow<'_, [u8]> {
        self.why_discarded().map_or(Cow::Borrowed(self.reply.body()), |why| Cow::Owned(why.into_bytes()))
    }

    /// The number of bytes of a body that was discarded, as they were sent; 0 if the body was kept.
    ///
    /// ```
    /// # fn handle(response: perf_tests::engine::Response) {
    /// let is_there = response.discarded() == 0;
    /// # }
    /// ```
    pub const fn discarded(&self) -> u64 {
        self.reply.discarded
    }

    /// The status code. [`Request::send`](super::Request::send) returns only responses with an
    /// expected status, by default 200-299.
    ///
    /// ```
    /// # fn handle(response: perf_tests::engine::Response) {
    /// let is_created = response.status() == 201;
    /// # }
    /// ```
    pub const fn status(&self) -> u16 {
        self.reply.status
    }

    /// The first value of a header; `None` if the response does not have it. The name's case does
    /// not matter.
    ///
    /// ```
    /// # fn handle(response: perf_tests::engine::Response) {
    /// let is_cached = response.header("x-cache") == Some(b"HIT");
    /// # }
    /// ```
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.reply.header(name)
    }

    /// All values of a header, in the order in which they were sent. The name's case does not
    /// matter.
    ///
    /// ```
    /// # fn handle(response: perf_tests::engine::Response) {
    /// let cookies: Vec<_> = response.header_all("set-cookie").collect();
    /// # }
    /// ```
    pub fn header_all(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.reply.header_all(name)
    }

    /// The first value of a trailer, which follows the body; `None` if the response does not have
    /// it. The name's case does not matter. Trailers have the limits of headers.
    ///
    /// Many servers send trailers only if the request has `.header("te", "trailers")`.
    ///
    /// ```
    /// # fn handle(response: perf_tests::engine::Response) {
    /// let is_ok = response.trailer("grpc-status") == Some(b"0");
    /// # }
    /// ```
    pub fn trailer(&self, name: &str) -> Option<&[u8]> {
        self.reply.trailer(name)
    }

    /// The bytes of the body. A body that is compressed with gzip, deflate, br or zstd is
    /// decompressed, whether or not the request asked for it. A body with any other
    /// `content-encoding` is as it was sent.
    ///
    /// ```
    /// # fn handle(response: perf_tests::engine::Response) {
    /// let text = String::from_utf8_lossy(response.body());
    /// # }
    /// ```
    ///
    /// # Panics
    /// If the body was discarded, so that nobody takes it for an empty one. The virtual user stops,
    /// and the run exits with code 104 and the reason.
    #[track_caller]
    pub fn body(&self) -> &[u8] {
        if let Some(why) = self.why_discarded() {
            panic!("{} has no body to read: {why}", self.name);
        }
        self.reply.body()
    }

    /// Parses the body as JSON.
    ///
    /// ```
    /// #[derive(serde::Deserialize)]
    /// struct Player {
    ///     id: String,
    /// }
    ///
    /// # fn handle(response: perf_tests::engine::Response) -> anyhow::Result<()> {
    /// let player: Player = response.json()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`RequestError::Unexpected`] if the body is not JSON of this type, or was discarded.
    #[track_caller]
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, RequestError> {
        let (name, place) = (self.name, Location::caller());
        if let Some(message) = self.why_discarded() {
            return Err(RequestError::Unexpected { name, place, message });
        }
        serde_json::from_slice(self.body()).map_err(|error| {
            let status = describe_status(self.status());
            let body = match self.reply.unknown_codings() {
                codings if codings.is_empty() => body_text(self.body()),
                codings => format!("its content-encoding {codings} cannot be decoded"),
            };
            let message = format!("{error}: {status}: {body}");
            RequestError::Unexpected { name, place, message }
        })
    }
}

/// The status of a response with a range of a body. A range of an encoded body cannot be decoded
/// (RFC 9110, section 14.2).
const PARTIAL_CONTENT: u16 = 206;

/// Decodes the body of a response, into at most `limit` bytes, and counts its bytes before and
/// after. A discarded body is not decoded, and both numbers are those that were sent. A body that
/// cannot be decoded is an error only if the status is expected, since an unexpected status is the
/// cause to report.
pub(super) fn decode(result: &mut Result<RawResponse, ExchangeError>, limit: usize, is_expected: bool) -> BodyBytes {
    let Ok(reply) = result else { return BodyBytes::default() };
    let received = reply.body().len() as u64 + reply.discarded;
    if reply.status == PARTIAL_CONTENT {
        return BodyBytes { received, decoded: received };
    }
    match reply.decode(limit) {
        Err(error) if is_expected => {
            *result = Err(error);
            BodyBytes { received, decoded: 0 }
        }
        _ => BodyBytes { received, decoded: reply.body().len() as u64 + reply.discarded },
    }
}
