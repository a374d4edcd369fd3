//! The load of one agent or shard, and its figures in the report.

use std::time::Duration;

use monitoring::ratio::Ratio;
use perf_report::evidence::AgentResult;
use perf_report::exact_ms;

use crate::engine::{Load, LoadShare};
use crate::measure::{AgentHealth, PartCounts};

pub(super) struct AgentLoad {
    pub(super) share: LoadShare,
    /// The number of shared iterations of each part that it was given. `None` if its share has
    /// them.
    pub(super) leased: Option<Vec<u64>>,
    /// Its load, as far as it was measured.
    pub(super) load: Load,
    /// The agent in the report. Figures of its load are filled in here.
    pub(super) result: AgentResult,
    /// Time from the start until it was lost, and why. `None` if it made its whole share.
    pub(super) lost: Option<(Duration, String)>,
}

impl AgentLoad {
    /// Its load, with its figures in the report.
    pub(super) fn into_load(self) -> Load {
        let Self { mut load, result, .. } = self;
        let (requests, worked) = (load.snapshot.requests(), &load.snapshot.worked);
        let processor: Option<u64> = worked.iter().map(|times| times.cpu).sum();
        let p99 = |part: &PartCounts| part.lateness.histogram().quantile(Ratio::percent(99));
        let lateness = load.snapshot.parts.iter().filter_map(p99).max();
        let cut_off = load.snapshot.iterations().interrupted;
        load.longest_pause.agent = Some(result.number);
        load.agent_healths = vec![AgentHealth { agent: result.number, health: load.health }];
        load.agents = vec![AgentResult {
            cut_off,
            requests: requests.sent,
            failed: requests.failed,
            workers: u32::try_from(load.workers).unwrap_or(u32::MAX),
            cpu: load.health.cpu,
            processor_s: processor.map(|nanos| Duration::from_nanos(nanos).as_secs_f64()),
            lateness_p99_ms: lateness.map(exact_ms),
            ..result
        }];
        load
    }
}
