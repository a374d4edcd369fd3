//! Tests of the repository's structure: which crates import which, and the form of source files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::{Dependency, DependencyKind, Metadata, MetadataCommand, Package};

use monitoring::services;

use crate::modules::{is_in_name, without_tests};
use crate::real::{root, rust_files};

fn metadata() -> Metadata {
    MetadataCommand::new().current_dir(root()).no_deps().exec().unwrap()
}

/// The crates of the workspace that a crate imports, by name: by its code, and by its tests.
fn imports(package: &Package, metadata: &Metadata) -> [Vec<String>; 2] {
    let names = |is_dev: bool| {
        let kind = |it: &&Dependency| (it.kind == DependencyKind::Development) == is_dev;
        let is_ours = |name: &String| metadata.packages.iter().any(|package| package.name == *name);
        let names = package.dependencies.iter().filter(kind).map(|it| it.name.clone()).filter(is_ours);
        names.collect::<BTreeSet<_>>().into_iter().collect()
    };
    [names(false), names(true)]
}

#[test]
fn crates_import_only_allowed_crates() {
    let expected: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("dashboards", &["monitoring"][..]),
        ("engine-bench", &[]),
        ("monitoring", &[]),
        ("perf-compare", &["monitoring", "perf-report"]),
        ("perf-host", &[]),
        ("perf-report", &["monitoring"]),
        ("perf-settings", &["monitoring", "prometheus-store"]),
        ("perf-tests", &["monitoring", "perf-host", "perf-report", "perf-settings", "prometheus-store"]),
        ("prometheus-store", &["monitoring"]),
        ("run-tests", &[]),
        ("scenarios", &[]),
        ("stub-backend", &[]),
        ("test-support", &["monitoring", "perf-report"]),
        (
            "xtask",
            &[
                "dashboards",
                "monitoring",
                "perf-compare",
                "perf-host",
                "perf-report",
                "perf-settings",
                "prometheus-store",
            ],
        ),
    ]);
    let metadata = metadata();
    assert_eq!(metadata.packages.len(), expected.len(), "a crate is missing in the table");
    for package in &metadata.packages {
        let name = package.name.as_str();
        let [own, dev] = imports(package, &metadata);
        assert_eq!(own, expected[name], "{name}");
        // Crates without product code import the crates that they measure or test.
        let subjects: &[&str] = match name {
            "engine-bench" => &["monitoring", "perf-tests"],
            "run-tests" => &["monitoring", "perf-host", "perf-report", "perf-settings", "perf-tests"],
            "scenarios" => &["monitoring", "perf-tests"],
            _ => &[],
        };
        let is_allowed =
            |import: &String| import == "test-support" || own.contains(import) || subjects.contains(&&**import);
        let others: Vec<_> = dev.iter().filter(|import| !is_allowed(import)).collect();
        assert!(others.is_empty(), "the tests of {name} import {others:?}");
    }
}

#[test]
fn crates_do_not_depend_on_forbidden_libraries() {
    const IO: &[&str] = &["axum", "hyper", "reqwest", "rustls", "testcontainers", "tokio", "tokio-rustls", "url"];
    const COMMANDS: &[&str] = &["cargo_metadata", "clap", "testcontainers", "xshell"];
    const RENDERERS: &[&str] = &["comfy-table", "maud", "quick-junit"];
    const STATISTICS: &[&str] = &["hdrhistogram", "rand", "rand_chacha", "rand_distr", "statrs"];
    const WIRE: &[&str] = &["prost", "snap"];
    let forbidden: BTreeMap<&str, Vec<&[&str]>> = BTreeMap::from([
        ("monitoring", vec![IO, COMMANDS, RENDERERS, STATISTICS, WIRE, &["base64", "humantime"]]),
        ("perf-report", vec![IO, COMMANDS, WIRE]),
        ("perf-compare", vec![IO, COMMANDS, RENDERERS, WIRE]),
        ("prometheus-store", vec![COMMANDS, RENDERERS, STATISTICS, WIRE, &["axum", "hyper"]]),
        ("dashboards", vec![IO, COMMANDS, RENDERERS, STATISTICS, WIRE]),
        (
            "perf-settings",
            vec![COMMANDS, RENDERERS, STATISTICS, WIRE, &["axum", "hyper", "reqwest", "rustls", "tokio"]],
        ),
        ("perf-tests", vec![COMMANDS, RENDERERS, &["criterion", "statrs"]]),
        ("perf-host", vec![COMMANDS, RENDERERS, STATISTICS, WIRE, &["axum", "hyper", "reqwest"]]),
        ("engine-bench", vec![]),
        ("run-tests", vec![]),
        ("scenarios", vec![WIRE]),
        ("stub-backend", vec![WIRE, &["hdrhistogram", "reqwest", "testcontainers"]]),
        ("test-support", vec![WIRE, &["hdrhistogram", "reqwest", "testcontainers"]]),
        ("xtask", vec![RENDERERS, WIRE, &["hdrhistogram", "hyper", "statrs"]]),
    ]);
    for package in &metadata().packages {
        let forbidden = forbidden[package.name.as_str()].concat();
        for dependency in &package.dependencies {
            let is_forbidden = forbidden.contains(&dependency.name.as_str());
            assert!(!is_forbidden, "{} must not depend on {}", package.name, dependency.name);
        }
    }
}

