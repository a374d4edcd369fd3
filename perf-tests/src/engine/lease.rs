//! Shared iterations that an agent gets from the coordinator in blocks, as it needs them. A fast
//! agent makes more of them than a slow one, so that all agents end together.
//!
//! A block has about two seconds of the agent's work. The agent asks for the next one when half of
//! the last one is taken, so that virtual users rarely wait for the network.

use std::collections::VecDeque;
use std::ops::{ControlFlow, Range};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::time::{self, Instant};

use crate::clock;
use crate::plan::{IterationLimit, Plan, Schedule};

#[cfg(test)]
mod tests;

/// The agent's work for which a block is enough.
const BLOCK: Duration = Duration::from_secs(2);
/// The pace of an agent is measured over about this time, up to twice as much.
const WINDOW: Duration = Duration::from_secs(4);
/// A shorter time counts as this one, since its iterations may have failed at once.
const SHORTEST: Duration = Duration::from_millis(100);
/// The next block that an agent wants is at most this many times as large as the last one.
const GROWTH: u64 = 4;
/// Limit on the iterations of a block that an agent wants.
pub(crate) const MOST_WANTED: u64 = 1 << 17;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LeaseRequest {
    pub(crate) part: usize,
    /// Iterations of about two seconds.
    pub(crate) wanted: u64,
    /// Iterations for which virtual users wait already.
    pub(crate) waiting: u64,
}

/// A block of a part's iterations. Only one agent gets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lease {
    pub(crate) part: usize,
    /// The number of its first iteration.
    pub(crate) first: u64,
    /// 0 if no iteration of the part is left.
    pub(crate) count: u64,
}

#[derive(Debug)]
pub(crate) struct Leases {
    /// `None` for parts whose iterations are not shared.
    parts: Vec<Option<Arc<LeasedIterations>>>,
    low: Arc<Notify>,
}

/// The leased iterations of one part. All worker threads of the agent take from them.
#[derive(Debug)]
pub(crate) struct LeasedIterations {
    state: Mutex<LeaseState>,
    /// Notifies virtual users that wait for a block.
    arrived: Notify,
    /// Notifies [`Leases::requests`] that this part may need a block.
    low: Arc<Notify>,
}

#[derive(Debug, Default)]
struct LeaseState {
    /// Iterations that nobody has taken, in the order of their arrival.
    blocks: VecDeque<Range<u64>>,
    received: u64,
    taken: u64,
    /// The size of the last block.
    last: u64,
    /// Whether a block was requested and has not arrived.
    is_requested: bool,
    /// Whether there are no more blocks.
    is_over: bool,
    /// Iterations for which virtual users wait.
    waiting: u64,
    pace: LeasePace,
}

/// The pace at which an agent takes iterations.
#[derive(Debug, Default)]
struct LeasePace {
    /// Two times, the earlier one first, and how many iterations were taken by then.
    marks: Option<[(Instant, u64); 2]>,
}

impl Leases {
    /// An agent without leases. The coordinator sends the first ones without a request.
    pub(crate) fn new(plan: &Plan) -> Self {
        let low = Arc::new(Notify::new());
        let leased = || LeasedIterations {
            state: Mutex::new(LeaseState { is_requested: true, ..LeaseState::default() }),
            arrived: Notify::new(),
            low: low.clone(),
        };
        let is_shared =
            |schedule: &Schedule| matches!(schedule, Schedule::Vus { iterations: IterationLimit::Shared(_), .. });
        let parts = plan.parts.iter().map(|part| is_shared(&part.schedule).then(|| Arc::new(leased())));
        Self { parts: parts.collect(), low: low.clone() }
    }

    pub(crate) fn part(&self, part: usize) -> Option<&Arc<LeasedIterations>> {
        self.parts.get(part)?.as_ref()
    }

    /// Adds blocks that have arrived. Those of an unknown part are ignored.
    pub(crate) fn add(&self, leases: &[Lease]) {
        for lease in leases {
            let Some(part) = self.part(lease.part) else { continue };
            part.state().add(lease);
            part.arrived.notify_waiters();
        }
        self.low.notify_one();
    }

    /// Waits until a part needs a block. Only one request is under way at a time.
    pub(crate) async fn requests(&self) -> Vec<LeaseRequest> {
        loop {
            let requests = self.requests_at(clock::now());
            if !requests.is_empty() {
                return requests;
            }
            self.low.notified().await;
        }
    }

    pub(crate) fn requests_at(&self, now: Instant) -> Vec<LeaseRequest> {
        let parts = || self.parts.iter().enumerate().filter_map(|(part, leased)| Some((part, leased.as_ref()?)));
        if parts().any(|(_, leased)| leased.state().is_requested) {
            return Vec::new();
        }
        parts().filter_map(|(part, leased)| leased.state().request(part, now)).collect()
    }

    /// The number of iterations of each part that have arrived.
    pub(crate) fn received(&self) -> Vec<u64> {
        let received = |part: &Option<Arc<LeasedIterations>>| part.as_ref().map_or(0, |part| part.state().received);
        self.parts.iter().map(received).collect()
    }
}

