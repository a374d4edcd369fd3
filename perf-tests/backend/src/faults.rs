//! Faults set by flags: added delay, and a share of errors, by endpoint.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::latency::ENDPOINTS;

/// What goes wrong, and how.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    delay: BTreeMap<String, Duration>,
    /// In parts per million.
    errors: BTreeMap<String, u32>,
}

impl Faults {
    /// Faults from `endpoint=600ms` and `endpoint=30%`.
    ///
    /// # Errors
    /// Names the flag that cannot be understood.
    pub fn parse(delays: &[String], errors: &[String]) -> anyhow::Result<Self> {
        let mut faults = Self::default();
        for flag in delays {
            let (endpoint, value) = split(flag, "600ms")?;
            let delay = humantime::parse_duration(value).with_context(|| format!("--delay {flag}: not a duration"))?;
            if delay > Duration::from_secs(600) {
                bail!("--delay {flag}: longer than 10 minutes");
            }
            faults.delay.insert(endpoint, delay);
        }
        for flag in errors {
            let (endpoint, value) = split(flag, "30%")?;
            let percent: f64 = value
                .trim_end_matches('%')
                .parse()
                .ok()
                .filter(|percent| (0.0..=100.0).contains(percent))
                .with_context(|| format!("--errors {flag}: not a share from 0% to 100%"))?;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and a million")]
            faults.errors.insert(endpoint, (percent * 10_000.0).round() as u32);
        }
        Ok(faults)
    }

    pub(crate) fn delay(&self, endpoint: &str) -> Duration {
        self.delay.get(endpoint).copied().unwrap_or_default()
    }

    pub(crate) fn error_ppm(&self, endpoint: &str) -> u32 {
        self.errors.get(endpoint).copied().unwrap_or_default()
    }
}

fn split<'a>(flag: &'a str, example: &str) -> anyhow::Result<(String, &'a str)> {
    let known = || ENDPOINTS.iter().map(|endpoint| endpoint.name).collect::<Vec<_>>().join(", ");
    let (endpoint, value) =
        flag.split_once('=').with_context(|| format!("{flag:?}: not of the form join_room={example}"))?;
    if !ENDPOINTS.iter().any(|known| known.name == endpoint) {
        bail!("{flag:?}: no endpoint {endpoint:?}; there are {}", known());
    }
    Ok((endpoint.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags() {
        let faults = Faults::parse(&["join_room=600ms".into()], &["get_news=0.5%".into()]).unwrap();
        assert_eq!(faults.delay("join_room"), Duration::from_millis(600));
        assert_eq!(faults.delay("get_news"), Duration::ZERO);
        assert_eq!(faults.error_ppm("get_news"), 5_000);
        for (delay, error) in [("join_room", "x"), ("nowhere=1s", "x"), ("join_room=fast", "x")] {
            assert!(Faults::parse(&[delay.into()], &[]).is_err());
            assert!(Faults::parse(&[], &[error.into()]).is_err());
        }
        assert!(Faults::parse(&[], &["join_room=101%".into()]).is_err());
    }
}
