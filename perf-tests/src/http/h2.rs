//! HTTP/2 by hyper: by ALPN over TLS, by prior knowledge without TLS. Each virtual user has one
//! connection. Requests that it makes at once are streams of it.

use std::cell::{Cell, RefCell};
use std::error::Error as _;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use monitoring::metric::Part;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::config::HttpConfig;
use super::connect::{Route, Stream, failure_of};
use super::content_coding::ACCEPT_ENCODING;
use super::exchange::{ExchangeError, Reply};
use super::host::HostConfig;
use super::request_body::{HyperBody, RequestBody, read_error};
use super::request_head::RequestHead;
use super::target::Target;
use crate::clock;
use crate::measure::{DurationParts, Failure};

/// The connection of a virtual user and its lanes, if there is one.
#[derive(Debug, Clone, Default)]
pub(super) struct Http2(Rc<SharedConnection>);

#[derive(Debug, Default)]
struct SharedConnection {
    present: RefCell<Option<NumberedConnection>>,
    /// Number of connections opened so far.
    opened: Cell<u64>,
    /// Held while a connection is opened, so that requests at once open one.
    opening: Mutex<()>,
}

#[derive(Debug, Clone)]
struct NumberedConnection {
    number: u64,
    sender: SendRequest<HyperBody>,
}

/// Forgets the connection of a request that does not succeed or is dropped. The next request opens
/// another one.
struct ForgetUnlessKept<'a> {
    http2: &'a Http2,
    number: u64,
    is_kept: bool,
}

/// A request, whether its method is idempotent, and the maximum bytes of a body that is kept.
type Http2Request = (Result<http::Request<HyperBody>, ExchangeError>, bool, usize);

impl Http2 {
    /// Whether there is a connection that accepts requests.
    pub(super) fn is_open(&self) -> bool {
        self.0.present.borrow().as_ref().is_some_and(NumberedConnection::is_open)
    }

    fn present(&self) -> Option<NumberedConnection> {
        self.0.present.borrow().clone().filter(NumberedConnection::is_open)
    }

    /// Makes the connection, unless another request makes it meanwhile. Returns it, and whether
    /// another request made it.
    async fn connect(
        &self,
        (host, route): (&HostConfig, &Route),
        is_kept: bool,
        (since, parts): (Instant, &mut DurationParts),
    ) -> Result<(NumberedConnection, bool), ExchangeError> {
        let opening = if is_kept { Some(self.0.opening.lock().await) } else { None };
        if let Some(connection) = self.present() {
            parts.set(Part::Blocked, clock::now().duration_since(since));
            return Ok((connection, true));
        }
        let sender = open(host.connect(route, (since, parts)).await?).await?;
        let number = self.0.opened.get() + 1;
        self.0.opened.set(number);
        let connection = NumberedConnection { number, sender };
        if is_kept {
            *self.0.present.borrow_mut() = Some(connection.clone());
        }
        drop(opening);
        Ok((connection, false))
    }
}

impl NumberedConnection {
    fn is_open(&self) -> bool {
        !self.sender.is_closed() && self.sender.is_ready()
    }
}

impl Drop for ForgetUnlessKept<'_> {
    fn drop(&mut self) {
        let mut present = self.http2.0.present.borrow_mut();
        if !self.is_kept {
            present.take_if(|connection| connection.number == self.number);
        }
    }
}

/// Sends a request and reads its whole response. Sending is part of waiting here, since hyper
/// reports only when the response begins.
///
/// A request that the server has not processed is sent once more, on a new connection.
pub(super) async fn exchange(
    (http2, host, route): (&Http2, &HostConfig, &Route),
    config: &HttpConfig,
    (request, is_idempotent, max_body): Http2Request,
    (started, parts, is_resent): (Instant, &mut DurationParts, &mut bool),
) -> Result<(Reply, Instant), ExchangeError> {
    let (request, mut lost) = (request?, Duration::ZERO);
    let is_kept = !config.settings.no_connection_reuse;
    let (_sender, mut unless_kept, response) = loop {
        let (NumberedConnection { number, mut sender }, is_used) = match http2.present() {
            Some(connection) => (connection, true),
            None => http2.connect((host, route), is_kept, (started + lost, &mut *parts)).await?,
        };
        let unless_kept = ForgetUnlessKept { http2, number, is_kept: false };
        match sender.send_request(request.clone()).await {
            Ok(response) => break (sender, unless_kept, response),
            Err(error)
                if !*is_resent
                    && read_error(request.body()).is_none()
                    && may_be_resent(&error, is_used && is_idempotent) =>
            {
                *is_resent = true;
                lost = clock::now().duration_since(started);
            }
            Err(error) => return Err(read_error(request.body()).unwrap_or_else(|| exchange_error(&error))),
        }
    };
    let sending_since = started + parts.before_sending();
    let first_byte = clock::now();
    let (head, body) = response.into_parts();
    let (body, trailers) = read(body, max_body).await.map_err(|error| exchange_error(&error))?;
    let finished = clock::now();
    parts.set(Part::Waiting, first_byte.duration_since(sending_since));
    parts.set(Part::Receiving, finished.duration_since(first_byte));
    unless_kept.is_kept = is_kept;
    Ok((Reply::from_hyper(head.status.as_u16(), (head.headers, trailers), body), finished))
}

