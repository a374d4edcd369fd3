//! Pushes snapshots to the store, one clock for all series, and knows what the store has.
//!
//! Counters are cumulative, so a push that fails costs resolution and never counts: the next one that is taken carries
//! everything. A request whose answer is missing is sent again unchanged, since Prometheus takes the same sample twice.
//! It does not take an older sample after a newer one, though, and a series' birth is two samples: if the first request
//! had arrived after all, the second is refused, and is sent once more without those zeros.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::time::{self, Instant};

use super::backoff::Backoff;
use super::client::{Client, WriteError};
use super::message::{Entry, SampleValue, SeriesLabels, Version, encode, shown, size};
use super::series::SeriesValue;
use crate::clock;

mod bisect;

use bisect::Bisected;

/// How long the last push is tried again for while the store is away.
const LAST_PUSH_PATIENCE: Duration = Duration::from_secs(10);
/// Series to a request. A series has at most two samples in it, and Prometheus' own sender has at most 2000.
const BATCH: usize = 1_000;

/// Pushes to one store.
pub struct Pusher {
    client: Client,
    /// What the store speaks, once it has been asked.
    version: Option<Version>,
    /// When all that counts was zero: the first push.
    started: Option<i64>,
    /// Series that the store has.
    known: HashSet<SeriesLabels>,
    /// Series that it does not take while it takes others, and why; they are not sent again.
    turned_down: BTreeMap<SeriesLabels, WriteError>,
    /// The time of the last push that was tried.
    previous: Option<i64>,
    /// A push that the store has not answered for.
    pending: Option<Push>,
    backoff: Backoff,
    give_up: GiveUp,
    result: Pushes,
}

/// When the last push is given up; known once the load is over, also to what is under way then.
#[derive(Debug, Clone, Default)]
pub struct GiveUp(Arc<OnceLock<Instant>>);

impl GiveUp {
    /// From now on there is nothing but the last push.
    pub fn soon(&self) {
        self.0.get_or_init(|| clock::now() + LAST_PUSH_PATIENCE);
    }

    fn at(&self) -> Option<Instant> {
        self.0.get().copied()
    }
}

struct Push {
    /// What is left of it, each a request.
    batches: VecDeque<Vec<Entry>>,
    /// Whether the first of them has been sent before and may have arrived.
    may_have_arrived: bool,
}

/// What became of all pushes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pushes {
    /// Taken.
    pub accepted: u64,
    /// Attempts that were not.
    pub refused: u64,
    /// Why the last of them was not.
    pub last_error: Option<WriteError>,
    /// Whether the last push, with the final counts, was taken.
    pub complete: bool,
    /// When that was, in Unix milliseconds.
    pub last_push: Option<i64>,
    /// Why the series could not be marked as ended, if they could not.
    pub not_ended: Option<WriteError>,
}

impl Pusher {
    /// Pushes to that store.
    pub fn new(client: Client) -> Self {
        Self {
            client,
            version: None,
            started: None,
            known: HashSet::new(),
            turned_down: BTreeMap::new(),
            previous: None,
            pending: None,
            backoff: Backoff::default(),
            give_up: GiveUp::default(),
            result: Pushes::default(),
        }
    }

    /// Tells pushes that the load is over.
    pub fn give_up(&self) -> GiveUp {
        self.give_up.clone()
    }

    /// The store, without user and password.
    pub fn shown(&self) -> String {
        self.client.shown()
    }

    /// Pushes values at a time in Unix milliseconds; times only go forward. If the push before it is still
    /// unanswered for, that one goes first. While the store is to be left alone nothing is sent, and later values carry these.
    ///
    /// # Errors
    /// If the store does not take it, or was to be left alone.
    pub async fn push(&mut self, at: i64, series: Vec<SeriesValue>) -> Result<(), WriteError> {
        if let (false, Some(error)) = (self.backoff.is_over(), &self.result.last_error) {
            return Err(error.clone());
        }
        self.flush().await?;
        self.pending = Some(self.prepare(at, series));
        self.flush().await
    }

