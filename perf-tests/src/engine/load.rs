//! The result of a load.

use perf_report::evidence::AgentResult;
use serde::{Deserialize, Serialize};

use super::stall::{Silence, Stall};
use super::{Worker, panics};
use crate::http::OutageTimes;
use crate::measure::{AgentHealth, GeneratorHealth, Layout, Pause, SlowTimes, Snapshot};

/// The result of a load, or of an agent's share of it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Load {
    pub(crate) snapshot: Snapshot,
    /// The generator's own load, over the whole run.
    pub(crate) health: GeneratorHealth,
    pub(crate) workers: usize,
    /// Whether a signal ended it.
    pub(crate) interrupted: bool,
    /// The observer's reason for ending it early.
    pub(crate) aborted: Option<String>,
    /// Errors of the scenario's code, which are not failed requests.
    pub(crate) errors: ScenarioErrors,
    /// One message for each virtual user that panicked.
    pub(crate) panics: Vec<String>,
    /// One message for each worker thread that panicked or did not start.
    pub(crate) faults: Vec<String>,
    pub(crate) outages: OutageTimes,
    pub(crate) stalls: Vec<Stall>,
    pub(crate) longest_silence: Silence,
    /// The longest time in which one of its workers did not run.
    pub(crate) longest_pause: Pause,
    /// The agents that made the load. Empty if this process made it.
    pub(crate) agents: Vec<AgentResult>,
    /// The health of each of these agents over the whole run.
    #[serde(skip)]
    pub(crate) agent_healths: Vec<AgentHealth>,
}

/// The number of errors, and the first few of them.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct ScenarioErrors {
    pub(crate) count: u64,
    pub(crate) first: Vec<String>,
    /// A request that cannot be sent: the load ended because of it.
    pub(crate) unsendable: Option<String>,
}

impl ScenarioErrors {
    const MAX_MESSAGES: usize = 3;

    pub(super) fn add(&mut self, error: &anyhow::Error) {
        self.count += 1;
        if self.first.len() < Self::MAX_MESSAGES {
            self.first.push(format!("{error:#}"));
        }
    }

    fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.first.extend(other.first);
        self.first.truncate(Self::MAX_MESSAGES);
        self.unsendable = self.unsendable.take().or(other.unsendable);
    }
}

impl Load {
    pub(crate) fn not_started(snapshot: Snapshot) -> Self {
        Self { snapshot, ..Self::default() }
    }

    /// Adds a worker's results. If the worker panicked, adds its last known snapshot. Returns when
    /// requests were slow in segments that an objective judges.
    pub(super) fn add(&mut self, worker: Worker, last_known: &Snapshot) -> SlowTimes {
        drop(worker.snapshot_requests);
        match worker.thread.join() {
            Ok(Ok((load, slow_times))) => {
                self.merge(load);
                return slow_times;
            }
            Ok(Err(error)) => self.faults.push(format!("failed to start the runtime of a worker thread: {error}")),
            Err(panic) => {
                let text = panics::message(panic.as_ref());
                self.faults.push(format!("a worker thread panicked; its last counts are lost: {text}"));
                // Counts that were pushed must not decrease.
                self.snapshot.merge(last_known);
            }
        }
        SlowTimes::default()
    }

    /// Whether the load of another process can be added without loss: its counts agree with each
    /// other and with this layout, and it has no more outages than this program keeps.
    pub(crate) fn is_addable(&self, layout: &Layout) -> bool {
        self.snapshot.is_addable(layout) && self.has_known_stalls(layout) && self.outages.is_bounded()
    }

    /// Whether its stalls are of parts and endpoints of this layout.
    fn has_known_stalls(&self, layout: &Layout) -> bool {
        let (parts, endpoints) = (self.snapshot.parts.len(), layout.endpoints());
        let is_known = |stall: &Stall| {
            let omitted = stall.omitted.iter().map(|(endpoint, _)| *endpoint);
            stall.part < parts && omitted.chain(stall.endpoint).all(|endpoint| endpoint < endpoints)
        };
        self.stalls.iter().all(is_known)
    }

    /// Adds the load of an agent or a worker.
    pub(crate) fn merge(&mut self, other: Self) {
        self.snapshot.merge(&other.snapshot);
        self.health = self.health.worst(other.health);
        self.workers += other.workers;
        self.errors.merge(other.errors);
        self.panics.extend(other.panics);
        self.faults.extend(other.faults);
        self.outages.merge(other.outages);
        self.stalls.extend(other.stalls);
        self.longest_pause = self.longest_pause.longer(other.longest_pause);
        self.agents.extend(other.agents);
        self.agent_healths.extend(other.agent_healths);
    }
}
