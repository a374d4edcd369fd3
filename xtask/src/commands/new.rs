//! `cargo xtask new-scenario` and `new-service`: write a scenario or a service that compiles and
//! runs, with its snapshots.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, bail, ensure};
use perf_host::nearest::did_you_mean;
use perf_report::exit_code::ExitCode;

use crate::host::terminal::print_line;
use crate::host::{files, workspace};
use crate::refusal::refuse;

const SCENARIOS: &str = "perf-tests/tests/load/main.rs";
const SERVICES: &str = "monitoring/src/services";
const SERVICE_TEMPLATE: &str = include_str!("../../templates/service.rs.in");
const SCENARIO_TEMPLATE: &str = include_str!("../../templates/scenario.rs.in");

#[derive(Debug, clap::Args)]
pub(crate) struct NewServiceArgs {
    /// Name: lowercase words joined by underscores
    #[arg(value_parser = parse_name)]
    name: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct NewScenarioArgs {
    /// Name: lowercase words joined by underscores
    #[arg(value_parser = parse_name)]
    name: String,

    /// File of the service in monitoring/src/services [default: the only one]
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
}

fn parse_name(name: &str) -> Result<String, String> {
    let is_word = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let starts = name.starts_with(|c: char| c.is_ascii_lowercase());
    if starts && name.len() <= 40 && name.split('_').all(is_word) {
        Ok(name.to_owned())
    } else {
        let hint = match name.replace(['-', ' ', '.'], "_").to_lowercase() {
            other if other != name && parse_name(&other).is_ok() => format!("; did you mean {other}?"),
            _ => String::new(),
        };
        Err(format!("not lowercase words joined by underscores, at most 40 characters{hint}"))
    }
}

/// `cargo xtask new-scenario NAME`
pub(crate) fn scenario(args: &NewScenarioArgs) -> anyhow::Result<ExitCode> {
    let name = &args.name;
    let root = workspace::root();
    let list = files::read(root.join(SERVICES).join("mod.rs")).map_err(refuse)?;
    let service = choose_service(&list, args.service.as_deref()).map_err(refuse)?;
    write_scenario(&root, name, &service).map_err(refuse)?;
    if !snapshots(name)? {
        return Ok(ExitCode::Internal);
    }
    print_line(&format!("perf-tests/tests/load/{name}.rs  the scenario; its snapshot is in snapshots/"));
    print_line(&format!("to run it: cargo xtask perf {name}"));
    Ok(ExitCode::Met)
}

/// `cargo xtask new-service NAME`
pub(crate) fn service(args: &NewServiceArgs) -> anyhow::Result<ExitCode> {
    let name = &args.name;
    let root = workspace::root();
    write_service(&root, name).map_err(refuse)?;
    // This program was built without the new service, so a new build generates its files and
    // snapshots.
    let codegen = ["run", "--bin", "xtask", "--", "codegen"];
    let generated = ["test", "--workspace", "--test", "snapshots"];
    if !cargo(&codegen)? || !cargo(&generated)? || !snapshots(name)? {
        return Ok(ExitCode::Internal);
    }
    print_line(&format!("1. write down its endpoints and objectives in {SERVICES}/{name}.rs"));
    print_line("2. cargo xtask codegen");
    print_line(&format!("3. write what a user does in perf-tests/tests/load/{name}.rs"));
    print_line(&format!("4. cargo xtask perf {name} --target http://127.0.0.1:8000 --smoke"));
    Ok(ExitCode::Met)
}

/// Writes the snapshots of a scenario by running its tests. Returns whether they passed.
fn snapshots(name: &str) -> anyhow::Result<bool> {
    cargo(&["test", "--workspace", "--test", "load", "--", &format!("{name}::")])
}

/// Runs cargo with tests accepting new snapshots. Prints the output of tests if they fail. Returns
/// whether it succeeded.
fn cargo(line: &[&str]) -> anyhow::Result<bool> {
    let mut command = workspace::cargo();
    command.args(line).env("INSTA_UPDATE", "always").current_dir(workspace::root());
    let output = command.stderr(Stdio::inherit()).output().context("failed to run cargo")?;
    if line[0] != "test" || !output.status.success() {
        print_line(String::from_utf8_lossy(&output.stdout).trim_end());
    }
    Ok(output.status.success())
}

/// A service's place in the list of services.
#[derive(Debug, PartialEq)]
struct ServicePath {
    module: String,
    constant: String,
}

impl ServicePath {
    fn for_new(name: &str) -> Self {
        Self { module: name.to_owned(), constant: name.to_uppercase() }
    }

