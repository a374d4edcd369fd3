//! `--baseline` and `--save-baseline`: a run beside an earlier one.

use monitoring::comparison::{Comparison, sentences};
use monitoring::gate::Finding;
use monitoring::judgement::Problem;
use monitoring::run::ExitCode;

use super::{Args, Stop, configuration};
use crate::recorded::{self, Recorded};
use crate::{reports, terminal};

/// Looks at the baseline before anything is sent: one that cannot be read should not cost a run. Says so if there is none yet.
pub(super) fn check(args: &Args) -> Result<(), Stop> {
    let Some(name) = args.baseline.baseline.as_deref() else { return Ok(()) };
    if reports::place(name).is_none() {
        let hint = "the objectives are judged alone (--save-baseline keeps one)";
        eprintln!("there is no baseline, report or run {name:?} yet: {hint}");
        return Ok(());
    }
    recorded::find(name).map(drop).map_err(|error| configuration(format!("--baseline {name}: {error:#}")))
}

/// What became of the comparison of a run with its baseline.
pub(super) enum Compared {
    /// None was asked for, or there is no baseline yet.
    Nothing,
    /// The two cannot be compared.
    Refused(Problem),
    /// They were compared.
    With(Box<Comparison>),
}

/// Compares a run with its baseline.
pub(super) fn compare(args: &Args, head: &Recorded) -> Compared {
    let name = args.baseline.baseline.as_deref().filter(|name| reports::place(name).is_some());
    let Some(name) = name else { return Compared::Nothing };
    let compared = recorded::find(name).and_then(|base| recorded::compare(&base, head, args.gate.rule()));
    match compared {
        Ok(compared) => {
            terminal::print_comparison(&compared, &head.path.with_file_name("comparison.json"));
            Compared::With(Box::new(compared))
        }
        // What was measured is worth a report all the same.
        Err(error) => {
            let message = format!("--baseline {name}: {error:#}");
            eprintln!("error: {message}");
            Compared::Refused(Problem::new(ExitCode::BadConfiguration, message))
        }
    }
}

/// What keeps a comparison from being met, in words.
pub(super) fn problem(compared: &Comparison) -> Option<Problem> {
    let code = compared.code();
    let words: Vec<_> = sentences(compared)
        .into_iter()
        .filter(|sentence| match code {
            ExitCode::Regressed => sentence.starts_with("regressed: "),
            _ => sentence.starts_with(Finding::TooLittleData.words()),
        })
        .collect();
    let says = if code == ExitCode::Regressed { "slower than" } else { "not known to be as fast as" };
    (code != ExitCode::Met).then(|| Problem::new(code, format!("{says} {}: {}", compared.base, words.join("; "))))
}

/// Keeps a run as a baseline, if it is one to be measured against. One that it was compared with is left as it is: else what became
/// slower would be reported once, and what becomes slower bit by bit never.
pub(super) fn save(name: &str, run: &Recorded, own: ExitCode, compared: &Compared) -> Result<(), Stop> {
    if !matches!(own, ExitCode::Met | ExitCode::Missed) {
        eprintln!("not kept as baseline {name:?}: {}", own.words());
        return Ok(());
    }
    if matches!(compared, Compared::With(_)) && reports::baseline(name).join(reports::REPORT).is_file() {
        eprintln!("baseline {name:?} is kept as it is: without --baseline, this run would have taken its place");
        return Ok(());
    }
    let folder = recorded::keep(name, &run.path)?;
    terminal::say(&format!("baseline   {name}, in {}", folder.display()));
    Ok(())
}
