//! The result of the pushes, and the comparison of the store's counts with the measured ones.

use std::borrow::Cow;

use monitoring::endpoint::Endpoint;
use perf_host::proc;
use perf_report::evidence::StoreResult;
use perf_report::finding::{Finding, FindingKind, Subject};
use perf_report::format::counted;
use perf_report::judgement::Judge;
use perf_settings::OutcomePlace;

use super::push_schedule::StorePushes;
use super::{FinishedLoad, PreparedRun};
use crate::evidence::{MeasuredCount, RunStore};
use crate::terminal::Notes;

#[derive(Default)]
pub(super) struct StoreReadback {
    /// `None` without a store.
    pub(super) result: Option<StoreResult>,
    pub(super) findings: Vec<Finding>,
}

/// The next step with a store that does not accept metrics. `cargo xtask` runs on another machine
/// than a pod.
fn advise(outcome: Option<&OutcomePlace>) -> String {
    let is_pod = outcome == Some(&OutcomePlace::Log);
    let pod = proc::hostname().filter(|_| is_pod);
    pod.map_or_else(
        || "check it with cargo xtask stack doctor".to_owned(),
        |pod| format!("it was tried from pod {pod}"),
    )
}

impl PreparedRun {
    /// Gives the result of the pushes, and compares the store's counts with the measured ones.
    pub(super) async fn read_back(&self, finished: &FinishedLoad, exercised: &[Endpoint]) -> StoreReadback {
        let Some(StorePushes { url, pushes }) = &finished.pushes else { return StoreReadback::default() };
        let why = pushes.last_error.as_ref().map(ToString::to_string).unwrap_or_default();
        let (agrees, mut findings) = match (pushes.last_push, &self.store) {
            (None, _) => {
                let advice = advise(self.settings.outcome.as_ref());
                let message = format!("the store did not accept the final metrics: {why}; {advice}");
                // If the store rejected the first push, the run already has this finding.
                let is_known = finished.problems.iter().any(|finding| finding.kind == FindingKind::StoreRefused);
                let refused = || Finding::inconclusive(Subject::Store, FindingKind::StoreRefused, message);
                (None, (!is_known).then(refused).into_iter().collect())
            }
            (Some(at_unix_ms), Some(store)) => {
                self.compare_counts(store, at_unix_ms, self.measured_counts(finished, exercised)).await
            }
            (Some(_), None) => (None, Vec::new()),
        };
        let warning = |kind, message: String| Finding::warning(Subject::Store, kind, message);
        if pushes.complete && pushes.refused > 0 {
            let failed = counted(pushes.refused, "push");
            let lost = format!("{failed} failed and had to be repeated; no count was lost: {why}");
            findings.push(warning(FindingKind::PushesRetried, lost));
        }
        if let Some(error) = &pushes.not_ended {
            let message = format!("cannot mark series as ended, so they stay visible for 5 minutes: {error}");
            findings.push(warning(FindingKind::SeriesNotEnded, message));
        }
        let result = StoreResult {
            url: url.clone(),
            accepted: pushes.accepted,
            refused: pushes.refused,
            complete: pushes.complete,
            agrees,
            last_push_unix_ms: pushes.last_push,
        };
        StoreReadback { result: Some(result), findings }
    }

    /// The counts from which the run is judged.
    fn measured_counts(&self, finished: &FinishedLoad, exercised: &[Endpoint]) -> Vec<MeasuredCount> {
        let (catalogue, snapshot) = (self.spec.catalogue, &finished.load.snapshot);
        let checks: Vec<_> = self.spec.checks.iter().map(|name| Cow::from(*name)).collect();
        let measures: Vec<_> = self.spec.measures.iter().map(|measure| Cow::from(measure.name)).collect();
        let parts: Vec<_> = self.planning.plan.parts.iter().map(|part| &*part.name).collect();
        let judge = Judge { catalogue, exercised, snapshot, checks: &checks, measures: &measures, parts: &parts };
        let tallies = catalogue.slos.iter().filter_map(|slo| Some((slo, judge.tally(slo)?)));
        // A gauge without a value is not judged, and its other count is that of the requests.
        let tallies = tallies.filter(|(slo, tally)| slo.limit().is_none() || tally.total > 0);
        let of_objectives =
            tallies.flat_map(|(slo, tally)| MeasuredCount::objective(&catalogue.slo_id(slo), slo, &self.testid, tally));
        let sent = MeasuredCount::requests(&self.testid, snapshot.requests().sent);
        std::iter::once(sent).chain(of_objectives).collect()
    }

    /// Whether the store has the same counts at a time, and findings about that. `None` if the
    /// query failed.
    async fn compare_counts(
        &self,
        store: &RunStore,
        at_unix_ms: i64,
        counts: Vec<MeasuredCount>,
    ) -> (Option<bool>, Vec<Finding>) {
        match store.differences(at_unix_ms, &counts, &|text| Notes::new(&self.settings).print(text)).await {
            Ok(differences) if !differences.is_empty() && store.has(&self.testid).await.is_ok_and(|has| !has) => {
                let message = format!(
                    "the store accepted all pushes, and its responses to queries at {} have nothing of this run: {}",
                    store.shown(),
                    "name the URL for queries of the store that the pushes go to with --prometheus-url"
                );
                (Some(false), vec![Finding::inconclusive(Subject::Store, FindingKind::StoreLacksRun, message)])
            }
            Ok(differences) => {
                let problem = |difference: &String| {
                    let message = format!(
                        "the store's counts differ from the measured ones: {difference}; does another run use this \
                         testid, or does the store drop samples?"
                    );
                    Finding::inconclusive(Subject::Store, FindingKind::StoreDisagrees, message)
                };
                (Some(differences.is_empty()), differences.iter().map(problem).collect())
            }
            Err(error) => {
                let message = format!("cannot query the store for its counts: {error}");
                // The origin of a push URL is only a guess at the URL for queries, so an
                // error there is a warning.
                let finding = match self.settings.prometheus {
                    Some(_) => Finding::inconclusive(Subject::Store, FindingKind::StoreNotAsked, message),
                    None => Finding::warning(Subject::Store, FindingKind::StoreNotAsked, message),
                };
                (None, vec![finding])
            }
        }
    }
}

#[cfg(test)]
mod tests;
