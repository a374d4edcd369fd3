//! One run, from its settings to its report: check, set up, load, push, tear down, query the store,
//! judge, write.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use perf_host::signals::Signals;
use perf_report::Report;
use perf_report::exit_code::ExitCode;
use perf_report::finding::{Finding, FindingKind, Subject};
use perf_report::format::seconds;
use perf_report::outcome::PlanSummary;
use perf_settings::{DryRun, OutcomePlace, Settings, TESTID};
use tokio::time::Instant;
use url::Url;

use crate::agents::Coordinator;
use crate::clock::{self, RunClock};
use crate::engine::vu::RunContext;
use crate::engine::worker::Iteration;
use crate::engine::{self, Job, Load, LoadShare, WakeupMode};
use crate::env_variables;
use crate::evidence::{self, RunStore};
use crate::http::HttpConfig;
use crate::measure::{Layout, RecordedTimeline, Recorder, Snapshot};
use crate::plan::{PartPlan, Plan};
use crate::progress::Progress;
use crate::remote_write::{self, Client, SeriesIdentity, SeriesValue};
use crate::signals;
use crate::terminal::Notes;

mod agent;
mod agents;
mod backend;
mod capacity;
mod check;
mod error;
mod finished_load;
mod hosts;
mod merge;
mod planning;
mod push_schedule;
mod replay_error;
mod run_record;
mod setup_watch;
mod shard;
mod snapshot_readers;
mod spec;
mod step;
mod store_readback;

pub(crate) use agent::run_agent;
use check::{check_receiver, check_testid, warn_about_clock_skew};
use error::internal;
pub(crate) use error::{NotSavedError, RunError, configuration};
use finished_load::FinishedLoad;
use planning::Planning;
use push_schedule::{PushSchedule, PushScheduleError};
use setup_watch::SetupWatch;
pub(crate) use snapshot_readers::AbortRule;
use snapshot_readers::{MissDetector, SnapshotReaders};
pub(crate) use spec::{LocalFuture, PartSpec, RunSpec, ScenarioBody, ScenarioCode, SetupSource, SpecError, TeardownFn};

pub(crate) enum RunOutcome {
    Judged {
        report: Box<Report>,
        /// The path of the report's file or of its evidence.
        saved: Result<PathBuf, NotSavedError>,
    },
    /// The run was a dry run.
    Planned(PlanSummary),
    /// The run is a shard. `summary` describes its load.
    Sharded { code: ExitCode, summary: String },
}

pub(crate) fn run(mut spec: RunSpec, code: ScenarioCode, settings: Settings) -> Result<RunOutcome, RunError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(internal)?;
    if !settings.merge.is_empty() {
        return merge::merge(spec, &settings);
    }
    runtime.block_on(async {
        spec.choose(&settings)?;
        spec.check()?;
        hosts::check_names(&spec, &settings)?;
        let out = settings.out.clone().unwrap_or_else(|| env_variables::folder(&settings));
        let planning = Planning::from_settings(&spec, &settings)?;
        check::check_shares(&settings, &planning.plan)?;
        if let Some(dry_run) = settings.dry_run {
            return Ok(RunOutcome::Planned(PlanSummary {
                drawing: (dry_run == DryRun::Draw).then(|| draw(&planning, &spec, &settings, &out)),
                longest: planning.plan.last_cut(),
                service: spec.catalogue.service.to_owned(),
                load: planning.describe(),
            }));
        }
        check::check_target(&settings, spec.catalogue.service)?;
        // `cargo xtask perf` judges only services that it knows.
        if settings.outcome.is_some() {
            check::check_service(spec.catalogue.service)?;
        }
        let run = PreparedRun::prepare(spec, settings, planning, &out).await?;
        run.execute(code).await
    })
}

/// Draws the plan and its targets.
fn draw(planning: &Planning, spec: &RunSpec, settings: &Settings, out: &Path) -> String {
    let targets = match check::check_target(settings, spec.catalogue.service) {
        Ok(()) => hosts::describe(settings, None),
        Err(error) => error.to_string(),
    };
    format!("{}\n{targets}\n", planning.draw(spec.name, out))
}

