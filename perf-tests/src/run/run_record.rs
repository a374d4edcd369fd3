//! The end of a run: completes its evidence, judges it, and writes its files.

use std::path::Path;

use monitoring::endpoint::Endpoint;
use monitoring::measure::MeasureKind;
use monitoring::phase::Phases;
use perf_report::evidence::{Evidence, PlanResult, RunOverview, SCHEMA, StoreResult};
use perf_report::exit_code::ExitCode;
use perf_report::finding::{Finding, FindingKind, Subject};
use perf_report::judgement::judge;
use perf_report::render::files::EVIDENCE;
use perf_report::{Report, whole_ms};

use super::backend::BackendValues;
use super::check::stall_limit;
use super::error::internal;
use super::store_readback::StoreReadback;
use super::{FinishedLoad, NotSavedError, Planning, PreparedRun, RunError, RunOutcome, RunSpec};
use crate::agents::RunFacts;
use crate::clock;
use crate::evidence;
use crate::findings;
use crate::measure::{Selection, Snapshot};

/// The parts of the evidence that are known only after the load.
#[derive(Default)]
pub(super) struct AfterLoad {
    pub(super) stopped: bool,
    pub(super) exercised: Vec<Endpoint>,
    pub(super) store: Option<StoreResult>,
    pub(super) backend: BackendValues,
    pub(super) findings: Vec<Finding>,
}

/// Where a run's evidence goes, and the part of it that is known before the load.
pub(super) struct RunRecord<'run> {
    pub(super) spec: &'run RunSpec,
    pub(super) planning: &'run Planning,
    pub(super) facts: RunFacts,
    pub(super) testid: &'run str,
    pub(super) folder: &'run Path,
    /// Whether another process reads the evidence, and judges and publishes.
    pub(super) is_published_elsewhere: bool,
}

impl PreparedRun {
    pub(super) async fn conclude(self, mut finished: FinishedLoad) -> Result<RunOutcome, RunError> {
        let record = self.record();
        let stopped = self.signals.is_interrupted();
        finished.problems.extend(self.warnings.iter().cloned());
        let mut findings = record.load_findings(&finished, stopped);
        findings.extend(findings::redirect_findings(&self.http, &finished.load.snapshot, self.spec.catalogue));
        let exercised = record.exercised(&finished.load.snapshot);
        let StoreReadback { result: store, findings: of_store } = self.read_back(&finished, &exercised).await;
        let backend = self.backend_values(&finished).await;
        // The signal may have come during these queries.
        let is_unreported =
            self.signals.is_interrupted() && !findings.iter().any(|it| it.kind == FindingKind::Interrupted);
        let interrupted = is_unreported.then(|| Finding::interrupted("interrupted while querying the store"));
        findings.extend(of_store.into_iter().chain(interrupted));
        record.save(finished, AfterLoad { stopped, exercised, store, backend, findings })
    }

    fn record(&self) -> RunRecord<'_> {
        RunRecord {
            spec: &self.spec,
            planning: &self.planning,
            facts: self.facts(),
            testid: &self.testid,
            folder: &self.folder,
            is_published_elsewhere: self.settings.outcome.is_some(),
        }
    }

    pub(super) fn facts(&self) -> RunFacts {
        let Self { settings, planning, http, .. } = self;
        RunFacts {
            testid: settings.testid.clone(),
            loads: planning.loads.clone(),
            seed: planning.plan.seed.to_string(),
            part: settings.part.clone(),
            smoke: settings.smoke,
            tags: settings.tags.clone(),
            target: prometheus_store::shown_url(&settings.target),
            environment: evidence::environment(settings, http),
        }
    }
}

