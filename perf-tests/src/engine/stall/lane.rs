//! The waits of one part's requests to one endpoint, or of its unjudged requests.

use std::collections::VecDeque;
use std::time::Duration;

use super::StallLimit;
use crate::measure::{LaneSum, SHORTEST_STALL};

/// The pace is measured over this time before a stall.
pub(super) const WINDOW: Duration = Duration::from_secs(10);
/// Time between two marks in the window.
const MARK_EVERY: Duration = Duration::from_millis(500);
/// Requests that must have ended before a pace is known.
const FEWEST: u64 = 5;
/// A stall is this many times as long as the waits before it.
pub(super) const TIMES_ORDINARY: u32 = 3;
/// Requests that a wait must hold back to be a stall, if they cannot exceed the error budget alone.
const MANY_MISSING: f64 = 10.0;
/// Limit on the waits that are kept. The last one has the omitted requests of later ones.
const MOST_WAITS: usize = 1_000;

/// Requests of one part to one endpoint, or its unjudged requests.
#[derive(Debug)]
pub(super) struct Lane {
    /// `None` if its stalls do not matter.
    pub(super) limit: Option<StallLimit>,
    is_open: bool,
    /// Everything until the last poll.
    total: Progress,
    /// The part of `total` that belongs to waits which may be stalls. It says nothing of the pace.
    set_aside: Progress,
    waiting: u64,
    /// The poll that last found that a request had ended.
    ended_at: Duration,
    wait: Option<Wait>,
    window: VecDeque<Mark>,
    pub(super) long_waits: Vec<LongWait>,
}

/// The number of requests of a part that wait together, as far as it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Waiters {
    /// One. It may just be slow, since other virtual users do not wait.
    One,
    /// The request of the only virtual user. It may be slow, or the target does not respond.
    OnlyVu,
    /// At least two. An ordinary tail does not have them.
    Several,
}

/// Quantities that grow with time.
#[derive(Debug, Clone, Copy, Default)]
struct Progress {
    time: Duration,
    ended: u64,
    /// For a closed load the seconds of all active virtual users together, otherwise seconds.
    exposure: f64,
    /// Seconds of all waiting requests together.
    waited: f64,
}

/// A time in which requests wait and none ends.
#[derive(Debug, Clone, Copy)]
struct Wait {
    since: Duration,
    begin: Progress,
    /// Time in which the generator did not run.
    excused: Duration,
    /// The most requests that waited together.
    waiters: Waiters,
}

/// The state at the end of a part of the window.
#[derive(Debug, Clone, Copy)]
struct Mark {
    progress: Progress,
    /// The longest wait since the mark before.
    longest_wait: Duration,
}

/// A wait that may be a stall. Only the end of the load shows whether its requests are many.
#[derive(Debug, Clone)]
pub(super) struct LongWait {
    pub(super) from: Duration,
    pub(super) to: Duration,
    pub(super) length: Duration,
    pub(super) waiting: u64,
    waiters: Waiters,
    /// Requests that waits beyond the limit omitted.
    pub(super) later_omitted: u64,
    /// The part of it in which a request would have begun early enough to exceed the threshold.
    pub(super) late_share: f64,
    progress: Progress,
    /// Requests that would have ended in it. `None` if no pace was known.
    missing: Option<f64>,
    /// Requests to the endpoints in `silent` for each one to its own.
    held: f64,
    /// Other endpoints of its part, to which no request ended meanwhile.
    pub(super) silent: Vec<usize>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Assessment {
    /// Requests that would have ended in it.
    pub(super) missing: f64,
    /// Requests that a closed load would have made in it, in addition to those that waited. Only
    /// those that would have begun early enough to exceed the threshold.
    pub(super) omitted: u64,
}

impl Lane {
    pub(super) const fn new(limit: Option<StallLimit>, is_open: bool) -> Self {
        const NOTHING: Progress = Progress { time: Duration::ZERO, ended: 0, exposure: 0.0, waited: 0.0 };
        Self {
            limit,
            is_open,
            total: NOTHING,
            set_aside: NOTHING,
            waiting: 0,
            ended_at: Duration::ZERO,
            wait: None,
            window: VecDeque::new(),
            long_waits: Vec::new(),
        }
    }

    /// Requests for each second of an active virtual user in the whole load, or for each second of
    /// an open load. `None` if there were few.
    pub(super) fn overall_pace(&self) -> Option<f64> {
        self.total.since(self.set_aside).pace()
    }

    /// The mean time of a request.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    pub(super) fn mean_wait(&self) -> Duration {
        Duration::from_secs_f64(self.total.waited / self.total.ended.max(1) as f64)
    }

    pub(super) const fn ended(&self) -> u64 {
        self.total.ended
    }

