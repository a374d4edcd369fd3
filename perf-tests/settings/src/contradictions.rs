//! Rejects settings that contradict each other.

use crate::settings::Settings;
use crate::value::is_private;
use crate::{
    AGENTS, DURATION, ITERATIONS, LISTEN, LISTEN_CERTIFICATE, LoadOverride, MAX_VUS_OF_RATE, PROMETHEUS, RATE,
    REMOTE_WRITE, REPLAY, RW_BEARER_TOKEN, RW_CLIENT_CERTIFICATE, RW_CLIENT_CERTIFICATE_KEY, RW_USERNAME, SHARD, SMOKE,
    STAGES, START_AT, SettingsError, VUS,
};

impl Settings {
    /// Rejects contradictions. `typed` maps a variable's name to the flag or variable that was
    /// typed, if the setting was given.
    pub(super) fn check<'a>(&self, typed: &dyn Fn(&str) -> Option<&'a str>) -> Result<(), SettingsError> {
        let contradiction = |why: String| Err(SettingsError::Contradiction(why));
        if typed(RW_CLIENT_CERTIFICATE).is_some() != typed(RW_CLIENT_CERTIFICATE_KEY).is_some() {
            return contradiction(format!(
                "{RW_CLIENT_CERTIFICATE} and {RW_CLIENT_CERTIFICATE_KEY} must be set together"
            ));
        }
        if let (Some(token), Some(user)) = (typed(RW_BEARER_TOKEN), typed(RW_USERNAME)) {
            return contradiction(format!("{token} and {user} exclude each other: set only one of them"));
        }
        self.check_listen(typed)?;
        self.check_shard(typed)?;
        self.load.check(typed)?;
        if self.smoke && (self.load != LoadOverride::default() || self.replay.is_some()) {
            let smoke = typed(SMOKE).unwrap_or(SMOKE);
            return contradiction(format!("{smoke} runs one iteration: leave out the settings of a load"));
        }
        if self.replay.is_some() && self.load != LoadOverride::default() {
            let replay = typed(REPLAY).unwrap_or(REPLAY);
            return contradiction(format!(
                "{replay} takes the load from the report: remove the load settings, such as --vus"
            ));
        }
        Ok(())
    }

    /// Rejects an address for agents that nobody joins at, or whose messages others could read.
    fn check_listen<'a>(&self, typed: &dyn Fn(&str) -> Option<&'a str>) -> Result<(), SettingsError> {
        let contradiction = |why: String| Err(SettingsError::Contradiction(why));
        let listen = typed(LISTEN).unwrap_or(LISTEN);
        let Some(address) = self.listen else {
            let Some(_) = self.listen_certificate else { return Ok(()) };
            let certificate = typed(LISTEN_CERTIFICATE).unwrap_or(LISTEN_CERTIFICATE);
            return contradiction(format!(
                "{certificate} encrypts messages to agents on other machines: add --listen ADDRESS:PORT (or {LISTEN})"
            ));
        };
        if self.agents.is_none() {
            return contradiction(format!("{listen} waits for agents: add --agents N (or {AGENTS}), their number"));
        }
        if self.on_kubernetes {
            return contradiction(format!(
                "{listen} is for agents that you start: remove it, or kubernetes: of --agents"
            ));
        }
        if self.listen_certificate.is_none() && !is_private(address.ip()) {
            return contradiction(format!(
                "{listen} {address} is not an address of this machine or of a private network, and messages to agents \
                 are not encrypted: use such an address, or add --listen-certificate FILE (or {LISTEN_CERTIFICATE})"
            ));
        }
        Ok(())
    }

    /// Rejects what does not go with a shard.
    fn check_shard<'a>(&self, typed: &dyn Fn(&str) -> Option<&'a str>) -> Result<(), SettingsError> {
        let contradiction = |why: String| Err(SettingsError::Contradiction(why));
        let Some(shard) = typed(SHARD) else {
            return match typed(START_AT) {
                Some(start) => {
                    contradiction(format!("{start} is for shards: add --shard I/N (or {SHARD}), or remove it"))
                }
                None => Ok(()),
            };
        };
        if let Some(agents) = typed(AGENTS) {
            return contradiction(format!(
                "{shard} and {agents} exclude each other: a shard is made by one process; use more shards"
            ));
        }
        if let Some(store) = typed(REMOTE_WRITE).or_else(|| typed(PROMETHEUS)) {
            return contradiction(format!("{shard} pushes to no store, because a run has one writer: remove {store}"));
        }
        Ok(())
    }
}

impl LoadOverride {
    /// Rejects contradictions, most of them as k6 does. `typed` maps a variable's name to the flag
    /// or variable that gave the setting, if one did.
    pub(super) fn check<'a>(&self, typed: &dyn Fn(&str) -> Option<&'a str>) -> Result<(), SettingsError> {
        let contradiction = |why: String| Err(SettingsError::Contradiction(why));
        let name = |variable| typed(variable).unwrap_or(variable);
        let [vus, max_vus, rate, stages] = [VUS, MAX_VUS_OF_RATE, RATE, STAGES].map(name);
        if let (Some(least), Some(most)) = (self.vus, self.iterations)
            && most < u64::from(least)
        {
            let iterations = name(ITERATIONS);
            return contradiction(format!(
                "{iterations} {most} is less than {vus} {least}: use fewer VUs or more iterations"
            ));
        }
        let duration = self.duration.map(|_| name(DURATION));
        let iterations = self.iterations.map(|_| name(ITERATIONS));
        let own_stages = (!self.stages.is_empty()).then_some(stages);
        if let (Some(stages), Some(other)) = (own_stages, duration.or(iterations)) {
            return contradiction(format!(
                "{stages} and {other} exclude each other, because stages have durations: remove one"
            ));
        }
        if let (Some(_), Some(other)) = (self.rate, own_stages.or(iterations)) {
            return contradiction(format!("{rate} and {other} exclude each other: remove one"));
        }
        match (self.rate, self.max_vus, self.vus) {
            (None, Some(_), _) => contradiction(format!("{max_vus} limits the VUs of a rate: add --rate")),
            (Some(_), Some(most), Some(least)) if most < least => {
                contradiction(format!("{max_vus} {most} is less than {vus} {least}: raise {max_vus}"))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
