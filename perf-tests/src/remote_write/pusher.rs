//! Pushes snapshots to the store, one clock for all series, and knows what the store has.
//!
//! Counters are cumulative, so a push that fails costs resolution and never counts: the next one that is taken carries
//! everything. A request whose answer is missing is sent again unchanged, since Prometheus takes the same sample twice.
//! It does not take an older sample after a newer one, though, and a series' birth is two samples: if the first request
//! had arrived after all, the second is refused, and is sent once more without those zeros.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::{self, Instant};

use super::client::{Client, WriteError};
use super::proto::{STALE_BITS, Sample, TimeSeries, WriteRequest, encode};
use super::series::{Series, SeriesLabels};
use crate::clock;

/// How long the last push is tried again for while the store is away.
const LAST_PUSH_PATIENCE: Duration = Duration::from_secs(10);
const LAST_PUSH_PAUSE: Duration = Duration::from_millis(250);

/// Pushes to one store.
pub struct Pusher {
    client: Client,
    /// Series that the store has.
    known: HashSet<SeriesLabels>,
    /// The time of the last push that was tried.
    previous: Option<i64>,
    /// A push that the store has not answered for.
    pending: Option<Push>,
    result: Pushes,
}

struct Push {
    body: Vec<u8>,
    /// The same without the zeros of newborn series, if there are any.
    without_zeros: Option<Vec<u8>>,
    series: Vec<SeriesLabels>,
    /// Whether it has been sent before and may have arrived.
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
        Self { client, known: HashSet::new(), previous: None, pending: None, result: Pushes::default() }
    }

    /// The store, without user and password.
    pub fn shown(&self) -> String {
        self.client.shown()
    }

    /// Pushes values at a time in Unix milliseconds; times only go forward. If the push before it is still
    /// unanswered for, that one goes first.
    ///
    /// # Errors
    /// If the store does not take it.
    pub async fn push(&mut self, at: i64, series: Vec<Series>) -> Result<(), WriteError> {
        self.flush().await?;
        self.pending = Some(self.prepare(at, series));
        self.flush().await
    }

    /// Pushes the final values, trying again for a while, and then marks every series as ended.
    pub async fn finish(mut self, at: i64, series: Vec<Series>) -> Pushes {
        let give_up = clock::now() + LAST_PUSH_PATIENCE;
        if self.last_push(at, series, give_up).await.is_ok() {
            self.result.complete = true;
            self.result.last_push = self.previous;
        }
        // Also if the last push failed: what the store has should not look as if it went on.
        if let Some(previous) = self.previous.filter(|_| !self.known.is_empty()) {
            let body = self.stale(previous + 1);
            while let Err(error) = self.client.send(body.clone()).await {
                if !error.is_passing() || clock::now() >= give_up {
                    self.result.not_ended = Some(error);
                    break;
                }
                time::sleep(LAST_PUSH_PAUSE).await;
            }
        }
        self.result
    }

    async fn last_push(&mut self, at: i64, series: Vec<Series>, give_up: Instant) -> Result<(), WriteError> {
        let mut last = Some(series);
        loop {
            match (self.flush().await, last.take()) {
                // An older push is out of the way, taken or never to be taken. The last one carries its counts.
                (Ok(()), Some(series)) => self.pending = Some(self.prepare(at, series)),
                (Err(error), Some(series)) if !error.is_passing() => self.pending = Some(self.prepare(at, series)),
                (Ok(()), None) => return Ok(()),
                (Err(error), _) if !error.is_passing() || clock::now() >= give_up => return Err(error),
                (Err(_), later) => {
                    last = later;
                    time::sleep(LAST_PUSH_PAUSE).await;
                }
            }
        }
    }

    fn prepare(&mut self, at: i64, series: Vec<Series>) -> Push {
        let at = self.previous.map_or(at, |previous| at.max(previous + 1));
        let (mut labels, mut now, mut zeros) = (Vec::new(), Vec::new(), 0);
        let mut with_zeros = Vec::with_capacity(series.len());
        for Series { labels: of_series, value, from_zero } in series {
            let sample = Sample { value, timestamp: at };
            // A series born since the last push was zero then. Without saying so, its first value would be lost to rates.
            let before = self.previous.filter(|_| from_zero && !self.known.contains(&of_series));
            let zero = before.map(|timestamp| Sample { value: 0.0, timestamp });
            zeros += usize::from(zero.is_some());
            let timeseries = |samples| TimeSeries { labels: of_series.to_vec(), samples };
            with_zeros.push(timeseries(zero.into_iter().chain([sample]).collect()));
            now.push(timeseries(vec![sample]));
            labels.push(of_series);
        }
        self.previous = Some(at);
        let without_zeros = (zeros > 0).then(|| body(now));
        Push { body: body(with_zeros), without_zeros, series: labels, may_have_arrived: false }
    }

    async fn flush(&mut self) -> Result<(), WriteError> {
        let Some(mut push) = self.pending.take() else { return Ok(()) };
        let mut outcome = self.client.send(push.body.clone()).await;
        if let (Err(WriteError::Refused { .. }), true, Some(body)) =
            (&outcome, push.may_have_arrived, &push.without_zeros)
        {
            outcome = self.client.send(body.clone()).await;
        }
        match outcome {
            Ok(()) => {
                self.result.accepted += 1;
                self.known.extend(push.series);
                Ok(())
            }
            Err(error) => {
                self.result.refused += 1;
                self.result.last_error = Some(error.clone());
                push.may_have_arrived = true;
                // What the store will never take is not sent again; the next push carries its counts.
                self.pending = error.is_passing().then_some(push);
                Err(error)
            }
        }
    }

    fn stale(&self, at: i64) -> Vec<u8> {
        let marker = Sample { value: f64::from_bits(STALE_BITS), timestamp: at };
        let mut known: Vec<_> = self.known.iter().collect();
        known.sort_unstable();
        let ended = |labels: &SeriesLabels| TimeSeries { labels: labels.to_vec(), samples: vec![marker] };
        body(known.into_iter().map(ended).collect())
    }
}

fn body(timeseries: Vec<TimeSeries>) -> Vec<u8> {
    #[expect(clippy::expect_used, reason = "fails only beyond 4 GiB, a million times the size of a push")]
    encode(&WriteRequest { timeseries }).expect("a push is far smaller than what snappy can hold")
}