    /// Pushes the final values, trying again for a while, and then marks every series as ended.
    pub async fn finish(mut self, at: i64, series: Vec<SeriesValue>) -> Pushes {
        self.give_up.soon();
        if self.last_push(at, series).await.is_ok() && self.turned_down.is_empty() {
            self.result.complete = true;
            self.result.last_push = self.previous;
        }
        if let Some(error) = self.turned_down_error() {
            self.result.last_error = Some(error);
        }
        // Also if the last push was refused: what the store has should not look as if it went on. One that was waited for in vain is not waited
        // for again.
        if let Some(previous) = self.previous.filter(|_| !self.known.is_empty()) {
            let is_away = !self.result.complete && self.is_out_of_patience();
            let gone = self.result.last_error.clone().filter(|_| is_away);
            self.result.not_ended = if gone.is_some() { gone } else { self.end(previous + 1).await.err() };
        }
        self.result
    }

    async fn last_push(&mut self, at: i64, series: Vec<SeriesValue>) -> Result<(), WriteError> {
        let mut last = Some(series);
        loop {
            self.wait().await;
            match (self.flush().await, last.take()) {
                // An older push is out of the way, taken or never to be taken. The last one carries its counts.
                (Ok(()), Some(series)) => self.pending = Some(self.prepare(at, series)),
                (Err(error), Some(series)) if !error.is_passing() => self.pending = Some(self.prepare(at, series)),
                (Ok(()), None) => return Ok(()),
                (Err(error), _) if !error.is_passing() || self.is_out_of_patience() => return Err(error),
                (Err(_), later) => last = later,
            }
        }
    }

    /// Marks every series as ended.
    async fn end(&mut self, at: i64) -> Result<(), WriteError> {
        let mut known: Vec<_> = self.known.drain().collect();
        known.sort_unstable();
        let description = monitoring::metric::Metric::vus().description;
        let ended = |labels: &SeriesLabels| Entry {
            labels: labels.clone(),
            description,
            points: vec![(at, SampleValue::STALE)],
        };
        let mut refused = None;
        for batch in known.chunks(BATCH) {
            let batch: Vec<_> = batch.iter().map(ended).collect();
            loop {
                match self.send(&batch).await {
                    Ok(()) => break,
                    // What spoils one batch says nothing of the next.
                    Err(error) if error.is_about_content() => {
                        refused.get_or_insert(error);
                        break;
                    }
                    Err(error) if !error.is_passing() || self.is_out_of_patience() => return Err(error),
                    Err(error) => self.backoff.failed(error.retry_after()),
                }
                self.wait().await;
            }
            self.backoff.succeeded();
        }
        refused.map_or(Ok(()), Err)
    }

    /// Whether the last push has been tried for as long as it is.
    fn is_out_of_patience(&self) -> bool {
        self.give_up.at().is_some_and(|give_up| clock::now() >= give_up)
    }

    /// Leaves the store alone for as long as it should be, but no longer than the last push is tried for.
    async fn wait(&self) {
        if let Some(until) = self.backoff.until() {
            time::sleep_until(self.give_up.at().map_or(until, |give_up| until.min(give_up))).await;
        }
    }

