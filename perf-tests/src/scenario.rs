//! What an author writes: which endpoints, which load, and one iteration as an async closure.
//!
//! ```no_run
//! use std::process::ExitCode;
//! use std::time::Duration;
//!
//! use monitoring::catalogue::{GET_NEWS, STOCK_AI};
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

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use monitoring::catalogue::{Catalogue, Endpoint};
use monitoring::judgement::Report;
use monitoring::run::{ExitCode as Exit, Outcome, Settings};
use monitoring::table;

use crate::engine::vu::Vu;
use crate::plan::LoadProfile;
use crate::run::{LocalFuture, Ready, RunError, Script, Spec};
use crate::{report, settings};

/// A scenario under construction. `S` is what its setup leaves to every virtual user.
#[must_use = "a scenario does nothing until it is run"]
pub struct Scenario<S = ()> {
    spec: Spec,
    setup: Setup<S>,
    teardown: Option<Teardown<S>>,
}

type Setup<S> = Box<dyn for<'vu> FnOnce(&'vu mut Vu) -> LocalFuture<'vu, anyhow::Result<S>>>;
type Teardown<S> = Box<dyn for<'vu> FnOnce(&'vu mut Vu, Arc<S>) -> LocalFuture<'vu, anyhow::Result<()>>>;

/// A run that is over, or could not begin.
#[must_use = "a run asserts nothing by itself: end with assert_slos"]
pub struct Finished {
    result: Result<(Report, PathBuf), RunError>,
    /// Whoever started this process reads the outcome and prints it.
    reported: bool,
}

impl Scenario {
    /// A scenario of that name against a catalogue's endpoints. The name is a label's value and the name of its test.
    pub fn new(name: &'static str, catalogue: &'static Catalogue) -> Self {
        Self {
            spec: Spec { name, catalogue, exercised: Vec::new(), load: None },
            setup: Box::new(|_| Box::pin(async { Ok(()) })),
            teardown: None,
        }
    }

    /// Runs once before the load, unjudged and counted apart. Every virtual user receives what it returns. Comes before
    /// `teardown`, which receives it too.
    ///
    /// # Panics
    /// If a teardown is there already: it would not know this setup's value.
    pub fn setup<T, F>(self, setup: F) -> Scenario<T>
    where
        F: AsyncFnOnce(&mut Vu) -> anyhow::Result<T> + 'static,
    {
        assert!(self.teardown.is_none(), "setup comes before teardown, which receives its value");
        let setup: Setup<T> = Box::new(move |vu| Box::pin(async move { setup(vu).await }));
        Scenario { spec: self.spec, setup, teardown: None }
    }
}

impl<S: Send + Sync + 'static> Scenario<S> {
    /// The endpoints that the scenario requests. Their objectives are judged, the others are not.
    pub fn exercises(mut self, endpoints: &[Endpoint]) -> Self {
        self.spec.exercised = endpoints.to_vec();
        self
    }

    /// The load, unless the command line says otherwise.
    pub fn load(mut self, load: LoadProfile) -> Self {
        self.spec.load = Some(load);
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
        match settings::from_env() {
            Ok(settings) => self.run_with(settings, iteration),
            Err(error) => Finished { result: Err(RunError::Configuration(error.to_string())), reported: false },
        }
    }

    /// As [`Scenario::run`], with settings that do not come from the environment.
    pub fn run_with<F>(self, settings: Settings, iteration: F) -> Finished
    where
        F: AsyncFn(&mut Vu, &S) -> anyhow::Result<()> + Send + Sync + 'static,
    {
        let Self { spec, setup, teardown } = self;
        let script = Script::new(move |vu| {
            Box::pin(async move {
                let value = Arc::new(setup(vu).await?);
                let iteration = Arc::new(iteration);
                let of_iterations = value.clone();
                Ok(Ready {
                    iteration: Arc::new(move |vu| {
                        let (iteration, value) = (iteration.clone(), of_iterations.clone());
                        Box::pin(async move { iteration(vu, &value).await })
                    }),
                    teardown: teardown
                        .map(|teardown| -> Box<crate::run::TeardownFn> { Box::new(move |vu| teardown(vu, value)) }),
                })
            })
        });
        finish(spec, script, settings)
    }
}

fn finish(spec: Spec, script: Script, settings: Settings) -> Finished {
    let outcome = settings.outcome.clone();
    let result = crate::run::run(spec, script, settings);
    let Some(path) = outcome else { return Finished { result, reported: false } };
    let left = match &result {
        Ok((report, path)) => Outcome { code: report.exit_code, message: None, report: Some(path.clone()) },
        Err(error) => Outcome { code: error.code().code(), message: Some(error.to_string()), report: None },
    };
    match report::write_outcome(&path, &left) {
        Ok(()) => Finished { result, reported: true },
        Err(error) => Finished { result: Err(error.into()), reported: false },
    }
}

impl Finished {
    /// Fails the test unless every objective that gates was met and nothing stood in the way of judging. Prints the
    /// table and what went wrong, unless `cargo xtask perf` does.
    #[must_use = "the exit code is the assertion: return it from the test"]
    pub fn assert_slos(self) -> ExitCode {
        match self.result {
            Ok((report, path)) => {
                if !self.reported {
                    eprintln!("\n{}\n\n{}", table::render(&report, false), path.display());
                }
                report.exit_code.into()
            }
            Err(error) => {
                if !self.reported {
                    eprintln!("{error}");
                }
                error.code().code().into()
            }
        }
    }

    /// The report, or the exit code and the message of a run that has none.
    ///
    /// # Errors
    /// If the run could not begin.
    pub fn report(&self) -> Result<&Report, (Exit, String)> {
        self.result.as_ref().map(|(report, _)| report).map_err(|error| (error.code(), error.to_string()))
    }
}
