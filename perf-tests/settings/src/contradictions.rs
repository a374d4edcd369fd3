//! Rejects settings that contradict each other.

use std::time::{Duration, SystemTime};

use crate::fields::is_on;
use crate::setting::{Setting, SettingValue};
use crate::settings::Settings;
use crate::value::is_private;
use crate::{
    AGENT_TOKEN, AGENTS, DURATION, ITERATIONS, LISTEN, LISTEN_CERTIFICATE, LoadOverride, MAX_VUS_OF_RATE, PROMETHEUS,
    RATE, REMOTE_WRITE, REPLAY, RW_BEARER_TOKEN, RW_CLIENT_CERTIFICATE, RW_CLIENT_CERTIFICATE_KEY, RW_USERNAME, SHARD,
    SMOKE, STAGES, START_AT, SettingsError, VUS, rfc3339_millis,
};

/// Fewest characters of a token of agents.
const SHORTEST_TOKEN: usize = 16;
/// The longest time until a start.
const MAX_WAIT: Duration = Duration::from_secs(24 * 3600);

const fn contradiction(why: String) -> Result<(), SettingsError> {
    Err(SettingsError::Contradiction(why))
}

/// Rejects settings that exclude each other, whether they were given by flag or by variable. Each
/// has the name that was typed, and its text. A switch that is off excludes nothing.
pub(super) fn check_exclusions(given: &[(&Setting, String, String)]) -> Result<(), SettingsError> {
    let is_given =
        |(setting, _, text): &&(&Setting, String, String)| setting.value != SettingValue::Switch || is_on(text);
    for (setting, name, _) in given.iter().filter(is_given).filter(|(setting, ..)| setting.excludes.is_some()) {
        if let Some((_, other, _)) = given.iter().filter(is_given).find(|(other, ..)| other.flag == setting.excludes) {
            return contradiction(format!("{name} and {other} exclude each other: remove one"));
        }
    }
    Ok(())
}

impl Settings {
    pub(super) fn check(&self) -> Result<(), SettingsError> {
        if self.typed(RW_CLIENT_CERTIFICATE).is_some() != self.typed(RW_CLIENT_CERTIFICATE_KEY).is_some() {
            return contradiction(format!(
                "{RW_CLIENT_CERTIFICATE} and {RW_CLIENT_CERTIFICATE_KEY} must be set together"
            ));
        }
        if let (Some(token), Some(user)) = (self.typed(RW_BEARER_TOKEN), self.typed(RW_USERNAME)) {
            return contradiction(format!("{token} and {user} exclude each other: set only one of them"));
        }
        self.check_listen()?;
        self.check_shard()?;
        self.check_load()?;
        if self.smoke && (self.load != LoadOverride::default() || self.replay.is_some()) {
            let smoke = self.setting_name(SMOKE);
            return contradiction(format!("{smoke} runs one iteration: leave out the settings of a load"));
        }
        if self.smoke && (self.agents > Some(1) || self.shard.is_some_and(|shard| shard.of > 1)) {
            let several = if self.agents.is_some() { AGENTS } else { SHARD };
            let [smoke, several] = [SMOKE, several].map(|variable| self.setting_name(variable));
            return contradiction(format!(
                "{smoke} runs one iteration, which cannot be shared: remove {smoke} or {several}"
            ));
        }
        if self.replay.is_some() && self.load != LoadOverride::default() {
            let (replay, vus) = (self.setting_name(REPLAY), self.setting_name(VUS));
            return contradiction(format!(
                "{replay} takes the load from the report: remove the load settings, such as {vus}"
            ));
        }
        Ok(())
    }

    /// Rejects an address that no agents join, and one at which others could read the messages.
    fn check_listen(&self) -> Result<(), SettingsError> {
        let listen = self.setting_name(LISTEN);
        let Some(address) = self.listen else {
            let Some(_) = self.listen_certificate else { return Ok(()) };
            let certificate = self.setting_name(LISTEN_CERTIFICATE);
            return contradiction(format!(
                "{certificate} encrypts messages to agents on other machines: add --listen ADDRESS:PORT (or {LISTEN})"
            ));
        };
        if self.agents.is_none() {
            return contradiction(format!("{listen} waits for agents: add --agents N (or {AGENTS}), their number"));
        }
        if self.on_kubernetes {
            let agents = self.setting_name(AGENTS);
            return contradiction(format!(
                "{listen} is for agents that you start: remove it, or kubernetes: of {agents}"
            ));
        }
        if self.listen_certificate.is_none() && !is_private(address.ip()) {
            let reach = match address.ip().is_unspecified() {
                true => "stands for all addresses of this machine, of which some may be public",
                false => "is a public address",
            };
            return contradiction(format!(
                "{listen} {address} {reach}, and messages to agents are not encrypted: use an address of this machine \
                 or of a private network, or add --listen-certificate FILE (or {LISTEN_CERTIFICATE})"
            ));
        }
        Ok(())
    }

