//! One line about a run or a comparison: verdict, exit code and cause.

use monitoring::ratio::Ratio;
use monitoring::slo::OnMiss;

use crate::Report;
use crate::comparison::{Comparison, ComparisonMethod};
use crate::evidence::FailureCause;
use crate::exit_code::ExitCode;
use crate::finding::{Finding, FindingKind};
use crate::findings::{advise_on_failure, comparison_findings, describe_miss};
use crate::format::{counted, counted_more, counted_part};
use crate::judgement::ObjectiveResult;
use crate::verdict::{Reason, Verdict};

/// First lines of a result: the verdict and its cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Headline {
    /// Scenario, verdict and exit code: "basic: missed, 1 of 9 (exit 99)".
    pub verdict: String,
    /// Most severe cause, and the number of other causes. Empty if all objectives were met.
    pub cause: String,
    /// Advice on what to check or do about the cause.
    pub advice: Option<String>,
}

impl Headline {
    /// Headline of a run. Its cause is the finding or the objective that gave the exit code.
    pub fn new(report: &Report) -> Self {
        let code = report.exit_code;
        let judged: Vec<_> = can_fail_run(report).collect();
        let count = |wanted: fn(&Verdict) -> bool| judged.iter().filter(|it| wanted(&it.verdict)).count();
        let all = judged.len();
        let verdict = match code {
            ExitCode::Met => {
                format!("met, {}", counted_part(count(|it| *it == Verdict::Met) as u64, all as u64, "objective"))
            }
            ExitCode::Missed => match count(|it| *it == Verdict::Missed) {
                0 => "missed".to_owned(),
                missed => format!("missed, {missed} of {all}"),
            },
            // A run is compared only with --baseline.
            ExitCode::Regressed => ComparisonMethod::Recorded.describe_regression().to_owned(),
            ExitCode::Inconclusive if !report.was_loaded() => "did not run".to_owned(),
            ExitCode::Inconclusive => match count(|it| matches!(it, Verdict::Inconclusive(_))) {
                0 => "inconclusive".to_owned(),
                open => format!("inconclusive, {open} of {all}"),
            },
            _ => code.describe().to_owned(),
        };
        let word = if code == ExitCode::Inconclusive && !report.was_loaded() { ", inconclusive" } else { "" };
        let verdict = format!("{}: {verdict} (exit {}{word})", report.run.scenario, code.code());
        let on_failure = || advise_on_failure(report, failure_in_headline(report)?).map(str::to_owned);
        let advice = cause_finding(report).and_then(|finding| finding.advice.clone()).or_else(on_failure);
        Self { verdict, cause: cause(report).unwrap_or_default(), advice }
    }

    /// Headline of a comparison. Its cause is the first finding that gave the exit code.
    pub fn for_comparison(compared: &Comparison) -> Self {
        let code = compared.exit_code;
        let verdict = format!("{}: {} (exit {})", compared.scenario, compared.describe(), code.code());
        let causes = placed_causes(compared);
        let more = count_others(causes.len().saturating_sub(1), "finding", "like it");
        let first = causes.first().map(|(_, first)| first);
        let cause = first.map(|first| format!("{}{more}", first.message)).unwrap_or_default();
        Self { verdict, cause, advice: first.and_then(|first| first.advice.clone()) }
    }

    /// Headline of a comparison with a baseline, within a run whose verdict has another cause.
    pub(crate) fn for_baseline(compared: &Comparison) -> Self {
        let verdict = match compared.exit_code {
            ExitCode::Regressed => compared.describe().to_owned(),
            ExitCode::Inconclusive => "compared with the baseline: inconclusive".to_owned(),
            _ => format!("compared with the baseline: {}", compared.describe()),
        };
        Self { verdict, ..Self::for_comparison(compared) }
    }

    /// Lines below the verdict: the cause, then the advice.
    pub(crate) fn below(&self) -> impl Iterator<Item = &str> {
        self.cause.lines().chain(self.advice.as_deref())
    }

    /// Verdict and cause on one line: "basic: missed, 1 of 9 (exit 99): get_offers p95 761 ms >
    /// 500 ms, 263 requests".
    pub(crate) fn to_line(&self) -> String {
        let cause = self.below().collect::<Vec<_>>().join(". ");
        if cause.is_empty() { self.verdict.clone() } else { format!("{}: {cause}", self.verdict) }
    }
}

/// Findings that gave a comparison its exit code. The first is the cause in the headline.
pub fn causes_of_comparison(compared: &Comparison) -> Vec<Finding> {
    placed_causes(compared).into_iter().map(|(_, finding)| finding).collect()
}

