//! Tests of the recording rules with promtool, on series with known counts.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use monitoring::catalogue::Catalogue;
use monitoring::generated_files;
use monitoring::metric::{self, Metric};
use monitoring::phase::Phases;
use monitoring::prometheus::config::RECEIVER_FLAG;
use monitoring::prometheus::recording_rules::{self, RecordingRule, Timing};
use monitoring::ratio::millis;
use monitoring::slo::{Sli, Slo};
use perf_report::judgement::objective_verdict;
use perf_report::verdict::{Tally, Verdict};
use test_support::objectives::CATALOGUE;
use test_support::shop::SHOP;

use crate::real::{Backend, cargo, out, prometheus, report, root, value};

/// A query, a time, and labels and value of each expected sample.
type Expected<'a> = (String, &'a str, Vec<(&'a str, f64)>);

/// A promtool test file.
struct TestFile(String, PathBuf);

impl TestFile {
    /// A test file for the recording rules of a service, in a folder of this name.
    fn new(folder: &str, catalogue: &Catalogue) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
        std::fs::create_dir_all(&folder).unwrap();
        let files = generated_files::files(&[catalogue], &Timing::USUAL).unwrap();
        let rules = files.iter().find(|file| file.path.contains("/rules/") && !file.path.contains("-alerts")).unwrap();
        std::fs::write(folder.join("rules.yml"), &rules.contents).unwrap();
        Self("rule_files: [rules.yml]\nevaluation_interval: 30s\ntests:\n".to_owned(), folder)
    }

    fn run(&self) {
        std::fs::write(self.1.join("tests.yml"), &self.0).unwrap();
        let output =
            Command::new("promtool").args(["test", "rules", "tests.yml"]).current_dir(&self.1).output().unwrap();
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        assert!(output.status.success() && text.contains("SUCCESS"), "{text}");
    }

    /// Adds a case: series by name and labels with their samples
    /// every 5 s, and the expected results.
    fn case(&mut self, name: &str, series: &[(String, String)], queries: &[Expected<'_>]) {
        let _ = write!(self.0, "- name: '{name}'\n  interval: 5s\n  input_series:\n");
        for (series, values) in series {
            let _ = write!(self.0, "  - series: '{series}'\n    values: '{values}'\n");
        }
        self.0.push_str("  promql_expr_test:\n");
        for (expr, at, samples) in queries {
            let _ = write!(self.0, "  - expr: '{expr}'\n    eval_time: {at}\n    exp_samples:");
            if samples.is_empty() {
                self.0.push_str(" []\n");
            }
            for (i, (labels, value)) in samples.iter().enumerate() {
                let line_break = if i == 0 { "\n" } else { "" };
                let _ = write!(self.0, "{line_break}    - labels: '{labels}'\n      value: {value}\n");
            }
        }
    }
}

/// Series of the judged span of a run with `good` of `total` requests, all counted in one push at
/// 40 s. The series end at 80 s.
fn run(slo: &Slo, testid: &str, good: u64, total: u64) -> Vec<(String, String)> {
    let Sli::Span { endpoint, span, threshold } = slo.sli else { return Vec::new() };
    let segment = slo.segment.map(|segment| segment.to_string());
    let prefix = segment.as_ref().map_or("", |_| metric::IN_SEGMENT);
    let name = format!("{prefix}{}", Metric::span(&endpoint, span).name);
    let phase = if slo.phases == Phases::AFTER_WARM_UP { "ramp" } else { "steady" };
    let segment = segment.map(|segment| format!(",segment=\"{segment}\"")).unwrap_or_default();
    let scenario = slo.part.unwrap_or("basic");
    let series = |suffix: &str, value: u64| {
        let le = if suffix.is_empty() { String::new() } else { format!(",le=\"{suffix}\"") };
        let metric = if suffix.is_empty() { "count" } else { "bucket" };
        let labels = format!("testid=\"{testid}\",scenario=\"{scenario}\",phase=\"{phase}\"{segment}{le}");
        (format!("{name}_{metric}{{{labels}}}"), format!("_x7 0 {value}x7 stale"))
    };
    let le = metric::le(threshold);
    vec![series(&le, good), series("60000.0", total), series("+Inf", total), series("", total)]
}

#[test]
#[ignore = "needs promtool: run with cargo xtask ci"]
fn the_slo_rule_decides_as_the_verdict_does() {
    let mut tests = TestFile::new("rules", &SHOP);
    for slo in SHOP.slos {
        let Sli::Span { endpoint, threshold, .. } = slo.sli else { continue };
        let name = endpoint.name;
        let rule = format!("slo:{name}:p95_under_{}ms", millis(threshold));
        let (a, b) = (format!("{rule}{{testid=\"a\"}}"), format!("{rule}{{testid=\"b\"}}"));
        let samples = |a_value: f64, b_value: f64| vec![(a.as_str(), a_value), (b.as_str(), b_value)];
        // Two runs at once are judged separately: one is exactly at
        // its objective, one misses by one request.
        let both = [run(slo, "a", 57, 60), run(slo, "b", 56, 60)].concat();
        // At 90 s both runs have ended, and the window still includes them.
        let queries = [(rule.clone(), "60s", samples(1.0, 0.0)), (rule.clone(), "90s", samples(1.0, 0.0))];
        tests.case(&format!("{name}: 57 of 60, 56 of 60"), &both, &queries);
        // Without traffic, the rule and the p95 have no value, and in particular not 0.
        let p95 = format!("{name}_latency:p95");
        let queries = [(rule.clone(), "60s", vec![]), (p95, "60s", vec![])];
        tests.case(&format!("{name}: no traffic"), &run(slo, "a", 0, 0), &queries);
        // Long after the end, the rule has no value.
        tests.case(&format!("{name}: long ago"), &run(slo, "a", 60, 60), &[(rule.clone(), "8m", vec![])]);
    }
    tests.run();
}

/// The recording rules of the second catalogue, each with its objective.
fn recorded_objectives() -> Vec<(&'static Slo, RecordingRule)> {
    let rules = recording_rules::recording_rules(&CATALOGUE, &Timing::USUAL);
    let is_recorded = |slo: &&Slo| {
        let is_share = matches!(slo.sli, Sli::NoError | Sli::Success { .. } | Sli::Check { .. });
        !is_share || slo.part.is_some() || slo.segment.is_some()
    };
    let rules = rules.groups.into_iter().flat_map(|group| group.rules).filter(|rule| rule.record.starts_with("slo:"));
    let recorded: Vec<_> = CATALOGUE.slos.iter().filter(is_recorded).zip(rules).collect();
    let is_same = |(slo, rule): &(&Slo, RecordingRule)| rule.subject.objective.as_ref() == Some(&CATALOGUE.slo_id(slo));
    assert!(recorded.len() > 20 && recorded.iter().all(is_same), "{recorded:?}");
    recorded
}

#[test]
#[ignore = "needs promtool: run with cargo xtask ci"]
fn the_rule_of_each_of_several_objectives_decides_as_the_verdict_does() {
    let mut tests = TestFile::new("rules-several", &CATALOGUE);
    for (slo, rule) in recorded_objectives().into_iter().filter(|(slo, _)| slo.threshold().is_some()) {
        let total = 60;
        let needed = (total * u64::from(slo.objective.as_ppm())).div_ceil(1_000_000);
        for good in [needed, needed - 1] {
            let tally = Tally { good, total, ..Tally::default() };
            let value = f64::from(objective_verdict::judge(slo, tally) == Verdict::Met);
            let series = format!("{}{{testid=\"a\"}}", rule.record);
            let queries = [(rule.record.clone(), "60s", vec![(series.as_str(), value)])];
            tests.case(&format!("{}: {good} of {total}", rule.record), &run(slo, "a", good, total), &queries);
        }
    }
    tests.run();
}

#[test]
#[ignore = "needs promtool: run with cargo xtask ci"]
fn a_throughput_rule_has_a_value_from_its_first_whole_window_on() {
    let mut tests = TestFile::new("rules-throughput", &CATALOGUE);
    let counters = |requests: u32, failed: u32| {
        let series = |metric: &str, growth: u32| {
            let labels = "testid=\"a\",scenario=\"writers\",name=\"room\"";
            (format!("{metric}{{{labels}}}"), format!("0+{growth}x36 stale"))
        };
        vec![series("room_latency_count", requests), series("http_reqs", requests), series("api_errors", failed)]
    };
    let rules = ["slo:room:at_least_5_per_second", "slo:room:at_least_5_per_second_in_part_writers"];
    for rule in rules.into_iter().chain(["slo:all:at_least_5_per_second"]) {
        let series = format!("{rule}{{testid=\"a\"}}");
        let is_met = |value: f64| vec![(series.as_str(), value)];
        // 26 requests in each push of 5 s are 5.2 a second.
        for (requests, failed, value) in [(26, 0, 1.0), (24, 0, 0.0), (30, 4, 1.0), (30, 6, 0.0)] {
            let queries = [
                (rule.to_owned(), "30s", vec![]),
                (rule.to_owned(), "2m", is_met(value)),
                // The run has ended.
                (rule.to_owned(), "3m30s", vec![]),
            ];
            tests.case(&format!("{rule}: {requests}, {failed} failed"), &counters(requests, failed), &queries);
        }
    }
    tests.run();
}

#[test]
#[ignore = "needs a prometheus on PATH: run with cargo xtask ci"]
fn prometheus_judges_each_objective_of_a_run_as_the_report_does() {
    let (store, server) = (prometheus("objectives-store", &[RECEIVER_FLAG]), Backend::start(&["--fixed"]));
    let out = out("objectives");
    let mut command = cargo();
    command.args(["test", "--quiet", "--workspace", "--test", "run"]).current_dir(root());
    command.args(["--", "--ignored", "--exact", "objectives::fixture"]);
    command.env("PERF_TARGET", &server.url).env("PERF_TESTID", "objectives-1").env("PERF_OUT", &out);
    command.env("K6_NO_CONNECTION_REUSE", "true").env("K6_PROMETHEUS_RW_PUSH_INTERVAL", "1s");
    command.env("K6_PROMETHEUS_RW_SERVER_URL", format!("{}/api/v1/write", store.url));
    let output = crate::real::run(&mut command);
    assert_eq!(output.code, 0, "{}", output.text);
    let report = report(&out);
    let stored = report.run.store.as_ref().unwrap();
    assert_eq!(stored.agrees, Some(true), "{:?}", report.findings);
    let (mut met, mut missed) = (0, 0);
    for (slo, rule) in recorded_objectives() {
        // A run of a few seconds has no whole window of a value a second.
        if slo.is_per_second() {
            continue;
        }
        let id = CATALOGUE.slo_id(slo);
        let judged = report.objectives.iter().find(|objective| objective.id == id).unwrap();
        let query = rule.expr.to_string();
        if slo.segment.is_some_and(|segment| ["day 9", "room=hall"].contains(&&*segment.to_string())) {
            assert!(matches!(judged.verdict, Verdict::Inconclusive(_)), "{judged:?}");
            assert!(
                crate::real::query(&store.url, &query, None, stored.last_push_unix_ms.unwrap()).is_empty(),
                "{query}"
            );
            continue;
        }
        assert!(judged.verdict.is_decided(), "{judged:?}");
        let is_met = judged.verdict == Verdict::Met;
        let recorded = value(&store.url, &query, stored.last_push_unix_ms.unwrap());
        assert_eq!(recorded, f64::from(is_met), "{}", rule.record);
        *if is_met { &mut met } else { &mut missed } += 1;
    }
    assert!(met >= 5 && missed >= 5, "{met} met, {missed} missed");
}
