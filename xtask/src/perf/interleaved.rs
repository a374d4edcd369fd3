//! `cargo xtask perf --against`, an interleaved comparison.
//!
//! Base and head run in alternating short rounds on one machine, and the pairs of rounds are
//! judged. A service that this command starts is started anew for every round. So no round depends
//! on an earlier one, and the luck of a process (its addresses, its hash seeds) affects one round
//! and not one side. Both rounds of a pair have the same plan; each pair has another plan. Nothing
//! is pushed to a store: rounds are too short for dashboards.

mod calibration;
mod programs;
mod round;
mod service;

use anyhow::anyhow;
use monitoring::catalogue::Catalogue;
use monitoring::services;
use monitoring::slo::OnMiss;
use perf_compare::gate::Looks;
use perf_compare::{ComparisonLabel, Pair};
use perf_report::Report;
use perf_report::comparison::{ComparisonMethod, Conclusion, Rule};
use perf_report::exit_code::ExitCode;
use perf_report::finding::{Finding, FindingKind, Subject};
use perf_report::format::{counted, counted_part, exact_percent};
use perf_report::render::files::COMPARISON;
use perf_settings::{Settings, UNIX, parse_target};
use tokio::sync::watch;

use super::PerfArgs;
use super::args::{MOST_ROUNDS, ROUNDS, ROUNDS_OF_CALIBRATION};
use super::perf_error::{PerfError, after_cleanup};
use super::plan::build;
use super::publish::{self, PerfResult};
use crate::host::checkout::{self, Checkout};
use crate::host::{terminal, workspace};
use crate::scenarios::{self, BuiltPrograms};
use calibration::CalibrationRecord;
use programs::OwnPrograms;
use round::{Rounds, Side, SideName};
use service::SideService;

/// Runs the comparison, or the calibration for one.
pub(crate) async fn run(
    args: &PerfArgs,
    settings: &Settings,
    signals: watch::Receiver<u32>,
) -> Result<PerfResult, PerfError> {
    let named = args.scenarios()?;
    if named.len() > 1 {
        return Err(PerfError::SeveralScenarios(named.len()));
    }
    let (base_service, revision) = match &args.interleaved.against {
        None => (None, None),
        Some(against) if against.contains("://") || against.starts_with(UNIX) => {
            (Some(SideService::Running(parse_target(against).map_err(PerfError::Against)?)), None)
        }
        Some(revision) => (None, Some(revision.as_str())),
    };
    let target = args.named_target(settings).cloned();
    if let (Some(target), Some(revision)) = (&target, revision) {
        let (target, revision) = (prometheus_store::shown_url(target), revision.to_owned());
        return Err(PerfError::TargetOfRevision { target, revision });
    }
    let needs_stub = args.interleaved.start().is_none() && target.is_none();
    let programs = OwnPrograms::lock()?;
    scenarios::check_names(&named)?;
    let built = build(args, needs_stub, &signals)?;
    let built = programs.copy(&built)?;
    let scenario = built.select_one(named.first().map(String::as_str))?;
    let checkout = revision.map(Checkout::add).transpose()?;
    let result = async {
        let head = head_side(args, target, &built, checkout.as_ref())?;
        let base = match (&checkout, base_service) {
            (Some(checkout), _) => checkout_side(args, checkout, signals.clone()).await?,
            (None, Some(service)) => {
                Side { name: SideName::Base, description: describe(&service), service, folder: workspace::root() }
            }
            (None, None) => Side { name: SideName::Base, ..head.clone() },
        };
        if let SideService::Command { folder, .. } = &head.service {
            let side = SideName::Head;
            let built = round::build(args, side, folder, signals.clone()).await;
            built.map_err(|failure| failure.into_error(side, |why| format!("head: {why}")))?;
        }
        let rounds = Rounds::new(args, settings, &built, &scenario, signals)?;
        if args.interleaved.calibrate {
            calibrate(args, &rounds, &base, &head).await
        } else {
            compare(args, &rounds, &base, &head).await
        }
    };
    let result = result.await;
    let removed = checkout.map_or(Ok(()), |checkout| checkout.remove());
    after_cleanup(result, |result| result.code, removed)
}

