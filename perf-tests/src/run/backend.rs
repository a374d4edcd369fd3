//! The backend's own metrics during a run, as the store scraped them: values for objectives on
//! them, and hits of its caches.

use std::time::Duration;

use monitoring::backend_slo::BackendSlo;
use monitoring::catalogue::Catalogue;
use monitoring::intervals::SCRAPE_INTERVAL;
use perf_report::evidence::{BackendMeasurement, BackendValue, CacheResult, MissingValue};
use tokio::time;

use super::{FinishedLoad, PreparedRun};
use crate::clock;
use crate::evidence::RunStore;

/// Longest wait for the first scrape. Prometheus gets the backend as a target when the load begins;
/// it then takes up to one interval to read the target and one to scrape it.
const PATIENCE: Duration = Duration::from_secs(2 * SCRAPE_INTERVAL.as_secs() + 1);
const PAUSE: Duration = Duration::from_millis(500);

#[derive(Default)]
pub(super) struct BackendValues {
    /// One for each objective on them.
    pub(super) values: Vec<BackendMeasurement>,
    pub(super) caches: Vec<CacheResult>,
}

struct QueriedBackend {
    values: BackendValues,
    /// Whether a later query would give the same.
    is_final: bool,
}

impl BackendValues {
    /// Why objectives on the backend's own metrics have no value without a store.
    pub(super) fn without_store(catalogue: &Catalogue) -> Self {
        let unknown = |slo| measurement(slo, Err(MissingValue::NoStore));
        Self { values: catalogue.backend_slos.iter().map(unknown).collect(), caches: Vec::new() }
    }
}

impl PreparedRun {
    /// Queries the values of objectives on the backend's own metrics, and the hits of its caches.
    pub(super) async fn backend_values(&self, finished: &FinishedLoad) -> BackendValues {
        let catalogue = self.spec.catalogue;
        if catalogue.backend_slos.is_empty() && catalogue.caches.is_empty() {
            return BackendValues::default();
        }
        let Some(store) = &self.store else { return BackendValues::without_store(catalogue) };
        let started = clock::unix_ms(finished.started);
        loop {
            let now = clock::unix_ms(finished.run_clock.time_of_day());
            let found = self.query_backend(store, QueryRange::new(started, now)).await;
            let passed = u64::try_from(now - started).map_or(Duration::MAX, Duration::from_millis);
            // A run without requests is inconclusive anyway, so there is no point in waiting.
            let is_pointless = self.signals.is_interrupted() || finished.load.snapshot.requests().sent == 0;
            if found.is_final || is_pointless || passed >= PATIENCE {
                return found.values;
            }
            time::sleep(PAUSE).await;
        }
    }

    async fn query_backend(&self, store: &RunStore, range: QueryRange) -> QueriedBackend {
        let catalogue = self.spec.catalogue;
        let not_scraped = match store.is_backend_scraped(range.at_unix_ms).await {
            Ok(true) => None,
            Ok(false) => Some(store.why_not_scraped().await),
            Err(error) => {
                // Every other query would fail as well, each after its own timeout.
                let failed = || MissingValue::QueryFailed(error.to_string());
                let unknown = |slo| measurement(slo, Err(failed()));
                let values = catalogue.backend_slos.iter().map(unknown).collect();
                return QueriedBackend { values: BackendValues { values, caches: Vec::new() }, is_final: true };
            }
        };
        let mut values = Vec::new();
        for slo in catalogue.backend_slos {
            values.push(measurement(slo, query_value(store, slo, range, not_scraped.as_deref()).await));
        }
        let mut caches = Vec::new();
        for cache in catalogue.caches {
            let (hits, all) = cache.hits_and_all(Duration::from_secs(range.over_s));
            if let (Ok(Some(hits)), Ok(Some(lookups))) =
                (store.value(&hits, range.at_unix_ms).await, store.value(&all, range.at_unix_ms).await)
                && hits.is_finite()
                && lookups.is_finite()
                && lookups > 0.0
            {
                caches.push(CacheResult { name: cache.name.to_owned(), hits, lookups });
            }
        }
        // If the backend is scraped, a missing metric stays missing.
        let is_final = not_scraped.is_none() || values.iter().all(|measured| measured.value.is_ok());
        QueriedBackend { values: BackendValues { values, caches }, is_final }
    }
}

fn measurement(slo: &BackendSlo, value: Result<BackendValue, MissingValue>) -> BackendMeasurement {
    BackendMeasurement { id: slo.id(), value }
}

#[derive(Debug, Clone, Copy)]
struct QueryRange {
    /// Its end, in Unix milliseconds.
    at_unix_ms: i64,
    /// Its length, in seconds.
    over_s: u64,
}

impl QueryRange {
    /// From the start of the load to a second ago. A scrape that is under way gets a timestamp
    /// before now, so the same query up to now could give another value later.
    fn new(started_unix_ms: i64, now_unix_ms: i64) -> Self {
        let at_unix_ms = now_unix_ms - 1_000;
        let over_s = u64::try_from(at_unix_ms - started_unix_ms).unwrap_or_default().div_ceil(1_000);
        Self { at_unix_ms, over_s: over_s.max(SCRAPE_INTERVAL.as_secs()) }
    }
}

async fn query_value(
    store: &RunStore,
    slo: &BackendSlo,
    range: QueryRange,
    not_scraped: Option<&str>,
) -> Result<BackendValue, MissingValue> {
    let QueryRange { at_unix_ms, over_s } = range;
    match store.value(&slo.during_run(Duration::from_secs(over_s)), at_unix_ms).await {
        Ok(Some(value)) if value.is_finite() => Ok(BackendValue { value, over_s, at_unix_ms }),
        // JSON cannot represent it, and an objective cannot be judged by it.
        Ok(Some(value)) => Err(MissingValue::NotFinite(value.to_string())),
        Ok(None) => Err(not_scraped.map_or(MissingValue::NotExposed, |why| MissingValue::NotScraped(why.to_owned()))),
        Err(error) => Err(MissingValue::QueryFailed(error.to_string())),
    }
}
