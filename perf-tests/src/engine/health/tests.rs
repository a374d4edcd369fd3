//! Tests of `health`.

use super::*;

#[test]
fn health_is_that_of_the_busiest_worker() {
    let worked = |cpu, waited| ThreadTimes { wall: 1000, cpu: Some(cpu), waited: Some(waited) };
    let (then, now) = (CpuTicks { stolen: 10, all: 100 }, CpuTicks { stolen: 30, all: 200 });
    let health = health(&[worked(900, 10), worked(100, 50)], Some(then), Some(now));
    assert_eq!(health, GeneratorHealth { cpu: Some(0.9), run_queue: Some(0.05), steal: Some(0.2) });
    assert_eq!(super::health(&[ThreadTimes::default()], None, None), GeneratorHealth::default());
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
