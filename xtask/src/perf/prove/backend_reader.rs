//! Reads the backend's counters after the load.

use std::time::Duration;

use perf_report::format;
use prometheus_store::exposition::ExpositionSample;
use tokio::time::{self, Instant};

use super::backend_count::{BackendCount, NoCount, count_since, lost, missing};
use super::backend_metrics::{self, BackendMetrics, HighestCounts, MetricsReading};
use super::endpoint_counters::belongs_to_endpoint;
use super::exposed_metrics::{ExposedMetrics, RequestCount};
use super::restart::Restart;
use super::{ProofBackend, ProvenRun};
use crate::backend::target_metrics::NoMetrics;
use crate::host::clock;
use crate::host::terminal::print_note;

/// Number of readings in which a backend must have counted all of its responses, unless its metrics
/// are late. It counts a request a moment after it has sent the response.
const READINGS: u32 = 15;
/// A reading that fails takes the place of this number of readings.
const A_FAILED_READING: u32 = READINGS / 3;
/// The pause between two readings.
const PAUSE: Duration = Duration::from_millis(200);
/// The pause between two readings of metrics that are late.
const LATE_PAUSE: Duration = Duration::from_secs(1);
/// Longest time for which late metrics are read.
const LATENESS: Duration = Duration::from_secs(45);

/// The counts of a backend, read after the load of a run.
pub(super) struct BackendReader<'a> {
    pub(super) run: ProvenRun<'a>,
    /// Its metrics before the load.
    pub(super) before: &'a MetricsReading,
    pub(super) backend: &'a ProofBackend<'a>,
}

/// A wait for counters that lack responses.
///
/// Metrics may be late by a fixed time, because they are cached or collected from workers. Counters
/// that stand still do not show whether they are final, however often they are read: so they count
/// as final when they have stood still for longer than usual caches keep a page (10 or 15 s).
struct CounterWait {
    begin: Instant,
    /// When they last had more of the responses than before.
    moved: Instant,
    lost: u64,
    still: Duration,
    is_shown: bool,
}

impl CounterWait {
    fn new(backend: &ProofBackend<'_>) -> Self {
        let now = clock::instant();
        Self { begin: now, moved: now, lost: u64::MAX, still: backend.still, is_shown: backend.quiet }
    }

    /// Whether counters that lack this number of responses may still get them.
    fn may_change(&mut self, lost: u64) -> bool {
        let now = clock::instant();
        if lost < self.lost {
            (self.moved, self.lost) = (now, lost);
        }
        now - self.moved < self.still && now - self.begin < LATENESS
    }

    /// Waits for the next reading. Prints once why.
    async fn pause(&mut self) {
        if !self.is_shown {
            print_note(&format!(
                "the backend's metrics lack {} and may be late: waiting until they have not changed for {}, {} at most",
                format::counted(self.lost, "response"),
                perf_settings::shown_duration(self.still),
                perf_settings::shown_duration(LATENESS)
            ));
            self.is_shown = true;
        }
        time::sleep(LATE_PAUSE.min(self.still)).await;
    }
}

