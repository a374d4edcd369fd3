//! Builds the scenarios, lists them, and runs one in a process of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use cargo_metadata::{Message, Target, TargetKind};

use crate::workspace;

/// The one build of the workspace, in which what lies on the path of a request is optimised.
pub(crate) const PROFILE: &str = "dev";
/// Optimised as far as can be, for minutes of building.
pub(crate) const PEAK_PROFILE: &str = "peak";

/// The stub backend's package and binary.
const STUB: &str = "stub-backend";
/// Their name in older checkouts, and the profile that optimised them.
const FORMER_STUB: (&str, &str) = ("backend", "load");

/// What was built.
#[derive(Debug)]
pub(crate) struct Built {
    /// The test binary that holds the scenarios.
    pub(crate) load: PathBuf,
    /// The stand-in backend, if it was asked for.
    pub(crate) backend: Option<PathBuf>,
}

/// Builds the scenarios, and the stand-in if it is needed.
pub(crate) fn build(profile: &str, with_backend: bool) -> anyhow::Result<Built> {
    // Of the whole workspace, as features are those of all packages that are named: with and without the stand-in they would differ, and much
    // would be compiled twice.
    let mut what = vec!["--profile", profile, "--workspace", "--test", "load"];
    if with_backend {
        what.extend(["--bin", STUB]);
    }
    let built = cargo_build(&mut workspace::cargo(), &what, "the scenarios do not compile")?;
    let backend = with_backend.then(|| built.get(TargetKind::Bin, STUB)).transpose()?;
    Ok(Built { load: built.get(TargetKind::Test, "load")?, backend })
}

/// Builds the stand-in of another checkout of this workspace. What it is built of is kept apart from our own.
pub(crate) fn build_backend(checkout: &Path) -> anyhow::Result<PathBuf> {
    let mut cargo = workspace::cargo();
    cargo.current_dir(checkout).env("CARGO_TARGET_DIR", workspace::perf().join("against/target"));
    let is_new = checkout.join("perf-tests/stub").is_dir();
    let (name, profile) = if is_new { (STUB, PROFILE) } else { FORMER_STUB };
    let what = ["--profile", profile, "--package", name, "--bin", name];
    cargo_build(&mut cargo, &what, "its stand-in does not compile")?.get(TargetKind::Bin, name)
}

/// Programs that cargo has built.
#[derive(Debug)]
pub(crate) struct Executables(Vec<(Target, PathBuf)>);

impl Executables {
    /// The one of that kind and name.
    pub(crate) fn get(&self, kind: TargetKind, name: &str) -> anyhow::Result<PathBuf> {
        let found = self.0.iter().find(|(target, _)| target.name == name && target.kind.contains(&kind));
        found.map(|(_, program)| program.clone()).with_context(|| format!("cargo built no {kind} named {name}"))
    }
}

/// Runs `cargo build` in this workspace, unless the command is for another. Cargo's messages go to the terminal.
pub(crate) fn cargo_build(cargo: &mut Command, what: &[&str], failure: &str) -> anyhow::Result<Executables> {
    cargo.arg("build").args(what).arg("--message-format=json-render-diagnostics").stdout(Stdio::piped());
    let output = cargo.stderr(Stdio::inherit()).output().context("failed to run cargo")?;
    if !output.status.success() {
        bail!("{failure}");
    }
    let mut executables = Vec::new();
    for message in Message::parse_stream(output.stdout.as_slice()) {
        if let Message::CompilerArtifact(artifact) = message.context("failed to read cargo's messages")?
            && let Some(executable) = artifact.executable
        {
            executables.push((artifact.target, executable.into_std_path_buf()));
        }
    }
    Ok(Executables(executables))
}

/// A scenario: its name, and the test that runs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ScenarioTest {
    pub(crate) name: String,
    pub(crate) test: String,
}

/// The scenarios of a test binary, by name. A scenario is an ignored test; its name is that of its file.
pub(crate) fn list(load: &Path) -> anyhow::Result<Vec<ScenarioTest>> {
    let output = Command::new(load).args(["--list", "--ignored", "--format", "terse"]).output();
    let output = output.with_context(|| format!("failed to run {}", load.display()))?;
    if !output.status.success() {
        bail!("{} could not list its scenarios", load.display());
    }
    let scenarios = parse(&String::from_utf8_lossy(&output.stdout));
    match scenarios.windows(2).find(|pair| pair[0].name == pair[1].name) {
        Some(pair) => bail!("{} and {} are in one file, and a file is one scenario", pair[0].test, pair[1].test),
        None => Ok(scenarios),
    }
}

fn parse(listing: &str) -> Vec<ScenarioTest> {
    let tests = listing.lines().filter_map(|line| line.strip_suffix(": test"));
    let mut scenarios: Vec<_> = tests
        .filter_map(|test| Some(ScenarioTest { name: test.split_once("::")?.0.to_owned(), test: test.to_owned() }))
        .collect();
    scenarios.sort_by(|a, b| a.name.cmp(&b.name));
    scenarios
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_is_named_after_its_file() {
        let names: Vec<_> =
            parse("soak::soak: test\nbasic::basic: test\nhelper: test\n").into_iter().map(|s| s.name).collect();
        assert_eq!(names, ["basic", "soak"]);
    }
}
