//! Tests of `linux`.

use procfs::{FromBufReadSI as _, current_system_info};

use super::*;

#[test]
fn processor_time_is_the_sum_of_eight_fields_without_guest_time() {
    let read = |cpu: &str| {
        let stat = format!("{cpu}\ncpu0 1 1 1 1\nctxt 1\nbtime 1\nprocesses 1\n");
        KernelStats::from_buf_read(stat.as_bytes(), current_system_info()).ok()
    };
    let whole = read("cpu  10 1 5 80 2 0 1 7 0 0").and_then(|stat| ticks(&stat.total)).unwrap();
    assert_eq!((whole.stolen, whole.all), (7, 106));
    assert!(read("cpu  10 1 5 80 2 0 1").and_then(|stat| ticks(&stat.total)).is_none());
    assert!(read("intr 5").is_none());
}

#[test]
fn values_of_this_machine_are_read() {
    assert!(cpu_ticks().is_some_and(|ticks| ticks.all > 0));
    assert!(available_memory().is_some_and(|bytes| bytes > 1 << 20) && local_ports().is_some());
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    assert_eq!(kernel_release().as_deref(), Some(release.trim()));
}