impl BackendReader<'_> {
    /// The metrics of a reading.
    fn exposed(&self, reading: &MetricsReading) -> ExposedMetrics {
        let metrics = BackendMetrics::One(reading.clone());
        ExposedMetrics::new(metrics, self.run.catalogue.mapping, self.backend.is_own)
    }

    /// Reads the counters until they have all responses, or until they count as final. A reading
    /// that fails is repeated.
    ///
    /// # Errors
    /// If the last reading failed.
    pub(super) async fn read(&self) -> Result<(BackendCount, ExposedMetrics), NoMetrics> {
        let (run, mapping) = (self.run, self.run.catalogue.mapping);
        let (mut readings, mut is_again, mut is_checked) = (0, false, false);
        let (mut known, mut wait) = (HighestCounts::default(), CounterWait::new(self.backend));
        known.add(self.before, &[mapping]);
        loop {
            let after = match backend_metrics::read_once(self.backend.source, mapping.path).await {
                Err(_) if readings < READINGS => {
                    readings += A_FAILED_READING;
                    time::sleep(PAUSE).await;
                    continue;
                }
                after => after?,
            };
            let (exposed, setbacks) = (self.exposed(&after), known.setbacks(&after));
            let is_same = after.is_same_process(self.before);
            if !is_same || setbacks.iter().any(|setback| !setback.is_missing) {
                // Between two readings after the load, counters of one process do not go back.
                let several = is_same && is_again
                    || !is_same && after.has_equal_start(self.before)
                    || !is_checked && self.are_several().await;
                if several {
                    return Ok((BackendCount::Unknown(NoCount::SeveralProcesses), exposed));
                }
                is_checked = true;
                let lost = self.lost_in_restart(&after, &exposed).await.unwrap_or_default();
                if lost > 0 && wait.may_change(lost) {
                    wait.pause().await;
                    continue;
                }
                let why = if lost > 0 { NoCount::Lost(lost) } else { NoCount::Restarted };
                return Ok((BackendCount::Unknown(why), exposed));
            }
            known.add(&after, &[mapping]);
            is_again = true;
            // A series that is gone has at least what it had when it was last read.
            let gone: Vec<_> = setbacks.into_iter().map(|setback| setback.earlier).collect();
            let count = count_since(run, &self.before.samples, &[&after.samples[..], &gone].concat(), &exposed);
            readings += 1;
            if missing(run, &count, &exposed) == 0 {
                return Ok((count, exposed));
            }
            if readings < READINGS {
                time::sleep(PAUSE).await;
                continue;
            }
            let lost = lost(run, &count, &exposed);
            let is_final = lost == 0 || !wait.may_change(lost);
            if is_final || !is_checked {
                is_checked = true;
                let why = self.why_incomplete(&after, lost, &gone, &exposed).await;
                let is_unidentified = lost > 0 && is_final && !after.is_identified(&[mapping]);
                let why = why.or(is_unidentified.then_some(NoCount::Unidentified));
                if is_final || why.is_some() {
                    return Ok((why.map_or(count, BackendCount::Unknown), exposed));
                }
            }
            wait.pause().await;
        }
    }

    /// Whether several processes respond now. No reading before the load need have reached the
    /// process that counted the missing requests.
    async fn are_several(&self) -> bool {
        let mapping = self.run.catalogue.mapping;
        let metrics = backend_metrics::read(self.backend.source, mapping.path, &[mapping]).await;
        matches!(metrics, BackendMetrics::Several(_))
    }

    /// Why a reading need not have all responses. `None` if it must have them.
    async fn why_incomplete(
        &self,
        after: &MetricsReading,
        lost: u64,
        gone: &[ExpositionSample],
        exposed: &ExposedMetrics,
    ) -> Option<NoCount> {
        if self.are_several().await {
            return Some(NoCount::SeveralProcesses);
        }
        if lost == 0 {
            return None;
        }
        let dropped = gone.iter().find(|series| !after.has_equal_start(self.before) || self.counts(series, exposed));
        match (self.lost_in_restart(after, exposed).await, dropped) {
            (Some(0), _) => Some(NoCount::Restarted),
            (Some(lost), Some(_)) => Some(NoCount::Lost(lost)),
            (None, Some(series)) => Some(NoCount::Dropped(describe(series))),
            (_, None) => None,
        }
    }

    /// Whether a series counts requests of the run.
    fn counts(&self, series: &ExpositionSample, exposed: &ExposedMetrics) -> bool {
        let mapping = exposed.mapping();
        let is_of_run = || self.run.requested().any(|(_, endpoint)| belongs_to_endpoint(series, mapping, endpoint));
        series.name == mapping.requests && (exposed.request_count() != RequestCount::ByRoute || is_of_run())
    }

    /// The responses that the backend did not count, and that no restart during the run explains:
    /// they are not in the store's scrapes, and did not come between two. `None` without a scraped
    /// restart.
    async fn lost_in_restart(&self, after: &MetricsReading, exposed: &ExposedMetrics) -> Option<u64> {
        let (run, target) = (self.run, self.backend.source.target);
        // Another process may serve the metrics than the one that restarts, as an exporter does.
        let metrics = target.join(exposed.mapping().path);
        if after.has_equal_start(self.before) && metrics.as_ref().is_ok_and(|url| url.origin() == target.origin()) {
            return None;
        }
        let restart = Restart::find(run, metrics.ok().as_ref()).await?;
        let counted = [after.samples.as_slice(), &restart.lost].concat();
        let count = count_since(run, &self.before.samples, &counted, exposed);
        Some(lost(run, &count, exposed).saturating_sub(restart.unseen(run.report)))
    }
}

/// A series as metrics show it.
fn describe(series: &ExpositionSample) -> String {
    let labels: Vec<_> = series.labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
    format!("{}{{{}}}", series.name, labels.join(","))
}
