//! The connection: writes requests, reads responses, and tracks whether it can be used again.

use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::mem;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker, ready};

use bytes::BytesMut;
use http::HeaderMap;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::head::Head;
use super::incoming::{IncomingResponse, WholeResponse};
use super::{BrokenExchange, Http1Error, RawResponse, ResponseLimits, ResponseTo, Timings};
use crate::clock::now;

/// Initial size of a connection's buffer, in bytes. Nothing is allocated before the first request.
const INITIAL_BUFFER: usize = 2 << 10;

/// Largest buffer that an idle connection keeps, in bytes. A larger buffer is given away with its
/// response.
const LARGEST_IDLE_BUFFER: usize = 64 << 10;

/// A connection to a server, over any byte stream. It has one exchange at a time, without
/// pipelining.
///
/// On a `TcpStream` an exchange needs one system call to write and one to read. For this, the
/// kernel must have room for the request, and must have the response in one piece. It does not
/// allocate if the previous response was dropped and the new one is not larger than earlier ones.
#[derive(Debug)]
pub struct Connection<S> {
    stream: S,
    limits: ResponseLimits,
    /// Empty between exchanges.
    buffer: BytesMut,
    /// Room for the first read of a response, in bytes. It is large enough to read responses like
    /// the previous ones at once.
    room: usize,
    /// False during an exchange. So it stays false after an exchange that was dropped or failed.
    reusable: bool,
}

pub(super) enum SendOutcome {
    Complete,
    /// The response came before the whole request was sent.
    ResponseFirst,
    /// The server accepts no more bytes, but may have sent a response.
    Failed(io::Error),
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// A connection over a stream that is connected and, if necessary, secured.
    pub fn new(stream: S, limits: ResponseLimits) -> Self {
        Self { stream, limits, buffer: BytesMut::new(), room: INITIAL_BUFFER, reusable: true }
    }

    /// Whether the connection can carry another request. It cannot after an exchange that failed or
    /// was dropped. It cannot after a response that closed it or was longer than announced (RFC
    /// 9112, 9.3 and 9.5). It also cannot if the server has closed it or has sent data since.
    ///
    /// Makes a system call only if the runtime knows of something to read. Anything that the
    /// runtime has not noticed yet is found by the next exchange.
    pub fn is_open(&mut self) -> bool {
        if self.reusable {
            // The next exchange polls with its own waker, so no wake-up is lost.
            let mut context = Context::from_waker(Waker::noop());
            let mut byte = [0];
            let polled = Pin::new(&mut self.stream).poll_read(&mut context, &mut ReadBuf::new(&mut byte));
            self.reusable = polled.is_pending();
        }
        self.reusable
    }

    /// Whether the last exchange leaves the connection usable. Does not check what the server has
    /// done since.
    pub(crate) const fn is_reusable(&self) -> bool {
        self.reusable
    }

    pub(crate) const fn stream(&self) -> &S {
        &self.stream
    }

    /// Sends the request, head and body in one piece, and reads the whole response. Interim (1xx)
    /// responses are skipped. A body beyond the limit is read and discarded.
    ///
    /// If the request is not written at once, reads while writing. A final response that arrives
    /// early ends the sending, and the connection after it (RFC 9112, 9.5). There is no timeout;
    /// drop the future to cancel.
    ///
    /// Call [`Self::is_open`] before: bytes that a server sent between two requests would be taken
    /// for a response.
    ///
    /// # Errors
    /// If the connection fails or is not open, or if the response is truncated, exceeds a limit or
    /// violates RFC 9112. If the RFC leaves the choice to the client, an ambiguous response is an
    /// error. Such a response has both `Transfer-Encoding` and `Content-Length` (6.3), or line ends
    /// other than CRLF in chunk framing (7.1). Transfer codings other than `chunked` and protocol
    /// switches are errors too, as no request asks for them.
    pub async fn exchange(&mut self, request: &[u8], response_to: ResponseTo) -> Result<RawResponse, BrokenExchange> {
        let mut incoming = self.begin(response_to)?;
        let mut written = 0;
        let sending = poll_fn(|context| self.poll_send(context, request, &mut written, &mut incoming)).await;
        self.finish(sending, written > 0, &mut incoming).await
    }

    /// Begins an exchange, unless the connection cannot be used.
    pub(super) fn begin(&mut self, response_to: ResponseTo) -> Result<IncomingResponse, BrokenExchange> {
        if !mem::take(&mut self.reusable) {
            let cause = Http1Error::Closed("before the request");
            return Err(BrokenExchange { cause, sent_anything: false, received_anything: false });
        }
        self.buffer.reserve(self.room);
        Ok(IncomingResponse::new(response_to, self.limits))
    }

