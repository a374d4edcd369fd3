//! `cargo xtask merge`: judges the shards of a run as one run.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use perf_host::files::read_at_most;
use perf_host::signals::Signals;
use perf_report::exit_code::ExitCode;
use perf_report::shard::{MAX_BYTES, ShardHeader};
use perf_settings::{OUT, Settings, TESTID};

use crate::flags::setting_args::{SettingArgs, SettingChoice};
use crate::host::{files, workspace};
use crate::perf::args::RunJudgingArgs;
use crate::perf::compare;
use crate::perf::perf_error::PerfError;
use crate::perf::perf_result::PerfResult;
use crate::perf::prove::ProofResult;
use crate::perf::publish::{self, EndedRun};
use crate::perf::{child, judge, plan};
use crate::scenarios::{self, PROFILE, Programs, ScenarioError};

/// Levels of folders in which files are found.
const MOST_LEVELS: usize = 4;
/// Limit on files and folders that are looked at.
const MOST_ENTRIES: usize = 10_000;

const TESTID_HELP: &str = "Name of the merged run [default: that of the shards]";

/// Flags of `cargo xtask merge`.
#[derive(Debug, clap::Args)]
#[command(mut_arg("testid", |arg| arg.help(TESTID_HELP).long_help(TESTID_HELP)))]
pub(crate) struct MergeArgs {
    /// Folders with the files of all shards, or the files
    #[arg(value_name = "DIR", required = true)]
    folders: Vec<PathBuf>,
    #[command(flatten)]
    run: SettingArgs<MergedRun>,
    #[command(flatten)]
    judging: RunJudgingArgs,
}

/// Name and report folder of the merged run.
#[derive(Clone)]
struct MergedRun;

impl SettingChoice for MergedRun {
    const VARIABLES: Option<&'static [&'static str]> = Some(&[TESTID, OUT]);
    const READS_VARIABLES: bool = false;
}

pub(crate) async fn run(args: MergeArgs) -> anyhow::Result<ExitCode> {
    Ok(publish::finish(merge(args).await.map(Some)))
}

async fn merge(args: MergeArgs) -> Result<PerfResult, PerfError> {
    args.judging.check_rule()?;
    args.judging.check_compares("--baseline")?;
    let settings = Settings::from_flags(args.run.given(), &|_| None)?;
    let paths = find_files(&args.folders).map_err(PerfError::Shards)?;
    let name = scenario(&paths[0]).map_err(PerfError::Shards)?;
    scenarios::check_names(std::slice::from_ref(&name))?;
    let baseline = args.judging.plan(settings.out.clone())?;
    baseline.check_comparable(&name, None)?;
    let signals = Signals::count().map_err(anyhow::Error::from)?;
    let built = plan::build(PROFILE, Programs::Scenarios, &signals)?;
    let scenario = built.select_one(Some(&name)).map_err(|error| match error {
        ScenarioError::NoTest(name) | ScenarioError::NotDeclared(name) => PerfError::OtherCheckout(name),
        error => error.into(),
    })?;
    let settings = Settings {
        merge: paths,
        out: Some(settings.out.clone().unwrap_or_else(workspace::state_folder)),
        folder: workspace::state_folder(),
        quiet: true,
        ..settings
    };
    let outcome =
        child::run(&built.generator, &scenario, settings, signals.clone()).await.map_err(|error| match error {
            PerfError::Crashed(_) if signals.is_interrupted() => PerfError::Interrupted("interrupted"),
            error => error,
        })?;
    let measured = outcome.into_measured();
    let measured = measured.with_context(|| format!("the scenario {name} did not merge its shards"))?;
    let judged = judge::run(*measured)?;
    let compared = compare::run(&baseline, &judged);
    let ended = EndedRun { judged, proof: ProofResult::default(), compared };
    publish::run(ended, &baseline, args.judging.production.requests_per_day, None)
}

/// The files of shards in these folders, each once, sorted by path.
fn find_files(folders: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let (mut paths, mut entries) = (Vec::new(), 0);
    for folder in folders {
        let before = paths.len();
        let metadata = fs::metadata(folder).with_context(|| format!("failed to read {}", folder.display()))?;
        if metadata.is_dir() {
            add_files(folder, MOST_LEVELS, &mut paths, &mut entries)?;
        } else {
            paths.push(folder.clone());
        }
        ensure!(paths.len() > before, "{} has no shard-I-of-N.json: name the folder of the shards", folder.display());
    }
    let absolute =
        |path: PathBuf| fs::canonicalize(&path).with_context(|| format!("failed to find {}", path.display()));
    let mut paths: Vec<_> = paths.into_iter().map(absolute).collect::<Result<_, _>>()?;
    paths.sort();
    paths.dedup();
    Ok(paths)
}

fn add_files(folder: &Path, levels: usize, paths: &mut Vec<PathBuf>, entries: &mut usize) -> anyhow::Result<()> {
    for entry in files::list(folder)? {
        let entry = entry?;
        *entries += 1;
        ensure!(*entries <= MOST_ENTRIES, "{} has too many files: name the folders of the shards", folder.display());
        let (kind, name) = (entry.file_type()?, entry.file_name().to_string_lossy().into_owned());
        // Links are not followed: they may lead in a circle.
        if kind.is_dir() && levels > 1 {
            add_files(&entry.path(), levels - 1, paths, entries)?;
        } else if kind.is_file() && name.starts_with("shard-") && name.ends_with(".json") {
            paths.push(entry.path());
        }
    }
    Ok(())
}

/// The scenario of a shard's file. Everything else in it is checked by the scenario's process.
fn scenario(path: &Path) -> anyhow::Result<String> {
    let shown = || format!("failed to read {}", path.display());
    ensure!(
        fs::metadata(path).with_context(shown)?.is_file(),
        "{} is not a file: name a folder with shards, or the file of a shard",
        path.display()
    );
    let text = File::open(path).and_then(|file| read_at_most(MAX_BYTES, file)).with_context(shown)?;
    let text = text.with_context(|| {
        format!("{} is not the file of a shard: it has more than {} MiB", path.display(), MAX_BYTES >> 20)
    })?;
    let header: ShardHeader = serde_json::from_slice(&text)
        .with_context(|| format!("{} is not a complete file of a shard", path.display()))?;
    let scenario = header
        .scenario()
        .with_context(|| format!("{} is not the file of a shard: it has no scenario", path.display()))?;
    Ok(scenario.to_owned())
}
