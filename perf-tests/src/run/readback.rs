//! What became of the metrics, and whether the store agrees with the verdict.

use perf_report::Report;
use perf_report::exit_code::ExitCode;
use perf_report::finding::{Finding, FindingKind, Subject};

use super::Run;
use crate::remote_write::Pushes;

impl Run {
    /// Adds what became of the metrics, and asks the store for its counts.
    pub(super) async fn add_store(&self, url: String, pushes: Pushes, report: &mut Report) {
        let mut store = perf_report::Store {
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
                if !report.has(FindingKind::StoreRefused) {
                    report.findings.push(inconclusive(FindingKind::StoreRefused, message));
                }
            }
            (Some(at), Some(asked)) => {
                let objectives: Vec<_> = self.spec.catalogue.slos.iter().zip(&report.objectives).collect();
                let judged = |(_, result): &(_, &perf_report::ObjectiveResult)| result.tally().is_some();
                let objectives: Vec<_> = objectives.into_iter().filter(judged).collect();
                match asked.differences(&self.testid, at, report.requests.sent, &objectives).await {
                    Ok(differences) => {
                        store.agrees = Some(differences.is_empty());
                        let message = |difference| format!("the store disagrees with what was measured: {difference}");
                        let problem = |text| inconclusive(FindingKind::StoreDisagrees, message(text));
                        report.findings.extend(differences.into_iter().map(problem));
                    }
                    Err(error) => {
                        let message = format!("the store could not be asked for its counts: {error}");
                        // Who names where to ask wants an answer. The origin of a push URL is only a guess at it.
                        report.findings.push(match self.settings.prometheus {
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
            report.findings.push(Finding::warning(Subject::Store, FindingKind::PushesRetried, lost));
        }
        if let Some(error) = pushes.not_ended {
            let message = format!("series could not be marked as ended and linger for 5 minutes: {error}");
            report.findings.push(Finding::warning(Subject::Store, FindingKind::SeriesNotEnded, message));
        }
        report.store = Some(store);
    }
}

fn inconclusive(kind: FindingKind, message: String) -> Finding {
    Finding::problem(ExitCode::Inconclusive, Subject::Store, kind, message)
}
