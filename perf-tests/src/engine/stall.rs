//! Detects a target that accepts requests to an endpoint and finishes none of them.
//!
//! In a closed load a stall leaves few samples, because each virtual user waits with one request.
//! The requests that a steady load would have made meanwhile are missing (coordinated omission).
//! They are estimated here, so that a stall cannot make a verdict better.
//!
//! A lane is the requests of one part to one endpoint, or its unjudged requests. A stall is a time
//! in which a lane's requests wait and none of them ends. It is longer than the threshold of the
//! endpoint's latency objective, and far longer than the lane's waits before. A single slow
//! response looks the same. Therefore a stall needs one more sign: several requests of the part
//! wait together, or its only virtual user waits. The missing requests alone may also exceed the
//! objective's error budget.
//!
//! Virtual users that wait at an endpoint without an objective do not get to the others. In a
//! closed load, such a lane uses the lowest threshold of the other lanes.

use std::time::Duration;

use monitoring::phase::Phase;
use monitoring::ratio::Ratio;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::TICK;
use crate::measure::{LongestRequests, PulseSum, STANDSTILL, SlowTimes, Snapshot};
use crate::plan::{Plan, apportion};

use lane::{Assessment, Lane, LongWait, Waiters};

mod lane;
mod partial;

/// Time between two polls of the pulses.
pub(super) const POLL: Duration = Duration::from_millis(50);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StallLimit {
    /// A longer wait counts as a stall.
    pub(crate) threshold: Duration,
    /// The share of good requests. `None` without an objective of the lane's own.
    pub(crate) objective: Option<Ratio>,
}

/// A time in which requests to an endpoint waited and none ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stall {
    pub(crate) part: usize,
    /// Index of the endpoint in the catalogue. `None` for unjudged requests.
    pub(crate) endpoint: Option<usize>,
    /// Its beginning, from the start of the load.
    pub(crate) from: Duration,
    /// Its length, without times in which the generator stood still.
    pub(crate) length: Duration,
    /// Requests that waited at its end.
    pub(crate) waiting: u64,
    /// Whether only these waited, and others to the endpoint ended meanwhile. One of several
    /// replicas may have frozen.
    #[serde(default)]
    pub(crate) is_partial: bool,
    /// Requests that a steady load would have made in it, in addition to those that waited. Only
    /// those of closed loads that would have begun early enough to exceed the threshold. By
    /// endpoint: virtual users that wait do not get to others either.
    pub(crate) omitted: Vec<(usize, u64)>,
}

#[derive(Debug)]
pub(super) struct StallWatch {
    /// Number of endpoints of each part.
    endpoints: usize,
    parts: Vec<WatchedPart>,
    /// By part, then by endpoint. The last lane of a part has its unjudged requests.
    lanes: Vec<Lane>,
    polled: Duration,
    /// Until then, times in which the generator stood still are excused.
    excused_until: Duration,
    silence: SilenceWatch,
    /// Whether it sees all virtual users of a part. An agent sees only its own.
    sees_all: bool,
}

#[derive(Debug)]
struct WatchedPart {
    is_open: bool,
    /// Its planned end.
    end: Duration,
    /// Active virtual users at the last two polls.
    vus: (u64, u64),
}

/// A time with requests of any kind under way in which none ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Silence {
    /// Its beginning, from the start of the load.
    pub(crate) from: Duration,
    pub(crate) length: Duration,
}

#[derive(Debug, Default)]
pub(crate) struct SilenceWatch {
    since: Duration,
    /// The time of the last snapshot.
    noticed: Duration,
    ended: u64,
    longest: Silence,
}

impl StallLimit {
    /// Whether this many bad requests, in addition to those sent, are more than the objective
    /// allows.
    fn is_exceeded_by(self, bad: u64, sent: u64) -> bool {
        let Some(objective) = self.objective else { return false };
        let (allowed, whole) = objective.rest().as_fraction();
        u128::from(bad) * u128::from(whole) > u128::from(allowed) * (u128::from(bad) + u128::from(sent))
    }
}

impl StallWatch {
    /// Finds stalls by the limits of endpoints. `parts` has for each part whether it is open, and
    /// its planned end.
    pub(super) fn new(limits: &[Option<StallLimit>], parts: impl IntoIterator<Item = (bool, Duration)>) -> Self {
        let parts: Vec<_> = parts.into_iter().map(|(is_open, end)| WatchedPart { is_open, end, vus: (0, 0) }).collect();
        let lowest = limits.iter().flatten().map(|limit| limit.threshold).min();
        let shared = lowest.map(|threshold| StallLimit { threshold, objective: None });
        // An open load makes its requests to other endpoints whatever waits.
        let lane = |own: Option<StallLimit>, is_open| Lane::new(if is_open { own } else { own.or(shared) }, is_open);
        let own = || limits.iter().copied().chain([None]);
        let is_open = parts.iter().map(|part| part.is_open);
        let lanes = is_open.flat_map(|is_open| own().map(move |own| lane(own, is_open))).collect();
        Self {
            endpoints: limits.len(),
            parts,
            lanes,
            polled: Duration::ZERO,
            excused_until: Duration::ZERO,
            silence: SilenceWatch::default(),
            sees_all: true,
        }
    }

