//! Reports and comparisons for tests.

use crate::Report;
use crate::comparison::{Change, Comparison, ComparisonMethod, Conclusion, EndpointChange, Rule, SCHEMA};
use crate::exit_code::ExitCode;
use crate::finding::Finding;
use crate::judgement::ObjectiveResult;

impl Report {
    /// A run that met its objectives, without its timeline.
    pub(crate) fn sample() -> Self {
        serde_json::from_str(&test_support::report_text("report.json")).unwrap()
    }

    /// A run with its timeline.
    pub(crate) fn sample_over_time() -> Self {
        serde_json::from_str(&test_support::report_text("over_time.json")).unwrap()
    }
}

/// The exit code of a run with these objectives and findings.
pub(crate) fn exit_code(objectives: &[ObjectiveResult], findings: &[Finding]) -> ExitCode {
    let (objectives, findings) = (objectives.to_vec(), findings.to_vec());
    Report { objectives, findings, ..Report::sample() }.conclude([]).exit_code
}

impl Comparison {
    /// A comparison of a run with itself.
    pub(crate) fn sample() -> Self {
        let report = Report::sample();
        let endpoint = |name: &str| EndpointChange {
            name: name.to_owned(),
            conclusion: Conclusion::NoChangeMeasured,
            p95: Change { before: Some(100.0), after: Some(100.0), change: Some(0.0), interval: Some((0.0, 0.0)) },
            p: 1.0,
            p50: Change::default(),
            p99: Change::default(),
            success: Change::default(),
            throughput: Change::default(),
            rounds_p95_ms: Vec::new(),
        };
        Self {
            schema: SCHEMA,
            name: "a".to_owned(),
            base: "b".to_owned(),
            head: "c".to_owned(),
            method: ComparisonMethod::Interleaved,
            scenario: report.run.scenario,
            load: report.run.load,
            rule: Rule::default(),
            alpha: 0.05,
            pairs: 12,
            endpoints: report.endpoints.iter().map(|it| endpoint(&it.name)).collect(),
            objectives: Vec::new(),
            findings: Vec::new(),
            exit_code: ExitCode::Met,
        }
    }
}
