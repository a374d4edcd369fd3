//! Freezes of a part of the target, such as one of several replicas. Some virtual users wait
//! together, and requests of others end meanwhile, so the lane does not stall.
//!
//! Such a wait is far longer than other requests of its endpoint, 10 s before and after it. Slow
//! requests that recur are a slow tail, which an objective allows or not by their number. At least
//! two virtual users of a part must wait together. While each of them waits, a closed load lacks
//! the requests that it would have made. They count only if they are much of an error budget,
//! because some requests may wait together by chance.
//!
//! A freeze that outlasts the timeout of requests is not found. Each virtual user times out and
//! waits again, which looks like a slow tail: requests do not show which virtual user made them.
//! Only its failures count.

use std::time::Duration;

use tokio::time::Instant;

use super::lane::{TIMES_ORDINARY, WINDOW};
use super::{Stall, StallWatch};
use crate::measure::{LongRequest, LongestRequests};

/// Divisor of an error budget. Fewer requests cannot change the verdict, unless almost as many are
/// bad as the objective allows.
const BUDGET_SHARE: u64 = 4;

/// Shortest freeze. A worker of a busy machine may stand still for some tenths of a second, and the
/// requests of its virtual users then wait together, too.
const SHORTEST: Duration = Duration::from_secs(1);

/// A request that waited far longer than others, in times from the start of the load.
#[derive(Debug, Clone, Copy)]
struct FrozenRequest {
    endpoint: usize,
    from: Duration,
    to: Duration,
    /// Number of requests that waited like this one.
    count: u64,
}

/// Disjoint times of stalls whose missing requests are already counted.
#[derive(Debug)]
struct KnownTimes(Vec<(Duration, Duration)>);

impl FrozenRequest {
    fn length(self) -> Duration {
        self.to.saturating_sub(self.from)
    }

    /// Whether the two wait together for most of the time.
    fn is_with(self, other: Self) -> bool {
        let together = self.to.min(other.to).saturating_sub(self.from.max(other.from));
        together * 2 > self.length().max(other.length())
    }
}

impl KnownTimes {
    fn new<'a>(stalls: impl Iterator<Item = &'a Stall>) -> Self {
        let mut all: Vec<_> = stalls.map(|stall| (stall.from, stall.from + stall.length)).collect();
        all.sort_unstable();
        let mut disjoint: Vec<(Duration, Duration)> = Vec::new();
        for (from, to) in all {
            match disjoint.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(to),
                _ => disjoint.push((from, to)),
            }
        }
        Self(disjoint)
    }

    /// The time between `from` and `to` in which no known stall was.
    fn outside(&self, from: Duration, to: Duration) -> Duration {
        let within = |known: &(Duration, Duration)| known.1.min(to).saturating_sub(known.0.max(from));
        to.saturating_sub(from).saturating_sub(self.0.iter().map(within).sum())
    }
}

impl StallWatch {
    /// Stalls of a part of the target in closed loads. Time in `known` stalls is not part of them.
    pub(super) fn partial_stalls(&self, longest: &LongestRequests, load_start: Instant, known: &[Stall]) -> Vec<Stall> {
        let closed = (0..self.parts.len()).filter(|part| !self.parts[*part].is_open);
        let of_part = |part| {
            let known = KnownTimes::new(known.iter().filter(|stall| stall.part == part));
            let frozen = self.frozen(part, longest, load_start, &known);
            let stalls: Vec<_> =
                groups(&frozen).iter().flat_map(|group| self.stalls_of_group(part, group, &known)).collect();
            if self.is_much(part, &stalls) { stalls } else { Vec::new() }
        };
        closed.flat_map(of_part).collect()
    }

