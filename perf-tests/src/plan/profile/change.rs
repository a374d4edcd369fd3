//! What an author, or a command line, changes of a load.

use std::time::Duration;

use perf_settings::{LoadOverride, MAX_VUS, Rate};

use super::{
    ConstantArrivalRate, ConstantVus, Executor, GRACEFUL_STOP, LoadError, LoadProfile, MAX_DURATION, PerVuIterations,
    RampingArrivalRate, RampingVus, SharedIterations,
};
use crate::plan::arrivals::Spacing;

impl LoadProfile {
    /// Begins so long after the run.
    #[must_use]
    pub const fn start_time(mut self, after: Duration) -> Self {
        self.start_time = after;
        self
    }

    /// Iterations under way at the end may still take so long.
    #[must_use]
    pub const fn graceful_stop(mut self, time: Duration) -> Self {
        self.graceful_stop = time;
        self
    }

    /// A virtual user begins no iteration sooner than this after the one before.
    #[must_use]
    pub const fn min_iteration_duration(mut self, time: Duration) -> Self {
        self.min_iteration_duration = time;
        self
    }

    /// What is due within so long from the beginning is warm-up: recorded, and by default not judged.
    #[must_use]
    pub const fn warm_up(mut self, time: Duration) -> Self {
        self.warm_up = time;
        self
    }

    /// A label for all of its series.
    #[must_use]
    pub fn tag(mut self, name: &str, value: &str) -> Self {
        self.tags.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Of counted iterations, none begins later than this.
    #[must_use]
    pub const fn max_duration(mut self, time: Duration) -> Self {
        if let Executor::SharedIterations(SharedIterations { max_duration, .. })
        | Executor::PerVuIterations(PerVuIterations { max_duration, .. }) = &mut self.executor
        {
            *max_duration = time;
        }
        self
    }

    /// Of ramped virtual users, so many are there at first. k6's default is 1.
    #[must_use]
    pub const fn start_vus(mut self, vus: u32) -> Self {
        if let Executor::RampingVus(RampingVus { start_vus, .. }) = &mut self.executor {
            *start_vus = vus;
        }
        self
    }

    /// Of ramped virtual users, one that is not wanted any more may take so long for its last iteration.
    #[must_use]
    pub const fn graceful_ramp_down(mut self, time: Duration) -> Self {
        if let Executor::RampingVus(RampingVus { graceful_ramp_down, .. }) = &mut self.executor {
            *graceful_ramp_down = time;
        }
        self
    }

    /// Of an arrival rate, as many virtual users as there may ever be.
    #[must_use]
    pub const fn max_vus(mut self, vus: u32) -> Self {
        if let Executor::ConstantArrivalRate(ConstantArrivalRate { max_vus, .. })
        | Executor::RampingArrivalRate(RampingArrivalRate { max_vus, .. }) = &mut self.executor
        {
            *max_vus = vus;
        }
        self
    }

    /// Of an arrival rate: arrivals as of independent people, not evenly spread.
    #[must_use]
    pub const fn poisson(mut self) -> Self {
        if let Executor::ConstantArrivalRate(ConstantArrivalRate { spacing, .. })
        | Executor::RampingArrivalRate(RampingArrivalRate { spacing, .. }) = &mut self.executor
        {
            *spacing = Spacing::Poisson;
        }
        self
    }

    /// The load with what the command line says of it. A rate, stages, a duration or a number of iterations replaces it
    /// whole, and then `vus` is k6's default of 1 if not given; `vus` alone changes only the virtual users.
    ///
    /// # Errors
    /// If `vus` alone does not say what is meant.
    pub fn overridden(mut self, by: &LoadOverride) -> Result<Self, LoadError> {
        let vus = by.vus.unwrap_or(1);
        let whole = self.duration();
        let replaced = if let Some(rate) = by.rate {
            Some(at_rate(rate, by.duration.unwrap_or(whole), by))
        } else if !by.stages.is_empty() {
            let (stages, graceful_ramp_down) = (by.stages.clone(), GRACEFUL_STOP);
            Some(Executor::RampingVus(RampingVus { start_vus: vus, stages, graceful_ramp_down }))
        } else if let Some(iterations) = by.iterations {
            let max_duration = by.duration.unwrap_or(MAX_DURATION);
            Some(Executor::SharedIterations(SharedIterations { vus, iterations, max_duration }))
        } else {
            by.duration.map(|duration| Executor::ConstantVus(ConstantVus { vus, duration }))
        };
        match (replaced, by.vus) {
            (Some(executor), _) => self.executor = executor,
            (None, Some(vus)) => self.executor.set_vus(vus)?,
            (None, None) => {}
        }
        if let Some(warm_up) = by.warm_up {
            self.warm_up = warm_up;
        }
        Ok(self)
    }
}

/// Without a number, there are as many virtual users as keep the rate if an iteration takes a second.
fn at_rate(rate: Rate, duration: Duration, by: &LoadOverride) -> Executor {
    let a_second = u128::from(rate.count) * 1_000_000_000 / rate.per.as_nanos().max(1);
    let enough = u32::try_from(a_second).unwrap_or(MAX_VUS).clamp(1, MAX_VUS);
    let vus = by.vus.unwrap_or_else(|| enough.min(by.max_vus.unwrap_or(MAX_VUS)));
    let max_vus = by.max_vus.unwrap_or(vus);
    Executor::ConstantArrivalRate(ConstantArrivalRate { rate, duration, vus, max_vus, spacing: Spacing::Even })
}

impl Executor {
    fn set_vus(&mut self, number: u32) -> Result<(), LoadError> {
        match self {
            Self::ConstantVus(ConstantVus { vus, .. })
            | Self::SharedIterations(SharedIterations { vus, .. })
            | Self::PerVuIterations(PerVuIterations { vus, .. }) => {
                *vus = number;
            }
            Self::ConstantArrivalRate(ConstantArrivalRate { vus, max_vus, .. })
            | Self::RampingArrivalRate(RampingArrivalRate { vus, max_vus, .. }) => {
                (*vus, *max_vus) = (number, number.max(*max_vus));
            }
            Self::RampingVus(_) => return Err(LoadError::VusOfStages),
        }
        Ok(())
    }
}
