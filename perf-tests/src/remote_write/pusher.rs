//! Pushes snapshots to the store, with one timestamp for all series, and tracks which series the
//! store has.
//!
//! Counters are cumulative, so a failed push costs resolution but no counts: the next accepted push
//! carries everything. A request without a response is sent again unchanged, since Prometheus
//! accepts the same sample twice. Prometheus does not accept an older sample after a newer one. A
//! new series starts with two samples, a zero and its first value. So if the first request was
//! stored after all, the second one is rejected and then sent once more without the zeros.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use monitoring::metric::MetricKind;
use perf_report::format::{first_items, seconds};
use tokio::time::{self, Instant};

use super::backoff::Backoff;
use super::client::{Client, PushError};
use super::message::{Entry, SampleValue, SeriesLabels, Version, encode, shown, size};
use super::series::SeriesValue;
use crate::clock;

mod bisect;

use bisect::BisectOutcome;

/// Time for which the last push is tried again while the store is unavailable.
const LAST_PUSH_PATIENCE: Duration = Duration::from_secs(10);
/// Series per request. A series has at most two samples in it, and Prometheus' own sender sends at
/// most 2000 samples per request.
const BATCH: usize = 1_000;

pub(crate) struct Pusher {
    client: Client,
    /// The protocol version that the store supports, once it is known.
    version: Option<Version>,
    /// When all counters were zero: the time of the first push.
    started: Option<i64>,
    /// Series that the store has.
    known: HashSet<SeriesLabels>,
    /// Series that the store rejects while it accepts others, and why. They are not sent again.
    rejected: BTreeMap<SeriesLabels, PushError>,
    /// The time of the last attempted push.
    previous: Option<i64>,
    /// A push that the store has not accepted yet.
    pending: Option<Push>,
    backoff: Backoff,
    last_push_deadline: LastPushDeadline,
    result: Pushes,
}

/// The deadline of the last push. It is set when the load has ended, and also applies to a push
/// under way then.
#[derive(Debug, Clone, Default)]
pub(crate) struct LastPushDeadline {
    first: Arc<OnceLock<Instant>>,
    /// The store asked for a later attempt. It may do so once.
    extended: Arc<OnceLock<Instant>>,
}

impl LastPushDeadline {
    pub(crate) fn set_deadline(&self) {
        self.first.get_or_init(|| clock::now() + LAST_PUSH_PATIENCE);
    }

    /// Extends the deadline to `until`. Returns whether it does, which is at most once.
    fn extend(&self, until: Instant) -> bool {
        self.first.get().is_some_and(|first| until > *first) && self.extended.set(until).is_ok()
    }

    fn at(&self) -> Option<Instant> {
        self.extended.get().or(self.first.get()).copied()
    }
}

struct Push {
    /// The batches left to send, each a request.
    batches: VecDeque<Vec<Entry>>,
    /// Whether the first batch was sent before and may have been stored.
    may_have_arrived: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Pushes {
    pub(crate) accepted: u64,
    /// Number of failed attempts.
    pub(crate) refused: u64,
    /// The error of the last failed attempt.
    pub(crate) last_error: Option<PushError>,
    /// Whether the last push, with the final counts, was accepted.
    pub(crate) complete: bool,
    /// Time of that push, in Unix milliseconds.
    pub(crate) last_push: Option<i64>,
    /// Why the series could not be marked as ended, if they could not.
    pub(crate) not_ended: Option<PushError>,
}

impl Pusher {
    pub(crate) fn new(client: Client) -> Self {
        Self {
            client,
            version: None,
            started: None,
            known: HashSet::new(),
            rejected: BTreeMap::new(),
            previous: None,
            pending: None,
            backoff: Backoff::default(),
            last_push_deadline: LastPushDeadline::default(),
            result: Pushes::default(),
        }
    }

    /// A handle that tells the pusher that the load has ended.
    pub(crate) fn last_push_deadline(&self) -> LastPushDeadline {
        self.last_push_deadline.clone()
    }

    /// The store, without user and password.
    pub(crate) fn shown(&self) -> String {
        self.client.shown()
    }

    /// Pushes values with a timestamp in Unix milliseconds; timestamps only increase. If the
    /// previous push is still pending, it goes first. During a backoff nothing is sent, and later
    /// values include these.
    pub(crate) async fn push(&mut self, at: i64, series: Vec<SeriesValue>) -> Result<(), PushError> {
        if let (false, Some(error)) = (self.backoff.is_over(), &self.result.last_error) {
            return Err(error.clone());
        }
        self.flush().await?;
        self.pending = Some(self.prepare(at, series));
        self.flush().await
    }

