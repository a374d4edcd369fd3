//! Reads the backend's counters after the load.

use std::ops::ControlFlow;
use std::time::Duration;

use perf_report::format;
use prometheus_store::exposition::ExpositionSample;
use tokio::time::{self, Instant};
use url::Url;

use super::backend_count::{BackendCount, NoCount, awaited, count_since, lost, uncounted};
use super::backend_metrics::{self, BackendMetrics, HighestCounts, MetricsReading};
use super::exposed_metrics::{CountGranularity, ExposedMetrics};
use super::proof_backend::ProofBackend;
use super::request_counters::belongs_to_endpoint;
use super::restart::Restart;
use crate::backend::target_metrics::NoMetrics;
use crate::host::clock;
use crate::host::terminal::print_note;
use crate::perf::prove::proven_run::ProvenRun;

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
const METRICS_LATENESS: Duration = Duration::from_secs(45);

/// The counts of a backend, read after the load of a run.
pub(crate) struct BackendReader<'a> {
    pub(crate) run: ProvenRun<'a>,
    /// Its metrics before the load.
    pub(crate) before: &'a MetricsReading,
    pub(crate) backend: &'a ProofBackend<'a>,
}

/// A wait for counters that lack responses.
///
/// Metrics may be late by a fixed time, because they are cached or collected from workers. Caches
/// usually keep a page for 10 or 15 s. Counters count as final once they have not changed for a
/// longer time.
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
        !self.stands_still(now) && now - self.begin < METRICS_LATENESS
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
                perf_settings::shown_duration(METRICS_LATENESS)
            ));
            self.is_silent = true;
        }
        time::sleep(LATE_PAUSE.min(self.still)).await;
    }
}

/// The readings after the load, up to the last one.
struct Readings {
    /// The highest counts up to now, those before the load included.
    known: HighestCounts,
    wait: CounterWait,
    /// Whether a reading had counters that had not gone back.
    has_counters: bool,
    /// Number of readings that lacked responses.
    incomplete: u32,
    /// Whether it was checked if several processes respond.
    is_checked: bool,
    first_page: Option<Vec<ExpositionSample>>,
    is_same_page: bool,
}

/// The pause before another reading.
enum ReadingPause {
    Short,
    /// The metrics may be late.
    Late,
}

impl Readings {
    fn new(reader: &BackendReader<'_>) -> Self {
        let mut known = HighestCounts::default();
        known.add(reader.before, &[reader.run.catalogue.mapping]);
        let wait = CounterWait::new(reader.backend);
        Self {
            known,
            wait,
            has_counters: false,
            incomplete: 0,
            is_checked: false,
            first_page: None,
            is_same_page: true,
        }
    }

