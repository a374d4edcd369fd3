//! The scrapes of the backend in the store.

use std::time::Duration;

use monitoring::backend_metrics::scraped;
use monitoring::excuse::Excuse;
use monitoring::intervals::SCRAPE_INTERVAL;
use monitoring::promql::{Expr, Window};
use perf_settings::UnixTarget;

use super::exposed_metrics::{CountGranularity, ExposedMetrics};
use super::proof_backend::ProofBackend;
use crate::perf::prove::proven_run::{ProvenRun, now_ms};
use crate::perf::prove::store::proof_store::{ProofStore, StoreOrigin};

/// Number of scrapes from which on the backend's counters have a rate. No window helps a shorter
/// run: the backend becomes a target when the load begins, and may end with it.
const SCRAPES: u32 = 5;

/// Longest time between two scrapes, on average, with which every window of a rate has two.
const LONGEST_PAUSE: Duration = Duration::from_secs(SCRAPE_INTERVAL.as_secs() * 2);
/// The time in which the store must have scraped the backend.
const PAST: Window = Window::Fixed(Duration::from_secs(3600));
/// The least scrapes of a run for panels of rates.
const LEAST: f64 = 3.0;

/// The scrapes of a run that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FailedScrapes {
    None,
    Some,
    All,
}

/// The scrapes of the backend in the store, which is asked for them once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BackendScrapes {
    /// Why the store may have no data of the backend. `None` if it must have data.
    pub(crate) excuse: Option<Excuse>,
    /// Whether the store does not scrape the backend with the backend's job, though it has metrics.
    pub(crate) are_missing: bool,
}

impl BackendScrapes {
    pub(crate) async fn read(
        run: ProvenRun<'_>,
        exposed: &ExposedMetrics,
        store: &ProofStore<'_>,
        backend: &ProofBackend<'_>,
    ) -> Self {
        let ProvenRun { report, source, .. } = run;
        let is_socket = UnixTarget::from_url(backend.source.target).is_some();
        if exposed.unavailable_reason().is_some() {
            let excuse = if is_socket { Excuse::UnixSocket } else { Excuse::NoMetrics };
            return Self { excuse: Some(excuse), are_missing: false };
        }
        let scrapes = async |function, within, until_ms| {
            let up = scraped("up").within(Window::Fixed(within)).now();
            let value = Expr::Call(function, vec![up]).max_by(&[]);
            source.value(&value.to_string(), until_ms).await
        };
        let up = scrapes("max_over_time", Duration::from_secs(3600), now_ms()).await;
        let of_run = async |function| scrapes(function, report.duration(), report.run.ended_unix_ms).await;
        let (is_rare, failed) = match (of_run("sum_over_time").await, of_run("count_over_time").await) {
            // The stack's Prometheus gets the backend as a target, and must scrape it.
            (Ok(_), Ok(None | Some(0.0))) => (!store.is_own(), FailedScrapes::None),
            (Ok(worked), Ok(Some(all))) => {
                let worked = worked.unwrap_or_default();
                let seconds = report.duration().as_secs_f64();
                let failed = match worked {
                    _ if worked >= all => FailedScrapes::None,
                    0.0 => FailedScrapes::All,
                    _ => FailedScrapes::Some,
                };
                (worked < (seconds / LONGEST_PAUSE.as_secs_f64()).max(LEAST), failed)
            }
            // Any other problem appears as panels without data.
            (Err(_), _) | (_, Err(_)) => (false, FailedScrapes::None),
        };
        let path = exposed.mapping().path;
        let option = backend.source.unscraped_option(path);
        let certificate = backend.source.certificate_option(path).filter(|_| failed == FailedScrapes::All);
        let excuse = match up {
            _ if is_socket => Some(Excuse::UnixSocket),
            _ if option.is_some() => option.map(Excuse::OptionOfLoad),
            _ if report.duration() < SCRAPE_INTERVAL * SCRAPES => Some(Excuse::FewScrapes),
            // The stack's Prometheus gets the backend as a target. Other stores need not have it.
            Ok(None) if !store.is_own() => Some(Excuse::NotScraped),
            Ok(Some(1.0)) if !store.is_own() && is_another(run, exposed).await => Some(Excuse::NotScraped),
            Ok(Some(_)) if certificate.is_some() => certificate.map(Excuse::OptionOfLoad),
            Ok(Some(0.0)) if store.origin == (StoreOrigin::OwnStack { on_bridge: true }) => Some(Excuse::BridgeNetwork),
            Ok(Some(_)) if is_rare && failed != FailedScrapes::None && !backend.is_own => Some(Excuse::FailedScrapes),
            Ok(Some(_)) if is_rare && !backend.is_own => Some(Excuse::FewScrapes),
            // Any other problem appears as panels without data.
            _ => None,
        };
        let are_missing = excuse == Some(Excuse::NotScraped) || matches!(up, Ok(None));
        Self { excuse, are_missing: excuse != Some(Excuse::UnixSocket) && are_missing }
    }
}

/// Whether only another service has the backend's job in the store: the backend counts requests,
/// and the store has none of these counters.
async fn is_another(run: ProvenRun<'_>, exposed: &ExposedMetrics) -> bool {
    let mapping = exposed.mapping();
    let counters: Vec<_> = match exposed.granularity() {
        CountGranularity::NotOffered(_) => return false,
        CountGranularity::Total(_) => vec![scraped(mapping.requests)],
        CountGranularity::ByRoute => {
            let counted = run.requested().map(|(_, endpoint)| endpoint).filter(|endpoint| exposed.counts(endpoint));
            counted.filter_map(|endpoint| mapping.endpoint_series(mapping.requests, endpoint)).collect()
        }
    };
    let is_counted = !counters.is_empty();
    for series in counters {
        let found = run.source.value(&series.last(PAST).max_by(&[]).to_string(), now_ms()).await;
        if !matches!(found, Ok(None)) {
            return false;
        }
    }
    is_counted
}