impl LeasedIterations {
    pub(crate) fn take(&self) -> Option<u64> {
        self.change(LeaseState::take)
    }

    /// Takes the next iteration. Waits for it until `stop`. `None` if none is left.
    pub(crate) async fn wait(&self, stop: Instant) -> Option<u64> {
        self.until(stop, |state| match state.take() {
            Some(number) => ControlFlow::Break(Some(number)),
            None if state.is_over => ControlFlow::Break(None),
            None => ControlFlow::Continue(1),
        })
        .await
        .flatten()
    }

    /// Takes iterations that are not made, and waits for them until `stop`. Returns how many there
    /// were, at most `count`.
    pub(crate) async fn skip(&self, count: u64, stop: Instant) -> u64 {
        let mut left = count;
        self.until(stop, |state| {
            left -= state.skip(left);
            if left == 0 || state.is_over { ControlFlow::Break(()) } else { ControlFlow::Continue(left) }
        })
        .await;
        count - left
    }

    /// The number of iterations that have arrived and that nobody took.
    pub(crate) fn untaken(&self) -> u64 {
        self.state().in_hand()
    }

    /// Repeats `take` when a block arrives. It continues with the number of iterations that are
    /// missing. `None` if it has not ended by `stop`.
    async fn until<T>(&self, stop: Instant, mut take: impl FnMut(&mut LeaseState) -> ControlFlow<T, u64>) -> Option<T> {
        loop {
            // Before the state is read, so that no block is missed.
            let arrived = self.arrived.notified();
            let missing = match self.change(&mut take) {
                ControlFlow::Break(result) => return Some(result),
                ControlFlow::Continue(missing) => missing,
            };
            let waiting = Waiting::new(self, missing);
            let is_late = time::timeout_at(stop, arrived).await.is_err() || clock::now() >= stop;
            drop(waiting);
            if is_late {
                return None;
            }
        }
    }

    fn change<T>(&self, change: impl FnOnce(&mut LeaseState) -> T) -> T {
        let mut state = self.state();
        let result = change(&mut state);
        let is_low = state.is_low();
        drop(state);
        if is_low {
            self.low.notify_one();
        }
        result
    }

    fn state(&self) -> MutexGuard<'_, LeaseState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LeaseState {
    fn add(&mut self, lease: &Lease) {
        self.is_requested = false;
        self.is_over |= lease.count == 0;
        self.last = lease.count;
        self.received = self.received.saturating_add(lease.count);
        self.blocks.push_back(lease.first..lease.first.saturating_add(lease.count));
    }

    fn take(&mut self) -> Option<u64> {
        while let Some(block) = self.blocks.front_mut() {
            if let Some(number) = block.next() {
                self.taken += 1;
                return Some(number);
            }
            self.blocks.pop_front();
        }
        None
    }

    /// Takes at most `count` iterations. Returns how many.
    fn skip(&mut self, count: u64) -> u64 {
        let mut left = count;
        while let Some(block) = self.blocks.front_mut().filter(|_| left > 0) {
            let skipped = left.min(block.end - block.start);
            block.start += skipped;
            left -= skipped;
            if block.is_empty() {
                self.blocks.pop_front();
            }
        }
        self.taken += count - left;
        count - left
    }

    const fn in_hand(&self) -> u64 {
        self.received - self.taken
    }

    /// Whether it is time to request the next block.
    const fn is_low(&self) -> bool {
        !self.is_over && !self.is_requested && self.in_hand() <= self.last / 2
    }

    fn request(&mut self, part: usize, now: Instant) -> Option<LeaseRequest> {
        if !self.is_low() {
            return None;
        }
        self.is_requested = true;
        // The first block has an iteration for each virtual user.
        let paced = self.pace.at(now, self.taken, self.last);
        let wanted = paced.map_or(self.last, |paced| paced.min(self.last.saturating_mul(GROWTH)));
        Some(LeaseRequest { part, wanted: wanted.clamp(1, MOST_WANTED), waiting: self.waiting })
    }
}

impl LeasePace {
    /// The number of iterations in the time of a block. `None` the first time. Iterations of the
    /// first block begin at once, and do not count.
    fn at(&mut self, now: Instant, taken: u64, first_block: u64) -> Option<u64> {
        let Some([earlier, later]) = &mut self.marks else {
            self.marks = Some([(now, first_block.max(taken)); 2]);
            return None;
        };
        if now.saturating_duration_since(later.0) >= WINDOW {
            (*earlier, *later) = (*later, (now, taken));
        }
        let time = now.saturating_duration_since(earlier.0).max(SHORTEST);
        let paced = u128::from(taken.saturating_sub(earlier.1)) * BLOCK.as_nanos() / time.as_nanos();
        Some(u64::try_from(paced).unwrap_or(u64::MAX))
    }
}

/// Iterations for which a virtual user waits, until it is dropped.
struct Waiting<'leased> {
    leased: &'leased LeasedIterations,
    count: u64,
}

impl<'leased> Waiting<'leased> {
    fn new(leased: &'leased LeasedIterations, count: u64) -> Self {
        leased.state().waiting += count;
        Self { leased, count }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.leased.state().waiting -= self.count;
    }
}
