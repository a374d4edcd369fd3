//! Streams that fuzzers share.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Yields the bytes in pieces whose lengths depend on `seed` (all at once if it is 0), then closes.
pub struct Bytes<'a> {
    /// The bytes that are not read yet.
    pub rest: &'a [u8],
    pub seed: u32,
}

impl AsyncRead for Bytes<'_> {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let most = if self.seed == 0 { usize::MAX } else { 1 + (self.seed >> 16) as usize % 7 };
        self.seed = self.seed.wrapping_mul(1_664_525).wrapping_add(if self.seed == 0 { 0 } else { 1_013_904_223 });
        let (piece, rest) = self.rest.split_at(self.rest.len().min(buf.remaining()).min(most));
        buf.put_slice(piece);
        self.rest = rest;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Bytes<'_> {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
