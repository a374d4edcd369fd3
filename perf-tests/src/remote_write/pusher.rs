//! Pushes snapshots to the store, one clock for all series, and knows what the store has.
//!
//! Counters are cumulative, so a push that fails costs resolution and never counts: the next one that is taken carries
//! everything. A request is sent again unchanged until the store answers for it, since it may have arrived though its
//! answer got lost, and Prometheus takes the same sample twice but not an older one after a newer.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::{self, Instant};

use super::client::{Client, WriteError};
use super::proto::{STALE_BITS, Sample, TimeSeries, WriteRequest, encode};
use super::series::{Series, SeriesLabels};
use crate::engine::clock;

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
    at: i64,
    body: Vec<u8>,
    series: Vec<SeriesLabels>,
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
        let mut outcome = self.push(at, series.clone()).await;
        while matches!(&outcome, Err(error) if error.is_passing()) && clock::now() < give_up {
            time::sleep_until(Instant::min(clock::now() + LAST_PUSH_PAUSE, give_up)).await;
            // An older push may have stood in the way of the last one.
            let is_last = self.pending.as_ref().is_some_and(|push| push.at >= at);
            outcome = if is_last { self.flush().await } else { self.push(at, series.clone()).await };
        }
        if outcome.is_ok() {
            self.result.complete = true;
            self.result.last_push = self.previous;
            let ended = self.previous.unwrap_or(at) + 1;
            if let Err(error) = self.client.send(self.stale(ended)).await {
                self.result.last_error = Some(error);
                self.result.refused += 1;
            }
        }
        self.result
    }

    fn prepare(&mut self, at: i64, series: Vec<Series>) -> Push {
        let at = self.previous.map_or(at, |previous| at.max(previous + 1));
        let mut timeseries = Vec::with_capacity(series.len());
        let mut labels = Vec::with_capacity(series.len());
        for Series { labels: of_series, value } in series {
            let now = Sample { value, timestamp: at };
            // A series born since the last push was zero then. Without saying so, its first value would be lost to rates.
            let before = self.previous.filter(|_| !self.known.contains(&of_series));
            let zero = before.map(|timestamp| Sample { value: 0.0, timestamp });
            let samples = zero.into_iter().chain([now]).collect();
            timeseries.push(TimeSeries { labels: of_series.to_vec(), samples });
            labels.push(of_series);
        }
        self.previous = Some(at);
        Push { at, body: body(timeseries), series: labels }
    }

    async fn flush(&mut self) -> Result<(), WriteError> {
        let Some(push) = self.pending.take() else { return Ok(()) };
        match self.client.send(push.body.clone()).await {
            Ok(()) => {
                self.result.accepted += 1;
                self.known.extend(push.series);
                Ok(())
            }
            Err(error) => {
                self.result.refused += 1;
                self.result.last_error = Some(error.clone());
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
