//! Tests of the alerts with promtool.
//!
//! Each alert fires above its threshold, and for the right run of two. It stays silent just under
//! the threshold, without traffic, and across a gap.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use monitoring::generated_files;
use monitoring::prometheus::alerts::{self, AlertRule, HIGH_ERROR_RATE, METRICS_ABSENT};
use monitoring::prometheus::recording_rules::Timing;
use monitoring::ratio::millis;
use monitoring::slo::Slo;
use test_support::shop::SHOP;

/// A promtool test file.
struct TestFile(String);

/// Series by name and labels, each with its samples every 5 s.
type Series = Vec<(String, String)>;

impl TestFile {
    fn new() -> Self {
        Self("rule_files: [rules.yml, alerts.yml]\nevaluation_interval: 30s\ntests:\n".to_owned())
    }

    /// Adds a case. `expected` lists testid and `description` of the firing alerts at each time.
    fn case(&mut self, name: &str, series: &Series, alert: &AlertRule, expected: &[(&str, &[(&str, &str)])]) {
        let _ = write!(self.0, "- name: '{name}'\n  interval: 5s\n  input_series:\n");
        for (series, values) in series {
            let _ = write!(self.0, "  - series: '{series}'\n    values: '{values}'\n");
        }
        self.0.push_str("  alert_rule_test:\n");
        for (at, runs) in expected {
            let _ = write!(self.0, "  - eval_time: {at}\n    alertname: {}\n    exp_alerts:", alert.alert);
            self.0.push_str(if runs.is_empty() { " []\n" } else { "\n" });
            for (testid, description) in *runs {
                self.0.push_str("    - exp_labels:\n");
                let own = alert.labels.iter().map(|(&name, &value)| (name, value));
                for (name, value) in own.chain([("testid", *testid)]) {
                    let _ = writeln!(self.0, "        {name}: {value}");
                }
                self.0.push_str("      exp_annotations:\n");
                for (name, text) in &alert.annotations {
                    let text = text.replace("{{ $labels.testid }}", testid);
                    let text = if *name == "description" { (*description).to_owned() } else { text };
                    let _ = writeln!(self.0, "        {name}: '{text}'");
                }
            }
        }
    }

    fn run(&self, folder: &str) {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
        std::fs::create_dir_all(&folder).unwrap();
        for file in generated_files::files(&[&SHOP], &Timing::USUAL).unwrap() {
            let name = if file.path.ends_with("-alerts.yml") { "alerts.yml" } else { "rules.yml" };
            if file.path.contains("/rules/") {
                std::fs::write(folder.join(name), &file.contents).unwrap();
            }
        }
        std::fs::write(folder.join("tests.yml"), &self.0).unwrap();
        let output =
            Command::new("promtool").args(["test", "rules", "tests.yml"]).current_dir(&folder).output().unwrap();
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        assert!(output.status.success() && text.contains("SUCCESS"), "{text}");
    }
}

fn rule(name: &str) -> AlertRule {
    let file = alerts::alerts(&SHOP, &Timing::USUAL);
    let found = file.groups.iter().flat_map(|group| &group.rules).find(|rule| rule.alert == name);
    found.unwrap_or_else(|| panic!("there is no alert {name}")).clone()
}

/// Latency series of a run with 20 requests per push, of which `good` are good.
///
/// `times` is promtool's notation for the samples, in which `{n}` stands for the increase per push.
fn latency(slo: &Slo, testid: &str, good: u64, times: &str) -> Series {
    let (Some(endpoint), Some(threshold)) = (slo.endpoint(), slo.threshold()) else {
        panic!("{} is not a latency objective", slo.describe())
    };
    let series = |metric: &str, le: &str, n: u64| {
        let le = if le.is_empty() { String::new() } else { format!(",le=\"{le}\"") };
        (format!("{}_latency_{metric}{{testid=\"{testid}\"{le}}}", endpoint.name), times.replace("{n}", &n.to_string()))
    };
    let le = format!("{}.0", millis(threshold));
    vec![
        series("bucket", &le, good),
        series("bucket", "60000.0", 20),
        series("bucket", "+Inf", 20),
        series("count", "", 20),
    ]
}

const STEADY: &str = "0+{n}x150";

