//! Reports are what their JSON Schema says, and the schema says enough to find one that is not.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails the test")]

use monitoring::artefact;
use monitoring::catalogue::STOCK_AI;
use serde_json::Value;

fn schema(name: &str) -> jsonschema::Validator {
    let files = artefact::artefacts(&STOCK_AI).unwrap();
    let file = files.iter().find(|file| file.path.ends_with(name)).unwrap();
    jsonschema::draft202012::new(&serde_json::from_str(&file.contents).unwrap()).unwrap()
}

fn course() -> Value {
    serde_json::from_str(include_str!("course.json")).unwrap()
}

#[test]
fn a_report_is_what_its_schema_says() {
    let schema = schema("report.schema.json");
    let errors: Vec<_> = schema.iter_errors(&course()).map(|error| error.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new());
    let older: Value = serde_json::from_str(include_str!("report.json")).unwrap();
    assert!(schema.is_valid(&older), "one that was written before there were sections");
}

#[test]
fn what_is_no_report_is_found() {
    let schema = schema("report.schema.json");
    for (path, value) in [
        ("/schema", Value::from("one")),
        ("/objectives/0/verdict", Value::from("fine")),
        ("/endpoints/0/p95_ms", Value::from("slow")),
        ("/requests/sent", Value::from(-1)),
        ("/timeline/slices/0/phase", Value::from("later")),
    ] {
        let mut report = course();
        *report.pointer_mut(path).unwrap() = value;
        assert!(!schema.is_valid(&report), "{path}");
    }
    let mut report = course();
    report.as_object_mut().unwrap().remove("exit_code");
    assert!(!schema.is_valid(&report), "without an exit code");
}

#[test]
fn a_comparison_is_what_its_schema_says() {
    let report: monitoring::judgement::Report = serde_json::from_value(course()).unwrap();
    let about = monitoring::comparison::About {
        name: "a".to_owned(),
        base: "b".to_owned(),
        head: "c".to_owned(),
        method: monitoring::comparison::Method::Interleaved,
        rule: monitoring::gate::Rule::default(),
        alpha: 0.05,
    };
    let pairs = [monitoring::comparison::Pair { base: &report, head: &report }; 10];
    let comparison = serde_json::to_value(monitoring::comparison::Comparison::of(about, &pairs)).unwrap();
    let schema = schema("comparison.schema.json");
    let errors: Vec<_> = schema.iter_errors(&comparison).map(|error| error.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new());
    let mut other = comparison;
    *other.pointer_mut("/endpoints/0/finding").unwrap() = Value::from("slower");
    assert!(!schema.is_valid(&other));
}