/// Those findings, with their places among all findings of a comparison.
fn placed_causes(compared: &Comparison) -> Vec<(usize, Finding)> {
    let code = compared.exit_code;
    let kind = match code {
        ExitCode::Met => return Vec::new(),
        ExitCode::Regressed => Some(FindingKind::Regressed),
        ExitCode::Missed => Some(FindingKind::Missed),
        ExitCode::Inconclusive => Some(FindingKind::TooLittleData),
        _ => None,
    };
    let findings = comparison_findings(compared).into_iter().enumerate();
    let (problems, others): (Vec<_>, Vec<_>) = findings.partition(|(_, it)| it.exit_code == Some(code));
    problems.into_iter().chain(others.into_iter().filter(|(_, it)| Some(it.kind) == kind)).collect()
}

/// Place of the finding whose message is in the headline, among all findings of a comparison.
pub(crate) fn place_in_headline(compared: &Comparison) -> Option<usize> {
    placed_causes(compared).first().map(|(place, _)| *place)
}

/// Finding that is the cause in the headline.
pub(crate) fn cause_finding(report: &Report) -> Option<&Finding> {
    let code = report.exit_code;
    let is_missed_objective = code == ExitCode::Missed && most_severe_miss(report).is_some();
    let mut findings = report.findings.iter().filter(|finding| finding.exit_code == Some(code));
    // An interruption is the cause only if there is no other.
    let first = findings.clone().find(|finding| finding.kind != FindingKind::Interrupted).or_else(|| findings.next());
    first.or_else(|| cause_of_unknown(report)).filter(|_| !is_missed_objective)
}

/// Whether the cause in the headline is the comparison with a baseline.
pub(crate) fn is_about_comparison(report: &Report) -> bool {
    cause_finding(report).is_some_and(|it| it.kind == FindingKind::ChangedFromBaseline)
}

/// Finding whose message is in the headline.
pub(crate) fn finding_in_headline(report: &Report) -> Option<&Finding> {
    cause_finding(report).or_else(|| cause_outage(report))
}

/// Outage in which requests of the missed objective were not made.
fn cause_outage(report: &Report) -> Option<&Finding> {
    let objective = cause_objective(report).filter(|it| it.verdict == Verdict::Missed)?;
    let is_cause = objective.tally().is_some_and(|tally| tally.refused > 0);
    report.findings.iter().find(|finding| is_cause && finding.kind == FindingKind::Outage)
}

/// Stall or dropped arrivals whose unknown requests leave objectives undecided.
fn cause_of_unknown(report: &Report) -> Option<&Finding> {
    let is_undecided =
        can_fail_run(report).any(|it| matches!(it.verdict, Verdict::Inconclusive(Reason::Unknown { .. })));
    let is_cause = report.exit_code == ExitCode::Inconclusive && is_undecided;
    let find = |kind| report.findings.iter().find(|finding| is_cause && finding.kind == kind);
    find(FindingKind::Stall).or_else(|| find(FindingKind::ArrivalsDropped))
}

/// Whether an objective is undecided because of the cause in the headline.
pub(crate) fn is_explained(report: &Report, objective: &ObjectiveResult) -> bool {
    match objective.verdict.reason() {
        Some(Reason::Unknown { .. }) => cause_of_unknown(report).is_some(),
        Some(reason) if reason.is_too_few() => {
            report.exit_code == ExitCode::BadConfiguration || has_only_failures(report, objective)
        }
        Some(reason) => report.exit_code == ExitCode::BadConfiguration && reason.is_absence(),
        None => false,
    }
}

/// Whether a run was missed, and all requests of the objective's endpoint failed. A longer run
/// would not judge its percentile.
fn has_only_failures(report: &Report, objective: &ObjectiveResult) -> bool {
    let mut endpoints = report.endpoints.iter().filter(|it| it.name == objective.subject);
    report.exit_code == ExitCode::Missed
        && endpoints.any(|it| it.requests.sent > 0 && it.requests.failed == it.requests.sent)
}

/// Objective that is the cause in the headline.
pub(crate) fn cause_objective(report: &Report) -> Option<&ObjectiveResult> {
    match report.exit_code {
        ExitCode::Missed => most_severe_miss(report),
        ExitCode::Inconclusive if cause_finding(report).is_none() => first_undecided(report),
        _ => None,
    }
}

/// Cause of failed requests that is in the headline.
pub(crate) fn failure_in_headline(report: &Report) -> Option<&FailureCause> {
    report.main_failure(cause_objective(report).filter(|it| it.verdict == Verdict::Missed)?)
}

fn first_undecided(report: &Report) -> Option<&ObjectiveResult> {
    can_fail_run(report).find(|it| matches!(it.verdict, Verdict::Inconclusive(_)))
}

/// Judged objectives whose miss fails the run.
fn can_fail_run(report: &Report) -> impl Iterator<Item = &ObjectiveResult> {
    let judged = |it: &&ObjectiveResult| it.on_miss == OnMiss::Fail && it.verdict.is_judged();
    report.objectives.iter().filter(judged)
}

