//! The body of a request: bytes, and files that are read while they are sent.

use std::io;
use std::sync::Arc;

use crate::data::DataFile;

/// Maximum bytes of a piece of a body with files.
const PIECE: usize = 32 << 10;

#[derive(Debug, Clone)]
pub(crate) struct FileInBody {
    /// The place in the bytes of the body where the file is inserted.
    pub(crate) at: usize,
    pub(crate) file: Arc<DataFile>,
}

/// The body of a request. Without files, it is its bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RequestBody<'a> {
    pub(crate) bytes: &'a [u8],
    /// In the order of their places.
    pub(crate) files: &'a [FileInBody],
}

impl RequestBody<'_> {
    /// Its length, with its files.
    pub(crate) fn len(&self) -> u64 {
        self.bytes.len() as u64 + self.files.iter().map(|file| file.file.len()).sum::<u64>()
    }
}

/// Reads a body with files in pieces. Its bytes may begin with the head of its request.
#[derive(Debug, Clone)]
pub(super) struct BodyReader<B, F> {
    bytes: B,
    /// Length of the bytes before the body.
    head: usize,
    files: F,
    /// The next byte, the next file, and the next byte in it.
    next: (usize, usize, u64),
}

impl<B: AsRef<[u8]>, F: AsRef<[FileInBody]>> BodyReader<B, F> {
    pub(super) const fn new(bytes: B, head: usize, files: F) -> Self {
        Self { bytes, head, files, next: (0, 0, 0) }
    }

    /// Replaces `piece` by the next bytes. It is empty at the end.
    pub(super) fn read(&mut self, piece: &mut Vec<u8>) -> io::Result<()> {
        piece.clear();
        let (bytes, files) = (self.bytes.as_ref(), self.files.as_ref());
        let (at, file, in_file) = &mut self.next;
        while piece.len() < PIECE {
            let (start, room) = (piece.len(), PIECE - piece.len());
            let next = files.get(*file);
            let end = next.map_or(bytes.len(), |next| self.head + next.at);
            if *at < end {
                let next = &bytes[*at..end.min(*at + room)];
                piece.extend_from_slice(next);
                *at += next.len();
                continue;
            }
            let Some(FileInBody { file: data, .. }) = next else { break };
            let left = data.len() - *in_file;
            let count = usize::try_from(left).map_or(room, |left| left.min(room));
            piece.resize(start + count, 0);
            data.read(&mut piece[start..], *in_file)?;
            *in_file += count as u64;
            if *in_file == data.len() {
                (*file, *in_file) = (*file + 1, 0);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