    /// Notes whether it sees all virtual users of a part, and not only those of one agent.
    pub(super) fn seeing_all(self, sees_all: bool) -> Self {
        Self { sees_all, ..self }
    }

    /// Looks at the pulses at `now` from the start of the load.
    pub(super) fn poll(&mut self, now: Duration, pulse: &PulseSum) {
        self.count_together();
        // Requests that have ended did so after the last poll. Their wait is counted until then.
        for (lane, sum) in pulse.lanes.iter().enumerate().take(self.lanes.len()) {
            if self.lanes[lane].has_progressed(*sum) {
                self.end_wait(lane, self.polled);
            }
        }
        let (time, excused) = (now.saturating_sub(self.polled), self.excused(now, pulse.beat));
        for (part, vus) in self.parts.iter_mut().zip(&pulse.vus) {
            part.vus = (part.vus.1, *vus);
        }
        for (part, lanes) in self.parts.iter().zip(self.lanes.chunks_mut(self.endpoints + 1)) {
            let counted = now.min(part.end).saturating_sub(self.polled.min(part.end)).as_secs_f64();
            #[expect(clippy::cast_precision_loss, reason = "a number of virtual users")]
            let exposure = if part.is_open { counted } else { counted * part.vus.0.max(part.vus.1) as f64 };
            lanes.iter_mut().for_each(|lane| lane.pass(time, exposure, excused));
        }
        self.lanes.iter_mut().zip(&pulse.lanes).for_each(|(lane, sum)| lane.update(now, *sum));
        self.polled = now;
    }

    /// The time until `now` in which the generator stood still, and which was not excused before.
    fn excused(&mut self, now: Duration, beat: Duration) -> Duration {
        let is_late = |since: Duration| now.saturating_sub(since) > STANDSTILL;
        let Some(since) = [beat, self.polled].into_iter().filter(|since| is_late(*since)).min() else {
            return Duration::ZERO;
        };
        let excused = now.saturating_sub(since.max(self.excused_until));
        self.excused_until = now;
        excused
    }

    fn end_wait(&mut self, at: usize, to: Duration) {
        let silent = self.silent(at, to);
        let ended: u64 = silent.iter().map(|endpoint| self.lanes[self.neighbor(at, *endpoint)].ended()).sum();
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let held = ended as f64 / self.lanes[at].ended().max(1) as f64;
        let Some(mut wait) = self.lanes[at].end_wait(to, held) else { return };
        wait.silent = silent;
        self.lanes[at].keep(wait);
    }

    /// Other endpoints of a lane's part that gave no sign of life since the lane has waited for its
    /// threshold. Virtual users that wait there do not get to these, so it is not known whether
    /// they would have responded.
    fn silent(&self, at: usize, to: Duration) -> Vec<usize> {
        let lane = &self.lanes[at];
        let late = lane.waits_since().zip(lane.limit).map(|(since, limit)| since + limit.threshold);
        let Some(late) = late.filter(|late| *late < to) else { return Vec::new() };
        let others = (0..self.endpoints).filter(|endpoint| self.neighbor(at, *endpoint) != at);
        others.filter(|endpoint| self.lanes[self.neighbor(at, *endpoint)].is_silent(late)).collect()
    }

    /// The lane of another endpoint in the part of the lane `at`.
    const fn neighbor(&self, at: usize, endpoint: usize) -> usize {
        at - at % (self.endpoints + 1) + endpoint
    }

    /// Tells each lane how many requests of its part have waited together until the last poll.
    fn count_together(&mut self) {
        for (part, lanes) in self.parts.iter().zip(self.lanes.chunks_mut(self.endpoints + 1)) {
            let together: u64 = lanes.iter().map(|lane| lane.waiting_long(self.polled)).sum();
            let waiters = match together {
                2.. => Waiters::Several,
                1 if part.vus.1 == 1 && self.sees_all => Waiters::OnlyVu,
                _ => Waiters::One,
            };
            lanes.iter_mut().for_each(|lane| lane.note_waiters(waiters));
        }
    }

    /// Looks at a snapshot that was taken at `elapsed` from the start of the load.
    pub(super) fn notice(&mut self, elapsed: Duration, snapshot: &Snapshot) {
        self.silence.notice(elapsed, snapshot);
    }