    /// The secret that agents on other machines know. `None` if no agents join by hand.
    ///
    /// # Errors
    /// If the variable has none, or a short one.
    pub fn agent_token(&self, lookup: &dyn Fn(&str) -> Option<String>) -> Result<Option<String>, SettingsError> {
        if self.listen.is_none() || self.dry_run.is_some() {
            return Ok(None);
        }
        let token = lookup(AGENT_TOKEN).filter(|token| token.len() >= SHORTEST_TOKEN);
        token.map(Some).ok_or_else(|| {
            SettingsError::Contradiction(format!(
                "{} admits only agents that know a secret: set {AGENT_TOKEN} to the same random text of at least \
                 {SHORTEST_TOKEN} characters here and for each agent",
                self.setting_name(LISTEN)
            ))
        })
    }

    fn check_shard(&self) -> Result<(), SettingsError> {
        let Some(shard) = self.typed(SHARD) else {
            return match self.typed(START_AT) {
                Some(start) => {
                    contradiction(format!("{start} is for shards: add --shard I/N (or {SHARD}), or remove it"))
                }
                None => Ok(()),
            };
        };
        if let Some(agents) = self.typed(AGENTS) {
            return contradiction(format!(
                "{shard} and {agents} exclude each other: a shard is made by one process; use more shards"
            ));
        }
        if let Some(store) = self.typed(PROMETHEUS).or_else(|| self.typed(REMOTE_WRITE)) {
            return contradiction(format!("{shard} pushes to no store, because a run has one writer: remove {store}"));
        }
        Ok(())
    }

    /// Rejects contradictions in the load, most of them as k6 does.
    fn check_load(&self) -> Result<(), SettingsError> {
        let load = &self.load;
        let [vus, max_vus, rate, stages] =
            [VUS, MAX_VUS_OF_RATE, RATE, STAGES].map(|variable| self.setting_name(variable));
        if let (Some(least), Some(most)) = (load.vus, load.iterations)
            && most < u64::from(least)
        {
            let iterations = self.setting_name(ITERATIONS);
            return contradiction(format!(
                "{iterations} {most} is less than {vus} {least}: use fewer VUs or more iterations"
            ));
        }
        let duration = load.duration.map(|_| self.setting_name(DURATION));
        let iterations = load.iterations.map(|_| self.setting_name(ITERATIONS));
        let own_stages = (!load.stages.is_empty()).then_some(stages);
        if let (Some(stages), Some(other)) = (&own_stages, duration.as_ref().or(iterations.as_ref())) {
            return contradiction(format!(
                "{stages} and {other} exclude each other, because stages have durations: remove one"
            ));
        }
        if let (Some(_), Some(other)) = (load.rate, own_stages.or(iterations)) {
            return contradiction(format!("{rate} and {other} exclude each other: remove one"));
        }
        match (load.rate, load.max_vus, load.vus) {
            (None, Some(_), _) => contradiction(format!("{max_vus} limits the VUs of a rate: add {rate}")),
            (Some(_), Some(most), Some(least)) if most < least => {
                contradiction(format!("{max_vus} {most} is less than {vus} {least}: raise {max_vus}"))
            }
            _ => Ok(()),
        }
    }

    /// Checks that the start of the load, if it was given, is in the future.
    ///
    /// # Errors
    /// If it has passed, or is more than a day away.
    pub fn check_start(&self, now: SystemTime) -> Result<(), SettingsError> {
        let Some(start) = self.start_at else { return Ok(()) };
        let (setting, now_text) = (self.with_value(START_AT, &rfc3339_millis(start)), rfc3339_millis(now));
        let refused = |why: &str| contradiction(format!("{setting}: {why}"));
        match start.duration_since(now) {
            Ok(wait) if wait > MAX_WAIT => {
                refused(&format!("more than a day after now ({now_text}): choose an earlier time"))
            }
            Ok(_) => Ok(()),
            Err(_) => refused(&format!("this time has passed, it is {now_text}: choose a later one for all shards")),
        }
    }
}

#[cfg(test)]
mod tests;
