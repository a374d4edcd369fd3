//! Tests of the command line of `cargo xtask perf`.

use std::time::Duration;

use clap::{CommandFactory as _, Parser};

use super::*;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    args: PerfArgs,
}

fn rejection(line: &str) -> String {
    let parsed = match Line::try_parse_from(format!("perf {line}").split_whitespace()) {
        Ok(line) => line.args,
        Err(error) => return error.to_string(),
    };
    let checked = parsed.settings().map_err(|error| error.to_string());
    checked.and_then(|settings| parsed.check(&settings).map_err(|error| error.to_string())).expect_err(line)
}

#[test]
fn help_names_the_separator_of_each_variable() {
    let command = Line::command();
    for (flag, variable) in [
        ("target", "PERF_TARGET, separated by spaces"),
        ("resolve", "PERF_RESOLVE, separated by spaces"),
        ("stage", "K6_STAGES, separated by commas"),
        ("allow-target", "PERF_ALLOW_TARGET, separated by commas"),
        ("tag", "PERF_TAGS, one per line"),
        ("sni", "PERF_SNI, one per line"),
    ] {
        let help = command.get_arguments().find(|arg| arg.get_id() == flag).and_then(clap::Arg::get_long_help).unwrap();
        assert!(help.to_string().ends_with(&format!("[env: {variable}]")), "{help}");
    }
}

#[test]
fn each_flag_stands_under_the_heading_where_users_look_for_it() {
    let command = Line::command();
    let heading = |id: &str| {
        let arg = command.get_arguments().find(|arg| arg.get_id() == id);
        arg.and_then(clap::Arg::get_help_heading).unwrap_or_else(|| panic!("{id} has no heading")).to_owned()
    };
    for (expected, ids) in [
        ("Target and stack", &["target", "choice", "ephemeral", "prometheus_port", "mapping"][..]),
        ("Run", &["tag", "testid", "seed"]),
        ("Load", &["vus", "dry-run", "peak"]),
        ("Store", &["prometheus-url", "native-histograms"]),
        ("Output", &["out", "quiet", "verbose", "list"]),
        ("Judging and comparing", &["proof", "drill", "against", "gate", "margin", "requests_per_day"]),
    ] {
        for id in ids {
            assert_eq!(heading(id), expected, "{id}");
        }
    }
}

