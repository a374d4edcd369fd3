//! The generator watches itself: how busy its threads are, how long they wait for a processor, and what the hypervisor
//! takes. Linux tells; elsewhere these are unknown.

use perf_host::proc::{CpuTicks, cpu_ticks, thread_times};
use tokio::time::Instant;

use crate::clock;
use crate::measure::{GeneratorHealth, Snapshot, ThreadTimes};
use crate::plan::nanos;

/// Watches the thread that made it.
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

/// Makes shares of what workers report.
pub(super) struct HealthMeter {
    since: Option<CpuTicks>,
    /// Workers and ticks when shares were last made.
    before: (Vec<ThreadTimes>, Option<CpuTicks>),
}

impl HealthMeter {
    pub(super) fn start() -> Self {
        let since = cpu_ticks();
        Self { since, before: (Vec::new(), since) }
    }

    /// Fills in how the generator did since the last call.
    pub(super) fn fill_in(&mut self, snapshot: &mut Snapshot) {
        let ticks = cpu_ticks();
        let grown = |(at, now): (usize, &ThreadTimes)| now.since(self.before.0.get(at).copied().unwrap_or_default());
        let lately: Vec<_> = snapshot.worked.iter().enumerate().map(grown).collect();
        snapshot.health = health(&lately, self.before.1, ticks);
        self.before = (snapshot.worked.clone(), ticks);
    }

    /// How the generator did since the start.
    pub(super) fn overall(&self, worked: &[ThreadTimes]) -> GeneratorHealth {
        health(worked, self.since, cpu_ticks())
    }
}

fn health(worked: &[ThreadTimes], then: Option<CpuTicks>, now: Option<CpuTicks>) -> GeneratorHealth {
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    let share = |part: u64, whole: u64| if whole > 0 { (part as f64 / whole as f64).min(1.0) } else { 0.0 };
    let most = |of: &dyn Fn(&ThreadTimes) -> Option<u64>| {
        worked.iter().filter_map(|worked| Some(share(of(worked)?, worked.wall))).max_by(f64::total_cmp)
    };
    let steal = then
        .zip(now)
        .map(|(then, now)| share(now.stolen.saturating_sub(then.stolen), now.all.saturating_sub(then.all)));
    GeneratorHealth { cpu: most(&|worked| worked.cpu), run_queue: most(&|worked| worked.waited), steal }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_worker_speaks_for_the_generator() {
        let worked = |cpu, waited| ThreadTimes { wall: 1000, cpu: Some(cpu), waited: Some(waited) };
        let (then, now) = (CpuTicks { stolen: 10, all: 100 }, CpuTicks { stolen: 30, all: 200 });
        let health = health(&[worked(900, 10), worked(100, 50)], Some(then), Some(now));
        assert_eq!(health, GeneratorHealth { cpu: Some(0.9), run_queue: Some(0.05), steal: Some(0.2) });
        assert_eq!(super::health(&[ThreadTimes::default()], None, None), GeneratorHealth::default());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_thread_that_works_is_seen_to() {
        let work = || {
            let watch = ThreadWatch::start();
            let until = clock::now() + std::time::Duration::from_millis(30);
            while clock::now() < until {}
            watch.worked()
        };
        // Other tests want the processors as well, so it may have had to share; but it has worked or waited all the time. What a host takes
        // from a virtual machine is neither, and it does not always.
        let is_seen = |worked: &ThreadTimes| {
            let busy = worked.cpu.unwrap() + worked.waited.unwrap();
            busy > worked.wall / 2 && busy < worked.wall * 3 / 2
        };
        let seen: Vec<_> = (0..20).map(|_| work()).take_while(|worked| !is_seen(worked)).collect();
        assert!(seen.len() < 20, "{seen:?}");
    }
}
