//! The requests under way on a connection, each of which is a stream.

use std::task::Waker;

use tokio::time::Instant;

use super::http2_error::Http2Error;
use super::incoming::IncomingResponse;

/// A request under way.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) id: u32,
    pub(super) incoming: IncomingResponse,
    /// Once the response is complete, or there will be none.
    pub(super) result: Option<Result<Instant, Http2Error>>,
    /// Bytes of the body that the server accepts. The server may make it negative.
    pub(super) window: i64,
    /// Whether the whole request is in the connection's buffer.
    pub(super) is_queued: bool,
    /// Whether its body waits until the server asks for it.
    pub(super) is_held: bool,
    /// When the whole request was handed to the kernel.
    pub(super) sent: Option<Instant>,
    /// Whether it waits for a window or for room to send its body.
    pub(super) is_blocked: bool,
    /// Received bytes that no WINDOW_UPDATE has returned.
    pub(super) unreturned: u32,
    /// Wakes the task that waits for the response.
    pub(super) waker: Option<Waker>,
}

impl Stream {
    /// Whether more of its body is to be sent now, as far as windows allow.
    pub(super) const fn may_send(&self) -> bool {
        !self.is_queued && !self.is_held
    }

    pub(super) fn wake(&self) {
        if let Some(waker) = &self.waker {
            waker.wake_by_ref();
        }
    }

    /// Sets the result, unless there is one.
    pub(super) fn finish(&mut self, result: Result<Instant, Http2Error>) {
        if self.result.is_none() {
            self.result = Some(result);
            self.wake();
        }
    }
}
