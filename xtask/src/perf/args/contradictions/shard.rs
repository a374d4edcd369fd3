//! Which flags go with a shard.

use perf_settings::{SHARD, START_AT, Settings, TARGET};

use crate::flags::flag_conflict::{conflict, first_given};
use crate::host::clock::Moment;
use crate::perf::PerfArgs;
use crate::refusal::Refusal;
use crate::stack::StackChoice;

impl PerfArgs {
    /// Rejects flags that do not go with `--shard`. The error names them.
    pub(super) fn check_shard(&self, settings: &Settings) -> Result<(), Refusal> {
        if settings.shard.is_none() {
            return Ok(());
        }
        let shard = settings.setting_name(SHARD);
        if self.interleaved.compares() {
            return conflict(format!(
                "{shard} is for single runs, and --against and --calibrate compare rounds on one machine: remove one of \
                 them"
            ));
        }
        let requests = self.judging.production.requests_per_day.map(|_| "--requests-per-day");
        if let Some(flag) = self.judging.recorded_flag().or(requests) {
            return conflict(format!("{flag} is about the whole run: give it to cargo xtask merge, not to a shard"));
        }
        let of_store = [
            ("--proof", self.proof),
            ("--drill", self.drill),
            ("--stack", !matches!(self.stack.choice, StackChoice::Auto | StackChoice::None)),
            ("--prometheus-port", self.ports.prometheus_port.is_some()),
            ("--grafana-port", self.ports.grafana_port.is_some()),
            ("--ephemeral", self.ephemeral),
        ];
        if let Some(flag) = first_given(of_store) {
            return conflict(format!("{flag} needs a store, and shards push to none: remove {flag}, or {shard}"));
        }
        if settings.dry_run.is_none() && self.named_target(settings).is_none() {
            let target = settings.with_value(TARGET, "URL");
            return conflict(format!(
                "{shard} needs {target}: without it, each shard would load a stub backend of its own"
            ));
        }
        if settings.start_at.is_some() && self.scenarios.len() > 1 {
            return conflict(format!("{} is for one scenario: name one", settings.setting_name(START_AT)));
        }
        settings.check_start(Moment::now().time()).or_else(|error| conflict(error.to_string()))
    }
}
