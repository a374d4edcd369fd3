//! `cargo xtask perf --drill`: shows that alerts fire. The stub backend has scheduled faults, and
//! Prometheus evaluates the same rules at a faster pace. Each alert must become pending, fire and
//! be resolved, and must stay silent in a clean run.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use monitoring::catalogue::Catalogue;
use monitoring::phase::Phase;
use monitoring::prometheus::alerts::{self, AlertRule};
use monitoring::prometheus::recording_rules::{RuleFile, Timing};
use monitoring::ratio::millis;
use monitoring::services;
use monitoring::slo::Slo;
use monitoring::span::Span;
use perf_host::signals::Signals;
use perf_report::Report;
use perf_report::exit_code::ExitCode;
use perf_report::format::counted_part;
use perf_report::mark::Mark;
use perf_settings::{LoadOverride, Rate, Settings};
use prometheus_store::StoreAccess;
use prometheus_store::response::Series;
use tokio::time;
use url::Url;

use crate::host::clock::Moment;
use crate::host::{terminal, workspace};
use crate::perf::args::{self, DRILL_PORT, PerfArgs};
use crate::perf::child::{self, ChildOutcome};
use crate::perf::judge::{self, MeasuredRun};
use crate::perf::perf_error::{PerfError, after_cleanup, catch_panic};
use crate::perf::perf_result::PerfResult;
use crate::perf::plan::{build, check_generated_files};
use crate::perf::prove::{self, QuerySource};
use crate::scenarios::{BuiltPrograms, Programs, ScenarioTest};
use crate::stack::dashboard_link::RunWindow;
use crate::stack::stub_backend::StubBackend;
use crate::stack::{self, Stack};

const SECOND: Duration = Duration::from_secs(1);
/// When every endpoint is too slow, from the start of the stub backend.
const SLOW: &str = "6s-24s";
/// When the first endpoint fails, from the start of the stub backend.
const FAILING: &str = "32s-42s";
/// Duration of the run with faults.
const FAULTY: Duration = Duration::from_secs(52);
/// Duration of the clean run.
const CLEAN: Duration = Duration::from_secs(14);
/// When the last run is killed.
const KILLED_AFTER: Duration = Duration::from_secs(8);
/// Longest time until alerts are resolved after all runs. Prometheus keeps showing the series of a
/// killed run for a part of it.
const PATIENCE: Duration = Duration::from_secs(45);

/// An alert is resolved if it has not fired for this long.
const SETTLED: Duration = Duration::from_secs(3);

/// When an alert was first pending, first firing, and resolved, in Unix seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct AlertTimeline {
    pending: Option<f64>,
    firing: Option<f64>,
    resolved: Option<f64>,
}

impl AlertTimeline {
    /// The timeline of one alert, from the series `ALERTS`. `now` is in Unix seconds.
    fn from_series(alert: &str, series: &[Series], now: f64) -> Self {
        let state = |state: &'static str| {
            let matching = series
                .iter()
                .filter(move |series| series.label("alertname") == alert && series.label("alertstate") == state);
            matching.flat_map(|series| series.points.iter().map(|(at, _)| *at))
        };
        let first = |state_name| state(state_name).reduce(f64::min);
        let last = state("firing").reduce(f64::max);
        // Points are 1 s apart.
        let resolved = last.filter(|last| *last < now - SETTLED.as_secs_f64() + 1.0).map(|last| last + 1.0);
        Self { pending: first("pending"), firing: first("firing"), resolved }
    }

    fn is_complete(&self) -> bool {
        matches!((self.pending, self.firing, self.resolved), (Some(a), Some(b), Some(c)) if a < b && b < c)
    }
}

/// Runs the drill. The exit code is 0 if all alerts and all queries were shown to work.
pub(super) async fn run(args: &PerfArgs, settings: &Settings, signals: Signals) -> Result<PerfResult, PerfError> {
    check_generated_files()?;
    let built = build(args.profile(), Programs::WithStub, &signals)?;
    let scenario = built.select_one(None)?;
    let mut options = args.stack_options();
    options.prometheus_port = args.ports.prometheus_port.unwrap_or(DRILL_PORT);
    options.timing = Timing::DRILL;
    options.grafana = false;
    options.keep_data = false;
    let stack = stack::start(&options, signals.clone()).await?;
    let mut interrupted = signals.clone();
    let result = tokio::select! {
        result = catch_panic(drill_alerts(settings, &built, &scenario, &stack, signals)) => result,
        () = interrupted.interrupted() => Err(PerfError::Interrupted("the drill was interrupted")),
    };
    let forgotten = stack.forget_backend();
    let stopped = stack.down().await.and(forgotten).context("failed to stop the stack");
    after_cleanup(result, |result| result.code, stopped)
}

/// Everything that the runs of a drill share.
struct Drill<'a> {
    settings: &'a Settings,
    built: &'a BuiltPrograms,
    scenario: &'a ScenarioTest,
    stack: &'a Stack,
    /// The URL of the stack's Prometheus.
    prometheus: &'a Url,
    /// The program of the stub backend.
    stub: &'a Path,
    signals: Signals,
}

