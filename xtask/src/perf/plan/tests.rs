//! Tests of `plan`.

use perf_report::exit_code::ExitCode;
use perf_settings::{DEFAULT_TARGET, parse_url};

use super::*;

#[test]
fn a_plan_refuses_a_folder_with_another_run() {
    let out = workspace::target().join("plan-test");
    let _ = std::fs::remove_dir_all(&out);
    let scenario = |name: &str| ScenarioTest { name: name.to_owned(), test: format!("{name}::{name}") };
    let (one, two) = ([scenario("a")], [scenario("a"), scenario("b")]);
    let testid = Some("used".to_owned());
    let settings = Settings { testid, out: Some(out.clone()), ..Settings::new(parse_url(DEFAULT_TARGET).unwrap()) };
    // Several runs get testids of their own.
    for (used, scenarios, others) in [("used", &one[..], &two[..]), ("used-b", &two, &one)] {
        let folder = out.join(used);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(REPORT), "").unwrap();
        check_folders(&settings, others).unwrap();
        let error = check_folders(&settings, scenarios).unwrap_err().to_string();
        let expected = format!("{} already exists: testid {used:?} is in use, choose another", folder.display());
        assert!(error.starts_with(&expected), "{error}");
        std::fs::remove_dir_all(&out).unwrap();
    }
}

#[test]
fn a_build_that_fails_after_a_signal_is_interrupted() {
    for (number, code) in [(0, ExitCode::BadConfiguration), (1, ExitCode::Interrupted)] {
        let (sender, signals) = Signals::from_sender();
        sender.send_replace(number);
        let error = build("no-such-profile", Programs::Scenarios, &signals).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
    }
}
