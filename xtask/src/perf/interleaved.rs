//! `cargo xtask perf --against`, an interleaved comparison: base and head take turns in short rounds on one machine, and the pairs of rounds are judged.
//!
//! A service of ours is started anew for every round, so that neither side keeps what another round left in it, and luck that a process
//! has for as long as it lives (its addresses, its hash seeds) is one round's and not one side's. Both rounds of a pair have the same
//! plan; each pair has another. Nothing is pushed to a store: rounds are too short to be looked at there.

mod calibration;
pub(crate) mod checkout;
mod programs;
mod round;
mod service;

use std::path::Path;

use monitoring::services;
use monitoring::slo::OnMiss;
use perf_compare::gate::Looks;
use perf_compare::{About, Pair};
use perf_report::Report;
use perf_report::comparison::{ComparisonMethod, Conclusion, Rule};
use perf_report::exit_code::ExitCode;
use perf_report::finding::{Finding, FindingKind, Subject};
use perf_report::findings::comparison_findings;
use perf_report::format::exact_percent;
use perf_report::render::files::COMPARISON;
use perf_settings::{Settings, parse_url};
use tokio::sync::watch;

use super::PerfArgs;
use super::perf_error::{PerfError, configuration};
use super::plan::{build, choose};
use crate::scenarios::{self, Built};
use crate::{github, report_files, terminal, workspace};
use calibration::CalibrationRecord;
use checkout::Checkout;
use programs::OwnPrograms;
use round::{Rounds, Side};
use service::SideService;

/// Rounds of each side where nobody says how many and nothing is known of the machine.
const ROUNDS: u32 = 12;
/// As many as may be asked for.
const MOST_ROUNDS: usize = 200;
/// Rounds of each side that show how far apart they come out.
const ROUNDS_OF_CALIBRATION: u32 = 20;

/// Runs the comparison, or the calibration for one.
pub(super) async fn run(
    args: &PerfArgs,
    settings: &Settings,
    signals: watch::Receiver<u32>,
) -> Result<ExitCode, PerfError> {
    let named = args.scenarios().map_err(configuration)?;
    if named.len() > 1 {
        return Err(configuration("a comparison is of one scenario: name one"));
    }
    let (base_service, revision) = match &args.gate.against {
        None => (None, None),
        Some(against) if against.contains("://") => (
            Some(SideService::Running(parse_url(against).map_err(|why| configuration(format!("--against: {why}")))?)),
            None,
        ),
        Some(revision) => (None, Some(revision.as_str())),
    };
    let target = args.named_target(settings).cloned();
    if let (Some(target), Some(revision)) = (&target, revision) {
        return Err(configuration(format!(
            "{} runs already, and revision {revision:?} has to be started: give --start in place of a target",
            prometheus_store::shown_url(target)
        )));
    }
    let needs_stand_in = args.gate.start().is_none() && target.is_none();
    let programs = OwnPrograms::lock()?;
    let built = build(args, needs_stand_in, &signals)?;
    let built = programs.copy(&built)?;
    let scenario = choose(&named, &scenarios::list(&built.load)?).map_err(configuration)?.remove(0);
    let checkout = match revision {
        Some(revision) => {
            let (top, within) = checkout::repository().map_err(configuration)?;
            Some((Checkout::add(revision, &top).map_err(configuration)?, top, within))
        }
        None => None,
    };
    let result = async {
        let head = head_side(args, target, &built, checkout.as_ref().map(|(_, top, _)| top.as_path()))?;
        let base = match (&checkout, base_service) {
            (Some((checkout, _, within)), _) => checkout_side(args, checkout, within, signals.clone()).await?,
            (None, Some(service)) => {
                Side { label: "base", description: describe(&service), service, folder: workspace::root() }
            }
            (None, None) => Side { label: "base", ..head.clone() },
        };
        if let SideService::Command { folder, .. } = &head.service {
            let unfit = |why: String| configuration(format!("the head: {why}"));
            round::build(args, "head", folder, signals.clone()).await.map_err(|error| error.or_unfit(unfit))?;
        }
        let rounds = Rounds::new(args, settings, &built, &scenario, signals)?;
        if args.gate.calibrate {
            calibrate(args, &rounds, &base, &head).await
        } else {
            compare(args, &rounds, &base, &head).await
        }
    };
    let result = result.await;
    if let Some((checkout, top, _)) = &checkout {
        checkout.remove(top)?;
    }
    result
}

