//! The check of the same counts: the store has the numbers of the verdict.

use std::time::Duration;

use monitoring::backend_slo::BackendSlo;
use perf_report::evidence::BackendValue;
use perf_report::finding::FindingKind;
use perf_report::format::counted;

use super::proof_check::ProofCheck;
use crate::host::clock::Moment;
use crate::perf::prove::proven_run::ProvenRun;

const CHECK: &str = "same counts";

/// Checks that the store has each objective's good and total requests of the report, and the values
/// of objectives about the backend's metrics.
///
/// The run has compared the counts at its end, when a late store was waited for. The values are
/// compared here.
pub(crate) async fn check(run: ProvenRun<'_>, own_store: bool, must_prove: bool) -> ProofCheck {
    let is_compared = run.report.run.store.as_ref().is_some_and(|store| store.agrees.is_some());
    if !is_compared {
        const WHY: &str = "the run could not query the store for its counts";
        return match must_prove {
            true => ProofCheck::new(CHECK, String::new(), vec![WHY.to_owned()]),
            false => ProofCheck::not_applicable(CHECK, WHY),
        };
    }
    let compared = run.report.objectives.iter().filter(|objective| objective.tally().is_some()).count();
    let ComparedValues { count, differ, late } = compare_values(run, own_store).await;
    let disagreements = run.report.findings.iter().filter(|finding| finding.kind == FindingKind::StoreDisagrees);
    let wrong = disagreements.map(|finding| finding.message.clone()).chain(differ).collect();
    let of_backend = match count {
        0 => String::new(),
        count => format!(", and {} of backend metrics", counted(count as u64, "value")),
    };
    let compared = counted(compared as u64, "objective");
    let figures = format!("Prometheus has the report's counts of {compared}{of_backend}");
    let mut check = ProofCheck::new(CHECK, figures, wrong);
    check.lines.extend(late);
    check
}

/// The largest difference between two results of one query: relative above 1, else absolute.
/// Prometheus adds the series up in any order, and the last digits of a sum of floats depend on the
/// order.
const TOLERANCE: f64 = 1e-9;

/// Whether two results of one query are the same: whole numbers exactly, others within the
/// tolerance.
pub(crate) fn is_same_value(one: f64, other: f64) -> bool {
    let whole = one.fract() == 0.0 && other.fract() == 0.0;
    let tolerance = if whole { 0.0 } else { TOLERANCE * one.abs().max(other.abs()).max(1.0) };
    one.total_cmp(&other).is_eq() || (one - other).abs() <= tolerance
}

/// The values of objectives on the backend's metrics, in the report and in the store.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ComparedValues {
    pub(crate) count: usize,
    /// Differences.
    pub(crate) differ: Vec<String>,
    /// Differences because the store had not all scrapes when the run asked for the value.
    pub(crate) late: Vec<String>,
}

/// Compares the values of objectives on the backend's metrics, at the time of the report's query.
/// The stack's own store (`own_store`) scrapes the backend itself, so its scrapes are never late.
pub(crate) async fn compare_values(run: ProvenRun<'_>, own_store: bool) -> ComparedValues {
    let mut compared = ComparedValues::default();
    for objective in &run.report.objectives {
        let slo = run.catalogue.backend_slos.iter().find(|slo| slo.id() == objective.id);
        let (Some(slo), Some(measured)) = (slo, objective.backend_value()) else { continue };
        compared.count += 1;
        let expr = slo.during_run(Duration::from_secs(measured.over_s)).to_string();
        match run.source.value(&expr, measured.at_unix_ms).await {
            Ok(Some(value)) if is_same_value(value, measured.value) => {}
            Ok(value) => {
                let is_late = !own_store && value.is_some() && had_fewer_scrapes(run, slo, measured).await;
                let value = value.map_or_else(|| "no value".to_owned(), |value| value.to_string());
                let line = format!("{}: {} in the report, {value} in Prometheus", objective.id, measured.value);
                match is_late {
                    true => compared.late.push(format!("{line}, which got later scrapes after the run had asked")),
                    false => compared.differ.push(line),
                }
            }
            Err(error) => compared.differ.push(format!("{}: {error:#}", objective.id)),
        }
    }
    compared
}

/// Whether the report's value may be that of the first scrapes of the run. Scrapes that an agent
/// sends to a store arrive late, and in order.
///
/// Any value between those of two numbers of scrapes may be: a rate has them if its window lacks
/// scrapes, and an aggregation if only some of its series are late.
async fn had_fewer_scrapes(run: ProvenRun<'_>, slo: &BackendSlo, measured: BackendValue) -> bool {
    let BackendValue { value, over_s, at_unix_ms } = measured;
    // A range query would have other steps.
    let values = slo.values(Duration::from_secs(over_s)).to_string();
    let Ok(series) = run.source.samples(&values, Moment(at_unix_ms)).await else { return false };
    let values: Vec<_> = series.iter().flat_map(|series| &series.points).map(|(_, value)| *value).collect();
    let so_far = slo.judged_so_far(&values);
    let least = so_far.iter().copied().fold(f64::INFINITY, f64::min);
    let most = so_far.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (least..=most).contains(&value)
}
