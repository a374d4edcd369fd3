//! Findings about objectives that were not met.

use std::collections::BTreeMap;

use monitoring::ratio::Ratio;
use monitoring::slo::OnMiss;

use crate::Millis;
use crate::evidence::FailureCause;
use crate::finding::{Finding, FindingKind, Severity, Subject};
use crate::format::{backend_value, count, counted, counted_part, millis, percent_beside};
use crate::judgement::{Goal, LimitSide, Measurement, ObjectiveResult, Percentile, Share};
use crate::mark::LoadEnd;
use crate::verdict::{Reason, Tally, Verdict};

/// Formats the measured value in the terms of the objective: a percentile, a share, or a value of
/// the backend.
pub(crate) fn describe_measured(objective: &ObjectiveResult) -> Option<String> {
    match (objective.measured.as_ref()?, objective.goal) {
        (Measurement::Backend(found), Goal::Backend { measure, .. }) => Some(backend_value(measure, found.value)),
        (Measurement::Percentile { quantile_ms, .. }, _) => quantile_ms.map(millis),
        (Measurement::Values { quantile, .. }, _) => quantile.map(|value| format!("{value:.0}")),
        (Measurement::Value { tally }, _) => Some(count(tally.good)).filter(|_| tally.total > 0),
        (Measurement::Throughput { tally, judged_ms }, Goal::Value { side, .. }) => {
            Some(format!("{}/s", tenths(tally.good, *judged_ms, side)?))
        }
        (Measurement::Throughput { tally, judged_ms }, _) => {
            Some(format!("{} requests/s", tenths(tally.good, *judged_ms, LimitSide::AtLeast)?))
        }
        _ => {
            let tally = objective.tally().filter(|tally| tally.total > 0)?;
            let bad = tally.total - tally.good.min(tally.total);
            let is_errors = matches!(objective.goal, Goal::Errors(_));
            let share = if is_errors { bad } else { tally.good };
            let good_ppm = objective.goal.share_ppm().unwrap_or(Ratio::WHOLE);
            let limit_ppm = if is_errors { Ratio::ppm(good_ppm).rest().as_ppm() } else { good_ppm };
            Some(percent_beside(share, tally.total, limit_ppm))
        }
    }
}

/// A number a second with one decimal, rounded so that a missed limit never looks met.
fn tenths(number: u64, judged_ms: u64, side: LimitSide) -> Option<String> {
    let number = number.saturating_mul(10_000);
    let tenths = match side {
        _ if judged_ms == 0 => return None,
        LimitSide::AtLeast => number / judged_ms,
        LimitSide::AtMost => number.div_ceil(judged_ms),
    };
    Some(format!("{}.{}", tenths / 10, tenths % 10))
}

/// Lines below a table of objectives, each about those that the table alone does not explain.
pub(crate) fn table_notes(objectives: &[ObjectiveResult], end: LoadEnd) -> Vec<String> {
    let is_short = |it: &ObjectiveResult| it.has_row() && it.verdict.reason().is_some_and(Reason::is_too_few);
    let only_warns = |it: &ObjectiveResult| it.on_miss == OnMiss::Warn && it.has_row() && it.verdict.is_decided();
    let is_not_made = |it: &ObjectiveResult| {
        it.verdict == Verdict::Missed && it.tally().is_some_and(|tally| hides_unknown(it, tally))
    };
    let name = |it: &ObjectiveResult| format!("{} {}", it.subject, it.objective);
    let name_unmade = |it: &ObjectiveResult| {
        let unmade = it.tally().map_or(0, |tally| tally.unknown);
        format!("{} ({} not made)", name(it), counted(unmade, "request"))
    };
    let list = |text: &str, is_named: &dyn Fn(&ObjectiveResult) -> bool, name: &dyn Fn(&ObjectiveResult) -> String| {
        let names: Vec<_> = objectives.iter().filter(|it| is_named(it)).map(name).collect();
        (!names.is_empty()).then(|| format!("{text}: {}", names.join(", ")))
    };
    let not_requested = if end == LoadEnd::Planned { describe_not_requested(objectives) } else { Vec::new() };
    let lists = [
        list("missed, because requests not made while the target was down count as bad", &is_not_made, &name_unmade),
        list("not judged by a single iteration", &|it| it.verdict == Verdict::NotJudged, &name),
        list("not counted in the verdict (a miss only warns)", &only_warns, &name),
        list("too little data for a verdict", &is_short, &name).filter(|_| end == LoadEnd::CutShort),
    ];
    not_requested.into_iter().chain(lists.into_iter().flatten()).collect()
}

