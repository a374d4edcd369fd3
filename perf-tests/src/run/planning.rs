//! From what a scenario asks for, a command line says and perhaps an earlier report holds, to the plan of a run.

use std::fs;
use std::path::Path;
use std::time::Duration;

use perf_report::read::read_report;
use perf_settings::Settings;

use super::{RunError, RunSpec, configuration};
use crate::plan::{self, Experience, LoadProfile, Plan, Schedule};

/// A plan, and the loads that it was made from, part by part.
pub(super) struct Planning {
    pub(super) plan: Plan,
    pub(super) loads: Vec<LoadProfile>,
}

impl Planning {
    pub(super) fn of(spec: &RunSpec, settings: &Settings) -> Result<Self, RunError> {
        match &settings.replay {
            Some(path) => Self::again(spec, path),
            None => Self::new(loads(spec, settings)?, spec, settings.seed),
        }
    }

    fn new(loads: Vec<LoadProfile>, spec: &RunSpec, seed: u64) -> Result<Self, RunError> {
        let (mut parts, mut first_id) = (Vec::new(), 1_u32);
        for (part, load) in spec.parts.iter().zip(&loads) {
            let part = load.plan(part.name, first_id, seed).map_err(configuration)?;
            first_id = first_id.saturating_add(part.most_vus());
            parts.push(part);
        }
        Ok(Self { plan: Plan { parts, seed }, loads })
    }

    /// The plan of an earlier run, or none at all: what cannot be repeated exactly is not repeated.
    fn again(spec: &RunSpec, path: &Path) -> Result<Self, RunError> {
        let refused = |why: String| RunError::Configuration(format!("{} cannot be replayed: {why}", path.display()));
        let text = fs::read_to_string(path).map_err(|error| refused(error.to_string()))?;
        let report = read_report(&text).map_err(|error| refused(error.to_string()))?;
        if report.scenario != spec.name {
            return Err(refused(format!("it is of scenario {}, and this is {}", report.scenario, spec.name)));
        }
        let of_part = |name: &str| report.plan.parts.iter().find(|part| part.name == name);
        let loads = spec.parts.iter().map(|part| {
            let then = of_part(part.name).ok_or_else(|| refused(format!("it has no part {:?}", part.name)))?;
            serde_json::from_value(then.profile.clone()).map_err(|error| refused(error.to_string()))
        });
        let planning = Self::new(loads.collect::<Result<_, _>>()?, spec, report.seed)?;
        if planning.plan.hash() == report.plan.hash {
            Ok(planning)
        } else {
            Err(refused("planned today, its load has another hash: the planner has changed since".to_owned()))
        }
    }

    /// "10 VUs for 30s", or each part's with its name.
    pub(super) fn describe(&self) -> String {
        match self.loads.as_slice() {
            [only] => only.to_string(),
            several => {
                let parts = self.plan.parts.iter().zip(several);
                parts.map(|(part, load)| format!("{}: {load}", part.name)).collect::<Vec<_>>().join("; ")
            }
        }
    }

    /// The plan, drawn, with what the last run of the scenario teaches.
    pub(super) fn draw(&self, scenario: &str, out: &Path) -> String {
        format!("{scenario}: {}\n\n{}", self.describe(), plan::draw(&self.plan, experience(scenario, out)))
    }
}

fn loads(spec: &RunSpec, settings: &Settings) -> Result<Vec<LoadProfile>, RunError> {
    let by = &settings.load;
    if spec.parts.len() > 1 && !by.keeps_the_load() {
        let names: Vec<_> = spec.parts.iter().map(|part| part.name).collect();
        let names = names.join(", ");
        return Err(RunError::Configuration(format!(
            "scenario {} has several loads ({names}), and the command line does not say which of them to replace",
            spec.name
        )));
    }
    spec.parts.iter().map(|part| part.load.clone().overridden(by).map_err(configuration)).collect()
}

/// The run's tags, but for those that a part has a value of its own for, and the part's.
pub(super) fn tags(of_run: &[(String, String)], of_part: &[(String, String)]) -> Vec<(String, String)> {
    let kept = of_run.iter().filter(|(name, _)| !of_part.iter().any(|(own, _)| own == name));
    kept.chain(of_part).cloned().collect()
}

/// What the last report teaches, if it is of this scenario.
fn experience(scenario: &str, out: &Path) -> Option<Experience> {
    let text = fs::read_to_string(out.join("latest/report.json")).ok()?;
    let report = read_report(&text).ok().filter(|report| report.scenario == scenario)?;
    let lasted = u64::try_from(report.ended_unix_ms - report.started_unix_ms).ok().map(Duration::from_millis)?;
    let vu_seconds: f64 = report.plan.parts.iter().filter_map(|part| vu_seconds(part.profile.clone(), lasted)).sum();
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    let (sent, iterations) = (report.requests.sent as f64, report.iterations.completed as f64);
    (iterations > 0.0 && vu_seconds > 0.0).then(|| Experience {
        requests_per_iteration: sent / iterations,
        iterations_per_vu_second: iterations / vu_seconds,
    })
}

/// For how long virtual users were there in all.
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
