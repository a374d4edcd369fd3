//! `ramping-vus`: a number of virtual users that changes in stages.

use std::time::Duration;

use monitoring::phase::Phase;
use perf_settings::{Stage, shown_stages};
use serde::{Deserialize, Serialize};

use super::{
    ActiveSpan, ExecutorRules, IterationLimit, LoadError, PartPlacement, Schedule, VuPlan, check_vus, describe_vus,
    phases_of_stages,
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RampingVus {
    pub(crate) start_vus: u32,
    /// Stages. Each target is a number of virtual users.
    pub(crate) stages: Vec<Stage>,
    /// Longest time that an iteration of a virtual user may still take after its planned end.
    pub(crate) graceful_ramp_down: Duration,
}

impl ExecutorRules for RampingVus {
    fn check(&self) -> Result<(), LoadError> {
        let targets = self.stages.iter().map(|stage| stage.target);
        check_vus(targets.chain([self.start_vus.into()]).max().unwrap_or(0))
    }

    fn duration(&self) -> Duration {
        self.stages.iter().map(|stage| stage.duration).sum()
    }

    fn schedule(&self, place: &PartPlacement) -> Result<Schedule, LoadError> {
        Ok(Schedule::Vus { vus: self.vus(place), iterations: IterationLimit::UntilStop })
    }

    fn phases(&self) -> Vec<(Duration, Phase)> {
        phases_of_stages(self.start_vus.into(), &self.stages)
    }

    fn describe(&self) -> String {
        format!("{}, then {}", describe_vus(self.start_vus), shown_stages(&self.stages))
    }
}

impl RampingVus {
    /// Plans virtual users like k6's ramps. Going from `a` to `b` within `d`, the number of virtual
    /// users reaches `v` at `d * |v - a| / |b - a|`. Those that started last stop first (k6,
    /// `lib/executor/ramping_vus.go`, `getRawExecutionSteps`).
    fn vus(&self, place: &PartPlacement) -> Vec<VuPlan> {
        let Self { start_vus, ref stages, .. } = *self;
        let PartPlacement { start, end, first_id, .. } = *place;
        let targets = stages.iter().map(|stage| u32::try_from(stage.target).unwrap_or(u32::MAX));
        let max = targets.clone().chain([start_vus]).max().unwrap_or(0);
        let mut open: Vec<Option<Duration>> = (0..max).map(|vu| (vu < start_vus).then_some(start)).collect();
        let mut spans: Vec<Vec<(Duration, Duration)>> = vec![Vec::new(); max as usize];
        let (mut now, mut at) = (start, start_vus);
        for (stage, target) in stages.iter().zip(targets) {
            let changes = at.abs_diff(target);
            let moment = |nth: u32| now + stage.duration.mul_f64(f64::from(nth) / f64::from(changes));
            for vu in at..target {
                open[vu as usize] = Some(moment(vu - at + 1));
            }
            for vu in (target..at).rev() {
                let since = open[vu as usize].take();
                spans[vu as usize].extend(since.map(|since| (since, moment(at - vu))));
            }
            (now, at) = (now + stage.duration, target);
        }
        for (since, spans) in open.into_iter().zip(&mut spans) {
            spans.extend(since.filter(|since| *since < end).map(|since| (since, end)));
        }
        let vus = spans.into_iter().map(|times| self.with_cuts(&times, place));
        vus.zip(first_id..).map(|(spans, id)| VuPlan { id, spans }).collect()
    }

    fn with_cuts(&self, times: &[(Duration, Duration)], place: &PartPlacement) -> Vec<ActiveSpan> {
        let last_cut = place.end + place.graceful_stop;
        let mut spans: Vec<ActiveSpan> = Vec::new();
        for &(start, stop) in times.iter().rev() {
            let cut = if stop == place.end { last_cut } else { (stop + self.graceful_ramp_down).min(last_cut) };
            // If the next span begins before the cut, the iteration continues until the next span's
            // cut.
            let cut = spans.last().filter(|next| next.start <= cut).map_or(cut, |next| next.cut);
            spans.push(ActiveSpan { start, stop, cut });
        }
        spans.reverse();
        spans
    }
}

#[cfg(test)]
mod tests;
