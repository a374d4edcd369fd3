//! Tests of `flag_error`.

use clap::{CommandFactory as _, Parser as _};

use super::*;
use crate::Cli;

fn description(line: &str) -> String {
    let words: Vec<_> = ["xtask"].into_iter().chain(line.split(' ')).map(str::to_owned).collect();
    let error = Cli::try_parse_from(&words).expect_err(line);
    describe(&error, &Cli::command(), &words)
}

#[test]
fn each_kind_of_error_names_the_words_and_the_help() {
    for (line, expected) in [
        ("perf --vuss 3", "there is no flag --vuss; did you mean --vus? See cargo xtask perf --help"),
        ("perf -x", "there is no flag -x. See cargo xtask perf --help"),
        ("perf -d -5s", "-d -5s: a duration cannot be negative. See cargo xtask perf --help"),
        ("perf basic -i -3", "-i -3: the value cannot be negative. See cargo xtask perf --help"),
        ("perf --vus", "--vus needs a value. See cargo xtask perf --help"),
        ("perf --smoke=3", "--smoke takes no value, but \"3\" was given. See cargo xtask perf --help"),
        ("perf --no-grafana --no-grafana", "--no-grafana is given twice. See cargo xtask perf --help"),
        (
            "perf --shard 1/2 --agents 2",
            "--shard cannot be used with --agents: remove one of them. See cargo xtask perf --help",
        ),
        (
            "perf --gate relativ",
            "--gate: \"relativ\" is not one of absolute, relative, both; did you mean relative? See cargo xtask perf --help",
        ),
        (
            "perf --grafana-port 0",
            "--grafana-port: \"0\" is not a whole number from 1 to 65535. See cargo xtask perf --help",
        ),
        ("perf --margin x", "--margin: \"x\" is not a percentage from 0 to 1000. See cargo xtask perf --help"),
        ("perf --context a", "missing: --image <REF>. See cargo xtask perf --help"),
        ("compare a", "missing: <HEAD>. See cargo xtask compare --help"),
        (
            "completions zz",
            "SHELL: \"zz\" is not one of bash, elvish, fish, powershell, zsh. See cargo xtask completions --help",
        ),
        ("pref", "there is no command \"pref\"; did you mean perf? See cargo xtask --help"),
        ("stack dwn", "there is no command \"dwn\"; did you mean down? See cargo xtask stack --help"),
        ("runs basic", "\"basic\" is one argument too many. See cargo xtask runs --help"),
        ("archive a b", "\"b\" is one argument too many. See cargo xtask archive --help"),
        (
            "archive latest --prometheus-url nowhere",
            "--prometheus-url: \"nowhere\" is not a URL such as http://127.0.0.1:8000: it does not start with http:// \
             or https://. See cargo xtask archive --help",
        ),
    ] {
        assert_eq!(description(line), expected);
    }
}
