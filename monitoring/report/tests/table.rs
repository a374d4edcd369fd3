//! Tests of the table in a terminal, with one row for each verdict.

use std::collections::BTreeMap;

use monitoring::slo::OnMiss;
use perf_report::evidence::{Environment, Generator, Iterations, PlanResult, RunOverview, Timeline};
use perf_report::exit_code::ExitCode;
use perf_report::finding::{Finding, FindingKind, Subject};
use perf_report::judgement::{Measurement, ObjectiveResult, Requests, objective_verdict};
use perf_report::render::terminal::{self, TerminalStyle};
use perf_report::report::SCHEMA;
use perf_report::verdict::Tally;
use perf_report::{Millis, Report};
use test_support::shop::SHOP;

fn report() -> Report {
    let judged = |index: usize, good, total, quantile: Option<Millis>| {
        let slo = &SHOP.slos[index];
        let tally = Tally { good, total, ..Tally::default() };
        let interval_ms = quantile.map(|quantile| (Millis::Finite(90.04), quantile));
        let measured = match quantile {
            Some(_) => Measurement::Percentile { tally, quantile_ms: quantile, interval_ms, response_ms: None },
            None => Measurement::counts(slo, tally),
        };
        ObjectiveResult::new(&SHOP, slo, measured, objective_verdict::judge(slo, tally))
    };
    let warns = ObjectiveResult { on_miss: OnMiss::Warn, ..judged(3, 1, 100, Some(Millis::Finite(1234.5))) };
    Report {
        schema: SCHEMA,
        run: RunOverview {
            testid: "t".into(),
            scenario: "basic".into(),
            service: "shop".into(),
            target: "http://127.0.0.1:8000".into(),
            seed: 1,
            tags: BTreeMap::new(),
            started: String::new(),
            ended: String::new(),
            started_unix_ms: 0,
            ended_unix_ms: 0,
            load: "10 VUs for 30s".into(),
            smoke: false,
            plan: PlanResult::default(),
            generator: Generator::default(),
            agents: Vec::new(),
            environment: Environment::default(),
            timeline: Timeline::default(),
            caches: Vec::new(),
            store: None,
        },
        segments: Vec::new(),
        checks: Vec::new(),
        failures: Vec::new(),
        requests: Requests { sent: 338, failed: 30, unknown: 0 },
        unjudged: Requests::default(),
        iterations: Iterations { completed: 100, failed: 30, interrupted: 2, dropped: 1 },
        endpoints: Vec::new(),
        objectives: vec![
            judged(0, 100, 100, Some(Millis::Finite(100.04))),
            judged(1, 70, 100, Some(Millis::INFINITE)),
            judged(2, 19, 19, Some(Millis::Finite(9.8))),
            warns,
            ObjectiveResult::not_in_scenario(&SHOP, &SHOP.slos[4]),
            judged(7, 70, 100, None),
            judged(8, 308, 338, None),
        ],
        findings: vec![
            Finding::problem(
                ExitCode::Inconclusive,
                Subject::Store,
                FindingKind::StoreRefused,
                "the store did not accept the final metrics: gone",
            ),
            Finding::warning(Subject::Store, FindingKind::TestidNotChecked, "cannot check whether testid \"t\" is new"),
        ],
        requests_per_day: None,
        exit_code: ExitCode::Missed,
    }
}

#[test]
fn the_table_shows_each_verdict() {
    insta::assert_snapshot!(terminal::render_run(&report(), TerminalStyle::PLAIN));
}

#[test]
fn colors_do_not_change_the_text() {
    let colored = terminal::render_run(&report(), TerminalStyle { color: true, ..TerminalStyle::PLAIN });
    assert!(colored.contains("\u{1b}["));
    let mut plain = String::new();
    let mut rest = colored.as_str();
    while let Some((before, escape)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = escape.split_once('m').unwrap().1;
    }
    plain.push_str(rest);
    let trimmed = |text: &str| text.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>();
    assert_eq!(trimmed(&plain), trimmed(&terminal::render_run(&report(), TerminalStyle::PLAIN)));
}

#[test]
fn no_line_is_wider_than_any_terminal() {
    let style = TerminalStyle { width: 80, ..TerminalStyle::PLAIN };
    let widest = |text: &str| style.wrap(text).lines().map(str::len).max();
    assert_eq!(widest(&format!("there is no scenario {:?}", "x".repeat(300))), Some(80));
    let path = "a".repeat(150);
    assert_eq!(widest(&format!("report {path}")), Some(152), "a path is not broken");
}
