//! Pages and summaries of common situations: each cause once, and nothing about what was
//! never measured.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails the test")]

use monitoring::slo::OnMiss;
use perf_report::comparison::{Comparison, ComparisonMethod, Conclusion};
use perf_report::exit_code::ExitCode;
use perf_report::finding::{Finding, FindingKind, Subject};
use perf_report::findings::run_findings;
use perf_report::headline::Headline;
use perf_report::judgement::Measurement;
use perf_report::read::{read_comparison, read_report};
use perf_report::render::files::{HTML, JUNIT, MARKDOWN, run_files};
use perf_report::render::terminal::{RunResult, TerminalStyle, render_result, render_run};
use perf_report::verdict::{Reason, Tally, Verdict};
use perf_report::{Millis, Report};

/// The report of a situation.
fn report(situation: &str) -> Report {
    read_report(&test_support::situation(situation, "").unwrap()).unwrap()
}

fn file(report: &Report, name: &str) -> String {
    let files = run_files(report, None).unwrap();
    files.into_iter().find(|(known, _)| *known == name).unwrap().1
}

#[test]
fn a_run_that_did_not_run_has_only_its_cause() {
    let report = report("failed_setup");
    let page = file(&report, HTML);
    for absent in ["workers;", "No request failed", "0 requests", "objectives\"", "latency\"", "load\"", "budgets\""] {
        assert!(!page.contains(absent), "{absent}");
    }
    assert!(page.contains("href=\"#errors\"") && page.contains("501 Not Implemented"), "the failed request");
    assert_eq!(page.matches("setup failed").count(), 1);
    let summary = file(&report, MARKDOWN);
    assert_eq!(summary.matches("setup failed").count(), 1, "{summary}");
    assert!(!summary.contains("0 requests"), "{summary}");
}

#[test]
fn a_missed_objective_of_the_headline_is_not_repeated_below_it() {
    let report = report("missed");
    for name in [HTML, MARKDOWN] {
        let text = file(&report, name).replace("&gt;", ">");
        assert_eq!(text.matches("p95 795.3 ms > 500 ms").count(), 1, "{name}");
    }
}

#[test]
fn a_page_names_the_cause_of_the_headline_once_above_its_tables() {
    for (situation, cause, others) in [
        ("several_missed", "76 × 500", "all endpoints errors"),
        ("without_routes", "404 Not Found", "join_room success"),
    ] {
        let page = file(&report(situation), HTML);
        let above = page.split("id=\"objectives\"").next().unwrap();
        assert_eq!([cause, others].map(|text| above.matches(text).count()), [1, 1], "{situation}");
    }
}

#[test]
fn an_endpoint_that_always_fails_gets_no_advice_to_run_longer() {
    let mut report = report("without_routes");
    let success = report.objectives.iter_mut().find(|it| it.objective.starts_with("success")).unwrap();
    let reason = Reason::TooFew { total: 40, needed: 100, quantile: "p99".to_owned() };
    success.verdict = Verdict::Inconclusive(reason);
    let texts =
        |report: &Report| [render_run(report, TerminalStyle::PLAIN), file(report, HTML), file(report, MARKDOWN)];
    let is_advised = |text: String| text.contains("-d 1m or -i 100");
    assert_eq!(texts(&report).map(is_advised), [false; 3]);
    report.endpoints.iter_mut().for_each(|it| it.requests.failed = it.requests.failed.saturating_sub(1));
    assert_eq!(texts(&report).map(is_advised), [true; 3]);
}

#[test]
fn a_summary_prints_each_cause_once() {
    let summaries = ["failed_setup", "without_routes", "several_missed"].map(|name| file(&report(name), MARKDOWN));
    insta::assert_snapshot!(summaries.join("\n"));
}

#[test]
fn requests_that_all_failed_are_the_cause_and_told_once() {
    let report = report("without_routes");
    let cause = "join_room: all 2,152 requests failed: 404 Not Found";
    assert!(Headline::new(&report).cause.starts_with(cause), "{:?}", Headline::new(&report));
    let summary = file(&report, MARKDOWN).replace("\\_", "_");
    let count = |text: &str| summary.matches(text).count();
    assert_eq!([count(cause), count("404 Not Found")], [1, 1], "{summary}");
    assert_eq!([count("Check that the service has this route"), count("first missed")], [1, 0], "{summary}");
}

