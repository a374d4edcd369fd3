//! Tests of `exposition`.

use super::*;

#[test]
fn samples_are_parsed_whatever_their_labels_contain() {
    let text = "# HELP x y\n# TYPE x counter\nx 1\nx{a=\"1\",b=\"}, {\\\"\\\\\\n\"} 2.5 1700000000\n\nz{} +Inf\ny{a=\"\",} NaN\n";
    let samples = parse(text).unwrap();
    assert_eq!(samples.len(), 4);
    assert_eq!((samples[1].labels["b"].as_str(), samples[1].value), ("}, {\"\\\n", 2.5));
    assert!(samples[2].labels.is_empty() && samples[2].value.is_infinite());
    assert!(samples[3].value.is_nan() && samples[3].labels["a"].is_empty());
}

#[test]
fn openmetrics_with_exemplars_and_quoted_names_is_parsed() {
    let text =
        "# TYPE a counter\na_total{b=\"1\"} 2.0 1.5 # {trace_id=\"x\"} 0.5 1.5\n{\"a.b\",\"c.d\"=\"e\"} 3\n# EOF\n";
    let samples = parse(text).unwrap();
    assert_eq!((samples[0].name.as_str(), samples[0].value), ("a_total", 2.0));
    assert_eq!((samples[1].name.as_str(), samples[1].labels["c.d"].as_str()), ("a.b", "e"));
}

#[test]
fn blanks_may_stand_between_the_parts_of_a_line() {
    let samples = parse("a { b = \"1\" , c = \"2\" }   3  \n\td\t4\n").unwrap();
    assert_eq!((samples[0].name.as_str(), samples[0].labels["c"].as_str(), samples[0].value), ("a", "2", 3.0));
    assert_eq!((samples[1].name.as_str(), samples[1].value), ("d", 4.0));
}

#[test]
fn the_first_of_several_samples_of_a_series_is_kept() {
    let samples = parse("a{b=\"1\",c=\"2\"} 3\na{c=\"2\",b=\"1\"} 4\na{b=\"1\"} 5\n").unwrap();
    assert_eq!(samples.iter().map(|sample| sample.value).collect::<Vec<_>>(), [3.0, 5.0]);
}

#[test]
fn invalid_lines_are_reported_by_number() {
    for text in
        ["x", "{a=\"1\"} 1", "x{a=\"1} 1", "x{a=1} 1", "x{a=\"1\" b=\"2\"} 1", "x one", "x{a", "<html>", "x{a=\"1\"}"]
    {
        assert!(matches!(parse(&format!("ok 1\n{text}\n")), Err(ExpositionError::Line(2, _))), "{text}");
    }
}
