//! Times in which a worker of the generator did not run.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// If a worker or the supervisor has not run for longer than this, the generator stood still.
/// Nothing that happened meanwhile is blamed on the target.
pub(crate) const STANDSTILL: Duration = Duration::from_millis(250);

/// The longest time in which a worker did not run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pause {
    /// Its beginning, from the start of the load.
    pub(crate) from: Duration,
    pub(crate) length: Duration,
    /// The number of the agent, if agents make the load.
    pub(crate) agent: Option<u32>,
    /// The sum of all times over [`STANDSTILL`] in which a worker did not run, of the worker that
    /// ran least.
    pub(crate) total: Duration,
}

impl Pause {
    pub(crate) fn longer(self, other: Self) -> Self {
        let longer = if other.length > self.length { other } else { self };
        Self { total: self.total.max(other.total), ..longer }
    }
}
