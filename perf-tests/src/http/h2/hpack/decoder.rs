//! Decodes blocks of header fields.

use super::table::{DynamicTable, STATIC};
use super::{MalformedBlock, TABLE_SIZE, huffman};

/// The decoder of one connection. Its table is that of the other side's encoder, so every block
/// must be decoded, in order.
#[derive(Debug)]
pub(in super::super) struct Decoder {
    table: DynamicTable,
    name: Vec<u8>,
    value: Vec<u8>,
}

impl Decoder {
    pub(in super::super) fn new() -> Self {
        Self { table: DynamicTable::new(TABLE_SIZE), name: Vec::new(), value: Vec::new() }
    }

    /// Calls `emit` with name and value of each field, in order.
    pub(in super::super) fn decode(
        &mut self,
        block: &[u8],
        mut emit: impl FnMut(&[u8], &[u8]),
    ) -> Result<(), MalformedBlock> {
        let (mut rest, mut may_resize) = (block, true);
        while let [first, ..] = *rest {
            match first {
                0x80.. => match integer(&mut rest, 7)? {
                    0 => return Err(MalformedBlock),
                    index if index <= STATIC.len() => {
                        let (name, value) = STATIC[index - 1];
                        emit(name.as_bytes(), value.as_bytes());
                    }
                    index => {
                        let (name, value) = self.table.get(index - STATIC.len() - 1).ok_or(MalformedBlock)?;
                        emit(name, value);
                    }
                },
                0x40.. => self.literal(&mut rest, 6, &mut emit)?,
                0x20.. => {
                    let size = integer(&mut rest, 5)?;
                    if !may_resize || size > TABLE_SIZE {
                        return Err(MalformedBlock);
                    }
                    self.table.resize(size);
                    continue;
                }
                // Without indexing, or never indexed.
                _ => self.literal(&mut rest, 4, &mut emit)?,
            }
            may_resize = false;
        }
        Ok(())
    }

    /// A field whose index, if there is one, is its name's. With a prefix of 6 bits, it is added to
    /// the table.
    fn literal(
        &mut self,
        rest: &mut &[u8],
        prefix: u32,
        emit: &mut impl FnMut(&[u8], &[u8]),
    ) -> Result<(), MalformedBlock> {
        let name = match integer(rest, prefix)? {
            0 => string(rest, &mut self.name)?,
            index if index <= STATIC.len() => STATIC[index - 1].0.as_bytes(),
            index => {
                let (name, _) = self.table.get(index - STATIC.len() - 1).ok_or(MalformedBlock)?;
                self.name.clear();
                self.name.extend_from_slice(name);
                &self.name
            }
        };
        let value = string(rest, &mut self.value)?;
        emit(name, value);
        if prefix == 6 {
            self.table.insert(name, value);
        }
        Ok(())
    }
}

/// An integer that begins in the lowest `prefix` bits of a byte (RFC 7541, 5.1). At most 2^28.
fn integer(rest: &mut &[u8], prefix: u32) -> Result<usize, MalformedBlock> {
    let mask = (1_u8 << prefix) - 1;
    let first = next(rest)? & mask;
    let mut value = usize::from(first);
    if first < mask {
        return Ok(value);
    }
    for shift in [0, 7, 14, 21] {
        let byte = next(rest)?;
        value += usize::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(MalformedBlock)
}

fn next(rest: &mut &[u8]) -> Result<u8, MalformedBlock> {
    let (first, others) = rest.split_first().ok_or(MalformedBlock)?;
    *rest = others;
    Ok(*first)
}

/// A string, from the block or decoded into `decoded` (RFC 7541, 5.2).
fn string<'a, 'block: 'a>(rest: &mut &'block [u8], decoded: &'a mut Vec<u8>) -> Result<&'a [u8], MalformedBlock> {
    let is_huffman = rest.first().is_some_and(|first| first & 0x80 != 0);
    let length = integer(rest, 7)?;
    let (raw, others) = rest.split_at_checked(length).ok_or(MalformedBlock)?;
    *rest = others;
    if !is_huffman {
        return Ok(raw);
    }
    decoded.clear();
    huffman::decode(raw, decoded)?;
    Ok(decoded)
}
