//! The delivery audit: requests that were sent are those that the store counts and those that the backend counted. What
//! differs is explained from a closed list, to the last request, or the audit fails.

use std::collections::BTreeMap;

use perf_report::EndpointResult;

use super::backend_metrics::EndpointCounters;

/// What is known of one endpoint.
#[derive(Debug, Clone)]
pub(super) struct EndpointAccount {
    pub(super) name: String,
    /// By the generator: requests by class of status, those without an answer apart.
    sent: BTreeMap<String, u64>,
    /// No answer came, or the request was cut off: the backend may have counted it, in whatever class.
    unanswered: u64,
    /// By the store.
    stored: Option<BTreeMap<String, u64>>,
    /// By the backend.
    counted: Option<EndpointCounters>,
}

/// What else may have made requests to an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OtherTraffic {
    /// Requests of setup and teardown, which are counted apart, and that no other endpoint has been found to have had.
    pub(super) around: u64,
    /// Whether anybody but this run can have reached the backend.
    pub(super) possible: bool,
}

/// Requests that the backend counted and the generator did not see answered, by what explains them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Explanation {
    /// Counted by the backend, though no answer came here.
    pub(super) unanswered: u64,
    /// Made by setup and teardown.
    pub(super) around: u64,
    /// Made by other clients.
    pub(super) others: u64,
}

/// The class of a status as the backend groups them; none where no answer came.
fn class(status: &str) -> Option<String> {
    let first = status.chars().next().filter(|first| ('1'..='5').contains(first))?;
    Some(format!("{first}xx"))
}

fn by_class(by_status: &BTreeMap<String, u64>) -> (BTreeMap<String, u64>, u64) {
    let (mut classes, mut unanswered) = (BTreeMap::new(), 0);
    for (status, count) in by_status.iter().filter(|(_, count)| **count > 0) {
        match class(status) {
            Some(class) => *classes.entry(class).or_default() += count,
            None => unanswered += count,
        }
    }
    (classes, unanswered)
}

impl EndpointAccount {
    /// By the report; what is stored comes by status, as it was sent.
    pub(super) fn new(
        endpoint: &EndpointResult,
        stored: Option<BTreeMap<String, u64>>,
        counted: Option<EndpointCounters>,
    ) -> Self {
        let (sent, unanswered) = by_class(&endpoint.by_status);
        // What was never begun cannot have been counted by anybody.
        let unanswered = unanswered + endpoint.cut;
        Self { name: endpoint.name.clone(), sent, unanswered, stored, counted }
    }

    /// What is wrong, or what explains the difference between what was sent and what the backend counted.
    pub(super) fn audit(&self, endpoint: &EndpointResult, others: OtherTraffic) -> Result<Explanation, String> {
        if let Some(stored) = &self.stored
            && let Some(wrong) = first_difference(&endpoint.by_status, stored)
        {
            let (status, sent, found) = wrong;
            return Err(format!(
                "{}: {sent} requests with status {status} were sent, and Prometheus has {found}",
                self.name
            ));
        }
        let Some(counted) = &self.counted else { return Ok(Explanation::default()) };
        let mut surplus = 0;
        let classes: Vec<_> = self.sent.keys().chain(counted.by_class.keys()).collect();
        let mut seen = std::collections::BTreeSet::new();
        for class in classes {
            if !seen.insert(class) {
                continue;
            }
            let sent = self.sent.get(class).copied().unwrap_or_default();
            let found = counted.by_class.get(class).copied().unwrap_or_default();
            if found < sent {
                return Err(format!(
                    "{}: {sent} answers with status {class} came, and the backend counted {found}: something else answered \
                     the rest, or they were not counted",
                    self.name
                ));
            }
            surplus += found - sent;
        }
        let unanswered = surplus.min(self.unanswered);
        let around = (surplus - unanswered).min(others.around);
        let rest = surplus - unanswered - around;
        if rest > 0 && !others.possible {
            return Err(format!(
                "{}: the backend counted {rest} requests that nobody else can have made and that were not sent",
                self.name
            ));
        }
        Ok(Explanation { unanswered, around, others: rest })
    }