/// A run of the drill.
struct DrillRun<'a> {
    testid: &'a str,
    /// Flags of the stub backend.
    faults: &'a [String],
    duration: Duration,
    /// When the run is killed, so that it pushes no final counts.
    killed_after: Option<Duration>,
}

impl Drill<'_> {
    /// Runs the load on a stub backend of its own. `None` without evidence, as of a killed run.
    async fn run(&self, run: DrillRun<'_>) -> Result<Option<Box<MeasuredRun>>, PerfError> {
        let backend = StubBackend::start(self.stub, self.settings.seed, run.faults).await?;
        self.stack.scrape(&backend.url, None)?;
        let settings = self.run_settings(&run, &backend.url);
        let ended = child::run(&self.built.generator, self.scenario, settings, self.signals.clone());
        let outcome = match run.killed_after {
            // Dropping the future kills the process.
            Some(after) => time::timeout(after, ended).await.ok(),
            None => Some(ended.await),
        };
        let outcome = after_cleanup(outcome.transpose(), |_| ExitCode::Met, backend.stop().await);
        Ok(outcome?.and_then(ChildOutcome::into_measured))
    }

    fn run_settings(&self, run: &DrillRun<'_>, target: &Url) -> Settings {
        Settings {
            seed: self.settings.seed,
            remote_write: Some(args::write_url(self.prometheus)),
            prometheus: Some(self.prometheus.clone()),
            push_interval: SECOND,
            load: LoadOverride {
                rate: Some(Rate { count: 20, per: SECOND }),
                max_vus: Some(200),
                duration: Some(run.duration),
                warm_up: Some(3 * SECOND),
                ..LoadOverride::default()
            },
            testid: Some(run.testid.to_owned()),
            out: Some(workspace::state_folder().join("drill")),
            folder: self.settings.folder.clone(),
            quiet: true,
            ..Settings::new(target.clone())
        }
    }

    /// The report of a run without faults.
    async fn run_clean(&self, testid: &str) -> Result<Report, PerfError> {
        let run = DrillRun { testid, faults: &[], duration: CLEAN, killed_after: None };
        let measured = self.run(run).await?.ok_or_else(|| anyhow!("the clean run was not measured"))?;
        Ok(judge::run(*measured)?.report)
    }

    /// Runs with faults, then kills a run, and waits until the alerts of both are resolved.
    async fn run_with_faults(&self, id: &str, faults: &[String], source: &QuerySource) -> Result<(), PerfError> {
        let testid = &faulty_testid(id);
        self.run(DrillRun { testid, faults, duration: FAULTY, killed_after: None }).await?;
        let testid = &format!("{id}-killed");
        self.run(DrillRun { testid, faults: &[], duration: CLEAN, killed_after: Some(KILLED_AFTER) }).await?;
        let mut waited = Duration::ZERO;
        while waited < PATIENCE && (waited < CLEAN || source.are_alerts_active().await?) {
            time::sleep(SECOND).await;
            waited += SECOND;
        }
        // Alerts must stay inactive for this long.
        time::sleep(SETTLED).await;
        Ok(())
    }
}

fn faulty_testid(id: &str) -> String {
    format!("{id}-faulty")
}

async fn drill_alerts(
    settings: &Settings,
    built: &BuiltPrograms,
    scenario: &ScenarioTest,
    stack: &Stack,
    signals: Signals,
) -> Result<PerfResult, PerfError> {
    let (Some(prometheus), Some(stub)) = (&stack.prometheus, &built.stub) else {
        return Err(PerfError::NoPrometheus);
    };
    let source = QuerySource::new(prometheus.clone(), None, &StoreAccess::default())?;
    let drill = Drill { settings, built, scenario, stack, prometheus, stub, signals };
    let id = format!("drill-{}", std::process::id());
    terminal::print_line("drill: a clean run; no alert may fire");
    let clean_began = Moment::now();
    let report = drill.run_clean(&format!("{id}-clean")).await?;
    let catalogue = services::find(&report.run.service).ok_or_else(|| anyhow!("no service {}", report.run.service))?;
    let alerts_in_clean_run = source.alerts(clean_began, Moment::now()).await?;
    terminal::print_line(
        "drill: a run in which first every endpoint is slow and then one fails; after it, a run that is killed",
    );
    let began = Moment::now();
    drill.run_with_faults(&id, &faults(catalogue), &source).await?;
    let series = source.alerts(began, Moment::now()).await?;
    let now = Moment::now();
    let drilled = drill_catalogue(catalogue);
    print_not_drilled(catalogue, &drilled);
    let window = RunWindow { from_ms: began.0, to_ms: now.0 };
    let empty_queries = prove::empty_queries(&drilled, &source, &faulty_testid(&id), &scenario.name, window).await?;
    let runs = DrilledRuns { alerts_in_clean_run, series, began, now, empty_queries };
    let (result, text) = describe_result(&alerts::alerts(&drilled, &Timing::DRILL), &runs);
    terminal::print_line(&text);
    Ok(result)
}