#[test]
fn endpoints_without_requests_are_one_line() {
    let report = report("without_routes");
    let line = "6 other endpoints had no requests: all 2,152 iterations failed before them";
    let without = report.endpoints.iter().find(|it| it.requests.sent == 0).unwrap().name.clone();
    let terminal = render_run(&report, TerminalStyle::PLAIN);
    for text in [terminal, file(&report, MARKDOWN).replace("\\_", "_")] {
        let counts = [line, "failed before them", &without, "inconclusive"].map(|part| text.matches(part).count());
        assert_eq!(counts, [1, 1, 0, 0], "{text}");
    }
    let page = file(&report, HTML);
    let (_, table) = page.split_once("id=\"objectives\"").unwrap();
    let (table, _) = table.split_once("id=\"latency\"").unwrap();
    assert_eq!([line, &without].map(|part| table.matches(part).count()), [1, 0], "{table}");
    assert!(!page.contains("no requests were made"), "the list of objectives without requests");
}

#[test]
fn a_comparison_with_a_baseline_is_shown_below_its_headline() {
    let report = report("regressed");
    let compared = read_comparison(&test_support::situation("regressed", "_comparison").unwrap()).unwrap();
    let files = run_files(&report, Some(&compared)).unwrap();
    let file = |wanted: &str| &files.iter().find(|(name, _)| *name == wanted).unwrap().1;
    let parts =
        ["slower than the baseline (exit 91)", "get_state (-4.7 % to", "too little data: get_state", "regressed: p95"];
    assert_eq!(parts.map(|part| file(MARKDOWN).matches(part).count()), [1; 4], "{}", file(MARKDOWN));
    let (_, body) = file(HTML).split_once("<body>").unwrap();
    assert_eq!(parts.map(|part| body.matches(part).count()), [1; 4]);
    assert_eq!(file(JUNIT).matches("<failure").count(), 1, "{}", file(JUNIT));
    let met = Report { exit_code: ExitCode::Met, ..report };
    for (_, text) in
        run_files(&met, Some(&compared)).unwrap().iter().filter(|(name, _)| [HTML, MARKDOWN].contains(name))
    {
        let told = ["slower than the baseline", "(exit 91)", "(exit 0)"].map(|part| text.matches(part).count());
        assert_eq!((&told[..2], told[2] > 0), (&[1, 0][..], true), "{text}");
    }
}

#[test]
fn no_line_of_a_text_is_over_200_characters() {
    let names =
        ["failed_setup", "interrupted", "met", "missed", "regressed", "several_missed", "store_gone", "too_few"];
    for name in names.into_iter().chain(["without_routes"]) {
        let report = report(name);
        let compared = test_support::situation(name, "_comparison").map(|text| read_comparison(&text).unwrap());
        let mut texts = vec![("terminal", render_run(&report, TerminalStyle::PLAIN))];
        texts.extend(
            run_files(&report, compared.as_ref()).unwrap().into_iter().filter(|(it, _)| [MARKDOWN, JUNIT].contains(it)),
        );
        for (file, text) in texts {
            // A line cannot be broken within an attribute of XML.
            let is_attribute = |line: &str| file == JUNIT && line.trim_start().starts_with('<');
            let escaped = [("</system-out>", ""), ("&quot;", "\""), ("&apos;", "'"), ("&lt;", "<"), ("&gt;", ">")];
            let text = escaped.iter().fold(text, |text, (written, shown)| text.replace(written, shown));
            let is_long = |line: &&str| line.chars().count() > 200 && !is_attribute(line);
            assert_eq!(text.lines().find(is_long), None, "{name} {file}");
        }
    }
}

#[test]
fn a_colored_line_fits_the_terminal() {
    let report = report("interrupted");
    for width in 70..=120 {
        let text = render_run(&report, TerminalStyle { width, color: true, unicode: true });
        let shown = |part: &str| part.split_once('m').map_or(0, |(_, rest)| rest.chars().count());
        let is_wide = |line: &&str| format!("\u{1b}[m{line}").split('\u{1b}').map(shown).sum::<usize>() > width;
        assert_eq!(text.lines().find(is_wide), None, "{width} columns");
    }
}

