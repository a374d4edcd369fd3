//! The latencies of an endpoint by both clocks, and the cause of their difference.

use perf_report::evidence::Generator;
use perf_report::format::finite_millis;
use serde::Serialize;

/// The latencies of one endpoint by both clocks, in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct EndpointClocks {
    pub(crate) name: String,
    /// Whether both clocks measured the same number of requests.
    #[serde(skip)]
    pub(crate) same_requests: bool,
    /// Whether the backend's times cannot have the unit of the mapping.
    #[serde(skip)]
    pub(crate) has_other_unit: bool,
    /// The client's mean of sending, waiting and receiving.
    pub(crate) client_mean: f64,
    /// The part of the client's mean for sending and receiving.
    pub(crate) on_the_wire: f64,
    pub(crate) backend_mean: f64,
    /// The client's p95, if it is finite.
    pub(crate) client_p95: Option<f64>,
    /// The bucket bounds around the backend's p95; `None` for an infinite upper bound.
    pub(crate) backend_p95: Option<(f64, Option<f64>)>,
    /// The share of time outside the backend by the responses' `Server-Timing`, from 0 to 1.
    pub(crate) outside: Option<f64>,
}

/// The cause of the time outside the backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ClockVerdict {
    /// The difference is within the tolerance.
    Agrees,
    /// The generator was busy and measured too late.
    Generator,
    /// The network: connections, or large responses.
    Network,
    /// Queues before the backend's clock starts: accept queue, event loop, proxy.
    Queueing,
    /// For the same requests, the backend measured more time than the client.
    LongerThanClient,
    /// The backend measured more time than the client, and has counted other requests.
    OtherRequests,
}

/// Tolerance between the clocks, in milliseconds. The larger of both tolerances applies.
const SLACK_MS: f64 = 5.0;
/// Tolerance between the clocks, as a share of the client's mean.
const SLACK_SHARE: f64 = 0.1;
/// Time that the backend may measure after its response, in milliseconds. An event loop can run
/// other handlers before it measures the end.
const AFTER_RESPONSE_MS: f64 = 25.0;
/// A generator thread with a higher processor share adds to the latencies it measures.
const BUSY: f64 = 0.8;
/// A thread that waits for a processor for a larger share of time adds to them, too.
const WAITING: f64 = 0.05;

impl EndpointClocks {
    fn slack(&self) -> f64 {
        SLACK_MS.max(self.client_mean * SLACK_SHARE)
    }

    pub(crate) fn gap(&self) -> f64 {
        self.client_mean - self.backend_mean
    }

    pub(crate) fn verdict(&self, generator: &Generator) -> ClockVerdict {
        let gap = self.gap();
        let p95_is_before = match (self.client_p95, self.backend_p95) {
            (Some(client), Some((from, _))) => client + AFTER_RESPONSE_MS < from,
            _ => false,
        };
        if gap < -self.slack().max(AFTER_RESPONSE_MS) || p95_is_before {
            if self.same_requests { ClockVerdict::LongerThanClient } else { ClockVerdict::OtherRequests }
        } else if gap <= self.slack() {
            ClockVerdict::Agrees
        } else if generator.cpu.is_some_and(|cpu| cpu > BUSY)
            || generator.run_queue.is_some_and(|queue| queue > WAITING)
        {
            ClockVerdict::Generator
        } else if self.on_the_wire * 2.0 >= gap {
            ClockVerdict::Network
        } else {
            ClockVerdict::Queueing
        }
    }

    /// The p95 of both clocks, if known:
    /// "p95 166.2 ms by the client, 100 to 500 ms by the backend's buckets".
    fn describe_p95(&self) -> Option<String> {
        let (from, to) = self.backend_p95?;
        let backend = to.map_or_else(|| format!("more than {from:.0} ms"), |to| format!("{from:.0} to {to:.0} ms"));
        Some(match self.client_p95 {
            Some(client) => format!("p95 {} by the client, {backend} by the backend's buckets", finite_millis(client)),
            None => format!("p95 {backend} by the backend's buckets"),
        })
    }

    /// The line about the endpoint: both latencies, and the cause of their difference. If they
    /// agree, it is the endpoint with the largest difference.
    pub(crate) fn describe(&self, verdict: ClockVerdict) -> String {
        let Self { name, client_mean, backend_mean, .. } = self;
        let p95 = self.describe_p95().map(|p95| format!("; {p95}")).unwrap_or_default();
        let (client, backend) = (finite_millis(*client_mean), finite_millis(*backend_mean));
        let means = format!("{name}: mean {client} by the client, {backend} by the backend{p95}");
        let cause = match verdict {
            ClockVerdict::Agrees => return format!("largest difference: {means}"),
            ClockVerdict::Generator => {
                "the generator was overloaded and added the difference; use fewer VUs or more cores"
            }
            ClockVerdict::Network => "most of the difference is sending and receiving: the network, or large responses",
            ClockVerdict::Queueing => {
                "requests waited before the backend's code, in its accept queue, its event loop or a proxy"
            }
            ClockVerdict::LongerThanClient => {
                "the backend's time exceeds the client's for the same requests: it works on after its response (background \
                 tasks), or its clock or unit is wrong"
            }
            ClockVerdict::OtherRequests => "not comparable, since the backend also counted other requests",
        };
        format!("{means}: {cause}")
    }
}

/// The latencies of an endpoint by both clocks, and the verdict on their difference.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ClockComparison {
    #[serde(flatten)]
    pub(crate) clocks: EndpointClocks,
    pub(crate) verdict: ClockVerdict,
}
