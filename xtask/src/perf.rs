//! `cargo xtask perf`: brings up the stack, runs scenarios, prints what they found, and exits with a code that says it.

mod against;
mod args;
mod baseline;
mod child;
mod drill;
mod outcome;

use std::path::{Path, PathBuf};

use monitoring::sanitize::sanitize;
use perf_report::exit_code::{self, ExitCode};
use perf_report::render::terminal;
use perf_report::{ObjectiveResult, Problem, Report};
use perf_settings::Settings;
use tokio::sync::watch;
use url::Url;

pub(crate) use against::checkout as checkouts;
pub(crate) use args::{PerfArgs, percent};
use baseline::Compared;
use outcome::{finish, outcome_file};

use crate::backend::Backend;
use crate::compare::Recorded;
use crate::scenarios::{self, Built, Scenario};
use crate::stack::{self, Stack, StackError};
use crate::{codegen, compare, lock, process, proof, reports, summary, workspace};

/// The scenario that runs when none is named.
const DEFAULT: &str = "basic";

/// Why there was nothing to judge, and what the exit code says of it.
#[derive(Debug)]
struct Stop(ExitCode, String);

impl From<anyhow::Error> for Stop {
    fn from(error: anyhow::Error) -> Self {
        Self(ExitCode::Internal, format!("{error:#}"))
    }
}

impl From<StackError> for Stop {
    fn from(error: StackError) -> Self {
        Self(error.code(), error.to_string())
    }
}

fn configuration(error: impl std::fmt::Display) -> Stop {
    Stop(ExitCode::BadConfiguration, error.to_string())
}

/// Runs the command.
pub(crate) async fn command(args: PerfArgs) -> ExitCode {
    let code = match perf(args).await {
        Ok(Some(code)) => code,
        Ok(None) => return ExitCode::Met,
        Err(Stop(code, message)) => {
            let message = sanitize(&message);
            eprintln!("error: {message}");
            summary::stopped(code, &message);
            code
        }
    };
    summary::print_code(code);
    code
}

/// The gravest code of all runs; none if there was nothing to run.
async fn perf(args: PerfArgs) -> Result<Option<ExitCode>, Stop> {
    let settings = args.settings().map_err(configuration)?;
    args.check(&settings).map_err(configuration)?;
    let signals = process::signals()?;
    let makes_load = !args.list && !settings.dry_run;
    let _lock = if makes_load { Some(lock::take().await?.map_err(configuration)?) } else { None };
    if args.drill {
        return drill::run(&args, &settings, signals).await.map(Some);
    }
    if args.gate.compares() {
        return against::run(&args, &settings, signals).await.map(Some);
    }
    baseline::check(&args)?;
    let has_target = args.named_target(&settings).is_some();
    let sends = !args.list && !settings.dry_run;
    let named = args.scenarios().map_err(|error| configuration(format!("{error:#}")))?;
    let built = build(&args, sends && !has_target, &signals)?;
    let known = scenarios::list(&built.load)?;
    if args.list {
        known.iter().for_each(|scenario| println!("{}", scenario.name));
        return Ok(None);
    }
    let chosen = choose(&named, &known).map_err(configuration)?;
    if !sends {
        let nothing = Stack::default();
        let place = Place { target: &settings.target, own_backend: false, stack: &nothing };
        let code = run_all(&args, &settings, &built.load, &chosen, place, signals).await?;
        // Nothing was sent, so there is nothing that was met.
        return Ok((code != ExitCode::Met).then_some(code));
    }
    let stack = match settings.remote_write {
        Some(_) => Stack::default(),
        None => bring_up(&args.stack_options(), signals.clone()).await?,
    };
    let result = with_stack(&args, &settings, &built, &chosen, &stack, signals).await;
    let ended = if args.is_ephemeral() { stack.down().await } else { Ok(()) };
    match (result, ended) {
        (Ok(code), Ok(())) => Ok(Some(code)),
        (Err(stop), Ok(())) => Err(stop),
        (Ok(code), Err(error)) => {
            Err(Stop(code.or_worse(ExitCode::Internal), format!("failed to stop the stack: {error:#}")))
        }
        (Err(Stop(code, message)), Err(error)) => {
            Err(Stop(code, format!("{message}; and the stack could not be stopped: {error:#}")))
        }
    }
}

/// Compiles the scenarios, and the stand-in if it is needed. A signal from the terminal ends cargo, too, and is no error of theirs.
fn build(args: &PerfArgs, with_backend: bool, signals: &watch::Receiver<u32>) -> Result<Built, Stop> {
    scenarios::build(args.profile(), with_backend).map_err(|error| match *signals.borrow() {
        0 => configuration(error),
        _ => Stop(ExitCode::Interrupted, "interrupted while the scenarios were compiling".to_owned()),
    })
}

