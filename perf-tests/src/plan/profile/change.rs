//! Changes of a load by its author or by the command line.

use std::time::Duration;

use perf_settings::{LoadOverride, MAX_VUS, Rate};

use super::{
    ConstantArrivalRate, ConstantVus, Executor, GRACEFUL_STOP, LoadError, LoadProfile, MAX_DURATION, PerVuIterations,
    RampingArrivalRate, RampingVus, SharedIterations,
};
use crate::plan::arrivals::Spacing;

impl LoadProfile {
    /// Begins the load this long after the start of the run. The default is 0.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use perf_tests::constant_vus;
    /// let second = Duration::from_secs(1);
    /// let load = constant_vus(10, second * 30).start_time(second * 5);
    /// ```
    #[must_use]
    pub const fn start_time(mut self, after: Duration) -> Self {
        self.start_time = after;
        self
    }

    /// Time in which iterations under way at the end of the load may end. Then they are cut off.
    /// The default is 30 s, as in k6.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use perf_tests::constant_vus;
    /// let second = Duration::from_secs(1);
    /// let load = constant_vus(10, second * 30).graceful_stop(second * 5);
    /// ```
    #[must_use]
    pub const fn graceful_stop(mut self, time: Duration) -> Self {
        self.graceful_stop = time;
        self
    }

    /// Sets the minimum time between two iteration starts of a virtual user. The default is 0.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use perf_tests::constant_vus;
    /// let second = Duration::from_secs(1);
    /// let load = constant_vus(10, second * 30).min_iteration_duration(second);
    /// ```
    #[must_use]
    pub const fn min_iteration_duration(mut self, time: Duration) -> Self {
        self.min_iteration_duration = time;
        self
    }

    /// Sets the warm-up period at the start of the load. Its requests are recorded, but not judged
    /// by default. It must be shorter than the load. The default is 0.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use perf_tests::constant_vus;
    /// let second = Duration::from_secs(1);
    /// let load = constant_vus(10, second * 30).warm_up(second * 5);
    /// ```
    #[must_use]
    pub const fn warm_up(mut self, time: Duration) -> Self {
        self.warm_up = time;
        self
    }