#[test]
fn a_page_has_response_times_only_if_there_are_any() {
    let mut report = report("met");
    assert!(!file(&report, HTML).contains("response time"));
    let Some(Measurement::Percentile { response_ms, .. }) = &mut report.objectives[0].measured else { panic!() };
    *response_ms = Some(Millis::Finite(123.4));
    let page = file(&report, HTML);
    assert!(page.contains(">response time<") && page.contains(">123.4 ms<"), "{page}");
}

#[test]
fn a_chart_of_changes_ends_at_minus_100_percent() {
    let mut compared = read_comparison(&test_support::situation("regressed", "_comparison").unwrap()).unwrap();
    compared.endpoints[0].p95.interval = Some((-0.5, 3.0));
    let files = run_files(&report("regressed"), Some(&compared)).unwrap();
    let page = &files.iter().find(|(name, _)| *name == HTML).unwrap().1;
    let labels = [">-100 %<", ">≥ +200 %<", ">-200 %<"].map(|label| page.contains(label));
    assert_eq!(labels, [true, true, false], "{page}");
}

#[test]
fn too_few_pairs_are_advised_by_method_and_draw_no_chart() {
    const CHART: &str = "change of p95 by endpoint";
    let mut compared = read_comparison(&test_support::situation("regressed", "_comparison").unwrap()).unwrap();
    let page = |compared: &Comparison| {
        let files = run_files(&report("regressed"), Some(compared)).unwrap();
        files.into_iter().find(|(name, _)| *name == HTML).unwrap().1
    };
    assert!(page(&compared).contains(CHART));
    compared.exit_code = ExitCode::Inconclusive;
    for endpoint in &mut compared.endpoints {
        (endpoint.conclusion, endpoint.p95.interval) = (Conclusion::TooLittleData, None);
    }
    assert!(!page(&compared).contains(CHART));
    for (method, lacking, parts, advice) in [
        (ComparisonMethod::Recorded, "requests", "sections", "Use longer runs for base and head"),
        (ComparisonMethod::Interleaved, "rounds or requests", "rounds", "Use more or longer rounds"),
    ] {
        compared.method = method;
        let headline = Headline::for_comparison(&compared);
        let cause = format!("all endpoints: too few {lacking} to compare. ");
        assert!(headline.cause.starts_with(&cause) && headline.cause.contains(parts), "{headline:?}");
        assert_eq!(headline.advice.as_deref(), Some(advice));
    }
}

#[test]
fn a_miss_beside_a_comparison_has_each_cause_once() {
    let mut compared = read_comparison(&test_support::situation("regressed", "_comparison").unwrap()).unwrap();
    compared.exit_code = ExitCode::Inconclusive;
    for endpoint in &mut compared.endpoints {
        (endpoint.conclusion, endpoint.p95.interval) = (Conclusion::TooLittleData, None);
    }
    let cause = Headline::for_comparison(&compared).cause;
    let (code, kind) = (ExitCode::Inconclusive, FindingKind::ChangedFromBaseline);
    let report = report("missed").conclude([Finding::problem(code, Subject::Baseline, kind, cause.clone())]);
    let files = run_files(&report, Some(&compared)).unwrap();
    let compared = Some(&compared);
    let result = RunResult { report: &report, proof: None, compared, dashboard: None, html: "" };
    let terminal = render_result(&result, TerminalStyle::PLAIN).replace("\n  ", " ");
    for (name, text) in files.into_iter().chain([("terminal", terminal)]).filter(|(name, _)| !name.ends_with("json")) {
        if name != JUNIT {
            assert_eq!(text.matches(&cause).count(), 1, "{name}: {text}");
            assert!(text.contains("compared with the baseline: inconclusive") && !text.contains("exit 90"), "{name}");
        }
    }
}

