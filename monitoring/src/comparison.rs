//! Two sides of a service, compared round by round: what `comparison.json` holds, and how it is made from reports.
//!
//! Latencies are in milliseconds, changes are shares (0.1 is 10 % more), changes of success are percentage points. What is
//! judged, and why it is judged so, is said in [`crate::gate`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::gate::{self, Finding, Rule};
use crate::judgement::{Millis, ObjectiveResult, Problem, Report, Word};
use crate::run::ExitCode;
use crate::slo::Slo;
use crate::verdict::{self, Tally};

mod gravity;
mod measure;
mod recorded;
mod text;

use measure::{
    FEWEST_OF_P95, Measure, base_of, difference, differences_of, endpoints, find, head_of, medians, p50, p95, p99,
    ratio, rounds, success, throughput,
};

pub use gravity::Gravity;
pub use measure::differences_of_p95;
pub use recorded::{Recorded, RecordedError};
pub(crate) use text::cells;
pub use text::{render, sentences};

/// The version of the comparison's form.
pub const SCHEMA: u32 = 1;

/// A comparison of two sides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Its name.
    pub name: String,
    /// What the base is: a revision, an address, a run.
    pub base: String,
    /// What the head is.
    pub head: String,
    /// How they were measured.
    pub method: Method,
    /// The scenario's name.
    pub scenario: String,
    /// The load of a round, in words.
    pub load: String,
    /// What is asked of it.
    pub rule: Rule,
    /// The level that it was judged at: less than the rule's where looks before the end took their share.
    pub alpha: f64,
    /// How many pairs of rounds there are.
    pub pairs: usize,
    /// Endpoint by endpoint, in the catalogue's order.
    pub endpoints: Vec<EndpointChange>,
    /// The head's objectives over all its rounds; none if they were not to be judged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objectives: Vec<ObjectiveResult>,
    /// Reasons for which it cannot be called unchanged.
    pub problems: Vec<Problem>,
    /// What should be known and does not touch the verdict.
    pub warnings: Vec<String>,
    /// What the process's exit code says.
    pub exit_code: u8,
}

/// How two sides were measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Turn by turn in rounds, on one machine.
    Interleaved,
    /// Each in a run of its own, at another time: sections of the same part of the plan are paired.
    Recorded,
}

/// One endpoint on both sides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EndpointChange {
    /// Its name in the catalogue.
    pub name: String,
    /// The gate: what the family of hypotheses says of its 95th percentile.
    pub finding: Finding,
    /// Its p95, with the interval that holds for all endpoints together.
    pub p95: Change,
    /// How likely such ranks are if its p95 changed by no more than the margin; not yet corrected for the number of endpoints.
    pub p: f64,
    /// Its median; this and what follows have intervals of their own.
    pub p50: Change,
    /// Its 99th percentile.
    pub p99: Change,
    /// Its share of successful requests; the change is a difference of shares.
    pub success: Change,
    /// Its requests a second.
    pub throughput: Change,
    /// The p95 of each round, base and head, in the order of pairs.
    pub rounds_p95_ms: Vec<(Option<Millis>, Option<Millis>)>,
}

/// A measure on both sides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// The median of the base's rounds; none where no round knows it, or it lies among failures.
    pub before: Option<f64>,
    /// The same of the head's.
    pub after: Option<f64>,
    /// The estimated change.
    pub change: Option<f64>,
    /// Where it truly lies.
    pub interval: Option<(f64, f64)>,
}

/// A pair of rounds.
#[derive(Debug, Clone, Copy)]
pub struct Pair<'a> {
    /// What the base did.
    pub base: &'a Report,
    /// What the head did.
    pub head: &'a Report,
}

/// What a comparison is about, apart from its measurements.
#[derive(Debug, Clone)]
pub struct About {
    /// Its name.
    pub name: String,
    /// What the base is.
    pub base: String,
    /// What the head is.
    pub head: String,
    /// How they were measured.
    pub method: Method,
    /// What is asked.
    pub rule: Rule,
    /// At what level.
    pub alpha: f64,
}

