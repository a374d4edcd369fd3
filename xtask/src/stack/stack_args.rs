//! Flags of a stack to start, which several commands have.

use monitoring::prometheus::recording_rules::Timing;

use super::stack_options::{GRAFANA_PORT, PROMETHEUS_PORT, StackChoice, StackOptions};
use crate::flags::values::whole_number;

/// The programs of a stack.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct StackArgs {
    /// Stack: auto, docker, native or none
    ///
    /// docker: containers. native: prometheus from PATH. none: no metrics are stored. auto: the
    /// first of these that is available.
    #[arg(long = "stack", value_name = "STACK", value_enum, hide_possible_values = true, default_value_t = StackChoice::Auto)]
    pub(crate) choice: StackChoice,
    /// Do not start Grafana
    #[arg(long, conflicts_with = "grafana_port")]
    pub(crate) no_grafana: bool,
}

/// The ports of a stack, with a command's defaults.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct PortArgs<const PROMETHEUS: u16 = PROMETHEUS_PORT, const GRAFANA: u16 = GRAFANA_PORT> {
    #[arg(
        long,
        value_name = "PORT",
        value_parser = whole_number::<u16>(1..=65_535),
        help = format!("Port of Prometheus on 127.0.0.1 [default: {PROMETHEUS}]")
    )]
    pub(crate) prometheus_port: Option<u16>,
    #[arg(
        long,
        value_name = "PORT",
        value_parser = whole_number::<u16>(1..=65_535),
        help = format!("Port of Grafana on 127.0.0.1 [default: {GRAFANA}]")
    )]
    pub(crate) grafana_port: Option<u16>,
}

impl<const PROMETHEUS: u16, const GRAFANA: u16> PortArgs<PROMETHEUS, GRAFANA> {
    pub(crate) fn prometheus(&self) -> u16 {
        self.prometheus_port.unwrap_or(PROMETHEUS)
    }

    pub(crate) fn grafana(&self) -> u16 {
        self.grafana_port.unwrap_or(GRAFANA)
    }

    /// The options of such a stack that stays and keeps its data.
    pub(crate) fn options(&self, stack: &StackArgs) -> StackOptions {
        StackOptions {
            choice: stack.choice,
            prometheus_port: self.prometheus(),
            grafana_port: self.grafana(),
            grafana: !stack.no_grafana,
            keep_data: true,
            timing: Timing::USUAL,
            archive: None,
        }
    }
}
