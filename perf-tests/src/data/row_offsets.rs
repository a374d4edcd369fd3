//! Where the rows of a file begin. Rows are in blocks, and reading a row reads its block.

use std::ops::Range;

/// Most bytes of a block to which another row is added.
const BYTES: u64 = 64 << 10;

/// The offsets of blocks, in bytes.
#[derive(Debug)]
pub(super) struct RowOffsets {
    /// Most rows of a block.
    rows: u64,
    /// Where every `rows`-th row begins, and the end.
    regular: Vec<u64>,
    /// Other rows that begin a block, since the one before them is full of bytes: the index of the
    /// row, and its offset.
    others: Vec<(u64, u64)>,
    len: u64,
    /// Where the last block begins.
    last: u64,
}

impl RowOffsets {
    /// No rows, in blocks of at most this many rows.
    pub(super) const fn new(rows: u64) -> Self {
        Self { rows, regular: Vec::new(), others: Vec::new(), len: 0, last: 0 }
    }

    pub(super) fn add(&mut self, offset: u64) {
        if self.len.is_multiple_of(self.rows) {
            self.regular.push(offset);
            self.last = offset;
        } else if offset - self.last >= BYTES {
            self.others.push((self.len, offset));
            self.last = offset;
        }
        self.len += 1;
    }

    /// Adds the end, after all rows.
    pub(super) fn end(&mut self, offset: u64) {
        self.regular.push(offset);
    }

    pub(super) const fn len(&self) -> u64 {
        self.len
    }

    /// The block of the row with this index, and the number of rows before it in the block.
    pub(super) fn block(&self, index: u64) -> Option<(Range<u64>, u64)> {
        let at = usize::try_from(index / self.rows).ok()?;
        let (mut start, mut end) = (*self.regular.get(at)?, *self.regular.get(at + 1)?);
        let mut first = index - index % self.rows;
        let next = self.others.partition_point(|(row, _)| *row <= index);
        if let Some(&(row, offset)) = next.checked_sub(1).and_then(|at| self.others.get(at))
            && row > first
        {
            (first, start) = (row, offset);
        }
        if let Some(&(_, offset)) = self.others.get(next) {
            end = end.min(offset);
        }
        Some((start..end, index - first))
    }
}