/// A run that has passed all checks.
struct PreparedRun {
    spec: RunSpec,
    settings: Settings,
    planning: Planning,
    testid: String,
    folder: PathBuf,
    signals: Signals,
    setup_watch: SetupWatch,
    warnings: Vec<Finding>,
    layout: Layout,
    http: Arc<HttpConfig>,
    /// The store for queries, if there is one. Its client is made before the load: after it, there
    /// may be no file descriptors left.
    store: Option<RunStore>,
    /// The agents, if they make the load. They join after the checks.
    coordinator: Option<Coordinator>,
}

impl PreparedRun {
    /// Makes all checks that are possible before the load.
    async fn prepare(mut spec: RunSpec, settings: Settings, planning: Planning, out: &Path) -> Result<Self, RunError> {
        let setup_watch = SetupWatch::new(settings.outcome.clone());
        let is_child = matches!(settings.outcome, Some(OutcomePlace::File(_)));
        let watch = setup_watch.clone();
        let signals = signals::listen(is_child, move |why| watch.end_if_running(why)).map_err(internal)?;
        // Agents check their own share. Those on this machine share its memory and its ports.
        let vus = if settings.listen.is_some() { 0 } else { own_share(&settings).most_vus(&planning.plan) as u64 };
        let own = if settings.agents.is_some() { 0 } else { vus };
        let ports = capacity::check(own, vus, 1 + settings.hosts.len())?;
        let ports = ports.into_iter().filter(|_| !settings.has_only_sockets());
        let mut warnings: Vec<_> =
            ports.map(|text| Finding::warning(Subject::Generator, FindingKind::Capacity, text)).collect();
        hosts::check_resolve(&settings)?;
        let http = HttpConfig::new(&settings.target, &settings.hosts, settings.http.clone()).map_err(configuration)?;
        let http = Arc::new(http.for_vus(planning.plan.most_vus()));
        let store = settings.query_url().map(|url| RunStore::new(url, &settings.store_access));
        let store = store.transpose().map_err(configuration)?;
        check_receiver(&settings, store.as_ref()).await?;
        let testid = match &settings.testid {
            Some(testid) => {
                warnings.extend(check_testid(store.as_ref(), testid, &settings.setting_name(TESTID)).await?);
                testid.clone()
            }
            // The random number keeps names of runs of the same second apart.
            None => perf_settings::new_testid(spec.name, clock::wall(), rand::random()),
        };
        let ignored = settings.ignored.iter();
        warnings.extend(ignored.map(|text| Finding::warning(Subject::Run, FindingKind::SettingIgnored, text.as_str())));
        warnings.extend(warn_about_clock_skew(store.as_ref()).await);
        let checked = hosts::check_targets(&spec.exercised, &settings, &http).await;
        checked.map_err(|error| match settings.listen {
            Some(_) => RunError::HostOfSeveral { error, note: "The coordinator tried it, because it runs setup" },
            None => error.into(),
        })?;
        let folder = evidence::prepare_folder(out, &testid, &settings.setting_name(TESTID))?;
        shard::check(&settings, &folder)?;
        if settings.shard.is_some() && spec.abort.take().is_some() {
            warnings.push(shard::abort_finding());
        }
        let layout = counts_layout(&spec, &planning.plan);
        let coordinator = None;
        Ok(Self {
            spec,
            settings,
            planning,
            testid,
            folder,
            signals,
            setup_watch,
            warnings,
            layout,
            http,
            store,
            coordinator,
        })
    }

