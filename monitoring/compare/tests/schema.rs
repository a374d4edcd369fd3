//! Comparisons conform to their JSON Schema.

use perf_compare::{ComparisonLabel, Pair, compare};
use perf_report::comparison::{ComparisonMethod, Rule};
use serde_json::Value;

#[test]
fn a_comparison_conforms_to_its_schema() {
    let report = test_support::report_over_time();
    let label = ComparisonLabel {
        name: "a".to_owned(),
        base: "b".to_owned(),
        head: "c".to_owned(),
        method: ComparisonMethod::Interleaved,
        rule: Rule::default(),
        alpha: 0.05,
    };
    let pairs = [Pair { base: &report, head: &report }; 10];
    let comparison = serde_json::to_value(compare(label, &pairs)).unwrap();
    let files = perf_report::schema::files().unwrap();
    let file = files.iter().find(|file| file.path.ends_with("comparison.schema.json")).unwrap();
    let schema = jsonschema::draft202012::new(&serde_json::from_str(&file.contents).unwrap()).unwrap();
    let errors: Vec<_> = schema.iter_errors(&comparison).map(|error| error.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new());
    let mut other = comparison;
    *other.pointer_mut("/endpoints/0/conclusion").unwrap() = Value::from("slower");
    assert!(!schema.is_valid(&other));
}
