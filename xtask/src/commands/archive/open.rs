//! `cargo xtask archive open`: starts a stack that shows an archive, beside the usual stack.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, bail};
use monitoring::sanitize::sanitize;
use perf_host::signals::Signals;
use perf_report::Report;
use perf_report::exit_code::ExitCode;
use perf_report::format::counted;
use perf_report::render::files::REPORT as REPORT_FILE;

use super::{BLOCKS, DASHBOARDS, MANIFEST, Manifest, REPORT, SCHEMA};
use crate::host::files;
use crate::host::terminal::print_line;
use crate::refusal::refuse;
use crate::runs::reports;
use crate::stack::dashboard_link::dashboard_link;
use crate::stack::{self, PortArgs, ShownArchive, StackArgs, StackChoice, StackOptions};

/// Limit on unpacked bytes, above the size of any archive that this program makes.
const MOST_BYTES: u64 = 8 << 30;
/// Far from the ports of the usual stack.
const PROMETHEUS_PORT: u16 = 9390;
const GRAFANA_PORT: u16 = 3391;

/// The archive to show, and the stack that shows it.
#[derive(Debug, clap::Args)]
pub(crate) struct OpenArgs {
    /// Archive to show
    file: PathBuf,
    #[command(flatten)]
    stack: StackArgs,
    #[command(flatten)]
    ports: PortArgs<PROMETHEUS_PORT, GRAFANA_PORT>,
}

pub(super) async fn run(args: &OpenArgs) -> anyhow::Result<ExitCode> {
    let prometheus_port = args.ports.prometheus();
    if args.stack.choice == StackChoice::None {
        return Err(refuse("--stack none cannot show an archive: use --stack docker or --stack native"));
    }
    stack::stop(&stack::parts(StackChoice::Auto, Some(prometheus_port)).await?).await?;
    let folder = stack::archive_folder(prometheus_port)?;
    let unpacked = unpack(&args.file, &folder);
    let (manifest, report) =
        unpacked.map_err(|error| refuse(format!("cannot open {}: {error:#}", args.file.display())))?;
    let root = folder.join(&manifest.testid);
    let shown = ShownArchive { data: root.join(BLOCKS), dashboards: root.join(DASHBOARDS) };
    let options = StackOptions { archive: Some(shown), ..args.ports.options(&args.stack) };
    let stack = stack::start(&options, Signals::count()?).await?;
    let Some(prometheus) = &stack.prometheus else {
        return Err(refuse("cannot show the archive without Docker or a prometheus on PATH: install one of them"));
    };
    print_line(&sanitize(&report_line(&report)));
    if let Some(grafana) = &stack.grafana
        && let Some(link) = dashboard_link(grafana, &report)
    {
        print_line(&format!("dashboard   {link}"));
    }
    print_line(&format!("Prometheus  {prometheus}"));
    print_line(&format!("report      {}", root.join(REPORT).join(REPORT_FILE).display()));
    print_line(&format!("to stop it: cargo xtask stack down --prometheus-port {prometheus_port}"));
    Ok(ExitCode::Met)
}

fn report_line(report: &Report) -> String {
    format!(
        "{}: {}, {}, {}",
        report.run.testid,
        report.run.load,
        counted(report.requests.sent, "request"),
        report.run.started
    )
}

/// Unpacks an archive into an emptied folder. Whatever its names
/// are, nothing is written outside of the folder.
fn unpack(file: &Path, folder: &Path) -> anyhow::Result<(Manifest, Report)> {
    let packed = File::open(file).context("failed to open the file")?;
    let unpacked = zstd::Decoder::new(packed).context("not a zstd file")?;
    files::remove_folder(folder)?;
    files::make_folder(folder)?;
    let mut archive = tar::Archive::new(unpacked.take(MOST_BYTES));
    let mut root: Option<PathBuf> = None;
    for entry in archive.entries().context("not a tar file")? {
        let mut entry = entry.context("truncated or damaged")?;
        let path = entry.path().context("it has an entry with an invalid name")?.into_owned();
        let is_below = path.components().all(|part| matches!(part, Component::Normal(_)));
        if !is_below || !entry.header().entry_type().is_file() {
            bail!("its entry {} is not a file below the archive's root", path.display());
        }
        root = root.or_else(|| path.components().next().map(|first| PathBuf::from(first.as_os_str())));
        if !entry.unpack_in(folder).with_context(|| format!("failed to unpack {}", path.display()))? {
            bail!("its entry {} leads outside of the folder", path.display());
        }
    }
    let root = folder.join(root.context("the archive is empty")?);
    let manifest =
        fs::read_to_string(root.join(MANIFEST)).context("it has no manifest, so it is not the archive of a run")?;
    let manifest: Manifest = serde_json::from_str(&manifest).context("its manifest.json has another format")?;
    if manifest.schema > SCHEMA {
        bail!("it has the newer version {}, and this program reads up to {SCHEMA}: update it", manifest.schema);
    }
    if root != folder.join(&manifest.testid) {
        bail!("its folder is {}, but its manifest names {}", root.display(), manifest.testid);
    }
    // The archive may come from elsewhere.
    let report = reports::read(&root.join(REPORT).join(REPORT_FILE)).context("its report cannot be read")?;
    open_to_container(&root.join(BLOCKS))?;
    Ok((manifest, report))
}

/// Lets every user write below the folder: in a container, Prometheus runs as another user and
/// writes beside the blocks.
fn open_to_container(folder: &Path) -> anyhow::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        for entry in files::list(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                open_to_container(&entry.path())?;
            }
        }
        let mode = fs::Permissions::from_mode(0o777);
        fs::set_permissions(folder, mode).with_context(|| format!("failed to open {} to others", folder.display()))?;
    }
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

#[cfg(test)]
mod tests;