    fn fill(&self, template: &str, name: &str) -> String {
        let named = template.replace("{name}", name).replace("{module}", &self.module);
        named.replace("{constant}", &self.constant).replace("{service}", &self.module.replace('_', "-"))
    }
}

/// The wanted service of the list in the text, or the only one.
fn choose_service(text: &str, wanted: Option<&str>) -> anyhow::Result<ServicePath> {
    let listed = text.split_once("= &[").and_then(|(_, rest)| rest.split_once("];")).map(|(list, _)| list);
    let listed = listed.with_context(|| format!("{SERVICES}/mod.rs has no list of services"))?;
    let paths = listed.split(',').filter_map(|path| path.trim().trim_start_matches('&').split_once("::"));
    let (modules, constants): (Vec<_>, Vec<_>) = paths.unzip();
    let names = modules.join(", ");
    let services = modules.iter().zip(constants);
    let chosen: Vec<_> = services.filter(|(module, _)| wanted.is_none_or(|wanted| wanted == **module)).collect();
    match (chosen.as_slice(), wanted) {
        (&[(&module, constant)], _) => Ok(ServicePath { module: module.to_owned(), constant: constant.to_owned() }),
        (_, Some(wanted)) => {
            let hint = did_you_mean(wanted, modules);
            bail!("--service {wanted}: {SERVICES} has no such service, only {names}{hint}")
        }
        ([], None) => bail!("{SERVICES} has no service: cargo xtask new-service NAME"),
        (_, None) => bail!("there are several services: choose one with --service NAME ({names})"),
    }
}

fn write_scenario(root: &Path, name: &str, service: &ServicePath) -> anyhow::Result<()> {
    let (path, list) = (root.join(format!("perf-tests/tests/load/{name}.rs")), root.join(SCENARIOS));
    ensure!(!path.exists(), "{} exists already: choose another name", path.display());
    let modules = files::read(&list)?;
    let extended =
        insert_line(&modules, &format!("mod {name};")).with_context(|| format!("{} has no modules", list.display()))?;
    files::write(&path, service.fill(SCENARIO_TEMPLATE, name))?;
    files::write(&list, extended)
}

/// Inserts a declaration such as `mod a;` among those of its kind, in alphabetical order.
///
/// `None` if the text has no declaration of that kind.
fn insert_line(text: &str, line: &str) -> Option<String> {
    let kind = line.rsplit_once(' ')?.0;
    let mut lines: Vec<_> = text.lines().collect();
    let is_same_kind = |other: &&str| other.starts_with(kind) && other.ends_with(';');
    let last = lines.iter().rposition(is_same_kind)?;
    let at = lines.iter().position(|other| is_same_kind(other) && **other > *line).unwrap_or(last + 1);
    lines.insert(at, line);
    Some(lines.join("\n") + "\n")
}

fn write_service(root: &Path, name: &str) -> anyhow::Result<()> {
    let (path, list) = (root.join(format!("{SERVICES}/{name}.rs")), root.join(SERVICES).join("mod.rs"));
    ensure!(!path.exists(), "{} exists already: choose another name", path.display());
    let text = files::read(&list)?;
    let service = ServicePath::for_new(name);
    let extended = insert_line(&text, &format!("pub mod {name};")).and_then(|text| {
        let (above, below) = text.split_once("];")?;
        Some(format!("{above}, &{name}::{}];{below}", service.constant))
    });
    let extended = extended.with_context(|| format!("{} has no list of services", list.display()))?;
    write_scenario(root, name, &service)?;
    files::write(&path, service.fill(SERVICE_TEMPLATE, name))?;
    files::write(&list, extended)
}

#[cfg(test)]
mod tests;
