//! The health of the generator: how busy its threads are, how long they wait for a processor, and
//! how much time the hypervisor takes. The values are known on Linux only.

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
    since: Option<CpuTicks>,
    /// The workers' times and the machine's ticks at the last computation.
    before: (Vec<ThreadTimes>, Option<CpuTicks>),
}

impl HealthMeter {
    pub(super) fn start() -> Self {
        let since = cpu_ticks();
        Self { since, before: (Vec::new(), since) }
    }

    /// Fills in the health since the last call.
    pub(super) fn fill_in(&mut self, snapshot: &mut Snapshot) {
        let ticks = cpu_ticks();
        let grown = |(at, now): (usize, &ThreadTimes)| now.since(self.before.0.get(at).copied().unwrap_or_default());
        let lately: Vec<_> = snapshot.worked.iter().enumerate().map(grown).collect();
        snapshot.health = health(&lately, self.before.1, ticks);
        self.before = (snapshot.worked.clone(), ticks);
    }

    /// The health since the start.
    pub(super) fn overall(&self, worked: &[ThreadTimes]) -> GeneratorHealth {
        health(worked, self.since, cpu_ticks())
    }
}

fn health(worked: &[ThreadTimes], then: Option<CpuTicks>, now: Option<CpuTicks>) -> GeneratorHealth {
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    let share = |part: u64, whole: u64| if whole > 0 { (part as f64 / whole as f64).min(1.0) } else { 0.0 };
    let max_share = |time: &dyn Fn(&ThreadTimes) -> Option<u64>| {
        worked.iter().filter_map(|worked| Some(share(time(worked)?, worked.wall))).max_by(f64::total_cmp)
    };
    let steal = then
        .zip(now)
        .map(|(then, now)| share(now.stolen.saturating_sub(then.stolen), now.all.saturating_sub(then.all)));
    GeneratorHealth { cpu: max_share(&|worked| worked.cpu), run_queue: max_share(&|worked| worked.waited), steal }
}

#[cfg(test)]
mod tests;