    /// Requests of a part that waited far longer than others at their endpoint, by their beginning.
    fn frozen(
        &self,
        part: usize,
        longest: &LongestRequests,
        load_start: Instant,
        known: &KnownTimes,
    ) -> Vec<FrozenRequest> {
        let requests: Vec<_> = longest.requests().iter().filter(|request| request.part == part).collect();
        let since = |time: Instant| time.saturating_duration_since(load_start);
        let is_near = |request: &LongRequest, other: &LongRequest| {
            other.endpoint == request.endpoint
                && (other.to <= request.from && other.to + WINDOW > request.from
                    || other.from >= request.to && other.from < request.to + WINDOW)
        };
        let is_frozen = |request: &&&LongRequest| {
            let lane = &self.lanes[part * (self.endpoints + 1) + request.endpoint];
            let near = requests.iter().filter(|other| is_near(request, other)).map(|other| other.length()).max();
            let ordinary = near.unwrap_or_default().max(longest.floor()).max(lane.mean_wait());
            let length = known.outside(since(request.from), since(request.to));
            lane.limit.is_some_and(|limit| length > limit.threshold.max(SHORTEST)) && length > ordinary * TIMES_ORDINARY
        };
        let mut frozen: Vec<_> = requests
            .iter()
            .filter(is_frozen)
            .map(|&&LongRequest { endpoint, from, to, count, .. }| FrozenRequest {
                endpoint,
                from: since(from),
                to: since(to),
                count,
            })
            .collect();
        frozen.sort_by_key(|request| (request.from, request.endpoint));
        frozen
    }

    /// The stalls in which these requests waited, one for each endpoint.
    fn stalls_of_group(&self, part: usize, group: &[FrozenRequest], known: &KnownTimes) -> Vec<Stall> {
        let of = |endpoint| group.iter().filter(|it| it.endpoint == endpoint).copied().collect::<Vec<_>>();
        let by_endpoint = (0..self.endpoints).map(of).filter(|requests| !requests.is_empty());
        by_endpoint.map(|requests| self.partial_stall(part, &requests, known)).collect()
    }

    /// The stall in which these requests to an endpoint waited. A virtual user that waits makes no
    /// request to any endpoint of its part.
    fn partial_stall(&self, part: usize, group: &[FrozenRequest], known: &KnownTimes) -> Stall {
        let end = self.parts[part].end;
        let omitted = (0..self.endpoints).filter_map(|endpoint| {
            let lane = &self.lanes[part * (self.endpoints + 1) + endpoint];
            let (limit, pace) = (lane.limit?, lane.overall_pace()?);
            let missing = |request: &FrozenRequest| {
                let late = known.outside(request.from + limit.threshold, request.to.min(end));
                let made = if request.endpoint == endpoint { 1.0 } else { 0.0 };
                #[expect(clippy::cast_precision_loss, reason = "an estimate")]
                let count = request.count as f64;
                (late.as_secs_f64() * pace - made).max(0.0) * count
            };
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an estimate, not negative")]
            let omitted = group.iter().map(missing).sum::<f64>() as u64;
            Some((endpoint, omitted)).filter(|_| omitted > 0)
        });
        let (from, to) = (group.iter().map(|it| it.from).min(), group.iter().map(|it| it.to).max());
        let from = from.unwrap_or_default();
        Stall {
            part,
            endpoint: group.first().map(|first| first.endpoint),
            from,
            length: to.unwrap_or_default().saturating_sub(from),
            waiting: count(group),
            is_partial: true,
            omitted: omitted.collect(),
        }
    }

    /// Whether the omitted requests are much of the error budget of an endpoint.
    fn is_much(&self, part: usize, stalls: &[Stall]) -> bool {
        (0..self.endpoints).any(|endpoint| {
            let of_endpoint = stalls.iter().flat_map(|stall| &stall.omitted).filter(|(of, _)| *of == endpoint);
            let omitted: u64 = of_endpoint.map(|(_, omitted)| omitted).sum();
            let lane = &self.lanes[part * (self.endpoints + 1) + endpoint];
            lane.limit.is_some_and(|limit| limit.is_exceeded_by(omitted * BUDGET_SHARE, lane.ended()))
        })
    }
}

/// Groups of at least two requests that wait together with the first of their group.
fn groups(frozen: &[FrozenRequest]) -> Vec<Vec<FrozenRequest>> {
    let mut groups: Vec<Vec<FrozenRequest>> = Vec::new();
    for &request in frozen {
        match groups.iter_mut().find(|group| group[0].is_with(request)) {
            Some(group) => group.push(request),
            None => groups.push(vec![request]),
        }
    }
    groups.retain(|group| count(group) > 1);
    groups
}

/// Number of requests in a group.
fn count(group: &[FrozenRequest]) -> u64 {
    group.iter().map(|request| request.count).sum()
}
