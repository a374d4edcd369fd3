//! `cargo xtask bench arrivals` and `accuracy`: the generator's clock.
//!
//! Measures how late iterations start, and compares
//! percentiles with the delays that the server logged.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use monitoring::ratio::Ratio;
use perf_report::exit_code::ExitCode;
use perf_report::format::{counted, counted_part, percent_with};
use perf_report::quantile::nearest_rank;
use perf_report::{Millis, Report};
use perf_settings::{DURATION, EXACT_ARRIVALS, RATE};

use super::bench_setup::BenchSetup;
use super::process_cost::{self, ProcessCost};
use super::processors::CLIENT;
use crate::host::files;
use crate::host::terminal::print_line;
use crate::runs::reports;

/// Virtual users of `accuracy`: few, so that the server is never busy.
const VUS: &str = "20";

pub(super) async fn arrivals(rate: &str, duration: Duration, exact: bool) -> anyhow::Result<ExitCode> {
    let setup = BenchSetup::start(None).await?;
    let mut command = setup.generator_command();
    command.env(RATE, rate).env(DURATION, format!("{}ms", duration.as_millis())).env(perf_settings::VUS, "100");
    if exact {
        command.env(EXACT_ARRIVALS, "1");
    }
    let (report, cost) = run_generator(&setup, &command)?;
    let part = report.run.plan.parts.first().context("the report has no plan")?;
    let arrivals = part.model.arrivals().context("the report has no arrivals")?;
    let lateness = arrivals.lateness_ms.context("the report has no lateness")?;
    #[expect(clippy::cast_precision_loss, reason = "a ratio")]
    let each = cost.cpu.as_secs_f64() * 1e6 / report.requests.sent.max(1) as f64;
    print_line(&format!(
        "{}: {} started, {} dropped; lateness p50 {:.3} ms, p95 {:.3} ms, p99 {:.3} ms, max {:.3} ms; \
         {each:.1} µs of processor time per request",
        part.load,
        counted_part(arrivals.started, arrivals.planned, "iteration"),
        part.iterations.dropped,
        lateness.p50,
        lateness.p95,
        lateness.p99,
        lateness.max
    ));
    let percent = |share: Option<f64>| share.map_or_else(|| "?".to_owned(), |share| percent_with(share, 2));
    print_line(&format!(
        "share of time: the generator waited for a processor {}, the hypervisor took {}",
        percent(report.run.generator.run_queue),
        percent(report.run.generator.steal)
    ));
    setup.stop().await?;
    Ok(ExitCode::Met)
}

pub(super) async fn accuracy(duration: Duration) -> anyhow::Result<ExitCode> {
    let log = crate::host::workspace::state_folder().join("bench-delays.txt");
    files::make_folder(crate::host::workspace::state_folder())?;
    let setup = BenchSetup::start(Some(&log)).await?;
    let mut command = setup.generator_command();
    command.env(perf_settings::VUS, VUS).env(DURATION, format!("{}ms", duration.as_millis()));
    let (report, _) = run_generator(&setup, &command)?;
    // The server writes the rest of its log when it ends.
    setup.stop().await?;
    let mut delays = delays(&log)?;
    // The first request is the generator's check that the
    // target responds; it is not part of the load.
    delays.remove(0);
    if delays.len() as u64 != report.requests.sent {
        let (logged, sent) = (counted(delays.len() as u64, "delay"), counted(report.requests.sent, "request"));
        bail!("the server logged {logged}, and the run measured {sent}");
    }
    delays.sort_unstable();
    let endpoint = report.endpoints.first().context("the report has no endpoint")?;
    let requests = counted(delays.len() as u64, "request");
    print_line(&format!("{requests}, compared with the delays that the server logged"));
    let mut within = true;
    for (percent, measured) in [(50, endpoint.p50_ms), (95, endpoint.p95_ms), (99, endpoint.p99_ms)] {
        let Some(Millis::Finite(measured)) = measured else { bail!("p{percent} is not finite") };
        let rank = nearest_rank(Ratio::percent(percent), delays.len() as u64);
        #[expect(clippy::cast_precision_loss, reason = "nanoseconds of a few seconds")]
        let logged = delays[usize::try_from(rank)? - 1] as f64 / 1e6;
        let allowed = logged * 0.01 + 0.05;
        within &= (measured - logged).abs() <= allowed;
        print_line(&format!(
            "p{percent}  measured {measured:8.3} ms, logged {logged:8.3} ms, difference {:+.3} ms",
            measured - logged
        ));
    }
    print_line(if within { "all differences within 1 % + 50 µs" } else { "NOT all differences within 1 % + 50 µs" });
    Ok(if within { ExitCode::Met } else { ExitCode::Missed })
}

/// The logged delays in nanoseconds, in the order of the requests.
fn delays(log: &Path) -> anyhow::Result<Vec<u64>> {
    let text = files::read(log)?;
    let parse = |line: &str| line.parse().with_context(|| format!("{}: not a delay: {line:?}", log.display()));
    text.lines().map(parse).collect()
}

/// Runs the generator to its end, and reads its report.
fn run_generator(setup: &BenchSetup, command: &std::process::Command) -> anyhow::Result<(Report, ProcessCost)> {
    // The benchmark does not depend on the objectives.
    let fine = [ExitCode::Inconclusive.code().into(), ExitCode::Missed.code().into()];
    let cost = process_cost::run(command, CLIENT, &fine)?;
    let path = setup.folder.join("ours/latest/report.json");
    let report = reports::read(&path).with_context(|| cost.output.clone())?;
    Ok((report, cost))
}
