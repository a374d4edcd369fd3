//! Detects a target that accepts requests and finishes none.
//!
//! In a closed load a stall leaves few samples, because each virtual user waits with one request.
//! The requests that a steady load would have made meanwhile are missing (coordinated omission).
//! They are estimated here, so that a stall cannot make a verdict better.
//!
//! A stall is a time in which requests wait and none of the whole run ends. It is longer than every
//! threshold on latency, and far longer than the load's own pace explains.

use std::collections::VecDeque;
use std::time::Duration;

use monitoring::phase::Phase;

use crate::measure::{PulseSum, Snapshot};
use crate::plan::Plan;

/// Time between two looks at the pulses.
pub(super) const POLL: Duration = Duration::from_millis(50);
/// A worker or the supervisor that did not run for so long is late. Then the generator is the
/// cause, and not the target.
const LATE: Duration = Duration::from_millis(250);
/// The shortest stall. Anything shorter may be the machine's.
const SHORTEST: Duration = Duration::from_millis(200);
/// The pace is measured over this time before a stall.
const WINDOW: Duration = Duration::from_secs(10);
/// Time between two marks in the window.
const MARK_EVERY: Duration = Duration::from_millis(500);
/// Requests that must have ended before a pace is known.
const FEWEST: u64 = 5;
/// Limit on recorded stalls.
const MOST_STALLS: usize = 1_000;

/// A time in which requests waited and none ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Stall {
    /// Its beginning, from the start of the load.
    pub(crate) from: Duration,
    /// Its length.
    pub(crate) length: Duration,
    /// Requests that waited at its end.
    pub(crate) waiting: u64,
    /// Requests of closed loads that a steady load would have made in it, early enough to exceed
    /// the threshold, in addition to those that waited.
    pub(crate) omitted: u64,
}

/// Finds stalls while the load runs.
#[derive(Debug)]
pub(super) struct StallWatch {
    threshold: Duration,
    /// The planned end of the closed loads.
    end: Duration,
    polled: Duration,
    last: PulseSum,
    /// Seconds of all virtual users of closed loads together.
    vu_seconds: f64,
    /// The present wait.
    wait: Option<Wait>,
    window: VecDeque<Mark>,
    stalls: Vec<Stall>,
    silence: Silence,
}

/// A wait that goes on.
#[derive(Debug, Clone, Copy)]
struct Wait {
    since: Duration,
    vu_seconds: f64,
}

/// The state at the end of a part of the window.
#[derive(Debug, Clone, Copy)]
struct Mark {
    at: Duration,
    ended: u64,
    vu_seconds: f64,
    /// The longest wait since the mark before, stalls excluded.
    longest_wait: Duration,
}

/// The longest time with requests of any kind under way in which none ended.
#[derive(Debug, Default)]
struct Silence {
    since: Duration,
    ended: u64,
    longest: Duration,
}

impl StallWatch {
    /// Finds stalls longer than `threshold`, the highest threshold on latency, if there is one.
    /// Closed loads end at `end`.
    pub(super) fn new(threshold: Option<Duration>, end: Duration) -> Self {
        Self {
            threshold: threshold.unwrap_or(Duration::MAX).max(SHORTEST),
            end,
            polled: Duration::ZERO,
            last: PulseSum::default(),
            vu_seconds: 0.0,
            wait: None,
            window: VecDeque::new(),
            stalls: Vec::new(),
            silence: Silence::default(),
        }
    }

    /// Looks at the pulses at `now` from the start of the load.
    pub(super) fn poll(&mut self, now: Duration, pulse: PulseSum) {
        let since_last = now.saturating_sub(self.polled);
        let is_generator_late = since_last > LATE || now.saturating_sub(pulse.beat) > LATE;
        let has_ended = pulse.ended != self.last.ended;
        if is_generator_late {
            self.wait = None;
        } else {
            self.count_vu_seconds(now);
            if has_ended && let Some(wait) = self.wait.take() {
                // It ended after the last look, so it is not made longer than it was.
                self.wait_ended(wait, self.polled);
            }
        }
        if pulse.waiting == 0 {
            self.wait = None;
        } else {
            self.wait.get_or_insert(Wait { since: now, vu_seconds: self.vu_seconds });
        }
        (self.last, self.polled) = (pulse, now);
        self.mark(now);
    }

    fn count_vu_seconds(&mut self, now: Duration) {
        let counted = now.min(self.end).saturating_sub(self.polled.min(self.end));
        #[expect(clippy::cast_precision_loss, reason = "a number of virtual users")]
        let vus = self.last.vus as f64;
        self.vu_seconds += vus * counted.as_secs_f64();
    }

    fn mark(&mut self, now: Duration) {
        // A wait does not move the window, which is before it.
        let is_waiting = self.wait.is_some_and(|wait| now > wait.since + MARK_EVERY);
        if is_waiting || self.window.back().is_some_and(|last| now < last.at + MARK_EVERY) {
            return;
        }
        let (ended, vu_seconds) = (self.last.ended_of_closed, self.vu_seconds);
        self.window.push_back(Mark { at: now, ended, vu_seconds, longest_wait: Duration::ZERO });
        while self.window.front().is_some_and(|first| first.at + WINDOW < now) {
            self.window.pop_front();
        }
    }

