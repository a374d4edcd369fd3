//! HPACK, the compression of header fields in HTTP/2 (RFC 7541).

mod decoder;
mod encoder;
mod huffman;
mod table;

pub(super) use decoder::Decoder;
pub(super) use encoder::Encoder;

/// Size of a dynamic table in bytes, unless the other side sets another one (RFC 9113, 6.5.2).
const TABLE_SIZE: usize = 4096;

/// A block of header fields that cannot be decoded. Why is not known to either side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MalformedBlock;

#[cfg(test)]
mod tests;
