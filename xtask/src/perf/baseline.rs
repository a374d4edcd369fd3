//! `--baseline` and `--save-baseline`: a run beside an earlier one.

use monitoring::comparison::{Comparison, sentences};
use monitoring::judgement::Problem;
use monitoring::run::ExitCode;

use super::{Args, Stop, configuration};
use crate::compare::{self, Recorded};
use crate::{reports, summary};

/// Looks at the baseline before anything is sent: one that cannot be read should not cost a run. Says so if there is none yet.
pub(super) fn check(args: &Args) -> Result<(), Stop> {
    let Some(name) = args.baseline.baseline.as_deref().filter(|name| exists(name)) else { return Ok(()) };
    compare::find(name).map(drop).map_err(|error| configuration(format!("--baseline {name}: {error:#}")))
}

fn exists(name: &str) -> bool {
    let names = [reports::baseline(name), crate::workspace::perf().join(name), name.into()];
    let there = names.iter().any(|path| path.exists());
    if !there {
        let hint = "the objectives are judged alone (--save-baseline keeps one)";
        eprintln!("there is no baseline, report or run {name:?} yet: {hint}");
    }
    there
}

/// Compares a run with its baseline; none if there is none.
pub(super) fn compare(args: &Args, head: &Recorded) -> Result<Option<Comparison>, Stop> {
    let Some(name) = args.baseline.baseline.as_deref().filter(|name| exists(name)) else { return Ok(None) };
    let base = compare::find(name).map_err(|error| configuration(format!("--baseline {name}: {error:#}")))?;
    let mut compared = compare::of(&base, head, args.gate.rule())
        .map_err(|error| configuration(format!("--baseline {name}: {error:#}")))?;
    compared.exit_code = compared.code().code();
    summary::print_comparison(&compared, &head.path.with_file_name("comparison.json"));
    Ok(Some(compared))
}

/// What makes a run fail for its baseline, in words.
pub(super) fn problem(compared: &Comparison) -> Option<Problem> {
    let code = compared.code();
    let grave = |sentence: &String| sentence.starts_with("regressed: ");
    let regressed: Vec<_> = sentences(compared).into_iter().filter(grave).collect();
    (code == ExitCode::Regressed)
        .then(|| Problem::new(code, format!("slower than {}: {}", compared.base, regressed.join("; "))))
}

/// Keeps a run as a baseline, if it is one to be measured against.
pub(super) fn save(name: &str, run: &Recorded) -> Result<(), Stop> {
    let code = ExitCode::from_code(run.report.exit_code).unwrap_or(ExitCode::Internal);
    if !matches!(code, ExitCode::Met | ExitCode::Missed | ExitCode::Regressed) {
        eprintln!("not kept as baseline {name:?}: {}", code.words());
        return Ok(());
    }
    let folder = compare::keep(name, &run.path)?;
    summary::say(&format!("baseline   {name}, in {}", folder.display()));
    Ok(())
}
