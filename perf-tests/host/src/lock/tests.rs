//! Tests of `lock`.

use super::*;

#[test]
fn the_error_of_a_second_taker_names_the_holder() {
    let path = std::env::temp_dir().join(format!("perf-lock-{}", std::process::id()));
    let held = Lock::take(&path, "basic").unwrap();
    let refused = Lock::take(&path, "endurance").unwrap_err().to_string();
    let expected = format!("the lock is held by basic, process {}", std::process::id());
    assert!(cfg!(windows) || refused == expected, "{refused}");
    drop(held);
    drop(Lock::take(&path, "endurance").unwrap());
    std::fs::remove_file(path).unwrap();
}

#[test]
fn a_load_test_runs_alone_in_a_clone() {
    let load = std::env::temp_dir().join(format!("perf-load-{}", std::process::id()));
    let _held = Lock::take_for_load(&load, "basic").unwrap();
    let refused = Lock::take_for_load(&load, "endurance").unwrap_err().to_string();
    assert!(refused.contains(" runs in this clone, and a load test runs alone: "), "{refused}");
    std::fs::remove_dir_all(load).unwrap();
}

#[test]
fn an_unusable_folder_of_a_lock_is_explained() {
    let file = std::env::temp_dir().join(format!("perf-file-{}", std::process::id()));
    std::fs::write(&file, "").unwrap();
    let refused = Lock::take_for_load(&file, "basic").unwrap_err().to_string();
    assert!(refused.contains(&file.display().to_string()) && refused.contains("PERF_FOLDER"), "{refused}");
    std::fs::remove_file(file).unwrap();
}
