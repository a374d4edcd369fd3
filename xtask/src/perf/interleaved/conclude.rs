//! Concludes a comparison: judges its rounds, and publishes the result.

use monitoring::catalogue::Catalogue;
use monitoring::services;
use monitoring::slo::OnMiss;
use perf_report::Report;
use perf_report::finding::{Finding, FindingKind, Subject};
use perf_report::format::counted;
use perf_report::render::files::COMPARISON;

use super::rounds::Rounds;
use super::run_rounds::MeasuredRounds;
use super::sides::SideName;
use crate::perf::perf_result::PerfResult;
use crate::perf::publish::publish_comparison;

/// Judges and publishes the measured rounds.
pub(super) fn run(rounds: &Rounds<'_>, measured: MeasuredRounds) -> anyhow::Result<PerfResult> {
    let MeasuredRounds { pairs, alpha, notes } = measured;
    let mut findings = round_problems(&pairs);
    let warning = |kind, text| Finding::warning(Subject::Run, kind, text);
    findings.extend(notes.into_iter().map(|note| warning(FindingKind::Capacity, note)));
    findings.extend(rounds.warnings().into_iter().map(|text| warning(FindingKind::ServiceLeft, text)));
    let gate = rounds.plan.args.judging.gate.0;
    let heads: Vec<_> = pairs.iter().map(|(_, head)| head).collect();
    let catalogue = heads.first().and_then(|head| services::find(&head.run.service));
    let objectives = match catalogue.filter(|_| gate.judges_objectives()) {
        Some(catalogue) => {
            let left_out = left_out(catalogue).into_iter();
            findings.extend(left_out.map(|text| warning(FindingKind::ObjectiveNotJudged, text)));
            perf_compare::objectives(catalogue, &heads)
        }
        None => Vec::new(),
    };
    let comparison = rounds.compare(alpha, &pairs).conclude(gate, objectives, findings);
    publish_comparison(&rounds.folder.join(COMPARISON), &comparison)
}

/// Objectives that can fail a run, and that rounds cannot judge. The texts say why.
fn left_out(catalogue: &Catalogue) -> Vec<String> {
    let on_backend = catalogue.backend_slos.iter().filter(|slo| slo.on_miss == OnMiss::Fail);
    let on_backend = on_backend.map(|slo| format!("{} is not judged: rounds push no metrics to a store", slo.id()));
    let of_one_run = catalogue.slos.iter().filter(|slo| slo.limit().is_some() && !slo.is_per_second());
    let of_one_run = of_one_run.filter(|slo| slo.on_miss == OnMiss::Fail);
    let of_one_run =
        of_one_run.map(|slo| format!("{} is not judged: it limits the value of one run", catalogue.slo_id(slo)));
    on_backend.chain(of_one_run).collect()
}

/// The problems of rounds, each once, with the number of rounds that had it.
fn round_problems(pairs: &[(Report, Report)]) -> Vec<Finding> {
    let all = pairs.iter().flat_map(|(base, head)| [(SideName::Base, base), (SideName::Head, head)]);
    let all: Vec<_> = all.flat_map(|(side, report)| report.problems().map(move |problem| (side, problem))).collect();
    let mut known: Vec<(SideName, &Finding, u64)> = Vec::new();
    for (side, problem) in all {
        match known.iter_mut().find(|(of, it, _)| *of == side && *it == problem) {
            Some((_, _, times)) => *times += 1,
            None => known.push((side, problem, 1)),
        }
    }
    let describe = |(side, problem, times): (SideName, &Finding, u64)| Finding {
        message: format!("in {} of the {}: {}", counted(times, "round"), side.label(), problem.message),
        ..problem.clone()
    };
    known.into_iter().map(describe).collect()
}
