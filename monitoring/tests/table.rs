//! The table as people see it, one of each verdict.

use std::collections::BTreeMap;

use monitoring::catalogue::STOCK_AI;
use monitoring::judgement::{
    Environment, Generator, Iterations, Millis, ObjectiveResult, Plan, Problem, Report, Requests, SCHEMA, Timeline,
};
use monitoring::run::ExitCode;
use monitoring::table;
use monitoring::verdict::{self, Tally};

fn report() -> Report {
    let judged = |index: usize, good, total, quantile: Option<Millis>| {
        let slo = &STOCK_AI.slos[index];
        let tally = Tally { good, total, ..Tally::default() };
        let interval_ms = quantile.map(|quantile| (Millis::Finite(90.04), quantile));
        let result = ObjectiveResult::judged(slo, tally, &verdict::judge(slo, tally));
        ObjectiveResult { quantile_ms: quantile, interval_ms, ..result }
    };
    let warns = ObjectiveResult {
        severity: monitoring::slo::Severity::Warn,
        ..judged(3, 1, 100, Some(Millis::Finite(1234.5)))
    };
    Report {
        schema: SCHEMA,
        testid: "t".into(),
        scenario: "basic".into(),
        service: "stock-ai-multiplayer".into(),
        target: "http://127.0.0.1:8000".into(),
        seed: 1,
        tags: BTreeMap::new(),
        started: String::new(),
        ended: String::new(),
        started_unix_ms: 0,
        ended_unix_ms: 0,
        load: "10 VUs for 30s".into(),
        plan: Plan::default(),
        generator: Generator::default(),
        segments: Vec::new(),
        checks: Vec::new(),
        environment: Environment::default(),
        timeline: Timeline::default(),
        requests: Requests { sent: 338, failed: 30, unknown: 0 },
        around: Requests::default(),
        iterations: Iterations { completed: 100, failed: 30, interrupted: 2, dropped: 1 },
        endpoints: Vec::new(),
        caches: Vec::new(),
        objectives: vec![
            judged(0, 100, 100, Some(Millis::Finite(100.04))),
            judged(1, 70, 100, Some(Millis::INFINITE)),
            judged(2, 19, 19, Some(Millis::Finite(9.8))),
            warns,
            ObjectiveResult::absent(&STOCK_AI.slos[4]),
            judged(7, 70, 100, None),
            judged(8, 308, 338, None),
        ],
        store: None,
        problems: vec![Problem::new(ExitCode::Inconclusive, "the store did not take the final metrics: gone")],
        warnings: vec!["nobody knows whether testid \"t\" is new".into()],
        requests_per_day: None,
        exit_code: 99,
    }
}

#[test]
fn each_verdict_in_words_and_signs() {
    insta::assert_snapshot!(table::render(&report(), false));
}

#[test]
fn colour_changes_nothing_but_the_colour() {
    let coloured = table::render(&report(), true);
    assert!(coloured.contains("\u{1b}["));
    let mut plain = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, escape)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = escape.split_once('m').unwrap().1;
    }
    plain.push_str(rest);
    let trimmed = |text: &str| text.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>();
    assert_eq!(trimmed(&plain), trimmed(&table::render(&report(), false)));
}