    async fn execute(mut self, code: ScenarioCode) -> Result<RunOutcome, RunError> {
        self.print_start();
        let run_clock = RunClock::begin();
        let mut pushes = self.push_schedule(run_clock)?;
        self.coordinator = self.gather_agents().await?;
        let context = Arc::new(run_context(&self.spec, &self.planning, &self.settings.tags, &self.http));
        let recorder = Rc::new(RefCell::new(Recorder::new(self.layout.clone())));
        let mut setup_vu = step::setup_vu(&context, &recorder);
        let (body, mut problems) = match self.set_up(code, &mut setup_vu).await? {
            Ok(body) => (Some(body), Vec::new()),
            Err(failed) => (None, vec![failed]),
        };
        problems.extend(self.hand_out(body.as_ref()).await);
        let mut finished = FinishedLoad::not_started(problems, run_clock, Snapshot::new(&self.layout));
        let (iterations, teardown) = body.map_or((None, None), |body| (Some(body.iterations), body.teardown));
        if let Some(iterations) = iterations.filter(|_| finished.problems.is_empty()) {
            let made = self.make_load(context, iterations, pushes.as_mut(), &mut finished).await;
            finished.problems.extend(made.err());
        }
        if let Some(pushes) = pushes {
            finished.push(pushes, &|text| Notes::new(&self.settings).print(text)).await;
        }
        finished.problems.extend(self.refused_peers());
        if let Some(teardown) = teardown {
            finished.problems.extend(self.tear_down(teardown(&mut setup_vu)).await);
        }
        finished.add_unjudged(&recorder.borrow().snapshot());
        match self.settings.shard {
            Some(shard) => self.write_shard(shard, finished),
            None => self.conclude(finished).await,
        }
    }

    /// Makes the load. The error has the reason if it is not made.
    async fn make_load(
        &mut self,
        context: Arc<RunContext>,
        iterations: Vec<Arc<dyn Iteration>>,
        mut pushes: Option<&mut PushSchedule>,
        finished: &mut FinishedLoad,
    ) -> Result<(), Finding> {
        let began = self.begin(pushes.as_deref_mut(), &finished.load.snapshot).await?;
        finished.started = finished.run_clock.time_of_day();
        match self.load(context, iterations, began, pushes).await {
            Ok((load, timeline, late)) => {
                (finished.load, finished.timeline, finished.late) = (load, timeline, Some(late));
            }
            Err(error) => finished.fail(&error),
        }
        finished.ended = finished.run_clock.time_of_day();
        if let Some(coordinator) = &mut self.coordinator {
            coordinator.end_processes().await;
        }
        finished.problems.extend(sleep_finding(finished.run_clock.slept()));
        Ok(())
    }

    /// Pushes the first counts, and waits until the load begins. The error has the reason if it
    /// does not.
    async fn begin(&mut self, pushes: Option<&mut PushSchedule>, empty: &Snapshot) -> Result<Instant, Finding> {
        if let Some(pushes) = pushes {
            let refused = |error: PushScheduleError| {
                Finding::inconclusive(Subject::Store, FindingKind::StoreRefused, error.to_string())
            };
            pushes.begin(empty).await.map_err(refused)?;
        }
        match &mut self.coordinator {
            Some(coordinator) => Ok(coordinator.begin(&self.planning.plan).await),
            None => self.wait_for_start().await,
        }
    }

    /// Describes each store that is reached through a proxy, once.
    fn proxied_stores(&self) -> Vec<String> {
        let (write, query) = (self.settings.remote_write.as_ref(), self.settings.query_url());
        let is_other = |url: &Url| write.is_none_or(|write| write.origin() != url.origin());
        let of_queries = query.as_ref().filter(|url| is_other(url));
        let describe = |(noun, url): (&str, &Url)| {
            let described = self.settings.store_access.proxies.describe(url)?;
            Some(format!("the {noun} is {described}"))
        };
        let stores = write.map(|url| ("store", url)).into_iter().chain(of_queries.map(|url| ("store of queries", url)));
        stores.filter_map(describe).collect()
    }

    fn print_start(&self) {
        let change = self.planning.describe_change(&self.spec, &self.settings);
        let targets = hosts::describe(&self.settings, Some(&self.http));
        let not_listed = check::check_service(self.spec.catalogue.service).err().map(|it| it.to_string());
        let lines = not_listed.into_iter().chain(change).chain(self.proxied_stores()).chain([targets]);
        let notes = Notes::new(&self.settings);
        lines.for_each(|line| notes.print(&line));
    }