#[test]
fn invalid_flags_are_rejected_by_name() {
    for (line, names) in [
        ("--vus 0", "--vus"),
        ("-d soon", "--duration"),
        ("-i -3", "-3"),
        ("--target localhost:1", "--target"),
        ("--tag le=1", "reserved"),
        ("--tag x", "name=value"),
        ("--testid ../x", "testid"),
        ("--vus 5 --iterations 4", "--iterations 4"),
        ("--stage 1m", "--stage"),
        ("--stage 1m:5 --duration 5s", "stages"),
        ("--stage 1m:5 --iterations 5", "stages"),
        ("--rate fast", "--rate"),
        ("--rate 0/s", "--rate"),
        ("--rate 5/s --stage 1m:5", "rate"),
        ("--max-vus 5", "--rate"),
        ("--rate 5/s --vus 9 --max-vus 5", "--max-vus"),
        ("--warmup soon", "--warmup"),
        ("--rps 0", "--rps"),
        ("--agents 0", "--agents"),
        ("--agents 1001", "--agents"),
        ("--agents 2 --against http://a:1", "--agents"),
        ("--agents 2 --calibrate", "--agents"),
        ("--agents kubernetes:0", "--agents"),
        ("--agents kubernetes:2", "--image"),
        ("--agents kubernetes:2 --image a", "--target"),
        ("--agents kubernetes:2 --image a --target http://127.0.0.1:1", "pods do not reach http://127.0.0.1:1"),
        ("--agents kubernetes:2 --image a --target http://a.localhost", "pods do not reach"),
        ("--agents kubernetes:2 --image a --target unix:/a", "a socket of this machine"),
        ("--agents kubernetes:2 --image a --target http://a --prometheus-url http://[::1]:1", "http://[::1]:1"),
        ("--agents kubernetes:2 --image a --target http://a --stack docker", "--stack"),
        ("--agents kubernetes:2 --image a --target http://a --grafana-port 5", "--grafana-port"),
        ("--agents kubernetes:2 --image a --target http://a --proof", "--proof needs a store"),
        ("--agents kubernetes:2 --image a --target http://a --ca-certificate b.pem", "b.pem"),
        ("--agents kubernetes:2 --image a --target http://a --listen 10.0.0.1:1", "--listen"),
        ("--image a", "--agents kubernetes:N"),
        ("--context a", "--image"),
        ("--max-redirects -1", "-1"),
        ("--max-redirects 101", "--max-redirects"),
        ("--request-timeout 0s", "--request-timeout"),
        ("--user-agent \u{7f}", "--user-agent"),
        ("--replay x.json --seed 5", "--replay"),
        ("--replay x.json --rate 5/s", "replay"),
        ("--ca-certificate x --insecure-skip-tls-verify", "--ca-certificate"),
        ("--prometheus-url http://p:1 --stack docker", "--stack"),
        ("--prometheus-url http://p:1 --ephemeral", "--ephemeral"),
        ("--stack none --grafana-port 5", "--grafana-port"),
        ("--stack none --ephemeral", "--ephemeral"),
        ("--no-grafana --grafana-port 5", "--grafana-port"),
        ("--prometheus-port 3001 --grafana-port 3001", "3001"),
        ("--prometheus-port 0", "--prometheus-port"),
        ("--stack podman", "podman"),
        ("--stack none --proof", "--proof"),
        ("--proof --no-proof", "--no-proof"),
        ("--proof --dry-run", "--proof"),
        ("basic endurance --baseline main", "one scenario"),
        ("--baseline main --against main", "--against"),
        ("--save-baseline ../x", "baseline"),
        ("--gate relative", "--gate"),
        ("--margin 3", "--margin"),
        ("--smoke --against main", "--smoke"),
        ("--smoke --calibrate", "--smoke"),
        ("--smoke --baseline main", "--smoke"),
        ("--smoke --save-baseline main", "--smoke"),
        ("--smoke --drill", "--smoke"),
    ] {
        let message = rejection(line);
        assert!(message.contains(names), "{line}: {message}");
    }
}

#[test]
fn an_error_names_a_setting_as_it_was_typed() {
    for (line, variables, message) in [
        ("--proof", &[("PERF_DRY_RUN", "1")][..], "remove --proof, or PERF_DRY_RUN"),
        ("--proof --dry-run", &[], "remove --proof, or --dry-run"),
        ("--calibrate", &[("PERF_AGENTS", "2")], "PERF_AGENTS is for single runs"),
        ("--calibrate --agents 2", &[], "--agents is for single runs"),
        ("", &[("PERF_AGENTS", "kubernetes:2")], "PERF_AGENTS=kubernetes:N needs --image REF"),
        ("--image a", &[("PERF_AGENTS", "kubernetes:2")], "PERF_AGENTS=kubernetes:N needs --target URL"),
        ("", &[("PERF_SHARD", "1/2")], "PERF_SHARD needs --target URL"),
        ("--proof", &[("PERF_SHARD", "1/2")], "remove --proof, or PERF_SHARD"),
        ("--shard 1/2", &[], "--shard needs --target URL"),
        ("a b --target http://a --shard 1/2", &[("PERF_START_AT", "9")], "PERF_START_AT is for one scenario"),
        ("a b --target http://a --shard 1/2 --start-at 9", &[], "--start-at is for one scenario"),
        ("--target http://a --shard 1/2", &[("PERF_START_AT", "9")], "PERF_START_AT=1970-01-01T00:00:09.000Z: "),
        ("--shard 1/2 --prometheus-url http://p:1", &[], "remove --prometheus-url"),
        ("--agents 2 --listen 10.0.0.1:1", &[], "--listen admits only agents that know a secret: set PERF_AGENT_TOKEN"),
        ("--smoke --agents 2", &[], "remove --smoke or --agents"),
        ("--smoke", &[("PERF_SHARD", "1/2")], "remove --smoke or PERF_SHARD"),
    ] {
        let args = Line::try_parse_from(format!("perf {line}").split_whitespace()).unwrap().args;
        let lookup = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, text)| (*text).to_owned());
        let checked = args.settings_over(&lookup).map_err(|error| error.to_string());
        let error = checked.and_then(|settings| args.check(&settings).map_err(|error| error.to_string())).unwrap_err();
        assert!(error.contains(message), "{line}: {error}");
    }
}

