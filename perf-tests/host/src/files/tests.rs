//! Tests of `files`.

use super::*;

#[test]
fn files_after_one_that_fails_are_not_written() {
    let folder = std::env::temp_dir().join(format!("perf-files-{}", std::process::id()));
    fs::create_dir_all(folder.join("taken")).unwrap();
    let file = |name: &str| (folder.join(name), name.to_owned());
    let error = write_whole([file("first"), file("taken"), file("last")]).unwrap_err().to_string();
    assert!(error.starts_with(&format!("failed to write {}: ", folder.join("taken").display())), "{error}");
    assert_eq!(fs::read_to_string(folder.join("first")).unwrap(), "first");
    assert!(!folder.join("last").exists() && !folder.join("first.tmp").exists());
    fs::remove_dir_all(folder).unwrap();
}
