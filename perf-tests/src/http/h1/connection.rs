//! The connection: writes requests, reads answers, and knows whether it can be used again.

use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::mem;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker, ready};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::incoming::{Incoming, Whole};
use super::{Answer, AnswerTo, Broken, Cause, ResponseLimits, Timings};
use crate::clock::now;

/// What a connection's buffer begins with, in bytes. Nothing is allocated before the first request.
const SMALL: usize = 2 << 10;

/// The largest buffer that an idle connection keeps, in bytes. A larger one goes away with the answer in it.
const LARGE: usize = 64 << 10;

/// A connection to a server, over whatever carries bytes. One exchange at a time: no pipelining.
///
/// On a `TcpStream` an exchange makes a system call to write and one to read, if the kernel takes the request and has
/// the answer in one piece. It allocates nothing if the answer before it is gone, and no larger than those before.
#[derive(Debug)]
pub struct Connection<S> {
    stream: S,
    limits: ResponseLimits,
    /// Empty between exchanges.
    buffer: BytesMut,
    /// The room that the first read of an answer is given, in bytes: such that answers like those so far come whole.
    room: usize,
    /// False during an exchange as well, and so for ever after one that was dropped or failed.
    reusable: bool,
}

/// How the sending of a request ended.
enum Sending {
    Complete,
    /// The answer came first.
    GivenUp,
    /// The server takes no more, but may have said why.
    Refused(io::Error),
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// A connection over a stream that is ready for a request: connected, and secured if it is to be.
    pub fn new(stream: S, limits: ResponseLimits) -> Self {
        Self { stream, limits, buffer: BytesMut::new(), room: SMALL, reusable: true }
    }

    /// Whether the connection can carry another request. It cannot if an exchange failed or was dropped midway, if an
    /// answer said so or came with more than itself (RFC 9112, 9.3 and 9.5), or if the server has closed it or has sent
    /// something unasked since.
    ///
    /// Costs a system call only if the runtime knows of something to read. What the runtime has not seen yet is found
    /// by the next exchange.
    pub fn is_open(&mut self) -> bool {
        if self.reusable {
            // The next exchange polls with a waker of its own, so none is lost here.
            let mut context = Context::from_waker(Waker::noop());
            let mut byte = [0];
            let polled = Pin::new(&mut self.stream).poll_read(&mut context, &mut ReadBuf::new(&mut byte));
            self.reusable = polled.is_pending();
        }
        self.reusable
    }

    /// Whether the last exchange leaves the connection fit for another, as far as it told. What the server has done since is
    /// not looked at.
    pub const fn is_reusable(&self) -> bool {
        self.reusable
    }

    /// What carries the bytes.
    pub const fn stream(&self) -> &S {
        &self.stream
    }

    /// Sends the request, head and body in one, and reads the whole answer. Interim (1xx) answers are skipped.
    ///
    /// Reads while it writes, if the request is not taken at once: a final answer that comes before all is sent ends
    /// the sending, and the connection after it (RFC 9112, 9.5). Knows no timeout; drop the future to give up.
    ///
    /// Call [`Self::is_open`] before: what a server sent between two requests would be taken for an answer.
    ///
    /// # Errors
    /// If the connection fails or is not open, if the answer is cut short, exceeds a limit or breaks the rules of RFC
    /// 9112. Where that leaves it to the client, an ambiguous answer breaks them: one with both `Transfer-Encoding` and
    /// `Content-Length` (6.3), or with line ends other than CRLF in chunk framing (7.1). Transfer codings other than
    /// `chunked` and switches of protocol are errors as well, as no request asks for them.
    pub async fn exchange(&mut self, request: &[u8], answer_to: AnswerTo) -> Result<Answer, Broken> {
        if !mem::take(&mut self.reusable) {
            let cause = Cause::Closed("before the request");
            return Err(Broken { cause, sent_anything: false, received_anything: false });
        }
        self.buffer.reserve(self.room);
        let mut incoming = Incoming::new(answer_to, self.limits);
        let mut written = 0;
        match self.run(request, &mut written, &mut incoming).await {
            Ok(answer) => Ok(answer),
            Err(cause) => Err(Broken { cause, sent_anything: written > 0, received_anything: incoming.received() }),
        }
    }

    async fn run(&mut self, request: &[u8], written: &mut usize, incoming: &mut Incoming) -> Result<Answer, Cause> {
        let sending = poll_fn(|context| self.poll_send(context, request, written, incoming)).await?;
        let sent = now();
        match (self.receive(incoming).await, sending) {
            (Ok(whole), Sending::Complete) => Ok(self.take(whole, sent, true)),
            (Ok(whole), _) => Ok(self.take(whole, sent, false)),
            (Err(_), Sending::Refused(error)) if !incoming.has_head() => Err(Cause::Io(error)),
            (Err(cause), _) => Err(cause),
        }
    }

    /// Ready once no more of the request is to be written.
    fn poll_send(
        &mut self,
        context: &mut Context<'_>,
        request: &[u8],
        written: &mut usize,
        incoming: &mut Incoming,
    ) -> Poll<Result<Sending, Cause>> {
        loop {
            match self.poll_write(context, request, written) {
                Poll::Ready(Ok(())) => return Poll::Ready(Ok(Sending::Complete)),
                Poll::Ready(Err(error)) if is_refusal(&error) => return Poll::Ready(Ok(Sending::Refused(error))),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(Cause::Io(error))),
                Poll::Pending => {}
            }
            ready!(self.poll_receive(context, incoming))?;
            if incoming.has_head() {
                return Poll::Ready(Ok(Sending::GivenUp));
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

    async fn receive(&mut self, incoming: &mut Incoming) -> Result<Whole, Cause> {
        loop {
            if let Some(whole) = incoming.whole() {
                return Ok(whole);
            }
            poll_fn(|context| self.poll_receive(context, incoming)).await?;
        }
    }

    /// Reads once.
    fn poll_receive(&mut self, context: &mut Context<'_>, incoming: &mut Incoming) -> Poll<Result<(), Cause>> {
        let room = incoming.room(&self.buffer);
        if self.buffer.capacity() - self.buffer.len() < room {
            self.buffer.reserve(room);
        }
        // This future has no state of its own, and tokio's `poll_read` is what remembers that a short read leaves
        // nothing to read: the next one costs no system call.
        let read = pin!(self.stream.read_buf(&mut self.buffer)).poll(context);
        Poll::Ready(match ready!(read) {
            Ok(0) => incoming.end(&self.buffer),
            Ok(_) => incoming.advance(&mut self.buffer),
            Err(error) => Err(Cause::Io(error)),
        })
    }

    /// Takes the answer out of the buffer, and makes both ready for the next exchange.
    fn take(&mut self, whole: Whole, sent: Instant, complete: bool) -> Answer {
        self.room = whole.peak.saturating_add(1).clamp(self.room, LARGE).next_power_of_two();
        let taken = self.buffer.split_to(whole.end).freeze();
        self.reusable = complete && whole.head.reusable && self.buffer.is_empty();
        if !self.reusable || whole.end > LARGE {
            self.buffer = BytesMut::new();
        }
        let timings = Timings { sent, first_byte: whole.first_byte, finished: whole.finished };
        Answer { status: whole.head.status, whole: taken, head_len: whole.head.len, timings }
    }
}

/// Whether this is what writing to a closed connection gives. A server that does not want all of a request may answer
/// and close; the answer can be read all the same.
fn is_refusal(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted)
}