    async fn load(
        &mut self,
        context: Arc<RunContext>,
        iterations: Vec<Arc<dyn Iteration>>,
        began: Instant,
        pushes: Option<&mut PushSchedule>,
    ) -> Result<(Load, RecordedTimeline, Duration), RunError> {
        let RunSpec { name, catalogue, exercised, .. } = &self.spec;
        let plan = &self.planning.plan;
        let progress = Progress::new(name, plan, catalogue, exercised, self.settings.quiet);
        let miss_detector = self.spec.abort.map(|rule| MissDetector::new(rule, catalogue, exercised, plan));
        let mut readers = SnapshotReaders::new(progress, pushes, catalogue, miss_detector);
        let load = match &mut self.coordinator {
            Some(coordinator) => coordinator.run(plan, began, &mut self.signals, &mut readers).await,
            None => {
                let job = Job {
                    plan,
                    run: context,
                    layout: self.layout.clone(),
                    iterations: self.spec.chosen(iterations),
                    wakeup: WakeupMode::new(self.settings.exact_arrivals),
                    limits: check::stall_limits(catalogue),
                    share: own_share(&self.settings),
                    leases: None,
                    load_start: began,
                    threads: engine::processors(),
                };
                engine::run(job, &mut self.signals, &mut readers).await.map_err(internal)?
            }
        };
        let late = readers.late();
        let timeline = readers.finish(clock::now() - began, &load.snapshot).map_err(internal)?;
        Ok((load, timeline, late))
    }

    /// The pushes to the run's store. `None` without a store.
    fn push_schedule(&self, run_clock: RunClock) -> Result<Option<PushSchedule>, RunError> {
        let Some(url) = self.settings.remote_write.clone() else { return Ok(None) };
        let client = Client::new(url, &self.settings.store_access).map_err(internal)?;
        let native = self.settings.native_histograms;
        let parts = self.planning.plan.parts.iter().zip(&self.planning.loads);
        let parts: Vec<_> = parts
            .map(|(part, load)| {
                let tags = planning::tags(&self.settings.tags, &load.tags);
                let identity = SeriesIdentity::new(&self.testid, &part.name, &tags).with_native_histograms(native);
                (identity, part.phases.clone())
            })
            .collect();
        let whole =
            SeriesIdentity::new(&self.testid, self.spec.name, &self.settings.tags).with_native_histograms(native);
        let catalogue = self.spec.catalogue;
        let exercised = self.spec.exercised.clone();
        let to_series = move |snapshot: &Snapshot| -> Vec<SeriesValue> {
            remote_write::series(catalogue, &exercised, &whole, &parts, snapshot)
        };
        Ok(Some(PushSchedule::new(client, run_clock, self.settings.push_interval, to_series)))
    }
}

/// The share of the plan that this process makes, if no agents do.
fn own_share(settings: &Settings) -> LoadShare {
    settings.shard.map_or(LoadShare::WHOLE, LoadShare::from_shard)
}

fn run_context(spec: &RunSpec, planning: &Planning, tags: &[(String, String)], http: &Arc<HttpConfig>) -> RunContext {
    let plan = &planning.plan;
    RunContext {
        http: http.clone(),
        endpoints: spec.catalogue.endpoints,
        hosts: hosts::endpoint_hosts(spec.catalogue, http),
        is_exercised: spec.catalogue.endpoints.iter().map(|it| spec.exercised.contains(it)).collect(),
        measures: spec.catalogue.measures,
        declared_measures: spec.measures.clone(),
        seed: plan.seed,
        ids: plan.parts.iter().map(PartPlan::ids).collect(),
        phases: plan.parts.iter().map(|part| part.phases.clone()).collect(),
        tags: planning.judged_tags(tags, &counts_layout(spec, plan)),
        connection_owner: spec.connection_owner,
        keeps_cookies: http.settings.keep_cookies.unwrap_or(spec.keeps_cookies),
    }
}

fn counts_layout(spec: &RunSpec, plan: &Plan) -> Layout {
    Layout::new(spec.catalogue, plan.parts.iter().map(PartPlan::is_open).collect())
}

/// Reports that the machine slept during the run: latencies measured then are not the service's.
fn sleep_finding(slept: Duration) -> Option<Finding> {
    const TOLERATED: Duration = Duration::from_secs(1);
    let message = || format!("this machine slept for {} during the run", seconds(slept, 0));
    (slept > TOLERATED).then(|| Finding::inconclusive(Subject::Generator, FindingKind::MachineSlept, message()))
}
