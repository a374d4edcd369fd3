//! The generator watches itself: how busy its threads are, how long they wait for a processor, and what the hypervisor
//! takes. Linux tells; elsewhere these are unknown.

use std::fs;

use tokio::time::Instant;

use crate::clock;
use crate::measure::{Health, Snapshot, ThreadTimes};
use crate::plan::nanos;

/// Watches the thread that made it.
pub(super) struct ThreadWatch {
    since: Instant,
    cpu: Option<u64>,
    waited: Option<u64>,
}

impl ThreadWatch {
    pub(super) fn start() -> Self {
        let (cpu, waited) = thread_times();
        Self { since: clock::now(), cpu, waited }
    }

    pub(super) fn worked(&self) -> ThreadTimes {
        let (cpu, waited) = thread_times();
        let grown = |now: Option<u64>, then: Option<u64>| Some(now?.saturating_sub(then?));
        let wall = nanos(clock::now().duration_since(self.since));
        ThreadTimes { wall, cpu: grown(cpu, self.cpu), waited: grown(waited, self.waited) }
    }
}

/// Nanoseconds on a processor, and ready without one, of this thread (Linux, `Documentation/scheduler/sched-stats.rst`).
fn thread_times() -> (Option<u64>, Option<u64>) {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let mut numbers = text.split_ascii_whitespace().map(|number| number.parse().ok());
    (numbers.next().flatten(), numbers.next().flatten())
}

/// Processor time of the whole machine that went to others than us and idling, and all of it, in ticks.
#[derive(Debug, Clone, Copy)]
struct Ticks {
    stolen: u64,
    all: u64,
}

impl Ticks {
    fn now() -> Option<Self> {
        Self::parse(&fs::read_to_string("/proc/stat").ok()?)
    }

    /// The first line: user, nice, system, idle, iowait, irq, softirq, steal (proc(5)).
    fn parse(stat: &str) -> Option<Self> {
        let line = stat.lines().next()?.strip_prefix("cpu ")?;
        let ticks: Vec<u64> = line.split_ascii_whitespace().take(8).filter_map(|number| number.parse().ok()).collect();
        (ticks.len() == 8).then(|| Self { stolen: ticks[7], all: ticks.iter().sum() })
    }
}

/// Makes shares of what workers report.
pub(super) struct HealthMeter {
    since: Option<Ticks>,
    /// Workers and ticks when shares were last made.
    before: (Vec<ThreadTimes>, Option<Ticks>),
}

impl HealthMeter {
    pub(super) fn start() -> Self {
        let since = Ticks::now();
        Self { since, before: (Vec::new(), since) }
    }

    /// Fills in how the generator did since the last call.
    pub(super) fn fill_in(&mut self, snapshot: &mut Snapshot) {
        let ticks = Ticks::now();
        let grown = |(at, now): (usize, &ThreadTimes)| {
            let then = self.before.0.get(at).copied().unwrap_or_default();
            let of = |now: Option<u64>, then: Option<u64>| now.map(|now| now.saturating_sub(then.unwrap_or(0)));
            let wall = now.wall.saturating_sub(then.wall);
            ThreadTimes { wall, cpu: of(now.cpu, then.cpu), waited: of(now.waited, then.waited) }
        };
        let lately: Vec<_> = snapshot.worked.iter().enumerate().map(grown).collect();
        snapshot.health = health(&lately, self.before.1, ticks);
        self.before = (snapshot.worked.clone(), ticks);
    }

    /// How the generator did since the start.
    pub(super) fn overall(&self, worked: &[ThreadTimes]) -> Health {
        health(worked, self.since, Ticks::now())
    }
}

fn health(worked: &[ThreadTimes], then: Option<Ticks>, now: Option<Ticks>) -> Health {
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    let share = |part: u64, whole: u64| if whole > 0 { (part as f64 / whole as f64).min(1.0) } else { 0.0 };
    let most = |of: &dyn Fn(&ThreadTimes) -> Option<u64>| {
        worked.iter().filter_map(|worked| Some(share(of(worked)?, worked.wall))).max_by(f64::total_cmp)
    };
    let steal = then
        .zip(now)
        .map(|(then, now)| share(now.stolen.saturating_sub(then.stolen), now.all.saturating_sub(then.all)));
    Health { cpu: most(&|worked| worked.cpu), run_queue: most(&|worked| worked.waited), steal }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_worker_speaks_for_the_generator() {
        let worked = |cpu, waited| ThreadTimes { wall: 1000, cpu: Some(cpu), waited: Some(waited) };
        let (then, now) = (Ticks { stolen: 10, all: 100 }, Ticks { stolen: 30, all: 200 });
        let health = health(&[worked(900, 10), worked(100, 50)], Some(then), Some(now));
        assert_eq!(health, Health { cpu: Some(0.9), run_queue: Some(0.05), steal: Some(0.2) });
        assert_eq!(super::health(&[ThreadTimes::default()], None, None), Health::default());
    }

    #[test]
    fn proc_stat_is_read_by_its_first_line() {
        let ticks = Ticks::parse("cpu  10 1 5 80 2 0 1 7 0 0\ncpu0 1 1").unwrap();
        assert_eq!((ticks.stolen, ticks.all), (7, 106));
        assert!(Ticks::parse("intr 5").is_none());
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
