//! The calibration of this machine: the slow-downs it can detect, stored for later comparisons.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use perf_compare::Pair;
use perf_compare::significance::Calibration;
use perf_host::machine::Machine;
use perf_report::comparison::Rule;
use perf_report::format::{counted, exact_percent};
use perf_settings::{HttpSettings, LoadOverride, shown_duration};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::host::{files, workspace};

/// The subject of a calibration. A calibration does not apply to another scenario, load or machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CalibrationSubject {
    pub(super) scenario: String,
    pub(super) load: LoadOverride,
    pub(super) machine: Machine,
    /// The hash of a [`RequestPath`].
    pub(super) service: String,
}

/// Everything else that requests of the rounds depend on.
///
/// It may hold secrets, in the command or in headers, so that only its hash is stored.
#[derive(Serialize)]
pub(super) struct RequestPath<'a> {
    pub(super) service: CalibratedService<'a>,
    pub(super) profile: &'a str,
    pub(super) http: &'a HttpSettings,
}

/// The service of both sides of a calibration.
#[derive(Serialize)]
pub(super) enum CalibratedService<'a> {
    Stub,
    /// The command of `--start`.
    Command(&'a str),
    /// The URL of a running service, without user and password.
    Target(String),
}

impl RequestPath<'_> {
    pub(super) fn hash(&self) -> anyhow::Result<String> {
        Ok(workspace::hash(&[&serde_json::to_string(self)?]))
    }
}

/// A calibration in `calibration.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct CalibrationRecord {
    #[serde(rename = "setting")]
    subject: CalibrationSubject,
    pub(super) noise: Calibration,
    /// Seconds that a pair of rounds takes, with the start and stop of the services.
    pair_seconds: u64,
}

impl CalibrationRecord {
    /// Calibrates from rounds in which both sides were the same service.
    ///
    /// `pair` is the time of a pair of rounds. `None` if an endpoint has too few requests.
    pub(super) fn measure(subject: CalibrationSubject, pairs: &[Pair<'_>], pair: Duration) -> Option<Self> {
        let family = perf_compare::differences_of_p95(pairs);
        let noise = Calibration::from_differences(
            family.iter().map(|(name, differences)| (name.as_str(), differences.as_slice())),
        )?;
        Some(Self { subject, noise, pair_seconds: pair.as_secs().max(1) })
    }

    /// The stored calibration of a subject.
    pub(super) fn find(subject: &CalibrationSubject) -> anyhow::Result<Option<Self>> {
        Ok(all()?.into_iter().find(|known| known.subject == *subject))
    }

    /// Stores the calibration, and replaces an older one of the same subject.
    pub(super) fn keep(&self) -> anyhow::Result<()> {
        let mut known = all()?;
        known.retain(|older| older.subject != self.subject);
        known.push(self.clone());
        files::write_json(&file(), &known)
    }

    /// The slow-downs that the machine can detect, a line for each of some numbers of rounds:
    /// "p95 slow-downs from 8 % in 12 rounds, 4 min".
    pub(super) fn describe(&self, rule: Rule, alpha: f64) -> String {
        let rounds = [10, 12, 16, 20, 30, 50, 100];
        let detectable =
            rounds.into_iter().filter_map(|rounds| Some((rounds, self.noise.visible(rule, alpha, rounds)?)));
        let lines: Vec<_> = detectable
            .map(|(rounds, change)| {
                format!("p95 slow-downs from {} in {rounds} rounds, {}", exact_percent(change), self.time(rounds))
            })
            .collect();
        if lines.is_empty() { "no p95 slow-down up to 100 % in 100 rounds".to_owned() } else { lines.join("\n") }
    }

    fn time(&self, rounds: usize) -> String {
        let seconds = self.pair_seconds * rounds as u64;
        if seconds < 120 { format!("{seconds} s") } else { format!("{} min", seconds.div_ceil(60)) }
    }

    /// The text that the command prints.
    pub(super) fn render(&self, rule: Rule) -> String {
        let noise = &self.noise;
        let mut text = format!(
            "noise: between rounds of the same code, the p95 of {} varies by up to {} (standard deviation, 90 % upper \
             bound, {})\nwith {} judged together, this machine can detect:\n",
            noise.endpoint,
            exact_percent(noise.deviation.exp_m1()),
            counted(noise.pairs as u64, "round"),
            counted(noise.hypotheses as u64, "endpoint")
        );
        for line in self.describe(rule, rule.alpha).lines() {
            let _ = writeln!(text, "  {line}");
        }
        let _ = match noise.needed_pairs(rule, rule.alpha) {
            Some(rounds) => write!(
                text,
                "{rounds} rounds ({}) detect a {} slow-down; --against uses this number from now on",
                self.time(rounds),
                exact_percent(rule.detect)
            ),
            None => write!(
                text,
                "this machine is too noisy to detect a {} slow-down; try longer rounds (more than {}), a larger --detect, \
                 or a quieter machine",
                exact_percent(rule.detect),
                shown_duration(Duration::from_secs(self.pair_seconds))
            ),
        };
        text
    }
}

fn file() -> PathBuf {
    workspace::state_folder().join("calibration.json")
}

fn all() -> anyhow::Result<Vec<CalibrationRecord>> {
    let file = file();
    let Ok(text) = fs::read_to_string(&file) else { return Ok(Vec::new()) };
    parse_records(&text).with_context(|| format!("{} is not a calibration: remove it", file.display()))
}

/// Records in another form are of another version of this program: they are left out.
fn parse_records(text: &str) -> serde_json::Result<Vec<CalibrationRecord>> {
    let records: Vec<Value> = serde_json::from_str(text)?;
    Ok(records.into_iter().filter_map(|record| serde_json::from_value(record).ok()).collect())
}

#[cfg(test)]
mod tests;
