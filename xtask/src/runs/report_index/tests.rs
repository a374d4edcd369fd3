//! Tests of `report_index`.

use std::fs;

use perf_host::files::point_latest_to;

use super::*;

/// An index of a folder with these runs. The last one is the latest.
fn index(name: &str, testids: &[&str]) -> ReportIndex {
    let folder = workspace::target().join(name);
    for testid in testids {
        let run = folder.join(testid);
        fs::create_dir_all(&run).unwrap();
        fs::write(run.join(REPORT), test_support::situation("met", "").unwrap()).unwrap();
        point_latest_to(&run).unwrap();
    }
    ReportIndex::new(Some(folder))
}

#[test]
#[cfg(unix)]
fn latest_is_the_last_run_of_its_own_folder() {
    let one = index("index-of-one-folder", &["a-1", "a-2"]);
    let other = index("index-of-another-folder", &["b-1"]);
    assert_eq!([&one, &other].map(|index| index.resolve_latest("latest")), ["a-2", "b-1"]);
    assert_eq!(one.find("latest").unwrap().path, one.folder().join("latest").join(REPORT));
    assert_eq!(one.resolve_latest("a-1"), "a-1");
}

#[test]
fn a_run_of_another_folder_is_not_found() {
    let index = index("index-without-a-run", &["c-1"]);
    let error = index.find("c-2").unwrap_err().to_string();
    assert!(error.contains(&index.folder().display().to_string()) && error.contains("did you mean c-1?"), "{error}");
}

#[test]
fn latest_of_an_empty_folder_stays_a_name() {
    assert_eq!(index("index-of-nothing", &[]).resolve_latest("latest"), "latest");
}
