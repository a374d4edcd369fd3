//! Pauses between attempts to connect while the target accepts no connections. A target that is
//! down gets one attempt per pause from each worker, however many virtual users the worker has.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::clock;

/// Failed attempts in a row that make an outage. A single refused connection of a target that
/// accepts others does not stop a whole worker.
const FEWEST_FAILURES: u32 = 3;
/// The first pause of an outage. Each further failure doubles it.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
/// The longest pause.
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
    /// Whether an attempt after a pause is under way.
    is_trying: Cell<bool>,
    /// When the present outage began.
    since: Cell<Option<Instant>>,
    /// When the first outage began.
    first: Cell<Option<Instant>>,
    /// Sum of the outages that are over.
    ended: Cell<Duration>,
    /// Notified when an outage ends.
    over: Notify,
}

/// The outages of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OutageSummary {
    /// Start of the first one, from the start of the run.
    pub(crate) first: Duration,
    /// Sum of their durations.
    pub(crate) total: Duration,
    /// Whether the last one lasted until the end of the load.
    pub(crate) is_ongoing: bool,
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

    /// Counts a failed attempt to connect, whether the name, the address or TLS failed: each would
    /// fail again at once, and costs the target or its name server an attempt.
    pub(super) fn attempt_failed(&self, now: Instant) {
        let state = &*self.0;
        // Attempts that were under way when the outage began do not lengthen the pause.
        if !self.is_over() && !state.is_trying.replace(false) {
            return;
        }
        let failures = state.failures.get().saturating_add(1);
        state.failures.set(failures);
        let Some(doublings) = failures.checked_sub(FEWEST_FAILURES).map(|more| more.min(10)) else { return };
        state.until.set(Some(now + (FIRST_PAUSE * 2_u32.pow(doublings)).min(LONGEST_PAUSE)));
        state.since.set(state.since.get().or(Some(now)));
        state.first.set(state.first.get().or(Some(now)));
    }

    /// Ends the outage, if there is one: the target has accepted a connection.
    pub(super) fn connected(&self, now: Instant) {
        let state = &*self.0;
        state.failures.set(0);
        if state.until.take().is_some() {
            let since = state.since.take().unwrap_or(now);
            state.ended.set(state.ended.get() + now.duration_since(since));
            state.is_trying.set(false);
            state.over.notify_waiters();
        }
    }

    /// The outages until `now`; `None` if there were none. `epoch` is the start of the run.
    pub(crate) fn summary(&self, epoch: Instant, now: Instant) -> Option<OutageSummary> {
        let state = &*self.0;
        let present = state.since.get();
        let total = state.ended.get() + present.map_or(Duration::ZERO, |since| now.duration_since(since));
        let first = state.first.get()?.saturating_duration_since(epoch);
        Some(OutageSummary { first, total, is_ongoing: present.is_some() })
    }
}

impl OutageSummary {
    /// The summary of two workers.
    #[must_use]
    pub(crate) fn merge(self, other: Self) -> Self {
        Self {
            first: self.first.min(other.first),
            total: self.total.max(other.total),
            is_ongoing: self.is_ongoing || other.is_ongoing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One more failure makes an outage.
    fn failed_twice() -> Outage {
        let outage = Outage::default();
        (1..FEWEST_FAILURES).for_each(|_| outage.attempt_failed(clock::now()));
        outage
    }

    #[tokio::test(start_paused = true)]
    async fn a_target_that_accepts_some_connections_has_no_outage() {
        let outage = Outage::default();
        for _ in 0..100 {
            (0..2).for_each(|_| outage.attempt_failed(clock::now()));
            assert!(outage.is_over() && outage.wait().await);
            outage.connected(clock::now());
        }
        assert_eq!(outage.summary(clock::now(), clock::now()), None);
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_double_up_to_a_second_and_end_with_a_connection() {
        let (outage, epoch) = (failed_twice(), clock::now());
        let mut pauses = Vec::new();
        for _ in 0..10 {
            assert!(outage.wait().await);
            outage.attempt_failed(clock::now());
            // Another attempt that was under way.
            outage.attempt_failed(clock::now());
            let paused = clock::now();
            while outage.is_paused(clock::now()) {
                tokio::time::advance(Duration::from_millis(1)).await;
            }
            pauses.push(clock::now().duration_since(paused).as_millis());
        }
        assert_eq!(pauses, [10, 20, 40, 80, 160, 320, 640, 1000, 1000, 1000]);
        let summary = outage.summary(epoch, clock::now()).unwrap();
        assert!(summary.is_ongoing && summary.total >= Duration::from_millis(4_270), "{summary:?}");
        outage.connected(clock::now());
        assert!(outage.is_over() && outage.wait().await);
        (0..3).for_each(|_| outage.attempt_failed(clock::now()));
        assert!(outage.is_paused(clock::now()));
        tokio::time::advance(Duration::from_millis(11)).await;
        assert!(!outage.is_paused(clock::now()), "a new outage begins with a short pause");
    }

    #[tokio::test(start_paused = true)]
    async fn the_success_of_one_waiter_ends_the_wait_of_all() {
        let outage = failed_twice();
        outage.attempt_failed(clock::now());
        let all = futures::future::join_all((0..100).map(|_| outage.wait())).await;
        assert_eq!(all.iter().filter(|may| **may).count(), 1);
        let waiting = async { tokio::join!(outage.wait(), outage.wait()) };
        let connects = async {
            tokio::time::sleep(Duration::from_millis(3)).await;
            outage.connected(clock::now());
        };
        assert_eq!(tokio::join!(waiting, connects).0, (true, true));
    }
}