    /// All stalls by their beginning, and the longest silence.
    pub(super) fn finish(mut self, longest: &LongestRequests, load_start: Instant) -> (Vec<Stall>, Silence) {
        self.count_together();
        (0..self.lanes.len()).for_each(|lane| self.end_wait(lane, self.polled));
        let mut waits: Vec<_> =
            (0..self.lanes.len()).flat_map(|at| self.lanes[at].long_waits.iter().map(move |wait| (at, wait))).collect();
        waits.sort_by_key(|(at, wait)| (wait.from, *at));
        let mut counted_until = vec![Duration::ZERO; self.lanes.len()];
        let mut stalls = Vec::new();
        for (at, wait) in waits {
            let in_part = self.endpoints + 1;
            let (part, endpoint, lane) = (at / in_part, at % in_part, &self.lanes[at]);
            let sent = (0..self.parts.len()).map(|part| self.lanes[part * in_part + endpoint].ended()).sum();
            let Some(assessment) = wait.assess(lane, sent).filter(|_| wait.is_far_longer(lane)) else { continue };
            let omitted = match self.parts[part].is_open {
                true => Vec::new(),
                false => self.omitted(at, wait, assessment, &mut counted_until),
            };
            let (from, length, waiting) = (wait.from, wait.length, wait.waiting);
            let endpoint = (endpoint < self.endpoints).then_some(endpoint);
            stalls.push(Stall { part, endpoint, from, length, waiting, is_partial: false, omitted });
        }
        stalls.extend(self.partial_stalls(longest, load_start, &stalls));
        stalls.sort_by_key(|stall| stall.from);
        (stalls, self.silence.longest())
    }

    /// The requests of a closed load that a stall of the lane `at` omitted, by endpoint. An
    /// endpoint without a request during the stall has some, too: the more requests it had in all,
    /// the more. `counted_until` is the end of the stalls that are already counted, for each lane.
    fn omitted(
        &self,
        at: usize,
        wait: &LongWait,
        assessment: Assessment,
        counted_until: &mut [Duration],
    ) -> Vec<(usize, u64)> {
        let own = (at, assessment.omitted);
        let others = wait.silent.iter().map(|endpoint| {
            let other = self.neighbor(at, *endpoint);
            #[expect(clippy::cast_precision_loss, reason = "an estimate")]
            let ratio = self.lanes[other].ended() as f64 / self.lanes[at].ended().max(1) as f64;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative")]
            let omitted = (assessment.missing * wait.late_share * ratio) as u64;
            (other, omitted)
        });
        let by_endpoint = [own].into_iter().chain(others).map(|(lane, omitted)| {
            let once = not_counted_yet(omitted, wait.from, wait.to, &mut counted_until[lane]);
            let later = if lane == at { wait.later_omitted } else { 0 };
            (lane % (self.endpoints + 1), once + later)
        });
        // Unjudged requests belong to no objective.
        by_endpoint.filter(|(endpoint, omitted)| *omitted > 0 && *endpoint < self.endpoints).collect()
    }
}

impl SilenceWatch {
    /// Looks at a snapshot that was taken at `elapsed` from the start of the load. If it comes
    /// late, this process may have stood still meanwhile. The target is not blamed for that time.
    pub(crate) fn notice(&mut self, elapsed: Duration, snapshot: &Snapshot) {
        let stood_still = elapsed.saturating_sub(self.noticed + TICK);
        if stood_still > STANDSTILL {
            self.since += stood_still;
        }
        self.noticed = elapsed;
        let mut all = snapshot.requests();
        all.add(snapshot.unjudged);
        if all.sent != self.ended || snapshot.in_flight == 0 {
            (self.ended, self.since) = (all.sent, elapsed);
        }
        let length = elapsed.saturating_sub(self.since);
        if length > self.longest.length {
            self.longest = Silence { from: self.since, length };
        }
    }

    pub(crate) const fn longest(&self) -> Silence {
        self.longest
    }
}

/// The share of `omitted` that is after `counted_until`, if requests are omitted evenly between
/// `from` and `to`. Moves `counted_until` to the end.
fn not_counted_yet(omitted: u64, from: Duration, to: Duration, counted_until: &mut Duration) -> u64 {
    let left = to.saturating_sub(from.max(*counted_until)).as_millis();
    *counted_until = to.max(*counted_until);
    let whole = to.saturating_sub(from).as_millis().max(1);
    u64::try_from(u128::from(omitted) * left / whole).unwrap_or(omitted)
}

/// Counts the requests that stalls have kept closed loads from making. Each phase that a stall was
/// in has its share of them. Any of them may have been in each segment in which a request waited.
pub(super) fn count_omitted(
    stalls: &[Stall],
    plan: &Plan,
    slow: &SlowTimes,
    load_start: Instant,
    snapshot: &mut Snapshot,
) {
    for stall in stalls {
        let (from, to) = (stall.from, stall.from + stall.length);
        let phases = &plan.parts[stall.part].phases;
        let weights: Vec<_> = Phase::ALL.iter().map(|phase| phases.time_in(*phase, from, to).as_millis()).collect();
        let counts = &mut snapshot.parts[stall.part];
        let segments = match stall.endpoint {
            Some(endpoint) => slow.segments(stall.part, endpoint, load_start + from, load_start + to),
            // The segments of unjudged requests are not known.
            None => (0..counts.judged.len()).collect(),
        };
        for &(endpoint, omitted) in &stall.omitted {
            for (phase, share) in Phase::ALL.into_iter().zip(apportion(omitted, &weights)) {
                counts.cell_mut(endpoint, phase).omitted += share;
                for &segment in &segments {
                    counts.judged[segment].cell_mut(endpoint, phase).omitted += share;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
