//! The API of a scenario's author: endpoints, a load, and one iteration as an async closure. The
//! [front page](crate) shows a whole scenario.

use std::sync::Arc;
use std::time::Duration;

use monitoring::catalogue::Catalogue;
use monitoring::endpoint::Endpoint;
use monitoring::measure::Measure;
use perf_host::Lock;
use perf_settings::Settings;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::engine::vu::Vu;
use crate::engine::worker::Iteration;
use crate::env_variables;
use crate::http::ConnectionOwner;
use crate::plan::LoadProfile;
use crate::run::{self, AbortRule, LocalFuture, PartSpec, RunError, RunSpec, SpecError, configuration};

mod scenario_code;
mod scenario_result;

use scenario_code::bind_iteration;
pub use scenario_result::ScenarioResult;

/// A scenario under construction. `S` is the type of the value that setup returns.
///
/// Nothing is sent before [`Scenario::run`] or [`Scenario::run_parts`].
///
/// ```no_run
/// # use std::time::Duration;
/// # use test_support::shop::{GET_OFFERS, SHOP};
/// # use perf_tests::{Scenario, Vu, constant_vus};
/// let result = Scenario::new("offers", &SHOP)
///     .exercises(&[GET_OFFERS])
///     .load(constant_vus(10, Duration::from_secs(30)))
///     .run(async |vu: &mut Vu, ()| {
///         vu.request(GET_OFFERS).query("day", 1).send().await?;
///         Ok(())
///     });
/// ```
#[must_use = "a scenario does nothing until it is run"]
pub struct Scenario<S = ()> {
    spec: RunSpec,
    load: Option<LoadProfile>,
    setup: Setup<S>,
    iterations: Vec<IterationFactory<S>>,
    teardown: Option<Teardown<S>>,
}

type Setup<S> = Box<dyn for<'vu> FnOnce(&'vu mut Vu) -> LocalFuture<'vu, anyhow::Result<S>>>;
type Teardown<S> = Box<dyn for<'vu> FnOnce(&'vu mut Vu, Arc<S>) -> LocalFuture<'vu, anyhow::Result<()>>>;
type IterationFactory<S> = Box<dyn FnOnce(Arc<S>) -> Arc<dyn Iteration>>;

impl Scenario {
    /// A scenario with this name that sends requests to endpoints of `catalogue`.
    ///
    /// The name is the value of the label `scenario`. It is also the name of the scenario's file
    /// and test. An invalid name is reported when the scenario runs, with exit code 104.
    ///
    /// ```
    /// # use test_support::shop::SHOP;
    /// # use perf_tests::Scenario;
    /// let scenario = Scenario::new("offers", &SHOP);
    /// ```
    pub fn new(name: &'static str, catalogue: &'static Catalogue) -> Self {
        Self {
            spec: RunSpec::new(name, catalogue),
            load: None,
            setup: Box::new(|_| Box::pin(async { Ok(()) })),
            iterations: Vec::new(),
            teardown: None,
        }
    }

    /// Runs `setup` once before the load. Every iteration receives a reference to its value.
    ///
    /// Its requests are not judged and are counted apart. It may take 60 s (`--setup-timeout`). If
    /// it fails, no load runs and the run is inconclusive. A panic in it gives exit code 104.
    ///
    /// If agents make the load (`--agents`), they receive the value as JSON, at most 16 MiB.
    ///
    /// ```
    /// # use monitoring::endpoint::Method;
    /// # use test_support::shop::SHOP;
    /// # use perf_tests::{Scenario, Vu};
    /// let scenario = Scenario::new("offers", &SHOP).setup(async |vu: &mut Vu| {
    ///     let token = vu.unjudged(Method::Post, "/api/login").send().await?;
    ///     Ok(token.json::<String>()?)
    /// });
    /// ```
    ///
    /// # Panics
    /// If [`Scenario::part`] or [`Scenario::teardown`] was called before: their closures take
    /// setup's value.
    pub fn setup<T, F>(self, setup: F) -> Scenario<T>
    where
        T: Serialize + DeserializeOwned,
        F: AsyncFnOnce(&mut Vu) -> anyhow::Result<T> + 'static,
    {
        let is_first = self.teardown.is_none() && self.iterations.is_empty();
        assert!(is_first, "call setup before part and teardown, which receive its value");
        let setup: Setup<T> = Box::new(move |vu| Box::pin(async move { setup(vu).await }));
        Scenario { spec: self.spec, load: self.load, setup, iterations: Vec::new(), teardown: None }
    }
}

