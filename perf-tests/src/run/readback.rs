//! What became of the metrics, and whether the store agrees with the verdict.

use monitoring::judgement::{self, Problem, Report};
use monitoring::run::ExitCode;

use super::Run;
use crate::remote_write::Pushes;

impl Run {
    /// Adds what became of the metrics, and asks the store for its counts.
    pub(super) async fn add_store(&self, url: String, pushes: Pushes, report: &mut Report) {
        let mut store = judgement::Store {
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
                if !report.problems.iter().any(|problem| problem.message.contains(&why)) {
                    report.problems.push(Problem::new(ExitCode::Inconclusive, message));
                }
            }
            (Some(at), Some(asked)) => {
                let objectives: Vec<_> = self.spec.catalogue.slos.iter().zip(&report.objectives).collect();
                let judged =
                    |(_, result): &(_, &judgement::ObjectiveResult)| result.verdict != judgement::Word::NotInScenario;
                let objectives: Vec<_> = objectives.into_iter().filter(judged).collect();
                match asked.differences(&self.testid, at, report.requests.sent, &objectives).await {
                    Ok(differences) => {
                        store.agrees = Some(differences.is_empty());
                        let message = |difference| format!("the store disagrees with what was measured: {difference}");
                        let problem = |text| Problem::new(ExitCode::Inconclusive, message(text));
                        report.problems.extend(differences.into_iter().map(problem));
                    }
                    Err(error) => {
                        let message = format!("the store could not be asked for its counts: {error}");
                        // Who names where to ask wants an answer. The origin of a push URL is only a guess at it.
                        if self.settings.prometheus.is_some() {
                            report.problems.push(Problem::new(ExitCode::Inconclusive, message));
                        } else {
                            report.warnings.push(message);
                        }
                    }
                }
            }
            (Some(_), None) => {}
        }
        if store.complete && store.refused > 0 {
            let lost = format!("{} pushes were not taken at first; no count was lost: {why}", store.refused);
            report.warnings.push(lost);
        }
        if let Some(error) = pushes.not_ended {
            report.warnings.push(format!("series could not be marked as ended and linger for 5 minutes: {error}"));
        }
        report.store = Some(store);
    }
}
