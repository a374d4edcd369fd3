//! The table of agents or shards, in the section about the load.

use maud::{Markup, html};

use super::heads;
use crate::Report;
use crate::evidence::AgentResult;
use crate::format::{self, finite_millis, percent};

/// The agents or shards that made the load together.
pub(super) fn table(report: &Report) -> Markup {
    let any = |has: fn(&AgentResult) -> bool| report.run.agents.iter().any(has);
    let is_shard = any(|agent| agent.is_shard);
    let (has_lateness, is_lost) = (any(|agent| agent.lateness_p99_ms.is_some()), any(|agent| agent.lost.is_some()));
    html! {
        table {
            thead { tr {
                (heads(&[if is_shard { "shard" } else { "agent" }, "process"], &["requests", "failed"]))
                th class="n extra" { "workers" } th class="n extra" { "processor time" }
                th class="n" { "busiest worker" }
                @if has_lateness { th class="n extra" { "lateness p99" } }
                th class="n extra" { (if is_shard { "began (own clock)" } else { "clock offset" }) }
                @if !is_shard { th class="n extra" { "clock drift" } }
                th class="n" { "began late" }
                @if is_lost { th { "lost" } }
            } }
            tbody { @for agent in &report.run.agents { tr {
                th scope="row" { (agent.number) }
                td class="wrap" { (agent.place.as_deref().unwrap_or_default()) }
                td class="n" { (format::count(agent.requests)) }
                td class="n" { (format::count(agent.failed)) }
                td class="n extra" { (agent.workers) }
                td class="n extra" { @if let Some(seconds) = agent.processor_s { (std::format!("{seconds:.2} s")) } }
                td class="n" { @if let Some(cpu) = agent.cpu { (percent(cpu)) } }
                @if has_lateness {
                    td class="n extra" { @if let Some(ms) = agent.lateness_p99_ms { (finite_millis(ms)) } }
                }
                td class="n extra" {
                    @if let (Some(offset), Some(error)) = (agent.clock_offset_ms, agent.clock_error_ms) {
                        (finite_millis(offset)) " ± " (finite_millis(error))
                    }
                    @if let Some(started) = &agent.started { (started) }
                }
                @if !is_shard {
                    td class="n extra" {
                        @if let (Some(drift), Some(error)) = (agent.clock_drift_ms, agent.clock_drift_error_ms) {
                            (finite_millis(drift)) " ± " (finite_millis(error))
                        }
                    }
                }
                td class="n" { (finite_millis(agent.start_skew_ms)) }
                @if is_lost { td class="wrap" { (agent.lost.as_deref().unwrap_or_default()) } }
            } } }
        }
    }
}
