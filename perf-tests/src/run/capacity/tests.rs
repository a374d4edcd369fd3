//! Tests of `capacity`.

use super::*;

const MUCH: Limits = Limits { files: Some(1 << 20), ports: Some(28_232), memory: Some(8 << 30) };

#[test]
fn an_exceeded_limit_is_reported_with_its_remedy() {
    assert_eq!(check_limits(10_000, 10_000, 1, MUCH), Ok(Vec::new()));
    let files = check_limits(10_000, 10_000, 1, Limits { files: Some(1024), ..MUCH }).unwrap_err().to_string();
    assert!(files.contains("1024") && files.contains("ulimit -n 10064"), "{files}");
    let memory = check_limits(50_000, 50_000, 1, Limits { memory: Some(100 << 20), ..MUCH }).unwrap_err().to_string();
    assert!(memory.contains("100 MiB"), "{memory}");
    let ports = check_limits(40_000, 40_000, 1, MUCH).unwrap();
    assert!(ports[0].contains("28232"), "{ports:?}");
    assert_eq!(check_limits(50_000, 50_000, 1, Limits::default()), Ok(Vec::new()));
}

#[test]
fn each_vu_needs_a_connection_to_each_host() {
    let files = Limits { files: Some(12_000), ..MUCH };
    assert_eq!(check_limits(10_000, 10_000, 1, files), Ok(Vec::new()));
    let refused = check_limits(10_000, 10_000, 3, files).unwrap_err().to_string();
    assert!(refused.contains("10000 VUs with connections to 3 hosts need about 30064"), "{refused}");
    let memory = check_limits(10_000, 10_000, 3, Limits { memory: Some(300 << 20), ..MUCH }).unwrap_err().to_string();
    assert!(memory.contains("703 MiB"), "{memory}");
}

#[test]
fn agents_on_one_machine_share_memory_but_no_limit_of_files() {
    let limits = Limits { files: Some(1024), memory: Some(100 << 20), ..MUCH };
    assert_eq!(check_limits(900, 3_600, 1, limits), Ok(Vec::new()));
    let memory = check_limits(900, 9_000, 1, limits).unwrap_err().to_string();
    assert!(memory.starts_with("9000 VUs need about 210 MiB of memory"), "{memory}");
}