    /// Adds a label to all series of the load, and a tag to its requests, for objectives on it
    /// (`Slo::in_tag`). An invalid label is reported when the scenario runs, with exit code 104.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use perf_tests::constant_vus;
    /// let load = constant_vus(10, Duration::from_secs(30)).tag("team", "blue");
    /// ```
    #[must_use]
    pub fn tag(mut self, name: &str, value: &str) -> Self {
        self.tags.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the time after which no iteration begins, for loads with a number of iterations. The
    /// default is 10 min, as in k6. No effect on other loads.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use perf_tests::shared_iterations;
    /// let load = shared_iterations(10, 500).max_duration(Duration::from_secs(60));
    /// ```
    #[must_use]
    pub const fn max_duration(mut self, time: Duration) -> Self {
        if let Executor::SharedIterations(SharedIterations { max_duration, .. })
        | Executor::PerVuIterations(PerVuIterations { max_duration, .. }) = &mut self.executor
        {
            *max_duration = time;
        }
        self
    }

    /// Sets the initial number of virtual users of [`ramping_vus`](crate::ramping_vus). The default
    /// is 1, as in k6. No effect on other loads.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use perf_tests::ramping_vus;
    /// let load = ramping_vus(&[(Duration::from_secs(60), 50)]).start_vus(10);
    /// ```
    #[must_use]
    pub const fn start_vus(mut self, vus: u32) -> Self {
        if let Executor::RampingVus(RampingVus { start_vus, .. }) = &mut self.executor {
            *start_vus = vus;
        }
        self
    }

    /// Sets how long an iteration may still take after the ramp no longer needs its virtual user.
    /// The default is 30 s, as in k6. Only for [`ramping_vus`](crate::ramping_vus).
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use perf_tests::ramping_vus;
    /// let second = Duration::from_secs(1);
    /// let stages = [(second * 60, 50), (second * 60, 0)];
    /// let load = ramping_vus(&stages).graceful_ramp_down(second * 5);
    /// ```
    #[must_use]
    pub const fn graceful_ramp_down(mut self, time: Duration) -> Self {
        if let Executor::RampingVus(RampingVus { graceful_ramp_down, .. }) = &mut self.executor {
            *graceful_ramp_down = time;
        }
        self
    }

    /// Sets the maximum number of virtual users of an arrival rate. More than the initial number
    /// are created if all are busy. The default is the initial number. No effect on other loads.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use perf_tests::constant_arrival_rate;
    /// let second = Duration::from_secs(1);
    /// let load = constant_arrival_rate(40, second, second * 30, 20).max_vus(80);
    /// ```
    #[must_use]
    pub const fn max_vus(mut self, vus: u32) -> Self {
        if let Executor::ConstantArrivalRate(ConstantArrivalRate { max_vus, .. })
        | Executor::RampingArrivalRate(RampingArrivalRate { max_vus, .. }) = &mut self.executor
        {
            *max_vus = vus;
        }
        self
    }

    /// Makes arrivals of an arrival rate random, like those of independent people, instead of
    /// evenly spread. The seed of the run determines them. No effect on other loads.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use perf_tests::constant_arrival_rate;
    /// let second = Duration::from_secs(1);
    /// let load = constant_arrival_rate(40, second, second * 30, 20).poisson();
    /// ```
    #[must_use]
    pub const fn poisson(mut self) -> Self {
        if let Executor::ConstantArrivalRate(ConstantArrivalRate { spacing, .. })
        | Executor::RampingArrivalRate(RampingArrivalRate { spacing, .. }) = &mut self.executor
        {
            *spacing = Spacing::Poisson;
        }
        self
    }

    /// Applies the command line to the load. A rate, stages, a duration or a number of iterations
    /// replaces it. As in k6, a duration and iterations keep the load's own number of virtual
    /// users; it is 1 if the load has no constant number. `vus` alone changes only that number.
    ///
    /// # Errors
    /// If `vus` alone is given for a load with stages of virtual users.
    pub(crate) fn overridden(mut self, by: &LoadOverride) -> Result<Self, LoadError> {
        let own_vus = self.executor.constant_vus().unwrap_or(1);
        let whole = self.duration();
        let replaced = if let Some(rate) = by.rate {
            Some(arrival_rate(rate, by.duration.unwrap_or(whole), by))
        } else if !by.stages.is_empty() {
            let (stages, graceful_ramp_down) = (by.stages.clone(), GRACEFUL_STOP);
            Some(Executor::RampingVus(RampingVus { start_vus: by.vus.unwrap_or(1), stages, graceful_ramp_down }))
        } else if let Some(iterations) = by.iterations {
            let max_duration = by.duration.unwrap_or(MAX_DURATION);
            // With the load's own VUs, fewer iterations than these are enough for fewer VUs.
            let own_vus = u32::try_from(iterations).map_or(own_vus, |iterations| own_vus.min(iterations));
            let vus = by.vus.unwrap_or(own_vus);
            Some(Executor::SharedIterations(SharedIterations { vus, iterations, max_duration }))
        } else {
            let vus = by.vus.unwrap_or(own_vus);
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

/// Without a number of virtual users, uses as many as sustain the rate if an iteration takes 1 s.
fn arrival_rate(rate: Rate, duration: Duration, by: &LoadOverride) -> Executor {
    let per_second = u128::from(rate.count) * 1_000_000_000 / rate.per.as_nanos().max(1);
    let enough = u32::try_from(per_second).unwrap_or(MAX_VUS).clamp(1, MAX_VUS);
    let vus = by.vus.unwrap_or_else(|| enough.min(by.max_vus.unwrap_or(MAX_VUS)));
    let max_vus = by.max_vus.unwrap_or(vus);
    Executor::ConstantArrivalRate(ConstantArrivalRate { rate, duration, vus, max_vus, spacing: Spacing::Even })
}

impl Executor {
    /// The number of virtual users, if it is the same from the start to the end.
    const fn constant_vus(&self) -> Option<u32> {
        match self {
            Self::ConstantVus(ConstantVus { vus, .. })
            | Self::SharedIterations(SharedIterations { vus, .. })
            | Self::PerVuIterations(PerVuIterations { vus, .. }) => Some(*vus),
            Self::RampingVus(_) | Self::ConstantArrivalRate(_) | Self::RampingArrivalRate(_) => None,
        }
    }

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
