//! `cargo xtask perf`: runs of the scenarios, `--drill`, an interleaved comparison, or `--list`.

mod drill;

use perf_report::exit_code::ExitCode;

use crate::perf::perf_error::PerfError;
use crate::perf::perf_result::PerfResult;
use crate::perf::plan::{self, PerfPlan};
use crate::perf::publish;
use crate::perf::{self, PerfArgs, interleaved, list};

pub(crate) async fn run(args: PerfArgs) -> anyhow::Result<ExitCode> {
    Ok(publish::finish(perf(args).await))
}

/// Runs the command. Returns `None` if it has no exit code to print.
async fn perf(args: PerfArgs) -> Result<Option<PerfResult>, PerfError> {
    let settings = args.settings()?;
    args.check(&settings)?;
    let (signals, _lock) = plan::lock_clone(&args, &settings)?;
    if args.drill {
        return drill::run(&args, &settings, signals).await.map(Some);
    }
    if args.interleaved.compares() {
        return interleaved::run(&args, &settings, signals).await.map(Some);
    }
    if args.list {
        return list::run(&args, signals).await.map(|()| None);
    }
    let plan = PerfPlan::new(&args, settings, signals)?;
    let result = perf::run(&plan).await?;
    // Dry runs and shards have no verdict, so their exit code is not printed unless it is an error.
    Ok((plan.judges() || result.code != ExitCode::Met).then_some(result))
}
