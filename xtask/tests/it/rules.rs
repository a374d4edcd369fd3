//! Tests of the recording rules with promtool, on series with known counts.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use monitoring::prometheus::recording_rules::Timing;
use monitoring::ratio::millis;
use monitoring::services::stock_ai::STOCK_AI;
use monitoring::slo::{Sli, Slo};
use monitoring::{generated_files, services};

/// A query, a time, and labels and value of each expected sample.
type Expected<'a> = (String, &'a str, Vec<(&'a str, f64)>);

/// A promtool test file.
struct TestFile(String);

impl TestFile {
    fn new(rules: &Path) -> Self {
        Self(format!("rule_files: [{}]\nevaluation_interval: 30s\ntests:\n", rules.display()))
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

/// Latency series of a run with `good` of `total` requests, all counted in one push at 40 s. The
/// series end at 80 s.
fn run(slo: &Slo, testid: &str, good: u64, total: u64) -> Vec<(String, String)> {
    let Sli::Latency { endpoint, threshold } = slo.sli else { return Vec::new() };
    let name = endpoint.name;
    let series = |suffix: &str, value: u64| {
        let le = if suffix.is_empty() { String::new() } else { format!(",le=\"{suffix}\"") };
        let metric = if suffix.is_empty() { "count" } else { "bucket" };
        (format!("{name}_latency_{metric}{{testid=\"{testid}\"{le}}}"), format!("_x7 0 {value}x7 stale"))
    };
    let le = format!("{}.0", millis(threshold));
    vec![series(&le, good), series("60000.0", total), series("+Inf", total), series("", total)]
}

#[test]
#[ignore = "needs promtool: run with cargo xtask ci"]
fn the_slo_rule_decides_as_the_verdict_does() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rules");
    std::fs::create_dir_all(&folder).unwrap();
    let files = generated_files::files(services::ALL, &Timing::USUAL).unwrap();
    let rules = files.iter().find(|file| file.path.contains("/rules/") && !file.path.contains("-alerts")).unwrap();
    std::fs::write(folder.join("rules.yml"), &rules.contents).unwrap();
    let mut tests = TestFile::new(&folder.join("rules.yml"));
    for slo in STOCK_AI.slos {
        let Sli::Latency { endpoint, threshold } = slo.sli else { continue };
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
    std::fs::write(folder.join("tests.yml"), &tests.0).unwrap();
    let output = Command::new("promtool").args(["test", "rules", "tests.yml"]).current_dir(&folder).output().unwrap();
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success() && text.contains("SUCCESS"), "{text}");
}
