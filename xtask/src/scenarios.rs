//! Builds, lists and selects the scenarios.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use cargo_metadata::{Message, Target, TargetKind};

use crate::host::{child, files, workspace};
use perf_host::nearest::did_you_mean;

/// The default profile. It optimizes the code on the path of a request.
pub(crate) const PROFILE: &str = "dev";
/// The profile with the most optimization. A build takes minutes.
pub(crate) const PEAK_PROFILE: &str = "peak";

/// The stub backend's package and binary.
pub(crate) const STUB: &str = "stub-backend";

/// The programs to build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Programs {
    Scenarios,
    /// The scenarios and the stub backend.
    WithStub,
}

#[derive(Debug)]
pub(crate) struct BuiltPrograms {
    /// The test binary that holds the scenarios.
    pub(crate) generator: PathBuf,
    /// The stub backend, if it was asked for.
    pub(crate) stub: Option<PathBuf>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum ScenarioError {
    #[error("there is no scenario {name:?} in perf-tests/tests/load{hint}")]
    Unknown { name: String, hint: String },
    #[error("perf-tests/tests/load has no scenario: cargo xtask new-scenario NAME")]
    NoScenario,
    #[error("perf-tests/tests/load/{0}.rs has no scenario: write an ignored test")]
    NoTest(String),
    #[error("scenario {0} is not compiled: add `mod {0};` to perf-tests/tests/load/main.rs")]
    NotDeclared(String),
    #[error(
        "perf-tests/tests/load/{file}.rs has several scenarios, such as {first} and {second}: a file holds one, move \
         each other one to a file of its own"
    )]
    TwoInFile { file: String, first: String, second: String },
    #[error("{} could not list its scenarios", .0.display())]
    NotListed(PathBuf),
    /// They do not compile, or a file or program cannot be used.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

pub(crate) fn build(profile: &str, programs: Programs) -> Result<BuiltPrograms, ScenarioError> {
    // Always the whole workspace: with other packages, cargo selects other features, and would
    // compile many crates twice.
    let with_stub = programs == Programs::WithStub;
    let mut args = vec!["--profile", profile, "--workspace", "--test", "load"];
    if with_stub {
        args.extend(["--bin", STUB]);
    }
    let built = cargo_build(&mut workspace::cargo(), &args, "the scenarios do not compile")?;
    let stub = with_stub.then(|| built.get(TargetKind::Bin, STUB)).transpose()?;
    Ok(BuiltPrograms { generator: built.get(TargetKind::Test, "load")?, stub })
}

/// Builds the stub backend of another checkout of this workspace, in its own target folder.
pub(crate) fn build_stub_in(checkout: &Path) -> anyhow::Result<PathBuf> {
    let mut cargo = workspace::cargo();
    cargo.current_dir(checkout).env("CARGO_TARGET_DIR", workspace::state_folder().join("against/target"));
    let args = ["--profile", PROFILE, "--package", STUB, "--bin", STUB];
    cargo_build(&mut cargo, &args, "its stub backend does not compile")?.get(TargetKind::Bin, STUB)
}

/// Programs that cargo has built.
#[derive(Debug)]
pub(crate) struct Executables(Vec<(Target, PathBuf)>);

impl Executables {
    /// The program of a kind and name.
    pub(crate) fn get(&self, kind: TargetKind, name: &str) -> anyhow::Result<PathBuf> {
        let found = self.0.iter().find(|(target, _)| target.name == name && target.kind.contains(&kind));
        found.map(|(_, program)| program.clone()).with_context(|| format!("cargo built no {kind} named {name}"))
    }
}

/// Runs `cargo build` with these arguments. Cargo's messages go to the terminal. `failure` is the
/// error if the build fails.
pub(crate) fn cargo_build(cargo: &mut Command, args: &[&str], failure: &str) -> anyhow::Result<Executables> {
    cargo.arg("build").args(args).arg("--message-format=json-render-diagnostics").stdout(Stdio::piped());
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

/// A scenario and the test that runs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ScenarioTest {
    pub(crate) name: String,
    pub(crate) test: String,
}

