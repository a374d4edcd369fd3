//! Encodes blocks of header fields.

use super::TABLE_SIZE;
use super::table::{DynamicTable, STATIC};

/// Fields that differ between requests or are secret. They are not added to the table.
const NOT_INDEXED: [&[u8]; 5] = [b":path", b"content-length", b"cookie", b"authorization", b"proxy-authorization"];

#[derive(Debug)]
pub(in super::super) struct Encoder {
    table: DynamicTable,
    /// The size of the table. The other side may ask for a smaller one than ours.
    size: usize,
    /// The smallest size since the last block, if the size has changed.
    smallest: Option<usize>,
}

impl Encoder {
    pub(in super::super) fn new() -> Self {
        Self { table: DynamicTable::new(TABLE_SIZE), size: TABLE_SIZE, smallest: None }
    }

    /// Applies the size that the other side allows.
    pub(in super::super) fn allow_size(&mut self, allowed: usize) {
        let size = allowed.min(TABLE_SIZE);
        if size != self.size {
            self.smallest = Some(self.smallest.map_or(size, |smallest| smallest.min(size)));
            self.size = size;
            self.table.resize(size);
        }
    }

    /// Begins a block. Must be called before its first field.
    pub(in super::super) fn begin(&mut self, out: &mut Vec<u8>) {
        if let Some(smallest) = self.smallest.take() {
            if smallest < self.size {
                put_integer(smallest, 5, 0x20, out);
            }
            put_integer(self.size, 5, 0x20, out);
        }
    }

    /// Appends a field, whose name is in lower case.
    pub(in super::super) fn put(&mut self, name: &[u8], value: &[u8], out: &mut Vec<u8>) {
        let is_indexed = !NOT_INDEXED.contains(&name) && name.len() + value.len() < TABLE_SIZE / 4;
        if is_indexed && let Some(position) = self.table.position(name, value) {
            return put_integer(STATIC.len() + 1 + position, 7, 0x80, out);
        }
        // Fields of one name stand together in the static table.
        let mut named = None;
        for (at, (known, known_value)) in STATIC.iter().enumerate() {
            let is_named = known.as_bytes() == name;
            if is_named && known_value.as_bytes() == value {
                return put_integer(at + 1, 7, 0x80, out);
            }
            match named {
                None if is_named => named = Some(at + 1),
                Some(_) if !is_named => break,
                _ => {}
            }
        }
        if is_indexed {
            self.table.insert(name, value);
        }
        let (prefix, pattern) = if is_indexed { (6, 0x40) } else { (4, 0) };
        put_integer(named.unwrap_or(0), prefix, pattern, out);
        if named.is_none() {
            put_string(name, out);
        }
        put_string(value, out);
    }
}

fn put_string(string: &[u8], out: &mut Vec<u8>) {
    put_integer(string.len(), 7, 0, out);
    out.extend_from_slice(string);
}

/// Appends an integer in the lowest `prefix` bits of `pattern` (RFC 7541, 5.1).
fn put_integer(value: usize, prefix: u32, pattern: u8, out: &mut Vec<u8>) {
    let mask = (1_usize << prefix) - 1;
    if value < mask {
        return out.push(pattern | value as u8);
    }
    out.push(pattern | mask as u8);
    let mut rest = value - mask;
    while rest >= 0x80 {
        out.push(0x80 | (rest & 0x7f) as u8);
        rest >>= 7;
    }
    out.push(rest as u8);
}
