//! The backend of a proof, as it is known before the load.

use std::time::Duration;

use monitoring::backend_mapping::BackendMapping;

use super::backend_metrics::MetricsByPath;
use crate::backend::target_metrics::MetricsSource;

pub(crate) struct ProofBackend<'a> {
    pub(crate) source: MetricsSource<'a>,
    /// Whether it was started for this run. It then has metrics, and no other client uses it.
    pub(crate) is_own: bool,
    /// The mapping of its metrics, if the command line names one.
    pub(crate) mapping: Option<BackendMapping>,
    /// Whether redirects are followed. Responses may then come
    /// from other handlers than the endpoint's.
    pub(crate) follows_redirects: bool,
    /// Its metrics before the load.
    pub(crate) metrics: MetricsByPath,
    /// Time for which its counters must stand still before they count as final.
    pub(crate) still: Duration,
    /// Whether notes are suppressed (`--quiet`).
    pub(crate) quiet: bool,
}
