//! Tests that reports are valid by their JSON Schema, and that it rejects invalid ones.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails the test")]

use serde_json::Value;

fn schema() -> jsonschema::Validator {
    let files = perf_report::schema::files().unwrap();
    let file = files.iter().find(|file| file.path.ends_with("report.schema.json")).unwrap();
    jsonschema::draft202012::new(&serde_json::from_str(&file.contents).unwrap()).unwrap()
}

fn report_over_time() -> Value {
    serde_json::from_str(&test_support::report_text("over_time.json")).unwrap()
}

#[test]
fn reports_are_valid_by_their_schema() {
    let schema = schema();
    let errors: Vec<_> = schema.iter_errors(&report_over_time()).map(|error| error.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new());
    let short: Value = serde_json::from_str(&test_support::report_text("report.json")).unwrap();
    assert!(schema.is_valid(&short), "a report without a timeline");
}

#[test]
fn the_schema_rejects_invalid_reports() {
    let schema = schema();
    for (path, value) in [
        ("/schema", Value::from("one")),
        ("/objectives/0/verdict", Value::from("fine")),
        ("/endpoints/0/p95_ms", Value::from("slow")),
        ("/requests/sent", Value::from(-1)),
        ("/timeline/slices/0/phase", Value::from("later")),
    ] {
        let mut report = report_over_time();
        *report.pointer_mut(path).unwrap() = value;
        assert!(!schema.is_valid(&report), "{path}");
    }
    let mut report = report_over_time();
    report.as_object_mut().unwrap().remove("exit_code");
    assert!(!schema.is_valid(&report), "without an exit code");
}
