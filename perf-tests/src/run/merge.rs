//! Makes one run of the files of its shards.

use monitoring::sanitize::sanitize;
use perf_report::exact_ms;
use perf_report::finding::{Finding, FindingKind, Subject};
use perf_report::format::counted_part;
use perf_settings::{Settings, TESTID};

use super::backend::BackendValues;
use super::error::{configuration, internal};
use super::run_record::{AfterLoad, RunRecord};
use super::{FinishedLoad, Planning, RunError, RunOutcome, RunSpec, counts_layout};
use crate::agents::{self, MergedLoad, ShardSet};
use crate::clock::RunClock;
use crate::env_variables;
use crate::evidence;
use crate::findings::MAX_SKEW;
use crate::terminal::Notes;

pub(super) fn merge(mut spec: RunSpec, settings: &Settings) -> Result<RunOutcome, RunError> {
    let shards = ShardSet::read(&settings.merge)?;
    let facts = shards.facts();
    spec.choose(&Settings { part: facts.part.clone(), ..settings.clone() })?;
    spec.check()?;
    let seed = facts.seed.parse().map_err(configuration)?;
    let planning = Planning::new(facts.loads.clone(), &spec, seed, Notes::new(settings))?;
    let here = agents::hello(spec.name, spec.catalogue, "").map_err(internal)?;
    shards.check(&here, planning.hash())?;
    let salt = shards.salt();
    let merged = shards.fold(&planning.plan, &counts_layout(&spec, &planning.plan))?;
    let given = settings.testid.clone().or_else(|| facts.testid.clone());
    let testid = given.unwrap_or_else(|| perf_settings::new_testid(spec.name, merged.started, salt));
    let out = settings.out.clone().unwrap_or_else(|| env_variables::folder(settings));
    let folder = evidence::prepare_folder(&out, &testid, &settings.setting_name(TESTID))?;
    let problems = findings(&merged);
    let MergedLoad { load, timeline, started, lasted, .. } = merged;
    let ended = started + lasted;
    let run_clock = RunClock::begin();
    let finished = FinishedLoad { load, problems, pushes: None, timeline, started, ended, run_clock, late: None };
    let record = RunRecord {
        spec: &spec,
        planning: &planning,
        facts,
        testid: &testid,
        folder: &folder,
        is_published_elsewhere: settings.outcome.is_some(),
    };
    let after_load = AfterLoad {
        findings: record.load_findings(&finished, false),
        exercised: record.exercised(&finished.load.snapshot),
        backend: BackendValues::without_store(spec.catalogue),
        ..AfterLoad::default()
    };
    record.save(finished, after_load)
}

/// Findings of the shards, and about how they were made.
fn findings(merged: &MergedLoad) -> Vec<Finding> {
    let MergedLoad { load, findings, shards, start_at, .. } = merged;
    let made = load.agents.iter().filter(|shard| shard.place.is_some()).count();
    // A signal before the load ended a shard, not this run: its load is lost.
    let of_shards = findings.iter().filter(|(_, finding)| finding.kind != FindingKind::Interrupted);
    let named = of_shards.map(|(numbers, finding)| {
        let names: Vec<_> = numbers.iter().map(u32::to_string).collect();
        let subject = match numbers.len() {
            all if all == made => String::new(),
            1 => format!("shard {} of {shards}: ", names[0]),
            _ => format!("shards {} of {shards}: ", names.join(", ")),
        };
        Finding { message: sanitize(&format!("{subject}{}", finding.message)), ..finding.clone() }
    });
    let mut all: Vec<_> = named.collect();
    let message = format!(
        "merged from {}. Each ran setup and teardown, and pushed nothing: dashboards, rules and delivery were not checked",
        counted_part(made as u64, (*shards).into(), "shard")
    );
    all.push(Finding::warning(Subject::Run, FindingKind::Sharded, message));
    let skew = |late: f64| late > exact_ms(MAX_SKEW);
    for agent in load.agents.iter().filter(|agent| start_at.is_some() && skew(agent.start_skew_ms)) {
        let message = format!(
            "shard {} of {shards}{} began {:.0} ms after --start-at; {} ms are allowed",
            agent.number,
            agent.describe_place(),
            agent.start_skew_ms,
            MAX_SKEW.as_millis()
        );
        all.push(Finding::inconclusive(Subject::Generator, FindingKind::AgentSkewed, message));
    }
    let latest = load.agents.iter().map(|agent| agent.start_skew_ms).fold(0.0, f64::max);
    if start_at.is_none() && skew(latest) {
        let message = format!(
            "shards did not run at the same time: the last one began {:.1} s after the first, so the target never had the \
             whole load. Times in this report count from each shard's own start. --start-at makes them begin together",
            latest / 1e3
        );
        all.push(Finding::warning(Subject::Run, FindingKind::ShardsApart, message));
    }
    all
}