fn choose(named: &[String], known: &[Scenario]) -> Result<Vec<Scenario>, String> {
    let default = [DEFAULT.to_owned()];
    let named = if named.is_empty() { &default[..] } else { named };
    let find = |name: &String| {
        let names = || known.iter().map(|scenario| scenario.name.as_str()).collect::<Vec<_>>().join(", ");
        let found = known.iter().find(|scenario| scenario.name == *name).cloned();
        found.ok_or_else(|| format!("there is no scenario {name:?}; there are: {}", names()))
    };
    named.iter().map(find).collect()
}

/// The stack that is asked for, or nothing of it.
async fn bring_up(options: &stack::Options, mut signals: watch::Receiver<u32>) -> Result<Stack, Stop> {
    let stale = codegen::differences(&workspace::root())?;
    if !stale.is_empty() {
        let message =
            format!("generated files are not what the catalogue says ({}): run cargo xtask codegen", stale.join(", "));
        return Err(Stop(ExitCode::BadConfiguration, message));
    }
    let say = |line: &str| eprintln!("{line}");
    let before = stack::parts(options.choice, Some(options.prometheus_port)).await?;
    let failure = tokio::select! {
        stack = stack::up(options, &before, &say) => match stack {
            Ok(stack) => return Ok(stack),
            Err(error) => error.into(),
        },
        _ = signals.wait_for(|count| *count > 0) => {
            Stop(ExitCode::Interrupted, "interrupted while the stack was starting".to_owned())
        }
    };
    // Half a stack is no use to anyone.
    let ended = match stack::parts_since(&before, options).await {
        Ok(parts) => stack::stop(&parts).await,
        Err(error) => Err(error.into()),
    };
    if let Err(error) = ended {
        eprintln!("warning: something of the stack may be left, for the next command to take away: {error:#}");
    }
    Err(failure)
}

async fn with_stack(
    args: &PerfArgs,
    settings: &Settings,
    built: &Built,
    chosen: &[Scenario],
    stack: &Stack,
    signals: watch::Receiver<u32>,
) -> Result<ExitCode, Stop> {
    let backend = match &built.backend {
        Some(program) => Some(Backend::start(program, settings.seed, &[]).await?),
        None => None,
    };
    let target = backend.as_ref().map_or(&settings.target, |backend| &backend.url).clone();
    let own_backend = backend.is_some();
    let result = match stack.scrape(&target) {
        Ok(()) => {
            let place = Place { target: &target, own_backend, stack };
            run_all(args, settings, &built.load, chosen, place, signals).await
        }
        Err(error) => Err(error.into()),
    };
    stack.forget_backend()?;
    if let Some(backend) = backend {
        backend.stop().await?;
    }
    result
}

/// Where load goes, and where its metrics go.
#[derive(Debug, Clone, Copy)]
struct Place<'a> {
    target: &'a Url,
    /// The target is the stand-in, which nobody else knows of.
    own_backend: bool,
    stack: &'a Stack,
}

impl Place<'_> {
    /// What a proof needs to know; none if there is no store to put questions to.
    fn proof<'a>(&'a self, args: &PerfArgs, settings: &'a Settings) -> Option<proof::Setting<'a>> {
        let Self { target, own_backend, stack } = *self;
        if !args.proves() {
            return None;
        }
        let prometheus = stack.prometheus.clone().or_else(|| settings.query_url())?;
        Some(proof::Setting {
            prometheus,
            is_named: stack.prometheus.is_some() || settings.prometheus.is_some(),
            grafana: stack.grafana.as_ref(),
            target,
            access: &settings.store_access,
            own_backend,
            own_store: stack.prometheus.is_some(),
            on_a_bridge: stack.is_on_a_bridge(),
            follows_redirects: settings.http.max_redirects > 0,
        })
    }
}

async fn run_all(
    args: &PerfArgs,
    settings: &Settings,
    load: &Path,
    chosen: &[Scenario],
    place: Place<'_>,
    signals: watch::Receiver<u32>,
) -> Result<ExitCode, Stop> {
    let Place { target, stack, .. } = place;
    let mut code = ExitCode::Met;
    for scenario in chosen {
        let outcome_file = outcome_file()?;
        workspace::remove_file(&outcome_file)?;
        let (target, outcome) = (target.clone(), Some(outcome_file.clone()));
        let mut of_run = Settings { target, outcome, ..settings.clone() };
        if let (Some(testid), true) = (&settings.testid, chosen.len() > 1) {
            // A testid is one run's, and each scenario is a run.
            of_run.testid = Some(format!("{testid}-{}", scenario.name));
        }
        if let Some(prometheus) = &stack.prometheus {
            of_run.remote_write = Some(args::write_url(prometheus));
            of_run.prometheus = Some(prometheus.clone());
        }
        let child = child::Child::new(load, &scenario.test, &of_run)?;
        let setting = place.proof(args, settings).filter(|_| !settings.dry_run);
        if setting.is_none() && args.must_prove() {
            return Err(configuration("--proof asks a store, and there is none"));
        }
        let before = match setting {
            Some(_) => Some(proof::before(place.target).await),
            None => None,
        };
        let ended = child.run(signals.clone()).await?;
        let interrupted = *signals.borrow() > 0;
        match finish(scenario, &outcome_file, ended, stack) {
            Ok((of_scenario, Some((path, report)))) => {
                code = code.or_worse(if interrupted {
                    cut_short(&path, report)?
                } else {
                    conclude(args, path, report, of_scenario, setting.zip(before), signals.clone()).await?
                });
            }
            Ok((of_scenario, _)) => code = code.or_worse(of_scenario),
            // A second signal leaves no time for an outcome.
            Err(Stop(..)) if interrupted => {}
            Err(stop) => return Err(stop),
        }
        if *signals.borrow() > 0 {
            return Ok(code.or_worse(ExitCode::Interrupted));
        }
    }
    Ok(code)
}

