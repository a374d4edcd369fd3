//! The scrapes of the backend in the store.

use std::time::Duration;

use monitoring::backend_metrics::scraped;
use monitoring::excuse::Excuse;
use monitoring::intervals::SCRAPE_INTERVAL;
use monitoring::promql::{Expr, Window};
use perf_report::Report;
use perf_settings::UnixTarget;

use super::exposed_metrics::ExposedMetrics;
use super::query_source::QuerySource;
use super::{ProofContext, now_ms};

/// Number of scrapes from which on the backend's counters have a rate. No window helps a shorter
/// run: the backend becomes a target when the load begins, and may end with it.
const SCRAPES: u32 = 5;

/// The scrapes of the backend in the store, which is asked for them once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BackendScrapes {
    /// Why the store may have no data of the backend. `None` if it must have data.
    pub(super) excuse: Option<Excuse>,
    /// Whether the store scrapes no target of the backend's job, though the backend has metrics.
    pub(super) are_missing: bool,
}

impl BackendScrapes {
    pub(super) async fn read(
        report: &Report,
        exposed: &ExposedMetrics,
        source: &QuerySource,
        context: &ProofContext<'_>,
    ) -> Self {
        let ProofContext { store, backend, .. } = context;
        let is_socket = UnixTarget::from_url(backend.source.target).is_some();
        if exposed.missing().is_some() {
            let excuse = if is_socket { Excuse::UnixSocket } else { Excuse::NoMetrics };
            return Self { excuse: Some(excuse), are_missing: false };
        }
        let last_hour = scraped("up").within(Window::Fixed(Duration::from_secs(3600))).now();
        let up = Expr::Call("max_over_time", vec![last_hour]).max_by(&[]);
        let up = source.value(&up.to_string(), now_ms()).await;
        let excuse = match up {
            _ if is_socket => Some(Excuse::UnixSocket),
            _ if report.duration() < SCRAPE_INTERVAL * SCRAPES => Some(Excuse::FewScrapes),
            // The stack's Prometheus gets the backend as a target. Other stores need not have it.
            Ok(None) if !store.is_own => Some(Excuse::NotScraped),
            Ok(Some(0.0)) if store.is_on_a_bridge => Some(Excuse::BridgeNetwork),
            Ok(Some(0.0)) if !backend.is_own => Some(Excuse::FailedScrapes),
            // Any other problem appears as panels without data.
            _ => None,
        };
        Self { excuse, are_missing: excuse != Some(Excuse::UnixSocket) && matches!(up, Ok(None)) }
    }
}