/// "6 other endpoints had no requests: all 2,152 iterations failed before them", a line for each
/// reason. A few endpoints are named.
fn describe_not_requested(objectives: &[ObjectiveResult]) -> Vec<String> {
    /// Limit on endpoints that are named.
    const NAMED: usize = 3;
    let mut by_reason = BTreeMap::<&Reason, Vec<&str>>::new();
    for objective in objectives.iter().filter(|it| it.is_not_requested()) {
        let Some(reason) = objective.verdict.reason() else { continue };
        let names = by_reason.entry(reason).or_default();
        if !names.contains(&&*objective.subject) {
            names.push(&objective.subject);
        }
    }
    let others = if objectives.iter().any(|it| it.has_row() && !it.is_not_requested()) { "other " } else { "" };
    let line = |(reason, names): (&Reason, Vec<&str>)| {
        let endpoints = match names.len() {
            ..=NAMED => names.join(", "),
            number => format!("{number} {others}endpoints"),
        };
        let why = match reason {
            Reason::NotReached { iterations } => {
                format!(
                    "all {} failed before {}",
                    counted(*iterations, "iteration"),
                    if names.len() == 1 { "it" } else { "them" }
                )
            }
            _ => "does the scenario send any?".to_owned(),
        };
        format!("{endpoints} had no requests: {why}")
    };
    by_reason.into_iter().map(line).collect()
}

/// Text of a missed objective: "get_offers p95 761.0 ms > 500 ms, 263 requests".
pub fn describe_miss(objective: &ObjectiveResult) -> String {
    if let Goal::Backend { bound, measure, side: Some(side) } = objective.goal {
        let limit = backend_value(measure, bound);
        return format!("{} {} {limit}", describe_without_limit(objective), side.missed_sign());
    }
    let Some(MissedLimit { what, sign, limit }) = missed_limit(objective.goal) else {
        return describe_without_limit(objective);
    };
    if let Some(text) = describe_not_made(objective) {
        return text;
    }
    let measured = describe_measured(objective).unwrap_or_default();
    let counts = describe_counts(objective).map(|counts| format!(", {counts}")).unwrap_or_default();
    let failed = match objective.quantile_ms() {
        Some(Millis::INFINITE) => ", too many of them failed",
        _ => "",
    };
    let part = objective.part.as_ref().map(|part| format!(" in part {part}")).unwrap_or_default();
    let segment = objective.segment.as_ref().map(|segment| format!(" in {segment}")).unwrap_or_default();
    format!("{} {what}{part}{segment} {measured} {sign} {limit}{counts}{failed}", objective.subject)
}

/// Text of a missed objective whose limit is part of the objective's text.
fn describe_without_limit(objective: &ObjectiveResult) -> String {
    let measured = describe_measured(objective).unwrap_or_default();
    format!("{} {}: measured {measured}", objective.subject, objective.objective)
}

/// Limit of a missed objective.
struct MissedLimit {
    /// The limited value: "p95".
    what: String,
    /// Sign between the measured value and the limit.
    sign: char,
    limit: String,
}

/// Limit of a missed objective on requests or values. `None` if an older version, which has the
/// limit only in the objective's text, wrote it.
fn missed_limit(goal: Goal) -> Option<MissedLimit> {
    let quantile = |ppm| Ratio::ppm(ppm).as_quantile();
    let percent = |ppm| Ratio::ppm(ppm).to_string();
    let (what, sign, limit) = match goal {
        Goal::Value { reading, limit, side } => {
            (reading.as_str().to_owned(), side.missed_sign(), format!("{}{}", count(limit), reading.unit()))
        }
        Goal::Latency(Percentile { share_ppm, threshold_ms }) => {
            (quantile(share_ppm?), '>', format!("{threshold_ms} ms"))
        }
        Goal::ResponseTime(Percentile { share_ppm, threshold_ms }) => {
            (format!("response {}", quantile(share_ppm?)), '>', format!("{threshold_ms} ms"))
        }
        Goal::Span { span, share_ppm, threshold_ms } => {
            (format!("{}{}", span.prefix(), quantile(share_ppm)), '>', format!("{threshold_ms} ms"))
        }
        Goal::Measure { share_ppm, at_most: Some(value) } => (quantile(share_ppm), '>', value.to_string()),
        Goal::Measure { share_ppm, at_most: None } => ("rate".to_owned(), '≤', percent(share_ppm)),
        Goal::Throughput { per_second } => ("throughput".to_owned(), '<', format!("{per_second} requests/s")),
        Goal::Success(Share { share_ppm }) => ("success".to_owned(), '≤', percent(share_ppm?)),
        Goal::Check(Share { share_ppm }) => ("passes".to_owned(), '≤', percent(share_ppm?)),
        Goal::Errors(Share { share_ppm }) => ("errors".to_owned(), '≥', Ratio::ppm(share_ppm?).rest().to_string()),
        Goal::Backend { .. } => return None,
    };
    Some(MissedLimit { what, sign, limit })
}

