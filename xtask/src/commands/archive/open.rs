//! `cargo xtask archive open`: a stack that shows an archive, beside the one of every day.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, bail};
use monitoring::prometheus::recording_rules::Timing;
use monitoring::sanitize::sanitize;
use perf_report::Report;
use perf_report::exit_code::ExitCode;

use super::{BLOCKS, DASHBOARDS, MANIFEST, Manifest, REPORT, SCHEMA};
use crate::dashboard_link::dashboard_link;
use crate::files;
use crate::host::count_signals;
use crate::stack::{self, ShownArchive, StackChoice, StackOptions};
use crate::terminal::refuse;

/// More than any archive of ours: one that unpacks to more is something else.
const MOST_BYTES: u64 = 8 << 30;
/// Far from the everyday stack's.
const PROMETHEUS_PORT: u16 = 9390;
const GRAFANA_PORT: u16 = 3391;

/// Which archive, and where it shows.
#[derive(Debug, clap::Args)]
pub(crate) struct OpenArgs {
    /// The archive
    file: PathBuf,
    /// What to start
    #[arg(long, value_enum, default_value_t = StackChoice::Auto)]
    stack: StackChoice,
    /// Prometheus' port on 127.0.0.1
    #[arg(long, default_value_t = PROMETHEUS_PORT, value_parser = clap::value_parser!(u16).range(1..))]
    prometheus_port: u16,
    /// Grafana's port on 127.0.0.1
    #[arg(long, default_value_t = GRAFANA_PORT, value_parser = clap::value_parser!(u16).range(1..))]
    grafana_port: u16,
    /// Start no Grafana
    #[arg(long, conflicts_with = "grafana_port")]
    no_grafana: bool,
}

pub(super) async fn run(args: &OpenArgs) -> anyhow::Result<ExitCode> {
    let &OpenArgs { stack: choice, prometheus_port, grafana_port, no_grafana, .. } = args;
    if choice == StackChoice::None {
        return Ok(refuse("an archive is shown by a Prometheus: --stack docker or --stack native"));
    }
    stack::stop(&stack::parts(StackChoice::Auto, Some(prometheus_port)).await?).await?;
    let folder = stack::archive_folder(prometheus_port)?;
    let (manifest, report) = match unpack(&args.file, &folder) {
        Ok(unpacked) => unpacked,
        Err(error) => return Ok(refuse(format!("{} cannot be opened: {error:#}", args.file.display()))),
    };
    let root = folder.join(&manifest.testid);
    let shown = ShownArchive { data: root.join(BLOCKS), dashboards: root.join(DASHBOARDS) };
    let options = StackOptions {
        choice,
        prometheus_port,
        grafana_port,
        grafana: !no_grafana,
        keep_data: true,
        timing: Timing::USUAL,
        archive: Some(shown),
    };
    let stack = stack::start(&options, count_signals()?).await?;
    let Some(prometheus) = &stack.prometheus else {
        return Ok(refuse("there is neither Docker nor a prometheus on PATH to show the archive"));
    };
    println!("{}", sanitize(&report_line(&report)));
    if let Some(grafana) = &stack.grafana
        && let Some(link) = dashboard_link(grafana, &report)
    {
        println!("dashboard   {link}");
    }
    println!("Prometheus  {prometheus}");
    println!("report      {}", root.join(REPORT).join("report.json").display());
    println!("cargo xtask stack down --prometheus-port {prometheus_port} ends it");
    Ok(ExitCode::Met)
}

fn report_line(report: &Report) -> String {
    format!("{}: {}, {} requests, {}", report.testid, report.load, report.requests.sent, report.started)
}

