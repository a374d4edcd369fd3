//! Tests of the command line: help texts, and messages about
//! wrong flags. They build and start nothing.

use std::fs;
use std::process::{Command, Output, Stdio};

use perf_report::exit_code::ExitCode;

use crate::real::root;

fn xtask(args: &[&str], environment: &[(&str, &str)]) -> Output {
    crate::real::xtask(args).envs(environment.iter().copied()).output().unwrap()
}

#[test]
fn help_names_every_flag_and_every_exit_code() {
    let output = xtask(&["perf", "--help"], &[]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    for flag in [
        "-u, --vus",
        "-d, --duration",
        "-i, --iterations",
        "--target",
        "--tag",
        "--testid",
        "--seed",
        "--stack",
        "--prometheus-url",
        "--no-grafana",
        "--ephemeral",
        "--prometheus-port",
        "--grafana-port",
        "--out",
        "--quiet",
        "--list",
        "K6_PROMETHEUS_RW_SERVER_URL",
        "K6_PROMETHEUS_RW_PUSH_INTERVAL",
        "\n  90 ",
        "\n  99 ",
        "\n  104 ",
        "\n  105 ",
        "\n  70 ",
    ] {
        assert!(text.contains(flag), "{flag} is not in the help");
    }
}

#[test]
fn an_image_without_docker_is_refused() {
    let output = xtask(&["image"], &[("PATH", "")]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(104), "{text}");
    assert!(text.contains("docker, which builds the image, is not on PATH: install it"), "{text}");
}

#[test]
fn the_readme_has_every_exit_code_and_their_order() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    for exit in ExitCode::RANKED {
        assert_eq!(readme.matches(&format!("\n| {} | ", exit.code())).count(), 1, "{exit:?}");
    }
    let failures = ExitCode::RANKED.into_iter().filter(|exit| *exit != ExitCode::Met);
    let order = failures.map(|exit| exit.code().to_string()).collect::<Vec<_>>().join(", ");
    assert!(readme.contains(&format!("the first of these is used: {order}.")), "{order}");
}

#[test]
fn wrong_flags_exit_104_with_a_reason() {
    for (args, expected) in [
        (&["perf", "--vus", "0"][..], "from 1 to"),
        (&["perf", "--no-such-flag"], "--no-such-flag"),
        (&["perf", "--duration", "soon"], "30s"),
        (&["perf", "--vus", "9", "--iterations", "3"], "--iterations 3"),
        (&["perf", "--tag", "testid=x"], "reserved"),
        (&["perf", "--target", "nowhere"], "--target"),
        (&["perf", "--prometheus-url", "http://127.0.0.1:1", "--stack", "docker"], "--stack"),
        (&["pref"], "perf"),
    ] {
        let output = xtask(args, &[]);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(104), "{args:?}: {text}");
        assert!(text.contains(expected), "{args:?}: {text}");
    }
}

#[test]
fn an_unknown_revision_is_found_before_a_build() {
    // With this compiler, every build fails.
    let output = xtask(&["perf", "--against", "no-such-revision"], &[("RUSTC", "no-such-compiler")]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(104), "{text}");
    assert!(text.contains("there is no revision \"no-such-revision\""), "{text}");
}

#[test]
fn the_first_line_of_an_error_has_one_of_two_forms() {
    const VERDICT: &str = "did not run (exit 104)";
    let folder = crate::real::out("no-archive");
    std::fs::create_dir_all(&folder).unwrap();
    let folder = folder.to_str().unwrap();
    // Commands that judge runs begin with their verdict, and repeat it in the last line.
    for args in [
        &["perf", "nonesuch"][..],
        &["perf", "-u", "9", "-i", "3"],
        &["perf", "--no-such-flag"],
        &["merge", folder],
        &["merge", "--no-such-flag"],
    ] {
        let output = xtask(args, &[]);
        let [errors, printed] = [output.stderr, output.stdout].map(|text| String::from_utf8(text).unwrap());
        assert!(errors.starts_with(&format!("{VERDICT}: ")), "{args:?}: {errors}");
        assert_eq!(printed.lines().last(), Some(VERDICT), "{args:?}: {printed}");
        assert_eq!(output.status.code(), Some(104), "{args:?}");
    }
    // Other commands have the other form.
    for args in [
        &["report", "--no-such-flag"][..],
        &["report", "nonesuch"],
        &["compare", "nonesuch", "latest"],
        &["archive", "nonesuch"],
        &["dashboards", "diff", "nonesuch"],
        &["export", "xtask"],
        &["new-scenario", "one", "--service", "nonesuch"],
        &["bench", "peers", "--build", "nonesuch"],
        &["stack", "doctor", "--target", "nonesuch"],
    ] {
        let output = xtask(args, &[]);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(errors.starts_with("error: "), "{args:?}: {errors}");
        assert_eq!(output.status.code(), Some(104), "{args:?}: {errors}");
    }
}

