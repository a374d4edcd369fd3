//! The longest requests of a load. They show which virtual users waited together while others went
//! on.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

/// Limit on entries that are kept.
const MOST: usize = 2_000;

/// A request that took long, and others that waited together with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LongRequest {
    pub(crate) part: usize,
    /// Index of the endpoint in the catalogue.
    pub(crate) endpoint: usize,
    pub(crate) from: Instant,
    pub(crate) to: Instant,
    /// Number of requests, this one included. The others were of its kind and took at most as long.
    pub(crate) count: u64,
}

/// Requests of the same kind waited together for most of their time.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    part: usize,
    endpoint: usize,
    /// The binary logarithm of a unit in milliseconds, which is at most a quarter of the length.
    unit: u32,
    /// The beginning in units.
    from: u128,
    /// The length in units.
    length: u128,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct LongestRequests {
    /// Shorter requests are not kept.
    floor: Duration,
    all: Vec<LongRequest>,
}

impl LongRequest {
    pub(crate) fn length(&self) -> Duration {
        self.to.duration_since(self.from)
    }

    /// The kind of a request that began after `origin`.
    fn kind(&self, origin: Instant) -> Kind {
        let length = self.length().as_millis();
        let unit = length.max(1).ilog2().saturating_sub(2);
        let from = self.from.saturating_duration_since(origin).as_millis() >> unit;
        Kind { part: self.part, endpoint: self.endpoint, unit, from, length: length >> unit }
    }
}

impl LongestRequests {
    /// Adds a request. If there are too many entries, those of the same kind are joined. If there
    /// are still many, the shorter ones are removed.
    pub(crate) fn add(&mut self, request: LongRequest) {
        if request.length() <= self.floor {
            return;
        }
        self.all.push(request);
        if self.all.len() > MOST {
            self.join();
            self.all.sort_unstable_by_key(LongRequest::length);
            let surplus = self.all.len().saturating_sub(MOST / 2);
            let removed = self.all.drain(..surplus).map(|request| request.length()).max();
            self.floor = self.floor.max(removed.unwrap_or_default());
        }
    }

    /// Joins the requests of each kind.
    fn join(&mut self) {
        let Some(origin) = self.all.iter().map(|request| request.from).min() else { return };
        let mut kinds = BTreeMap::<Kind, LongRequest>::new();
        for request in self.all.drain(..) {
            let joined = kinds.entry(request.kind(origin)).or_insert(LongRequest { count: 0, ..request });
            let count = joined.count + request.count;
            *joined = LongRequest { count, ..if request.length() > joined.length() { request } else { *joined } };
        }
        self.all.extend(kinds.into_values());
    }

    pub(super) fn extend(&mut self, other: Self) {
        self.floor = self.floor.max(other.floor);
        other.all.into_iter().for_each(|request| self.add(request));
        self.all.retain(|request| request.length() > self.floor);
    }

    /// A length that all requests which were not kept have at most.
    pub(crate) const fn floor(&self) -> Duration {
        self.floor
    }

    pub(crate) fn requests(&self) -> &[LongRequest] {
        &self.all
    }
}

#[cfg(test)]
mod tests;