    fn compare_page(&mut self, after: &MetricsReading) {
        let first = self.first_page.get_or_insert_with(|| after.samples.clone());
        self.is_same_page &= *first == after.samples;
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
    pub(crate) async fn read(&self) -> Result<(BackendCount, ExposedMetrics), NoMetrics> {
        let mapping = self.run.catalogue.mapping;
        let mut readings = Readings::new(self);
        loop {
            let after = self.read_once().await?;
            readings.compare_page(&after);
            let setbacks = readings.known.setbacks(&after);
            let next = if !after.is_same_process(self.before) || setbacks.iter().any(|setback| !setback.is_missing) {
                self.judge_reset(&after, &mut readings).await
            } else {
                readings.known.add(&after, &[mapping]);
                // A series that is gone has at least what it had when it was last read.
                let gone: Vec<_> = setbacks.into_iter().map(|setback| setback.earlier).collect();
                self.judge_counters(&after, &gone, &mut readings).await
            };
            match next {
                ControlFlow::Break(counted) => return Ok(counted),
                ControlFlow::Continue(ReadingPause::Short) => time::sleep(PAUSE).await,
                ControlFlow::Continue(ReadingPause::Late) => readings.wait.pause().await,
            }
        }
    }

    /// Judges a reading whose counters went back, or that comes from another process.
    async fn judge_reset(
        &self,
        after: &MetricsReading,
        readings: &mut Readings,
    ) -> ControlFlow<(BackendCount, ExposedMetrics), ReadingPause> {
        let exposed = self.exposed(after.samples.clone());
        let is_same = after.is_same_process(self.before);
        // Between two readings after the load, counters of one process do not go back.
        let several = is_same && readings.has_counters
            || !is_same && after.has_equal_start(self.before)
            || !readings.is_checked && self.are_several().await;
        if several {
            return ControlFlow::Break((BackendCount::Unknown(NoCount::SeveralProcesses), exposed));
        }
        readings.is_checked = true;
        let lost = self.lost_in_restart(after, &exposed).await.unwrap_or_default();
        if lost > 0 && readings.wait.may_change(lost) {
            return ControlFlow::Continue(ReadingPause::Late);
        }
        let why = if lost > 0 { NoCount::Lost(lost) } else { NoCount::Restarted };
        ControlFlow::Break((BackendCount::Unknown(why), exposed))
    }

    /// Judges a reading of the process that had the load.
    async fn judge_counters(
        &self,
        after: &MetricsReading,
        gone: &[ExpositionSample],
        readings: &mut Readings,
    ) -> ControlFlow<(BackendCount, ExposedMetrics), ReadingPause> {
        let run = self.run;
        readings.has_counters = true;
        // A page that is the same as before the load is cached. It may lack whole series.
        let is_unchanged = !after.samples.is_empty() && after.samples == self.before.samples;
        if is_unchanged && readings.wait.may_change(run.report.requests.sent) {
            return ControlFlow::Continue(ReadingPause::Late);
        }
        let samples = [&after.samples[..], gone].concat();
        let exposed = self.exposed(samples.clone());
        let count = count_since(run, &self.before.samples, &samples, &exposed);
        if uncounted(run, &count, &exposed) == 0 {
            return ControlFlow::Break((count, exposed));
        }
        readings.incomplete += 1;
        if readings.incomplete < PROMPT_READINGS {
            return ControlFlow::Continue(ReadingPause::Short);
        }
        let lost_count = lost(run, &count, &exposed);
        let awaited = awaited(run, &count, &exposed);
        let is_final = awaited == 0 || !readings.wait.may_change(awaited);
        if !is_final && readings.is_checked {
            return ControlFlow::Continue(ReadingPause::Late);
        }
        readings.is_checked = true;
        let mut why = self.why_incomplete(after, lost_count, gone, &exposed).await;
        if !is_final && !matches!(why, Some(NoCount::SeveralProcesses | NoCount::Restarted)) {
            return ControlFlow::Continue(ReadingPause::Late);
        }
        if why.is_none() && lost_count > 0 {
            // A process that collects metrics may export them only once a minute.
            let is_late = readings.is_same_page && !self.is_at_target();
            if is_late || !readings.wait.stands_still(clock::instant()) {
                why = Some(NoCount::Late);
            } else if !after.is_identified(&[run.catalogue.mapping]) {
                why = Some(NoCount::Unidentified);
            }
        }
        ControlFlow::Break((why.map_or(count, BackendCount::Unknown), exposed))
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

    /// Whether several processes respond now. The readings before the load may not have reached the
    /// process that counted the missing requests.
    async fn are_several(&self) -> bool {
        let mapping = self.run.catalogue.mapping;
        let metrics = backend_metrics::read(self.backend.source, mapping.path, &[mapping]).await;
        matches!(metrics, BackendMetrics::Several(_))
    }

    /// Why a reading may lack responses. `None` if it must have all of them.
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
        series.name == mapping.requests && (exposed.granularity() != CountGranularity::ByRoute || is_of_run())
    }

    /// The responses that the backend did not count, and that no restart during the run explains.
    /// They are not in the store's scrapes, and did not come between two scrapes. `None` without a
    /// scraped restart.
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