/// The exit code of objectives where a relative gate decides: what was missed is no part of that, and that a run proves nothing is.
fn but_missed(report: &Report) -> ExitCode {
    let codes = report.objectives.iter().map(ObjectiveResult::code);
    codes.filter(|code| *code != ExitCode::Missed).fold(ExitCode::Met, ExitCode::or_worse)
}

const UNPROVED: &str = "interrupted before the run was proved";

/// A run that was judged, and interrupted before anything came of that: its report says so, whoever reads it.
fn cut_short(path: &Path, mut report: Report) -> anyhow::Result<ExitCode> {
    if !report.problems.iter().any(|problem| problem.exit_code == ExitCode::Interrupted.code()) {
        report.problems.push(Problem::new(ExitCode::Interrupted, UNPROVED.to_owned()));
        report.exit_code = exit_code(&report.objectives, &report.problems).code();
        reports::write(path, &report)?;
        reports::write_pages(path, &report, None)?;
    }
    Ok(ExitCode::Interrupted)
}

/// What comes after a run: its proof, the comparison with its baseline, and everything that is made from its report. Gives the run's
/// exit code, whose own so far is given.
async fn conclude(
    args: &PerfArgs,
    path: PathBuf,
    mut report: Report,
    own: ExitCode,
    proof: Option<(proof::Setting<'_>, proof::Before)>,
    mut signals: watch::Receiver<u32>,
) -> Result<ExitCode, Stop> {
    report.requests_per_day = args.baseline.requests_per_day;
    let proof = match proof {
        Some((setting, before)) => tokio::select! {
            proof = proof::prove(&report, before, setting) => Some(proof?),
            _ = signals.wait_for(|count| *count > 0) => {
                report.problems.push(Problem::new(ExitCode::Interrupted, UNPROVED.to_owned()));
                None
            }
        },
        None => None,
    };
    if let Some(proof) = proof {
        summary::say(&format!("\n{}", proof.render()));
        // What was proved is said above, and the report is worth its pages all the same.
        let kept = proof.write(&path).err();
        report.problems.extend(kept.map(|error| Problem::new(ExitCode::Internal, format!("{error:#}"))));
        report.problems.extend(proof.failed().map(|failed| Problem::new(ExitCode::ProofFailed, failed)));
    }
    let mut head = Recorded { path, report };
    let compared = baseline::compare(args, &head);
    match &compared {
        Compared::Nothing => {}
        Compared::Refused(problem) => head.report.problems.push(problem.clone()),
        Compared::With(_) if !args.gate.gate.judges_changes() => {}
        Compared::With(compared) => head.report.problems.extend(baseline::problem(compared)),
    }
    let floor = match (&compared, own) {
        (Compared::With(_), ExitCode::Missed) if !args.gate.gate.judges_objectives() => but_missed(&head.report),
        (_, own) => own,
    };
    let problems = head.report.problems.iter();
    let code =
        problems.fold(floor, |code, it| code.or_worse(ExitCode::from_code(it.exit_code).unwrap_or(ExitCode::Internal)));
    head.report.exit_code = code.code();
    reports::write(&head.path, &head.report)?;
    match &compared {
        Compared::With(compared) => drop(compare::write(&head, compared)?),
        Compared::Nothing | Compared::Refused(_) => reports::write_pages(&head.path, &head.report, None)?,
    }
    summary::on_job_page(&head.path)?;
    summary::annotate(&head.report.scenario, &terminal::sentences(&head.report));
    if let Some(name) = &args.baseline.save_baseline {
        baseline::save(name, &head, own, &compared)?;
    }
    Ok(code)
}

#[cfg(test)]
mod tests {
    use monitoring::slo::Severity;
    use perf_report::Word;

    use super::*;

    #[test]
    fn what_proves_nothing_is_not_met_because_something_else_was_missed() {
        let mut report: Report = serde_json::from_str(include_str!("../../monitoring/tests/report.json")).unwrap();
        for objective in &mut report.objectives {
            (objective.severity, objective.verdict) = (Severity::Error, Word::Met);
        }
        report.objectives[0].verdict = Word::Missed;
        assert_eq!(but_missed(&report), ExitCode::Met);
        report.objectives[1].verdict = Word::Inconclusive;
        assert_eq!(but_missed(&report), ExitCode::Inconclusive);
    }
}
