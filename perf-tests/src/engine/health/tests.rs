//! Tests of `health`.

use super::*;

#[test]
fn health_is_that_of_the_busiest_worker() {
    let worked = |cpu, waited| ThreadTimes { wall: 1000, cpu: Some(cpu), waited: Some(waited) };
    let times = |stolen, all, throttled| MachineTimes {
        ticks: Some(CpuTicks { stolen, all }),
        periods: vec![CpuPeriods { all, throttled }],
    };
    let health = health(&[worked(900, 10), worked(100, 50)], &times(10, 100, 0), &times(30, 200, 40));
    let shares = (health.cpu, health.run_queue, health.steal, health.throttled);
    assert_eq!(shares, (Some(0.9), Some(0.05), Some(0.2), Some(0.4)));
    let unknown = MachineTimes::default();
    let health = super::health(&[ThreadTimes::default()], &unknown, &unknown);
    assert_eq!(health, GeneratorHealth { cpu: None, ..GeneratorHealth::default() });
}

#[test]
#[cfg(target_os = "linux")]
fn the_time_of_a_busy_thread_is_measured() {
    let work = || {
        let watch = ThreadWatch::start();
        let until = clock::now() + std::time::Duration::from_millis(30);
        while clock::now() < until {}
        watch.worked()
    };
    // Other tests need the processors too, so the thread may have waited for one. It was
    // running or ready all the time. Time that a hypervisor takes from a virtual machine counts
    // as neither, so the test retries.
    let is_measured = |worked: &ThreadTimes| {
        let busy = worked.cpu.unwrap() + worked.waited.unwrap();
        busy > worked.wall / 2 && busy < worked.wall * 3 / 2
    };
    let wrong: Vec<_> = (0..20).map(|_| work()).take_while(|worked| !is_measured(worked)).collect();
    assert!(wrong.len() < 20, "{wrong:?}");
}