/// Text of an objective that is missed because of requests that were not made.
fn describe_not_made(objective: &ObjectiveResult) -> Option<String> {
    let (Tally { good, total, unknown, .. }, noun) =
        objective.counted().filter(|(tally, _)| hides_unknown(objective, tally))?;
    let all = total.saturating_add(*unknown);
    Some(format!(
        "{} {}: {} good, {} not made",
        objective.subject,
        objective.objective,
        counted_part(*good, all, noun),
        count(*unknown)
    ))
}

/// Number of what the objective counts: "263 requests". `None` if it judges one value.
fn describe_counts(objective: &ObjectiveResult) -> Option<String> {
    let (tally, noun) = objective.counted()?;
    Some(match objective.measured {
        Some(Measurement::Throughput { judged_ms, .. }) => {
            format!("{} in {} s", counted(tally.good, "successful request"), judged_ms.div_ceil(1_000))
        }
        _ => counted(tally.total, noun),
    })
}

/// Whether the requests that were made would have met the objective. Then it is missed because of
/// those that were not made.
fn hides_unknown(objective: &ObjectiveResult, tally: &Tally) -> bool {
    let is_within = match objective.share_of_threshold() {
        Some(share) => share <= 1.0,
        None => objective.goal.share_ppm().is_some_and(|ppm| {
            let needed = u128::from(tally.total) * u128::from(ppm);
            u128::from(tally.good) * u128::from(Ratio::WHOLE) > needed
        }),
    };
    tally.unknown > 0 && is_within
}

/// Severity and kind. `None` if the objective was met or is not judged.
fn classify(objective: &ObjectiveResult) -> Option<(Severity, FindingKind)> {
    match (&objective.verdict, objective.on_miss) {
        (Verdict::Missed, OnMiss::Fail) => Some((Severity::Problem, FindingKind::Missed)),
        (Verdict::Missed, OnMiss::Warn) => Some((Severity::Warning, FindingKind::MissedWarnsOnly)),
        (Verdict::Inconclusive(_), _) => Some((Severity::Warning, FindingKind::Inconclusive)),
        (Verdict::Met | Verdict::NotInScenario | Verdict::NotJudged, _) => None,
    }
}

/// Finding about an objective of a run, with the cause of its failed requests. `None` if it was met
/// or is not judged.
pub fn finding(objective: &ObjectiveResult, cause: Option<&FailureCause>) -> Option<Finding> {
    let (severity, kind) = classify(objective)?;
    let ObjectiveResult { subject, objective: limit, .. } = objective;
    let message = if let Verdict::Inconclusive(reason) = &objective.verdict {
        format!("{subject} {limit}: {reason}")
    } else {
        let cause = cause.map(|cause| format!(": {}", cause.describe())).unwrap_or_default();
        format!("{}{cause}", describe_miss(objective))
    };
    Some(Finding::new(severity, Subject::Objective(subject.clone()), kind, message))
}

/// Finding about an objective of the head over all its rounds. `None` for objectives on the
/// backend's own metrics, which are not judged in comparisons.
pub(super) fn head_finding(objective: &ObjectiveResult) -> Option<Finding> {
    let (severity, kind) = classify(objective)?;
    objective.tally()?;
    let ObjectiveResult { subject, objective: limit, .. } = objective;
    let why = match &objective.verdict {
        Verdict::Inconclusive(reason) => format!(": {reason}"),
        _ => String::new(),
    };
    let of_head = match objective.counted() {
        Some((tally, noun)) => format!("{} of the head good", counted_part(tally.good, tally.total, noun)),
        None => {
            format!("measured {} on the head", describe_measured(objective).unwrap_or_else(|| "nothing".to_owned()))
        }
    };
    let message = format!("{subject} {limit}: {of_head}{why}");
    Some(Finding::new(severity, Subject::Objective(subject.clone()), kind, message))
}
