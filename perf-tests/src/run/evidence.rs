//! The end of a run: completes its evidence, judges it, and writes its files.

use std::time::SystemTime;

use monitoring::phase::Phases;
use perf_report::Report;
use perf_report::evidence::{Evidence, SCHEMA};
use perf_report::exit_code::ExitCode;
use perf_report::finding::{Finding, FindingKind, Subject};
use perf_report::judgement::judge;

use super::check::stall_limit;
use super::error::internal;
use super::watchers::RecordedTimeline;
use super::{PreparedRun, RunError, RunOutcome};
use crate::clock::{self, Epoch};
use crate::engine::Load;
use crate::measure::Snapshot;
use crate::remote_write::Pushes;
use crate::report;

/// The results of load and teardown.
pub(super) struct FinishedLoad {
    pub(super) load: Load,
    pub(super) problems: Vec<Finding>,
    pub(super) pushes: Option<(String, Pushes)>,
    pub(super) timeline: RecordedTimeline,
    pub(super) started: SystemTime,
    pub(super) ended: SystemTime,
    pub(super) epoch: Epoch,
}

impl PreparedRun {
    /// Completes the evidence, judges it, and writes the run's files.
    pub(super) async fn conclude(self, finished: FinishedLoad) -> Result<RunOutcome, RunError> {
        let catalogue = self.spec.catalogue;
        let log = report::histogram_log(catalogue, finished.started, &finished.timeline.1).map_err(internal)?;
        let mut evidence = self.evidence(&finished)?;
        if let Some((url, pushes)) = finished.pushes {
            self.add_store_result(url, pushes, &mut evidence).await;
        }
        self.add_backend_values(&mut evidence, finished.epoch).await;
        // The signal may have come during these queries.
        if self.signals.came() && !evidence.findings.iter().any(|it| it.kind == FindingKind::Interrupted) {
            let message = "interrupted while querying the store";
            let kind = FindingKind::Interrupted;
            evidence.findings.push(Finding::problem(ExitCode::Interrupted, Subject::Run, kind, message));
        }
        // `cargo xtask perf` reads the evidence, judges and publishes. Under plain `cargo test`,
        // this process publishes the report.
        let is_evidence_read = self.settings.outcome.is_some();
        let evidence_path = report::write_measurements(&self.folder, &mut evidence, &log, is_evidence_read);
        let judgement = judge(catalogue, &evidence);
        let mut report = Report::new(evidence, judgement);
        let path = evidence_path
            .and_then(|path| if is_evidence_read { Ok(path) } else { report::publish(&self.folder, &report) });
        match path {
            Ok(path) => Ok(RunOutcome::Judged(Box::new(report), path)),
            // The results are still shown, with a finding that they were not written.
            Err(error) => {
                let message = format!("{error}: the results are printed here, but not saved");
                let kind = FindingKind::ReportNotWritten;
                report.conclude([Finding::problem(ExitCode::Internal, Subject::Run, kind, message.as_str())]);
                Ok(RunOutcome::Unwritten(Box::new(report), message))
            }
        }
    }

    fn evidence(&self, finished: &FinishedLoad) -> Result<Evidence, RunError> {
        let (spec, plan) = (&self.spec, &self.planning.plan);
        let FinishedLoad { load, problems, timeline: (interval, sections), started, ended, .. } = finished;
        let catalogue = spec.catalogue;
        let stopped = self.signals.came();
        let mut findings = report::load_problems(load, plan.is_graceful(), stopped);
        findings.extend(report::target_findings(load, plan, catalogue, stall_limit(catalogue)));
        findings.extend(report::agent_problems(plan, &load.agents));
        findings.extend(problems.iter().cloned());
        findings.extend(self.warnings.iter().cloned());
        findings.extend(report::generator_warnings(plan, load));
        findings.extend(report::redirect_finding(&self.http));
        Ok(Evidence {
            schema: SCHEMA,
            testid: self.testid.clone(),
            scenario: spec.name.to_owned(),
            service: catalogue.service.to_owned(),
            target: prometheus_store::shown_url(&self.settings.target),
            seed: plan.seed,
            tags: self.settings.tags.iter().cloned().collect(),
            started: perf_settings::rfc3339_millis(*started),
            ended: perf_settings::rfc3339_millis(*ended),
            started_unix_ms: clock::unix_ms(*started),
            ended_unix_ms: clock::unix_ms(*ended),
            load: self.planning.describe(),
            smoke: self.settings.smoke,
            endpoints: catalogue.endpoints.iter().map(|endpoint| endpoint.name.to_owned()).collect(),
            exercised: self.exercised(&load.snapshot),
            checks: spec.checks.iter().map(|name| (*name).into()).collect(),
            measures: spec.measures.iter().map(|measure| measure.name.into()).collect(),
            phases: report::phase_times(plan, load, (*started, *ended), stopped),
            plan: report::plan_result(catalogue, plan, &self.planning.loads, &load.snapshot).map_err(internal)?,
            generator: report::generator(load),
            agents: load.agents.clone(),
            environment: report::environment(&self.settings, &self.http),
            timeline: report::timeline(catalogue, plan, (*interval, sections)).map_err(internal)?,
            counts: load.snapshot.clone(),
            store: None,
            backend: Vec::new(),
            caches: Vec::new(),
            findings,
        })
    }

    /// The names of the endpoints whose objectives are judged. A part that runs alone need not
    /// request all endpoints of its scenario, so those without a request are left out. If a request
    /// failed, or none was made, nothing is left out: absence is not success.
    fn exercised(&self, counts: &Snapshot) -> Vec<String> {
        let is_requested = |at: usize| {
            let requests = counts.endpoint(at, Phases::ALL).map(|counts| counts.requests());
            requests.is_some_and(|requests| requests.sent + requests.unknown > 0)
        };
        let endpoints = self.spec.catalogue.endpoints.iter().enumerate();
        let requested: Vec<_> = endpoints.filter(|(at, _)| is_requested(*at)).map(|(_, endpoint)| endpoint).collect();
        let all = counts.requests();
        let is_alone = self.settings.part.is_some() && !requested.is_empty() && all.failed + all.unknown == 0;
        let judged = self.spec.exercised.iter().filter(|endpoint| !is_alone || requested.contains(endpoint));
        judged.map(|endpoint| endpoint.name.to_owned()).collect()
    }
}
