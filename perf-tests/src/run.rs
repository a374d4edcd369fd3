//! One run, from its settings to its report: check, set up, load, tear down, push, judge, ask the store, write.

use std::cell::RefCell;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use perf_report::Report;
use perf_report::exit_code::ExitCode;
use perf_report::finding::{Finding, FindingKind, Subject};
use perf_settings::Settings;
use tokio::time;

use crate::clock::{self, Epoch};
use crate::engine::vu::{RunContext, Vu, WorkerContext};
use crate::engine::worker::{Iteration, panic_text};
use crate::engine::{self, Job, Load, RateLimit, WakeupMode};
use crate::http::{HttpConfig, Pool};
use crate::measure::{Layout, Recorder, Snapshot};
use crate::progress::Progress;
use crate::remote_write::{self, Client, Identity, SeriesValue};
use crate::report::{self, RunStore};
use crate::signals::Signals;

mod backend;
mod capacity;
mod check;
mod error;
mod evidence;
mod metrics;
mod planning;
mod readback;
mod spec;
mod watchers;

use check::{answers, clock_skew, refuse_used_testid};
pub(crate) use error::RunError;
use error::{configuration, internal};
use evidence::FinishedLoad;
use metrics::Metrics;
use planning::Planning;
pub(crate) use spec::{LocalFuture, PartSpec, RunSpec, ScenarioBody, ScenarioCode, TeardownFn};
pub(crate) use watchers::AbortOn;
use watchers::{RecordedTimeline, Watchers};

/// k6's time limit for setup, and for teardown.
const AROUND_TIMEOUT: Duration = Duration::from_secs(60);

/// What a run came to.
pub(crate) enum RunOutcome {
    /// A report, and where it was written.
    Judged(Box<Report>, PathBuf),
    /// A report that could not be written.
    Unwritten(Box<Report>),
    /// A drawing of the plan, as nothing else was asked for.
    Drawn(String),
}

/// Runs a scenario and gives its report and where it was written.
pub(crate) fn run(spec: RunSpec, code: ScenarioCode, settings: Settings) -> Result<RunOutcome, RunError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(internal)?;
    runtime.block_on(async {
        spec.check().map_err(RunError::Configuration)?;
        let out = settings.out.clone();
        // By default next to what cargo builds, wherever the test was started.
        let out = out.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/perf"));
        let planning = Planning::of(&spec, &settings)?;
        if settings.dry_run {
            return Ok(RunOutcome::Drawn(planning.draw(spec.name, &out)));
        }
        let run = PreparedRun::prepare(spec, settings, planning, &out).await?;
        run.execute(code).await
    })
}

/// A run that has passed all checks.
struct PreparedRun {
    spec: RunSpec,
    settings: Settings,
    planning: Planning,
    testid: String,
    folder: PathBuf,
    signals: Signals,
    warnings: Vec<Finding>,
    layout: Layout,
    http: Arc<HttpConfig>,
    /// Who answers questions about metrics, if anybody. ScenarioBody before the load: after it, there may be no files left to make one with.
    store: Option<RunStore>,
}

impl PreparedRun {
    /// Checks everything that can be wrong before a request is sent.
    async fn prepare(spec: RunSpec, settings: Settings, planning: Planning, out: &Path) -> Result<Self, RunError> {
        let signals = Signals::listen(settings.outcome.is_some()).map_err(internal)?;
        let ports = capacity::check(&planning.plan).map_err(RunError::Configuration)?;
        let mut warnings: Vec<_> =
            ports.into_iter().map(|text| Finding::warning(Subject::Generator, FindingKind::Capacity, text)).collect();
        let http = HttpConfig::new(&settings.target, settings.http.clone()).map_err(configuration)?;
        let http = Arc::new(http.for_vus(planning.plan.most_vus()));
        let store = settings.query_url().map(|url| RunStore::new(url, &settings.store_access));
        let store = store.transpose().map_err(configuration)?;
        let testid = match &settings.testid {
            Some(testid) => {
                warnings.extend(refuse_used_testid(store.as_ref(), testid).await?);
                testid.clone()
            }
            // Two runs of one second must not share a name.
            None => perf_settings::new_testid(spec.name, clock::wall(), rand::random()),
        };
        let ignored = settings.ignored.iter();
        warnings.extend(ignored.map(|text| Finding::warning(Subject::Run, FindingKind::SettingIgnored, text.as_str())));
        warnings.extend(clock_skew(store.as_ref()).await);
        answers(&settings, http.clone()).await?;
        let folder = report::prepare_folder(out, &testid)?;
        let open = planning.plan.parts.iter().map(crate::plan::PartPlan::is_open).collect();
        let layout = Layout::new(spec.catalogue, open);
        Ok(Self { spec, settings, planning, testid, folder, signals, warnings, layout, http, store })
    }