/// Setup's value reaches agents as JSON, and its floats must be the same there.
#[test]
fn floats_keep_their_value_in_json() {
    for package in &metadata().packages {
        let json = package.dependencies.iter().find(|dependency| dependency.name == "serde_json");
        let is_exact = json.is_none_or(|json| json.features.iter().any(|feature| feature == "float_roundtrip"));
        assert!(is_exact, "{}: serde_json without float_roundtrip", package.name);
    }
}

fn sources() -> Vec<(String, String)> {
    let files = ["monitoring", "dashboards", "perf-tests", "xtask"].map(|folder| rust_files(&root().join(folder)));
    let read =
        |path: PathBuf| (path.strip_prefix(root()).unwrap().display().to_string(), fs::read_to_string(&path).unwrap());
    let sources: Vec<_> = files.into_iter().flatten().map(read).collect();
    assert!(sources.len() > 40, "found only {} sources", sources.len());
    sources
}

#[test]
fn source_files_begin_with_a_doc_comment_and_stay_small() {
    const MOST_LINES: usize = 400;
    const MOST_OF_MEDIAN: usize = 130;
    let shapeless = ["util", "utils", "common", "helpers", "types", "prelude"];
    let mut lengths = Vec::new();
    for (name, text) in sources() {
        assert!(text.starts_with("//! "), "{name} does not begin with a doc comment (//!)");
        let lines = text.lines().count();
        assert!(lines <= MOST_LINES, "{name} has {lines} lines; at most {MOST_LINES} are allowed");
        let stem = Path::new(&name).file_stem().unwrap().to_str().unwrap().to_owned();
        assert!(!shapeless.contains(&stem.as_str()), "{name}: the name does not describe the content");
        // Concatenated, so that this line is not found.
        let allow = ["#[", "allow("].concat();
        assert!(!text.contains(&allow), "{name} allows a lint: use expect with a reason");
        let other_place = ["#[", "path"].concat();
        assert!(!text.contains(&other_place), "{name} includes a file of another place: use test-support");
        lengths.push(lines);
    }
    lengths.sort_unstable();
    let median = lengths[lengths.len() / 2];
    assert!(median <= MOST_OF_MEDIAN, "the median file has {median} lines");
}

/// A module is `foo.rs` beside `foo/`. The services are a `mod.rs`: a fork keeps the whole folder.
#[test]
fn only_the_services_are_a_mod_file() {
    let names = sources().into_iter().map(|(name, _)| name).filter(|name| name.ends_with("/mod.rs"));
    assert_eq!(names.collect::<Vec<_>>(), ["monitoring/src/services/mod.rs"]);
}

/// Files of runs and comparisons have one author, so that all of them say the same.
#[test]
fn only_report_files_renders_files_of_runs() {
    const WRITER: &str = "xtask/src/runs/report_files.rs";
    // Commands that have a report or comparison to write, and the reason.
    const CALLERS: [(&str, &str); 5] = [
        ("xtask/src/commands/compare.rs", "adds a comparison to the files of a recorded run"),
        ("xtask/src/commands/report.rs", "writes the files of a recorded run again"),
        ("xtask/src/github.rs", "writes the summary of a command without a report"),
        ("xtask/src/perf/interleaved/rounds.rs", "writes the report of a round, which is not published"),
        ("xtask/src/perf/publish.rs", "publishes a run or comparison"),
    ];
    let mut callers = Vec::new();
    for (name, text) in sources().into_iter().filter(|(name, _)| name.starts_with("xtask/src/")) {
        let code = without_tests(&text);
        let renders = ["run_files(", "comparison_files(", "render_stop("].iter().any(|call| code.contains(call));
        assert_eq!(renders, name == WRITER, "{name}: write the files with runs::report_files");
        if code.contains("report_files::write") {
            callers.push(name);
        }
    }
    callers.sort_unstable();
    assert_eq!(callers, CALLERS.map(|(name, _)| name));
}

/// A file has product code or tests.
#[test]
fn tests_stand_in_files_of_their_own() {
    for (name, text) in sources() {
        let has_tests = text.lines().any(|line| line.ends_with("mod tests {"));
        assert!(!has_tests, "{name}: move its tests to the file tests.rs of its folder");
    }
}

/// Files about processes are parsed by the crate procfs, in two places.
#[test]
fn only_two_modules_read_proc() {
    const OTHERS: [&str; 3] =
        ["perf-tests/host/src/proc/", "perf-tests/run-tests/tests/run/huge.rs", "xtask/tests/it/kubernetes/kills.rs"];
    // Concatenated, so that this file is not found.
    let proc = ["\"/", "proc"].concat();
    for (name, text) in sources() {
        assert!(
            !text.contains(&proc) || OTHERS.iter().any(|other| name.starts_with(other)),
            "{name}: use perf_host::proc or test-support"
        );
    }
}