    fn wait_ended(&mut self, wait: Wait, to: Duration) {
        let length = to.saturating_sub(wait.since);
        if let Some(stall) = self.stall(wait, length) {
            // The pace after it begins anew, from the requests after it.
            self.window.clear();
            if self.stalls.len() < MOST_STALLS {
                self.stalls.push(stall);
            }
        } else if let Some(mark) = self.window.back_mut() {
            mark.longest_wait = mark.longest_wait.max(length);
        }
    }

    /// The stall, unless the wait is shorter than a threshold or may be one of the load's own.
    fn stall(&self, wait: Wait, length: Duration) -> Option<Stall> {
        let ordinary = self.window.iter().map(|mark| mark.longest_wait).max()?;
        if length <= self.threshold || length <= ordinary * 3 {
            return None;
        }
        let first = self.window.front()?;
        let (ended, vu_seconds) = (self.last.ended_of_closed - first.ended, wait.vu_seconds - first.vu_seconds);
        if ended < FEWEST || vu_seconds <= 0.0 {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let missing = ended as f64 / vu_seconds * (self.vu_seconds - wait.vu_seconds);
        // A slow response of one of few virtual users is part of an ordinary tail.
        let is_rare = missing >= 20.0 || length >= self.threshold * 10 && missing >= 2.0;
        let share = (length - self.threshold).as_secs_f64() / length.as_secs_f64();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count, not negative")]
        let omitted = ((missing * share) as u64).saturating_sub(self.last.waiting);
        is_rare.then_some(Stall { from: wait.since, length, waiting: self.last.waiting, omitted })
    }

    /// Looks at a snapshot that was taken at `elapsed` from the start of the load.
    pub(super) fn notice(&mut self, elapsed: Duration, snapshot: &Snapshot) {
        let mut all = snapshot.requests();
        all.add(snapshot.around);
        let silence = &mut self.silence;
        if all.sent != silence.ended || snapshot.in_flight == 0 {
            (silence.ended, silence.since) = (all.sent, elapsed);
        }
        silence.longest = silence.longest.max(elapsed.saturating_sub(silence.since));
    }

    /// All stalls, and the longest time with requests of any kind under way in which none ended.
    pub(super) fn finish(mut self) -> (Vec<Stall>, Duration) {
        if let Some(wait) = self.wait.take() {
            self.wait_ended(wait, self.polled);
        }
        (self.stalls, self.silence.longest)
    }
}

/// Counts the requests that stalls have kept closed loads from making. Each endpoint of a load and
/// each phase that a stall was in has its share of them.
pub(super) fn count_omitted(stalls: &[Stall], plan: &Plan, snapshot: &mut Snapshot) {
    let mut sent = Vec::new();
    for (part, (planned, counts)) in plan.parts.iter().zip(&snapshot.parts).enumerate() {
        for endpoint in (0..counts.most_per_iteration.len()).filter(|_| !planned.is_open()) {
            let requests = Phase::ALL.iter().map(|phase| counts.cell(endpoint, *phase).requests().sent);
            sent.push((part, endpoint, u128::from(requests.sum::<u64>())));
        }
    }
    for stall in stalls {
        let mut cells = Vec::new();
        for &(part, endpoint, sent) in &sent {
            let phases = &plan.parts[part].phases;
            for phase in Phase::ALL {
                let time = phases.time_in(phase, stall.from, stall.from + stall.length);
                cells.push(((part, endpoint, phase), sent * time.as_millis()));
            }
        }
        let weights: Vec<_> = cells.iter().map(|(_, weight)| *weight).collect();
        for (((part, endpoint, phase), _), share) in cells.into_iter().zip(apportion(stall.omitted, &weights)) {
            snapshot.parts[part].cell_mut(endpoint, phase).omitted += share;
        }
    }
}

/// Divides a total in the proportions of `weights`. Shares are rounded down, and the largest
/// remainders get the rest, so that they add up to the total. Without weights, all shares are 0.
fn apportion(total: u64, weights: &[u128]) -> Vec<u64> {
    let sum: u128 = weights.iter().sum();
    if sum == 0 {
        return vec![0; weights.len()];
    }
    let exact = |weight: &u128| u128::from(total) * weight;
    let mut shares: Vec<_> =
        weights.iter().map(|weight| u64::try_from(exact(weight) / sum).unwrap_or(u64::MAX)).collect();
    let mut by_remainder: Vec<_> = (0..weights.len()).collect();
    by_remainder.sort_by_key(|&at| std::cmp::Reverse(exact(&weights[at]) % sum));
    let left = total.saturating_sub(shares.iter().sum());
    by_remainder.into_iter().zip(0..left).for_each(|(at, _)| shares[at] += 1);
    shares
}

#[cfg(test)]
mod tests;
