//! Latencies by segment of a scenario, such as the day of a game.

use std::collections::BTreeMap;

use monitoring::catalogue::Catalogue;
use monitoring::ratio::Ratio;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::{SegmentCounts, SegmentKey, SegmentLatency, Snapshot};

/// Latencies of one segment of a scenario, by endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SegmentResult {
    /// Name of the segment: "day 3".
    pub name: String,
    /// Latencies by name of the endpoint.
    pub endpoints: BTreeMap<String, SegmentLatency>,
}

/// All segments in their order, over all loads of the run.
pub(super) fn results(catalogue: &Catalogue, snapshot: &Snapshot) -> Vec<SegmentResult> {
    let mut segments: BTreeMap<SegmentKey, BTreeMap<usize, SegmentCounts>> = BTreeMap::new();
    for (segment, endpoints) in snapshot.parts.iter().flat_map(|part| &part.segments) {
        let all = segments.entry(segment.clone()).or_default();
        for (index, counts) in endpoints {
            all.entry(*index).and_modify(|all| all.merge(counts)).or_insert_with(|| counts.clone());
        }
    }
    let result = |((name, number), endpoints): (SegmentKey, BTreeMap<usize, SegmentCounts>)| SegmentResult {
        name: format!("{name} {number}"),
        endpoints: endpoints
            .iter()
            .map(|(index, counts)| (catalogue.endpoints[*index].name.to_owned(), latency(counts)))
            .collect(),
    };
    segments.into_iter().map(result).collect()
}

fn latency(counts: &SegmentCounts) -> SegmentLatency {
    let ranked = counts.succeeded.ranked(counts.failed);
    let quantile = |percent| ranked.quantile(Ratio::percent(percent));
    let (requests, failed) = (ranked.requests(), counts.failed);
    SegmentLatency { requests, failed, p50_ms: quantile(50), p95_ms: quantile(95) }
}