impl RunRecord<'_> {
    /// Completes the evidence, judges it, and writes the run's files.
    pub(super) fn save(&self, finished: FinishedLoad, after_load: AfterLoad) -> Result<RunOutcome, RunError> {
        let catalogue = self.spec.catalogue;
        let log =
            evidence::histogram_log(catalogue, finished.started, &finished.timeline.sections).map_err(internal)?;
        let (written, not_linked) = match evidence::write_histograms(self.folder, &log) {
            Ok(not_linked) => (Ok(()), not_linked),
            Err(error) => (Err(error), None),
        };
        let mut evidence = self.evidence(finished, after_load)?;
        evidence.findings.extend(not_linked);
        // `cargo xtask perf` reads the evidence, judges and publishes. Under plain `cargo test`,
        // this process publishes the report.
        let evidence_path = match self.is_published_elsewhere {
            true => {
                let path = self.folder.join(EVIDENCE);
                written.and_then(|()| evidence::write_json(&path, &evidence)).map(|()| Some(path))
            }
            false => written.map(|()| None),
        };
        let judgement = judge(catalogue, &evidence);
        let report = Report::new(evidence, judgement);
        let path = evidence_path.and_then(|path| path.map_or_else(|| evidence::publish(self.folder, &report), Ok));
        Ok(match path {
            Ok(path) => RunOutcome::Judged { report: Box::new(report), saved: Ok(path) },
            // The results are still shown, with a finding that they were not written.
            Err(error) => {
                let error = NotSavedError(error);
                let kind = FindingKind::ReportNotWritten;
                let not_written = Finding::problem(ExitCode::Internal, Subject::Run, kind, error.to_string());
                RunOutcome::Judged { report: Box::new(report.conclude([not_written])), saved: Err(error) }
            }
        })
    }

    /// Findings about the load, the target and the generator, and those that are known already.
    pub(super) fn load_findings(&self, finished: &FinishedLoad, stopped: bool) -> Vec<Finding> {
        let (catalogue, plan) = (self.spec.catalogue, &self.planning.plan);
        let FinishedLoad { load, problems, started, ended, .. } = finished;
        let mut findings = findings::load_problems(load, plan, stopped);
        if stopped || load.interrupted {
            let lasted = ended.duration_since(*started).unwrap_or_default();
            findings.push(findings::stopped_by_signal(load, plan, lasted));
        }
        let has_proxy = self.facts.environment.proxy.is_some();
        findings.extend(findings::target_findings(load, plan, catalogue, has_proxy, stall_limit(catalogue)));
        findings.extend(findings::agent_problems(plan, &load.agents));
        findings.extend(problems.iter().cloned());
        findings.extend(findings::generator_warnings(plan, load));
        findings.extend(self.unrecorded_measures(&load.snapshot));
        findings
    }

    /// Warns about declared measures without a value and without an objective, which would be
    /// inconclusive. A counter without a value is 0, and a part that runs alone need not record all
    /// measures.
    fn unrecorded_measures(&self, counts: &Snapshot) -> Option<Finding> {
        const ALL: Selection = Selection { part: None, segment: None };
        let catalogue = self.spec.catalogue;
        let declared =
            catalogue.measures.iter().enumerate().filter(|(_, measure)| self.spec.measures.contains(measure));
        let without_value = declared.filter(|(at, measure)| {
            measure.kind != MeasureKind::Counter
                && catalogue.slos.iter().all(|slo| slo.measure() != Some(measure))
                && counts.measure(*at, Phases::ALL, ALL).is_some_and(|values| values.count == 0)
        });
        let names: Vec<_> = without_value.map(|(_, measure)| measure.name).collect();
        let message = format!(
            "the scenario declares {} and recorded no value: call vu.record(…), or remove it from measures(&[…])",
            names.join(", ")
        );
        let has_run = counts.iterations().completed > 0 && self.facts.part.is_none();
        (has_run && !names.is_empty())
            .then(|| Finding::warning(Subject::Scenario, FindingKind::MeasureNotRecorded, message))
    }

    fn evidence(&self, finished: FinishedLoad, after_load: AfterLoad) -> Result<Evidence, RunError> {
        let (spec, plan, facts) = (self.spec, &self.planning.plan, &self.facts);
        let FinishedLoad { load, timeline: recorded, started, ended, .. } = finished;
        let catalogue = spec.catalogue;
        let owned = |endpoint: &Endpoint| endpoint.name.to_owned();
        Ok(Evidence {
            schema: SCHEMA,
            phases: evidence::phase_times(plan, &load, started, ended, after_load.stopped),
            paused_ms: Some(whole_ms(load.longest_pause.total)),
            run: RunOverview {
                testid: self.testid.to_owned(),
                scenario: spec.name.to_owned(),
                service: catalogue.service.to_owned(),
                target: facts.target.clone(),
                seed: plan.seed,
                tags: facts.tags.iter().cloned().collect(),
                started: perf_settings::rfc3339_millis(started),
                ended: perf_settings::rfc3339_millis(ended),
                started_unix_ms: clock::unix_ms(started),
                ended_unix_ms: clock::unix_ms(ended),
                load: self.planning.describe(),
                smoke: facts.smoke,
                plan: PlanResult {
                    hash: self.planning.hash().to_owned(),
                    parts: evidence::part_results(catalogue, plan, &self.planning.loads, &load.snapshot)
                        .map_err(internal)?,
                },
                generator: evidence::generator(&load),
                environment: facts.environment.clone(),
                timeline: evidence::timeline(catalogue, plan, &recorded).map_err(internal)?,
                agents: load.agents,
                store: after_load.store,
                caches: after_load.backend.caches,
            },
            endpoints: catalogue.endpoints.iter().map(owned).collect(),
            exercised: after_load.exercised.iter().map(owned).collect(),
            checks: spec.checks.iter().map(|name| (*name).into()).collect(),
            measures: spec.measures.iter().map(|measure| measure.name.into()).collect(),
            counts: load.snapshot,
            backend: after_load.backend.values,
            findings: after_load.findings,
        })
    }

    /// The endpoints whose objectives are judged. A part that runs alone need not
    /// request all endpoints of its scenario, so those without a request are left out. If no
    /// iteration succeeded, nothing is left out: absence is not success.
    pub(super) fn exercised(&self, counts: &Snapshot) -> Vec<Endpoint> {
        let is_requested = |at: usize| {
            let requests = counts.endpoint(at, Phases::ALL).map(|counts| counts.requests());
            requests.is_some_and(|requests| requests.sent + requests.unknown > 0)
        };
        let endpoints = self.spec.catalogue.endpoints.iter().enumerate();
        let requested: Vec<_> = endpoints.filter(|(at, _)| is_requested(*at)).map(|(_, endpoint)| endpoint).collect();
        let (all, iterations) = (counts.requests(), counts.iterations());
        // A successful iteration shows which endpoints the part requests. An iteration that lasts
        // as long as the load does not end.
        let is_whole =
            all.failed + all.unknown == 0 || all.sent > all.failed && iterations.completed > iterations.failed;
        let is_alone = self.facts.part.is_some() && !requested.is_empty() && is_whole;
        let judged = self.spec.exercised.iter().filter(|endpoint| !is_alone || requested.contains(endpoint));
        judged.copied().collect()
    }
}
