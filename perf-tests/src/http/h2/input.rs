//! The buffer of received bytes.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::{io, mem};

use tokio::io::{AsyncRead, ReadBuf};

use super::frame::{FrameHead, HEAD};

/// Initial size in bytes, which many responses fit in. Nothing is allocated before the first read.
const INITIAL: usize = 2 << 10;
/// Maximum size in bytes.
const LARGEST: usize = 64 << 10;

/// Received bytes that are not handled yet.
#[derive(Debug, Default)]
pub(super) struct Input {
    bytes: Vec<u8>,
    /// The part of `bytes` that was received and not handled.
    start: usize,
    end: usize,
    was_full: bool,
}

impl Input {
    /// Reads once. Returns the number of bytes.
    pub(super) fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        stream: &mut (impl AsyncRead + Unpin),
    ) -> Poll<io::Result<usize>> {
        if self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        // A read that does not fill its room tells tokio that there is nothing more to read for
        // now. So there is room for more than the rest of the frame.
        let missing = FrameHead::parse(&self.bytes[..self.end]).map_or(HEAD, |head| HEAD + head.length) + HEAD;
        let grown = if mem::take(&mut self.was_full) { self.bytes.len() * 2 } else { INITIAL };
        let size = grown.min(LARGEST).max(missing).max(self.bytes.len());
        self.bytes.resize(size, 0);
        let mut room = ReadBuf::new(&mut self.bytes[self.end..]);
        ready!(Pin::new(stream).poll_read(context, &mut room))?;
        self.was_full = room.remaining() == 0;
        let count = room.filled().len();
        self.end += count;
        Poll::Ready(Ok(count))
    }

    /// The kind of the next frame, if enough of its head is there.
    pub(super) fn next_kind(&self) -> Option<u8> {
        self.bytes[self.start..self.end].get(3).copied()
    }

    /// Calls `handle` with each whole frame. `check` sees the head of a frame before the rest is
    /// there.
    pub(super) fn handle_frames<E>(
        &mut self,
        mut check: impl FnMut(FrameHead) -> Result<(), E>,
        mut handle: impl FnMut(FrameHead, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        while let Some(head) = FrameHead::parse(&self.bytes[self.start..self.end]) {
            check(head)?;
            let payload = self.start + HEAD;
            let end = payload + head.length;
            if end > self.end {
                break;
            }
            handle(head, &self.bytes[payload..end])?;
            self.start = end;
        }
        Ok(())
    }
}
