//! The generator's clock: whether arrivals begin when they are due, and whether percentiles are those that the server
//! wrote down.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use monitoring::ratio::Ratio;
use perf_report::exit_code::ExitCode;
use perf_report::quantile::nearest_rank;
use perf_report::{Millis, Report};
use perf_settings::{DURATION, EXACT_ARRIVALS, RATE};

use super::process_cost::{self, ProcessCost};
use super::setup::{BenchSetup, CLIENT};
use crate::files;
use crate::terminal::say;

/// Virtual users of the accuracy measurement: few, so that the server is never busy.
const VUS: &str = "20";

/// `cargo xtask bench arrivals`
pub(super) async fn arrivals(rate: &str, duration: Duration, exact: bool) -> anyhow::Result<ExitCode> {
    let setup = BenchSetup::start(None).await?;
    let mut command = setup.ours();
    command.env(RATE, rate).env(DURATION, format!("{}ms", duration.as_millis())).env(perf_settings::VUS, "100");
    if exact {
        command.env(EXACT_ARRIVALS, "1");
    }
    let (report, measured) = report_of(&setup, &command)?;
    let part = report.plan.parts.first().context("the report has no plan")?;
    let arrivals = part.arrivals.as_ref().context("the report has no arrivals")?;
    let lateness = arrivals.lateness_ms.context("the report has no lateness")?;
    #[expect(clippy::cast_precision_loss, reason = "a ratio")]
    let each = measured.cpu.as_secs_f64() * 1e6 / report.requests.sent.max(1) as f64;
    say(&format!(
        "{}: {} of {} begun, {} dropped; lateness p50 {:.3} ms, p95 {:.3} ms, p99 {:.3} ms, at most {:.3} ms; {each:.1} µs of \
         processor time a request",
        part.load,
        arrivals.started,
        arrivals.planned,
        part.iterations.dropped,
        lateness.p50,
        lateness.p95,
        lateness.p99,
        lateness.max
    ));
    let percent = |share: Option<f64>| share.map_or_else(|| "?".to_owned(), |share| format!("{:.2} %", share * 100.0));
    say(&format!(
        "of the time the generator waited for its processor {}, and the hypervisor took {}",
        percent(report.generator.run_queue),
        percent(report.generator.steal)
    ));
    setup.stop().await?;
    Ok(ExitCode::Met)
}

/// `cargo xtask bench accuracy`
pub(super) async fn accuracy(duration: Duration) -> anyhow::Result<ExitCode> {
    let log = crate::workspace::perf().join("bench-delays.txt");
    files::make_folder(crate::workspace::perf())?;
    let setup = BenchSetup::start(Some(&log)).await?;
    let mut command = setup.ours();
    command.env(perf_settings::VUS, VUS).env(DURATION, format!("{}ms", duration.as_millis()));
    let (report, _) = report_of(&setup, &command)?;
    // The server writes what it has left when it ends.
    setup.stop().await?;
    let mut delays = delays(&log)?;
    // Ours asks once whether the target is there: that is the first, and none of the load.
    delays.remove(0);
    if delays.len() as u64 != report.requests.sent {
        bail!("the server wrote down {} delays, and {} requests were measured", delays.len(), report.requests.sent);
    }
    delays.sort_unstable();
    let endpoint = report.endpoints.first().context("the report has no endpoint")?;
    say(&format!("{} requests, against what the server wrote down for them", delays.len()));
    let mut within = true;
    for (percent, measured) in [(50, endpoint.p50_ms), (95, endpoint.p95_ms), (99, endpoint.p99_ms)] {
        let Some(Millis::Finite(measured)) = measured else { bail!("p{percent} is not finite") };
        let rank = nearest_rank(Ratio::percent(percent), delays.len() as u64);
        #[expect(clippy::cast_precision_loss, reason = "nanoseconds of a few seconds")]
        let written = delays[usize::try_from(rank)? - 1] as f64 / 1e6;
        let allowed = written * 0.01 + 0.05;
        within &= (measured - written).abs() <= allowed;
        say(&format!(
            "p{percent}  measured {measured:8.3} ms, written down {written:8.3} ms, off by {:+.3} ms",
            measured - written
        ));
    }
    say(if within { "all within 1 % + 50 µs" } else { "NOT all within 1 % + 50 µs" });
    Ok(if within { ExitCode::Met } else { ExitCode::Missed })
}

fn delays(log: &Path) -> anyhow::Result<Vec<u64>> {
    let text = files::read(log)?;
    text.lines().map(|line| line.parse().context("a delay is no number")).collect()
}

fn report_of(setup: &BenchSetup, command: &std::process::Command) -> anyhow::Result<(Report, ProcessCost)> {
    // Whether objectives are met is not the question here.
    let measured =
        process_cost::run(command, CLIENT, &[ExitCode::Inconclusive.code().into(), ExitCode::Missed.code().into()])?;
    let path = setup.folder.join("ours/latest/report.json");
    let text = fs::read_to_string(&path)
        .with_context(|| format!("failed to read {}:\n{}", path.display(), measured.output))?;
    Ok((serde_json::from_str(&text).context("failed to read the report")?, measured))
}