#[test]
fn a_stack_of_nothing_is_not_called_a_store() {
    let output = xtask(&["stack", "up", "--stack", "none"], &[]);
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "nothing was started\n");
}

#[test]
fn a_wrong_variable_exits_104_and_is_named() {
    let output = xtask(&["perf"], &[("K6_DURATION", "30")]);
    assert_eq!(output.status.code(), Some(104));
    assert!(String::from_utf8(output.stderr).unwrap().contains("K6_DURATION"));
    let elsewhere = [("K6_PROMETHEUS_RW_SERVER_URL", "http://127.0.0.1:1/api/v1/write")];
    let output = xtask(&["perf", "--stack", "docker"], &elsewhere);
    assert_eq!(output.status.code(), Some(104));
    assert!(String::from_utf8(output.stderr).unwrap().contains("K6_PROMETHEUS_RW_SERVER_URL"));
}

#[test]
fn flags_that_contradict_a_shard_are_refused() {
    let target = ["--target", "http://127.0.0.1:9"];
    let refusals: [(&[&str], &str); 11] = [
        (&["--shard", "4/3"], "\"4/3\" is not a shard such as 2/8"),
        (&["--shard", "1/3"], "--shard needs --target URL"),
        (&["--start-at", "5"], "--start-at is for shards: add --shard I/N"),
        (
            &["--shard", "1/3", "--agents", "2"],
            "--shard cannot be used with --agents: remove one of them. See cargo xtask perf --help",
        ),
        (&["--shard", "1/3", "--against", "main"], "--shard is for single runs"),
        (&["--shard", "1/3", "--baseline", "main"], "give it to cargo xtask merge"),
        (&["--shard", "1/3", "--prometheus-url", "http://127.0.0.1:9"], "--shard pushes to no store"),
        (&["--shard", "1/3", "--proof"], "--proof needs a store, and shards push to none"),
        (&["--shard", "1/3", "--ephemeral"], "--ephemeral needs a store, and shards push to none"),
        (&["--shard", "1/3", "--start-at", "2001-01-01T00:00:00Z"], "this time has passed"),
        (&["--shard", "1/3", "--start-at", "12:00"], "\"12:00\" is not a time in UTC"),
    ];
    for (flags, why) in refusals {
        let target = if why.contains("--target") { &[][..] } else { &target };
        let output = xtask(&[&["perf", "basic"], target, flags].concat(), &[]);
        let printed = String::from_utf8(output.stderr).unwrap();
        assert!(printed.contains(why), "{flags:?}: {printed}");
        assert_eq!(output.status.code(), Some(104), "{flags:?}");
    }
    let folder = crate::real::out("no-shards");
    std::fs::create_dir_all(&folder).unwrap();
    let output = xtask(&["merge", folder.to_str().unwrap()], &[]);
    assert_eq!(output.status.code(), Some(104));
    let printed = String::from_utf8(output.stderr).unwrap();
    assert!(printed.contains("no-shards has no shard-I-of-N.json"), "{printed}");
}

