//! Pauses between attempts to connect while the target accepts no connections, or closes them
//! without a response. A target that is down gets one attempt per pause from each worker, however
//! many virtual users the worker has.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::outage_times::OutageTimes;
use crate::clock;

/// Failed attempts in a row that make an outage. A single refused connection of a target that
/// accepts others does not stop a whole worker.
const FEWEST_FAILURES: u32 = 3;
/// New connections in a row that the target closes without a response, and that make an outage. A
/// target that resets half of them is flaky, and not down.
const FEWEST_CLOSED: u32 = 10;
/// The first pause of an outage. Each further failure doubles it.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Whether the target accepts connections, as one worker knows it. All virtual users of the worker
/// share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outage(Rc<OutageState>);

#[derive(Debug, Default)]
struct OutageState {
    /// When the next attempt may be made; `None` while the target accepts connections.
    until: Cell<Option<Instant>>,
    /// Failed attempts in a row.
    failures: Cell<u32>,
    /// Whether the target accepts connections and closes them without a response, as a balancer
    /// without backends does. Then accepting one does not show that it is up.
    closes: Cell<bool>,
    /// Whether a connection could not be made since the target last responded.
    refuses: Cell<bool>,
    /// Whether an attempt after a pause is under way.
    is_trying: Cell<bool>,
    /// When the present outage began.
    since: Cell<Option<Instant>>,
    /// When the first outage began.
    first: Cell<Option<Instant>>,
    /// The outages that are over, from the start of the first one.
    ended: RefCell<OutageTimes>,
    /// Notified when an outage ends.
    over: Notify,
}

impl Outage {
    /// Whether the target accepts connections, as far as is known.
    pub(crate) fn is_over(&self) -> bool {
        self.0.until.get().is_none()
    }

    /// Whether no attempt may be made at this time.
    pub(crate) fn is_paused(&self, now: Instant) -> bool {
        self.0.until.get().is_some_and(|until| now < until)
    }

    /// Waits for the end of the pause. Returns whether the caller may connect. One caller may; the
    /// others get false, because the target has accepted no connection since.
    pub(crate) async fn wait(&self) -> bool {
        let Some(until) = self.0.until.get() else { return true };
        tokio::select! {
            biased;
            () = self.0.over.notified() => true,
            () = sleep_until(until) => self.may_try(clock::now()),
        }
    }

    fn may_try(&self, now: Instant) -> bool {
        let state = &*self.0;
        if state.until.get().is_some() && !self.is_paused(now) {
            // The attempt may hang, or be dropped. Then another one follows.
            state.until.set(Some(now + LONGEST_PAUSE));
            state.is_trying.set(true);
            return true;
        }
        self.is_over()
    }

    /// Counts a failed attempt to connect, whether the name, the address or TLS failed. Each would
    /// fail again at once, and is work for the target or its name server.
    pub(super) fn attempt_failed(&self) {
        self.0.refuses.set(true);
        self.count_failure();
    }

    fn count_failure(&self) {
        let (state, now) = (&*self.0, clock::now());
        // Attempts that were under way when the outage began do not lengthen the pause.
        if !self.is_over() && !state.is_trying.replace(false) {
            return;
        }
        let failures = state.failures.get().saturating_add(1);
        state.failures.set(failures);
        let fewest = if state.closes.get() { FEWEST_CLOSED } else { FEWEST_FAILURES };
        let Some(doublings) = failures.checked_sub(fewest).map(|more| more.min(10)) else { return };
        state.until.set(Some(now + (FIRST_PAUSE * 2_u32.pow(doublings)).min(LONGEST_PAUSE)));
        state.since.set(state.since.get().or(Some(now)));
        state.first.set(state.first.get().or(Some(now)));
    }

    /// Counts a new connection that was closed before the first byte of a response.
    pub(super) fn closed_unanswered(&self) {
        self.0.closes.set(true);
        self.count_failure();
    }

    /// Ends the outage, if there is one: the target has accepted a connection. Not if it closed the
    /// one before without a response.
    pub(super) fn accepted(&self) {
        if !self.0.closes.get() {
            self.connected();
        }
    }

    /// Ends the outage, if there is one: the target responds.
    pub(super) fn connected(&self) {
        let (state, now) = (&*self.0, clock::now());
        state.closes.set(false);
        let is_closed = !state.refuses.replace(false);
        state.failures.set(0);
        if state.until.take().is_some() {
            let since = state.since.take().unwrap_or(now);
            let from_first = |time: Instant| time.duration_since(state.first.get().unwrap_or(since));
            state.ended.borrow_mut().merge(OutageTimes::new(from_first(since), from_first(now), false, is_closed));
            state.is_trying.set(false);
            state.over.notify_waiters();
        }
    }

    /// The outages until `now`, in times from the start of the load.
    pub(crate) fn times(&self, load_start: Instant, now: Instant) -> OutageTimes {
        let state = &*self.0;
        let Some(first) = state.first.get() else { return OutageTimes::default() };
        let mut all = state.ended.borrow().clone();
        if let Some(since) = state.since.get() {
            all.merge(OutageTimes::new(
                since.duration_since(first),
                now.duration_since(first),
                true,
                state.closes.get(),
            ));
        }
        all.later_by(first.saturating_duration_since(load_start))
    }
}

#[cfg(test)]
mod tests;