    /// Whether a request has ended since the last poll.
    pub(super) const fn has_progressed(&self, sum: LaneSum) -> bool {
        sum.ended != self.total.ended
    }

    /// Whether no request has ended after `since`. False for a lane with a limit whose own wait
    /// began by then: that wait is judged by itself.
    pub(super) fn is_silent(&self, since: Duration) -> bool {
        let waits_itself = self.limit.is_some() && self.wait.is_some_and(|wait| wait.since <= since);
        self.ended_at <= since && !waits_itself
    }

    /// The number of requests that wait at `now`, if their wait is so long that it may be a stall.
    pub(super) fn waiting_long(&self, now: Duration) -> u64 {
        let is_long = |wait: &Wait| self.limit.is_some_and(|limit| self.is_long(wait.length(now), limit));
        if self.wait.as_ref().is_some_and(is_long) { self.waiting } else { 0 }
    }

    /// Notes how many requests of the part wait together with those of the present wait.
    pub(super) fn note_waiters(&mut self, waiters: Waiters) {
        self.wait.iter_mut().for_each(|wait| wait.waiters = wait.waiters.max(waiters));
    }

    fn is_long(&self, length: Duration, limit: StallLimit) -> bool {
        length > limit.threshold.max(SHORTEST_STALL) && length > self.longest_in_window() * TIMES_ORDINARY
    }

    /// Keeps a wait that may be a stall.
    pub(super) fn keep(&mut self, wait: LongWait) {
        if self.long_waits.len() < MOST_WAITS {
            return self.long_waits.push(wait);
        }
        let omitted = wait.assess(self, self.total.ended).map_or(0, |assessment| assessment.omitted);
        self.long_waits.iter_mut().last().into_iter().for_each(|last| last.later_omitted += omitted);
    }

    /// When the present wait began, if there is one.
    pub(super) fn waits_since(&self) -> Option<Duration> {
        self.wait.map(|wait| wait.since)
    }

    /// Ends the present wait at `to`. Returns it if it may be a stall. `held` is the number of
    /// requests to silent endpoints for each one to this endpoint.
    pub(super) fn end_wait(&mut self, to: Duration, held: f64) -> Option<LongWait> {
        let wait = self.wait.take()?;
        let (from, length, waiters) = (wait.since, wait.length(to), wait.waiters);
        let limit = self.limit?;
        let threshold = limit.threshold.max(SHORTEST_STALL);
        let progress = self.total.since(wait.begin);
        let late_share = length.saturating_sub(threshold).as_secs_f64() / length.as_secs_f64().max(f64::MIN_POSITIVE);
        let waiting = self.waiting;
        let (later_omitted, missing, silent) = (0, None, Vec::new());
        let mut long =
            LongWait { from, to, length, waiting, waiters, later_omitted, late_share, progress, missing, held, silent };
        let is_known = wait.begin.ended - self.set_aside.ended.min(wait.begin.ended) >= FEWEST;
        long.missing = self.pace(wait.begin, length).map(|pace| pace * progress.exposure);
        let may_be = match long.missing {
            Some(_) => long.assess(self, self.total.ended).is_some(),
            None => !is_known,
        };
        let is_stall = self.is_long(length, limit) && may_be;
        // Slow responses of the only virtual user that recur are its ordinary tail.
        if (!is_stall || waiters == Waiters::OnlyVu && !long.exceeds_budget(self, self.total.ended))
            && let Some(mark) = self.window.back_mut()
        {
            mark.longest_wait = mark.longest_wait.max(length);
        }
        if !is_stall {
            return None;
        }
        if long.missing.is_some() {
            self.set_aside = self.set_aside.plus(Progress { ended: waiting, ..progress });
        } else {
            self.window.clear();
        }
        Some(long)
    }

    /// Requests for each unit of exposure, in the window before a wait. If few ended there, in the
    /// whole load before, unless responses usually take as long as the wait.
    fn pace(&self, before: Progress, length: Duration) -> Option<f64> {
        let before = before.since(self.set_aside);
        let recent = self.window.front().map(|first| before.since(first.progress));
        let recent = recent.and_then(|recent| recent.pace());
        recent.or_else(|| before.pace_of_fast(length))
    }

    fn longest_in_window(&self) -> Duration {
        self.window.iter().map(|mark| mark.longest_wait).max().unwrap_or_default()
    }

    /// Adds the time since the last poll. The generator did not run for `excused` of it.
    pub(super) fn pass(&mut self, time: Duration, exposure: f64, excused: Duration) {
        // A pause of the generator belongs to the pace, unless requests waited through it.
        if excused.is_zero() || self.wait.is_none() {
            #[expect(clippy::cast_precision_loss, reason = "a number of requests")]
            let waiting = self.waiting as f64;
            self.total.time += time;
            self.total.exposure += exposure;
            self.total.waited += waiting * time.as_secs_f64();
        }
        self.wait.iter_mut().for_each(|wait| wait.excused += excused);
    }

