//! The health of the generator: how busy its threads are, how long they wait for a processor, how
//! much time the hypervisor takes, and how often a limit on processor time stops it. The values are
//! known on Linux only.

use perf_host::control_group::{ControlGroups, CpuPeriods};
use perf_host::proc::{CpuTicks, cpu_ticks, thread_times};
use tokio::time::Instant;

use crate::clock;
use crate::measure::{GeneratorHealth, Snapshot, ThreadTimes};
use crate::plan::nanos;

/// Measures the processor time of the thread that created it.
pub(super) struct ThreadWatch {
    began: Instant,
    times: ThreadTimes,
}

impl ThreadWatch {
    pub(super) fn start() -> Self {
        let began = clock::now();
        Self { began, times: times(began) }
    }

    pub(super) fn worked(&self) -> ThreadTimes {
        times(self.began).since(self.times)
    }
}

fn times(began: Instant) -> ThreadTimes {
    let (cpu, waited) = thread_times().unzip();
    ThreadTimes { wall: nanos(clock::now().duration_since(began)), cpu, waited }
}

pub(super) struct HealthMeter {
    groups: ControlGroups,
    since: MachineTimes,
    /// The workers' times and the machine's at the last computation.
    before: (Vec<ThreadTimes>, MachineTimes),
}

/// Times of the machine and of the control groups that limit this process.
#[derive(Debug, Clone, Default)]
struct MachineTimes {
    ticks: Option<CpuTicks>,
    periods: Vec<CpuPeriods>,
}

impl MachineTimes {
    fn read(groups: &ControlGroups) -> Self {
        Self { ticks: cpu_ticks(), periods: groups.cpu_periods() }
    }
}

impl HealthMeter {
    pub(super) fn start() -> Self {
        let groups = ControlGroups::read();
        let since = MachineTimes::read(&groups);
        Self { groups, before: (Vec::new(), since.clone()), since }
    }

    /// Fills in the health since the last call.
    pub(super) fn fill_in(&mut self, snapshot: &mut Snapshot) {
        let times = MachineTimes::read(&self.groups);
        let grown = |(at, now): (usize, &ThreadTimes)| now.since(self.before.0.get(at).copied().unwrap_or_default());
        let lately: Vec<_> = snapshot.worked.iter().enumerate().map(grown).collect();
        snapshot.health = health(&lately, &self.before.1, &times);
        self.before = (snapshot.worked.clone(), times);
    }

    /// The health since the start.
    pub(super) fn overall(&self, worked: &[ThreadTimes]) -> GeneratorHealth {
        health(worked, &self.since, &MachineTimes::read(&self.groups))
    }
}

fn health(worked: &[ThreadTimes], then: &MachineTimes, now: &MachineTimes) -> GeneratorHealth {
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    let share = |part: u64, whole: u64| if whole > 0 { (part as f64 / whole as f64).min(1.0) } else { 0.0 };
    let max_share = |time: &dyn Fn(&ThreadTimes) -> Option<u64>| {
        worked.iter().filter_map(|worked| Some(share(time(worked)?, worked.wall))).max_by(f64::total_cmp)
    };
    let ticks = then.ticks.zip(now.ticks);
    let steal =
        ticks.map(|(then, now)| share(now.stolen.saturating_sub(then.stolen), now.all.saturating_sub(then.all)));
    GeneratorHealth {
        cpu: max_share(&|worked| worked.cpu),
        run_queue: max_share(&|worked| worked.waited),
        steal,
        throttled: CpuPeriods::throttled_share(&then.periods, &now.periods),
    }
}

#[cfg(test)]
mod tests;
