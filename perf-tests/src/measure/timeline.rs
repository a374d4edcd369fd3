//! The timeline of a run: what was measured in equal sections of its time, in memory that does not grow with its length.
//!
//! Sections are differences of cumulative snapshots, so that nothing is folded twice. Each keeps its latencies as an encoded
//! HDR histogram: a histogram of counts would be a hundred kilobytes, and its encoding is some hundred bytes.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer as _, V2Serializer};
use monitoring::catalogue::Catalogue;
use monitoring::phase::Phases;
use monitoring::slo::Slo;

use perf_report::evidence::{RequestCounts, Snapshot, Spread};

/// With more sections than this, two become one.
const MOST: usize = 120;
/// The shortest section.
const SHORTEST: Duration = Duration::from_secs(1);

/// Who offers does so now and then, and a hair too early is better than half a section too late.
const EARLY: Duration = Duration::from_millis(100);

/// A latency histogram could not be encoded, or not read again: not before sections hold more than can be counted.
#[derive(Debug, thiserror::Error)]
#[error("failed to keep a section's latencies: {0}")]
pub struct TimelineError(String);

/// What was measured in one section of a run's time.
#[derive(Debug, Clone)]
pub struct Section {
    /// From when to when, from the start of the load.
    pub from: Duration,
    /// Its end.
    pub to: Duration,
    /// Virtual users at its end.
    pub vus: u32,
    /// Iterations of open loads that began in it.
    pub begun: u64,
    /// Requests of all endpoints, in all phases.
    pub requests: RequestCounts,
    /// Latencies after warm-up, by endpoint.
    pub latencies: BTreeMap<usize, SectionLatencies>,
}

/// Latencies of one endpoint in one section.
#[derive(Debug, Clone)]
pub struct SectionLatencies {
    /// Requests that failed, which lie beyond all bounds.
    pub failed: u64,
    /// Requests within what the endpoint's objective on latency promises; none if it has no such objective.
    pub good: Option<u64>,
    /// Those that succeeded, in nanoseconds, as HDR histogram V2.
    encoded: Vec<u8>,
}

/// Cuts a run into sections while it goes on.
#[derive(Debug)]
pub struct TimelineRecorder {
    /// What is promised of each endpoint's latency.
    thresholds: Vec<Option<Duration>>,
    interval: Duration,
    sections: Vec<Section>,
    last: LastCut,
}

/// The cumulative state at the end of the last section.
#[derive(Debug, Default)]
struct LastCut {
    at: Duration,
    begun: u64,
    requests: RequestCounts,
    latencies: BTreeMap<usize, EndpointTotals>,
}

/// An endpoint's cumulative counts.
#[derive(Debug)]
struct EndpointTotals {
    count: u64,
    good: Option<u64>,
    spread: Spread,
}

impl TimelineRecorder {
    /// Nothing yet, of a catalogue's endpoints.
    pub fn new(catalogue: &Catalogue) -> Self {
        let threshold = |endpoint| catalogue.latency_slo(endpoint).and_then(Slo::threshold);
        let thresholds = catalogue.endpoints.iter().map(threshold).collect();
        Self { thresholds, interval: SHORTEST, sections: Vec::new(), last: LastCut::default() }
    }

    /// Ends a section if it is long enough.
    pub fn offer(&mut self, elapsed: Duration, snapshot: &Snapshot) -> Result<(), TimelineError> {
        if elapsed + EARLY < self.last.at + self.interval { Ok(()) } else { self.cut(elapsed, snapshot) }
    }

    /// Ends the last section with what was measured in all, and gives them all, with how long one is.
    pub fn finish(mut self, elapsed: Duration, all: &Snapshot) -> Result<(Duration, Vec<Section>), TimelineError> {
        if elapsed > self.last.at {
            self.cut(elapsed, all)?;
        }
        Ok((self.interval, self.sections))
    }

    fn cut(&mut self, elapsed: Duration, snapshot: &Snapshot) -> Result<(), TimelineError> {
        let mut latencies = BTreeMap::new();
        for (index, threshold) in self.thresholds.iter().enumerate() {
            let Some(counts) = snapshot.endpoint(index, Phases::AFTER_WARM_UP) else { continue };
            let (latency, before) = (counts.latency, self.last.latencies.get(&index));
            let buckets = latency.buckets();
            let (count, good) = (buckets.count(), threshold.map(|threshold| buckets.within(threshold)));
            let all = count - before.map_or(0, |before| before.count);
            if all == 0 {
                continue;
            }
            let lately = latency.spread().since(before.map(|before| &before.spread)).map_err(failed)?;
            let good_before = before.and_then(|before| before.good).unwrap_or(0);
            let of = SectionLatencies {
                failed: all.saturating_sub(lately.len()),
                good: good.map(|good| good - good_before),
                encoded: encode(&lately)?,
            };
            latencies.insert(index, of);
            self.last.latencies.insert(index, EndpointTotals { count, good, spread: latency.spread().clone() });
        }
        let begun = snapshot.parts.iter().map(|part| part.lateness.spread().count()).sum();
        let requests = snapshot.requests();
        self.sections.push(Section {
            from: self.last.at,
            to: elapsed,
            vus: snapshot.vus(),
            begun: begun - self.last.begun,
            requests: requests.since(self.last.requests),
            latencies,
        });
        (self.last.at, self.last.begun, self.last.requests) = (elapsed, begun, requests);
        if self.sections.len() > MOST { self.halve() } else { Ok(()) }
    }

    /// Makes one section of every two.
    fn halve(&mut self) -> Result<(), TimelineError> {
        self.interval *= 2;
        let mut merged: Vec<Section> = Vec::with_capacity(self.sections.len() / 2 + 1);
        for (at, section) in self.sections.drain(..).enumerate() {
            match merged.last_mut().filter(|_| at % 2 == 1) {
                Some(last) => last.add(section)?,
                None => merged.push(section),
            }
        }
        self.sections = merged;
        Ok(())
    }
}

impl Section {
    fn add(&mut self, later: Self) -> Result<(), TimelineError> {
        (self.to, self.vus) = (later.to, later.vus);
        self.begun += later.begun;
        self.requests.add(later.requests);
        for (index, theirs) in later.latencies {
            match self.latencies.get_mut(&index) {
                Some(mine) => {
                    let mut all = mine.decoded()?;
                    all.add(theirs.decoded()?).map_err(failed)?;
                    let good = mine.good.zip(theirs.good).map(|(mine, theirs)| mine + theirs);
                    *mine = SectionLatencies { failed: mine.failed + theirs.failed, good, encoded: encode(&all)? };
                }
                None => drop(self.latencies.insert(index, theirs)),
            }
        }
        Ok(())
    }
}

impl SectionLatencies {
    /// Those of requests that succeeded, in nanoseconds.
    pub fn decoded(&self) -> Result<Histogram<u64>, TimelineError> {
        Deserializer::new().deserialize(&mut self.encoded.as_slice()).map_err(failed)
    }
}

fn encode(histogram: &Histogram<u64>) -> Result<Vec<u8>, TimelineError> {
    let mut encoded = Vec::new();
    V2Serializer::new().serialize(histogram, &mut encoded).map_err(failed)?;
    // There are thousands of these, and room that is never used adds up.
    encoded.shrink_to_fit();
    Ok(encoded)
}

fn failed(error: impl std::fmt::Debug) -> TimelineError {
    TimelineError(format!("{error:?}"))
}
