//! HTTP/2: by ALPN over TLS, by prior knowledge without TLS. Each virtual user has one connection.
//! Requests that it makes at once are streams of it.
//!
//! Like [`h1`](super::h1), the connection is made for load. The task that waits for a response
//! reads the connection. So a small exchange costs one write, one read, and no switch of tasks.

mod connection;
mod frame;
mod head;
mod hpack;
mod http2_error;
mod incoming;
mod input;
mod outgoing;
mod session;
mod stream;

#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::future::poll_fn;
use std::mem;
use std::rc::Rc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Mutex;
use tokio::time::sleep;

pub use self::connection::{Connection, Http2Request};
pub use self::frame::ErrorCode;
pub use self::http2_error::Http2Error;
pub(crate) use self::outgoing::OutgoingBody;
use super::config::HttpConfig;
use super::connect::{Route, Stream, classify_error};
use super::exchange::{ExchangeError, Measured};
use super::h1::{CONTINUE_WITHIN, RawResponse, ResponseTo};
use super::host_config::HostConfig;
use super::request_body::{BodyReader, RequestBody};
use crate::measure::Failure;

type KeptConnection = Rc<RefCell<Connection<Stream>>>;

/// The connection of a virtual user and its parallel ones, if there is one.
#[derive(Debug, Clone, Default)]
pub(super) struct Http2(Rc<SharedConnection>);

#[derive(Debug, Default)]
struct SharedConnection {
    present: RefCell<Option<KeptConnection>>,
    /// Held while a connection is opened, so that requests at once open one.
    opening: Mutex<()>,
}

/// A host, and the way of a virtual user to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Http2Host<'a> {
    pub(super) http2: &'a Http2,
    pub(super) config: &'a HostConfig,
    pub(super) route: &'a Route,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct WholeRequest<'a> {
    /// The head, as in HTTP/1.1.
    pub(super) head: &'a [u8],
    pub(super) body: RequestBody<'a>,
    pub(super) response_to: ResponseTo,
    pub(super) is_idempotent: bool,
    /// Whether the body is sent after the status 100, or [`CONTINUE_WITHIN`] later.
    pub(super) expects_continue: bool,
}

/// Forgets the connection of a request that does not succeed or is dropped. The next request opens
/// another one.
struct ForgetUnlessKept<'a> {
    http2: &'a Http2,
    connection: &'a KeptConnection,
    is_kept: bool,
}

/// Ends a request that is dropped.
struct StreamGuard<'a, S: AsyncRead + AsyncWrite + Unpin> {
    connection: &'a RefCell<Connection<S>>,
    id: u32,
}

impl Http2 {
    /// Whether there is a connection that accepts requests.
    pub(super) fn is_open(&self) -> bool {
        self.0.present.borrow().as_ref().is_some_and(is_open)
    }

    /// Handles frames that arrive between requests, if there is a connection; see
    /// [`Connection::attend`].
    pub(super) fn attend(&self, context: &mut Context<'_>) {
        if let Some(connection) = &*self.0.present.borrow() {
            connection.borrow_mut().attend(context);
        }
    }

    fn present(&self) -> Option<KeptConnection> {
        self.0.present.borrow().as_ref().filter(|connection| is_open(connection)).cloned()
    }

    /// Whether other requests may use the connection at the same time.
    fn is_shared(&self) -> bool {
        Rc::strong_count(&self.0) > 1
    }

    /// Makes the connection, unless another request makes it meanwhile. Returns it, and whether
    /// another request made it.
    async fn connect(
        &self,
        host: Http2Host<'_>,
        config: &HttpConfig,
        measured: &mut Measured,
    ) -> Result<(KeptConnection, bool), ExchangeError> {
        let is_kept = !config.settings.no_connection_reuse;
        let opening = if is_kept { Some(self.0.opening.lock().await) } else { None };
        if let Some(connection) = self.present() {
            measured.was_blocked();
            return Ok((connection, true));
        }
        let stream = host.config.connect(host.route, measured).await?;
        let connection = Rc::new(RefCell::new(Connection::new(stream, config.limits)));
        if is_kept {
            *self.0.present.borrow_mut() = Some(connection.clone());
        }
        drop(opening);
        Ok((connection, false))
    }
}

/// Whether a connection accepts requests. Reads it only if there is something to read.
fn is_open(connection: &KeptConnection) -> bool {
    let mut connection = connection.borrow_mut();
    if connection.io().is_quiet() { connection.is_reusable() } else { connection.is_open() }
}

