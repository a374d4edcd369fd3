//! Tests of `files`.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

#[test]
fn only_this_user_may_read_a_private_file() {
    let path = std::env::temp_dir().join(format!("perf-private-{}", std::process::id()));
    // An older file that everybody may read.
    write(&path, "old").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    write_private(&path, b"new").unwrap();
    assert_eq!(
        (read(&path).unwrap().as_str(), fs::metadata(&path).unwrap().permissions().mode() & 0o777),
        ("new", 0o600)
    );
    fs::remove_file(path).unwrap();
}

#[test]
fn a_full_disk_is_told_from_other_errors() {
    assert!(is_unwritable(&write("/dev/full", "a").unwrap_err()));
    assert!(!is_unwritable(&read("/no/such/file").unwrap_err()));
}
