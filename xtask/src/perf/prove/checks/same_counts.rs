//! The check of the same counts: the store has the numbers of the verdict.

use std::time::Duration;

use perf_report::finding::FindingKind;
use perf_report::format::counted;

use super::proof_check::ProofCheck;
use crate::perf::prove::proven_run::ProvenRun;

const CHECK: &str = "same counts";

/// Checks that the store has each objective's good and total requests of the report, and the values
/// of objectives about the backend's metrics.
///
/// The run has compared the counts at its end, when a late store was waited for. The values are
/// compared here.
pub(crate) async fn check(run: ProvenRun<'_>, must_prove: bool) -> ProofCheck {
    let is_compared = run.report.run.store.as_ref().is_some_and(|store| store.agrees.is_some());
    if !is_compared {
        const WHY: &str = "the run could not query the store for its counts";
        return match must_prove {
            true => ProofCheck::new(CHECK, String::new(), vec![WHY.to_owned()]),
            false => ProofCheck::not_applicable(CHECK, WHY),
        };
    }
    let compared = run.report.objectives.iter().filter(|objective| objective.tally().is_some()).count();
    let (values, differ) = same_values(run).await;
    let disagreements = run.report.findings.iter().filter(|finding| finding.kind == FindingKind::StoreDisagrees);
    let wrong = disagreements.map(|finding| finding.message.clone()).chain(differ).collect();
    let of_backend = match values {
        0 => String::new(),
        values => format!(", and {} of backend metrics", counted(values as u64, "value")),
    };
    let compared = counted(compared as u64, "objective");
    let figures = format!("Prometheus has the report's counts of {compared}{of_backend}");
    ProofCheck::new(CHECK, figures, wrong)
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

/// Checks that Prometheus has the values of objectives about the backend's metrics, at the time of
/// the report's query.
///
/// Returns the number of values, and the differences.
pub(crate) async fn same_values(run: ProvenRun<'_>) -> (usize, Vec<String>) {
    let (mut compared, mut wrong) = (0, Vec::new());
    for objective in &run.report.objectives {
        let slo = run.catalogue.backend_slos.iter().find(|slo| slo.id() == objective.id);
        let (Some(slo), Some(measured)) = (slo, objective.backend_value()) else { continue };
        compared += 1;
        let expr = slo.during_run(Duration::from_secs(measured.over_s)).to_string();
        match run.source.value(&expr, measured.at_unix_ms).await {
            Ok(Some(value)) if is_same_value(value, measured.value) => {}
            Ok(value) => {
                let value = value.map_or_else(|| "no value".to_owned(), |value| value.to_string());
                wrong.push(format!("{}: {} in the report, {value} in Prometheus", objective.id, measured.value));
            }
            Err(error) => wrong.push(format!("{}: {error:#}", objective.id)),
        }
    }
    (compared, wrong)
}