impl Drop for ForgetUnlessKept<'_> {
    fn drop(&mut self) {
        if !self.is_kept {
            let mut present = self.http2.0.present.borrow_mut();
            present.take_if(|present| Rc::ptr_eq(present, self.connection));
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Drop for StreamGuard<'_, S> {
    fn drop(&mut self) {
        self.connection.borrow_mut().abandon(self.id);
    }
}

/// Sends a request and reads its whole response.
///
/// A request that the server has not processed is sent once more, on a new connection.
pub(super) async fn exchange(
    host: Http2Host<'_>,
    config: &HttpConfig,
    request: WholeRequest<'_>,
    measured: &mut Measured,
) -> Result<RawResponse, ExchangeError> {
    let http2 = host.http2;
    loop {
        let (connection, is_used) = match http2.present() {
            Some(connection) => (connection, true),
            // Boxed, because it is large and needed only once.
            None => Box::pin(http2.connect(host, config, measured)).await?,
        };
        let mut unless_kept = ForgetUnlessKept { http2, connection: &connection, is_kept: false };
        let response = match send(&connection, http2.is_shared(), host.config.target.tls, request).await {
            Ok(response) => response,
            Err(Http2Error::Unsent) if is_used => continue,
            Err(cause) if !measured.is_resent && may_be_resent(&cause, is_used && request.is_idempotent) => {
                measured.resend();
                continue;
            }
            Err(cause) => {
                let error = exchange_error(&cause);
                let is_unanswered = is_used && !request.is_idempotent && is_closed_without_response(&cause);
                return Err(if is_unanswered {
                    ExchangeError { failure: Failure::Unanswered, ..error }
                } else {
                    error
                });
            }
        };
        unless_kept.is_kept = !config.settings.no_connection_reuse;
        return Ok(response);
    }
}

async fn send<S: AsyncRead + AsyncWrite + Unpin>(
    connection: &RefCell<Connection<S>>,
    is_shared: bool,
    is_tls: bool,
    WholeRequest { head, body, response_to, expects_continue, .. }: WholeRequest<'_>,
) -> Result<RawResponse, Http2Error> {
    let request = Http2Request { head, has_body: body.len() > 0, is_tls, response_to };
    let mut body = if body.files.is_empty() {
        OutgoingBody::new(body.bytes)
    } else {
        let mut reader = BodyReader::new(body.bytes, 0, body.files);
        OutgoingBody::in_pieces(move |piece| reader.read(piece))
    };
    let id = poll_fn(|context| connection.borrow_mut().poll_begin(context, request)).await?;
    let _guard = StreamGuard { connection, id };
    if expects_continue {
        connection.borrow_mut().hold_body(id);
    }
    // Boxed, because it is large and rarely used.
    let mut held = expects_continue.then(|| Box::pin(sleep(CONTINUE_WITHIN)));
    let mut may_gather = is_shared;
    poll_fn(|context| {
        let mut connection = connection.borrow_mut();
        if held.as_mut().is_some_and(|timer| timer.as_mut().poll(context).is_ready()) {
            held = None;
            connection.release_body(id);
        }
        if mem::take(&mut may_gather) {
            return match connection.gather(context, id, &mut body) {
                Ok(()) => Poll::Pending,
                Err(cause) => Poll::Ready(Err(cause)),
            };
        }
        connection.poll_response(context, id, &mut body)
    })
    .await
}

/// Whether the server has not processed the request, or closed a connection and sending again does
/// no harm (`is_harmless`).
fn may_be_resent(cause: &Http2Error, is_harmless: bool) -> bool {
    cause.is_unprocessed() || is_harmless && is_closed_without_response(cause)
}

fn is_closed_without_response(cause: &Http2Error) -> bool {
    !matches!(cause, Http2Error::Truncated(_) | Http2Error::Body(_)) && exchange_error(cause).failure == Failure::Reset
}

fn exchange_error(cause: &Http2Error) -> ExchangeError {
    let failure = match cause {
        Http2Error::Io(error) | Http2Error::Body(error) => classify_error(error, Failure::Reset),
        Http2Error::RequestBody(error) => return ExchangeError::local(error),
        Http2Error::Closed(_) | Http2Error::Truncated(_) | Http2Error::Unsent => Failure::Reset,
        Http2Error::Protocol(_) | Http2Error::TooLarge { .. } | Http2Error::Reset(_) | Http2Error::GoAway(_) => {
            Failure::Protocol
        }
    };
    ExchangeError { failure, message: cause.to_string() }
}