fn describe(service: &SideService) -> String {
    match service {
        SideService::Running(url) => prometheus_store::shown_url(url),
        SideService::StandIn(_) => "the stand-in".to_owned(),
        // What it is started by may hold what nobody else is to know.
        SideService::Command { .. } => "what --start starts".to_owned(),
    }
}

/// What is there now: the working tree's service, or one that runs.
fn head_side(args: &PerfArgs, target: Option<url::Url>, built: &Built, top: Option<&Path>) -> Result<Side, PerfError> {
    let root = workspace::root();
    let (service, folder) = match (target, args.gate.start(), &built.backend) {
        (Some(url), _, _) => (SideService::Running(url), root),
        (None, Some(command), _) => {
            let folder = checkout::repository().map_or(root, |(top, _)| top);
            (
                SideService::Command {
                    command: command.to_owned(),
                    folder: folder.clone(),
                    within: args.gate.start_timeout,
                },
                folder,
            )
        }
        (None, None, Some(program)) => (SideService::StandIn(program.clone()), root),
        (None, None, None) => return Err(PerfError(ExitCode::Internal, "cargo built no stand-in".to_owned())),
    };
    let description = match top {
        Some(top) => checkout::describe_head(top)?,
        None => describe(&service),
    };
    Ok(Side { label: "head", description, service, folder })
}

/// The revision's service. One that cannot be built proves nothing of the head.
async fn checkout_side(
    args: &PerfArgs,
    checkout: &Checkout,
    within: &Path,
    signals: watch::Receiver<u32>,
) -> Result<Side, PerfError> {
    let unfit = |why: String| {
        PerfError(
            ExitCode::Inconclusive,
            format!("the base, {}: {why}; there is nothing to compare with", checkout.description),
        )
    };
    let folder = checkout.folder.clone();
    let service = match args.gate.start() {
        Some(command) => {
            round::build(args, "base", &folder, signals).await.map_err(|error| error.or_unfit(unfit))?;
            SideService::Command {
                command: command.to_owned(),
                folder: folder.clone(),
                within: args.gate.start_timeout,
            }
        }
        None => {
            eprintln!("building the stand-in of {}", checkout.description);
            SideService::StandIn(
                scenarios::build_backend(&folder.join(within)).map_err(|error| unfit(format!("{error:#}")))?,
            )
        }
    };
    Ok(Side { label: "base", description: checkout.description.clone(), service, folder })
}

async fn compare(args: &PerfArgs, rounds: &Rounds<'_>, base: &Side, head: &Side) -> Result<ExitCode, PerfError> {
    let rule = args.gate.rule();
    let (planned, notes) = plan_rounds(args, rule, rounds)?;
    let looks = Looks::new(planned, args.gate.looks as usize, rule.alpha);
    let judge = |alpha: f64, pairs: &[(Report, Report)]| {
        let (name, base, head) = (rounds.name.clone(), base.description.clone(), head.description.clone());
        let about = About { name, base, head, method: ComparisonMethod::Interleaved, rule, alpha };
        perf_compare::compare(about, &comparable(pairs))
    };
    let mut pairs: Vec<(Report, Report)> = Vec::new();
    let mut alpha = looks.last();
    for pair in 0..planned {
        pairs.push(rounds.pair(pair, planned, base, head).await?);
        // One is a look only if it was planned to be.
        if let Some(level) = looks.level(pairs.len()) {
            alpha = level;
            let so_far = judge(level, &pairs);
            if pairs.len() < planned && so_far.endpoints.iter().any(|it| it.conclusion == Conclusion::Regressed) {
                eprintln!("the look after {} of {planned} rounds found enough", pairs.len());
                break;
            }
        }
    }
    let mut comparison = judge(alpha, &pairs);
    comparison.findings.extend(round_problems(&pairs));
    let warning = |kind, text| Finding::warning(Subject::Run, kind, text);
    comparison.findings.extend(notes.into_iter().map(|note| warning(FindingKind::Capacity, note)));
    comparison.findings.extend(rounds.warnings().into_iter().map(|text| warning(FindingKind::ServiceLeft, text)));
    if args.gate.gate.judges_objectives() {
        let heads: Vec<_> = pairs.iter().map(|(_, head)| head).collect();
        let catalogue = heads.first().and_then(|head| services::find(&head.service));
        comparison.objectives = catalogue.map_or_else(Vec::new, |it| perf_compare::objectives(it.slos, &heads));
        let backend = catalogue.map_or(&[][..], |catalogue| catalogue.backend);
        let gating = backend.iter().filter(|slo| slo.on_miss == OnMiss::Fail).map(|slo| slo.id());
        let left_out = gating.map(|id| format!("{id} is not judged in rounds, which keep no metrics"));
        comparison.findings.extend(left_out.map(|text| warning(FindingKind::ObjectiveNotJudged, text)));
    }
    let code = if args.gate.gate.judges_changes() { comparison.code() } else { comparison.code_of_objectives() };
    comparison.exit_code = code;
    let path = rounds.folder.join(COMPARISON);
    terminal::print_comparison(&comparison, &path);
    report_files::write_comparison(&path, &comparison)?;
    github::on_job_page(&path)?;
    github::annotate(&comparison.scenario, &comparison_findings(&comparison));
    Ok(code)
}

