//! Reasons why a query may have no data after a good run.

/// Reason why a query of a panel, a rule or an alert may have no data after a good run. Its text
/// completes "may be empty: …".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[expect(missing_docs, reason = "each message says what its variant means")]
pub enum Excuse {
    #[error("not every scenario has this part")]
    OtherParts,
    #[error("not every scenario has this segment")]
    OtherSegments,
    #[error("not every load has these phases")]
    OtherPhases,
    #[error("not every scenario records this measure")]
    OtherMeasures,
    #[error("not every scenario has every check")]
    OtherChecks,
    #[error("a run of a minute is shorter than the window")]
    NoWholeWindow,
    #[error("only open loads have response times")]
    NoResponseTimes,
    #[error("closed loads have no arrivals")]
    NoArrivals,
    #[error("a load without warm-up or ramps is always steady")]
    AlwaysSteady,
    #[error("requests on a reused connection do not connect")]
    ReusedConnections,
    #[error("the time range ends with the run, so it does not include the end mark")]
    EndsWithRun,
    #[error("in a window of hours, a step is longer than the mark")]
    LongSteps,
    #[error("measured only on Linux")]
    MeasuredOnLinux,
    #[error("process metrics exist only on Linux")]
    ProcessOnLinux,
    #[error("not every backend exposes it; FastAPI does with should_instrument_requests_inprogress")]
    NoRequestsInFlight,
    #[error("the backend does not serve this metric, so the objective is inconclusive")]
    NoObjectiveMetric,
    #[error("the backend does not expose it")]
    NotExposed,
    #[error("the backend has no metrics")]
    NoMetrics,
    #[error("Prometheus cannot scrape a Unix socket")]
    UnixSocket,
    #[error("Prometheus has no {0} for its scrapes, so it does not read the backend's metrics")]
    OptionOfLoad(&'static str),
    #[error("this Prometheus does not scrape the backend")]
    NotScraped,
    #[error("Prometheus is in a bridge network and cannot reach the backend, which listens only on 127.0.0.1")]
    BridgeNetwork,
    #[error("Prometheus could not read the backend's metrics: its page /targets says why")]
    FailedScrapes,
    #[error("the backend was scraped too rarely in this run for rates")]
    FewScrapes,
    #[error("too few pushes have values for a line")]
    FewPushes,
    #[error("the run made no request to these endpoints")]
    NotRequested,
    #[error("the alert does not fire")]
    NoAlert,
}
