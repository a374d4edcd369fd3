//! The calibration of this machine: the slow-downs it can detect, stored for later comparisons.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use perf_compare::Pair;
use perf_compare::gate::Calibration;
use perf_report::comparison::Rule;
use perf_report::format::exact_percent;
use perf_settings::shown_duration;
use serde::{Deserialize, Serialize};

use crate::host::{files, workspace};

/// The subject of a calibration. A calibration does not apply to another scenario, load or machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CalibrationSubject {
    pub(super) scenario: String,
    pub(super) load: String,
    pub(super) machine: String,
    /// A hash of the service, the build profile and the request settings.
    #[serde(default)]
    pub(super) service: String,
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
        let noise = Calibration::of(family.iter().map(|(name, differences)| (name.as_str(), differences.as_slice())))?;
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
             bound, {} rounds)\nwith {} endpoints judged together, this machine can detect:\n",
            noise.endpoint,
            exact_percent(noise.spread.exp_m1()),
            noise.pairs,
            noise.hypotheses
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
    workspace::perf().join("calibration.json")
}

fn all() -> anyhow::Result<Vec<CalibrationRecord>> {
    let file = file();
    let Ok(text) = fs::read_to_string(&file) else { return Ok(Vec::new()) };
    serde_json::from_str(&text).with_context(|| format!("{} is not a calibration: remove it", file.display()))
}