impl Comparison {
    /// Judges pairs of rounds. The exit code is that of the findings and problems; objectives come later, if at all.
    pub fn of(about: About, pairs: &[Pair<'_>]) -> Self {
        let names = endpoints(pairs);
        let family: Vec<Vec<f64>> = names.iter().map(|name| differences_of(pairs, name)).collect();
        let judge = match about.method {
            Method::Interleaved => gate::judge,
            Method::Recorded => gate::judge_recorded,
        };
        let judged = judge(&family, about.rule, about.alpha);
        let changes = names.iter().zip(judged).map(|(name, judged)| {
            let relative = |of: Measure| ratio(pairs, name, of, about.alpha);
            let interval = judged.interval.map(|interval| (interval.low.exp_m1(), interval.high.exp_m1()));
            let p95_change = Change { change: judged.estimate.map(f64::exp_m1), interval, ..medians(pairs, name, p95) };
            EndpointChange {
                name: name.clone(),
                finding: judged.finding,
                p95: p95_change,
                p: judged.p,
                p50: relative(p50),
                p99: relative(p99),
                success: difference(pairs, name, success, about.alpha),
                throughput: relative(throughput),
                rounds_p95_ms: rounds(pairs, name),
            }
        });
        let first = pairs.first().map(|pair| pair.head);
        let mut comparison = Self {
            schema: SCHEMA,
            name: about.name,
            base: about.base,
            head: about.head,
            method: about.method,
            scenario: first.map_or_else(String::new, |report| report.scenario.clone()),
            load: first.map_or_else(String::new, |report| report.load.clone()),
            rule: about.rule,
            alpha: about.alpha,
            pairs: pairs.len(),
            endpoints: changes.collect(),
            objectives: Vec::new(),
            problems: Vec::new(),
            warnings: Vec::new(),
            exit_code: 0,
        };
        comparison.warn_of_missing(pairs);
        comparison.exit_code = comparison.code().code();
        comparison
    }

    /// The gravest code that a finding, an objective or a problem asks for.
    pub fn code(&self) -> ExitCode {
        // Nothing compared is no comparison.
        let floor = if self.endpoints.is_empty() { ExitCode::Inconclusive } else { ExitCode::Met };
        let findings = self.endpoints.iter().map(|endpoint| match endpoint.finding {
            Finding::Regressed => ExitCode::Regressed,
            Finding::TooLittleData => ExitCode::Inconclusive,
            Finding::Improved | Finding::NoChangeSeen => ExitCode::Met,
        });
        self.gravest(findings.fold(floor, ExitCode::or_worse))
    }

    /// What its exit code says, in words.
    pub fn words(&self) -> &'static str {
        match ExitCode::from_code(self.exit_code) {
            Some(ExitCode::Met) if self.objectives.is_empty() => "no regression seen",
            Some(ExitCode::Met) => "no regression seen, and every objective that gates was met",
            Some(code) => code.words(),
            None => "ended with an error",
        }
    }

    /// The gravest code that an objective or a problem asks for, whatever the findings say.
    pub fn code_of_objectives(&self) -> ExitCode {
        let floor = if self.objectives.is_empty() { ExitCode::Inconclusive } else { ExitCode::Met };
        self.gravest(floor)
    }

    fn gravest(&self, floor: ExitCode) -> ExitCode {
        let problems = self.problems.iter().map(|it| ExitCode::from_code(it.exit_code).unwrap_or(ExitCode::Internal));
        let objectives = self.objectives.iter().map(ObjectiveResult::code);
        problems.chain(objectives).fold(floor, ExitCode::or_worse)
    }

    /// Endpoints that only one side has, and those with too few requests in a round.
    fn warn_of_missing(&mut self, pairs: &[Pair<'_>]) {
        for endpoint in &self.endpoints {
            let name = &endpoint.name;
            let has =
                |side: for<'a> fn(&Pair<'a>) -> &'a Report| pairs.iter().any(|pair| find(side(pair), name).is_some());
            let message = match (has(base_of), has(head_of)) {
                (true, true) => {
                    let known = differences_of(pairs, name).len();
                    if known == pairs.len() {
                        continue;
                    }
                    format!(
                        "{name}: only {known} of {} pairs of rounds have the {FEWEST_OF_P95} requests on both sides that a p95 needs: \
                         make rounds longer",
                        pairs.len()
                    )
                }
                (true, false) => format!("{name} was requested of the base and not of the head"),
                _ => format!("{name} was requested of the head and not of the base"),
            };
            self.warnings.push(message);
        }
    }
}

