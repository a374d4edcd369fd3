//! The tables of header fields that an index refers to (RFC 7541, 2.3).

use std::collections::VecDeque;

/// The static table (RFC 7541, appendix A). The index of its first field is 1.
#[rustfmt::skip]
pub(super) const STATIC: [(&str, &str); 61] = [
    (":authority", ""), (":method", "GET"), (":method", "POST"), (":path", "/"),
    (":path", "/index.html"), (":scheme", "http"), (":scheme", "https"), (":status", "200"),
    (":status", "204"), (":status", "206"), (":status", "304"), (":status", "400"),
    (":status", "404"), (":status", "500"), ("accept-charset", ""),
    ("accept-encoding", "gzip, deflate"), ("accept-language", ""), ("accept-ranges", ""),
    ("accept", ""), ("access-control-allow-origin", ""), ("age", ""), ("allow", ""),
    ("authorization", ""), ("cache-control", ""), ("content-disposition", ""),
    ("content-encoding", ""), ("content-language", ""), ("content-length", ""),
    ("content-location", ""), ("content-range", ""), ("content-type", ""), ("cookie", ""),
    ("date", ""), ("etag", ""), ("expect", ""), ("expires", ""), ("from", ""), ("host", ""),
    ("if-match", ""), ("if-modified-since", ""), ("if-none-match", ""), ("if-range", ""),
    ("if-unmodified-since", ""), ("last-modified", ""), ("link", ""), ("location", ""),
    ("max-forwards", ""), ("proxy-authenticate", ""), ("proxy-authorization", ""), ("range", ""),
    ("referer", ""), ("refresh", ""), ("retry-after", ""), ("server", ""), ("set-cookie", ""),
    ("strict-transport-security", ""), ("transfer-encoding", ""), ("user-agent", ""), ("vary", ""),
    ("via", ""), ("www-authenticate", ""),
];

/// Bytes that a field counts beside its name and value (RFC 7541, 4.1).
const OVERHEAD: usize = 32;

/// A dynamic table, its newest field first.
#[derive(Debug)]
pub(super) struct DynamicTable {
    fields: VecDeque<Field>,
    size: usize,
    max: usize,
}

#[derive(Debug)]
struct Field {
    /// The name and the value, one after the other.
    bytes: Box<[u8]>,
    name_len: usize,
}

impl Field {
    fn parts(&self) -> (&[u8], &[u8]) {
        self.bytes.split_at(self.name_len)
    }

    fn size(&self) -> usize {
        self.bytes.len() + OVERHEAD
    }
}

impl DynamicTable {
    pub(super) fn new(max: usize) -> Self {
        Self { fields: VecDeque::new(), size: 0, max }
    }

    pub(super) fn get(&self, position: usize) -> Option<(&[u8], &[u8])> {
        self.fields.get(position).map(Field::parts)
    }

    pub(super) fn position(&self, name: &[u8], value: &[u8]) -> Option<usize> {
        self.fields.iter().position(|field| field.parts() == (name, value))
    }

    /// Adds a field, and removes the oldest ones so that it fits. A field larger than the whole
    /// table only empties it.
    pub(super) fn insert(&mut self, name: &[u8], value: &[u8]) {
        let size = name.len() + value.len() + OVERHEAD;
        self.shrink_to(self.max.saturating_sub(size));
        if size <= self.max {
            self.size += size;
            self.fields.push_front(Field { bytes: [name, value].concat().into(), name_len: name.len() });
        }
    }

    pub(super) fn resize(&mut self, max: usize) {
        self.max = max;
        self.shrink_to(max);
    }

    fn shrink_to(&mut self, size: usize) {
        while self.size > size
            && let Some(oldest) = self.fields.pop_back()
        {
            self.size -= oldest.size();
        }
    }
}