    /// Pushes the final values, with retries until the deadline, and then marks every series as
    /// ended. `show` prints that the run waits for longer.
    pub(crate) async fn finish(mut self, at: i64, series: Vec<SeriesValue>, show: &dyn Fn(&str)) -> Pushes {
        self.last_push_deadline.set_deadline();
        if self.last_push(at, series, show).await.is_ok() && self.rejected.is_empty() {
            self.result.complete = true;
            self.result.last_push = self.previous;
        }
        if let Some(error) = self.rejected_error() {
            self.result.last_error = Some(error);
        }
        // Ends the series even if the last push was rejected, so that they do not seem to go on. If
        // the store was unavailable until the deadline, it is not waited for again.
        if let Some(previous) = self.previous.filter(|_| !self.known.is_empty()) {
            let is_unavailable = !self.result.complete && self.is_out_of_patience();
            let unavailable = self.result.last_error.clone().filter(|_| is_unavailable);
            self.result.not_ended =
                if unavailable.is_some() { unavailable } else { self.end(previous + 1, show).await.err() };
        }
        self.result
    }

    async fn last_push(&mut self, at: i64, series: Vec<SeriesValue>, show: &dyn Fn(&str)) -> Result<(), PushError> {
        let mut last = Some(series);
        loop {
            self.wait(show).await;
            match (self.flush().await, last.take()) {
                // An older push is done, accepted or rejected for good. The last push includes its
                // counts.
                (Ok(()), Some(series)) => self.pending = Some(self.prepare(at, series)),
                (Err(error), Some(series)) if !error.is_temporary() => self.pending = Some(self.prepare(at, series)),
                (Ok(()), None) => return Ok(()),
                (Err(error), _) if !error.is_temporary() || self.is_out_of_patience() => return Err(error),
                (Err(_), later) => last = later,
            }
        }
    }

    /// Marks every series as ended.
    async fn end(&mut self, at: i64, show: &dyn Fn(&str)) -> Result<(), PushError> {
        let mut known: Vec<_> = self.known.drain().collect();
        known.sort_unstable();
        let description = monitoring::metric::Metric::vus().description;
        let ended = |labels: &SeriesLabels| Entry {
            labels: labels.clone(),
            description,
            points: vec![(at, SampleValue::STALE)],
        };
        let mut rejected = None;
        for batch in known.chunks(BATCH) {
            let batch: Vec<_> = batch.iter().map(ended).collect();
            loop {
                match self.send(&batch).await {
                    Ok(()) => break,
                    // A bad series in one batch does not affect the next batch.
                    Err(error) if error.is_about_content() => {
                        rejected.get_or_insert(error);
                        break;
                    }
                    Err(error) if !error.is_temporary() || self.is_out_of_patience() => return Err(error),
                    Err(error) => self.backoff.failed(error.retry_after()),
                }
                self.wait(show).await;
            }
            self.backoff.succeeded();
        }
        rejected.map_or(Ok(()), Err)
    }

    /// Whether the deadline of the last push has passed.
    fn is_out_of_patience(&self) -> bool {
        self.last_push_deadline.at().is_some_and(|last_push_deadline| clock::now() >= last_push_deadline)
    }

    /// Waits until the backoff is over, or until the deadline of the last push.
    async fn wait(&self, show: &dyn Fn(&str)) {
        let Some(until) = self.backoff.until() else { return };
        if let Some(asked) = self.backoff.asked_until().filter(|asked| self.last_push_deadline.extend(*asked)) {
            let left = asked.saturating_duration_since(clock::now());
            show(&format!("waiting {} for the store, as its Retry-After asks", seconds(left, 0)));
        }
        time::sleep_until(self.last_push_deadline.at().map_or(until, |deadline| until.min(deadline))).await;
    }

    fn prepare(&mut self, at: i64, series: Vec<SeriesValue>) -> Push {
        let at = self.previous.map_or(at, |previous| at.max(previous + 1));
        let known = series.into_iter().filter(|series| !self.rejected.contains_key(&series.labels));
        let entries: Vec<_> = known
            .map(|SeriesValue { labels, description, value }| {
                // A counter that is new since the last push was zero then. Without that sample,
                // rates would lose its first value.
                let counts = description.kind != MetricKind::Gauge;
                let before = self.previous.filter(|_| counts && !self.known.contains(&labels));
                let points = before.map(|previous| (previous, value.zero())).into_iter().chain([(at, value.clone())]);
                Entry { points: points.collect(), labels, description }
            })
            .collect();
        self.previous = Some(at);
        self.started.get_or_insert(at);
        let mut rest = entries.into_iter().peekable();
        let mut batches = VecDeque::new();
        while rest.peek().is_some() {
            batches.push_back(rest.by_ref().take(BATCH).collect());
        }
        Push { batches, may_have_arrived: false }
    }