/// Objectives over several rounds of one side: counts are summed, and each that the scenario exercises is judged by the sums; one without
/// any request is as inconclusive as in a run. What is no count of requests is not judged.
pub fn objectives(slos: &[Slo], rounds: &[&Report]) -> Vec<ObjectiveResult> {
    let over_all = |slo: &Slo| {
        let id = slo.id();
        let of_rounds = rounds.iter().flat_map(|report| &report.objectives).filter(|objective| objective.id == id);
        let exercised: Vec<_> = of_rounds.filter(|objective| objective.verdict != Word::NotInScenario).collect();
        let sum = exercised.iter().fold(Tally::default(), |sum, objective| Tally {
            good: sum.good.saturating_add(objective.good),
            total: sum.total.saturating_add(objective.total),
            unknown: sum.unknown.saturating_add(objective.unknown),
            late: sum.late.saturating_add(objective.late),
        });
        (!exercised.is_empty()).then(|| ObjectiveResult::judged(slo, sum, &verdict::judge(slo, sum)))
    };
    slos.iter().filter_map(over_all).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::STOCK_AI;

    fn round(p95_of_join: Option<f64>, failed: u64) -> Report {
        let mut report: Report = serde_json::from_str(include_str!("../tests/report.json")).unwrap();
        for endpoint in &mut report.endpoints {
            endpoint.requests.sent = 200;
            endpoint.p95_ms = Some(Millis::Finite(50.0));
        }
        report.endpoints[0].p95_ms = Some(p95_of_join.map_or(Millis::INFINITE, Millis::Finite));
        report.endpoints[0].requests.failed = failed;
        report
    }

    /// Pairs with that much of a change, and a little noise.
    fn compared(change: impl Fn(f64) -> (Option<f64>, u64)) -> Comparison {
        let noise = |pair: u32| 1.0 + 0.01 * f64::from(pair % 5);
        let rounds: Vec<_> = (0..12)
            .map(|pair| {
                let (p95, failed) = change(40.0 * noise(pair + 2));
                (round(Some(40.0 * noise(pair)), 0), round(p95, failed))
            })
            .collect();
        let pairs: Vec<_> = rounds.iter().map(|(base, head)| Pair { base, head }).collect();
        let about = About {
            name: "a".to_owned(),
            base: "main (0123456 Slow joins)".to_owned(),
            head: "working tree".to_owned(),
            method: Method::Interleaved,
            rule: Rule::default(),
            alpha: 0.05,
        };
        Comparison::of(about, &pairs)
    }

    #[test]
    fn a_slower_endpoint_is_named_and_the_others_are_not() {
        let slower = compared(|ms| (Some(ms * 1.3), 0));
        assert_eq!(slower.code(), ExitCode::Regressed);
        insta::assert_snapshot!(render(&slower, false));
        assert_eq!(compared(|ms| (Some(ms), 0)).code(), ExitCode::Met);
        assert_eq!(compared(|ms| (Some(ms / 1.3), 0)).endpoints[0].finding, Finding::Improved);
    }

    #[test]
    fn failures_are_slow_and_shown_as_such() {
        let broken = compared(|_| (None, 50));
        assert_eq!(broken.endpoints[0].finding, Finding::Regressed);
        assert_eq!(broken.endpoints[0].success.change, Some(-0.25));
        let text = render(&broken, false);
        assert!(text.contains('∞') && text.contains("-25.0 pp"), "{text}");
    }

    #[test]
    fn a_side_that_stands_still_is_slow_and_not_unknown() {
        let stands = |pairs: &[(u64, u64)]| {
            let rounds: Vec<_> = pairs
                .iter()
                .map(|(before, after)| {
                    let (mut base, mut head) = (round(Some(40.0), 0), round(Some(40.0), 0));
                    base.endpoints[0].requests.sent = *before;
                    head.endpoints[0].requests.sent = *after;
                    (base, head)
                })
                .collect();
            let pairs: Vec<_> = rounds.iter().map(|(base, head)| Pair { base, head }).collect();
            let about = About {
                name: String::new(),
                base: String::new(),
                head: String::new(),
                method: Method::Interleaved,
                rule: Rule::default(),
                alpha: 0.05,
            };
            Comparison::of(about, &pairs).endpoints[0].finding
        };
        assert_eq!(stands(&[(200, 3); 12]), Finding::Regressed);
        assert_eq!(stands(&[(3, 200); 12]), Finding::Improved);
        assert_eq!(stands(&[(22, 18); 12]), Finding::TooLittleData, "chance may have done that");
    }

    #[test]
    fn an_endpoint_that_one_side_lacks_is_named() {
        let (base, mut head) = (round(Some(40.0), 0), round(Some(40.0), 0));
        let gone = head.endpoints.remove(0).name;
        let pairs = [Pair { base: &base, head: &head }; 12];
        let about = About {
            name: String::new(),
            base: String::new(),
            head: String::new(),
            method: Method::Recorded,
            rule: Rule::default(),
            alpha: 0.05,
        };
        let comparison = Comparison::of(about, &pairs);
        assert!(comparison.warnings.iter().any(|it| it.contains(&gone) && it.contains("not of the head")));
        assert_eq!(comparison.code(), ExitCode::Inconclusive);
    }

    #[test]
    fn objectives_are_judged_by_the_sums_of_their_rounds() {
        let mut rounds = [round(Some(40.0), 0), round(Some(40.0), 0)];
        for (report, good) in rounds.iter_mut().zip([8, 11]) {
            for objective in &mut report.objectives {
                (objective.good, objective.total, objective.unknown) = (good, 11, 0);
            }
        }
        let over_all = objectives(STOCK_AI.slos, &[&rounds[0], &rounds[1]]);
        let join = over_all.iter().find(|objective| objective.id == STOCK_AI.slos[0].id()).unwrap();
        assert_eq!((join.good, join.total, join.verdict), (19, 22, Word::Missed));
        // Nothing was asked of it on the head: no promise is kept by that.
        for objective in rounds.iter_mut().flat_map(|round| &mut round.objectives) {
            (objective.good, objective.total, objective.verdict) = (0, 0, Word::Inconclusive);
        }
        let without = objectives(STOCK_AI.slos, &[&rounds[0], &rounds[1]]);
        assert!(
            without.len() == over_all.len() && without.iter().all(|it| it.verdict == Word::Inconclusive),
            "{without:?}"
        );
    }
}
