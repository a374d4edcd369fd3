//! The timeline of a run: counts and quantiles of sections of equal length.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::millis::Millis;
use crate::quantile::CurvePoint;
use monitoring::phase::Phase;
use monitoring::ratio::Ratio;

/// Timeline of a run. Longer runs have longer sections, so there are at most a few hundred.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Timeline {
    /// Length of a section in milliseconds. The last one can be shorter. One can be longer if the
    /// generator was delayed.
    pub interval_ms: u64,
    /// Sections from the start of the load to its end.
    pub slices: Vec<Slice>,
}

/// A section of the timeline.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Slice {
    /// Beginning, in milliseconds after load began.
    pub from_ms: u64,
    /// End, in milliseconds after load began.
    pub to_ms: u64,
    /// Phase of the load at the middle of the section. `None` if the load was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// VUs planned at the middle of the section. For an open load, its limit on VUs.
    pub planned_vus: u32,
    /// VUs active at the end of the section.
    pub vus: u32,
    /// Arrivals that were due. `None` for a closed load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<u64>,
    /// Arrivals that were started. `None` for a closed load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun: Option<u64>,
    /// Requests that finished, warm-up included.
    pub requests: u64,
    /// Requests that finished and failed.
    pub failed: u64,
    /// Results by endpoint, without endpoints that had no requests after warm-up.
    pub endpoints: BTreeMap<String, EndpointSlice>,
}

/// Requests of an endpoint after warm-up in a section. Failed requests count as infinitely slow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EndpointSlice {
    /// Requests that finished in the section, failed ones included.
    pub requests: u64,
    /// Requests that finished and failed.
    pub failed: u64,
    /// Requests within the threshold of the endpoint's objective on latency. `None` without such an
    /// objective.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub good: Option<u64>,
    /// Median latency. Infinite if half of the requests failed.
    pub p50_ms: Millis,
    /// 95th percentile of latency. Infinite if more than 5 % of the requests failed.
    pub p95_ms: Millis,
    /// Other percentiles of latency that objectives limit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub further: Vec<CurvePoint>,
}

impl EndpointSlice {
    /// A percentile of latency. `None` if no objective limits it.
    pub(crate) fn percentile(&self, q: Ratio) -> Option<Millis> {
        match q.as_ppm() {
            500_000 => Some(self.p50_ms),
            950_000 => Some(self.p95_ms),
            ppm => self.further.iter().find(|point| point.ppm == ppm).map(|point| point.ms),
        }
    }
}