/// A process that is started elsewhere could outlive its command, or get a Ctrl-C twice.
#[test]
fn only_host_makes_commands() {
    let makes = |code: &str| {
        let starts = code.match_indices("Command::new(").map(|(at, _)| &code[..at]);
        starts.filter(|before| !before.ends_with(is_in_name)).count() > 0
    };
    assert!(makes("let mut a = std::process::Command::new(b);") && !makes("MetadataCommand::new()"));
    for (name, text) in sources().into_iter().filter(|(name, _)| name.starts_with("xtask/src/")) {
        assert!(
            name.starts_with("xtask/src/host/") || !makes(&without_tests(&text)),
            "{name}: use cmd! for a script, or host::child"
        );
    }
}

/// `cargo xtask perf` finds a scenario by the name of its file.
#[test]
fn scenarios_are_named_after_their_files() {
    let folder = root().join("perf-tests/tests/load");
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        // These files are not scenarios.
        if !["main", "game"].contains(&stem.as_str()) {
            let text = fs::read_to_string(&path).unwrap();
            assert!(text.contains(&format!("Scenario::new(\"{stem}\"")), "{}: no scenario {stem:?}", path.display());
            let reason = "#[ignore = \"load scenario: run with cargo xtask perf\"]";
            assert!(text.contains(reason), "{}: a plain cargo test would run it", path.display());
        }
    }
}

/// Files outside of a fork's two folders that name endpoints of the sample service, and why.
const ABOUT_THE_SAMPLE: [(&str, &str); 8] = [
    ("perf-tests/stub", "the sample's stub backend"),
    ("xtask/tests/it/archive.rs", "runs the sample's scenarios"),
    ("xtask/tests/it/baseline.rs", "runs the sample's scenarios"),
    ("xtask/tests/it/engine.rs", "runs the sample's scenarios"),
    ("xtask/tests/it/hostile.rs", "runs the sample's scenarios"),
    ("xtask/tests/it/interleaved.rs", "runs the sample's scenarios"),
    ("xtask/tests/it/interpretation.rs", "runs the sample's scenarios"),
    ("xtask/tests/it/real_prometheus.rs", "runs the sample's scenarios"),
];

/// Product code that a fork does not edit: all source files but those of services, of the stub
/// backend, and of crates that only tests use.
pub(crate) fn files_that_a_fork_keeps() -> Vec<PathBuf> {
    let sources = metadata().packages.into_iter().map(|package| package.manifest_path.parent().unwrap().join("src"));
    let files = sources.filter(|source| source.exists()).flat_map(|source| rust_files(source.as_std_path()));
    let others = ["monitoring/src/services", "perf-tests/stub", "perf-tests/test-support"].map(|it| root().join(it));
    let is_test = |path: &Path| path.ancestors().any(|part| part.file_stem().is_some_and(|name| name == "tests"));
    files.filter(|path| !is_test(path) && !others.iter().any(|folder| path.starts_with(folder))).collect()
}

/// The first name in a line, as a whole word.
fn find_name<'a>(line: &str, names: &'a [String]) -> Option<&'a String> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let is_word =
        |at: usize, name: &str| !line[..at].ends_with(is_part) && !line[at + name.len()..].starts_with(is_part);
    names.iter().find(|name| line.match_indices(name.as_str()).any(|(at, found)| is_word(at, found)))
}

#[test]
fn only_a_forks_folders_name_an_endpoint_of_a_service() {
    let endpoints = services::ALL.iter().flat_map(|catalogue| catalogue.endpoints);
    // A name may be a usual word, so it counts in quotes, as a constant, and as a series.
    let names = endpoints
        .map(|endpoint| endpoint.name)
        .flat_map(|name| [format!("\"{name}\""), format!("`{name}`"), name.to_uppercase(), format!("{name}_latency")]);
    let modules = rust_files(&root().join("monitoring/src/services"));
    let modules = modules.iter().map(|path| format!("services::{}", path.file_stem().unwrap().display()));
    let names: Vec<_> = names.chain(modules).collect();
    let forks = ["monitoring/src/services", "perf-tests/tests/load"];
    let (mut found, mut unused) = (Vec::new(), BTreeSet::from(ABOUT_THE_SAMPLE.map(|(place, _)| place)));
    for (path, text) in sources() {
        let starts = |place: &&str| path.starts_with(place);
        let exception = ABOUT_THE_SAMPLE.map(|(place, _)| place).into_iter().find(starts);
        for (line, text) in text.lines().enumerate() {
            match (find_name(text, &names), exception) {
                (None, _) => {}
                (Some(_), Some(place)) => _ = unused.remove(place),
                (Some(_), None) if forks.iter().any(starts) => {}
                (Some(name), None) => found.push(format!("{path}:{}: {name}", line + 1)),
            }
        }
    }
    assert!(found.is_empty(), "use the shop of test-support, or find the endpoint:\n{}", found.join("\n"));
    assert!(unused.is_empty(), "these exceptions are not needed: {unused:?}");
}