/// Missed objective that is furthest over its limit. An infinite percentile comes first.
fn most_severe_miss(report: &Report) -> Option<&ObjectiveResult> {
    let missed = can_fail_run(report).filter(|it| it.verdict == Verdict::Missed);
    missed.max_by(|one, other| weight(one).total_cmp(&weight(other)))
}

fn weight(objective: &ObjectiveResult) -> f64 {
    objective.share_of_threshold().or_else(|| share_of_allowed(objective)).unwrap_or(1.0)
}

/// Bad requests as a share of those that the objective allows.
#[expect(clippy::cast_precision_loss, reason = "a share")]
fn share_of_allowed(objective: &ObjectiveResult) -> Option<f64> {
    let tally = objective.tally().filter(|tally| tally.total > 0)?;
    let allowed = Ratio::ppm(objective.goal.share_ppm()?).rest().as_f64() * tally.total as f64;
    Some(tally.total.saturating_sub(tally.good) as f64 / allowed)
}

fn cause(report: &Report) -> Option<String> {
    if let Some(finding) = cause_finding(report) {
        let more = match first_undecided(report).filter(|_| !finding.is_problem()) {
            Some(objective) => {
                format!(". Inconclusive: {} {}{}", objective.subject, objective.objective, others(report, objective))
            }
            None => {
                let problems = report.findings.iter().filter(|it| it.exit_code == finding.exit_code).count();
                count_others(problems.saturating_sub(1), "problem", "")
            }
        };
        return Some(format!("{}{}{more}", all_met(report), finding.message));
    }
    let objective = cause_objective(report)?;
    let more = others(report, objective);
    Some(match &objective.verdict {
        Verdict::Inconclusive(reason) => {
            format!("{} {}: {reason}{more}", objective.subject, objective.objective)
        }
        _ => {
            if let Some(text) = describe_total_failure(report, objective) {
                return Some(text);
            }
            let failures = report.main_failure(objective).map(|it| describe_failure(objective, it)).unwrap_or_default();
            let outage = cause_outage(report).map(|it| format!("{}. Missed: ", it.message)).unwrap_or_default();
            format!("{outage}{}{failures}{more}", describe_miss(objective))
        }
    })
}

/// ": 76 × 500 Internal Server Error": the cause of a miss, with its endpoint if the objective has
/// another subject.
fn describe_failure(objective: &ObjectiveResult, failure: &FailureCause) -> String {
    let endpoint = if failure.request == objective.subject { String::new() } else { format!("{}: ", failure.request) };
    format!(": {endpoint}{}", failure.describe())
}

/// "9 of 9 objectives met, but ": how the objectives stood, before the cause of a run without a
/// verdict. Empty for other runs, and if an objective was not met.
fn all_met(report: &Report) -> String {
    let all = can_fail_run(report).count() as u64;
    let is_all_met = all > 0 && can_fail_run(report).all(|it| it.verdict == Verdict::Met);
    match report.exit_code {
        ExitCode::Inconclusive | ExitCode::ProofFailed if is_all_met => {
            format!("{} met, but ", counted_part(all, all, "objective"))
        }
        _ => String::new(),
    }
}

/// "join_room: all 2,152 requests failed: 404 Not Found": the cause of a missed objective if all
/// requests of an endpoint failed in one way. Misses that follow from it are not named.
fn describe_total_failure(report: &Report, objective: &ObjectiveResult) -> Option<String> {
    let failure = report.main_failure(objective)?;
    let endpoint = report.endpoints.iter().find(|it| it.name == failure.request)?;
    let sent = endpoint.requests.sent;
    if sent < 2 || failure.count != sent || cause_outage(report).is_some() {
        return None;
    }
    let missed = can_fail_run(report).filter(|it| it.verdict == Verdict::Missed);
    let unexplained = missed.filter(|it| report.main_failure(it) != Some(failure)).count();
    let how = failure.describe_uncounted();
    let more = count_others(unexplained, "objective", "missed");
    Some(format!("{}: all {} failed: {how}{more}", endpoint.name, counted(sent, "request")))
}

/// "; 2 more objectives missed": those with the same verdict as an objective.
fn others(report: &Report, objective: &ObjectiveResult) -> String {
    let same = |it: &&ObjectiveResult| {
        std::mem::discriminant(&it.verdict) == std::mem::discriminant(&objective.verdict) && it.id != objective.id
    };
    let what = if objective.verdict == Verdict::Missed { "missed" } else { "inconclusive" };
    count_others(can_fail_run(report).filter(same).count(), "objective", what)
}

/// "; 2 more objectives missed", or nothing.
fn count_others(count: usize, noun: &str, what: &str) -> String {
    let space = if what.is_empty() { "" } else { " " };
    counted_more(count, noun).map(|more| format!("; {more}{space}{what}")).unwrap_or_default()
}