    fn prepare(&mut self, at: i64, series: Vec<SeriesValue>) -> Push {
        let at = self.previous.map_or(at, |previous| at.max(previous + 1));
        let known = series.into_iter().filter(|series| !self.turned_down.contains_key(&series.labels));
        let entries: Vec<_> = known
            .map(|SeriesValue { labels, description, value, from_zero }| {
                // A series born since the last push was zero then. Without saying so, its first value would be lost to rates.
                let before = self.previous.filter(|_| from_zero && !self.known.contains(&labels));
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

    async fn flush(&mut self) -> Result<(), WriteError> {
        let Some(mut push) = self.pending.take() else { return Ok(()) };
        let mut refused = None;
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
            if error.is_passing() {
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
                // What the store will never take is not sent again. If there is nothing of that, it has changed its mind.
                Bisected::Apart => refused = refused.or_else(|| self.turned_down_error()),
                Bisected::All => refused = Some(error),
                Bisected::Away(error, left) => {
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
        match refused {
            Some(error) => Err(self.turned_down_error().unwrap_or(error)),
            None => Ok(()),
        }
    }

    /// Sends a batch; once more without the zeros of newborn series if it may have arrived before.
    async fn deliver(&mut self, batch: &[Entry], may_have_arrived: bool) -> Result<(), WriteError> {
        let outcome = self.send(batch).await;
        let has_zeros = batch.iter().any(|entry| entry.points.len() > 1);
        if may_have_arrived
            && has_zeros
            && matches!(outcome, Err(WriteError::Refused { .. } | WriteError::Partly { .. }))
        {
            let last: Vec<_> = batch.iter().map(without_zeros).collect();
            return self.send(&last).await;
        }
        outcome
    }

    /// Sends entries in the version that the store speaks, and finds out which that is.
    async fn send(&mut self, entries: &[Entry]) -> Result<(), WriteError> {
        let (version, is_unknown) = (self.version.unwrap_or(Version::Two), self.version.is_none());
        let outcome = self.send_in(version, entries).await;
        match &outcome {
            Ok(()) => {
                self.version = Some(version);
                return outcome;
            }
            Err(WriteError::NotSpoken { .. }) => {}
            // A receiver of 1.0 that reads a body before its headers finds no sense in it.
            Err(WriteError::Refused { status: 400, .. }) if is_unknown => {}
            // Some take that for a fault of their own. Others have one, which has passed by the next attempt.
            Err(WriteError::Unavailable { status: 500 | 501, .. }) if is_unknown && self.backoff.failures() > 0 => {}
            Err(_) => return outcome,
        }
        let older = self.send_in(Version::One, entries).await;
        // One that understands it, and refuses what is in it, speaks it as well.
        let is_understood = match (&outcome, &older) {
            (_, Ok(())) | (Err(WriteError::NotSpoken { .. }), _) => true,
            (Err(newer), Err(older)) => newer.is_passing() && !older.is_passing(),
            (Ok(()), Err(_)) => false,
        };
        if is_understood {
            self.version = Some(Version::One);
            return older;
        }
        outcome
    }

    async fn send_in(&self, version: Version, entries: &[Entry]) -> Result<(), WriteError> {
        #[expect(clippy::expect_used, reason = "fails only beyond 4 GiB, thousands of times the size of a batch")]
        let body = encode(entries, version, self.started.unwrap_or_default())
            .expect("a batch is far smaller than what snappy can hold");
        self.client.send(body, version, size(entries), self.backoff.failures()).await
    }

    /// Remembers that the store has these.
    fn remember_stored(&mut self, entries: Vec<Entry>) {
        self.known.extend(entries.into_iter().map(|entry| entry.labels));
    }

    /// Remembers that the store does not take this one.
    fn turn_down(&mut self, entry: &Entry, why: WriteError) {
        self.turned_down.insert(entry.labels.clone(), why);
    }

    fn turned_down_error(&self) -> Option<WriteError> {
        const NAMED: usize = 3;
        let why = self.turned_down.values().next()?;
        let mut names: Vec<_> = self.turned_down.keys().take(NAMED).map(shown).collect();
        if self.turned_down.len() > NAMED {
            names.push(format!("and {} more", self.turned_down.len() - NAMED));
        }
        Some(WriteError::Series { series: names.join(", "), why: Box::new(why.clone()) })
    }
}

/// What a series is now, and not what it was before it was there.
fn without_zeros(entry: &Entry) -> Entry {
    let last = entry.points.len().saturating_sub(1);
    Entry { labels: entry.labels.clone(), description: entry.description, points: entry.points[last..].to_vec() }
}