#[test]
#[ignore = "needs promtool: run with cargo xtask ci"]
fn a_missed_p95_fires_its_alert_after_five_minutes() {
    let mut tests = TestFile::new();
    let mut alerts = 0;
    for slo in SHOP.slos.iter().filter(|slo| slo.is_latency()) {
        let name = alerts::violation_name(&SHOP, slo).unwrap();
        let rule = rule(&name);
        let threshold: u64 = millis(slo.threshold().unwrap()).parse().unwrap();
        // The 19th of 20 lies halfway between the threshold and the next bound.
        let p95 = format!("p95: {} ms", threshold + (60_000 - threshold) / 2);
        let a: &[(&str, &str)] = &[("a", &p95)];
        let broken = latency(slo, "a", 18, STEADY);
        tests.case(&format!("{name}: fires"), &broken, &rule, &[("4m", &[]), ("7m", a), ("11m", a)]);
        tests.case(&format!("{name}: just under"), &latency(slo, "a", 19, STEADY), &rule, &[("7m", &[]), ("11m", &[])]);
        tests.case(&format!("{name}: no traffic"), &latency(slo, "a", 18, "9x150"), &rule, &[("7m", &[])]);
        // Four minutes of requests, two of silence, and more
        // requests: the five minutes begin again.
        let gap = latency(slo, "a", 18, "0+{n}x48 _x24 1000+{n}x120");
        tests.case(&format!("{name}: across a gap"), &gap, &rule, &[("6m30s", &[]), ("9m", &[]), ("13m", a)]);
        let two = [broken, latency(slo, "b", 20, STEADY)].concat();
        tests.case(&format!("{name}: two runs"), &two, &rule, &[("7m", a)]);
        let over = latency(slo, "a", 18, "0+{n}x84 stale");
        tests.case(&format!("{name}: resolved after the run"), &over, &rule, &[("7m", a), ("9m", &[])]);
        alerts += 1;
    }
    assert_eq!(alerts, 7, "one for each endpoint");
    tests.run("alerts-slo");
}

/// Counters of a run of which `failed` of 20 requests per push fail, with that status.
fn errors(testid: &str, failed: u64, status: &str, times: &str) -> Series {
    let series = |series: String, n: u64| (series, times.replace("{n}", &n.to_string()));
    vec![
        series(format!("http_reqs{{testid=\"{testid}\",name=\"add_item\",status=\"200\"}}"), 20 - failed),
        series(format!("http_reqs{{testid=\"{testid}\",name=\"add_item\",status=\"{status}\"}}"), failed),
        series(format!("api_errors{{testid=\"{testid}\",name=\"add_item\"}}"), failed),
    ]
}

#[test]
#[ignore = "needs promtool: run with cargo xtask ci"]
fn too_many_errors_fire_an_alert_per_run_after_two_minutes() {
    let mut tests = TestFile::new();
    let rule = rule(HIGH_ERROR_RATE);
    let tenth: &[(&str, &str)] = &[("a", "failed: 10% of requests")];
    let tenth_fail = errors("a", 2, "500", STEADY);
    tests.case("fires", &tenth_fail, &rule, &[("2m", &[]), ("3m30s", tenth)]);
    tests.case("just under", &errors("a", 1, "500", STEADY), &rule, &[("3m30s", &[]), ("9m", &[])]);
    tests.case("no traffic", &errors("a", 2, "500", "9x150"), &rule, &[("3m30s", &[])]);
    let gap = errors("a", 2, "500", "0+{n}x18 _x24 1000+{n}x120");
    tests.case("across a gap", &gap, &rule, &[("3m", &[]), ("5m", &[]), ("8m", tenth)]);
    // Without a response, the status is 0 and every request fails.
    let dead: &[(&str, &str)] = &[("a", "failed: 100% of requests")];
    tests.case("a dead target", &errors("a", 20, "0", STEADY), &rule, &[("3m30s", dead)]);
    // Another run with a thousand times the requests does not hide the errors.
    let healthy: Series = errors("b", 0, "500", "0+{n}000x150");
    tests.case("beside a big one", &[tenth_fail, healthy].concat(), &rule, &[("3m30s", tenth)]);
    let over = errors("a", 2, "500", "0+{n}x48 stale");
    tests.case("resolved after the run", &over, &rule, &[("4m", tenth), ("6m", &[])]);
    tests.run("alerts-errors");
}

#[test]
#[ignore = "needs promtool: run with cargo xtask ci"]
fn a_run_that_goes_silent_before_its_end_fires_an_alert() {
    let mut tests = TestFile::new();
    let rule = rule(METRICS_ABSENT);
    let vus = |testid: &str, values: &str| (format!("vus{{testid=\"{testid}\"}}"), values.to_owned());
    // The last sample comes at two minutes.
    let silent: &[(&str, &str)] = &[("a", "silent for 2m 0s")];
    tests.case("killed", &vec![vus("a", "5x24")], &rule, &[("3m", &[]), ("3m30s", &[]), ("4m", silent), ("8m", &[])]);
    tests.case("ended", &vec![vus("a", "5x24 stale")], &rule, &[("4m", &[])]);
    tests.case("under way", &vec![vus("a", "5x100")], &rule, &[("4m", &[]), ("8m", &[])]);
    tests.case("a gap of a minute", &vec![vus("a", "5x24 _x11 5x60")], &rule, &[("3m", &[]), ("4m", &[])]);
    tests.case("two runs", &vec![vus("a", "5x24"), vus("b", "5x100")], &rule, &[("4m", silent)]);
    tests.run("alerts-absent");
}
