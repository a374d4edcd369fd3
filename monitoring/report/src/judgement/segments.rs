//! Latencies by segment of a scenario, such as the day of a game.

use std::borrow::Cow;
use std::collections::BTreeMap;

use monitoring::catalogue::Catalogue;
use monitoring::ratio::Ratio;
use monitoring::segment::Segment;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::{SegmentCounts, SegmentLatency, Snapshot};

/// Latencies of one segment of a scenario, by endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SegmentResult {
    /// The segment: "day 3".
    #[serde(rename = "name", with = "text")]
    #[schemars(with = "String")]
    pub segment: Segment<String>,
    /// Latencies by name of the endpoint.
    pub endpoints: BTreeMap<String, SegmentLatency>,
}

/// All segments in their order, over all loads of the run.
pub(super) fn results(catalogue: &Catalogue, snapshot: &Snapshot) -> Vec<SegmentResult> {
    let mut segments: BTreeMap<&Segment<Cow<'static, str>>, BTreeMap<usize, SegmentCounts>> = BTreeMap::new();
    for (segment, endpoints) in snapshot.parts.iter().flat_map(|part| &part.segments) {
        let all = segments.entry(segment).or_default();
        for (index, counts) in endpoints {
            all.entry(*index).and_modify(|all| all.merge(counts)).or_insert_with(|| counts.clone());
        }
    }
    let result =
        |(Segment(name, number), endpoints): (&Segment<Cow<'_, str>>, BTreeMap<usize, SegmentCounts>)| SegmentResult {
            segment: Segment(name.to_string(), *number),
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

/// A segment as text in JSON.
mod text {
    use monitoring::segment::Segment;
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(segment: &Segment<String>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(segment)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Segment<String>, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}
