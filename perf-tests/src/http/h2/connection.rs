//! The connection: writes requests, reads frames, and gives each to its stream.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite};

use super::frame::{self, MAX_FRAME};
use super::head;
use super::http2_error::Http2Error;
use super::incoming::IncomingResponse;
use super::input::Input;
use super::outgoing::OutgoingBody;
use super::session::Session;
use super::stream::Stream;
use crate::clock::now;
use crate::http::h1::{RawResponse, ResponseLimits, ResponseTo};

/// Largest buffer that a connection keeps for the next response, in bytes.
const LARGEST_IDLE_BUFFER: usize = 64 << 10;

/// A request, with its head as for HTTP/1.1.
#[derive(Debug, Clone, Copy)]
pub struct Http2Request<'a> {
    /// The head, in HTTP/1.1.
    pub head: &'a [u8],
    pub has_body: bool,
    pub is_tls: bool,
    pub response_to: ResponseTo,
}

/// A connection to a server, over any byte stream. Each request under way is a stream of it.
///
/// No task of its own reads it: the task that waits for a response does, and wakes the tasks of the
/// other streams. So a request costs no switch of tasks. Between requests, `attend` reads.
#[derive(Debug)]
pub struct Connection<S> {
    io: S,
    input: Input,
    session: Session,
    limits: ResponseLimits,
    /// Number of bytes of the output that were written.
    written: usize,
    /// Why nothing more can be written. The server may have sent responses before.
    write_error: Option<io::Error>,
    /// The stream whose task is woken when the byte stream is ready.
    driver: Option<u32>,
    /// Tasks that wait to begin a stream.
    waiting: Vec<Waker>,
    spare: Vec<BytesMut>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// A connection over a stream that is connected and, if necessary, secured.
    pub fn new(io: S, limits: ResponseLimits) -> Self {
        Self {
            io,
            input: Input::default(),
            session: Session::new(&limits),
            limits,
            written: 0,
            write_error: None,
            driver: None,
            waiting: Vec::new(),
            spare: Vec::new(),
        }
    }

    /// Whether the connection accepts another request. Handles what was received since the last
    /// one.
    pub(crate) fn is_open(&mut self) -> bool {
        if self.session.streams.is_empty() {
            // The next request polls with its own waker, so no wake-up is lost.
            let mut context = Context::from_waker(Waker::noop());
            while self.session.is_open() && self.poll_receive(&mut context).is_ready() {}
        }
        self.session.is_open()
    }

    /// Whether the connection accepts another request, by what was received so far.
    pub(crate) fn is_reusable(&self) -> bool {
        self.session.is_open()
    }

    pub(crate) const fn io(&self) -> &S {
        &self.io
    }

    /// Handles frames and replies to them, such as PING, while there is no request. Wakes the task
    /// when more arrive.
    pub(crate) fn attend(&mut self, context: &mut Context<'_>) {
        if self.session.streams.is_empty() {
            while self.session.is_open() && self.poll_drive(context).is_ready() {}
        }
    }

    /// Begins a request, as soon as the server's limit on streams allows it. Returns its stream.
    pub(crate) fn poll_begin(
        &mut self,
        context: &mut Context<'_>,
        request: Http2Request<'_>,
    ) -> Poll<Result<u32, Http2Error>> {
        while self.session.is_open() && !self.session.has_room() {
            if !self.session.streams.is_empty() {
                self.waiting.push(context.waker().clone());
                return Poll::Pending;
            }
            // The server allows no stream, and none is there that reads what it sends.
            ready!(self.poll_drive(context));
        }
        if !self.session.is_open() {
            return Poll::Ready(Err(Http2Error::Unsent));
        }
        let incoming = IncomingResponse::new(request.response_to, self.limits, self.spare.pop().unwrap_or_default());
        let encode = |encoder: &mut _, out: &mut _| head::encode(request.head, request.is_tls, encoder, out);
        Poll::Ready(Ok(self.session.begin(incoming, request.has_body, encode)))
    }

    /// Sends the rest of a request's body, and receives the response.
    pub(crate) fn poll_response(
        &mut self,
        context: &mut Context<'_>,
        id: u32,
        body: &mut OutgoingBody<'_>,
    ) -> Poll<Result<RawResponse, Http2Error>> {
        loop {
            if let Some(result) = self.session.take_finished(id) {
                if !self.session.output.is_empty() {
                    self.driver = Some(id);
                    let _ = self.poll_flush(context);
                }
                self.hand_over(id);
                return Poll::Ready(result.map(|(stream, finished)| self.respond(stream, finished)));
            }
            self.driver = Some(id);
            let is_blocked = match self.session.queue_body(id, body) {
                Ok(is_blocked) => is_blocked,
                Err(error) => return Poll::Ready(Err(Http2Error::RequestBody(Arc::new(error)))),
            };
            let is_flushed = self.poll_flush(context).is_ready();
            if is_blocked && is_flushed && self.session.can_queue(id) {
                continue;
            }
            if self.poll_receive(context).is_pending() {
                self.session.wait(id, context.waker(), is_blocked);
                return Poll::Pending;
            }
        }
    }

