//! The backend's own metrics during a run, as the store scraped them: values for objectives on
//! them, and hits of its caches.

use std::time::{Duration, SystemTime};

use monitoring::backend_slo::BackendSlo;
use monitoring::catalogue::Catalogue;
use monitoring::intervals::SCRAPE_INTERVAL;
use perf_report::evidence::{BackendMeasurement, BackendValue, CacheResult, MissingValue};
use prometheus_store::QueryError;
use tokio::time;

use super::{FinishedLoad, PreparedRun};
use crate::clock;
use crate::evidence::{RunStore, STORE_LATENESS};

/// Longest wait for the first scrape. Prometheus gets the backend as a target when the load begins;
/// it then takes up to one interval to read the target and one to scrape it.
const FIRST_SCRAPE: Duration = Duration::from_secs(2 * SCRAPE_INTERVAL.as_secs() + 1);
const PAUSE: Duration = Duration::from_millis(500);
/// Age of the newest scrape that is queried. A scrape that is under way gets a timestamp before
/// now, so the same query up to now could give another value later.
const SETTLED: Duration = Duration::from_secs(1);

#[derive(Default)]
pub(super) struct BackendValues {
    /// One for each objective on them.
    pub(super) values: Vec<BackendMeasurement>,
    pub(super) caches: Vec<CacheResult>,
}

struct QueriedBackend {
    values: BackendValues,
    state: StoreState,
}

/// Scrapes of a run that the store shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum StoreState {
    /// Everything that it will have. A later query would give the same.
    Complete,
    /// No scrape. The first one may still come.
    NotScraped,
    /// Not the last scrapes, or no response. An agent that scrapes for a store sends samples later
    /// than it made them.
    Late,
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
        // A run without requests is inconclusive anyway, so there is no point in waiting.
        let is_pointless = || self.signals.is_interrupted() || finished.load.snapshot.requests().sent == 0;
        loop {
            let now = finished.run_clock.time_of_day();
            let is_last = |state| is_pointless() || now >= last_query(finished, state);
            let newest = store.newest_scrape(clock::unix_ms(now)).await;
            if is_last(StoreState::after_scrape(&newest, finished.ended)) {
                let range = QueryRange::new(finished, newest.ok().flatten(), now);
                let found = self.query_backend(store, range).await;
                if is_last(found.state) {
                    return found.values;
                }
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
                let (missing, state) = failed_query(&error);
                let unknown = |slo| measurement(slo, Err(missing.clone()));
                let values = catalogue.backend_slos.iter().map(unknown).collect();
                return QueriedBackend { values: BackendValues { values, caches: Vec::new() }, state };
            }
        };
        let (mut values, mut state) = (Vec::new(), StoreState::Complete);
        for slo in catalogue.backend_slos {
            let value = query_value(store, slo, range, not_scraped.as_deref()).await;
            let value = value.map_err(|(missing, its_state)| {
                state = state.max(its_state);
                missing
            });
            values.push(measurement(slo, value));
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
        QueriedBackend { values: BackendValues { values, caches }, state }
    }
}

impl StoreState {
    /// The state of a store that shows this newest scrape, after a load that ended at `ended`.
    fn after_scrape(newest: &Result<Option<SystemTime>, QueryError>, ended: SystemTime) -> Self {
        match newest {
            Ok(Some(newest)) if *newest >= ended => Self::Complete,
            Ok(Some(_)) => Self::Late,
            Ok(None) => Self::NotScraped,
            Err(error) => failed_query(error).1,
        }
    }
}

/// When the store is queried for the last time if it is in this state.
fn last_query(finished: &FinishedLoad, state: StoreState) -> SystemTime {
    match state {
        StoreState::Complete => finished.ended + SETTLED,
        StoreState::NotScraped => finished.started + FIRST_SCRAPE,
        StoreState::Late => finished.ended + STORE_LATENESS,
    }
}

fn failed_query(error: &QueryError) -> (MissingValue, StoreState) {
    let state = if error.is_temporary() { StoreState::Late } else { StoreState::Complete };
    (MissingValue::QueryFailed(error.to_string()), state)
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
    /// From the start of the load to its end. The time after it is not the load's: the service may
    /// be idle until `now`. Only if the load was shorter than the wait for a first scrape, the
    /// newest scrape is in the range, too.
    fn new(finished: &FinishedLoad, newest_scrape: Option<SystemTime>, now: SystemTime) -> Self {
        let first_scrape = newest_scrape.unwrap_or(now).min(finished.started + FIRST_SCRAPE);
        let at = first_scrape.max(finished.ended).min(now - SETTLED);
        let (started_ms, at_unix_ms) = (clock::unix_ms(finished.started), clock::unix_ms(at));
        let over_s = u64::try_from(at_unix_ms - started_ms).unwrap_or_default().div_ceil(1_000);
        Self { at_unix_ms, over_s: over_s.max(SCRAPE_INTERVAL.as_secs()) }
    }
}

/// Length of a range without its first `lookback`, in seconds. Values in that time have samples
/// from before the load. If little would be left, the whole range counts.
fn seconds_without(lookback: Duration, over_s: u64) -> u64 {
    let rest = over_s.checked_sub(lookback.as_secs());
    rest.filter(|rest| *rest >= SCRAPE_INTERVAL.as_secs()).unwrap_or(over_s)
}

/// The value of an objective, or why it is missing, and what that says of the store.
async fn query_value(
    store: &RunStore,
    slo: &BackendSlo,
    range: QueryRange,
    not_scraped: Option<&str>,
) -> Result<BackendValue, (MissingValue, StoreState)> {
    let QueryRange { at_unix_ms, over_s } = range;
    let over_s = seconds_without(slo.lookback(), over_s);
    match store.value(&slo.during_run(Duration::from_secs(over_s)), at_unix_ms).await {
        Ok(Some(value)) if value.is_finite() => Ok(BackendValue { value, over_s, at_unix_ms }),
        // JSON cannot represent it, and an objective cannot be judged by it.
        Ok(Some(value)) => Err((MissingValue::NotFinite(value.to_string()), StoreState::Complete)),
        Ok(None) => Err(match not_scraped {
            Some(why) => (MissingValue::NotScraped(why.to_owned()), StoreState::NotScraped),
            // If the backend is scraped, a missing metric stays missing.
            None => (MissingValue::NotExposed, StoreState::Complete),
        }),
        Err(error) => Err(failed_query(&error)),
    }
}

#[cfg(test)]
mod tests;
