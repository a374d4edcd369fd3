//! Tests of `files`.

use super::*;

#[test]
#[cfg(target_os = "linux")]
fn an_error_of_a_full_disk_says_how_much_is_free() {
    let error = |kind| WriteError::at(Path::new("/tmp/shard.json"))(io::Error::from(kind)).to_string();
    let full = error(io::ErrorKind::StorageFull);
    assert!(full.contains("; ") && full.ends_with(" KiB are free: make room on that disk"), "{full}");
    assert_eq!(error(io::ErrorKind::PermissionDenied), "failed to write /tmp/shard.json: permission denied");
}

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
