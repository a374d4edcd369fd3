//! The body of a request while it is sent.

use std::io;

type NextPiece<'a> = Box<dyn FnMut(&mut Vec<u8>) -> io::Result<()> + 'a>;

pub(crate) struct OutgoingBody<'a> {
    /// All of it that is not sent yet, unless it is sent in pieces.
    whole: &'a [u8],
    pieces: Option<Pieces<'a>>,
}

struct Pieces<'a> {
    next: NextPiece<'a>,
    piece: Vec<u8>,
    /// Bytes of the piece that are sent.
    sent: usize,
}

impl<'a> OutgoingBody<'a> {
    /// A body that is in memory.
    pub(crate) const fn new(whole: &'a [u8]) -> Self {
        Self { whole, pieces: None }
    }

    /// A body in pieces. `next` replaces its argument by the next piece, which is empty at the end.
    pub(crate) fn in_pieces(next: impl FnMut(&mut Vec<u8>) -> io::Result<()> + 'a) -> Self {
        Self { whole: &[], pieces: Some(Pieces { next: Box::new(next), piece: Vec::new(), sent: 0 }) }
    }

    /// The next bytes, and whether the body ends after them.
    pub(super) fn rest(&mut self) -> io::Result<(&[u8], bool)> {
        let Some(pieces) = &mut self.pieces else { return Ok((self.whole, true)) };
        if pieces.sent == pieces.piece.len() {
            (pieces.next)(&mut pieces.piece)?;
            pieces.sent = 0;
        }
        Ok((&pieces.piece[pieces.sent..], pieces.piece.is_empty()))
    }

    /// Removes sent bytes.
    pub(super) fn advance(&mut self, sent: usize) {
        match &mut self.pieces {
            Some(pieces) => pieces.sent += sent,
            None => self.whole = &self.whole[sent..],
        }
    }
}
