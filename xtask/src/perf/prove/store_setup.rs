//! Gaps of a store that this clone did not set up: our rules, and the backend as a target of its
//! scrapes. The proof cannot cover what is missing, so it names the gap and the file that fills it.

use monitoring::catalogue::Catalogue;
use monitoring::excuse::Excuse;
use monitoring::label::BACKEND_JOB;
use monitoring::prometheus::recording_rules::Timing;

use super::backend_scrapes::BackendScrapes;
use super::item::{ProofItem, ProofItemOutcome};
use super::query_source::QuerySource;
use super::rules::{RuleState, loaded_rules, rule_queries};

/// The folder of the generated Prometheus files.
const FILES: &str = "monitoring/prometheus";

/// Adds a line for our rules and a line for the backend's metrics, if the store lacks them. They
/// fail the check only if a proof was asked for.
pub(super) async fn add(
    check: &mut ProofItem,
    catalogue: &Catalogue,
    source: &QuerySource,
    scrapes: BackendScrapes,
    must_prove: bool,
) {
    let mut missing: Vec<_> = missing_rules(check, catalogue, source).await.into_iter().collect();
    if scrapes.are_missing {
        let left_out = check.excused.iter().filter(|(_, excuse)| *excuse == Excuse::NotScraped);
        let queries = match left_out.count() {
            // A short run has another reason to excuse them.
            0 => "queries about the backend's own metrics".to_owned(),
            1 => "1 query about the backend's own metrics".to_owned(),
            count => format!("{count} queries about the backend's own metrics"),
        };
        missing.push(format!(
            "{}, so the proof leaves out {queries}: add the job {BACKEND_JOB} of {FILES}/prometheus.yml to it",
            Excuse::NotScraped
        ));
    }
    if must_prove && !missing.is_empty() {
        check.outcome = ProofItemOutcome::Failed;
    }
    check.lines.extend(missing);
}

/// The line about rules that the store lacks. Rules that it has but cannot evaluate fail the check.
async fn missing_rules(check: &mut ProofItem, catalogue: &Catalogue, source: &QuerySource) -> Option<String> {
    let service = catalogue.service;
    let load = format!("load {FILES}/rules/{service}.yml and {service}-alerts.yml into it");
    let rules = match loaded_rules(catalogue, source).await {
        Ok(rules) => rules,
        Err(error) => {
            let (all, why) = (rule_queries(catalogue, &Timing::USUAL).len(), error.root_cause());
            return Some(format!(
                "the proof leaves out {all} rules and alerts, because this store lists none ({why}): {load}"
            ));
        }
    };
    let (all, mut missing) = (rules.len(), 0);
    for (place, state) in rules {
        match state {
            RuleState::Missing => missing += 1,
            RuleState::Failing(why) => {
                check.outcome = ProofItemOutcome::Failed;
                check.lines.push(format!("{place}: {why}"));
            }
            RuleState::Works => {}
        }
    }
    (missing > 0)
        .then(|| format!("this store lacks {missing} of {all} rules and alerts, so the proof leaves them out: {load}"))
}

#[cfg(test)]
mod tests;
