//! What an author writes: which endpoints, which load, and one iteration as an async closure.
//!
//! ```no_run
//! use std::process::ExitCode;
//! use std::time::Duration;
//!
//! use monitoring::services::stock_ai::{GET_NEWS, STOCK_AI};
//! use perf_tests::{Scenario, Vu, constant_vus};
//!
//! fn news() -> ExitCode {
//!     Scenario::new("news", &STOCK_AI)
//!         .exercises(&[GET_NEWS])
//!         .load(constant_vus(10, Duration::from_secs(30)))
//!         .run(async |vu: &mut Vu, ()| {
//!             vu.request(GET_NEWS).query("day", 1).send().await?;
//!             Ok(())
//!         })
//!         .assert_slos()
//! }
//! ```

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use monitoring::catalogue::Catalogue;
use monitoring::endpoint::Endpoint;
use perf_host::{Lock, LockError};
use perf_report::Report;
use perf_report::exit_code::ExitCode as Exit;
use perf_report::outcome::Outcome;
use perf_report::render::terminal;
use perf_settings::Settings;

use crate::engine::vu::Vu;
use crate::engine::worker::{Iteration, IterationFuture};
use crate::plan::LoadProfile;
use crate::run::{
    AbortOn, LocalFuture, PartSpec, RunError, RunOutcome, RunSpec, ScenarioBody, ScenarioCode, TeardownFn,
};
use crate::{report, settings};

/// A scenario under construction. `S` is what its setup leaves to every virtual user.
#[must_use = "a scenario does nothing until it is run"]
pub struct Scenario<S = ()> {
    spec: RunSpec,
    load: Option<LoadProfile>,
    setup: Setup<S>,
    iterations: Vec<WithValue<S>>,
    teardown: Option<Teardown<S>>,
}

type Setup<S> = Box<dyn for<'vu> FnOnce(&'vu mut Vu) -> LocalFuture<'vu, anyhow::Result<S>>>;
type Teardown<S> = Box<dyn for<'vu> FnOnce(&'vu mut Vu, Arc<S>) -> LocalFuture<'vu, anyhow::Result<()>>>;
/// An iteration, once setup's value is known.
type WithValue<S> = Box<dyn FnOnce(Arc<S>) -> Arc<dyn Iteration>>;

/// A run that is over, or could not begin.
#[must_use = "a run asserts nothing by itself: end with assert_slos"]
pub struct Finished {
    result: Result<RunOutcome, RunError>,
    /// Whoever started this process reads the outcome and prints it.
    reported: bool,
}

impl Scenario {
    /// A scenario of that name against a catalogue's endpoints. The name is a label's value and the name of its test.
    pub fn new(name: &'static str, catalogue: &'static Catalogue) -> Self {
        Self {
            spec: RunSpec::new(name, catalogue),
            load: None,
            setup: Box::new(|_| Box::pin(async { Ok(()) })),
            iterations: Vec::new(),
            teardown: None,
        }
    }

    /// Runs once before the load, unjudged and counted apart. Every virtual user receives what it returns. Comes before
    /// `part` and `teardown`, which receive it too.
    ///
    /// # Panics
    /// If a part or a teardown is there already: it would not know this setup's value.
    pub fn setup<T, F>(self, setup: F) -> Scenario<T>
    where
        F: AsyncFnOnce(&mut Vu) -> anyhow::Result<T> + 'static,
    {
        let first = self.teardown.is_none() && self.iterations.is_empty();
        assert!(first, "setup comes before part and teardown, which receive its value");
        let setup: Setup<T> = Box::new(move |vu| Box::pin(async move { setup(vu).await }));
        Scenario { spec: self.spec, load: self.load, setup, iterations: Vec::new(), teardown: None }
    }
}