    /// Applies the counts of a poll at `now`.
    pub(super) fn update(&mut self, now: Duration, sum: LaneSum) {
        if self.has_progressed(sum) {
            self.ended_at = now;
        }
        (self.total.ended, self.waiting) = (sum.ended, sum.waiting);
        if sum.waiting == 0 {
            self.wait = None;
        } else {
            self.wait.get_or_insert(Wait {
                since: now,
                begin: self.total,
                excused: Duration::ZERO,
                waiters: Waiters::One,
            });
        }
        // A wait does not move the window, which is before it.
        let is_waiting = self.wait.is_some_and(|wait| now > wait.since + MARK_EVERY);
        let progress = self.total.since(self.set_aside);
        let is_marked = |last: &Mark| progress.time < last.progress.time + MARK_EVERY;
        if is_waiting || self.window.back().is_some_and(is_marked) {
            return;
        }
        self.window.push_back(Mark { progress, longest_wait: Duration::ZERO });
        while self.window.front().is_some_and(|first| first.progress.time + WINDOW < progress.time) {
            self.window.pop_front();
        }
    }
}

impl Wait {
    /// Its length until `now`, without times in which the generator did not run.
    fn length(&self, now: Duration) -> Duration {
        now.saturating_sub(self.since).saturating_sub(self.excused)
    }
}

impl LongWait {
    /// Judges the wait at the end of the load, when `sent` requests to the endpoint have ended.
    /// `None` if it is not a stall. Then it is as long as a slow response, and too few requests are
    /// missing to change the verdict.
    pub(super) fn assess(&self, lane: &Lane, sent: u64) -> Option<Assessment> {
        let assessment = self.estimate(lane)?;
        let are_many = self.waiters > Waiters::One && assessment.missing * (1.0 + self.held) >= MANY_MISSING;
        (are_many || self.exceeds_budget(lane, sent)).then_some(assessment)
    }

    /// Whether it is far longer than the mean response in the rest of the load. An endpoint that is
    /// always slow does not stall.
    pub(super) fn is_far_longer(&self, lane: &Lane) -> bool {
        let rest = self.rest(lane);
        rest.ended < FEWEST || rest.pace_of_fast(self.length).is_some()
    }

    /// The load without this wait, and without others whose pace is known.
    fn rest(&self, lane: &Lane) -> Progress {
        let rest = lane.total.since(lane.set_aside);
        // If a pace is known, the wait itself is set aside.
        if self.missing.is_some() { rest } else { rest.since(Progress { ended: self.waiting, ..self.progress }) }
    }

    /// Whether the missing requests alone exceed the objective's error budget.
    fn exceeds_budget(&self, lane: &Lane, sent: u64) -> bool {
        let omitted = self.estimate(lane).map(|assessment| assessment.omitted);
        lane.limit.zip(omitted).is_some_and(|(limit, omitted)| limit.is_exceeded_by(omitted, sent))
    }

    /// Requests that would have been made. `None` if no pace is known.
    fn estimate(&self, lane: &Lane) -> Option<Assessment> {
        let by_rest = || self.rest(lane).pace_of_fast(self.length).map(|pace| pace * self.progress.exposure);
        let missing = self.missing.or_else(by_rest)?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count, not negative")]
        let late = (missing * self.late_share) as u64;
        let omitted = if lane.is_open { 0 } else { late.saturating_sub(self.waiting) };
        Some(Assessment { missing, omitted })
    }
}

impl Progress {
    fn since(self, earlier: Self) -> Self {
        Self {
            time: self.time.saturating_sub(earlier.time),
            ended: self.ended.saturating_sub(earlier.ended),
            exposure: self.exposure - earlier.exposure,
            waited: self.waited - earlier.waited,
        }
    }

    fn plus(self, more: Self) -> Self {
        Self {
            time: self.time + more.time,
            ended: self.ended + more.ended,
            exposure: self.exposure + more.exposure,
            waited: self.waited + more.waited,
        }
    }

    /// Requests for each unit of exposure. `None` if there were few.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    fn pace(self) -> Option<f64> {
        (self.ended >= FEWEST && self.exposure > 0.0).then(|| self.ended as f64 / self.exposure)
    }

    /// The pace, if a wait of this length is far longer than the mean response.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    fn pace_of_fast(self, length: Duration) -> Option<f64> {
        let mean = self.waited / self.ended.max(1) as f64;
        self.pace().filter(|_| length.as_secs_f64() > mean * f64::from(TIMES_ORDINARY))
    }
}
