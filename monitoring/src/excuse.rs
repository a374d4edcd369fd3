//! Reasons why a query may have no data after a good run.

/// Reason why a query of a panel, a rule or an alert may have no data after a good run. Its text
/// completes "may be empty: …".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Excuse {
    /// The objective judges a part that only some scenarios have.
    #[error("not every scenario has this part")]
    OtherParts,
    /// The objective judges a segment that only some scenarios have.
    #[error("not every scenario has this segment")]
    OtherSegments,
    /// The objective judges phases that only some loads have.
    #[error("not every load has these phases")]
    OtherPhases,
    /// Only some scenarios record the measure.
    #[error("not every scenario records this measure")]
    OtherMeasures,
    /// Only some scenarios have the check.
    #[error("not every scenario has every check")]
    OtherChecks,
    /// Values a second need a whole window.
    #[error("a run of a minute is shorter than the window")]
    NoWholeWindow,
    /// Response times begin at an arrival.
    #[error("only open loads have response times")]
    NoResponseTimes,
    /// The load has no arrivals.
    #[error("closed loads have no arrivals")]
    NoArrivals,
    /// The load has no warm-up and no ramps.
    #[error("a load without warm-up or ramps is always steady")]
    AlwaysSteady,
    /// No request opened a connection in the window.
    #[error("requests on a reused connection do not connect")]
    ReusedConnections,
    /// The window has no time after the run.
    #[error("the time range ends with the run, so it does not include the end mark")]
    EndsWithRun,
    /// A long window has steps that are longer than an annotation's mark.
    #[error("in a window of hours, a step is longer than the mark")]
    LongSteps,
    /// The health of the generator.
    #[error("measured only on Linux")]
    MeasuredOnLinux,
    /// Metrics of the backend's process.
    #[error("process metrics exist only on Linux")]
    ProcessOnLinux,
    /// The gauge of requests in flight.
    #[error("not every backend exposes it; FastAPI does with should_instrument_requests_inprogress")]
    NoRequestsInFlight,
    /// The metric of an objective on the backend's own metrics.
    #[error("the backend does not serve this metric, so the objective is inconclusive")]
    NoObjectiveMetric,
    /// A metric of the backend's requests.
    #[error("the backend does not expose it")]
    NotExposed,
    /// The backend has no metrics.
    #[error("the backend has no metrics")]
    NoMetrics,
    /// The target is a Unix socket.
    #[error("Prometheus cannot scrape a Unix socket")]
    UnixSocket,
    /// The store has no scrapes of the backend.
    #[error("this Prometheus does not scrape the backend")]
    NotScraped,
    /// Every scrape failed, because the store has a network of its own.
    #[error("Prometheus is in a bridge network and cannot reach the backend, which listens only on 127.0.0.1")]
    BridgeNetwork,
    /// Every scrape failed.
    #[error("Prometheus could not read the backend's metrics: its page /targets says why")]
    FailedScrapes,
    /// The run had too few scrapes for a rate.
    #[error("the run was too short for the backend to be scraped often enough")]
    FewScrapes,
    /// The run had too few pushes for a line.
    #[error("a run with only a few pushes has too few points for lines")]
    FewPushes,
    /// No requests were made to the query's endpoints.
    #[error("the run made no request to these endpoints")]
    NotRequested,
    /// An alert has a value only while it fires.
    #[error("the alert does not fire")]
    NoAlert,
}