    /// Ends an exchange whose request was sent or failed: reads its response.
    pub(super) async fn finish(
        &mut self,
        sending: Result<SendOutcome, Http1Error>,
        sent_anything: bool,
        incoming: &mut IncomingResponse,
    ) -> Result<RawResponse, BrokenExchange> {
        let result = match sending {
            Ok(sending) => self.receive_response(sending, incoming).await,
            Err(cause) => Err(cause),
        };
        result.map_err(|cause| incoming.broken(cause, sent_anything))
    }

    /// The response to a request that was sent, or the cause that explains best why there is none.
    async fn receive_response(
        &mut self,
        sending: SendOutcome,
        incoming: &mut IncomingResponse,
    ) -> Result<RawResponse, Http1Error> {
        let sent = now();
        match (self.receive(incoming).await, sending) {
            (Ok(whole), sending) => {
                let is_sent = matches!(sending, SendOutcome::Complete);
                Ok(self.take(whole, incoming.take_trailers(), sent, is_sent))
            }
            (Err(_), SendOutcome::Failed(error)) if !incoming.has_head() => Err(Http1Error::Io(error)),
            (Err(cause), _) => Err(cause),
        }
    }

    /// Ready once no more of the request will be written.
    pub(super) fn poll_send(
        &mut self,
        context: &mut Context<'_>,
        request: &[u8],
        written: &mut usize,
        incoming: &mut IncomingResponse,
    ) -> Poll<Result<SendOutcome, Http1Error>> {
        loop {
            match self.poll_write(context, request, written) {
                Poll::Ready(Ok(())) => return Poll::Ready(Ok(SendOutcome::Complete)),
                Poll::Ready(Err(error)) if is_closed_by_peer(&error) => {
                    return Poll::Ready(Ok(SendOutcome::Failed(error)));
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(Http1Error::Io(error))),
                Poll::Pending => {}
            }
            ready!(self.poll_receive(context, incoming))?;
            if incoming.has_head() {
                return Poll::Ready(Ok(SendOutcome::ResponseFirst));
            }
        }
    }

    fn poll_write(&mut self, context: &mut Context<'_>, request: &[u8], written: &mut usize) -> Poll<io::Result<()>> {
        while *written < request.len() {
            let count = ready!(Pin::new(&mut self.stream).poll_write(context, &request[*written..]))?;
            if count == 0 {
                return Poll::Ready(Err(ErrorKind::WriteZero.into()));
            }
            *written += count;
        }
        Pin::new(&mut self.stream).poll_flush(context)
    }

    async fn receive(&mut self, incoming: &mut IncomingResponse) -> Result<WholeResponse, Http1Error> {
        loop {
            if let Some(whole) = incoming.whole() {
                return Ok(whole);
            }
            poll_fn(|context| self.poll_receive(context, incoming)).await?;
        }
    }

    /// Reads once.
    pub(super) fn poll_receive(
        &mut self,
        context: &mut Context<'_>,
        incoming: &mut IncomingResponse,
    ) -> Poll<Result<(), Http1Error>> {
        let room = incoming.room(&self.buffer);
        if self.buffer.capacity() - self.buffer.len() < room {
            self.buffer.reserve(room);
        }
        // This future has no state of its own. A short read left nothing to read. Since tokio's
        // `poll_read` remembers that, the next one costs no system call.
        let read = pin!(self.stream.read_buf(&mut self.buffer)).poll(context);
        Poll::Ready(match ready!(read) {
            Ok(0) => incoming.end(&self.buffer),
            Ok(_) => incoming.advance(&mut self.buffer),
            Err(error) => Err(Http1Error::Io(error)),
        })
    }

    /// Takes the response out of the buffer, and prepares both for the next exchange.
    fn take(
        &mut self,
        whole: WholeResponse,
        trailers: Option<Box<HeaderMap>>,
        sent: Instant,
        complete: bool,
    ) -> RawResponse {
        self.room = whole.peak.saturating_add(1).clamp(self.room, LARGEST_IDLE_BUFFER).next_power_of_two();
        let bytes = self.buffer.split_to(whole.end).freeze();
        self.reusable = complete && whole.head.reusable && self.buffer.is_empty();
        if !self.reusable || whole.end > LARGEST_IDLE_BUFFER {
            self.buffer = BytesMut::new();
        }
        let timings = Timings { sent, first_byte: whole.first_byte, finished: whole.finished };
        let Head { status, len: head_len, known, .. } = whole.head;
        RawResponse { status, whole: bytes, head_len, known, discarded: whole.discarded, trailers, timings }
    }
}

/// Whether the error comes from writing to a closed connection. A server that does not want the
/// whole request may respond and close, and the response can still be read.
fn is_closed_by_peer(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted)
}
