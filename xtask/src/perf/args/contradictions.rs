//! Combinations of flags of `cargo xtask perf` that are rejected.
//!
//! All rules about several flags are here, except those in three other places:
//!
//! - clap has those of two flags that always exclude each other (`conflicts_with`);
//! - `judging` and `rule_args` have those of flags that other commands share;
//! - the crate `perf-settings` has those of settings alone.

mod kubernetes;
mod shard;

use perf_settings::{AGENTS, DRY_RUN, Settings, names_main_target};

use super::PerfArgs;
use crate::flags::flag_conflict::{conflict, first_given};
use crate::refusal::Refusal;
use crate::stack::StackChoice;

impl PerfArgs {
    /// Rejects contradicting flags. The error names them.
    pub(crate) fn check(&self, settings: &Settings) -> Result<(), Refusal> {
        self.check_interleaved()?;
        self.check_judging()?;
        self.check_agents(settings)?;
        self.check_shard(settings)?;
        self.kubernetes.check(settings, self.named_target(settings).is_some())?;
        self.check_stack(settings)?;
        self.check_proof(settings)?;
        self.check_ports()
    }

    /// Rejects flags of an interleaved comparison that have no effect, or that contradict.
    fn check_interleaved(&self) -> Result<(), Refusal> {
        let interleaved = &self.interleaved;
        if interleaved.start().is_some() && self.run.text("target").is_some_and(names_main_target) {
            return conflict("--start starts a service and --target names a running one: use one of them");
        }
        if interleaved.build().is_some() && interleaved.start().is_none() {
            return conflict("--build needs --start, the command that starts what was built");
        }
        let round_flags = [
            ("--rounds", interleaved.rounds.is_some()),
            ("--looks", interleaved.looks > 1),
            ("--start", interleaved.start().is_some()),
            ("--reset", interleaved.reset().is_some()),
        ];
        match first_given(round_flags) {
            Some(flag) if !interleaved.compares() => {
                conflict(format!("{flag} needs rounds: add --against or --calibrate"))
            }
            _ => Ok(()),
        }
    }

    /// Rejects flags that do not go with the judging of a run.
    fn check_judging(&self) -> Result<(), Refusal> {
        self.judging.check_rule()?;
        if !self.interleaved.compares() {
            self.judging.check_compares("--against, --calibrate or --baseline")?;
        }
        let Some(flag) = self.judging.recorded_flag() else { return Ok(()) };
        match self.scenarios.len() {
            0 | 1 => {}
            several => return conflict(format!("{flag} needs one scenario, and {several} are named: name one")),
        }
        if self.interleaved.compares() {
            return conflict(format!("{flag} needs a single run: remove it, or remove --against and --calibrate"));
        }
        Ok(())
    }

    /// Rejects agents in rounds of a comparison.
    fn check_agents(&self, settings: &Settings) -> Result<(), Refusal> {
        if settings.agents.is_none() || !self.interleaved.compares() {
            return Ok(());
        }
        let agents = settings.setting_name(AGENTS);
        conflict(format!(
            "{agents} is for single runs, and --against and --calibrate compare rounds of one process: remove {agents}"
        ))
    }

    /// Rejects flags of a stack that is not started, or of a part that it does not have.
    fn check_stack(&self, settings: &Settings) -> Result<(), Refusal> {
        let choice = self.stack.choice;
        if let (Some(flag), Some(store)) = (self.stack_flag(), self.named_store(settings)) {
            return conflict(format!(
                "{flag} is for a stack that this command starts, and {store} names a running store: remove one of them"
            ));
        }
        if let (Some(flag), true) = (self.stack_flag(), settings.on_kubernetes && choice != StackChoice::None) {
            return conflict(format!(
                "{flag} is for a store on this machine, which pods do not reach: name one that they reach with \
                 --prometheus-url"
            ));
        }
        let without_grafana = match choice {
            StackChoice::None => Some("none"),
            StackChoice::Native => Some("native"),
            StackChoice::Auto | StackChoice::Docker => None,
        };
        if let (Some(stack), Some(_)) = (without_grafana, self.ports.grafana_port) {
            return conflict(format!(
                "--grafana-port needs a stack with Grafana; --stack {stack} has none: use --stack docker"
            ));
        }
        if choice == StackChoice::None && (self.ports.prometheus_port.is_some() || self.ephemeral) {
            return conflict("--prometheus-port and --ephemeral need a stack: remove them, or --stack none");
        }
        Ok(())
    }

    /// Rejects a required proof of a run that has no store, or that sends nothing.
    fn check_proof(&self, settings: &Settings) -> Result<(), Refusal> {
        if !self.proof {
            return Ok(());
        }
        if settings.on_kubernetes && self.named_store(settings).is_none() {
            return conflict(
                "--proof needs a store: name one that the pods reach with --prometheus-url, or remove --proof",
            );
        }
        if self.stack.choice == StackChoice::None {
            return conflict("--proof needs a store: remove --stack none, or --proof");
        }
        if settings.dry_run.is_some() {
            let dry_run = settings.setting_name(DRY_RUN);
            return conflict(format!("--proof needs a run, and a dry run sends nothing: remove --proof, or {dry_run}"));
        }
        Ok(())
    }

    /// Rejects one port for two services.
    fn check_ports(&self) -> Result<(), Refusal> {
        let port = self.ports.prometheus();
        if self.has_grafana() && port == self.ports.grafana() {
            return conflict(format!(
                "Prometheus and Grafana cannot both use port {port}: change --prometheus-port or --grafana-port"
            ));
        }
        Ok(())
    }

    /// The first given flag of a stack that this command starts.
    fn stack_flag(&self) -> Option<&'static str> {
        first_given([
            ("--stack", self.stack.choice != StackChoice::Auto),
            ("--prometheus-port", self.ports.prometheus_port.is_some()),
            ("--grafana-port", self.ports.grafana_port.is_some()),
            ("--ephemeral", self.ephemeral),
        ])
    }

    /// The flag or variable that names a running store.
    fn named_store(&self, settings: &Settings) -> Option<&'static str> {
        settings.remote_write.as_ref().map(|_| match self.run.has("prometheus-url") {
            true => "--prometheus-url",
            false => perf_settings::REMOTE_WRITE,
        })
    }
}