fn describe(service: &SideService) -> String {
    match service {
        SideService::Running(url) => prometheus_store::shown_url(url),
        SideService::Stub(_) => "the stub backend".to_owned(),
        // The command itself may hold secrets.
        SideService::Command { .. } => "the service of --start".to_owned(),
    }
}

/// The head: the working tree's service, or a running one.
fn head_side(
    args: &PerfArgs,
    target: Option<url::Url>,
    built: &BuiltPrograms,
    checkout: Option<&Checkout>,
) -> Result<Side, PerfError> {
    let root = workspace::root();
    let (service, folder) = match (target, args.interleaved.start(), &built.stub) {
        (Some(url), _, _) => (SideService::Running(url), root),
        (None, Some(command), _) => {
            let folder = checkout::top().unwrap_or(root);
            (
                SideService::Command {
                    command: command.to_owned(),
                    folder: folder.clone(),
                    within: args.interleaved.start_timeout,
                },
                folder,
            )
        }
        (None, None, Some(program)) => (SideService::Stub(program.clone()), root),
        (None, None, None) => return Err(anyhow!("cargo built no stub backend").into()),
    };
    let description = match checkout {
        Some(checkout) => checkout.describe_working_tree()?,
        None => describe(&service),
    };
    Ok(Side { name: SideName::Head, description, service, folder })
}

/// The base: the revision's service. If it cannot be built, the result is inconclusive, since that
/// is not the head's fault.
async fn checkout_side(args: &PerfArgs, checkout: &Checkout, signals: watch::Receiver<u32>) -> Result<Side, PerfError> {
    let name = SideName::Base;
    let describe = |why| format!("base {}: {why}; there is nothing to compare with", checkout.description);
    let folder = checkout.folder.clone();
    let service = match args.interleaved.start() {
        Some(command) => {
            let built = round::build(args, name, &folder, signals).await;
            built.map_err(|failure| failure.into_error(name, describe))?;
            SideService::Command {
                command: command.to_owned(),
                folder: folder.clone(),
                within: args.interleaved.start_timeout,
            }
        }
        None => {
            eprintln!("building the stub backend of {}", checkout.description);
            SideService::Stub(
                scenarios::build_stub_in(&checkout.workspace)
                    .map_err(|error| name.error(describe(format!("{error:#}"))))?,
            )
        }
    };
    Ok(Side { name, description: checkout.description.clone(), service, folder })
}

async fn compare(args: &PerfArgs, rounds: &Rounds<'_>, base: &Side, head: &Side) -> Result<PerfResult, PerfError> {
    let rule = args.judging.rule();
    let (planned, notes) = plan_rounds(args, rule, rounds)?;
    let looks = Looks::new(planned, args.interleaved.looks as usize, rule.alpha);
    let judge = |alpha: f64, pairs: &[(Report, Report)]| {
        let (name, base, head) = (rounds.name.clone(), base.description.clone(), head.description.clone());
        let label = ComparisonLabel { name, base, head, method: ComparisonMethod::Interleaved, rule, alpha };
        perf_compare::compare(label, &comparable(pairs))
    };
    let mut pairs: Vec<(Report, Report)> = Vec::new();
    let mut alpha = looks.last();
    for pair in 0..planned {
        pairs.push(rounds.pair(pair, planned, base, head).await?);
        // Only planned interim checks may stop the comparison.
        if let Some(level) = looks.level(pairs.len()) {
            alpha = level;
            let so_far = judge(level, &pairs);
            if pairs.len() < planned && so_far.endpoints.iter().any(|it| it.conclusion == Conclusion::Regressed) {
                let rounds = counted_part(pairs.len() as u64, planned as u64, "round");
                eprintln!("the interim check after {rounds} found a regression: stopping");
                break;
            }
        }
    }
    let mut findings = round_problems(&pairs);
    let warning = |kind, text| Finding::warning(Subject::Run, kind, text);
    findings.extend(notes.into_iter().map(|note| warning(FindingKind::Capacity, note)));
    findings.extend(rounds.warnings().into_iter().map(|text| warning(FindingKind::ServiceLeft, text)));
    let gate = args.judging.gate;
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
    let comparison = judge(alpha, &pairs).conclude(objectives, findings, gate.judges_changes());
    Ok(publish::comparison(&rounds.folder.join(COMPARISON), &comparison)?)
}

