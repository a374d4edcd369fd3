//! The shape of the repository, as far as a test can hold it: which crate may import which, and what a file looks like.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::{Dependency, DependencyKind, Metadata, MetadataCommand, Package};
use perf_settings::{Setting, SettingValue, all_settings};

use crate::real::{root, rust_files};

fn metadata() -> Metadata {
    MetadataCommand::new().current_dir(root()).no_deps().exec().unwrap()
}

/// The crates of the workspace that a crate imports, by name: its own, and those that only its tests import.
fn imports(package: &Package, metadata: &Metadata) -> [Vec<String>; 2] {
    let of_kind = |is_dev: bool| {
        let kind = |it: &&Dependency| (it.kind == DependencyKind::Development) == is_dev;
        let is_ours = |name: &String| metadata.packages.iter().any(|package| package.name == *name);
        let names = package.dependencies.iter().filter(kind).map(|it| it.name.clone()).filter(is_ours);
        names.collect::<BTreeSet<_>>().into_iter().collect()
    };
    [of_kind(false), of_kind(true)]
}

#[test]
fn crates_import_only_what_they_may() {
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
        ("stub-backend", &[]),
        ("test-support", &["perf-report"]),
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
    assert_eq!(metadata.packages.len(), expected.len(), "a crate has no row");
    for package in &metadata.packages {
        let name = package.name.as_str();
        let [own, of_tests] = imports(package, &metadata);
        assert_eq!(own, expected[name], "{name}");
        // The benchmarks are a crate that has only dev-dependencies: what they measure.
        let measured: &[&str] = if name == "engine-bench" { &["monitoring", "perf-tests"] } else { &[] };
        let may = |import: &String| import == "test-support" || own.contains(import) || measured.contains(&&**import);
        let others: Vec<_> = of_tests.iter().filter(|import| !may(import)).collect();
        assert!(others.is_empty(), "the tests of {name} import {others:?}");
    }
}

#[test]
fn crates_do_without_what_they_must_not_know() {
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
        ("stub-backend", vec![WIRE, &["hdrhistogram", "reqwest", "testcontainers"]]),
        ("test-support", vec![WIRE, &["hdrhistogram", "reqwest", "testcontainers"]]),
        ("xtask", vec![RENDERERS, WIRE, &["hdrhistogram", "hyper", "statrs"]]),
    ]);
    for package in &metadata().packages {
        let forbidden = forbidden[package.name.as_str()].concat();
        for dependency in &package.dependencies {
            let known = forbidden.contains(&dependency.name.as_str());
            assert!(!known, "{} must not know {}", package.name, dependency.name);
        }
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
fn files_say_what_they_are_and_stay_small() {
    const MOST_LINES: usize = 400;
    let shapeless = ["util", "utils", "common", "helpers", "types", "prelude"];
    let mut lengths = Vec::new();
    for (name, text) in sources() {
        assert!(text.starts_with("//! "), "{name} does not begin with what it is");
        let lines = text.lines().count();
        assert!(
            lines <= MOST_LINES || text.lines().take(10).any(|line| line.contains("lines:")),
            "{name} has {lines} lines"
        );
        let stem = Path::new(&name).file_stem().unwrap().to_str().unwrap().to_owned();
        assert!(!shapeless.contains(&stem.as_str()), "{name} has a name that says nothing");
        // Written apart, so that this line does not find itself.
        let silenced = ["#[", "allow("].concat();
        assert!(!text.contains(&silenced), "{name} silences a lint without a reason: use expect");
        lengths.push(lines);
    }
    lengths.sort_unstable();
    let median = lengths[lengths.len() / 2];
    assert!(median <= 200, "the median file has {median} lines");
}

/// A scenario is found by the name of its file.
#[test]
fn scenarios_are_named_after_their_files() {
    let folder = root().join("perf-tests/tests/load");
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        // What scenarios have in common is none itself.
        if !["main", "game"].contains(&stem.as_str()) {
            let text = fs::read_to_string(&path).unwrap();
            assert!(text.contains(&format!("Scenario::new(\"{stem}\"")), "{}: no scenario {stem:?}", path.display());
            let reason = "#[ignore = \"load scenario: run with cargo xtask perf\"]";
            assert!(text.contains(reason), "{}: a plain cargo test would run it", path.display());
        }
    }
}

/// The README shows the scenario as it is.
#[test]
fn readme_shows_the_scenario_as_it_is() {
    let scenario = fs::read_to_string(root().join("perf-tests/tests/load/basic.rs")).unwrap();
    let shown = &scenario[scenario.find("#[test]").unwrap()..];
    assert!(fs::read_to_string(root().join("README.md")).unwrap().contains(shown), "README.md shows another basic.rs");
}

/// A setting as a row of the README: flags, variables, and the first sentence of its help.
fn row(setting: &Setting) -> String {
    let code = |text: String| format!("`{text}`");
    let value = match setting.value {
        SettingValue::Switch => String::new(),
        SettingValue::One(name) | SettingValue::Many(name, _) => format!(" {name}"),
    };
    let short = setting.short.map(|short| code(format!("-{short}")));
    let long = setting.flag.map(|flag| code(format!("--{flag}{value}")));
    let flags: Vec<_> = short.into_iter().chain(long).collect();
    let variables: Vec<_> = setting.variables.iter().map(|name| code((*name).to_owned())).collect();
    let help = setting.help.split(". ").next().unwrap();
    format!("| {} | {} | {help} |\n", flags.join(", "), variables.join(", "))
}

#[test]
fn readme_lists_every_setting() {
    let rows: String = all_settings().map(row).collect();
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let (_, rest) = readme.split_once("<!-- settings -->\n").unwrap();
    let (shown, _) = rest.split_once("<!-- end of settings -->").unwrap();
    let expected = format!("\n| flag | variable | what it sets |\n|---|---|---|\n{rows}\n");
    assert!(shown == expected, "README.md lists other settings. Put this between its markers:\n{expected}");
}
