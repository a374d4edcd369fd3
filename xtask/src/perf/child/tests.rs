//! Tests of `child`.

use std::os::unix::process::ExitStatusExt as _;

use super::*;

#[expect(clippy::unwrap_used, reason = "a helper that fails fails the test")]
fn finished(name: &str, outcome: Option<Outcome>, status: i32) -> Result<ExitCode, ExitCode> {
    let file = workspace::target().join(format!("finish-test-{name}.json"));
    if let Some(outcome) = outcome {
        fs::write(&file, serde_json::to_string(&outcome).unwrap()).unwrap();
    }
    let scenario = ScenarioTest { name: "basic".to_owned(), test: "basic::basic".to_owned() };
    let result = read(&scenario, &file, ExitStatus::from_raw(status << 8));
    assert!(!file.exists());
    match result {
        Ok(ChildOutcome::Planned(..)) => Ok(ExitCode::Met),
        Ok(ChildOutcome::Sharded { code, .. }) => Ok(code),
        Ok(ChildOutcome::Measured(_)) => panic!("the outcome has no evidence"),
        Err(error) => Err(error.code()),
    }
}

#[test]
fn only_sigkill_suggests_too_little_memory() {
    let scenario = ScenarioTest { name: "basic".to_owned(), test: "basic::basic".to_owned() };
    let missing = workspace::target().join("no-such-outcome.json");
    for (status, is_killed) in [(9, true), (11, false), (6, false), (1 << 8, false), (9 << 8, false)] {
        let ended = ExitStatus::from_raw(status);
        let hint = if is_killed { ". SIGKILL often means too little memory" } else { "" };
        let expected = format!(
            "the process of scenario basic ended with {ended} before it wrote a result: see its output above{hint}"
        );
        assert_eq!(read(&scenario, &missing, ended).err().unwrap().to_string(), expected);
    }
}

#[test]
fn an_outcome_that_cannot_be_written_is_the_cause() {
    let scenario = ScenarioTest { name: "basic".to_owned(), test: "basic::basic".to_owned() };
    let error = read(&scenario, Path::new("/no/such/outcome.json"), ExitStatus::from_raw(101 << 8)).err().unwrap();
    let text = error.to_string();
    assert!(text.starts_with("failed to write /no/such/outcome.json: ") && text.contains("PERF_FOLDER"), "{text}");
    assert_eq!(error.code(), ExitCode::Internal);
}

#[test]
fn a_test_that_fails_after_a_met_run_is_a_configuration_error() {
    let planned = || Some(Outcome::Plan(PlanSummary::default()));
    assert_eq!(finished("met", planned(), 0), Ok(ExitCode::Met));
    assert_eq!(finished("own", planned(), 101), Err(ExitCode::BadConfiguration));
    assert_eq!(finished("none", None, 0), Err(ExitCode::Internal));
    let failed = Outcome::Failed { code: ExitCode::Inconclusive, message: String::new() };
    assert_eq!(finished("failed", Some(failed), 101), Err(ExitCode::Inconclusive));
}

#[test]
fn a_scenario_does_not_get_the_token_of_metrics() {
    let target = url::Url::parse("http://127.0.0.1").unwrap();
    let settings = Settings { metrics_token: Some("S3cr3t".to_owned()), ..Settings::new(target) };
    let command = command(Path::new("load"), "basic::basic", &settings).unwrap();
    let given: Vec<_> = command.as_std().get_envs().collect();
    assert!(given.contains(&(METRICS_TOKEN.as_ref(), None)), "it would inherit the variable");
    assert!(!format!("{given:?}").contains("S3cr3t"));
}