/// Objectives that can fail a run, and that rounds cannot judge. The texts say why.
fn left_out(catalogue: &Catalogue) -> Vec<String> {
    let on_backend = catalogue.backend.iter().filter(|slo| slo.on_miss == OnMiss::Fail);
    let on_backend = on_backend.map(|slo| format!("{} is not judged: rounds push no metrics to a store", slo.id()));
    let of_one_run = catalogue.slos.iter().filter(|slo| slo.limit().is_some() && !slo.is_per_second());
    let of_one_run = of_one_run.filter(|slo| slo.on_miss == OnMiss::Fail);
    let of_one_run =
        of_one_run.map(|slo| format!("{} is not judged: it limits the value of one run", catalogue.slo_id(slo)));
    on_backend.chain(of_one_run).collect()
}

/// The number of rounds, and warnings about it.
///
/// # Errors
/// If the calibration shows that the machine cannot detect the slow-down in that number of rounds.
fn plan_rounds(args: &PerfArgs, rule: Rule, rounds: &Rounds<'_>) -> Result<(usize, Vec<String>), PerfError> {
    let looks = args.interleaved.looks as usize;
    let given = args.interleaved.rounds.map(|rounds| rounds as usize);
    let Some(known) = CalibrationRecord::find(&rounds.subject()?)? else {
        let note = "this machine is not calibrated for this load: cargo xtask perf --calibrate".to_owned();
        return Ok((given.unwrap_or(ROUNDS as usize), vec![note]));
    };
    let too_noisy = |limit| PerfError::TooNoisy { detect: exact_percent(rule.detect), limit };
    let detects = |alpha: f64| format!("it detects {}", known.describe(rule, alpha));
    let needed = known.noise.needed_pairs_with_looks(rule, looks);
    // The significance level of the last check.
    let alpha = Looks::new(needed.unwrap_or(MOST_ROUNDS as usize), looks, rule.alpha).last();
    match (given, needed) {
        (None, Some(needed)) => Ok((needed, Vec::new())),
        (None, None) => Err(too_noisy(detects(alpha))),
        (Some(given), Some(needed)) if needed <= given => Ok((given, Vec::new())),
        (Some(given), needed) => {
            let takes = |needed| format!("that takes {}", counted(needed as u64, "round"));
            let limit = needed.map_or_else(|| detects(alpha), takes);
            Err(too_noisy(format!("{limit}, and --rounds is {given}")))
        }
    }
}

fn comparable(pairs: &[(Report, Report)]) -> Vec<Pair<'_>> {
    pairs.iter().map(|(base, head)| Pair { base, head }).collect()
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

async fn calibrate(args: &PerfArgs, rounds: &Rounds<'_>, base: &Side, head: &Side) -> Result<PerfResult, PerfError> {
    let planned = args.interleaved.rounds.unwrap_or(ROUNDS_OF_CALIBRATION) as usize;
    let mut pairs = Vec::new();
    for pair in 0..planned {
        pairs.push(rounds.pair(pair, planned, base, head).await?);
    }
    let rule = args.judging.rule();
    let calibrated = CalibrationRecord::measure(rounds.subject()?, &comparable(&pairs), rounds.took());
    let calibrated = calibrated.ok_or(PerfError::TooFewRequests)?;
    calibrated.keep()?;
    terminal::print_line(&format!("\n{}", calibrated.render(rule)));
    let (code, ability) = match calibrated.noise.needed_pairs(rule, rule.alpha) {
        Some(rounds) => (ExitCode::Met, format!("calibrated, {rounds} rounds detect")),
        None => (ExitCode::Inconclusive, "this machine is too noisy to detect".to_owned()),
    };
    let verdict = format!("{ability} a {} slow-down (exit {})", exact_percent(rule.detect), code.code());
    Ok(PerfResult::with_verdict(code, format!("{}: {verdict}", rounds.name)))
}
