//! Reads the backend's counters after the load.

use std::time::Duration;

use perf_report::format;
use prometheus_store::exposition::ExpositionSample;
use tokio::time::{self, Instant};
use url::Url;

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
const PROMPT_READINGS: u32 = 15;
/// Number of attempts to read the metrics, before they count as not available.
const ATTEMPTS: u32 = 4;
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
/// that stand still need not be final. They count as final after a time that is longer than usual
/// caches keep a page (10 or 15 s).
struct CounterWait {
    begin: Instant,
    /// When they last had more of the responses than before.
    moved: Instant,
    lost: u64,
    still: Duration,
    is_silent: bool,
}

impl CounterWait {
    fn new(backend: &ProofBackend<'_>) -> Self {
        let now = clock::instant();
        Self { begin: now, moved: now, lost: u64::MAX, still: backend.still, is_silent: backend.quiet }
    }

    /// Whether counters that lack this number of responses may still get them.
    fn may_change(&mut self, lost: u64) -> bool {
        let now = clock::instant();
        if lost < self.lost {
            (self.moved, self.lost) = (now, lost);
        }
        !self.stands_still(now) && now - self.begin < LATENESS
    }

    fn stands_still(&self, now: Instant) -> bool {
        now - self.moved >= self.still
    }

    /// Waits for the next reading. Prints once why.
    async fn pause(&mut self) {
        if !self.is_silent {
            print_note(&format!(
                "the backend's metrics lack {} and may be late: waiting until they have not changed for {}, {} at most",
                format::counted(self.lost, "response"),
                perf_settings::shown_duration(self.still),
                perf_settings::shown_duration(LATENESS)
            ));
            self.is_silent = true;
        }
        time::sleep(LATE_PAUSE.min(self.still)).await;
    }
}

impl BackendReader<'_> {
    /// The metrics of a reading, with the series that are gone.
    fn exposed(&self, samples: Vec<ExpositionSample>) -> ExposedMetrics {
        let metrics = BackendMetrics::One(MetricsReading::new(samples));
        ExposedMetrics::new(metrics, self.run.catalogue.mapping, self.backend.is_own)
    }

    /// Reads the counters until they have all responses, or until they count as final.
    ///
    /// # Errors
    /// If the metrics cannot be read, in several attempts.
    pub(super) async fn read(&self) -> Result<(BackendCount, ExposedMetrics), NoMetrics> {
        let (run, mapping) = (self.run, self.run.catalogue.mapping);
        let (mut readings, mut is_again, mut is_checked) = (0, false, false);
        let (mut known, mut wait) = (HighestCounts::default(), CounterWait::new(self.backend));
        known.add(self.before, &[mapping]);
        let (mut first, mut is_same_page) = (None, true);
        loop {
            let after = self.read_once().await?;
            is_same_page &= *first.get_or_insert_with(|| after.samples.clone()) == after.samples;
            let setbacks = known.setbacks(&after);
            let is_same = after.is_same_process(self.before);
            if !is_same || setbacks.iter().any(|setback| !setback.is_missing) {
                let exposed = self.exposed(after.samples.clone());
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
            // A page that is the same as before the load is cached. It may lack whole series.
            let is_unchanged = !after.samples.is_empty() && after.samples == self.before.samples;
            if is_unchanged && wait.may_change(run.report.requests.sent) {
                wait.pause().await;
                continue;
            }
            // A series that is gone has at least what it had when it was last read.
            let gone: Vec<_> = setbacks.into_iter().map(|setback| setback.earlier).collect();
            let samples = [&after.samples[..], &gone].concat();
            let exposed = self.exposed(samples.clone());
            let count = count_since(run, &self.before.samples, &samples, &exposed);
            readings += 1;
            if missing(run, &count, &exposed) == 0 {
                return Ok((count, exposed));
            }
            if readings < PROMPT_READINGS {
                time::sleep(PAUSE).await;
                continue;
            }
            let lost = lost(run, &count, &exposed);
            let is_final = lost == 0 || !wait.may_change(lost);
            if is_final || !is_checked {
                is_checked = true;
                let why = self.why_incomplete(&after, lost, &gone, &exposed).await;
                let is_explained = matches!(why, Some(NoCount::SeveralProcesses | NoCount::Restarted));
                // A process that collects metrics may export them only once a minute.
                let is_late = is_same_page && !self.is_at_target() || !wait.stands_still(clock::instant());
                let is_unidentified = lost > 0 && is_final && !after.is_identified(&[mapping]);
                let why = why.or((lost > 0 && is_final && is_late).then_some(NoCount::Late));
                let why = why.or(is_unidentified.then_some(NoCount::Unidentified));
                if is_final || is_explained {
                    return Ok((why.map_or(count, BackendCount::Unknown), exposed));
                }
            }
            wait.pause().await;
        }
    }

    /// Reads the metrics, again if that fails.
    async fn read_once(&self) -> Result<MetricsReading, NoMetrics> {
        let path = self.run.catalogue.mapping.path;
        for _ in 1..ATTEMPTS {
            if let Ok(reading) = backend_metrics::read_once(self.backend.source, path).await {
                return Ok(reading);
            }
            time::sleep(PAUSE).await;
        }
        backend_metrics::read_once(self.backend.source, path).await
    }

    fn url(&self) -> Option<Url> {
        self.backend.source.target.join(self.run.catalogue.mapping.path).ok()
    }

    /// Whether the target itself serves the metrics. Otherwise another process does, such as an
    /// exporter. It may run on when the target restarts.
    fn is_at_target(&self) -> bool {
        self.url().is_some_and(|url| url.origin() == self.backend.source.target.origin())
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
        let run = self.run;
        if after.has_equal_start(self.before) && self.is_at_target() {
            return None;
        }
        let restart = Restart::find(run, self.url().as_ref()).await?;
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
