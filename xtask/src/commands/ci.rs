//! `cargo xtask ci`: runs the checks that need Docker, Prometheus or promtool.
//!
//! No check is skipped: a missing program is an error.

mod fuzz;
mod tested_documents;

use std::collections::BTreeSet;
use std::io::{self, Write as _};
use std::path::Path;
use std::thread;

use anyhow::{Context as _, anyhow, bail, ensure};
use cargo_metadata::{MetadataCommand, TargetKind};
use perf_report::exit_code::ExitCode;
use perf_settings::FOLDER;
use xshell::{Shell, cmd};

use self::tested_documents::{FAULTS, STORES_AND_BACKENDS};
use super::codegen::{self, CodegenArgs};
use crate::host::terminal::print_line;
use crate::host::{files, workspace};
use crate::refusal::refuse;

/// The module of tests that take too long for every change.
const FULL: &str = "full::";
/// The module of tests that need a cluster. `.ci/kubernetes` runs them.
const KUBERNETES: &str = "kubernetes::";
/// The groups beside the first, each with the beginnings of its tests' names. The first group runs
/// all other tests. Those that compare the speed of two services are there, one after another. All
/// groups take about the same time.
///
/// `new` compiles for a minute, and no run of another group can begin meanwhile. The time limits of
/// `hostile` and `matrix` do not allow for that, so these are in the same group.
const GROUPS: [(&str, &[&str]); 4] = [
    ("second", &["hostile::", "matrix::", "new::"]),
    ("third", &["alerts::", "archive::", "drill::", "rules::", "security::", "stack::"]),
    ("fourth", &["other_backends::", "stores::"]),
    ("fifth", &["engine::", "fastapi::", "interpretation::", "real_prometheus::"]),
];
/// Programs that the checks need on PATH.
const NEEDED: [&str; 12] = [
    "prometheus",
    "promtool",
    "victoria-metrics",
    "nginx",
    "prometheus-nginx-exporter",
    "openssl",
    "python3",
    "uvicorn",
    "node",
    "java",
    "go",
    "curl",
];

/// The extent of the checks.
#[derive(Debug, clap::Args)]
pub(crate) struct CiArgs {
    /// Also run the tests that take half an hour, and the fuzzers
    ///
    /// Tests all faults instead of some of each class, kills 50 runs, and runs the fuzzers. Writes
    /// xtask/FAULTS.md.
    #[arg(long)]
    full: bool,
}

pub(crate) async fn run(args: &CiArgs) -> anyhow::Result<ExitCode> {
    if let Some(missing) = NEEDED.into_iter().find(|name| workspace::program(name).is_none()) {
        return Err(refuse(format!("{missing}, which the checks need, is not on PATH: install it")));
    }
    let generated = codegen::run(&CodegenArgs { check: true })?;
    if generated != ExitCode::Met {
        return Ok(generated);
    }
    let shell = Shell::new()?;
    shell.change_dir(workspace::root());
    check_generated(&shell)?;
    FAULTS.remove_rows()?;
    STORES_AND_BACKENDS.remove_rows()?;
    run_tests(args.full)?;
    STORES_AND_BACKENDS.check()?;
    if !args.full {
        FAULTS.check_rows()?;
        return Ok(ExitCode::Met);
    }
    FAULTS.write()?;
    fuzz::run(&shell)?;
    Ok(ExitCode::Met)
}

/// Runs the ignored tests, which need the programs above, in groups side by side. The tests of a
/// group run one at a time, since each starts servers and load. Mostly they wait, so that groups do
/// not disturb each other. Each group has its own folder, and so its own lock.
///
/// # Errors
/// If a test of a group fails. All groups run to their end.
fn run_tests(all: bool) -> anyhow::Result<()> {
    // The whole workspace is named so that cargo reuses what `cargo test` has built: with fewer
    // packages, crates would be built again for fewer features.
    let names = tests()?.into_iter().flat_map(|name| ["--test".to_owned(), name]);
    // Some of this crate's own tests are ignored, too.
    let names = ["--bin", "xtask"].map(str::to_owned).into_iter().chain(names).collect::<Vec<_>>();
    let test = || {
        let mut cargo = workspace::cargo();
        cargo.args(["test", "--workspace", "--no-fail-fast"]).args(&names);
        cargo.args(["--", "--ignored", "--test-threads=1", "--skip", KUBERNETES]);
        cargo.args(if all { &[][..] } else { &["--skip", FULL][..] });
        cargo
    };
    let others = GROUPS.map(|(group, filters)| {
        let mut command = test();
        command.args(filters).env(FOLDER, workspace::state_folder().join(group));
        (group, thread::spawn(move || command.output()))
    });
    let mut first = test();
    first.args(GROUPS.iter().flat_map(|(_, filters)| *filters).flat_map(|filter| ["--skip", filter]));
    let mut passed = first.status().context("failed to run the tests")?.success();
    for (group, output) in others {
        let output = output.join().map_err(|_| anyhow!("the {group} group of tests panicked"))?;
        let output = output.with_context(|| format!("failed to run the {group} group of tests"))?;
        print_line(&format!("the {group} group of tests:"));
        io::stdout().write_all(&output.stdout)?;
        io::stderr().write_all(&output.stderr)?;
        passed &= output.status.success();
    }
    ensure!(passed, "a test failed");
    Ok(())
}

/// The names of all test targets but the scenarios, which are ignored for another reason.
fn tests() -> anyhow::Result<BTreeSet<String>> {
    const SCENARIOS: &str = "load";
    let metadata = MetadataCommand::new().current_dir(workspace::root()).no_deps().exec();
    let packages = metadata.context("failed to list the workspace's tests")?.packages;
    let targets = packages.into_iter().flat_map(|package| package.targets);
    let tests = targets.filter(|target| target.kind.contains(&TargetKind::Test) && target.name != SCENARIOS);
    Ok(tests.map(|target| target.name).collect())
}

/// Checks the generated files with promtool.
fn check_generated(shell: &Shell) -> anyhow::Result<()> {
    let folder = workspace::root().join("monitoring/prometheus");
    let rules = files(&folder.join("rules"))?;
    let configuration = folder.join("prometheus.yml");
    // Only the syntax: else promtool demands the file of the token, which only a run writes.
    cmd!(shell, "promtool check config --syntax-only {configuration}").run()?;
    cmd!(shell, "promtool check rules --lint=all --lint-fatal {rules...}").run()?;
    Ok(())
}

fn files(folder: &Path) -> anyhow::Result<Vec<std::path::PathBuf>> {
    let entries = files::list(folder)?;
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<Vec<_>>>()?;
    files.sort();
    if files.is_empty() {
        bail!("{} is empty", folder.display());
    }
    Ok(files)
}
