//! The backend's own metrics over a run, as the store scraped them: objectives on them, and what its caches were worth.

use std::time::Duration;

use monitoring::backend_slo::BackendSlo;
use monitoring::stack_limits::SCRAPE_INTERVAL;
use perf_report::evidence::{BackendAnswer, Evidence};
use perf_report::{BackendValue, CacheResult};
use prometheus_store::QueryError;
use tokio::time;

use super::PreparedRun;
use crate::clock::{self, Epoch};
use crate::report::RunStore;

/// A store that was told of the backend when load began takes that long to look at its targets, and to scrape them.
const PATIENCE: Duration = Duration::from_secs(2 * SCRAPE_INTERVAL.as_secs() + 1);
const PAUSE: Duration = Duration::from_millis(500);

impl PreparedRun {
    /// Adds the values of the backend's own metrics that objectives are on, and its caches.
    pub(super) async fn ask_backend(&self, evidence: &mut Evidence, epoch: Epoch) {
        let catalogue = self.spec.catalogue;
        if catalogue.backend.is_empty() && catalogue.caches.is_empty() {
            return;
        }
        let Some(store) = &self.store else {
            let why = || Err("there is no store that scrapes the backend".to_owned());
            evidence.backend = catalogue.backend.iter().map(|slo| answer(slo, why())).collect();
            return;
        };
        loop {
            let now = clock::unix_ms(epoch.wall());
            let (answers, caches) = self.ask_backend_now(store, asked(evidence.started_unix_ms, now)).await;
            let is_there = answers.iter().all(|(answer, may_come)| answer.value.is_ok() || !may_come);
            let passed = u64::try_from(now - evidence.started_unix_ms).map_or(Duration::MAX, Duration::from_millis);
            // A run that sent nothing has nothing to be judged by, however long it is waited for.
            let is_hopeless = self.signals.came() || evidence.counts.requests().sent == 0;
            if is_there || is_hopeless || passed >= PATIENCE {
                evidence.backend = answers.into_iter().map(|(answer, _)| answer).collect();
                evidence.caches = caches;
                return;
            }
            time::sleep(PAUSE).await;
        }
    }

    /// The value of each objective, and whether it may be another in a moment; and the caches that something is known of.
    async fn ask_backend_now(&self, store: &RunStore, asked: Asked) -> (Vec<(BackendAnswer, bool)>, Vec<CacheResult>) {
        let catalogue = self.spec.catalogue;
        let is_scraped = store.is_backend_scraped(asked.at_unix_ms).await;
        if let Err(error) = &is_scraped {
            // Whoever does not answer that will answer nothing, and each question would be waited for.
            let unknown = |slo| (answer(slo, Err(error.to_string())), false);
            return (catalogue.backend.iter().map(unknown).collect(), Vec::new());
        }
        let mut answers = Vec::new();
        for slo in catalogue.backend {
            let found = value_of(store, slo, asked, &is_scraped).await;
            // A metric that a backend does not have will not come.
            let may_come = found.is_err() && !matches!(is_scraped, Ok(true) | Err(_));
            answers.push((answer(slo, found), may_come));
        }
        let mut caches = Vec::new();
        for cache in catalogue.caches {
            let (hits, all) = cache.hits_and_all(Duration::from_secs(asked.over_s));
            if let (Ok(Some(hits)), Ok(Some(lookups))) =
                (store.value(&hits, asked.at_unix_ms).await, store.value(&all, asked.at_unix_ms).await)
                && hits.is_finite()
                && lookups.is_finite()
                && lookups > 0.0
            {
                caches.push(CacheResult { name: cache.name.to_owned(), hits, lookups });
            }
        }
        (answers, caches)
    }
}

fn answer(slo: &BackendSlo, value: Result<BackendValue, String>) -> BackendAnswer {
    BackendAnswer { id: slo.id(), value }
}

/// When a value is asked for, Unix milliseconds, and the seconds before that it is about.
#[derive(Debug, Clone, Copy)]
struct Asked {
    at_unix_ms: i64,
    over_s: u64,
}

/// From when load began to a moment ago: a scrape that is under way now has a time before now, and would make another
/// answer of the same question later.
fn asked(started_unix_ms: i64, now_unix_ms: i64) -> Asked {
    let at_unix_ms = now_unix_ms - 1_000;
    let over_s = u64::try_from(at_unix_ms - started_unix_ms).unwrap_or_default().div_ceil(1_000);
    Asked { at_unix_ms, over_s: over_s.max(SCRAPE_INTERVAL.as_secs()) }
}

async fn value_of(
    store: &RunStore,
    slo: &BackendSlo,
    asked: Asked,
    is_scraped: &Result<bool, QueryError>,
) -> Result<BackendValue, String> {
    let Asked { at_unix_ms, over_s } = asked;
    match store.value(&slo.over_run(Duration::from_secs(over_s)), at_unix_ms).await {
        Ok(Some(value)) if value.is_finite() => Ok(BackendValue { value, over_s, at_unix_ms }),
        // JSON has no such number, and nothing can be promised of it.
        Ok(Some(value)) => Err(format!("its expression came to {value}")),
        Ok(None) if matches!(is_scraped, Ok(false)) => {
            Err("the store has not scraped the backend's /metrics: does it serve them, and is it listed?".to_owned())
        }
        Ok(None) => Err(format!("the backend does not tell: no data for {}", slo.expr)),
        Err(error) => Err(error.to_string()),
    }
}