    /// Whether the backend has counted all that was answered.
    pub(super) fn is_complete(&self) -> bool {
        let Some(counted) = &self.counted else { return true };
        self.sent.iter().all(|(class, sent)| counted.by_class.get(class).is_some_and(|found| found >= sent))
    }
}

/// The first key that differs, with both counts.
fn first_difference(sent: &BTreeMap<String, u64>, stored: &BTreeMap<String, u64>) -> Option<(String, u64, u64)> {
    let of = |map: &BTreeMap<String, u64>, key: &String| map.get(key).copied().unwrap_or_default();
    let mut keys = sent.keys().chain(stored.keys());
    keys.find(|key| of(sent, key) != of(stored, key)).map(|key| (key.clone(), of(sent, key), of(stored, key)))
}

#[cfg(test)]
mod tests {
    use perf_report::Requests;

    use super::*;

    const ALONE: OtherTraffic = OtherTraffic { around: 0, possible: false };

    fn counts(of: &[(&str, u64)]) -> BTreeMap<String, u64> {
        of.iter().map(|&(key, count)| (key.to_owned(), count)).collect()
    }

    fn endpoint(by_status: &[(&str, u64)], cut: u64) -> EndpointResult {
        let by_status = counts(by_status);
        let sent = by_status.values().sum();
        EndpointResult {
            name: "join_room".to_owned(),
            requests: Requests { sent, failed: 0, unknown: cut + 7 },
            cut,
            by_status,
            errors: BTreeMap::new(),
            p50_ms: None,
            p95_ms: None,
            p99_ms: None,
            curve: Vec::new(),
            response_p50_ms: None,
            response_p95_ms: None,
            response_p99_ms: None,
            server_timing: None,
        }
    }

    fn audit(
        sent: &[(&str, u64)],
        cut: u64,
        counted: &[(&str, u64)],
        others: OtherTraffic,
    ) -> Result<Explanation, String> {
        let endpoint = endpoint(sent, cut);
        let counted = EndpointCounters { by_class: counts(counted), ..EndpointCounters::default() };
        EndpointAccount::new(&endpoint, Some(endpoint.by_status.clone()), Some(counted)).audit(&endpoint, others)
    }

    #[test]
    fn equal_counts_need_no_explanation() {
        let sent = [("200", 90), ("201", 5), ("500", 5)];
        assert_eq!(audit(&sent, 0, &[("2xx", 95), ("5xx", 5)], ALONE), Ok(Explanation::default()));
    }

    #[test]
    fn each_explanation_takes_what_it_can_and_the_rest_is_an_error() {
        let explained = |unanswered, around, others| Ok(Explanation { unanswered, around, others });
        // Three time-outs, two of which the backend went on with.
        assert_eq!(audit(&[("200", 10), ("0", 3)], 0, &[("2xx", 12)], ALONE), explained(2, 0, 0));
        // One was cut off at the end.
        assert_eq!(audit(&[("200", 10)], 1, &[("2xx", 10), ("5xx", 1)], ALONE), explained(1, 0, 0));
        let others = OtherTraffic { around: 2, possible: true };
        assert_eq!(audit(&[("200", 10), ("0", 1)], 0, &[("2xx", 17)], others), explained(1, 2, 4));
        let wrong = audit(&[("200", 10)], 0, &[("2xx", 11)], ALONE).unwrap_err();
        assert!(wrong.contains("1 requests that nobody else"), "{wrong}");
    }

    #[test]
    fn an_answer_that_the_backend_did_not_count_is_an_error() {
        let others = OtherTraffic { around: 5, possible: true };
        for (sent, counted) in [([("200", 10)], [("2xx", 9)]), ([("502", 10)], [("2xx", 10)])] {
            let wrong = audit(&sent, 5, &counted, others).unwrap_err();
            assert!(wrong.starts_with("join_room: 10 answers"), "{wrong}");
        }
    }

    #[test]
    fn a_store_that_has_another_number_is_named() {
        let endpoint = endpoint(&[("200", 10), ("500", 1)], 0);
        let stored = Some(counts(&[("200", 10)]));
        let wrong = EndpointAccount::new(&endpoint, stored, None).audit(&endpoint, ALONE).unwrap_err();
        assert_eq!(wrong, "join_room: 1 requests with status 500 were sent, and Prometheus has 0");
    }
}
