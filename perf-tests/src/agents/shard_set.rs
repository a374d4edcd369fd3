//! The shards of a run: whether they belong together, and their load as one.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use perf_report::evidence::AgentResult;
use perf_report::exact_ms;
use perf_report::finding::Finding;
use perf_report::format::clock;
use perf_settings::Shard;

use super::agent_load::AgentLoad;
use super::fold;
use super::identity::{CATALOGUE, PROTOCOL_VERSION, differences};
use super::message::Hello;
use super::shard_file::{PLAN, RunFacts, ShardError, ShardFile};
use crate::engine::{Load, LoadShare, Silence};
use crate::measure::{Layout, RecordedTimeline, Snapshot};
use crate::plan::Plan;

#[derive(Debug)]
pub(crate) struct ShardSet {
    /// At least one, in the order of their numbers.
    files: Vec<(PathBuf, ShardFile)>,
}

pub(crate) struct MergedLoad {
    pub(crate) load: Load,
    pub(crate) timeline: RecordedTimeline,
    /// When the first one began, by the clock of its machine.
    pub(crate) started: SystemTime,
    /// The longest load of a shard.
    pub(crate) lasted: Duration,
    /// When the loads were to begin, if that was given.
    pub(crate) start_at: Option<SystemTime>,
    /// Findings of the shards, each once, with the numbers of the shards that have it.
    pub(crate) findings: Vec<(Vec<u32>, Finding)>,
    pub(crate) shards: u32,
}

impl ShardSet {
    pub(crate) fn read(paths: &[PathBuf]) -> Result<Self, ShardError> {
        let mut files: Vec<(PathBuf, ShardFile)> = Vec::new();
        let mut paths: Vec<_> = paths.iter().collect();
        paths.sort();
        for path in paths {
            let file = ShardFile::read(path)?;
            if let Some((first_path, first)) = files.first() {
                let of = (first.shard.of != file.shard.of)
                    .then(|| format!("its number of shards is {}, not {}", file.shard.of, first.shard.of));
                let differences: Vec<_> = of.into_iter().chain(differences(&file.identity, &first.identity)).collect();
                if !differences.is_empty() {
                    return Err(ShardError::OtherRun { path: path.clone(), first: first_path.clone(), differences });
                }
            }
            if let Some((first, _)) = files.iter().find(|(_, known)| known.shard == file.shard) {
                return Err(ShardError::Twice { path: path.clone(), first: first.clone(), shard: file.shard });
            }
            files.push((path.clone(), file));
        }
        files.sort_by_key(|(_, file)| file.shard);
        if files.is_empty() { Err(ShardError::NoShard) } else { Ok(Self { files }) }
    }

    /// The facts of the run. Those of the machine name all machines.
    pub(crate) fn facts(&self) -> RunFacts {
        let mut facts = self.files[0].1.facts.clone();
        let environments = || self.files.iter().map(|(_, file)| &file.facts.environment);
        let joined = |value: fn(&perf_report::evidence::Environment) -> &str| {
            let mut values: Vec<_> = environments().map(value).collect();
            values.sort_unstable();
            values.dedup();
            values.join(", ")
        };
        facts.environment.system = joined(|it| &it.system);
        facts.environment.kernel = joined(|it| &it.kernel);
        facts.environment.processor = joined(|it| &it.processor);
        facts.environment.processors = environments().map(|it| it.processors).max().unwrap_or(0);
        facts
    }

    /// A number that differs between sets, for the name of a run. It is the same in any order.
    pub(crate) fn salt(&self) -> u16 {
        let mut salt = 0_u32;
        for (_, file) in &self.files {
            let since = file.started.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            salt = salt.wrapping_mul(31).wrapping_add(file.shard.number).wrapping_add(since.subsec_nanos() >> 8);
        }
        u16::try_from((salt ^ (salt >> 16)) & 0xffff).unwrap_or(0)
    }