    async fn execute(mut self, code: ScenarioCode) -> Result<RunOutcome, RunError> {
        let mut problems = Vec::new();
        let epoch = Epoch::begin();
        let mut metrics = self.metrics(epoch)?;
        let shared = Arc::new(RunContext {
            http: self.http.clone(),
            endpoints: self.spec.catalogue.endpoints,
            exercised: self.spec.exercised.clone(),
            seed: self.planning.plan.seed,
            phases: self.planning.plan.parts.iter().map(|part| part.phases.clone()).collect(),
            shared_connections: self.spec.shared_connections,
        });
        let recorder = Rc::new(RefCell::new(Recorder::new(self.layout.clone())));
        let mut stagehand = stagehand(&shared, &recorder);
        let ready = self.set_up(code, &mut stagehand, &mut problems).await?;
        let (iterations, teardown) = ready.map_or((None, None), |ready| (Some(ready.iterations), ready.teardown));
        let mut load = Load::nothing(Snapshot::new(&self.layout));
        let (mut started, mut ended, mut timeline) = (epoch.wall(), epoch.wall(), RecordedTimeline::default());
        if let Some(iterations) = iterations {
            match metrics.begin(&load.snapshot).await {
                Ok(()) => {
                    started = epoch.wall();
                    match self.load(shared, iterations, &mut metrics).await {
                        Ok((done, recorded)) => (load, timeline) = (done, recorded),
                        Err(error) => problems.push(internal_problem(FindingKind::LoadFailed, error.to_string())),
                    }
                    ended = epoch.wall();
                    problems.extend(describe_sleep(epoch.slept()));
                }
                Err(refusal) => {
                    problems.push(inconclusive(Subject::Store, FindingKind::StoreRefused, refusal));
                }
            }
        }
        let pushes = metrics.finish(&load.snapshot).await.unwrap_or_else(|error| {
            problems.push(internal_problem(FindingKind::LoadFailed, error));
            None
        });
        if let Some(teardown) = teardown {
            let torn_down = guarded(teardown(&mut stagehand)).await;
            let failed =
                |why| inconclusive(Subject::Scenario, FindingKind::TeardownFailed, format!("teardown failed: {why}"));
            problems.extend(torn_down.err().map(failed));
        }
        let around = recorder.borrow().snapshot();
        load.snapshot.around.add(around.requests());
        load.snapshot.around.add(around.around);
        self.conclude(FinishedLoad { load, problems, pushes, timeline, started, ended, epoch }).await
    }

    async fn set_up(
        &mut self,
        code: ScenarioCode,
        stagehand: &mut Vu,
        problems: &mut Vec<Finding>,
    ) -> Result<Option<ScenarioBody>, RunError> {
        let failure = tokio::select! {
            () = self.signals.next() => return Err(RunError::Interrupted),
            result = guarded((code.0)(stagehand)) => match result {
                Ok(ready) => return Ok(Some(ready)),
                Err(failure) => failure,
            },
        };
        let message = format!("setup failed: {failure}");
        problems.push(inconclusive(Subject::Scenario, FindingKind::SetupFailed, message));
        Ok(None)
    }

    async fn load(
        &mut self,
        shared: Arc<RunContext>,
        iterations: Vec<Arc<dyn Iteration>>,
        metrics: &mut Metrics,
    ) -> Result<(Load, RecordedTimeline), RunError> {
        let RunSpec { name, catalogue, exercised, .. } = &self.spec;
        let plan = &self.planning.plan;
        let progress = Progress::new(name, plan, catalogue, exercised, self.settings.quiet);
        let mut watch = Watchers::new(progress, metrics, self.spec.abort, catalogue, exercised);
        let wakeup = if self.settings.exact_arrivals { WakeupMode::Exact } else { WakeupMode::Grid };
        let job = Job { plan, shared, layout: self.layout.clone(), iterations, wakeup };
        let began = clock::now();
        let load = engine::run(job, &mut self.signals, &mut watch).await.map_err(internal)?;
        let timeline = watch.finish(clock::now() - began, &load.snapshot).map_err(internal)?;
        Ok((load, timeline))
    }

    fn metrics(&self, epoch: Epoch) -> Result<Metrics, RunError> {
        let Some(url) = self.settings.remote_write.clone() else { return Ok(Metrics::none()) };
        let client = Client::new(url, &self.settings.store_access).map_err(internal)?;
        let (plan, native) = (&self.planning.plan, self.settings.native_histograms);
        let parts = plan.parts.iter().zip(&self.planning.loads);
        let parts: Vec<_> = parts
            .map(|(part, load)| {
                let tags = planning::tags(&self.settings.tags, &load.tags);
                let identity = Identity::new(&self.testid, &part.name, &tags).with_native_histograms(native);
                (identity, part.phases.clone())
            })
            .collect();
        let whole = Identity::new(&self.testid, self.spec.name, &self.settings.tags).with_native_histograms(native);
        let (catalogue, exercised) = (self.spec.catalogue, self.spec.exercised.clone());
        let to_series = move |snapshot: &Snapshot| -> Vec<SeriesValue> {
            remote_write::series(catalogue, &exercised, (&whole, &parts), snapshot)
        };
        Ok(Metrics::to(client, epoch, self.settings.push_interval, to_series))
    }
}

/// What is to be said of a machine that slept during a run: what was measured then is of nobody's making.
fn describe_sleep(slept: Duration) -> Option<Finding> {
    const TOLERATED: Duration = Duration::from_secs(1);
    let message = || format!("this machine slept for {:.0} s during the run", slept.as_secs_f64());
    (slept > TOLERATED).then(|| inconclusive(Subject::Generator, FindingKind::MachineSlept, message()))
}

fn inconclusive(subject: Subject, kind: FindingKind, message: String) -> Finding {
    Finding::problem(ExitCode::Inconclusive, subject, kind, message)
}

fn internal_problem(kind: FindingKind, message: String) -> Finding {
    Finding::problem(ExitCode::Internal, Subject::Run, kind, message)
}

/// Who runs setup and teardown: counted apart from all load.
fn stagehand(shared: &Arc<RunContext>, recorder: &Rc<RefCell<Recorder>>) -> Vu {
    let (pool, rate_limit) = (Pool::default(), Rc::new(RateLimit::new(None, 1)));
    let place =
        WorkerContext { shared: shared.clone(), recorder: recorder.clone(), pool, rate_limit, epoch: clock::now() };
    Vu::new(0, 0, place)
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
