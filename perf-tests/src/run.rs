//! One run, from its settings to its report: check, set up, load, tear down, push, judge, ask the store, write.

use std::cell::RefCell;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures::FutureExt as _;
use monitoring::catalogue::{Catalogue, Endpoint};
use monitoring::judgement::{Problem, Report};
use monitoring::run::{self, ExitCode, Settings};
use monitoring::{judgement, metric};
use tokio::time;

use crate::engine::vu::{Shared, Vu};
use crate::engine::worker::{Iteration, panic_text};
use crate::engine::{self, EngineError, Load, Signals, Watch, clock};
use crate::http::HttpClient;
use crate::measure::{Recorder, Snapshot};
use crate::plan::{LoadProfile, Plan};
use crate::progress::{Planned, Progress};
use crate::remote_write::{self, Client, Identity, Pushes, Series};
use crate::report::{self, Evidence, FileError, Store};

mod check;
mod metrics;

use check::{answers, refuse_used_testid, standstill};
use metrics::Metrics;

/// k6's time limit for setup, and for teardown.
const AROUND_TIMEOUT: Duration = Duration::from_secs(60);

pub(crate) type LocalFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;
pub(crate) type TeardownFn = dyn for<'vu> FnOnce(&'vu mut Vu) -> LocalFuture<'vu, anyhow::Result<()>>;
type SetupFn = dyn for<'vu> FnOnce(&'vu mut Vu) -> LocalFuture<'vu, anyhow::Result<Ready>>;

/// What a scenario says of itself.
pub(crate) struct Spec {
    pub(crate) name: &'static str,
    pub(crate) catalogue: &'static Catalogue,
    pub(crate) exercised: Vec<Endpoint>,
    pub(crate) load: Option<LoadProfile>,
}

/// A scenario's own code, whatever its setup's value is.
pub(crate) struct Script(Box<SetupFn>);

/// What setup makes: an iteration that knows setup's value, and likewise the teardown.
pub(crate) struct Ready {
    pub(crate) iteration: Arc<Iteration>,
    pub(crate) teardown: Option<Box<TeardownFn>>,
}

impl Script {
    pub(crate) fn new<F>(setup: F) -> Self
    where
        F: for<'vu> FnOnce(&'vu mut Vu) -> LocalFuture<'vu, anyhow::Result<Ready>> + 'static,
    {
        Self(Box::new(setup))
    }
}

/// A run without a report: it could not begin, or its report could not be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    #[error("{0}")]
    Configuration(String),
    #[error("interrupted before the load began")]
    Interrupted,
    #[error("{0}")]
    Internal(String),
}

impl RunError {
    pub(crate) const fn code(&self) -> ExitCode {
        match self {
            Self::Configuration(_) => ExitCode::BadConfiguration,
            Self::Interrupted => ExitCode::Interrupted,
            Self::Internal(_) => ExitCode::Internal,
        }
    }
}

impl From<FileError> for RunError {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Json(_) => Self::Internal(error.to_string()),
            FileError::Io(..) | FileError::Used(..) => Self::Configuration(error.to_string()),
        }
    }
}

fn internal(error: impl std::fmt::Display) -> RunError {
    RunError::Internal(error.to_string())
}

fn configuration(error: impl std::fmt::Display) -> RunError {
    RunError::Configuration(error.to_string())
}

/// Runs a scenario and gives its report and where it was written.
pub(crate) fn run(spec: Spec, script: Script, settings: Settings) -> Result<(Report, PathBuf), RunError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(internal)?;
    runtime.block_on(async {
        let run = Run::prepare(spec, settings).await?;
        run.execute(script).await
    })
}

/// A run that has passed all checks.
struct Run {
    spec: Spec,
    settings: Settings,
    load: LoadProfile,
    plan: Plan,
    testid: String,
    folder: PathBuf,
    signals: Signals,
    warnings: Vec<String>,
    bounds: Arc<[Duration]>,
}

impl Run {
    /// Checks everything that can be wrong before a request is sent.
    async fn prepare(spec: Spec, settings: Settings) -> Result<Self, RunError> {
        let signals = Signals::listen(settings.outcome.is_some()).map_err(internal)?;
        spec.check().map_err(RunError::Configuration)?;
        let load = spec.load.map(|load| load.overridden(settings.load));
        let load = load.ok_or_else(|| RunError::Configuration(format!("scenario {} has no load", spec.name)))?;
        let plan = load.plan(settings.seed).map_err(configuration)?;
        let mut warnings = Vec::new();
        let testid = match &settings.testid {
            Some(testid) => {
                warnings.extend(refuse_used_testid(&settings, testid).await?);
                testid.clone()
            }
            None => run::new_testid(spec.name, clock::wall(), salt()),
        };
        answers(&settings).await?;
        let out = settings.out.clone();
        // By default next to what cargo builds, wherever the test was started.
        let out = out.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/perf"));
        let folder = report::prepare_folder(&out, &testid)?;
        let bounds = metric::bucket_bounds(spec.catalogue).into();
        Ok(Self { spec, settings, load, plan, testid, folder, signals, warnings, bounds })
    }

