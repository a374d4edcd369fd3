//! The health of the generator: its use of processors.

use serde::{Deserialize, Serialize};

/// Health of the generator, as shares from 0 to 1. `None` if the system does not provide a value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct GeneratorHealth {
    /// CPU use of the busiest worker.
    pub cpu: Option<f64>,
    /// Largest share of time that a worker waited for a processor.
    pub run_queue: Option<f64>,
    /// CPU time that the hypervisor gave to other machines.
    pub steal: Option<f64>,
    /// Periods in which its control group, such as its container, had used up its limit on
    /// processor time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttled: Option<f64>,
}

/// Health of one agent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AgentHealth {
    /// The agent's number, from 1.
    pub agent: u32,
    /// Resources of its process and machine.
    pub health: GeneratorHealth,
}

impl GeneratorHealth {
    /// The larger share of each kind: the health of the most loaded of two machines.
    #[must_use]
    pub fn worst(self, other: Self) -> Self {
        let larger = |one: Option<f64>, other: Option<f64>| match (one, other) {
            (Some(one), Some(other)) => Some(one.max(other)),
            (one, other) => one.or(other),
        };
        Self {
            cpu: larger(self.cpu, other.cpu),
            run_queue: larger(self.run_queue, other.run_queue),
            steal: larger(self.steal, other.steal),
            throttled: larger(self.throttled, other.throttled),
        }
    }
}
