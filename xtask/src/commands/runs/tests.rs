//! Tests of `runs`.

use clap::Parser;
use perf_report::judgement::Goal;
use perf_report::render::terminal::{TerminalStyle, render_runs};

use super::*;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    args: RunsArgs,
}

#[test]
fn a_mistyped_scenario_gets_the_nearest_name() {
    let scenarios = ["basic", "endurance"].map(str::to_owned).into();
    let text = |words: &[&str]| {
        let line = Line::try_parse_from([&["runs"], words].concat()).unwrap();
        describe_no_runs(&line.args, &scenarios, Path::new("reports"))
    };
    let mistyped = text(&["--scenario", "basik"]);
    assert_eq!(mistyped, "no runs of scenario basik found in reports; did you mean basic?");
    let known = text(&["--scenario", "basic", "--tag", "a=b"]);
    assert_eq!(known, "no runs of scenario basic with these tags found in reports");
}

#[test]
fn each_run_is_one_line_at_80_and_120_columns() {
    let report = test_support::report();
    let mut tagged = Report { exit_code: ExitCode::Regressed, ..report.clone() };
    tagged.run.testid = "20261128-120301-basic-ab12".to_owned();
    tagged.run.tags.insert("team".to_owned(), "trading".to_owned());
    for objective in &mut tagged.objectives {
        if let Goal::Latency(goal) = &mut objective.goal {
            goal.threshold_ms = 100.0;
        }
    }
    let mut failed = tagged.clone();
    failed.exit_code = ExitCode::Inconclusive;
    failed.objectives.clear();
    failed.run.testid = "20261128-120301-multiplayer-rooms-ab13".to_owned();
    let runs = [report, tagged, failed];
    for width in [80, 120] {
        let text = render_runs(&runs, TerminalStyle { width, ..TerminalStyle::PLAIN });
        assert!(text.lines().count() == 4 && text.lines().all(|line| line.chars().count() <= width), "{text}");
        let shown = ["✗ slower than the baseline", "? inconclusive", "-basic-ab12", "-multiplayer-rooms-ab13"];
        assert!(shown.iter().all(|part| text.contains(part)), "{text}");
        insta::assert_snapshot!(format!("runs_at_{width}_columns"), text);
    }
}