#[test]
fn a_few_endpoints_without_requests_are_named() {
    let mut report = report("without_routes");
    let without = report.endpoints.iter().filter(|it| it.requests.sent == 0);
    let names: Vec<_> = without.map(|it| it.name.clone()).take(3).collect();
    let is_requested = |name: &str| report.endpoints.iter().any(|it| it.name == name && it.requests.sent > 0);
    report.objectives.retain(|it| names.contains(&it.subject) || is_requested(&it.subject));
    let text = render_run(&report, TerminalStyle::PLAIN);
    assert!(text.contains(&format!("{} had no requests: all", names.join(", "))), "{text}");
}

#[test]
fn no_verdict_holds_after_a_signal_stopped_the_load() {
    let mut report = report("interrupted");
    report.objectives[0].verdict = Verdict::Missed;
    let rows = report.objectives.len();
    for text in [render_run(&report, TerminalStyle::PLAIN), file(&report, MARKDOWN), file(&report, HTML)] {
        let counts = ["met so far", "missed so far", "✓ met", "✅", "✗ missed "].map(|part| text.matches(part).count());
        assert_eq!(counts, [rows - 1, 1, 0, 0, usize::from(text.contains("✗ missed so far"))], "{text}");
    }
    let junit = file(&report, JUNIT);
    assert_eq!(["<skipped", "<failure"].map(|part| junit.matches(part).count()), [rows, 0], "{junit}");
}

#[test]
fn the_miss_in_the_headline_is_the_only_problem() {
    let report = report("missed");
    let text = render_run(&report, TerminalStyle::PLAIN);
    assert!(text.starts_with("✗ basic: missed, 1 of 9 (exit 99): get_game_data p95 795.3 ms > 500 ms"), "{text}");
    assert!(
        text.contains(
            "warning: get_game_data was over its objective from the start (with 10 VUs and 66 requests/s in total)"
        ),
        "{text}"
    );
    assert_eq!(text.matches("problem: ").count(), 0, "{text}");
    let several = render_run(&self::report("several_missed"), TerminalStyle::PLAIN);
    assert_eq!(several.matches("get_state was over its objective").count(), 1, "{several}");
    assert!(!several.contains("first missed"), "{several}");
}

#[test]
fn objectives_that_only_warn_are_named_below_the_table() {
    let mut report = report("met");
    let warns = |report: &Report| render_run(report, TerminalStyle::PLAIN).matches("a miss only warns").count();
    assert_eq!(warns(&report), 1);
    report.objectives.retain(|it| it.on_miss == OnMiss::Fail);
    assert_eq!(warns(&report), 0);
}

#[test]
fn objectives_that_one_iteration_does_not_judge_are_named() {
    let mut report = report("met");
    report.objectives[0].verdict = Verdict::NotJudged;
    let note = "not judged by a single iteration: join_room p95 <= 300 ms";
    assert_eq!(render_run(&report, TerminalStyle::PLAIN).matches(note).count(), 1);
}

#[test]
fn a_row_that_only_missing_requests_missed_is_explained() {
    let mut report = report("met");
    let objective = &mut report.objectives[0];
    objective.verdict = Verdict::Missed;
    let Some(Measurement::Percentile { tally, .. }) = &mut objective.measured else { panic!("{objective:?}") };
    (tally.unknown, tally.refused) = (62, 62);
    let note = "count as bad: join_room p95 <= 300 ms (62 requests not made)";
    assert_eq!(render_run(&report, TerminalStyle::PLAIN).matches(note).count(), 1);
}

#[test]
fn objectives_with_one_cause_are_one_finding() {
    let report = report("without_routes");
    let is_open = |verdict: &Verdict| matches!(verdict, Verdict::Inconclusive(_));
    assert_eq!(report.objectives.iter().filter(|it| it.verdict == Verdict::Missed).count(), 3);
    assert_eq!(report.objectives.iter().filter(|it| is_open(&it.verdict) && !it.goal.is_backend()).count(), 6);
    let findings = run_findings(&report);
    let count = |kind| findings.iter().filter(|finding| finding.kind == kind).count();
    assert_eq!([count(FindingKind::Missed), count(FindingKind::Inconclusive)], [1, 1], "{findings:?}");
}