#[test]
fn a_command_line_is_kept_without_secrets() {
    assert_eq!(without_secrets("--target=http://user:pass@host:1/"), "--target=http://host:1");
    assert_eq!(without_secrets("--target=auth=http://user:pass@host:1/"), "--target=auth=http://host:1");
    assert_eq!(without_secrets("auth=http://user:pass@host:1/"), "auth=http://host:1");
    assert_eq!(without_secrets("http://user:pass@host:1/a"), "http://host:1/a");
    let both = "http://user:pass@host:1 auth=http://user:pass@host:2";
    assert_eq!(without_secrets(both), "http://host:1 auth=http://host:2");
    assert_eq!(without_secrets("--target=http://user:pass@host:port"), "--target=…");
    assert_eq!(without_secrets("--start=KEY=x ./server"), "--start=…");
    assert_eq!(without_secrets("team=trading"), "team=trading");
}

#[test]
fn a_load_flag_hides_every_load_variable() {
    let variables =
        [(perf_settings::ITERATIONS, "50"), (perf_settings::STAGES, "1m:5"), (perf_settings::DURATION, "9s")];
    let load = |line: [&str; 3], hidden: &str| {
        let lookup = |name: &str| {
            let shown = variables.iter().find(|(key, _)| *key == name && name != hidden);
            shown.map(|(_, text)| (*text).to_owned())
        };
        Line::try_parse_from(line).unwrap().args.settings_over(&lookup).unwrap().load
    };
    let replaced = load(["perf", "-d", "5s"], "");
    assert_eq!(replaced.duration, Some(Duration::from_secs(5)));
    assert_eq!((replaced.iterations, replaced.stages), (None, vec![]));
    let kept = load(["perf", "-u", "5"], perf_settings::STAGES);
    assert_eq!((kept.iterations, kept.duration), (Some(50), Some(Duration::from_secs(9))));
}

#[test]
fn an_error_names_the_flag_that_was_typed() {
    for (line, names) in [("--vus 0", "--vus: "), ("--target nowhere", "--target: "), ("--tag x", "--tag: ")] {
        assert!(rejection(line).starts_with(names), "{line}");
    }
    let line = Line::try_parse_from(["perf", "--prometheus-url", "nowhere"]).unwrap();
    assert!(line.args.settings_over(&|_| None).unwrap_err().to_string().starts_with("--prometheus-url: "));
}

#[test]
fn prometheus_url_receives_metrics_unless_another_store_is_named() {
    let line = Line::try_parse_from(["perf", "--prometheus-url", "http://p:1/prefix/"]).unwrap();
    let write = |given: Option<&str>| {
        let lookup = |name: &str| given.filter(|_| name == perf_settings::REMOTE_WRITE).map(str::to_owned);
        line.args.settings_over(&lookup).unwrap().remote_write.unwrap().to_string()
    };
    assert_eq!(write(None), "http://p:1/prefix/api/v1/write");
    assert_eq!(write(Some("http://q:2/push")), "http://q:2/push");
}
