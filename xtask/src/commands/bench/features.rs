//! `cargo xtask bench features`: what each feature of HTTP adds to the cost of a request.
//!
//! A feature and what it is compared with run in pairs on the same processor; which one is first
//! alternates.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use perf_report::exit_code::ExitCode;
use perf_report::format::counted;
use perf_settings::{MAX_REDIRECTS, shown_duration};

use super::bench_protocol::BenchProtocol;
use super::bench_setup::BenchSetup;
use super::peers::{RatioQuartiles, cost, quartiles};
use crate::host::files;
use crate::host::terminal::print_line;

/// The example that has the features.
const SCENARIO: &str = "features";
const VUS: u32 = 50;
/// Rows of the data file.
const ROWS: u32 = 100_000;

/// A feature: its description, the generator's argument for it, and the argument for what it is
/// compared with.
struct Feature {
    description: &'static str,
    with: Option<&'static str>,
    without: Option<&'static str>,
}

const FEATURES: [Feature; 7] = [
    Feature { description: "nothing: the same load twice", with: None, without: None },
    Feature { description: "a response sets a cookie", with: Some("cookie"), without: None },
    Feature { description: "a request sends 3 cookies", with: Some("three-cookies"), without: None },
    Feature { description: "a response of 10 KB is gzip", with: Some("gzip"), without: Some("long") },
    Feature { description: "an iteration takes a row", with: Some("row"), without: None },
    Feature { description: "half of the requests are redirects", with: Some("moved"), without: None },
    Feature { description: "6 requests at once, not in turn", with: Some("at-once"), without: Some("in-turn") },
];

pub(super) async fn run(rounds: u64, duration: Duration) -> anyhow::Result<ExitCode> {
    let setup = BenchSetup::start_over(BenchProtocol::Http, None, SCENARIO).await?;
    let rows = setup.folder.join("students.csv");
    files::write(&rows, students())?;
    print_line(&format!("{VUS} VUs, {} of {} each", counted(rounds, "round"), shown_duration(duration)));
    let mut pairs = vec![Vec::new(); FEATURES.len()];
    for round in 0..rounds {
        for (feature, pairs) in FEATURES.iter().zip(&mut pairs) {
            let mut pair = [0.0; 2];
            for at in if round % 2 == 0 { [0, 1] } else { [1, 0] } {
                let command = command(&setup, [feature.with, feature.without][at], &rows, duration);
                pair[at] = cost(&setup, &command, duration).await?.cpu_us_per_request;
            }
            pairs.push(pair);
        }
        eprintln!("round {} of {rounds}", round + 1);
    }
    print_line("\nprocessor time per request            without      with    difference");
    for (Feature { description, .. }, pairs) in FEATURES.iter().zip(&pairs) {
        let median = |values: Vec<f64>| quartiles(values).median;
        let [with, without] = [0, 1].map(|at| median(pairs.iter().map(|pair| pair[at]).collect()));
        let RatioQuartiles { median, quartiles: (low, high) } =
            quartiles(pairs.iter().map(|pair| pair[0] - pair[1]).collect());
        print_line(&format!(
            "{description:36} {without:6.2} µs {with:6.2} µs   {median:+.2} µs ({low:+.2} to {high:+.2})"
        ));
    }
    print_line("(medians of rounds; in brackets: the quartiles)");
    setup.stop().await?;
    Ok(ExitCode::Met)
}

fn command(setup: &BenchSetup, argument: Option<&str>, rows: &Path, duration: Duration) -> std::process::Command {
    let mut command = setup.load_by(&setup.generator, VUS, duration);
    if let Some(argument) = argument {
        command.arg(argument).arg(rows).env(MAX_REDIRECTS, "1");
    }
    command
}

/// The data file.
fn students() -> String {
    let mut text = "id,name,seat,city\n".to_owned();
    for id in 1..=ROWS {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{id},Student {id},{},Springfield", id % 30);
    }
    text
}