/// Unpacks an archive into a folder that holds nothing else. Nothing is written outside of it, whatever names say.
fn unpack(file: &Path, folder: &Path) -> anyhow::Result<(Manifest, Report)> {
    let packed = File::open(file).context("failed to open it")?;
    let unpacked = zstd::Decoder::new(packed).context("it is no zstd file")?;
    files::remove_folder(folder)?;
    files::make_folder(folder)?;
    let mut archive = tar::Archive::new(unpacked.take(MOST_BYTES));
    let mut root: Option<PathBuf> = None;
    for entry in archive.entries().context("it is no tar file")? {
        let mut entry = entry.context("it is cut off or damaged")?;
        let path = entry.path().context("a name in it is none")?.into_owned();
        let sanitize = path.components().all(|part| matches!(part, Component::Normal(_)));
        if !sanitize || !entry.header().entry_type().is_file() {
            bail!("{} is no sanitize file", path.display());
        }
        root = root.or_else(|| path.components().next().map(|first| PathBuf::from(first.as_os_str())));
        if !entry.unpack_in(folder).with_context(|| format!("failed to unpack {}", path.display()))? {
            bail!("{} would be written elsewhere", path.display());
        }
    }
    let root = folder.join(root.context("it is empty")?);
    let manifest =
        fs::read_to_string(root.join(MANIFEST)).context("it has no manifest, so it is no archive of a run")?;
    let manifest: Manifest = serde_json::from_str(&manifest).context("its manifest is none of ours")?;
    if manifest.schema > SCHEMA {
        bail!("it is of a newer version ({}) than this one reads ({SCHEMA})", manifest.schema);
    }
    if root != folder.join(&manifest.testid) {
        bail!("it holds {}, and says that it holds {}", root.display(), manifest.testid);
    }
    let report = fs::read_to_string(root.join(REPORT).join("report.json")).context("it has no report")?;
    let report = serde_json::from_str(&report).context("its report is none of this version")?;
    open_to_container(&root.join(BLOCKS))?;
    Ok((manifest, report))
}

/// Prometheus in a container is another user, who has to write beside the blocks.
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
mod tests {
    use super::*;
    use crate::workspace;

    fn archive(name: &str, entries: &[(&str, &[u8])]) -> PathBuf {
        let file = workspace::target().join(format!("archive-test-{name}.tar.zst"));
        let mut tar = tar::Builder::new(zstd::Encoder::new(File::create(&file).unwrap(), 1).unwrap());
        for (path, contents) in entries {
            let mut header = tar::Header::new_gnu();
            // Past the crate's own checks, as somebody hostile would.
            header.as_gnu_mut().unwrap().name[..path.len()].copy_from_slice(path.as_bytes());
            header.set_size(contents.len() as u64);
            header.set_mode(0o644);
            header.set_cksum();
            tar.append(&header, *contents).unwrap();
        }
        tar.into_inner().unwrap().finish().unwrap();
        file
    }

    #[test]
    fn what_is_no_archive_of_ours_is_refused_and_writes_nothing_elsewhere() {
        let folder = workspace::target().join("archive-test-folder");
        let newer = br#"{"schema":99,"testid":"x","service":"s","started_unix_ms":0,"ended_unix_ms":0,"selectors":[],"series":0,"samples":0,"prometheus":""}"#;
        let other = br#"{"schema":1,"testid":"y","service":"s","started_unix_ms":0,"ended_unix_ms":0,"selectors":[],"series":0,"samples":0,"prometheus":""}"#;
        for (name, entries, says) in [
            ("up", &[("../archive-test-escaped", &b"x"[..])][..], "no sanitize file"),
            ("root", &[("/tmp/archive-test-escaped", &b"x"[..])], "no sanitize file"),
            ("none", &[("x/readme", &b"x"[..])], "no manifest"),
            ("newer", &[("x/manifest.json", &newer[..])], "newer version"),
            ("other", &[("x/manifest.json", &other[..])], "says that it holds y"),
            ("empty", &[], "empty"),
        ] {
            let error = format!("{:#}", unpack(&archive(name, entries), &folder).unwrap_err());
            assert!(error.contains(says), "{name}: {error}");
        }
        assert!(!workspace::target().join("archive-test-escaped").exists());
        let cut = workspace::target().join("archive-test-cut.tar.zst");
        let whole = fs::read(archive("whole", &[("x/readme", &[7; 4000])])).unwrap();
        fs::write(&cut, &whole[..whole.len() / 2]).unwrap();
        assert!(unpack(&cut, &folder).is_err());
    }
}
