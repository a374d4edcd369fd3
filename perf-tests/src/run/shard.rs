//! A shard's side of a run: it begins its load at a time of day, and writes what it measured to a
//! file. It judges nothing and pushes nothing.

use std::path::Path;
use std::time::Duration;

use perf_report::exit_code::ExitCode;
use perf_report::finding::{Finding, FindingKind, Severity, Subject};
use perf_report::format::{count, counted};
use perf_settings::{START_AT, Settings, Shard, TESTID};
use tokio::time::{self, Instant};

use super::error::internal;
use super::{FinishedLoad, PreparedRun, RunError, RunOutcome};
use crate::agents::{self, ShardFile, file_name};
use crate::clock;
use crate::evidence;
use crate::findings;
use crate::terminal::Notes;

/// Time from the last reading of the clock to the start. The clock may be set until then.
const LEAD: Duration = Duration::from_millis(200);
/// The longest pause between two readings of the clock.
const PAUSE: Duration = Duration::from_secs(1);

/// Checks that the shard's file can be written later, and that its start is still to come.
pub(super) fn check(settings: &Settings, folder: &Path) -> Result<(), RunError> {
    settings.check_start(clock::wall()).map_err(super::configuration)?;
    let Some(path) = settings.shard.map(|shard| folder.join(file_name(shard))).filter(|path| path.exists()) else {
        return Ok(());
    };
    Err(RunError::ShardExists { path, setting: settings.setting_name(TESTID) })
}

/// A warning that the load of a shard does not end early.
pub(super) fn abort_finding() -> Finding {
    let message = "abort_on_miss has no effect on shards: each knows only its own requests";
    Finding::warning(Subject::Load, FindingKind::SettingIgnored, message)
}

impl PreparedRun {
    /// Waits until the load begins. Returns that time, or why there is no load.
    pub(super) async fn wait_for_start(&mut self) -> Result<Instant, Finding> {
        let Some(start) = self.settings.start_at else { return Ok(clock::now()) };
        Notes::new(&self.settings).print(&format!("waiting until {}", perf_settings::rfc3339_millis(start)));
        loop {
            let now = clock::wall();
            let Ok(rest) = start.duration_since(now) else {
                let late = now.duration_since(start).unwrap_or_default().as_secs_f64();
                let setting = self.settings.setting_name(START_AT);
                let message = format!(
                    "no load was made, because {setting} was {late:.1} s ago: choose a later time for all shards"
                );
                return Err(Finding::inconclusive(Subject::Generator, FindingKind::AgentSkewed, message));
            };
            if rest <= LEAD {
                let begin = clock::now() + rest;
                time::sleep_until(begin).await;
                return Ok(begin);
            }
            tokio::select! {
                () = time::sleep((rest - LEAD).min(PAUSE)) => {}
                () = self.signals.interrupted() => {
                    return Err(Finding::interrupted("interrupted before the load began"));
                }
            }
        }
    }

    pub(super) fn write_shard(self, shard: Shard, finished: FinishedLoad) -> Result<RunOutcome, RunError> {
        let hello = agents::hello(self.spec.name, self.spec.catalogue, "").map_err(internal)?;
        let settings = &self.settings;
        let plan = &self.planning.plan;
        let FinishedLoad { load, problems, timeline, ended, late, .. } = finished;
        let of_load = findings::load_problems(&load, plan, self.signals.is_interrupted());
        let redirects = findings::redirect_findings(&self.http, &load.snapshot, self.spec.catalogue);
        let findings: Vec<_> = problems.into_iter().chain(self.warnings.iter().cloned()).chain(redirects).collect();
        let started = match (settings.start_at, late) {
            (Some(start), Some(late)) => start + late,
            (None, Some(late)) => finished.started + late,
            (_, None) => finished.started,
        };
        // By the monotonic clock, since the clock of the machine may be set while the shard waits.
        let began = finished.started + late.unwrap_or_default();
        let lasted = ended.duration_since(began).unwrap_or_default();
        let file = ShardFile {
            identity: agents::shared_values(&hello, self.planning.hash(), settings).map_err(internal)?,
            shard,
            place: hello.place,
            facts: self.facts(),
            start_at: settings.start_at,
            started,
            ended: started + lasted,
            load: late.map(|_| Box::new(load)),
            timeline,
            findings,
        };
        let path = self.folder.join(file_name(shard));
        let code = exit_code(&file, &of_load);
        match evidence::write_json(&path, &file) {
            Ok(()) => Ok(RunOutcome::Sharded { code, summary: describe(&file, &of_load, &path) }),
            Err(error) => Err(RunError::ShardNotWritten { shard, code: code.or_worse(ExitCode::Internal), error }),
        }
    }
}

/// The exit code of a shard. Its objectives are not judged. The problems of its load are not in its
/// file, because its merge finds them in the counts.
fn exit_code(file: &ShardFile, of_load: &[Finding]) -> ExitCode {
    let of_findings = file.findings.iter().chain(of_load).filter_map(|finding| finding.exit_code);
    let interrupted = file.load.as_ref().is_some_and(|load| load.interrupted).then_some(ExitCode::Interrupted);
    of_findings.chain(interrupted).fold(ExitCode::Met, ExitCode::or_worse)
}

/// Describes a shard's load, for its log.
fn describe(file: &ShardFile, of_load: &[Finding], path: &Path) -> String {
    let Shard { number, of } = file.shard;
    let made = match &file.load {
        Some(load) => {
            let requests = load.snapshot.requests();
            let stopped = if load.interrupted { "; stopped by a signal" } else { "" };
            format!("{}, {} failed{stopped}", counted(requests.sent, "request"), count(requests.failed))
        }
        None => "no load was made".to_owned(),
    };
    let is_shown = |finding: &&Finding| finding.severity != Severity::Good;
    let findings =
        file.findings.iter().chain(of_load).filter(is_shown).map(|finding| format!("\n  {}", finding.message));
    format!(
        "shard {number} of {of}: {made}. Not judged: cargo xtask merge judges all shards together{}\nshard      {}",
        findings.collect::<String>(),
        path.display()
    )
}
