//! Tests of `control_group`, with folders in place of `/sys/fs/cgroup`.

use super::*;

/// A folder with these files.
fn root(name: &str, files: &[(&str, &str)]) -> PathBuf {
    let root = std::env::temp_dir().join(format!("control-group-{name}-{}", std::process::id()));
    for (file, text) in files {
        let path = root.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    root
}

#[test]
fn the_tightest_limit_of_version_2_counts() {
    let files = [
        ("cpu.stat", "usage_usec 5\n"),
        ("a/memory.max", "1000\n"),
        ("a/memory.current", "900\n"),
        ("a/memory.stat", "anon 400\ninactive_file 200\nactive_file 70\nslab_reclaimable 30\n"),
        ("a/b/memory.max", "max\n"),
        ("a/b/memory.current", "900\n"),
        ("a/b/cpu.stat", "usage_usec 5\nnr_periods 40\nnr_throttled 10\nthrottled_usec 12\n"),
    ];
    let groups = ControlGroups::find(&root("v2", &files), "0::/a/b\n");
    assert_eq!(groups.available_memory(), Some(400));
    assert_eq!(groups.cpu_periods(), [CpuPeriods { all: 40, throttled: 10 }]);
}

#[test]
fn a_container_has_its_limits_in_the_root_folder() {
    let files = [("memory.max", "512"), ("memory.current", "12"), ("cpu.stat", "nr_periods 4\nnr_throttled 1\n")];
    let groups = ControlGroups::find(&root("container", &files), "0::/\n");
    assert_eq!((groups.available_memory(), groups.cpu_periods().len()), (Some(500), 1));
}

#[test]
fn limits_of_version_1_are_read() {
    // A container's process has the path of the machine, which the container does not see.
    let files = [
        ("memory/memory.limit_in_bytes", "1000"),
        ("memory/memory.usage_in_bytes", "600"),
        ("memory/memory.stat", "inactive_file 1\ntotal_inactive_file 60\ntotal_active_file 40\n"),
        ("cpu,cpuacct/cpu.stat", "nr_periods 4\nnr_throttled 4\nthrottled_time 9\n"),
    ];
    let membership = "5:memory:/kubepods/pod1\n4:cpu,cpuacct:/kubepods/pod1\n1:name=systemd:/x\n";
    let groups = ControlGroups::find(&root("v1", &files), membership);
    assert_eq!(groups.available_memory(), Some(500));
    assert_eq!(groups.cpu_periods(), [CpuPeriods { all: 4, throttled: 4 }]);
}

#[test]
fn a_group_without_limits_has_none() {
    let groups = ControlGroups::find(&root("none", &[("memory.max", "max"), ("cpu.stat", "usage_usec 1")]), "0::/\n");
    assert_eq!((groups.available_memory(), groups.cpu_periods()), (None, Vec::new()));
    assert_eq!(ControlGroups::default().available_memory(), None);
}

#[test]
fn the_share_is_of_the_periods_since_the_start() {
    let periods = |all, throttled| CpuPeriods { all, throttled };
    let (then, now) = ([periods(10, 5), periods(0, 0)], [periods(20, 8), periods(0, 0)]);
    assert_eq!(CpuPeriods::throttled_share(&then, &now), Some(0.3));
    assert_eq!(CpuPeriods::throttled_share(&now, &now), None);
}