    async fn flush(&mut self) -> Result<(), PushError> {
        let Some(mut push) = self.pending.take() else { return Ok(()) };
        let mut rejected = None;
        while let Some(batch) = push.batches.pop_front() {
            let error = match self.deliver(&batch, push.may_have_arrived).await {
                Ok(()) => {
                    self.remember_stored(batch);
                    push.may_have_arrived = false;
                    continue;
                }
                Err(error) => error,
            };
            self.result.refused += 1;
            self.result.last_error = Some(error.clone());
            if error.is_temporary() {
                self.backoff.failed(error.retry_after());
                push.batches.push_front(batch);
                push.may_have_arrived = true;
                self.pending = Some(push);
                return Err(error);
            }
            if !error.is_about_content() {
                return Err(error);
            }
            match self.bisect(batch).await {
                // Series that the store rejects for good are not sent again. If none was rejected,
                // the store has recovered.
                BisectOutcome::Isolated => rejected = rejected.or_else(|| self.rejected_error()),
                BisectOutcome::Rejected => rejected = Some(error),
                BisectOutcome::Unavailable(error, left) => {
                    self.result.last_error = Some(error.clone());
                    self.backoff.failed(error.retry_after());
                    left.into_iter().rev().for_each(|part| push.batches.push_front(part));
                    push.may_have_arrived = true;
                    self.pending = Some(push);
                    return Err(error);
                }
            }
        }
        self.backoff.succeeded();
        self.result.accepted += 1;
        match rejected {
            Some(error) => Err(self.rejected_error().unwrap_or(error)),
            None => Ok(()),
        }
    }

    /// Sends a batch. If it may have been stored before, it is sent once more without the zeros of
    /// new series.
    async fn deliver(&mut self, batch: &[Entry], may_have_arrived: bool) -> Result<(), PushError> {
        let outcome = self.send(batch).await;
        let has_zeros = batch.iter().any(|entry| entry.points.len() > 1);
        if may_have_arrived
            && has_zeros
            && matches!(outcome, Err(PushError::Refused { .. } | PushError::Partial { .. }))
        {
            let last: Vec<_> = batch.iter().map(without_zeros).collect();
            return self.send(&last).await;
        }
        outcome
    }

    /// Sends entries in the version that the store supports, and detects that version.
    async fn send(&mut self, entries: &[Entry]) -> Result<(), PushError> {
        let (version, is_unknown) = (self.version.unwrap_or(Version::Two), self.version.is_none());
        let outcome = self.send_in(version, entries).await;
        match &outcome {
            Ok(()) => {
                self.version = Some(version);
                return outcome;
            }
            Err(PushError::UnsupportedVersion { .. }) => {}
            // A receiver of 1.0 that reads the body before the headers cannot parse it.
            Err(PushError::Refused { status: 400, .. }) if is_unknown => {}
            // Mimir accepts version 2.0 and reports that it stored nothing, if it is off there.
            Err(PushError::Partial { written: 0, .. }) if is_unknown => {}
            // Some receivers report an unknown version as an error of their own. A real error of
            // other receivers has passed by the next attempt.
            Err(PushError::Unavailable { status: 500 | 501, .. }) if is_unknown && self.backoff.failures() > 0 => {}
            Err(_) => return outcome,
        }
        let older = self.send_in(Version::One, entries).await;
        // A receiver that understands the older version and rejects the content supports that
        // version as well.
        let is_understood = match (&outcome, &older) {
            (_, Ok(())) | (Err(PushError::UnsupportedVersion { .. }), _) => true,
            (Err(newer), Err(older)) => newer.is_temporary() && !older.is_temporary(),
            (Ok(()), Err(_)) => false,
        };
        if is_understood {
            self.version = Some(Version::One);
            return older;
        }
        outcome
    }

    async fn send_in(&self, version: Version, entries: &[Entry]) -> Result<(), PushError> {
        #[expect(clippy::expect_used, reason = "fails only beyond 4 GiB, thousands of times the size of a batch")]
        let body = encode(entries, version, self.started.unwrap_or_default())
            .expect("a batch is far smaller than snappy's limit");
        self.client.send(body, version, size(entries), self.backoff.failures()).await
    }

    fn remember_stored(&mut self, entries: Vec<Entry>) {
        self.known.extend(entries.into_iter().map(|entry| entry.labels));
    }

    fn reject(&mut self, entry: &Entry, why: PushError) {
        self.rejected.insert(entry.labels.clone(), why);
    }

    fn rejected_error(&self) -> Option<PushError> {
        const NAMED: usize = 3;
        let why = self.rejected.values().next()?;
        let series = first_items(self.rejected.keys().map(shown), NAMED, ", ", ", ");
        Some(PushError::Series { series, why: Box::new(why.clone()) })
    }
}

/// The entry with its current sample only, without the zero before its birth.
fn without_zeros(entry: &Entry) -> Entry {
    let last = entry.points.len().saturating_sub(1);
    Entry { labels: entry.labels.clone(), description: entry.description, points: entry.points[last..].to_vec() }
}
