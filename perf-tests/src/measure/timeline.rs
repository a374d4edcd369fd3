//! The timeline of a run: measurements in sections of equal length. Its memory does not grow with
//! the length of the run.
//!
//! A section is the difference of two cumulative snapshots, so no sample is folded twice. It keeps
//! its latencies as an encoded HDR histogram of some hundred bytes; a decoded one has a hundred
//! kilobytes.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer as _, V2Serializer};
use monitoring::catalogue::Catalogue;
use monitoring::phase::Phases;
use monitoring::slo::Slo;

use perf_report::evidence::{DurationHistogram, RequestCounts, Snapshot, is_decodable};
use serde::{Deserialize, Serialize};

mod base64_text;
mod merged;

/// With more sections than this, every two are merged into one.
const MOST: usize = 120;
const SHORTEST: Duration = Duration::from_secs(1);

/// A section may end this much early. Snapshots are offered only from time to time, and the next
/// one would end the section half its length late.
const EARLY: Duration = Duration::from_millis(100);

/// A latency histogram could not be encoded or decoded. This happens only if a count exceeds its
/// integer type.
#[derive(Debug, thiserror::Error)]
#[error("failed to encode or decode the latencies of a section: {0}")]
pub(crate) struct TimelineError(String);

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct RecordedTimeline {
    pub(crate) interval: Duration,
    pub(crate) sections: Vec<Section>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Section {
    /// Its beginning, from the start of the load.
    pub(crate) from: Duration,
    /// Its end, from the start of the load.
    pub(crate) to: Duration,
    /// Active virtual users at its end.
    pub(crate) vus: u32,
    /// Iterations of open loads that began in it.
    pub(crate) begun: u64,
    /// Requests of all endpoints, in all phases.
    pub(crate) requests: RequestCounts,
    /// Latencies after warm-up, by endpoint.
    pub(crate) latencies: BTreeMap<usize, SectionLatencies>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SectionLatencies {
    /// Failed requests. They rank after all others.
    pub(crate) failed: u64,
    /// Good requests by the endpoint's latency objective; `None` if it has no such objective.
    pub(crate) good: Option<u64>,
    /// Latencies of successful requests in nanoseconds, as an HDR histogram V2.
    #[serde(with = "base64_text")]
    encoded: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct TimelineRecorder {
    /// Threshold of each endpoint's latency objective.
    thresholds: Vec<Option<Duration>>,
    recorded: RecordedTimeline,
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

#[derive(Debug)]
struct EndpointTotals {
    count: u64,
    good: Option<u64>,
    histogram: DurationHistogram,
}

impl TimelineRecorder {
    pub(crate) fn new(catalogue: &Catalogue) -> Self {
        let threshold = |endpoint| catalogue.latency_slo(endpoint).and_then(Slo::threshold);
        let thresholds = catalogue.endpoints.iter().map(threshold).collect();
        let recorded = RecordedTimeline { interval: SHORTEST, sections: Vec::new() };
        Self { thresholds, recorded, last: LastCut::default() }
    }

    /// Ends the current section if it is long enough. `snapshot` was taken at `elapsed` from the
    /// start of the load.
    pub(crate) fn offer(&mut self, elapsed: Duration, snapshot: &Snapshot) -> Result<(), TimelineError> {
        if elapsed + EARLY < self.last.at + self.recorded.interval { Ok(()) } else { self.cut(elapsed, snapshot) }
    }

    /// Ends the last section with the final snapshot. Returns all sections.
    pub(crate) fn finish(mut self, elapsed: Duration, all: &Snapshot) -> Result<RecordedTimeline, TimelineError> {
        if elapsed > self.last.at {
            self.cut(elapsed, all)?;
        }
        Ok(self.recorded)
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
            let section_histogram =
                latency.histogram().since(before.map(|before| &before.histogram)).map_err(failed)?;
            let good_before = before.and_then(|before| before.good).unwrap_or(0);
            let section_latencies = SectionLatencies {
                failed: all.saturating_sub(section_histogram.len()),
                good: good.map(|good| good - good_before),
                encoded: encode(&section_histogram)?,
            };
            latencies.insert(index, section_latencies);
            self.last.latencies.insert(index, EndpointTotals { count, good, histogram: latency.histogram().clone() });
        }
        let begun = snapshot.parts.iter().map(|part| part.lateness.histogram().count()).sum();
        let requests = snapshot.requests();
        self.recorded.sections.push(Section {
            from: self.last.at,
            to: elapsed,
            vus: snapshot.vus(),
            begun: begun - self.last.begun,
            requests: requests.since(self.last.requests),
            latencies,
        });
        (self.last.at, self.last.begun, self.last.requests) = (elapsed, begun, requests);
        if self.recorded.sections.len() > MOST {
            self.recorded = std::mem::take(&mut self.recorded).in_pairs()?;
        }
        Ok(())
    }
}

impl RecordedTimeline {
    fn in_pairs(self) -> Result<Self, TimelineError> {
        let mut sections: Vec<Section> = Vec::with_capacity(self.sections.len() / 2 + 1);
        for (at, section) in self.sections.into_iter().enumerate() {
            match sections.last_mut().filter(|_| at % 2 == 1) {
                Some(last) => {
                    (last.to, last.vus) = (section.to, section.vus);
                    last.add(section)?;
                }
                None => sections.push(section),
            }
        }
        Ok(Self { interval: self.interval * 2, sections })
    }
}

impl Section {
    fn add(&mut self, other: Self) -> Result<(), TimelineError> {
        self.begun += other.begun;
        self.requests.add(other.requests);
        for (index, theirs) in other.latencies {
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
    /// The latencies of successful requests, in nanoseconds.
    pub(crate) fn decoded(&self) -> Result<Histogram<u64>, TimelineError> {
        if !is_decodable(&self.encoded) {
            return Err(TimelineError("it is not a histogram of a run".to_owned()));
        }
        let mut histogram: Histogram<u64> =
            Deserializer::new().deserialize(&mut self.encoded.as_slice()).map_err(failed)?;
        // A decoded histogram does not resize by itself, but longer latencies may be added to it.
        histogram.auto(true);
        Ok(histogram)
    }
}

fn encode(histogram: &Histogram<u64>) -> Result<Vec<u8>, TimelineError> {
    let mut encoded = Vec::new();
    V2Serializer::new().serialize(histogram, &mut encoded).map_err(failed)?;
    // A run has thousands of these, so unused capacity would add up.
    encoded.shrink_to_fit();
    Ok(encoded)
}

fn failed(error: impl std::fmt::Debug) -> TimelineError {
    TimelineError(format!("{error:?}"))
}
