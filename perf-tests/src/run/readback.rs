//! The result of the pushes, and the comparison of the store's counts with the verdict.

use perf_report::evidence::Evidence;
use perf_report::exit_code::ExitCode;
use perf_report::finding::{Finding, FindingKind, Subject};
use perf_report::judgement::{ObjectiveResult, judge};

use super::PreparedRun;
use crate::remote_write::Pushes;

impl PreparedRun {
    /// Adds the result of the pushes, and compares the store's counts with the measured ones.
    pub(super) async fn add_store_result(&self, url: String, pushes: Pushes, evidence: &mut Evidence) {
        let mut store = perf_report::evidence::StoreResult {
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
                let message = format!(
                    "the store did not accept the final metrics: {why}; check it with cargo xtask stack doctor"
                );
                // If the store rejected the first push, the run already has this finding.
                if !evidence.findings.iter().any(|finding| finding.kind == FindingKind::StoreRefused) {
                    evidence.findings.push(inconclusive(FindingKind::StoreRefused, message));
                }
            }
            (Some(at), Some(run_store)) => {
                let catalogue = self.spec.catalogue;
                let judgement = judge(catalogue, evidence);
                let judged = |(_, result): &(_, &ObjectiveResult)| result.tally().is_some();
                let objectives: Vec<_> = catalogue.slos.iter().zip(&judgement.objectives).filter(judged).collect();
                let (sent, show) = (judgement.requests.sent, |text: &str| self.print_line(text));
                match run_store.differences(&self.testid, at, sent, &objectives, &show).await {
                    Ok(differences) => {
                        store.agrees = Some(differences.is_empty());
                        let message = |difference| {
                            format!(
                                "the store's counts differ from the measured ones: {difference}; does another run use \
                                 this testid, or does the store drop samples?"
                            )
                        };
                        let problem = |text| inconclusive(FindingKind::StoreDisagrees, message(text));
                        evidence.findings.extend(differences.into_iter().map(problem));
                    }
                    Err(error) => {
                        let message = format!("cannot query the store for its counts: {error}");
                        // The origin of a push URL is only a guess at the URL for queries, so an
                        // error there is a warning.
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
            let lost = format!("{} pushes failed and were repeated; no count was lost: {why}", store.refused);
            evidence.findings.push(Finding::warning(Subject::Store, FindingKind::PushesRetried, lost));
        }
        if let Some(error) = pushes.not_ended {
            let message = format!("cannot mark series as ended, so they stay visible for 5 minutes: {error}");
            evidence.findings.push(Finding::warning(Subject::Store, FindingKind::SeriesNotEnded, message));
        }
        evidence.store = Some(store);
    }
}

fn inconclusive(kind: FindingKind, message: String) -> Finding {
    Finding::problem(ExitCode::Inconclusive, Subject::Store, kind, message)
}