/// Reads a whole body and its trailers. Returns the body and 0, or, if it has more than `limit`
/// bytes, nothing and its length.
async fn read(mut body: Incoming, limit: usize) -> Result<((Bytes, u64), Option<HeaderMap>), hyper::Error> {
    let (mut kept, mut length, mut trailers) = (Vec::new(), 0, None);
    while let Some(frame) = body.frame().await {
        let data = match frame?.into_data() {
            Ok(data) => data,
            Err(frame) => {
                trailers = frame.into_trailers().ok();
                continue;
            }
        };
        length += data.len() as u64;
        if length > limit as u64 {
            kept = Vec::new();
        } else if !data.is_empty() {
            kept.push(data);
        }
    }
    let body = match kept.as_slice() {
        _ if length > limit as u64 => return Ok(((Bytes::new(), length), trailers)),
        [only] => only.clone(),
        parts => parts.concat().into(),
    };
    Ok(((body, 0), trailers))
}

async fn open(stream: Stream) -> Result<SendRequest<HyperBody>, ExchangeError> {
    let (sender, driver) =
        handshake(TokioExecutor::new(), TokioIo::new(stream)).await.map_err(|error| exchange_error(&error))?;
    // Ends when its last sender is dropped. Its errors are also reported by the request under way.
    tokio::spawn(async move { drop(driver.await) });
    Ok(sender)
}

/// Whether the server has not processed the request (RFC 9113, section 8.7), or closed a connection
/// and sending again does no harm (`is_harmless`).
fn may_be_resent(error: &hyper::Error, is_harmless: bool) -> bool {
    let h2_error = error.source().and_then(|source| source.downcast_ref::<h2::Error>());
    let is_unprocessed = h2_error.is_some_and(|error| {
        let is_refused = error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM);
        // Streams that the server will still process get no such error.
        error.is_remote() && (is_refused || error.is_go_away() && error.reason() == Some(h2::Reason::NO_ERROR))
    });
    // Canceled by hyper: the request was never sent.
    is_unprocessed || error.is_canceled() || is_harmless && exchange_error(error).failure == Failure::Reset
}

/// Builds hyper's request.
pub(super) fn request(
    target: &Target,
    head: RequestHead<'_>,
    body: RequestBody<'_>,
) -> Result<http::Request<HyperBody>, ExchangeError> {
    let given = || head.given();
    let has = |name: &str| given().any(|(known, _)| known.eq_ignore_ascii_case(name));
    let mut request = http::Request::builder().method(head.method).uri(head.url(target));
    let defaults = [
        ("user-agent", Some(head.user_agent.unwrap_or(super::request_head::USER_AGENT))),
        ("accept", Some("*/*")),
        ("accept-encoding", head.compression.then_some(ACCEPT_ENCODING)),
        ("authorization", target.authorization.as_deref()),
        ("content-type", head.content_type),
    ];
    for (name, value) in defaults {
        if let Some(value) = value.filter(|_| !has(name)) {
            request = request.header(name, value);
        }
    }
    for (name, value) in given() {
        request = request.header(name, value);
    }
    if !head.cookies.is_empty() && !has("cookie") {
        request = request.header("cookie", head.cookies);
    }
    let whole = request.body(body.to_hyper());
    whole.map_err(|error| ExchangeError { failure: Failure::Protocol, message: error.to_string() })
}

fn exchange_error(error: &hyper::Error) -> ExchangeError {
    let cause = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    let source = error.source();
    let io = source.and_then(|source| source.downcast_ref::<std::io::Error>());
    let io = io.or_else(|| source.and_then(|source| source.downcast_ref::<h2::Error>())?.get_io());
    let failure = match io {
        Some(io) => failure_of(io, Failure::Protocol),
        None if error.is_canceled() || error.is_closed() || error.is_incomplete_message() => Failure::Reset,
        None => Failure::Protocol,
    };
    ExchangeError { failure, message: cause }
}
