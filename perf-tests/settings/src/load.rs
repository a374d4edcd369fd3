//! The load settings of the command line: k6's shortcuts and an arrival rate.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::value::{parse_number, parse_within};
use super::{MAX_DURATION, MAX_VUS, ValueError, shown_duration};

/// Maximum arrival rate, in arrivals per second.
const MAX_RATE: u64 = 10_000_000;
const MAX_STAGES: usize = 1000;

/// A stage of a load: the number changes to `target` in a straight line within `duration`, or at
/// once if `duration` is zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// Length of the stage.
    pub duration: Duration,
    /// Virtual users, or arrivals per time unit, at the end of the stage.
    pub target: u64,
}

/// An arrival rate: `count` arrivals in each period of length `per`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// Number of arrivals in each period.
    pub count: u64,
    /// Length of the period.
    pub per: Duration,
}

/// Settings that replace a scenario's own load, in whole or in part.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadOverride {
    /// Number of virtual users; with a rate, virtual users that exist from the start.
    pub vus: Option<u32>,
    /// Duration of the load; with `iterations`, the maximum duration.
    pub duration: Option<Duration>,
    /// Total number of iterations.
    pub iterations: Option<u64>,
    /// Stages of virtual users.
    pub stages: Vec<Stage>,
    /// Arrivals at a constant rate.
    pub rate: Option<Rate>,
    /// Maximum number of virtual users for the rate.
    pub max_vus: Option<u32>,
    /// Warm-up period from the start of the load. It does not change the load, only which requests
    /// are judged.
    pub warm_up: Option<Duration>,
}

fn parse_stage(text: &str) -> Result<Stage, ValueError> {
    let error = |why: String| ValueError::Stage(text.to_owned(), why);
    let (duration, target) = text.split_once(':').ok_or_else(|| error("it has no colon".to_owned()))?;
    let duration = match duration {
        "0" => Duration::ZERO,
        _ => parse_within(duration, Duration::ZERO..=MAX_DURATION).map_err(|why| error(why.to_string()))?,
    };
    let target = parse_number(target, 0..=MAX_VUS.into()).map_err(|why| error(why.to_string()))?;
    Ok(Stage { duration, target })
}

/// Parses stages, such as "1m:10,30s:0".
pub fn parse_stages(text: &str) -> Result<Vec<Stage>, ValueError> {
    let stages = text.split(',').map(|stage| parse_stage(stage.trim())).collect::<Result<Vec<_>, _>>()?;
    if stages.len() > MAX_STAGES {
        return Err(ValueError::Refused("more than 1000 stages: use at most 1000"));
    }
    Ok(stages)
}

/// Formats stages as [`parse_stages`] reads them.
pub fn shown_stages(stages: &[Stage]) -> String {
    let shown = |stage: &Stage| match stage.duration {
        Duration::ZERO => format!("0:{}", stage.target),
        duration => format!("{}:{}", shown_duration(duration), stage.target),
    };
    stages.iter().map(shown).collect::<Vec<_>>().join(",")
}

/// Parses a rate, such as "500/s", "30/m" or "200/10s". Without a unit it is per second.
pub fn parse_rate(text: &str) -> Result<Rate, ValueError> {
    let error = |why| ValueError::Rate(text.to_owned(), why);
    let (count, per) = text.split_once('/').unwrap_or((text, "s"));
    let count: u64 = count.parse().map_err(|_| error("it does not begin with a whole number"))?;
    let per = if per.starts_with(|c: char| c.is_ascii_digit()) { per.to_owned() } else { format!("1{per}") };
    let per = humantime::parse_duration(&per).ok().filter(|per| !per.is_zero() && *per <= MAX_DURATION);
    let per = per.ok_or_else(|| error("the part after / is not a duration"))?;
    let too_fast = u128::from(count) * 1_000_000_000 > u128::from(MAX_RATE) * per.as_nanos();
    if count == 0 || too_fast {
        return Err(error("the rate must be at least 1 arrival and at most 10,000,000 per second"));
    }
    Ok(Rate { count, per })
}

impl std::fmt::Display for Rate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let per = shown_duration(self.per);
        write!(
            f,
            "{}/{}",
            self.count,
            per.strip_prefix('1')
                .filter(|unit| !unit.is_empty() && !unit.starts_with(|c: char| c.is_ascii_digit()))
                .unwrap_or(&per)
        )
    }
}

#[cfg(test)]
mod tests;