impl<S: Serialize + DeserializeOwned + Send + Sync + 'static> Scenario<S> {
    /// Declares the endpoints that the scenario requests. Only their objectives are judged.
    ///
    /// At least one is needed, and each must be in the catalogue. A request to an undeclared
    /// endpoint ends the run with exit code 104.
    ///
    /// ```
    /// # use test_support::shop::{GET_OFFERS, SHOP};
    /// # use perf_tests::Scenario;
    /// let scenario = Scenario::new("offers", &SHOP).exercises(&[GET_OFFERS]);
    /// ```
    pub fn exercises(mut self, endpoints: &[Endpoint]) -> Self {
        self.spec.exercised = endpoints.to_vec();
        self
    }

    /// Declares the names of checks that the scenario makes. An objective on a declared check that
    /// was never tried is inconclusive. An objective on any other check is judged only if the check
    /// was tried.
    ///
    /// ```
    /// # use test_support::shop::SHOP;
    /// # use perf_tests::Scenario;
    /// let scenario = Scenario::new("offers", &SHOP).checks(&["has offers"]);
    /// ```
    pub fn checks(mut self, names: &[&'static str]) -> Self {
        self.spec.checks = names.to_vec();
        self
    }

    /// Declares the measures of the catalogue that the scenario records. An objective on a declared
    /// measure without a value is inconclusive.
    ///
    /// ```
    /// # use test_support::shop::SHOP;
    /// # use perf_tests::Scenario;
    /// # const MEASURES: &[monitoring::measure::Measure] = &[];
    /// let scenario = Scenario::new("offers", &SHOP).measures(MEASURES);
    /// ```
    pub fn measures(mut self, measures: &[Measure]) -> Self {
        self.spec.measures = measures.to_vec();
        self
    }

    /// Sets the load. The command line can replace it.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use test_support::shop::SHOP;
    /// # use perf_tests::{Scenario, constant_vus};
    /// let load = constant_vus(10, Duration::from_secs(30));
    /// let scenario = Scenario::new("offers", &SHOP).load(load);
    /// ```
    pub fn load(mut self, load: LoadProfile) -> Self {
        self.load = Some(load);
        self
    }

    /// Shares keep-alive connections among the virtual users of a worker. By default, each virtual
    /// user has its own connection, as a browser does.
    ///
    /// ```
    /// # use test_support::shop::SHOP;
    /// # use perf_tests::Scenario;
    /// let scenario = Scenario::new("offers", &SHOP).share_connections();
    /// ```
    pub const fn share_connections(mut self) -> Self {
        self.spec.connection_owner = ConnectionOwner::Pool;
        self
    }

    /// Keeps the cookies of each virtual user from one iteration to the next. By default, they are
    /// cleared before each iteration, as in k6. The variable `K6_NO_COOKIES_RESET` replaces this.
    ///
    /// ```
    /// # use test_support::shop::SHOP;
    /// # use perf_tests::Scenario;
    /// let scenario = Scenario::new("offers", &SHOP).keep_cookies();
    /// ```
    pub const fn keep_cookies(mut self) -> Self {
        self.spec.keeps_cookies = true;
        self
    }

    /// Ends the load early once an objective that fails the run was missed over a whole `window`.
    /// The load never ends within `after` from its start. Objectives on throughput do not end it.
    /// They are about the planned length of whole phases, and a window may have only a part of one.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use test_support::shop::SHOP;
    /// # use perf_tests::Scenario;
    /// let minute = Duration::from_secs(60);
    /// let scenario = Scenario::new("offers", &SHOP).abort_on_miss(minute * 2, minute);
    /// ```
    pub const fn abort_on_miss(mut self, after: Duration, window: Duration) -> Self {
        self.spec.abort = Some(AbortRule { after, window });
        self
    }

    /// Adds one of several loads that run side by side, each with its own iteration. Its name is
    /// the value of the label `scenario` of its series. [`Scenario::run_parts`] runs all of them.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use test_support::shop::{GET_OFFERS, GET_CART, SHOP};
    /// # use perf_tests::{Scenario, Vu, constant_arrival_rate, constant_vus};
    /// let second = Duration::from_secs(1);
    /// let polls = constant_arrival_rate(20, second, second * 60, 10);
    /// let result = Scenario::new("game", &SHOP)
    ///     .exercises(&[GET_OFFERS, GET_CART])
    ///     .part("readers", constant_vus(5, second * 60), async |vu: &mut Vu, ()| {
    ///         vu.request(GET_OFFERS).query("day", 1).send().await?;
    ///         Ok(())
    ///     })
    ///     .part("polls", polls, async |vu: &mut Vu, ()| {
    ///         vu.request(GET_CART).path("cart", "ABCD").send().await?;
    ///         Ok(())
    ///     })
    ///     .run_parts();
    /// ```
    pub fn part<F>(mut self, name: &'static str, load: LoadProfile, iteration: F) -> Self
    where
        F: AsyncFn(&mut Vu, &S) -> anyhow::Result<()> + Send + Sync + 'static,
    {
        self.spec.parts.push(PartSpec { name, load });
        self.iterations.push(bind_iteration(iteration));
        self
    }

    /// Runs `teardown` once after the load, even if the load failed or was interrupted. It does not
    /// run if setup failed, because it takes setup's value.
    ///
    /// Its requests are not judged and are counted apart. It may take 60 s
    /// (`--teardown-timeout`).
    ///
    /// ```
    /// # use monitoring::endpoint::Method;
    /// # use test_support::shop::SHOP;
    /// # use perf_tests::{Scenario, Vu};
    /// let scenario = Scenario::new("offers", &SHOP).teardown(async |vu: &mut Vu, ()| {
    ///     vu.unjudged(Method::Delete, "/api/rooms").send().await?;
    ///     Ok(())
    /// });
    /// ```
    pub fn teardown<F>(mut self, teardown: F) -> Self
    where
        F: AsyncFnOnce(&mut Vu, &S) -> anyhow::Result<()> + 'static,
    {
        self.teardown = Some(Box::new(move |vu, value| Box::pin(async move { teardown(vu, &value).await })));
        self
    }

    /// Runs the load. Each virtual user runs `iteration` as often as the load asks for. An
    /// iteration that returns an error is counted as failed, and its virtual user begins the next.
    ///
    /// Settings come from the environment: from `cargo xtask perf`, or from `PERF_*` and `K6_*`
    /// variables. Two load tests cannot run at once in one clone; the second gets exit code 104.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use test_support::shop::{GET_OFFERS, SHOP};
    /// # use perf_tests::{Scenario, Vu, constant_vus};
    /// # let load = constant_vus(10, Duration::from_secs(30));
    /// # let scenario = Scenario::new("offers", &SHOP).exercises(&[GET_OFFERS]).load(load);
    /// let result = scenario.run(async |vu: &mut Vu, ()| {
    ///     vu.request(GET_OFFERS).query("day", 1).send().await?;
    ///     Ok(())
    /// });
    /// ```
    pub fn run<F>(self, iteration: F) -> ScenarioResult
    where
        F: AsyncFn(&mut Vu, &S) -> anyhow::Result<()> + Send + Sync + 'static,
    {
        match read_settings_and_lock(self.spec.name) {
            Ok((settings, _lock)) => self.run_with(settings, iteration),
            Err(refused) => refused,
        }
    }

    /// Like [`Scenario::run`], with these settings in place of the environment's, and without the
    /// lock.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use test_support::shop::{GET_OFFERS, SHOP};
    /// # use perf_settings::Settings;
    /// # use perf_tests::{Scenario, Vu, constant_vus};
    /// # let load = constant_vus(10, Duration::from_secs(30));
    /// # let scenario = Scenario::new("offers", &SHOP).exercises(&[GET_OFFERS]).load(load);
    /// let settings = Settings::new("http://127.0.0.1:8000".parse()?);
    /// let result = scenario.run_with(settings, async |vu: &mut Vu, ()| {
    ///     vu.request(GET_OFFERS).query("day", 1).send().await?;
    ///     Ok(())
    /// });
    /// # Ok::<(), url::ParseError>(())
    /// ```
    pub fn run_with<F>(mut self, settings: Settings, iteration: F) -> ScenarioResult
    where
        F: AsyncFn(&mut Vu, &S) -> anyhow::Result<()> + Send + Sync + 'static,
    {
        let name = self.spec.name;
        match self.load.take() {
            Some(load) => self.part(name, load, iteration).run_parts_with(settings),
            None => ScenarioResult::new(Err(SpecError::LoadNotCalled(name).into()), settings.outcome),
        }
    }

    /// Runs all loads that were added with [`Scenario::part`], side by side. Settings come from the
    /// environment, as in [`Scenario::run`].
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use test_support::shop::{GET_OFFERS, SHOP};
    /// # use perf_tests::{Scenario, Vu, constant_vus};
    /// # async fn read(vu: &mut Vu, _: &()) -> anyhow::Result<()> { Ok(()) }
    /// let minute = Duration::from_secs(60);
    /// let result = Scenario::new("offers", &SHOP)
    ///     .exercises(&[GET_OFFERS])
    ///     .part("few", constant_vus(5, minute), read)
    ///     .part("many", constant_vus(50, minute).start_time(minute), read)
    ///     .run_parts();
    /// ```
    pub fn run_parts(self) -> ScenarioResult {
        match read_settings_and_lock(self.spec.name) {
            Ok((settings, _lock)) => self.run_parts_with(settings),
            Err(refused) => refused,
        }
    }

    /// Like [`Scenario::run_parts`], with these settings in place of the environment's, and without
    /// the lock.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use test_support::shop::SHOP;
    /// # use perf_settings::Settings;
    /// # use perf_tests::{Scenario, Vu, constant_vus};
    /// # async fn read(vu: &mut Vu, _: &()) -> anyhow::Result<()> { Ok(()) }
    /// # let load = constant_vus(5, Duration::from_secs(60));
    /// # let scenario = Scenario::new("offers", &SHOP).part("few", load, read);
    /// let settings = Settings::new("http://127.0.0.1:8000".parse()?);
    /// let result = scenario.run_parts_with(settings);
    /// # Ok::<(), url::ParseError>(())
    /// ```
    pub fn run_parts_with(self, settings: Settings) -> ScenarioResult {
        if let Some(join) = env_variables::agent_join() {
            self.run_as_agent(&join);
        }
        let outcome = settings.outcome.clone();
        let (spec, code) = self.into_code();
        ScenarioResult::new(run::run(spec, code, settings), outcome)
    }
}

/// Reads the settings from the environment, and locks this clone for load. A dry run sends nothing
/// and needs no lock. For an agent, the coordinator holds it; with an outcome, the command that
/// reads the outcome does.
fn read_settings_and_lock(scenario: &str) -> Result<(Settings, Option<Lock>), ScenarioResult> {
    let refused = |error: RunError, outcome| ScenarioResult::new(Err(error), outcome);
    let mut settings = env_variables::from_env().map_err(|error| refused(configuration(error), None))?;
    let checked = env_variables::check_image(&mut settings);
    checked.map_err(|error| refused(configuration(error), settings.outcome.clone()))?;
    if settings.dry_run.is_some() || settings.outcome.is_some() || env_variables::agent_join().is_some() {
        return Ok((settings, None));
    }
    match Lock::take_for_load(&env_variables::folder(&settings), scenario) {
        Ok(lock) => Ok((settings, Some(lock))),
        Err(error) => Err(refused(configuration(error), settings.outcome)),
    }
}