    /// Checks that the shards are of the scenario, catalogue and plan of this program. The build
    /// may be another, because the plan and the form of the counts are checked.
    pub(crate) fn check(&self, here: &Hello, plan: &str) -> Result<(), ShardError> {
        let (path, file) = &self.files[0];
        let ours = [
            (PROTOCOL_VERSION, here.protocol.to_string()),
            (CATALOGUE, here.catalogue.clone()),
            (PLAN, plan.to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value));
        let theirs = ours.iter().filter_map(|(name, _)| Some((name.clone(), file.identity.get(name)?.clone())));
        let differences = differences(&theirs.collect(), &ours.into());
        if differences.is_empty() {
            return Ok(());
        }
        Err(ShardError::OtherCheckout { path: path.clone(), differences })
    }

    /// The load of all shards. A missing one is lost, and so is the rest of one that was stopped.
    pub(crate) fn fold(self, plan: &Plan, layout: &Layout) -> Result<MergedLoad, ShardError> {
        let empty = Snapshot::new(layout);
        let (shards, start_at) = (self.files[0].1.shard.of, self.files[0].1.start_at);
        let begun = self.files.iter().filter(|(_, file)| file.load.is_some()).map(|(_, file)| file.started);
        let started = begun.min().unwrap_or(self.files[0].1.started);
        let (mut timelines, mut findings, mut lasted) = (Vec::new(), Vec::new(), Duration::ZERO);
        let mut silence = Silence::default();
        let mut files = self.files.into_iter().peekable();
        let mut agents = Vec::new();
        for (number, share) in (1..).zip(LoadShare::all(shards)) {
            let mut agent = AgentLoad {
                share,
                leased: None,
                load: Load::not_started(empty.clone()),
                result: AgentResult { is_shard: true, ..AgentResult::new(number, None) },
                lost: Some((Duration::ZERO, "it has no file".to_owned())),
            };
            if let Some((path, file)) = files.next_if(|(_, file)| file.shard.number == number) {
                let fits = |load: &Load| load.is_addable(layout) && file.timeline.is_plausible(layout.endpoints());
                if !file.load.as_deref().is_none_or(fits) {
                    return Err(ShardError::Implausible(path));
                }
                add_findings(&mut findings, file.shard, &file.findings);
                if let Some(load) = &file.load {
                    lasted = lasted.max(file.lasted());
                    silence = std::cmp::max_by_key(silence, load.longest_silence, |it| it.length);
                }
                timelines.extend(take(&mut agent, file, start_at.unwrap_or(started)));
            }
            agents.push(agent);
        }
        let timeline = RecordedTimeline::merge(timelines)?;
        let mut load = fold::load(agents, plan, &empty);
        load.longest_silence = silence;
        Ok(MergedLoad { load, timeline, started, lasted, start_at, findings, shards })
    }
}

/// Fills in what a shard made. Returns its timeline, if it made a load.
fn take(agent: &mut AgentLoad, file: ShardFile, start: SystemTime) -> Option<RecordedTimeline> {
    let lasted = file.lasted();
    agent.result.place = Some(file.place);
    let Some(load) = file.load else {
        agent.lost = Some((Duration::ZERO, "it made none".to_owned()));
        return None;
    };
    agent.result.started = Some(perf_settings::rfc3339_millis(file.started));
    agent.result.start_skew_ms = exact_ms(file.started.duration_since(start).unwrap_or_default());
    agent.lost = load.interrupted.then(|| (lasted, format!("stopped by a signal at {}", clock(lasted))));
    agent.load = Load { interrupted: false, aborted: None, agents: Vec::new(), ..*load };
    Some(file.timeline)
}

/// Adds the findings of a shard. One that several shards have is kept once.
fn add_findings(all: &mut Vec<(Vec<u32>, Finding)>, shard: Shard, findings: &[Finding]) {
    for finding in findings {
        match all.iter_mut().find(|(_, known)| known == finding) {
            Some((numbers, _)) => numbers.push(shard.number),
            None => all.push((vec![shard.number], finding.clone())),
        }
    }
}

#[cfg(test)]
mod tests;
