//! Changes of several loads that run side by side, by the command line. They are scaled together,
//! so that each keeps its kind and its share.

use std::time::Duration;

use perf_settings::{LoadOverride, Rate, Stage};

use super::{
    ConstantArrivalRate, ConstantVus, Executor, LoadError, LoadProfile, MAX_DURATION, PerVuIterations,
    RampingArrivalRate, RampingVus, SharedIterations,
};
use crate::plan::apportion::apportion_at_least_one;

/// The least duration of a load.
const LEAST: Duration = Duration::from_secs(1);

impl LoadProfile {
    /// Applies the command line to several loads. Virtual users and iterations are totals, divided
    /// in the loads' own proportions; each load gets at least one. A duration is that of the whole
    /// run: each load is shortened or lengthened in proportion.
    ///
    /// # Errors
    /// If a rate or stages are given, which describe a single load.
    pub(crate) fn overridden_together(loads: &[Self], by: &LoadOverride) -> Result<Vec<Self>, LoadError> {
        if by.rate.is_some() || !by.stages.is_empty() {
            return Err(LoadError::OneOfSeveral);
        }
        let mut loads = loads.to_vec();
        let own: Vec<_> = loads.iter().map(|load| load.executor.most_vus().into()).collect();
        if let Some(vus) = by.vus {
            for (load, share) in loads.iter_mut().zip(apportion_at_least_one(vus.into(), &own)) {
                load.executor.scale_vus(u32::try_from(share).unwrap_or(u32::MAX));
            }
        }
        if let Some(duration) = by.duration {
            scale_durations(&mut loads, duration);
        }
        if let Some(iterations) = by.iterations {
            let vus: Vec<_> = loads.iter().map(|load| load.executor.most_vus()).collect();
            let weights: Vec<_> = vus.iter().map(|vus| u128::from(*vus)).collect();
            for ((load, iterations), vus) in loads.iter_mut().zip(apportion_at_least_one(iterations, &weights)).zip(vus)
            {
                let vus = u32::try_from(iterations).map_or(vus, |iterations| vus.min(iterations));
                let max_duration = by.duration.map_or(MAX_DURATION, |whole| LEAST.max(whole - load.start_time));
                load.executor = Executor::SharedIterations(SharedIterations { vus, iterations, max_duration });
            }
        }
        if let Some(warm_up) = by.warm_up {
            loads.iter_mut().for_each(|load| load.warm_up = warm_up);
        }
        Ok(loads)
    }

    pub(crate) const fn has_rate(&self) -> bool {
        matches!(self.executor, Executor::ConstantArrivalRate(_) | Executor::RampingArrivalRate(_))
    }
}

/// Makes the whole run last `to`. Loads with a number of iterations have no length of their own:
/// their maximum duration ends with the run.
fn scale_durations(loads: &mut [LoadProfile], to: Duration) {
    let ends = loads.iter().filter(|load| !load.executor.counts_iterations());
    let whole = ends.map(|load| load.start_time + load.duration()).max().unwrap_or(to);
    let scaled = |time: Duration| scale(time, to.as_nanos(), whole.as_nanos());
    for load in loads {
        load.start_time = scaled(load.start_time).min(to - LEAST.min(to));
        let (before, rest) = (load.duration(), to - load.start_time);
        match &mut load.executor {
            Executor::ConstantVus(ConstantVus { duration, .. })
            | Executor::ConstantArrivalRate(ConstantArrivalRate { duration, .. }) => {
                *duration = scaled(*duration).max(LEAST);
            }
            Executor::SharedIterations(SharedIterations { max_duration, .. })
            | Executor::PerVuIterations(PerVuIterations { max_duration, .. }) => *max_duration = rest,
            Executor::RampingVus(RampingVus { stages, .. })
            | Executor::RampingArrivalRate(RampingArrivalRate { stages, .. }) => {
                let longer = scaled(before).max(LEAST);
                let scaled = |time: Duration| scale(time, longer.as_nanos(), before.as_nanos());
                stages.iter_mut().for_each(|stage| stage.duration = scaled(stage.duration));
                // Each stage was rounded down.
                let short = longer.saturating_sub(stages.iter().map(|stage| stage.duration).sum());
                stages.iter_mut().rev().take(1).for_each(|stage| stage.duration += short);
            }
        }
        load.warm_up = scale(load.warm_up, load.duration().as_nanos(), before.as_nanos());
    }
}

/// `time * numerator / denominator`, in whole milliseconds.
fn scale(time: Duration, numerator: u128, denominator: u128) -> Duration {
    let millis = time.as_millis() * numerator / denominator.max(1);
    Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}

impl Executor {
    fn most_vus(&self) -> u32 {
        match self {
            Self::ConstantVus(ConstantVus { vus, .. })
            | Self::SharedIterations(SharedIterations { vus, .. })
            | Self::PerVuIterations(PerVuIterations { vus, .. }) => *vus,
            Self::RampingVus(RampingVus { start_vus, stages, .. }) => {
                let most = stages.iter().map(|stage| u32::try_from(stage.target).unwrap_or(u32::MAX)).max();
                most.unwrap_or_default().max(*start_vus)
            }
            Self::ConstantArrivalRate(ConstantArrivalRate { max_vus, .. })
            | Self::RampingArrivalRate(RampingArrivalRate { max_vus, .. }) => *max_vus,
        }
    }

    const fn counts_iterations(&self) -> bool {
        matches!(self, Self::SharedIterations(_) | Self::PerVuIterations(_))
    }

    /// Scales the load to this number of virtual users. A rate grows or shrinks with them.
    fn scale_vus(&mut self, to: u32) {
        let most = self.most_vus().max(1);
        let part = |number: u64| {
            let scaled = u128::from(number) * u128::from(to) / u128::from(most);
            u64::try_from(scaled).unwrap_or(u64::MAX).max(number.min(1))
        };
        let vus_part = |number: u32| u32::try_from(part(number.into())).unwrap_or(u32::MAX);
        // A rate stays exact if its time unit changes, and not its count.
        let unit = |time: Duration| {
            let nanos = time.as_nanos() * u128::from(most) / u128::from(to.max(1));
            Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
        };
        match self {
            Self::ConstantVus(ConstantVus { vus, .. }) | Self::PerVuIterations(PerVuIterations { vus, .. }) => {
                *vus = to;
            }
            Self::SharedIterations(SharedIterations { vus, iterations, .. }) => {
                *vus = u32::try_from(*iterations).map_or(to, |iterations| to.min(iterations));
            }
            Self::RampingVus(RampingVus { start_vus, stages, .. }) => {
                *start_vus = vus_part(*start_vus);
                stages.iter_mut().for_each(|Stage { target, .. }| *target = part(*target));
            }
            Self::ConstantArrivalRate(ConstantArrivalRate { rate: Rate { per, .. }, vus, max_vus, .. })
            | Self::RampingArrivalRate(RampingArrivalRate { time_unit: per, vus, max_vus, .. }) => {
                (*per, *vus, *max_vus) = (unit(*per), vus_part(*vus), to);
            }
        }
    }
}

#[cfg(test)]
mod tests;
