//! Counts and durations of requests in the backend's metrics.

use std::collections::BTreeMap;

use monitoring::backend_mapping::BackendMapping;
use monitoring::endpoint::Endpoint;
use monitoring::label::{LE, Label};
use monitoring::ratio::Ratio;
use perf_report::evidence::StatusKey;
use perf_report::quantile::nearest_rank;
use prometheus_store::exposition::ExpositionSample;

/// Limit on a count. A sum over the most series of a text fits in 64 bits.
const MAX_COUNT: f64 = 1e13;

/// Whether a backend's value can be a count or a sum of durations: not NaN, infinite or negative.
pub(crate) fn is_count(value: f64) -> bool {
    (0.0..=MAX_COUNT).contains(&value)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counters are whole and not negative")]
pub(crate) fn whole(value: f64) -> u64 {
    value.clamp(0.0, MAX_COUNT) as u64
}

/// Counters of one endpoint, or of all requests.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct RequestCounters {
    /// Requests by class of status: "2xx". The class is empty if the backend has no status.
    pub(crate) by_class: BTreeMap<String, u64>,
    /// Requests by exact status, of a backend that does not group statuses.
    pub(crate) by_status: BTreeMap<StatusKey, u64>,
    /// Sum of the durations of all requests, in seconds. `None` if the backend has no durations.
    pub(crate) seconds: Option<f64>,
    /// Bounds of the label `le` in seconds, each with the number of requests up to that bound.
    pub(crate) buckets: Vec<(f64, u64)>,
}

/// The value of a label; empty if it is missing, as in Prometheus.
pub(crate) fn value(sample: &ExpositionSample, label: Option<Label>) -> &str {
    label.and_then(|label| sample.labels.get(label.as_str())).map_or("", String::as_str)
}

/// Whether a series is one of the endpoint's.
pub(crate) fn belongs_to_endpoint(sample: &ExpositionSample, mapping: &BackendMapping, endpoint: &Endpoint) -> bool {
    let same_method = match mapping.method {
        Some(_) => value(sample, mapping.method).eq_ignore_ascii_case(endpoint.method.as_str()),
        None => true,
    };
    mapping.handler.is_some() && same_method && value(sample, mapping.handler) == mapping.route(endpoint)
}

fn growth<K: Ord + Clone>(now: &BTreeMap<K, u64>, before: &BTreeMap<K, u64>) -> BTreeMap<K, u64> {
    let earlier = |key| before.get(key).copied().unwrap_or_default();
    now.iter().map(|(key, count)| (key.clone(), count.saturating_sub(earlier(key)))).collect()
}

impl RequestCounters {
    pub(crate) fn for_endpoint(samples: &[ExpositionSample], mapping: &BackendMapping, endpoint: &Endpoint) -> Self {
        Self::sum(samples.iter().filter(|sample| belongs_to_endpoint(sample, mapping, endpoint)), mapping)
    }

    pub(crate) fn for_all(samples: &[ExpositionSample], mapping: &BackendMapping) -> Self {
        Self::sum(samples.iter(), mapping)
    }

    fn sum<'a>(samples: impl Iterator<Item = &'a ExpositionSample>, mapping: &BackendMapping) -> Self {
        let unit = f64::from(mapping.milliseconds()) / 1e3;
        let mut counters = Self::default();
        for sample in samples.filter(|sample| is_count(sample.value)) {
            // One series may be both: the count of the histogram.
            if sample.name == mapping.requests {
                // "2xx", "2", or "200" if the backend does not group statuses.
                let status = value(sample, mapping.status);
                let code = status.parse().ok().filter(|code| status.len() == 3 && *code >= 100);
                if let Some(code) = code {
                    *counters.by_status.entry(StatusKey::Code(code)).or_default() += whole(sample.value);
                }
                // A word, such as "success", is not a status.
                let class = status.chars().next().filter(char::is_ascii_digit);
                let class = class.map(|first| format!("{first}xx")).unwrap_or_default();
                *counters.by_class.entry(class).or_default() += whole(sample.value);
            }
            match mapping.duration.and_then(|duration| sample.name.strip_prefix(duration)) {
                Some("_sum") => *counters.seconds.get_or_insert_default() += sample.value * unit,
                Some("_bucket") => {
                    let bound = value(sample, Some(LE)).parse().map_or(f64::INFINITY, |bound: f64| bound * unit);
                    counters.add_to_bucket(bound, whole(sample.value));
                }
                _ => {}
            }
        }
        counters.buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
        counters
    }

    /// Histograms by status have several series with the same bound.
    fn add_to_bucket(&mut self, bound: f64, count: u64) {
        match self.buckets.iter_mut().find(|(known, _)| known.total_cmp(&bound).is_eq()) {
            Some((_, sum)) => *sum += count,
            None => self.buckets.push((bound, count)),
        }
    }

    pub(crate) fn since(&self, before: &Self) -> Self {
        let buckets = self.buckets.iter().map(|(bound, count)| {
            let earlier = before.buckets.iter().find(|(known, _)| known.total_cmp(bound).is_eq());
            (*bound, count.saturating_sub(earlier.map_or(0, |(_, count)| *count)))
        });
        Self {
            by_class: growth(&self.by_class, &before.by_class),
            by_status: growth(&self.by_status, &before.by_status),
            seconds: self.seconds.map(|seconds| seconds - before.seconds.unwrap_or_default()),
            buckets: buckets.collect(),
        }
    }

    /// The number of requests of all classes.
    pub(crate) fn requests(&self) -> u64 {
        self.by_class.values().sum()
    }

    /// The bucket bounds in milliseconds around the q-quantile; `None` without requests.
    pub(crate) fn quantile_bounds_ms(&self, q: Ratio) -> Option<(f64, f64)> {
        let total = self.buckets.last().map(|(_, count)| *count).filter(|total| *total > 0)?;
        let rank = nearest_rank(q, total);
        let at = self.buckets.iter().position(|(_, count)| *count >= rank)?;
        let below = if at == 0 { 0.0 } else { self.buckets[at - 1].0 };
        Some((below * 1e3, self.buckets[at].0 * 1e3))
    }
}

#[cfg(test)]
mod tests;
