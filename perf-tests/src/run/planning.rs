//! Makes the plan of a run from the scenario's load and the command line, or from an earlier
//! report.

use std::cell::OnceCell;
use std::fs;
use std::path::Path;
use std::time::Duration;

use perf_report::format::counted;
use perf_report::read::read_report;
use perf_settings::{DURATION, LoadOverride, PART, RATE, REPLAY, STAGES, Settings, VUS};

use super::replay_error::{NotReplayable, ReplayError};
use super::{PartSpec, RunError, RunSpec, configuration};
use crate::measure::{Layout, Segments};
use crate::plan::{self, Experience, LoadError, LoadProfile, PartPlan, Plan, Schedule};
use crate::terminal::Notes;

pub(super) struct Planning {
    pub(super) plan: Plan,
    pub(super) loads: Vec<LoadProfile>,
    notes: Notes,
    hash: OnceCell<String>,
}

impl Planning {
    pub(super) fn from_settings(spec: &RunSpec, settings: &Settings) -> Result<Self, RunError> {
        match &settings.replay {
            Some(path) => Self::replay(spec, settings, path),
            None => Self::new(loads(spec, settings)?, spec, settings.seed, Notes::new(settings)),
        }
    }

    pub(super) fn new(loads: Vec<LoadProfile>, spec: &RunSpec, seed: u64, notes: Notes) -> Result<Self, RunError> {
        let mut parts = Vec::new();
        let mut first_id = 1_u32;
        for (part, load) in spec.parts.iter().zip(&loads) {
            let part = load.plan(part.name, first_id, seed).map_err(configuration)?;
            first_id = first_id.saturating_add(part.most_vus());
            parts.push(part);
        }
        Ok(Self { plan: Plan { parts, seed }, loads, notes, hash: OnceCell::new() })
    }

    /// The plan's hash, which is made once.
    pub(super) fn hash(&self) -> &str {
        self.hash.get_or_init(|| {
            self.announce("hashing");
            self.plan.hash()
        })
    }

    fn replay(spec: &RunSpec, settings: &Settings, path: &Path) -> Result<Self, RunError> {
        let refused = |reason| ReplayError { path: path.to_owned(), reason };
        let text = fs::read_to_string(path).map_err(|error| refused(NotReplayable::File(error)))?;
        let report = read_report(&text).map_err(|error| refused(NotReplayable::Report(error)))?;
        if report.run.scenario != spec.name {
            let (recorded, here) = (report.run.scenario, spec.name);
            return Err(refused(NotReplayable::OtherScenario { recorded, here }).into());
        }
        let find = |name: &str| report.run.plan.parts.iter().find(|part| part.name == name);
        let loads = spec.parts.iter().map(|part| {
            let recorded = find(part.name).ok_or_else(|| {
                refused(NotReplayable::NoPart { name: part.name, setting: settings.setting_name(PART) })
            })?;
            serde_json::from_value(recorded.profile.clone()).map_err(|error| refused(NotReplayable::Profile(error)))
        });
        let planning = Self::new(loads.collect::<Result<_, _>>()?, spec, report.run.seed, Notes::new(settings))?;
        if planning.hash() == report.run.plan.hash {
            Ok(planning)
        } else {
            Err(refused(NotReplayable::OtherPlan(settings.setting_name(REPLAY))).into())
        }
    }

    /// The tags of each part that an objective judges: those of the run and of the part.
    pub(super) fn judged_tags(&self, run_tags: &[(String, String)], layout: &Layout) -> Vec<Segments> {
        let of_load = |load: &LoadProfile| {
            let mut judged = Segments::NONE;
            tags(run_tags, &load.tags).iter().for_each(|(name, value)| layout.set_tag(&mut judged, name, value));
            judged
        };
        self.loads.iter().map(of_load).collect()
    }

    /// The load, such as "10 VUs for 30s". With several parts, each with its name.
    pub(super) fn describe(&self) -> String {
        describe(&self.plan.parts, &self.loads)
    }

    /// Describes the load and the scenario's own load, if the command line changed it.
    pub(super) fn describe_change(&self, spec: &RunSpec, settings: &Settings) -> Option<String> {
        let loads: Vec<_> = spec.parts.iter().map(|part| part.load.clone()).collect();
        let replaced = replaced_rates(&spec.parts, &self.loads);
        let (own, now) = (describe(&self.plan.parts, &loads), self.describe());
        let how = match self.loads.len() {
            1 => String::new(),
            _ => format!("; the parts are scaled together, and {} runs one of them", settings.setting_name(PART)),
        };
        (own != now).then(|| format!("load: {now} (the scenario's own: {own}{how}{replaced})"))
    }

    /// Prints that an action with each arrival of the plan takes seconds, if there are very many.
    fn announce(&self, action: &str) {
        if let Some(notice) = self.notice(action) {
            self.notes.print(&notice);
        }
    }