/// Prints the objectives that the drill leaves out.
fn print_not_drilled(catalogue: &Catalogue, drilled: &Catalogue) {
    for slo in catalogue.slos.iter().filter(|slo| !drilled.slos.contains(slo)) {
        let why = "not drilled, because slow responses do not miss it";
        terminal::print_line(&format!("{} {why}: {} {}", Mark::QUIET.sign, slo.subject(), slo.describe()));
    }
}

/// Flags of the stub backend, which serves the scenario's service. First each endpoint is slower
/// than its objective allows, then the first endpoint fails.
fn faults(catalogue: &Catalogue) -> Vec<String> {
    let slow = catalogue.endpoints.iter().filter_map(|endpoint| {
        let of_endpoint = catalogue.slos.iter().filter(|slo| slo.endpoint() == Some(endpoint) && is_provoked(slo));
        let threshold = of_endpoint.filter_map(Slo::threshold).max()?;
        Some(format!("--delay={}={}ms@{SLOW}", endpoint.name, millis(threshold + Duration::from_millis(100))))
    });
    let failing = catalogue.endpoints.first().map(|endpoint| format!("--errors={}=100%@{FAILING}", endpoint.name));
    slow.chain(failing).collect()
}

/// Whether a slow response makes the drill's load miss an objective. The drill cannot make
/// connecting slow.
fn is_provoked(slo: &Slo) -> bool {
    let by_responses = slo.limited_span().is_some_and(|span| span != Span::Connecting);
    by_responses && slo.phases.contains(Phase::Steady)
}

/// The catalogue without objectives whose alert the drill cannot make fire.
fn drill_catalogue(catalogue: &Catalogue) -> Catalogue {
    let has_alert = |slo: &Slo| alerts::violation_name(catalogue, slo).is_some();
    // The drill's scenario need not have an objective's part, segment or counter.
    let has_scope = |slo: &&Slo| slo.part.is_none() && slo.segment.is_none() && slo.measure().is_none();
    let slos = catalogue.slos.iter().filter(has_scope).filter(|slo| is_provoked(slo) || !has_alert(slo));
    // A catalogue lives as long as the process.
    Catalogue { slos: slos.copied().collect::<Vec<_>>().leak(), ..*catalogue }
}

struct DrilledRuns {
    alerts_in_clean_run: Vec<Series>,
    /// Alerts since the start of the run with faults.
    series: Vec<Series>,
    began: Moment,
    now: Moment,
    /// Queries that had no data, each with its reason.
    empty_queries: Vec<String>,
}

/// The result, and the text above its last line: the verdict, the timeline of each alert, and all
/// problems.
fn describe_result(
    alerts: &RuleFile<AlertRule>,
    DrilledRuns { alerts_in_clean_run, series, began, now, empty_queries }: &DrilledRuns,
) -> (PerfResult, String) {
    let mut incomplete = 0;
    let mut text = format!("\n\n  {:<32} {:>8} {:>8} {:>9}", "alert", "pending", "firing", "resolved");
    for rule in alerts.groups.iter().flat_map(|group| &group.rules) {
        let timeline = AlertTimeline::from_series(&rule.alert, series, now.seconds());
        incomplete += u64::from(!timeline.is_complete());
        let at =
            |at: Option<f64>| at.map_or_else(|| "never".to_owned(), |at| format!("+{:.0} s", at - began.seconds()));
        let sign = Mark::for_check(timeline.is_complete()).sign;
        let [pending, firing, resolved] = [timeline.pending, timeline.firing, timeline.resolved].map(at);
        let _ = write!(text, "\n{sign} {:<32} {pending:>8} {firing:>8} {resolved:>9}", rule.alert);
    }
    let mut check = |passed, what: &str| {
        let _ = write!(text, "\n{} {what}", Mark::for_check(passed).sign);
    };
    for series in alerts_in_clean_run {
        let what = format!("{} was {} in the clean run", series.label("alertname"), series.label("alertstate"));
        check(false, &what);
    }
    empty_queries.iter().for_each(|query| check(false, query));
    if alerts_in_clean_run.is_empty() {
        check(true, "the clean run was silent");
    }
    if empty_queries.is_empty() {
        check(true, "every query that may be empty after a run had data in the drill");
    }
    let count = alerts.groups.iter().map(|group| group.rules.len()).sum::<usize>();
    let failed = match (incomplete, alerts_in_clean_run.is_empty(), empty_queries.is_empty()) {
        (0, true, true) => None,
        (0, true, false) => Some("a query had no data".to_owned()),
        (0, false, _) => Some("an alert fired in the clean run".to_owned()),
        (incomplete, ..) => {
            let alerts = counted_part(incomplete, count as u64, "alert");
            Some(format!("{alerts} did not become pending, fire and end"))
        }
    };
    let code = if failed.is_none() { ExitCode::Met } else { ExitCode::ProofFailed };
    let verdict = failed.unwrap_or_else(|| "every alert fired when it should, and only then".to_owned());
    let verdict = format!("drill: {verdict} (exit {})", code.code());
    let text = format!("\n{} {verdict}{text}", Mark::from(code).sign);
    (PerfResult::with_verdict(code, verdict), text)
}

#[cfg(test)]
mod tests;