#[test]
fn short_help_has_one_line_of_100_columns_for_each_flag() {
    let mut commands = vec![Vec::new()];
    let mut seen = 0;
    while let Some(command) = commands.get(seen).cloned() {
        seen += 1;
        let help = xtask(&[command.iter().map(String::as_str).collect(), vec!["-h"]].concat(), &[]);
        let text = String::from_utf8(help.stdout).unwrap();
        assert!(help.status.success() && !text.is_empty(), "{command:?}");
        let wide: Vec<_> = text.lines().filter(|line| line.chars().count() > 100).collect();
        assert!(wide.is_empty(), "{command:?}: {wide:#?}");
        // If one text is too long, clap puts those of all flags on lines of their own.
        let is_alone = |line: &&str| line.starts_with("      --") && !line.trim_start().contains("  ");
        let alone: Vec<_> = text.lines().filter(is_alone).collect();
        assert!(alone.is_empty(), "{command:?}: {alone:#?}");
        // A second line of usage is not a continuation.
        let is_continued = |line: &&str| line.starts_with("       ") && !line.trim_start().starts_with("cargo xtask");
        let continued: Vec<_> = text.lines().filter(is_continued).collect();
        assert!(continued.is_empty(), "{command:?}: {continued:#?}");
        commands.extend(subcommands(&text).map(|name| [&command[..], &[name.to_owned()]].concat()));
    }
    let has = |names: &[&str]| commands.iter().any(|command| command == names);
    assert!(has(&["image"]) && has(&["bench", "features"]) && has(&["stack", "status"]), "{commands:?}");
}

/// Names of the commands in a short help.
fn subcommands(help: &str) -> impl Iterator<Item = &str> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let lines = lines.take_while(|line| !line.is_empty());
    lines.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help")
}

#[test]
fn completions_have_every_command_and_the_flags_of_perf() {
    for shell in ["bash", "zsh", "fish"] {
        let output = xtask(&["completions", shell], &[]);
        let script = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{shell}");
        for word in ["perf", "merge", "codegen", "new-service", "smoke", "prometheus-url"] {
            assert!(script.contains(word), "{shell}: {word} is not completed");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn bash_completes_cargo_xtask_and_its_flags() {
    const COMPLETE: &str = r#"
        source <("$1" completions bash)
        shift
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
        "$(complete -p cargo | sed 's/.* -F \([^ ]*\) .*/\1/')" cargo "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        echo "${COMPREPLY[@]}""#;
    let complete = |line: &str| {
        let script = ["--norc", "-c", COMPLETE, "bash", env!("CARGO_BIN_EXE_xtask")];
        let output = Command::new("bash").args(script).args(line.split(' ')).output().unwrap();
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    };
    assert_eq!(complete("cargo xtask stack do"), "down doctor");
    assert_eq!(complete("cargo xtask perf --smo"), "--smoke");
}

#[test]
fn a_command_that_stops_early_is_on_the_job_page() {
    let page = crate::real::out("job-page-command").with_extension("md");
    let environment = [("GITHUB_ACTIONS", "true"), ("GITHUB_STEP_SUMMARY", page.to_str().unwrap())];
    let output = xtask(&["perf", "--against", "main", "basic", "progressive"], &environment);
    crate::real::assert_stop_on_job_page(&page, &String::from_utf8(output.stdout).unwrap(), "2 are named");
    assert_eq!(output.status.code(), Some(104));
}

/// Such as `cargo xtask stack images | head -1`.
#[test]
fn a_closed_pipe_does_not_end_a_command() {
    let mut command = crate::real::xtask(&["stack", "images"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
#[cfg(unix)]
fn commands_find_latest_in_the_named_folder() {
    let out = crate::real::out("latest-of-a-folder");
    let run = out.join("named-1");
    std::fs::create_dir_all(&run).unwrap();
    std::fs::write(run.join("report.json"), test_support::situation("met", "").unwrap()).unwrap();
    perf_host::files::point_latest_to(&run).unwrap();
    let folder = out.to_str().unwrap();
    let port = crate::real::free_port().to_string();
    let lacks_histograms = format!("cannot read {folder}/latest/");
    for (args, expected) in [
        (&["report", "latest"][..], "basic: "),
        (&["compare", "latest", "latest"], lacks_histograms.as_str()),
        (&["archive", "latest", "--prometheus-port", &port], "no Prometheus responds"),
    ] {
        let by_flag = crate::real::run(crate::real::xtask(args).args(["--out", folder]));
        assert!(by_flag.text.contains(expected), "{args:?}: {}", by_flag.text);
        let by_variable = crate::real::run(crate::real::xtask(args).env("PERF_OUT", folder));
        assert!(by_variable.text.contains(expected), "{args:?}: {}", by_variable.text);
    }
}