    async fn execute(mut self, script: Script) -> Result<(Report, PathBuf), RunError> {
        let mut problems = Vec::new();
        let mut metrics = self.metrics()?;
        let shared = Arc::new(Shared {
            target: self.settings.target.clone(),
            endpoints: self.spec.catalogue.endpoints,
            exercised: self.spec.exercised.clone(),
            seed: self.plan.seed,
        });
        let recorder = Rc::new(RefCell::new(self.recorder()));
        let mut stagehand =
            Vu::new(0, shared.clone(), recorder.clone(), HttpClient::new(shared.is_tls()).map_err(internal)?);
        let ready = self.set_up(script, &mut stagehand, &mut problems).await?;
        let (iteration, teardown) = ready.map_or((None, None), |ready| (Some(ready.iteration), ready.teardown));
        let mut load = Load::nothing(self.recorder().snapshot());
        let mut times = (clock::wall(), clock::wall());
        if let Some(iteration) = iteration {
            match metrics.begin(&load.snapshot).await {
                Ok(()) => {
                    times.0 = clock::wall();
                    match self.load(shared, iteration, &mut metrics).await {
                        Ok(done) => load = done,
                        Err(error) => problems.push(Problem::new(ExitCode::Internal, error.to_string())),
                    }
                    times.1 = clock::wall();
                }
                Err(refusal) => problems.push(Problem::new(ExitCode::Inconclusive, refusal)),
            }
        }
        let pushes = metrics.finish(&load.snapshot).await.unwrap_or_else(|error| {
            problems.push(Problem::new(ExitCode::Internal, error));
            None
        });
        if let Some(teardown) = teardown {
            let torn_down = guarded(teardown(&mut stagehand)).await;
            let failed = |why| Problem::new(ExitCode::Inconclusive, format!("teardown failed: {why}"));
            problems.extend(torn_down.err().map(failed));
        }
        let around = recorder.borrow().snapshot();
        load.snapshot.around.add(around.requests());
        load.snapshot.around.add(around.around);
        self.report(load, problems, pushes, times).await
    }

    async fn set_up(
        &mut self,
        script: Script,
        stagehand: &mut Vu,
        problems: &mut Vec<Problem>,
    ) -> Result<Option<Ready>, RunError> {
        let failure = tokio::select! {
            () = self.signals.next() => return Err(RunError::Interrupted),
            result = guarded((script.0)(stagehand)) => match result {
                Ok(ready) => return Ok(Some(ready)),
                Err(failure) => failure,
            },
        };
        problems.push(Problem::new(ExitCode::Inconclusive, format!("setup failed: {failure}")));
        Ok(None)
    }

    async fn load(
        &mut self,
        shared: Arc<Shared>,
        iteration: Arc<Iteration>,
        metrics: &mut Metrics,
    ) -> Result<Load, EngineError> {
        let Spec { name, catalogue, exercised, .. } = &self.spec;
        let time = Planned::Time(self.plan.duration);
        let planned = self.plan.shared_iterations.map_or(time, Planned::Iterations);
        let progress = Progress::new(name, planned, catalogue, exercised, self.settings.quiet);
        let mut watch = Watchers { progress, metrics };
        let bounds = self.bounds.clone();
        let load = engine::run(&self.plan, shared, bounds, iteration, &mut self.signals, &mut watch).await;
        watch.progress.clear();
        load
    }

    async fn report(
        self,
        load: Load,
        problems: Vec<Problem>,
        pushes: Option<(String, Pushes)>,
        (started, ended): (SystemTime, SystemTime),
    ) -> Result<(Report, PathBuf), RunError> {
        let Spec { name, catalogue, exercised, .. } = &self.spec;
        let Load { snapshot, dropped_iterations, .. } = &load;
        let mut report = report::without_problems(&self.testid, name, catalogue);
        report.target = run::shown(&self.settings.target);
        report.seed = self.settings.seed;
        report.tags = self.settings.tags.iter().cloned().collect();
        report.started = run::rfc3339_millis(started);
        report.ended = run::rfc3339_millis(ended);
        (report.started_unix_ms, report.ended_unix_ms) = (clock::unix_ms(started), clock::unix_ms(ended));
        report.load = self.load.to_string();
        report.warnings.clone_from(&self.warnings);
        report.problems = report::load_problems(&load, self.signals.came(), standstill(catalogue));
        report.problems.extend(problems);
        let evidence = Evidence { catalogue, exercised, snapshot, dropped_iterations: *dropped_iterations };
        report::judge(&evidence, &mut report);
        if let Some((url, pushes)) = pushes {
            self.add_store(url, pushes, &mut report).await?;
        }
        report.exit_code = report::exit_code(&report).code();
        let path = report::write(&self.folder, &mut report).map_err(internal)?;
        Ok((report, path))
    }