    /// Queues the body of a request without writing it. The task is polled again after others that
    /// are ready have queued theirs, so that all are written at once.
    pub(crate) fn gather(
        &mut self,
        context: &Context<'_>,
        id: u32,
        body: &mut OutgoingBody<'_>,
    ) -> Result<(), Http2Error> {
        self.session.queue_body(id, body).map_err(|error| Http2Error::RequestBody(Arc::new(error)))?;
        self.session.wait(id, context.waker(), false);
        context.waker().wake_by_ref();
        Ok(())
    }

    /// Keeps back the body of a request until the server asks for it, by the status 100.
    pub(crate) fn hold_body(&mut self, id: u32) {
        self.session.stream(id).into_iter().for_each(|stream| stream.is_held = true);
    }

    /// Lets the body of a request go although the server has not asked for it, unless it responds
    /// already.
    pub(crate) fn release_body(&mut self, id: u32) {
        self.session.stream(id).into_iter().for_each(|stream| stream.is_held &= stream.incoming.has_head());
    }

    /// Ends a request whose task was dropped.
    pub(crate) fn abandon(&mut self, id: u32) {
        if self.session.abandon(id) {
            self.hand_over(id);
        }
    }

    pub async fn exchange(&mut self, request: Http2Request<'_>, body: &[u8]) -> Result<RawResponse, Http2Error> {
        let mut body = OutgoingBody::new(body);
        let id = std::future::poll_fn(|context| self.poll_begin(context, request)).await?;
        std::future::poll_fn(|context| self.poll_response(context, id, &mut body)).await
    }

    /// After the end of a stream: its task no longer reads, so another one must.
    fn hand_over(&mut self, ended: u32) {
        self.waiting.drain(..).for_each(Waker::wake);
        if self.driver == Some(ended) {
            let next = self.session.streams.iter().find(|stream| stream.result.is_none());
            self.driver = next.map(|stream| stream.id);
            next.into_iter().for_each(Stream::wake);
        }
    }

    fn respond(&mut self, stream: Stream, finished: tokio::time::Instant) -> RawResponse {
        let (response, spare) = stream.incoming.into_response(stream.sent, finished);
        if response.body().len() <= LARGEST_IDLE_BUFFER {
            self.spare.push(spare);
        }
        response
    }

    /// Writes and reads without a stream.
    fn poll_drive(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let _ = self.poll_flush(context);
        self.poll_receive(context)
    }

    /// Writes all output. Ready if there is none left.
    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.session.output.is_empty() {
            return Poll::Ready(());
        }
        if self.write_error.is_none()
            && let Err(error) = ready!(self.poll_write(context))
        {
            self.write_error = Some(error);
        }
        self.written = 0;
        self.session.output.clear();
        if self.write_error.is_none() {
            self.session.mark_sent(now());
        }
        Poll::Ready(())
    }

    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let rest @ [_, ..] = &self.session.output[self.written..] {
            match ready!(Pin::new(&mut self.io).poll_write(context, rest))? {
                0 => return Poll::Ready(Err(ErrorKind::WriteZero.into())),
                count => self.written += count,
            }
        }
        Pin::new(&mut self.io).poll_flush(context)
    }

    /// Reads once, and handles what was read. Pending if there is nothing to read.
    fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let cause = match ready!(self.input.poll_read(context, &mut self.io)) {
            Ok(0) => match self.write_error.take() {
                Some(error) => Http2Error::Io(Arc::new(error)),
                None => Http2Error::Closed(None),
            },
            Ok(_) => match self.handle() {
                Ok(()) => return Poll::Ready(()),
                Err(cause) => cause,
            },
            Err(error) => Http2Error::Io(Arc::new(error)),
        };
        self.session.fail(&cause);
        self.waiting.drain(..).for_each(Waker::wake);
        Poll::Ready(())
    }

    fn handle(&mut self) -> Result<(), Http2Error> {
        let (session, received) = (&mut self.session, now());
        // A server that speaks something else may send less than the head of a frame, and wait.
        if !session.has_settings && self.input.next_kind().is_some_and(|kind| kind != frame::SETTINGS) {
            return Err(Http2Error::Protocol("not HTTP/2: the server's first frame is not SETTINGS"));
        }
        let result = self.input.handle_frames(
            |head| {
                if head.length > MAX_FRAME {
                    return Err(Http2Error::Protocol("frame larger than 16 KiB"));
                }
                Ok(())
            },
            |head, payload| session.handle(head, payload, received),
        );
        if session.has_room() {
            self.waiting.drain(..).for_each(Waker::wake);
        }
        result
    }
}
