//! Tests of `open`.

use super::*;
use crate::host::workspace;

fn archive(name: &str, entries: &[(&str, &[u8])]) -> PathBuf {
    let file = workspace::target().join(format!("archive-test-{name}.tar.zst"));
    let mut tar = tar::Builder::new(zstd::Encoder::new(File::create(&file).unwrap(), 1).unwrap());
    for (path, contents) in entries {
        let mut header = tar::Header::new_gnu();
        // Written without the checks of the crate `tar`, as an attacker would.
        header.as_gnu_mut().unwrap().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_size(contents.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        tar.append(&header, *contents).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap();
    file
}

fn manifest(testid: &str) -> Vec<u8> {
    serde_json::json!({ "schema": 1, "testid": testid, "service": "s", "started_unix_ms": 0, "ended_unix_ms": 0,
            "selectors": [], "series": 0, "samples": 0, "prometheus": "" })
    .to_string()
    .into_bytes()
}

/// Opens an archive with that report.
fn opened(name: &str, report: &str) -> Report {
    let folder = workspace::target().join(format!("archive-test-{name}-folder"));
    let (manifest, block) = (manifest("x"), format!("x/{BLOCKS}/b"));
    let report = ("x/report/report.json", report.as_bytes());
    let file = archive(name, &[("x/manifest.json", &manifest), report, (&block, b"")]);
    unpack(&file, &folder).unwrap().1
}

#[test]
fn a_report_of_an_archive_is_read_as_any_other() {
    let mut hostile = serde_json::to_value(test_support::report()).unwrap();
    hostile["load"] = "5 VUs\u{1b}[2J\u{202e}".into();
    assert_eq!(opened("hostile", &hostile.to_string()).run.load, "5 VUs [2J ");
    let old = test_support::report_text("report_v1.json");
    assert_eq!(opened("old", &old).schema, perf_report::report::SCHEMA);
}

#[test]
fn a_foreign_archive_is_rejected_and_writes_nothing_elsewhere() {
    let folder = workspace::target().join("archive-test-folder");
    let newer = br#"{"schema":99,"testid":"x","service":"s","started_unix_ms":0,"ended_unix_ms":0,"selectors":[],"series":0,"samples":0,"prometheus":""}"#;
    let other = br#"{"schema":1,"testid":"y","service":"s","started_unix_ms":0,"ended_unix_ms":0,"selectors":[],"series":0,"samples":0,"prometheus":""}"#;
    let named = manifest("x");
    for (name, entries, expected) in [
        ("up", &[("../archive-test-escaped", &b"x"[..])][..], "not a file below"),
        ("root", &[("/tmp/archive-test-escaped", &b"x"[..])], "not a file below"),
        ("none", &[("x/readme", &b"x"[..])], "no manifest"),
        ("newer", &[("x/manifest.json", &newer[..])], "newer version"),
        ("other", &[("x/manifest.json", &other[..])], "its manifest names y"),
        ("without", &[("x/manifest.json", &named[..])], "its report cannot be read"),
        ("future", &[("x/manifest.json", &named[..]), ("x/report/report.json", br#"{"schema":99}"#)], "version 99"),
        ("empty", &[], "empty"),
    ] {
        let error = format!("{:#}", unpack(&archive(name, entries), &folder).unwrap_err());
        assert!(error.contains(expected), "{name}: {error}");
    }
    assert!(!workspace::target().join("archive-test-escaped").exists());
    let cut = workspace::target().join("archive-test-cut.tar.zst");
    let whole = fs::read(archive("whole", &[("x/readme", &[7; 4000])])).unwrap();
    fs::write(&cut, &whole[..whole.len() / 2]).unwrap();
    assert!(unpack(&cut, &folder).is_err());
}
