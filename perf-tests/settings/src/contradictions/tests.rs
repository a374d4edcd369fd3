//! Tests of `contradictions`.

use super::*;
use crate::shard::parse_moment;
use crate::{DRY_RUN, Rate, Stage, parse_url};

fn settings() -> Settings {
    Settings::new(parse_url("http://main.test").unwrap())
}

#[test]
fn contradictions_are_rejected() {
    let stage = Stage { duration: Duration::from_secs(60), target: 1 };
    let rate = Some(Rate { count: 1, per: Duration::from_secs(1) });
    let none = LoadOverride::default;
    let check = |load: LoadOverride| Settings { load, ..settings() }.check_load();
    for wrong in [
        LoadOverride { stages: vec![stage], duration: Some(Duration::from_secs(1)), ..none() },
        LoadOverride { stages: vec![stage], iterations: Some(1), ..none() },
        LoadOverride { stages: vec![stage], rate, ..none() },
        LoadOverride { rate, iterations: Some(1), ..none() },
        LoadOverride { max_vus: Some(5), ..none() },
        LoadOverride { rate, vus: Some(6), max_vus: Some(5), ..none() },
    ] {
        assert!(check(wrong.clone()).is_err(), "{wrong:?}");
    }
    assert!(check(LoadOverride { rate, vus: Some(5), max_vus: Some(5), ..none() }).is_ok());
}

#[test]
fn a_start_that_has_passed_is_refused() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let at = |text: &str| {
        let start_at = Some(parse_moment(text).unwrap());
        Settings { start_at, ..settings() }.check_start(now).map_err(|error| error.to_string())
    };
    assert_eq!(at("1000000010"), Ok(()));
    assert_eq!(at("2001-09-09T01:46:50.5Z"), Ok(()));
    let passed = "--start-at 2001-09-09T01:46:30.000Z: this time has passed, it is 2001-09-09T01:46:40.000Z: choose \
                  a later one for all shards";
    assert_eq!(at("2001-09-09T01:46:30Z"), Err(passed.to_owned()));
    assert!(at("2000000000").unwrap_err().contains("more than a day after now"));
    let variables = |name: &str| match name {
        START_AT => Some("2001-09-09T01:46:30Z".to_owned()),
        SHARD => Some("1/2".to_owned()),
        _ => None,
    };
    let error = Settings::from_lookup(&variables).unwrap().check_start(now).unwrap_err().to_string();
    assert!(error.starts_with("PERF_START_AT=2001-09-09T01:46:30.000Z: this time has passed"), "{error}");
}

#[test]
fn an_address_for_agents_needs_a_token() {
    let read = |token: Option<&str>, dry_run: &str| {
        let lookup = |name: &str| match name {
            AGENTS => Some("2".to_owned()),
            LISTEN => Some("127.0.0.1:1".to_owned()),
            DRY_RUN => Some(dry_run.to_owned()),
            AGENT_TOKEN => token.map(str::to_owned),
            _ => None,
        };
        Settings::from_lookup(&lookup).map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(read(Some("sixteen letters."), ""), Ok(()));
    assert_eq!(read(None, "1"), Ok(()), "no agent joins a dry run");
    for token in [None, Some(""), Some("fifteen letters")] {
        let error = read(token, "").unwrap_err();
        assert!(
            error.starts_with("PERF_LISTEN admits only agents that know a secret: set PERF_AGENT_TOKEN"),
            "{error}"
        );
    }
}