impl BuiltPrograms {
    /// All scenarios, sorted by name. A scenario is an ignored test; its name is the name of its
    /// file.
    pub(crate) fn list(&self) -> Result<Vec<ScenarioTest>, ScenarioError> {
        let load = &self.generator;
        let output = child::foreground(load).args(["--list", "--ignored", "--format", "terse"]).output();
        let output = output.with_context(|| format!("failed to run {}", load.display()))?;
        if !output.status.success() {
            return Err(ScenarioError::NotListed(load.to_owned()));
        }
        let scenarios = parse(&String::from_utf8_lossy(&output.stdout));
        match scenarios.windows(2).find(|pair| pair[0].name == pair[1].name) {
            Some([one, other]) => Err(describe_two(one, other)),
            _ => Ok(scenarios),
        }
    }

    /// The named scenarios, or the first by name if none is named.
    ///
    /// # Errors
    /// If a file has no scenario, which [`check_names`] does not refuse.
    pub(crate) fn select(&self, named: &[String]) -> Result<Vec<ScenarioTest>, ScenarioError> {
        let known = self.list()?;
        if named.is_empty() {
            return Ok(vec![find(&known, None)?]);
        }
        named.iter().map(|name| find(&known, Some(name))).collect()
    }

    /// The named scenario, or the first by name.
    pub(crate) fn select_one(&self, name: Option<&str>) -> Result<ScenarioTest, ScenarioError> {
        find(&self.list()?, name)
    }
}

/// The scenario of this name, or the first.
fn find(known: &[ScenarioTest], name: Option<&str>) -> Result<ScenarioTest, ScenarioError> {
    let (found, error) = match name {
        Some(name) => (known.iter().find(|it| it.name == name), describe_missing(name, &main_file())),
        None => (known.first(), ScenarioError::NoScenario),
    };
    found.cloned().ok_or(error)
}

/// The file that declares the scenarios. The error comes without its help if it cannot be read.
fn main_file() -> String {
    files::read(workspace::root().join("perf-tests/tests/load/main.rs")).unwrap_or_default()
}

/// The error that a file has no scenario, or that the main file does not declare it.
fn describe_missing(name: &str, main: &str) -> ScenarioError {
    let declaration = format!("mod {name};");
    let is_declared = |line: &str| line.contains(&declaration) && !line.starts_with("//");
    match main.is_empty() || main.lines().any(is_declared) {
        true => ScenarioError::NoTest(name.to_owned()),
        false => ScenarioError::NotDeclared(name.to_owned()),
    }
}

/// Checks that each scenario has a file in `perf-tests/tests/load`.
///
/// # Errors
/// If a scenario has no file. The message suggests the nearest name of a file with a scenario.
pub(crate) fn check_names(named: &[String]) -> Result<(), ScenarioError> {
    let folder = workspace::root().join("perf-tests/tests/load");
    let mut known = Vec::new();
    for entry in files::list(&folder)? {
        let path = entry.map_err(anyhow::Error::from)?.path();
        let name = path.file_stem().and_then(OsStr::to_str).filter(|name| *name != "main");
        if let Some(name) = name.filter(|_| path.extension() == Some(OsStr::new("rs"))) {
            known.push((name.to_owned(), files::read(&path)?.contains("Scenario::new(")));
        }
    }
    known.sort();
    for name in named {
        if !known.iter().any(|(file, _)| file == name) {
            let scenarios: Vec<_> = known.iter().filter(|(_, is_scenario)| *is_scenario).collect();
            let scenarios: Vec<_> = scenarios.into_iter().map(|(file, _)| file.as_str()).collect();
            let hint = match did_you_mean(name, scenarios.iter().copied()) {
                hint if hint.is_empty() => format!("; it has {}", scenarios.join(", ")),
                hint => hint,
            };
            return Err(ScenarioError::Unknown { name: name.clone(), hint });
        }
    }
    Ok(())
}

/// The error that a file has two scenarios, with their lines.
fn describe_two(one: &ScenarioTest, other: &ScenarioTest) -> ScenarioError {
    let path = workspace::root().join("perf-tests/tests/load").join(format!("{}.rs", one.name));
    // The error comes without lines if the file cannot be read.
    let source = files::read(path).unwrap_or_default();
    let [first, second] = [one, other].map(|scenario| with_line(&scenario.test, &source));
    ScenarioError::TwoInFile { file: one.name.clone(), first, second }
}

/// A test with the line of its function in a source, if the source has it: "shop::pay (line 12)".
fn with_line(test: &str, source: &str) -> String {
    let name = test.rsplit("::").next().unwrap_or(test);
    let function = format!("fn {name}(");
    let line = source.lines().position(|line| line.contains(&function));
    line.map_or_else(|| test.to_owned(), |at| format!("{test} (line {})", at + 1))
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
mod tests;
