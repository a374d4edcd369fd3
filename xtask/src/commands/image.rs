//! `cargo xtask image`: an image with the scenarios, for pods.

use std::path::{Path, PathBuf};
use std::{fs, io};

use anyhow::{Context as _, bail};
use perf_report::exit_code::ExitCode;
use perf_settings::IMAGE_REVISION;

use crate::host::terminal::print_line;
use crate::host::{child, files, git, workspace};
use crate::kubernetes::USER;
use crate::refusal::refuse;
use crate::scenarios::{self, PROFILE, Programs};

/// The recipe that compiles in Docker.
const RECIPE: &str = "perf-tests/Dockerfile";
const PLATFORMS: &str = "linux/amd64,linux/arm64";
const BUILDX_HINT: &str = ". For two platforms, Docker needs a builder: docker buildx create --use. Without buildx or \
                           a registry, use --local, for this machine's kind of processor";
/// CA certificates, by which pods know services and stores.
const CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

#[derive(Debug, clap::Args)]
pub(crate) struct ImageArgs {
    /// Name the image REF and push it, for amd64 and arm64
    ///
    /// With --local, the image is only for this machine's kind of processor.
    #[arg(long, value_name = "REF", conflicts_with = "tag")]
    push: Option<String>,
    /// Name the image REF without pushing it [default: perf-tests:REVISION]
    #[arg(long, value_name = "REF")]
    tag: Option<String>,
    /// Compile on this machine instead of in Docker (Linux only)
    ///
    /// Needs no base image. The image has only the scenarios' program and its libraries.
    #[arg(long)]
    local: bool,
}

/// Builds the image, and prints its name.
pub(crate) fn run(args: &ImageArgs) -> anyhow::Result<ExitCode> {
    let revision = git::describe(&workspace::root()).map(|revision| revision.to_string());
    let tag = revision.as_deref().unwrap_or("dev");
    let name = args.push.clone().or_else(|| args.tag.clone()).unwrap_or_else(|| format!("perf-tests:{tag}"));
    if args.local {
        if !cfg!(target_os = "linux") {
            return Err(refuse("--local compiles for this system, and pods run Linux: remove --local"));
        }
        let folder = workspace::state_folder().join("image");
        files::remove_folder(&folder)?;
        prepare(&folder, revision.as_deref())?;
        docker(&["build", "--tag", &name, &folder.display().to_string()])?;
        if args.push.is_some() {
            docker(&["push", &name])?;
        }
        files::remove_folder(&folder)?;
    } else {
        let output: &[&str] = if args.push.is_some() { &["--platform", PLATFORMS, "--push"] } else { &["--load"] };
        let revision = format!("REVISION={}", revision.as_deref().unwrap_or_default());
        let build = ["buildx", "build", "--file", RECIPE, "--build-arg", &revision, "--tag", &name];
        docker(&[&build, output, &["."]].concat())?;
    }
    print_line(&name);
    Ok(ExitCode::Met)
}

fn docker(args: &[&str]) -> anyhow::Result<()> {
    let status = child::foreground("docker").args(args).current_dir(workspace::root()).status();
    let status = status.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => refuse("docker, which builds the image, is not on PATH: install it"),
        _ => error.into(),
    })?;
    if !status.success() {
        let hint = if args[0] == "buildx" { BUILDX_HINT } else { "" };
        return Err(refuse(format!("docker {} failed ({status}): see its output above{hint}", args[0])));
    }
    Ok(())
}

/// Writes a folder from which Docker builds the image without any other image.
fn prepare(folder: &Path, revision: Option<&str>) -> anyhow::Result<()> {
    let root = folder.join("root");
    let program = scenarios::build(PROFILE, Programs::Scenarios)?.generator;
    copy(&program, &root, Path::new("load"))?;
    for library in libraries(&program)? {
        copy(&library, &root, &library)?;
    }
    let certificates = Path::new(CERTIFICATES);
    if certificates.exists() {
        copy(certificates, &root, certificates)?;
    }
    // The path at which the program looks for its data.
    let data = workspace::root().join("perf-tests/data");
    if data.exists() {
        copy_folder(&data, &root)?;
    }
    let revision = revision.unwrap_or_default();
    let recipe = format!(
        "FROM scratch\nCOPY root/ /\nENV {IMAGE_REVISION}={revision}\nUSER {USER}:{USER}\nENTRYPOINT [\"/load\"]\n"
    );
    files::write(folder.join("Dockerfile"), recipe)
}

/// Copies a file to a path in the image.
fn copy(from: &Path, root: &Path, to: &Path) -> anyhow::Result<()> {
    let to = root.join(to.strip_prefix("/").unwrap_or(to));
    files::make_folder(to.parent().unwrap_or(root))?;
    fs::copy(from, &to).with_context(|| format!("failed to copy {} to {}", from.display(), to.display()))?;
    Ok(())
}

/// Copies a folder to the same path in the image.
fn copy_folder(folder: &Path, root: &Path) -> anyhow::Result<()> {
    for entry in files::list(folder)? {
        let path = entry?.path();
        if path.is_dir() { copy_folder(&path, root)? } else { copy(&path, root, &path)? }
    }
    Ok(())
}

/// The shared libraries of a program, and the loader.
fn libraries(program: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let output = child::foreground("ldd").arg(program).output().context("failed to run ldd")?;
    if !output.status.success() {
        bail!("ldd cannot read {}: {}", program.display(), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(parse_libraries(&String::from_utf8_lossy(&output.stdout)))
}

fn parse_libraries(listing: &str) -> Vec<PathBuf> {
    let path = |line: &str| line.split_whitespace().find(|word| word.starts_with('/')).map(PathBuf::from);
    listing.lines().filter_map(path).collect()
}

#[cfg(test)]
mod tests;
