//! The result of a scenario, and the assertion on its objectives.

use perf_report::Report;
use perf_report::exit_code::ExitCode;
use perf_report::headline::Headline;
use perf_report::outcome::Outcome;
use perf_report::render::terminal::render_run;
use perf_settings::OutcomePlace;

use crate::evidence;
use crate::run::{RunError, RunOutcome};
use crate::terminal::{self, print_wrapped};

/// Warning of a run under plain `cargo test`.
const NOT_OPTIMIZED: &str = "warning: the generator is not optimized, and its own time counts as latency: run this with \
                             cargo xtask perf, or with cargo test --profile dev";

/// The result of a scenario: a report, or the reason why there is no report.
///
/// ```no_run
/// # use std::process::ExitCode;
/// # fn offers(result: perf_tests::ScenarioResult) -> ExitCode {
/// if let Ok(report) = result.report() {
///     println!("{} requests", report.requests.sent);
/// }
/// result.assert_slos()
/// # }
/// ```
#[must_use = "a result asserts nothing by itself: end with assert_slos"]
pub struct ScenarioResult {
    result: Result<RunOutcome, RunError>,
    /// Whether another process prints the result.
    is_reported: bool,
}

impl ScenarioResult {
    /// Writes the outcome, if another process reads it.
    pub(super) fn new(result: Result<RunOutcome, RunError>, place: Option<OutcomePlace>) -> Self {
        let Some(place) = place else { return Self { result, is_reported: false } };
        let outcome = match &result {
            Ok(RunOutcome::Judged { saved: Ok(path), .. }) => Outcome::Evidence(path.clone()),
            Ok(RunOutcome::Judged { report, saved: Err(why) }) => {
                Outcome::Failed { code: report.exit_code, message: why.to_string() }
            }
            Ok(RunOutcome::Planned(summary)) => Outcome::Plan(summary.clone()),
            Ok(RunOutcome::Sharded { code, summary }) => Outcome::Shard { code: *code, made: summary.clone() },
            Err(error) => Outcome::Failed { code: error.code(), message: error.to_string() },
        };
        let written = evidence::write_outcome(&place, outcome);
        if let Err(error) = &written {
            print_wrapped(&format!("error: {error}"));
        }
        // No other process has a report that could not be written.
        let is_reported = written.is_ok() && !matches!(result, Ok(RunOutcome::Judged { saved: Err(_), .. }));
        Self { result, is_reported }
    }

    /// The exit code of the run, which a test returns as its result. It is 0 only if every
    /// objective that fails the run was met and there is no other problem. Other codes: 90
    /// inconclusive, 99 an objective was missed, 104 configuration, target or scenario error, 105
    /// interrupted, 70 internal error.
    ///
    /// Also prints the table and all problems, unless `cargo xtask perf` prints them.
    ///
    /// ```no_run
    /// # use std::process::ExitCode;
    /// # use std::time::Duration;
    /// # use test_support::shop::{GET_OFFERS, SHOP};
    /// # use perf_tests::{Scenario, Vu, constant_vus};
    /// fn offers() -> ExitCode {
    ///     Scenario::new("offers", &SHOP)
    ///         .exercises(&[GET_OFFERS])
    ///         .load(constant_vus(10, Duration::from_secs(30)))
    ///         .run(async |vu: &mut Vu, ()| {
    ///             vu.request(GET_OFFERS).query("day", 1).send().await?;
    ///             Ok(())
    ///         })
    ///         .assert_slos()
    /// }
    /// ```
    #[must_use = "the exit code is the assertion: return it from the test"]
    pub fn assert_slos(self) -> std::process::ExitCode {
        match &self.result {
            _ if self.is_reported => {}
            // The form in which `cargo xtask perf` prints it.
            Err(error) => print_wrapped(&format!("{}: {error}", error.code().describe_stop())),
            Ok(outcome) => print_outcome(outcome),
        }
        self.exit_code().code().into()
    }

    const fn exit_code(&self) -> ExitCode {
        match &self.result {
            Ok(RunOutcome::Judged { report, .. }) => report.exit_code,
            Ok(RunOutcome::Planned(_)) => ExitCode::Met,
            Ok(RunOutcome::Sharded { code, .. }) => *code,
            Err(error) => error.code(),
        }
    }

    /// The report of the run.
    ///
    /// ```no_run
    /// # fn assert(result: perf_tests::ScenarioResult) -> Result<(), String> {
    /// let report = result.report().map_err(|(_, message)| message)?;
    /// assert_eq!(report.requests.failed, 0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The exit code and a message if there is no report, because the run could not begin. A dry
    /// run has no report either: its code is [`ExitCode::Met`] and its message is the
    /// drawing of the plan.
    pub fn report(&self) -> Result<&Report, (ExitCode, String)> {
        let code = self.exit_code();
        match &self.result {
            Ok(RunOutcome::Judged { report, .. }) => Ok(report),
            Ok(RunOutcome::Planned(summary)) => Err((code, summary.drawing.clone().unwrap_or_default())),
            Ok(RunOutcome::Sharded { summary, .. }) => Err((code, summary.clone())),
            Err(error) => Err((code, error.to_string())),
        }
    }
}

/// Prints a result. Its last line is the verdict, as in `cargo xtask perf`.
fn print_outcome(outcome: &RunOutcome) {
    match outcome {
        RunOutcome::Judged { report, saved } => {
            eprintln!("\n{}\n", render_run(report, terminal::style()));
            if let Ok(path) = saved {
                eprintln!("report     {}", path.display());
            }
        }
        RunOutcome::Planned(summary) => eprintln!("{}", summary.drawing.as_deref().unwrap_or_default()),
        RunOutcome::Sharded { summary, .. } => print_wrapped(summary),
    }
    // Only the profile of `cargo test` has debug assertions.
    if cfg!(debug_assertions) {
        print_wrapped(NOT_OPTIMIZED);
    }
    if let RunOutcome::Judged { report, .. } = outcome {
        print_wrapped(&Headline::new(report).verdict);
    }
}
