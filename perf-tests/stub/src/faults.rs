//! Faults set by flags: added delay and a share of errors, by endpoint, always or in a time window.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::endpoints::ENDPOINTS;

/// Faults by endpoint.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    delay: BTreeMap<String, (Duration, TimeWindow)>,
    /// In parts per million.
    errors: BTreeMap<String, (u32, TimeWindow)>,
}

/// A time window, from the start of the service.
type TimeWindow = Range<Duration>;

const ALWAYS: TimeWindow = Duration::ZERO..Duration::MAX;

impl Faults {
    /// Parses faults such as `endpoint=600ms` and `endpoint=30%`, optionally followed by a time
    /// window such as `@10s-25s`.
    ///
    /// # Errors
    /// If a flag cannot be parsed. The message names it.
    pub fn parse(delays: &[String], errors: &[String]) -> anyhow::Result<Self> {
        let mut faults = Self::default();
        for flag in delays {
            let (endpoint, value, when) = split(flag, "600ms")?;
            let delay = humantime::parse_duration(value)
                .with_context(|| format!("--delay {flag}: not a duration such as 600ms"))?;
            if delay > Duration::from_secs(600) {
                bail!("--delay {flag}: longer than 10 minutes");
            }
            faults.delay.insert(endpoint, (delay, when));
        }
        for flag in errors {
            let (endpoint, value, when) = split(flag, "30%")?;
            let percent: f64 = value
                .trim_end_matches('%')
                .parse()
                .ok()
                .filter(|percent| (0.0..=100.0).contains(percent))
                .with_context(|| format!("--errors {flag}: not a share from 0% to 100%"))?;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and a million")]
            faults.errors.insert(endpoint, ((percent * 10_000.0).round() as u32, when));
        }
        Ok(faults)
    }

    /// The added latency of an endpoint at a time after the start of the service.
    pub(crate) fn delay(&self, endpoint: &str, since: Duration) -> Duration {
        active(&self.delay, endpoint, since)
    }

    /// The share of an endpoint's requests that fail at a time after the start of the service, in
    /// parts per million.
    pub(crate) fn error_ppm(&self, endpoint: &str, since: Duration) -> u32 {
        active(&self.errors, endpoint, since)
    }
}

/// The fault of an endpoint at a time; none outside of its time window.
fn active<T: Copy + Default>(faults: &BTreeMap<String, (T, TimeWindow)>, endpoint: &str, since: Duration) -> T {
    let fault = faults.get(endpoint).filter(|(_, when)| when.contains(&since));
    fault.map(|(fault, _)| *fault).unwrap_or_default()
}

/// Splits a flag into endpoint, value and time window.
fn split<'a>(flag: &'a str, example: &str) -> anyhow::Result<(String, &'a str, TimeWindow)> {
    let known = || ENDPOINTS.iter().map(|endpoint| endpoint.name).collect::<Vec<_>>().join(", ");
    let (endpoint, value) =
        flag.split_once('=').with_context(|| format!("{flag:?}: not of the form join_room={example}"))?;
    if !ENDPOINTS.iter().any(|known| known.name == endpoint) {
        bail!("{flag:?}: no endpoint {endpoint:?}: use one of {}", known());
    }
    let (value, when) = match value.split_once('@') {
        None => (value, ALWAYS),
        Some((value, when)) => {
            (value, parse_when(when).with_context(|| format!("{flag:?}: not of the form …@10s-25s"))?)
        }
    };
    Ok((endpoint.to_owned(), value, when))
}

fn parse_when(text: &str) -> Option<TimeWindow> {
    let (from, to) = text.split_once('-')?;
    let (from, to) = (humantime::parse_duration(from).ok()?, humantime::parse_duration(to).ok()?);
    (from < to).then_some(from..to)
}

#[cfg(test)]
mod tests;