impl<S: Send + Sync + 'static> Scenario<S> {
    /// The endpoints that the scenario requests. Their objectives are judged, the others are not.
    pub fn exercises(mut self, endpoints: &[Endpoint]) -> Self {
        self.spec.exercised = endpoints.to_vec();
        self
    }

    /// Checks that the scenario makes, by name. An objective on one of them that was never tried is inconclusive; on any
    /// other, it is judged if it was tried.
    pub fn checks(mut self, names: &[&'static str]) -> Self {
        self.spec.checks = names.to_vec();
        self
    }

    /// The load, unless the command line says otherwise.
    pub fn load(mut self, load: LoadProfile) -> Self {
        self.load = Some(load);
        self
    }

    /// Keep-alive connections are shared by the virtual users of a worker. Otherwise each has one of its own, as a
    /// browser has.
    pub const fn share_connections(mut self) -> Self {
        self.spec.shared_connections = true;
        self
    }

    /// Ends the load once a gating objective has been missed over a whole `window` of it, but not within the time `after`
    /// from its beginning: load that can prove nothing any more is not worth its time.
    pub const fn abort_on_miss(mut self, after: Duration, window: Duration) -> Self {
        self.spec.abort = Some(AbortOn { after, window });
        self
    }

    /// One of several loads that run side by side, each with its own iterations; its name is the label `scenario` of its
    /// series. Ends with [`Scenario::run_parts`].
    pub fn part<F>(mut self, name: &'static str, load: LoadProfile, iteration: F) -> Self
    where
        F: AsyncFn(&mut Vu, &S) -> anyhow::Result<()> + Send + Sync + 'static,
    {
        self.spec.parts.push(PartSpec { name, load });
        self.iterations.push(with_value(iteration));
        self
    }

    /// Runs once after the load, whatever became of it, if setup succeeded: without its value there is nothing to tear
    /// down. Unjudged and counted apart.
    pub fn teardown<F>(mut self, teardown: F) -> Self
    where
        F: AsyncFnOnce(&mut Vu, &S) -> anyhow::Result<()> + 'static,
    {
        self.teardown = Some(Box::new(move |vu, value| Box::pin(async move { teardown(vu, &value).await })));
        self
    }

    /// Runs the load: `iteration` again and again, by each virtual user. An iteration that ends in an error is counted
    /// as failed, and the virtual user goes on with the next.
    pub fn run<F>(self, iteration: F) -> Finished
    where
        F: AsyncFn(&mut Vu, &S) -> anyhow::Result<()> + Send + Sync + 'static,
    {
        match alone(self.spec.name) {
            Ok((settings, _lock)) => self.run_with(settings, iteration),
            Err(finished) => finished,
        }
    }

    /// As [`Scenario::run`], with settings that do not come from the environment.
    pub fn run_with<F>(mut self, settings: Settings, iteration: F) -> Finished
    where
        F: AsyncFn(&mut Vu, &S) -> anyhow::Result<()> + Send + Sync + 'static,
    {
        let name = self.spec.name;
        match self.load.take() {
            Some(load) => self.part(name, load, iteration).run_parts_with(settings),
            None => {
                let error = RunError::Configuration(format!("scenario {name} has no load"));
                finish(Err(error), settings.outcome)
            }
        }
    }

    /// Runs all parts side by side.
    pub fn run_parts(self) -> Finished {
        match alone(self.spec.name) {
            Ok((settings, _lock)) => self.run_parts_with(settings),
            Err(finished) => finished,
        }
    }

    /// As [`Scenario::run_parts`], with settings that do not come from the environment.
    pub fn run_parts_with(self, settings: Settings) -> Finished {
        let Self { spec, setup, iterations, teardown, .. } = self;
        let code = ScenarioCode::new(move |vu| {
            Box::pin(async move {
                let value = Arc::new(setup(vu).await?);
                Ok(ScenarioBody {
                    iterations: iterations.into_iter().map(|iteration| iteration(value.clone())).collect(),
                    teardown: teardown.map(|teardown| -> Box<TeardownFn> { Box::new(move |vu| teardown(vu, value)) }),
                })
            })
        });
        let outcome = settings.outcome.clone();
        finish(crate::run::run(spec, code, settings), outcome)
    }
}

/// The environment's settings, and the right to put load on this machine; none is needed for a drawing.
fn alone(scenario: &str) -> Result<(Settings, Option<Lock>), Finished> {
    let refused =
        |error: &dyn std::fmt::Display, outcome| finish(Err(RunError::Configuration(error.to_string())), outcome);
    let settings = settings::from_env().map_err(|error| refused(&error, None))?;
    if settings.dry_run {
        return Ok((settings, None));
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/perf/load.lock");
    match Lock::take(&path, scenario) {
        Ok(lock) => Ok((settings, Some(lock))),
        Err(LockError::Held(holder)) => {
            let message = format!(
                "another load test runs in this clone ({holder}), and two would measure each other: wait for it, or run scenarios \
                 one after another (cargo xtask perf one other; cargo test … -- --ignored --test-threads=1)"
            );
            Err(refused(&message, settings.outcome))
        }
        Err(error) => Err(refused(&error, settings.outcome)),
    }
}

fn with_value<S: Send + Sync + 'static, F>(iteration: F) -> WithValue<S>
where
    F: AsyncFn(&mut Vu, &S) -> anyhow::Result<()> + Send + Sync + 'static,
{
    Box::new(move |value| Arc::new(BoundIteration { iteration, value }))
}

/// An author's closure, and the value of setup that it is given.
struct BoundIteration<F, S> {
    iteration: F,
    value: Arc<S>,
}

impl<F, S> Iteration for BoundIteration<F, S>
where
    S: Send + Sync,
    F: AsyncFn(&mut Vu, &S) -> anyhow::Result<()> + Send + Sync,
{
    fn begin<'a>(&'a self, vu: &'a mut Vu) -> IterationFuture<'a> {
        Box::pin((self.iteration)(vu, &self.value))
    }
}

fn finish(result: Result<RunOutcome, RunError>, outcome: Option<PathBuf>) -> Finished {
    let Some(path) = outcome else { return Finished { result, reported: false } };
    let left = match &result {
        Ok(RunOutcome::Judged(report, path)) => {
            Outcome { evidence: Some(path.clone()), ..Outcome::new(report.exit_code) }
        }
        Ok(RunOutcome::Unwritten(report)) => {
            Outcome { drawing: Some(terminal::render_run(report, false)), ..Outcome::new(report.exit_code) }
        }
        Ok(RunOutcome::Drawn(drawing)) => Outcome { drawing: Some(drawing.clone()), ..Outcome::new(Exit::Met) },
        Err(error) => Outcome { message: Some(error.to_string()), ..Outcome::new(error.code()) },
    };
    match report::write_outcome(&path, &left) {
        Ok(()) => Finished { result, reported: true },
        Err(error) => {
            eprintln!("error: {error}");
            Finished { result, reported: false }
        }
    }
}

impl Finished {
    /// Fails the test unless every objective that gates was met and nothing stood in the way of judging. Prints the
    /// table and what went wrong, unless `cargo xtask perf` does.
    #[must_use = "the exit code is the assertion: return it from the test"]
    pub fn assert_slos(self) -> ExitCode {
        let (code, text) = match self.result {
            Ok(RunOutcome::Judged(report, path)) => {
                (report.exit_code, format!("\n{}\n\n{}", terminal::render_run(&report, false), path.display()))
            }
            Ok(RunOutcome::Unwritten(report)) => {
                (report.exit_code, format!("\n{}", terminal::render_run(&report, false)))
            }
            Ok(RunOutcome::Drawn(drawing)) => (Exit::Met, drawing),
            Err(error) => (error.code(), error.to_string()),
        };
        if !self.reported {
            eprintln!("{text}");
        }
        code.code().into()
    }

    /// The report, or the exit code and the message of a run that has none; a drawing of the plan counts as a message.
    ///
    /// # Errors
    /// If the run could not begin.
    pub fn report(&self) -> Result<&Report, (Exit, String)> {
        match &self.result {
            Ok(RunOutcome::Judged(report, _) | RunOutcome::Unwritten(report)) => Ok(report),
            Ok(RunOutcome::Drawn(drawing)) => Err((Exit::Met, drawing.clone())),
            Err(error) => Err((error.code(), error.to_string())),
        }
    }
}
