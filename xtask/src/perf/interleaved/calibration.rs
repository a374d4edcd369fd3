//! What this machine can see, kept for the comparisons that come after.

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

use crate::{files, workspace};

/// What a calibration is about: of another scenario, load or machine it says nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CalibrationSubject {
    pub(super) scenario: String,
    pub(super) load: String,
    pub(super) machine: String,
    /// A short name for what was measured, and how.
    #[serde(default)]
    pub(super) service: String,
}

/// A calibration, as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct CalibrationRecord {
    #[serde(rename = "setting")]
    subject: CalibrationSubject,
    pub(super) noise: Calibration,
    /// How long a round of each side takes, in seconds, starting and ending included.
    pair_seconds: u64,
}

impl CalibrationRecord {
    /// From rounds in which both sides were the same; none if an endpoint has too few requests.
    pub(super) fn measure(subject: CalibrationSubject, pairs: &[Pair<'_>], pair: Duration) -> Option<Self> {
        let family = perf_compare::differences_of_p95(pairs);
        let noise = Calibration::of(family.iter().map(|(name, differences)| (name.as_str(), differences.as_slice())))?;
        Some(Self { subject, noise, pair_seconds: pair.as_secs().max(1) })
    }

    /// The last one of a subject; none if there is none.
    pub(super) fn find(subject: &CalibrationSubject) -> anyhow::Result<Option<Self>> {
        Ok(all()?.into_iter().find(|known| known.subject == *subject))
    }

    /// Keeps it in place of an older one of its subject.
    pub(super) fn keep(&self) -> anyhow::Result<()> {
        let mut known = all()?;
        known.retain(|older| older.subject != self.subject);
        known.push(self.clone());
        files::write_json(&file(), &known)
    }

    /// "p95 changes from 8 % in 12 rounds, 4 min".
    pub(super) fn describe(&self, rule: Rule, alpha: f64) -> String {
        let some = [10, 12, 16, 20, 30, 50, 100];
        let seen = some.into_iter().filter_map(|rounds| Some((rounds, self.noise.visible(rule, alpha, rounds)?)));
        let lines: Vec<_> = seen
            .map(|(rounds, change)| {
                format!("p95 changes from {} in {rounds} rounds, {}", exact_percent(change), self.time(rounds))
            })
            .collect();
        if lines.is_empty() {
            "no change of a p95 up to a doubling, in 100 rounds".to_owned()
        } else {
            lines.join("\n")
        }
    }

    fn time(&self, rounds: usize) -> String {
        let seconds = self.pair_seconds * rounds as u64;
        if seconds < 120 { format!("{seconds} s") } else { format!("{} min", seconds.div_ceil(60)) }
    }

    /// All of it, in words.
    pub(super) fn render(&self, rule: Rule) -> String {
        let noise = &self.noise;
        let mut text = format!(
            "rounds of the same code differ most for {}: by {} of its p95 at most (standard deviation, upper bound with 90 % confidence, \
             {} rounds)\nwith {} endpoints judged together, this machine sees:\n",
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
                "a gate of {} takes {rounds} rounds, {}: --against takes as many by default",
                exact_percent(rule.detect),
                self.time(rounds)
            ),
            None => write!(
                text,
                "a gate of {} cannot be had here: longer rounds (-d {}), a greater --detect, or a quieter machine",
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
    serde_json::from_str(&text).with_context(|| format!("{} is no calibration: remove it", file.display()))
}
