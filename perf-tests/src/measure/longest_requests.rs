//! The longest requests of a load. They show which virtual users waited together while others went
//! on.

use std::time::Duration;

use tokio::time::Instant;

/// Limit on requests that are kept.
const MOST: usize = 1_000;

/// A request that took long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LongRequest {
    pub(crate) part: usize,
    /// Index of the endpoint in the catalogue.
    pub(crate) endpoint: usize,
    pub(crate) from: Instant,
    pub(crate) to: Instant,
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
}

impl LongestRequests {
    /// Adds a request. If there are too many, the shorter half is removed.
    pub(crate) fn add(&mut self, request: LongRequest) {
        if request.length() <= self.floor {
            return;
        }
        self.all.push(request);
        if self.all.len() > MOST {
            self.all.sort_unstable_by_key(LongRequest::length);
            self.floor = self.floor.max(self.all[MOST / 2 - 1].length());
            self.all.drain(..MOST / 2);
        }
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
