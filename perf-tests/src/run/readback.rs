//! What became of the metrics, and whether the store agrees with the verdict.

use perf_report::ObjectiveResult;
use perf_report::evidence::Evidence;
use perf_report::exit_code::ExitCode;
use perf_report::finding::{Finding, FindingKind, Subject};
use perf_report::judgement::judge;

use super::PreparedRun;
use crate::remote_write::Pushes;

impl PreparedRun {
    /// Adds what became of the metrics, and asks the store for its counts.
    pub(super) async fn ask_store(&self, url: String, pushes: Pushes, evidence: &mut Evidence) {
        let mut store = perf_report::StoreResult {
            url,
            accepted: pushes.accepted,
            refused: pushes.refused,
            complete: pushes.complete,
            agrees: None,
            last_push_unix_ms: pushes.last_push,
        };
        let why = pushes.last_error.map(|error| error.to_string()).unwrap_or_default();
        match (pushes.last_push, &self.store) {
            (None, _) => {
                let message = format!("the store did not take the final metrics: {why}");
                // A store that refused the very first push has been named already.
                if !evidence.findings.iter().any(|finding| finding.kind == FindingKind::StoreRefused) {
                    evidence.findings.push(inconclusive(FindingKind::StoreRefused, message));
                }
            }
            (Some(at), Some(asked)) => {
                let catalogue = self.spec.catalogue;
                let judgement = judge(catalogue, evidence);
                let judged = |(_, result): &(_, &ObjectiveResult)| result.tally().is_some();
                let objectives: Vec<_> = catalogue.slos.iter().zip(&judgement.objectives).filter(judged).collect();
                match asked.differences(&self.testid, at, judgement.requests.sent, &objectives).await {
                    Ok(differences) => {
                        store.agrees = Some(differences.is_empty());
                        let message = |difference| format!("the store disagrees with what was measured: {difference}");
                        let problem = |text| inconclusive(FindingKind::StoreDisagrees, message(text));
                        evidence.findings.extend(differences.into_iter().map(problem));
                    }
                    Err(error) => {
                        let message = format!("the store could not be asked for its counts: {error}");
                        // Who names where to ask wants an answer. The origin of a push URL is only a guess at it.
                        evidence.findings.push(match self.settings.prometheus {
                            Some(_) => inconclusive(FindingKind::StoreNotAsked, message),
                            None => Finding::warning(Subject::Store, FindingKind::StoreNotAsked, message),
                        });
                    }
                }
            }
            (Some(_), None) => {}
        }
        if store.complete && store.refused > 0 {
            let lost = format!("{} pushes were not taken at first; no count was lost: {why}", store.refused);
            evidence.findings.push(Finding::warning(Subject::Store, FindingKind::PushesRetried, lost));
        }
        if let Some(error) = pushes.not_ended {
            let message = format!("series could not be marked as ended and linger for 5 minutes: {error}");
            evidence.findings.push(Finding::warning(Subject::Store, FindingKind::SeriesNotEnded, message));
        }
        evidence.store = Some(store);
    }
}

fn inconclusive(kind: FindingKind, message: String) -> Finding {
    Finding::problem(ExitCode::Inconclusive, Subject::Store, kind, message)
}
