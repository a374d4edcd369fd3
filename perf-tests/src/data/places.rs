//! Where the rows of a file begin. Rows are in blocks, and reading a row reads its block.

use std::ops::Range;

/// Most bytes of a block to which another row is added.
const BYTES: u64 = 64 << 10;

/// The places of blocks, in bytes.
#[derive(Debug)]
pub(super) struct Places {
    /// Most rows of a block.
    rows: u64,
    /// Where every `rows`-th row begins, and the end.
    regular: Vec<u64>,
    /// Other rows that begin a block, since the one before them is full of bytes: the index of the
    /// row, and its place.
    others: Vec<(u64, u64)>,
    len: u64,
    /// Where the last block begins.
    last: u64,
}

impl Places {
    /// No places, of blocks of at most this many rows.
    pub(super) const fn new(rows: u64) -> Self {
        Self { rows, regular: Vec::new(), others: Vec::new(), len: 0, last: 0 }
    }

    pub(super) fn add(&mut self, place: u64) {
        if self.len.is_multiple_of(self.rows) {
            self.regular.push(place);
            self.last = place;
        } else if place - self.last >= BYTES {
            self.others.push((self.len, place));
            self.last = place;
        }
        self.len += 1;
    }

    /// Adds the end, after all rows.
    pub(super) fn end(&mut self, place: u64) {
        self.regular.push(place);
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
        if let Some(&(row, place)) = next.checked_sub(1).and_then(|at| self.others.get(at))
            && row > first
        {
            (first, start) = (row, place);
        }
        if let Some(&(_, place)) = self.others.get(next) {
            end = end.min(place);
        }
        Some((start..end, index - first))
    }
}
