//! Tests of `series`.

use super::*;

#[test]
fn samples_are_kept_once_and_written_in_order() {
    let labels: Labels = [("__name__", "up"), ("a", "x\"\\\n")].map(|(a, b)| (a.to_owned(), b.to_owned())).into();
    let matrix = |values: &[(f64, &str)]| Matrix {
        metric: labels.clone(),
        values: values.iter().map(|(at, value)| (*at, (*value).to_owned())).collect(),
        histograms: Vec::new(),
    };
    let mut collected = CollectedSeries::default();
    collected.add(matrix(&[(0.5, "0"), (1.0, "1"), (1.25, "+Inf")]), 500).unwrap();
    collected.add(matrix(&[(1.25, "+Inf"), (2.0, "NaN")]), 500).unwrap();
    let series = "up{a=\"x\\\"\\\\\\n\"}";
    let expected = format!("{series} 1 1.000\n{series} +Inf 1.250\n{series} NaN 2.000\n# EOF\n");
    let mut text = Vec::new();
    collected.open_metrics(&mut text).unwrap();
    assert_eq!((String::from_utf8(text).unwrap(), collected.samples), (expected, 3));
}
