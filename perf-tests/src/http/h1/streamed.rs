//! Requests that are sent in pieces: with files, or after the server has asked for the body.

use std::future::poll_fn;
use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

use super::connection::SendOutcome;
use super::incoming::IncomingResponse;
use super::{BrokenExchange, Connection, Http1Error, RawResponse, ResponseTo};

/// Time in which a server should ask for the body. After it, the body is sent unasked, since
/// servers may ignore the expectation (RFC 9110, 10.1.1).
pub(crate) const CONTINUE_WITHIN: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct StreamedRequest<'a, F> {
    /// The head, if it has `expect: 100-continue`: the rest is sent after the status 100, or 1 s
    /// later. `None` if the pieces include the head.
    pub(crate) head: Option<&'a [u8]>,
    /// Replaces its argument by the next piece, which is empty at the end.
    pub(crate) next: F,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// As [`Self::exchange`], for a request that is sent in pieces. If the server responds before
    /// it has asked for the body, the body is not sent, and the connection ends.
    ///
    /// # Errors
    /// As [`Self::exchange`], and if a piece cannot be read.
    pub(crate) async fn exchange_streamed(
        &mut self,
        mut request: StreamedRequest<'_, impl FnMut(&mut Vec<u8>) -> io::Result<()>>,
        response_to: ResponseTo,
    ) -> Result<RawResponse, BrokenExchange> {
        let mut incoming = self.begin(response_to)?;
        let mut written = 0;
        let sending = self.send_streamed(&mut request, &mut written, &mut incoming).await;
        self.finish(sending, written > 0, &mut incoming).await
    }

    /// Sends the pieces. Adds the number of bytes that were written to `written`.
    async fn send_streamed(
        &mut self,
        request: &mut StreamedRequest<'_, impl FnMut(&mut Vec<u8>) -> io::Result<()>>,
        written: &mut u64,
        incoming: &mut IncomingResponse,
    ) -> Result<SendOutcome, Http1Error> {
        if let Some(head) = request.head {
            let sending = self.send_piece(head, written, incoming).await?;
            if !matches!(sending, SendOutcome::Complete) {
                return Ok(sending);
            }
            // At the time limit, the body is sent as well.
            let asked = timeout(CONTINUE_WITHIN, async {
                while !incoming.continues() && !incoming.has_head() {
                    poll_fn(|context| self.poll_receive(context, incoming)).await?;
                }
                Ok(())
            });
            asked.await.unwrap_or(Ok(()))?;
            if incoming.has_head() {
                return Ok(SendOutcome::ResponseFirst);
            }
        }
        let mut piece = Vec::new();
        loop {
            (request.next)(&mut piece).map_err(Http1Error::RequestBody)?;
            if piece.is_empty() {
                return Ok(SendOutcome::Complete);
            }
            let sending = self.send_piece(&piece, written, incoming).await?;
            if !matches!(sending, SendOutcome::Complete) {
                return Ok(sending);
            }
        }
    }

    async fn send_piece(
        &mut self,
        piece: &[u8],
        written: &mut u64,
        incoming: &mut IncomingResponse,
    ) -> Result<SendOutcome, Http1Error> {
        let mut of_piece = 0;
        let sending = poll_fn(|context| self.poll_send(context, piece, &mut of_piece, incoming)).await;
        *written += of_piece as u64;
        sending
    }
}