#[test]
fn a_mistake_hides_objectives_that_it_left_without_data() {
    let mut report = report("met");
    report.objectives.iter_mut().for_each(|it| it.verdict = Verdict::Inconclusive(Reason::NoData));
    let report = report.conclude([Finding::mistake(FindingKind::Panic, "a VU panicked")]);
    let text = render_run(&report, TerminalStyle::PLAIN);
    let parts = ["a VU panicked", "no requests were made", "errors < 1 %"];
    assert_eq!(parts.map(|part| text.matches(part).count()), [1, 0, 0], "{text}");
}

#[test]
fn a_mistake_explains_why_there_are_too_few_requests() {
    let mut report = report("met");
    let reason = Reason::TooFew { total: 5, needed: 20, quantile: "p95".to_owned() };
    report.objectives[0].verdict = Verdict::Inconclusive(reason);
    let texts =
        |report: &Report| [render_run(report, TerminalStyle::PLAIN), file(report, HTML), file(report, MARKDOWN)];
    let is_advised = |text: String| text.contains("-d 1m or -i 100");
    assert_eq!(texts(&report.clone().conclude([])).map(is_advised), [true; 3]);
    let mistake = Finding::mistake(FindingKind::Panic, "a VU panicked");
    assert_eq!(texts(&report.conclude([mistake])).map(is_advised), [false; 3]);
}

#[test]
fn errors_furthest_over_their_limit_are_the_cause() {
    let mut report = report("missed");
    let errors = report.objectives.iter_mut().find(|it| it.subject == "all endpoints").unwrap();
    errors.verdict = Verdict::Missed;
    errors.measured = Some(Measurement::Share { tally: Tally { good: 50, total: 100, ..Tally::default() } });
    let headline = Headline::new(&report);
    assert!(headline.cause.starts_with("all endpoints errors 50.00 % ≥ 1 %"), "{headline:?}");
}

#[test]
fn the_time_of_a_single_iteration_is_told_once() {
    let mut report = report("met");
    report.run.plan.parts[0].iterations.completed = 1;
    let text = render_run(&report, TerminalStyle::PLAIN);
    let line = text.lines().find(|line| line.contains("iteration time")).unwrap();
    assert!(line.ends_with(" ms") && !line.contains(','), "{line}");
}

#[test]
fn a_mistake_explains_why_endpoints_have_no_requests() {
    const NOTE: &str = "no requests: does the scenario send any?";
    let mut report = report("met");
    for objective in report.objectives.iter_mut().filter(|it| !it.goal.is_backend()) {
        objective.verdict = Verdict::Inconclusive(Reason::NoData);
        objective.measured = Some(Measurement::Share { tally: Tally::default() });
    }
    let texts =
        |report: &Report| [render_run(report, TerminalStyle::PLAIN), file(report, HTML), file(report, MARKDOWN)];
    for text in texts(&report.clone().conclude([])) {
        assert!(text.contains(NOTE), "{text}");
    }
    for text in texts(&report.conclude([Finding::mistake(FindingKind::Panic, "a VU panicked")])) {
        assert!(!text.contains(NOTE), "{text}");
    }
}

#[test]
fn dropped_arrivals_that_leave_objectives_undecided_are_the_headline() {
    let mut report = report("met");
    for objective in report.objectives.iter_mut().filter(|it| !it.goal.is_backend()) {
        objective.verdict = Verdict::Inconclusive(Reason::Unknown { unknown: 454 });
    }
    let dropped = "454 of 500 arrivals dropped";
    let finding = Finding::warning(Subject::Load, FindingKind::ArrivalsDropped, dropped);
    let report = report.conclude([finding.with_advice("Raise --max-vus")]);
    let headline = Headline::new(&report);
    assert!(headline.cause.starts_with(&format!("{dropped}. Inconclusive: ")), "{headline:?}");
    assert_eq!(headline.advice.as_deref(), Some("Raise --max-vus"));
    for text in [render_run(&report, TerminalStyle::PLAIN), file(&report, MARKDOWN), file(&report, HTML)] {
        let counts = [dropped, "enough to change the verdict"].map(|part| text.matches(part).count());
        assert_eq!(counts, [1, 0], "the cause once, and not what follows from it: {text}");
    }
}
