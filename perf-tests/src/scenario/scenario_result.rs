//! The result of a scenario, and the assertion on its objectives.

use perf_report::Report;
use perf_report::exit_code::ExitCode;
use perf_report::outcome::Outcome;
use perf_report::render::terminal::{self, TerminalStyle};
use perf_settings::OutcomePlace;

use crate::evidence;
use crate::run::{RunError, RunOutcome};

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
            eprintln!("error: {error}");
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
            Err(error) => eprintln!("{}: {error}", error.code().describe_stop()),
            Ok(_) => {
                eprintln!("{}", self.render());
                // Only the profile of `cargo test` has debug assertions.
                if cfg!(debug_assertions) {
                    eprintln!("{NOT_OPTIMIZED}");
                }
            }
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

    fn render(&self) -> String {
        match &self.result {
            Ok(RunOutcome::Judged { report, saved }) => {
                let path = saved.as_ref().map(|path| format!("\n\n{}", path.display())).unwrap_or_default();
                format!("\n{}{path}", terminal::render_run(report, TerminalStyle::PLAIN))
            }
            Ok(RunOutcome::Planned(summary)) => summary.drawing.clone().unwrap_or_default(),
            Ok(RunOutcome::Sharded { summary, .. }) => summary.clone(),
            Err(error) => error.to_string(),
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
        match &self.result {
            Ok(RunOutcome::Judged { report, .. }) => Ok(report),
            _ => Err((self.exit_code(), self.render())),
        }
    }
}
