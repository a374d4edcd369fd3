//! Gaps of a store that this clone did not set up: our rules, and the backend as a target of its
//! scrapes. The proof cannot cover what is missing, so it names the gap and the file that fills it.

use monitoring::backend_metrics::scraped;
use monitoring::catalogue::Catalogue;
use monitoring::excuse::Excuse;
use monitoring::label::{BACKEND_JOB, INSTANCE};
use monitoring::prometheus::recording_rules::Timing;
use perf_report::format::{counted, first_items};

use super::proof_check::{ProofCheck, ProofCheckOutcome};
use super::rules::{RuleState, loaded_rules, rule_queries};
use crate::perf::prove::backend::backend_scrapes::BackendScrapes;
use crate::perf::prove::proven_run::now_ms;
use crate::perf::prove::store::query_source::QuerySource;
use crate::stack::dashboard_link::RunWindow;

/// The folder of the generated Prometheus files.
const FILES: &str = "monitoring/prometheus";

/// Limit on the instances that a line names.
const SHOWN_INSTANCES: usize = 3;

/// Gaps of a store, and rules that it cannot use.
#[derive(Debug, Default)]
pub(crate) struct StoreGaps {
    /// Each line names what is missing, and the file that adds it.
    missing: Vec<String>,
    /// Rules that the store has but cannot evaluate.
    failing: Vec<String>,
}

impl StoreGaps {
    /// The gaps of a store in which the queries of a check were made.
    pub(crate) async fn find(
        catalogue: &Catalogue,
        source: &QuerySource,
        scrapes: BackendScrapes,
        check: &ProofCheck,
    ) -> Self {
        let mut gaps = Self::find_in_rules(catalogue, source).await;
        if scrapes.are_missing {
            let left_out = check.excused.iter().filter(|(_, excuse)| *excuse == Excuse::NotScraped);
            let queries = match left_out.count() {
                // A short run has another reason to excuse them.
                0 => "queries".to_owned(),
                count => counted(count as u64, "query"),
            };
            let others = scraped_instances(source).await;
            let (others, remedy) = match others.as_slice() {
                [] => (String::new(), format!("add the job {BACKEND_JOB} of {FILES}/prometheus.yml to it")),
                others => (
                    format!(" (its job {BACKEND_JOB} has {})", first_items(others, SHOWN_INSTANCES, ", ", " ")),
                    format!("give that service another job, and add the job {BACKEND_JOB} of {FILES}/prometheus.yml"),
                ),
            };
            gaps.missing.push(format!(
                "{}{others}, so the proof leaves out {queries} about the backend's own metrics: {remedy}",
                Excuse::NotScraped
            ));
        }
        gaps
    }

    async fn find_in_rules(catalogue: &Catalogue, source: &QuerySource) -> Self {
        let service = catalogue.service;
        let load = format!("load {FILES}/rules/{service}.yml and {service}-alerts.yml into it");
        let rules = match loaded_rules(catalogue, source).await {
            Ok(rules) => rules,
            Err(error) => {
                let (all, why) = (rule_queries(catalogue, &Timing::USUAL).len(), error.root_cause());
                let line = format!(
                    "the proof leaves out {all} rules and alerts, because this store lists none ({why}): {load}"
                );
                return Self { missing: vec![line], ..Self::default() };
            }
        };
        let (all, mut missing, mut failing) = (rules.len(), 0, Vec::new());
        for (place, state) in rules {
            match state {
                RuleState::Missing => missing += 1,
                RuleState::Failing(why) => failing.push(format!("{place}: {why}")),
                RuleState::Works => {}
            }
        }
        let line =
            format!("this store lacks {missing} of {all} rules and alerts, so the proof leaves them out: {load}");
        Self { missing: if missing > 0 { vec![line] } else { Vec::new() }, failing }
    }

    /// The check with a line for each gap. Missing rules and metrics fail it only if a proof was
    /// asked for.
    pub(crate) fn add_to(self, mut check: ProofCheck, must_prove: bool) -> ProofCheck {
        if !self.failing.is_empty() || must_prove && !self.missing.is_empty() {
            check.outcome = ProofCheckOutcome::Failed;
        }
        check.lines.extend(self.failing.into_iter().chain(self.missing));
        check
    }
}

/// The instances that the store has scraped with the backend's job in the last hour.
async fn scraped_instances(source: &QuerySource) -> Vec<String> {
    const PAST_MS: i64 = 3_600_000;
    let window = RunWindow { from_ms: now_ms() - PAST_MS, to_ms: now_ms() };
    let instances = source.label_values(INSTANCE.as_str(), &scraped("up").to_string(), window).await;
    instances.unwrap_or_default()
}

#[cfg(test)]
mod tests;