    /// What became of the metrics, and whether the store agrees with the verdict.
    async fn add_store(&self, url: String, pushes: Pushes, report: &mut Report) -> Result<(), RunError> {
        let mut store = judgement::Store {
            url,
            accepted: pushes.accepted,
            refused: pushes.refused,
            complete: pushes.complete,
            agrees: None,
            last_push_unix_ms: pushes.last_push,
        };
        let why = pushes.last_error.map(|error| error.to_string()).unwrap_or_default();
        match (pushes.last_push, self.settings.query_url()) {
            (None, _) => {
                let message = format!("the store did not take the final metrics: {why}");
                // A store that refused the very first push has been named already.
                if !report.problems.iter().any(|problem| problem.message.contains(&why)) {
                    report.problems.push(Problem::new(ExitCode::Inconclusive, message));
                }
            }
            (Some(at), Some(query)) => {
                let objectives: Vec<_> = self.spec.catalogue.slos.iter().zip(&report.objectives).collect();
                let judged =
                    |(_, result): &(_, &judgement::ObjectiveResult)| result.verdict != judgement::Word::NotInScenario;
                let objectives: Vec<_> = objectives.into_iter().filter(judged).collect();
                let asked = Store::new(query).map_err(internal)?;
                match asked.differences(&self.testid, at, report.requests.sent, &objectives).await {
                    Ok(differences) => {
                        store.agrees = Some(differences.is_empty());
                        let message = |difference| format!("the store disagrees with what was measured: {difference}");
                        let problem = |text| Problem::new(ExitCode::Inconclusive, message(text));
                        report.problems.extend(differences.into_iter().map(problem));
                    }
                    Err(error) => {
                        let message = format!("the store could not be asked for its counts: {error}");
                        // Who names where to ask wants an answer. The origin of a push URL is only a guess at it.
                        if self.settings.prometheus.is_some() {
                            report.problems.push(Problem::new(ExitCode::Inconclusive, message));
                        } else {
                            report.warnings.push(message);
                        }
                    }
                }
            }
            (Some(_), None) => {}
        }
        if store.complete && store.refused > 0 {
            let lost = format!("{} pushes were not taken at first; no count was lost: {why}", store.refused);
            report.warnings.push(lost);
        }
        if let Some(error) = pushes.not_ended {
            report.warnings.push(format!("series could not be marked as ended and linger for 5 minutes: {error}"));
        }
        report.store = Some(store);
        Ok(())
    }

    fn metrics(&self) -> Result<Metrics, RunError> {
        let Some(url) = self.settings.remote_write.clone() else { return Ok(Metrics::none()) };
        let client = Client::new(url).map_err(internal)?;
        let identity = Identity::new(&self.testid, self.spec.name, &self.settings.tags);
        let (catalogue, exercised) = (self.spec.catalogue, self.spec.exercised.clone());
        let to_series = move |snapshot: &Snapshot| -> Vec<Series> {
            remote_write::series(catalogue, &exercised, &identity, snapshot)
        };
        Ok(Metrics::to(client, self.settings.push_interval, to_series))
    }

    fn recorder(&self) -> Recorder {
        Recorder::new(self.spec.catalogue.endpoints.len(), self.bounds.clone())
    }
}

/// Two runs of one second must not share a name. The standard library seeds its hash maps from the system.
fn salt() -> u16 {
    let [a, b, ..] = RandomState::new().build_hasher().finish().to_le_bytes();
    u16::from_le_bytes([a, b])
}

/// Everybody who reads snapshots while the load runs.
struct Watchers<'run> {
    progress: Progress,
    metrics: &'run mut Metrics,
}

impl Watch for Watchers<'_> {
    fn tick(&mut self, elapsed: Duration, snapshot: Snapshot) {
        self.progress.show(elapsed, &snapshot);
        self.metrics.offer(elapsed, snapshot);
    }
}

/// Runs an author's setup or teardown: for a limited time, and a panic in it does not take the run's results with it.
async fn guarded<T>(future: impl Future<Output = anyhow::Result<T>>) -> Result<T, String> {
    match time::timeout(AROUND_TIMEOUT, AssertUnwindSafe(future).catch_unwind()).await {
        Ok(Ok(Ok(value))) => Ok(value),
        Ok(Ok(Err(error))) => Err(format!("{error:#}")),
        Ok(Err(panic)) => Err(format!("it panicked: {}", panic_text(panic.as_ref()))),
        Err(_) => Err(format!("it took longer than {AROUND_TIMEOUT:?}")),
    }
}
