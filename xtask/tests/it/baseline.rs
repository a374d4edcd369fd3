//! Tests of `--baseline` and `cargo xtask compare`: regressions are found, and runs that cannot be
//! compared are rejected.

use std::path::Path;

use perf_report::exit_code::ExitCode;

use crate::real::{Backend, CommandOutput, out, report, root, run, wait_for, xtask};
use perf_report::comparison::{Comparison, ComparisonMethod, Conclusion};

/// A load with enough requests of each endpoint for sections of the timeline.
const LOAD: [&str; 6] = ["perf", "-q", "-u", "30", "--stack", "none"];
const NAME: &str = "baseline-of-a-test";

fn perf(backend: &Backend, flags: &[&str], out: &Path) -> CommandOutput {
    perf_for("15s", backend, flags, out)
}

fn perf_for(duration: &str, backend: &Backend, flags: &[&str], out: &Path) -> CommandOutput {
    run(xtask(&LOAD)
        .args(["-d", duration])
        .args(["--target", &backend.url, "--out", out.to_str().unwrap()])
        .args(flags))
}

fn comparison(out: &Path) -> Comparison {
    serde_json::from_str(&std::fs::read_to_string(out.join("latest/comparison.json")).unwrap()).unwrap()
}

#[test]
#[ignore = "loads the stub backend: run with cargo xtask ci"]
fn an_endpoint_slower_than_the_baseline_is_reported_by_name() {
    let folder = root().join("target/perf/baselines").join(NAME);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).unwrap();
    }
    let (backend, before) = (Backend::start(&[]), out("baseline-before"));
    // A missing baseline is a warning of the run, and does not fail it.
    let first = perf(&backend, &["--baseline", NAME, "--save-baseline", NAME], &before);
    assert_eq!(first.code, 0, "{}", first.text);
    assert!(first.text.contains("there is no baseline") && folder.join("report.json").is_file(), "{}", first.text);
    for file in ["report.html", "summary.md"] {
        let text = std::fs::read_to_string(before.join("latest").join(file)).unwrap();
        assert!(text.contains("only the objectives are checked"), "{file} has the warning");
    }
    let (slowed, after) = (Backend::start(&["--delay=get_news=60ms"]), out("baseline-after"));
    let slower = perf(&slowed, &["--baseline", NAME], &after);
    assert_eq!(slower.code, 91, "{}", slower.text);
    let found = comparison(&after);
    let regressed = found.endpoints.iter().filter(|endpoint| endpoint.conclusion == Conclusion::Regressed);
    assert_eq!(regressed.map(|endpoint| endpoint.name.as_str()).collect::<Vec<_>>(), ["get_news"], "{}", slower.text);
    assert_eq!((found.method, found.exit_code), (ComparisonMethod::Recorded, ExitCode::Regressed));
    // All files of the run have the regression.
    assert_eq!(report(&after).exit_code, ExitCode::Regressed);
    for (file, expected) in
        [("report.html", "id=\"comparison\""), ("junit.xml", "get_news p95"), ("summary.md", "get\\_news")]
    {
        let text = std::fs::read_to_string(after.join("latest").join(file)).unwrap();
        assert!(text.contains(expected), "{file}: {expected}");
    }
    let files = [&before, &after].map(|out| out.join("latest/report.json").display().to_string());
    let back = run(&mut xtask(&["compare", &files[1], &files[0]]));
    assert!(back.text.contains("improved") && back.code != 91, "{}", back.text);
    check_rejections(&folder, &backend);
    std::fs::remove_dir_all(&folder).unwrap();
}

/// Checks that baselines that cannot be compared are rejected, if possible before the run.
fn check_rejections(folder: &Path, backend: &Backend) {
    let again = out("baseline-refused");
    let other_load = perf_for("5s", backend, &["--baseline", NAME], &again);
    assert!(other_load.code == 104 && other_load.text.contains("their load differs"), "{}", other_load.text);
    assert!(!again.exists(), "it is rejected before the run: {}", other_load.text);
    let other_scenario = run(xtask(&["perf", "endurance", "--baseline", NAME, "-q", "-i", "1", "--stack", "none"])
        .args(["--target", &backend.url, "--out", again.join("before").to_str().unwrap()]));
    assert!(other_scenario.text.contains("their scenario differs"), "{}", other_scenario.text);
    assert!(other_scenario.code == 104 && !again.join("before").exists(), "{}", other_scenario.text);
    let path = folder.join("report.json");
    let text = std::fs::read_to_string(&path).unwrap();
    for (broken, expected) in [
        (text[..text.len() / 2].to_owned(), "truncated"),
        (text.replacen("\"schema\": 2", "\"schema\": 99", 1), "version 99"),
        (text.replacen("\"testid\"", "\"other\"", 1), "not a report"),
    ] {
        std::fs::write(&path, broken).unwrap();
        let refused = perf(backend, &["--baseline", NAME], &again);
        assert!(refused.code == 104 && refused.text.contains(expected), "{expected}: {}", refused.text);
        let compared = run(&mut xtask(&["compare", NAME, NAME]));
        assert!(compared.code == 104 && compared.text.contains(expected), "{expected}: {}", compared.text);
    }
    let unknown = run(&mut xtask(&["compare", "nowhere", NAME]));
    assert!(unknown.code == 104 && unknown.text.contains("cargo xtask runs"), "{}", unknown.text);
    let unknown = run(&mut xtask(&["report", "nowhere"]));
    assert_eq!(unknown.code, 104, "{}", unknown.text);
}

#[test]
#[ignore = "loads the stub backend: run with cargo xtask ci"]
fn report_files_are_reproducible_and_a_second_load_is_rejected() {
    let (backend, one, other) = (Backend::start(&[]), out("again"), out("at-once"));
    let mut long = xtask(&["perf", "-q", "-u", "2", "-d", "12s", "--stack", "none", "--target", &backend.url]);
    let mut running = long.args(["--out", one.to_str().unwrap()]).stderr(std::process::Stdio::null()).spawn().unwrap();
    let lock = root().join("target/perf/command.lock");
    wait_for("the lock", std::time::Duration::from_secs(120), || {
        let holder = std::fs::read_to_string(&lock).ok()?;
        // The run creates its folder after it has taken the lock.
        (holder.contains("cargo xtask perf") && one.exists()).then_some(())
    });
    let refused = perf_for("2s", &backend, &[], &other);
    assert!(refused.code == 104 && refused.text.contains(" runs in this clone, and a load test"), "{}", refused.text);
    assert!(running.wait().unwrap().success());
    let folder = one.join("latest");
    let page = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let before = ["report.html", "junit.xml", "summary.md"].map(page);
    let again = run(&mut xtask(&["report", folder.join("report.json").to_str().unwrap()]));
    assert_eq!(again.code, 0, "{}", again.text);
    assert!(before == ["report.html", "junit.xml", "summary.md"].map(page));
}