/// How many rounds, and what should be said of that.
fn plan_rounds(args: &PerfArgs, rule: Rule, rounds: &Rounds<'_>) -> Result<(usize, Vec<String>), PerfError> {
    let looks = args.gate.looks as usize;
    let given = args.gate.rounds.map(|rounds| rounds as usize);
    let Some(known) = CalibrationRecord::find(&rounds.subject())? else {
        let note =
            "how far apart rounds of the same code come out here is not known: cargo xtask perf --calibrate".to_owned();
        return Ok((given.unwrap_or(ROUNDS as usize), vec![note]));
    };
    let tighter = |has: String| {
        PerfError(
            ExitCode::Inconclusive,
            format!(
                "a gate of {} is tighter than what this machine can see: {has}; a --detect of more, more rounds or longer ones, or a \
                 quieter machine would do",
                exact_percent(rule.detect)
            ),
        )
    };
    let needed = known.noise.needed_pairs_with_looks(rule, looks);
    // What the last look of as many as can be has left.
    let alpha = Looks::new(needed.unwrap_or(MOST_ROUNDS), looks, rule.alpha).last();
    match (given, needed) {
        (None, Some(needed)) => Ok((needed, Vec::new())),
        (None, None) => Err(tighter(known.describe(rule, alpha))),
        (Some(given), Some(needed)) if needed <= given => Ok((given, Vec::new())),
        (Some(given), needed) => {
            let needs =
                needed.map_or_else(|| known.describe(rule, alpha), |needed| format!("it takes {needed} rounds"));
            Err(tighter(format!("{needs}, and {given} were asked for")))
        }
    }
}

fn comparable(pairs: &[(Report, Report)]) -> Vec<Pair<'_>> {
    pairs.iter().map(|(base, head)| Pair { base, head }).collect()
}

/// What kept rounds from being what they should have been, each once, with how often.
fn round_problems(pairs: &[(Report, Report)]) -> Vec<Finding> {
    let all = pairs.iter().flat_map(|(base, head)| [("base", base), ("head", head)]);
    let all: Vec<_> = all.flat_map(|(side, report)| report.problems().map(move |problem| (side, problem))).collect();
    let mut counted: Vec<(&str, &Finding, usize)> = Vec::new();
    for (side, problem) in all {
        match counted.iter_mut().find(|(known_side, known, _)| *known_side == side && *known == problem) {
            Some((_, _, times)) => *times += 1,
            None => counted.push((side, problem, 1)),
        }
    }
    let describe = |(side, problem, times): (&str, &Finding, usize)| Finding {
        message: format!("{times} of the {side}'s rounds: {}", problem.message),
        ..problem.clone()
    };
    counted.into_iter().map(describe).collect()
}

async fn calibrate(args: &PerfArgs, rounds: &Rounds<'_>, base: &Side, head: &Side) -> Result<ExitCode, PerfError> {
    let planned = args.gate.rounds.unwrap_or(ROUNDS_OF_CALIBRATION) as usize;
    let mut pairs = Vec::new();
    for pair in 0..planned {
        pairs.push(rounds.pair(pair, planned, base, head).await?);
    }
    let rule = args.gate.rule();
    let calibrated = CalibrationRecord::measure(rounds.subject(), &comparable(&pairs), rounds.took());
    let Some(calibrated) = calibrated else {
        return Err(PerfError(
            ExitCode::Inconclusive,
            "some endpoint has fewer than the 20 requests a round that a p95 needs: make rounds longer (-d)".to_owned(),
        ));
    };
    calibrated.keep()?;
    terminal::say(&format!("\n{}", calibrated.render(rule)));
    let can = calibrated.noise.needed_pairs(rule, rule.alpha).is_some();
    Ok(if can { ExitCode::Met } else { ExitCode::Inconclusive })
}
