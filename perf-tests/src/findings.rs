//! Findings about the load, its agents, the generator and the target.

mod agents;
mod load;
mod target;

pub(crate) use agents::{MAX_SKEW, agent_problems};
pub(crate) use load::{generator_warnings, load_problems, stopped_by_signal};
pub(crate) use target::{redirect_findings, target_findings};