    fn notice(&self, action: &str) -> Option<String> {
        const MANY: u64 = 20_000_000;
        let arrivals = self.plan.parts.iter().map(|part| match &part.schedule {
            Schedule::Arrivals { arrivals, .. } => arrivals.total(),
            Schedule::Vus { .. } => 0,
        });
        let all = arrivals.fold(0, u64::saturating_add);
        (all > MANY).then(|| format!("{action} {}: this can take a minute", counted(all, "arrival")))
    }

    /// Draws the plan, with estimates from the scenario's last run in the folder `out`.
    pub(super) fn draw(&self, scenario: &str, out: &Path) -> String {
        self.announce("drawing");
        format!("{scenario}: {}\n\n{}", self.describe(), plan::draw(&self.plan, experience(scenario, out)))
    }
}

fn describe(parts: &[PartPlan], loads: &[LoadProfile]) -> String {
    match loads {
        [only] => only.to_string(),
        several => {
            let parts = parts.iter().zip(several);
            parts.map(|(part, load)| format!("{}: {load}", part.name)).collect::<Vec<_>>().join("; ")
        }
    }
}

fn loads(spec: &RunSpec, settings: &Settings) -> Result<Vec<LoadProfile>, RunError> {
    if !settings.smoke && spec.parts.len() > 1 {
        let loads: Vec<_> = spec.parts.iter().map(|part| part.load.clone()).collect();
        return LoadProfile::overridden_together(&loads, &settings.load).map_err(|error| refusal(error, settings));
    }
    let one = LoadOverride { vus: Some(1), iterations: Some(1), ..LoadOverride::default() };
    let changed = |part: &PartSpec| {
        let load = part.load.clone();
        let load = if settings.smoke { load.start_time(Duration::ZERO).warm_up(Duration::ZERO) } else { load };
        let by = if settings.smoke { &one } else { &settings.load };
        load.overridden(by).map_err(|error| refusal(error, settings))
    };
    spec.parts.iter().map(changed).collect()
}

/// The error of a load that the settings cannot change. It names them as the user typed them.
fn refusal(error: LoadError, settings: &Settings) -> RunError {
    let name = |variable| settings.setting_name(variable);
    match error {
        LoadError::VusOfStages => {
            RunError::VusOfStages { vus: name(VUS), stages: name(STAGES), duration: name(DURATION) }
        }
        LoadError::OneOfSeveral => RunError::OneOfSeveral { rate: name(RATE), stages: name(STAGES), part: name(PART) },
        error => configuration(error),
    }
}

/// The run's tags and the part's. If both have a tag, the part's value is used.
pub(super) fn tags(run_tags: &[(String, String)], part_tags: &[(String, String)]) -> Vec<(String, String)> {
    let kept = run_tags.iter().filter(|(name, _)| !part_tags.iter().any(|(own, _)| own == name));
    kept.chain(part_tags).cloned().collect()
}

/// Averages of the last run, if it was a run of this scenario.
fn experience(scenario: &str, out: &Path) -> Option<Experience> {
    let text = fs::read_to_string(out.join("latest/report.json")).ok()?;
    let report = read_report(&text).ok().filter(|report| report.run.scenario == scenario)?;
    let lasted = report.duration();
    let vu_seconds: f64 =
        report.run.plan.parts.iter().filter_map(|part| vu_seconds(part.profile.clone(), lasted)).sum();
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    let (sent, iterations) = (report.requests.sent as f64, report.iterations.completed as f64);
    (iterations > 0.0 && vu_seconds > 0.0).then(|| Experience {
        requests_per_iteration: sent / iterations,
        iterations_per_vu_second: iterations / vu_seconds,
    })
}

/// The sum of the times in which virtual users were active, in seconds.
fn vu_seconds(profile: serde_json::Value, lasted: Duration) -> Option<f64> {
    let load: LoadProfile = serde_json::from_value(profile).ok()?;
    let part = load.plan("", 1, 0).ok()?;
    match &part.schedule {
        Schedule::Vus { vus, .. } => {
            let spans = vus.iter().flat_map(|vu| &vu.spans);
            Some(spans.map(|span| span.stop.min(lasted).saturating_sub(span.start).as_secs_f64()).sum())
        }
        Schedule::Arrivals { max_vus, .. } => Some(f64::from(*max_vus) * lasted.as_secs_f64()),
    }
}

/// Text about parts whose arrival rate the command line replaced by a number of iterations.
fn replaced_rates(parts: &[PartSpec], now: &[LoadProfile]) -> String {
    let replaced = parts.iter().zip(now).filter(|(part, now)| part.load.has_rate() && !now.has_rate());
    let names: Vec<_> = replaced.map(|(part, _)| part.name).collect();
    match names.as_slice() {
        [] => String::new(),
        names => format!("; VUs share the iterations, in place of the rate of {}", names.join(", ")),
    }
}

#[cfg(test)]
mod tests;
