//! Test fixtures: a stream that plays a script, and the outcome of an exchange over it.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::http::h1::{BrokenExchange, Connection, RawResponse, ResponseLimits, ResponseTo};

/// Small limits, so that tests reach them.
pub(super) const LIMITS: ResponseLimits = ResponseLimits { head: 2048, headers: 8, body: 4096, interim: 3 };

/// The server's behavior after the last piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Stall,
    Close,
}

#[derive(Debug)]
struct State {
    pieces: VecDeque<Vec<u8>>,
    end: End,
    written: Vec<u8>,
    /// Number of bytes that can be written, and the error after that.
    room: usize,
    full: Option<ErrorKind>,
}

#[derive(Debug, Clone)]
pub(super) struct ScriptedStream(Rc<RefCell<State>>);

impl ScriptedStream {
    pub(super) fn new<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, end: End) -> Self {
        let pieces = pieces.into_iter().filter(|piece| !piece.is_empty()).map(<[u8]>::to_vec).collect();
        Self(Rc::new(RefCell::new(State { pieces, end, written: Vec::new(), room: usize::MAX, full: None })))
    }

    /// Accepts `room` bytes, then fails, or blocks the writer for ever if `full` is `None`.
    pub(super) fn with_room(self, room: usize, full: Option<ErrorKind>) -> Self {
        self.0.borrow_mut().room = room;
        self.0.borrow_mut().full = full;
        self
    }

    pub(super) fn push(&self, piece: &[u8]) {
        self.0.borrow_mut().pieces.push_back(piece.to_vec());
    }

    pub(super) fn written(&self) -> usize {
        self.0.borrow().written.len()
    }
}

impl AsyncRead for ScriptedStream {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut state = self.0.borrow_mut();
        match state.pieces.pop_front() {
            Some(mut piece) => {
                let rest = piece.split_off(piece.len().min(buf.remaining()));
                buf.put_slice(&piece);
                if !rest.is_empty() {
                    state.pieces.push_front(rest);
                }
                Poll::Ready(Ok(()))
            }
            None if state.end == End::Close => Poll::Ready(Ok(())),
            None => Poll::Pending,
        }
    }
}

impl AsyncWrite for ScriptedStream {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let mut state = self.0.borrow_mut();
        let count = buf.len().min(state.room - state.written.len());
        if count == 0 {
            return state.full.map_or(Poll::Pending, |kind| Poll::Ready(Err(kind.into())));
        }
        state.written.extend_from_slice(&buf[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Polls once. A script never makes a future wait except for ever, so one poll is enough.
pub(super) fn poll<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

pub(super) fn exchange(
    connection: &mut Connection<ScriptedStream>,
    to: ResponseTo,
) -> Option<Result<RawResponse, BrokenExchange>> {
    poll(connection.exchange(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n", to))
}

/// The outcome of an exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ScriptOutcome {
    Response {
        status: u16,
        body: Vec<u8>,
        /// Bytes of a body that was discarded.
        discarded: u64,
        /// Whether the connection can be used again, unless the server closes it.
        open: bool,
    },
    Broken(String),
    /// The exchange does not complete.
    Waits,
}

pub(super) fn play<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, end: End, to: ResponseTo) -> ScriptOutcome {
    let mut connection = Connection::new(ScriptedStream::new(pieces, end), LIMITS);
    match exchange(&mut connection, to) {
        Some(Ok(response)) => ScriptOutcome::Response {
            status: response.status,
            body: response.body().to_vec(),
            discarded: response.discarded,
            open: connection.is_open(),
        },
        Some(Err(broken)) => {
            assert!(!connection.is_open());
            assert!(broken.sent_anything);
            ScriptOutcome::Broken(broken.to_string())
        }
        None => {
            assert!(!connection.is_open());
            ScriptOutcome::Waits
        }
    }
}

/// Like [`play`], but the server closes only if the exchange waits for it.
pub(super) fn outcome<'a, P: IntoIterator<Item = &'a [u8]> + Clone>(pieces: P, to: ResponseTo) -> ScriptOutcome {
    match play(pieces.clone(), End::Stall, to) {
        ScriptOutcome::Waits => play(pieces, End::Close, to),
        outcome => outcome,
    }
}

/// Splits the bytes at these positions, as far as they exist.
pub(super) fn split(bytes: &[u8], mut cuts: Vec<usize>) -> Vec<&[u8]> {
    cuts.retain(|cut| *cut < bytes.len());
    cuts.extend([0, bytes.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]).collect()
}
