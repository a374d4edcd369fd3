//! Tests of `large_number`.

use super::super::measures::MeasureCounts;
use super::super::{Bounds, Latency, bounds};
use super::*;

fn recorded(values: &[u64]) -> MeasureCounts {
    let limits: Bounds = bounds(&[Duration::from_secs(1)]);
    let mut counts = MeasureCounts { values: Some(Latency::new(limits)), ..MeasureCounts::default() };
    values.iter().for_each(|value| counts.record(7, *value));
    counts
}

#[test]
fn values_of_any_size_are_read_as_they_were_written() {
    for values in [&[0, 1][..], &[SMALLEST - 1], &[SMALLEST], &[u64::MAX], &[u64::MAX; 1_001], &[SMALLEST / 2; 4]] {
        let counts = recorded(values);
        let json = serde_json::to_string(&counts).unwrap();
        let numbers = json.split(|c: char| !c.is_ascii_digit() && !"\"+/=".contains(c));
        let longest = numbers.filter(|text| !text.contains('"')).map(str::len).max();
        assert!(longest <= Some(16), "{json}");
        let read: MeasureCounts = serde_json::from_str(&json).unwrap();
        assert_eq!((read.sum, read.last, read.count), (counts.sum, counts.last, counts.count));
        let sum = |counts: &MeasureCounts| counts.values.as_ref().unwrap().buckets().sum_ms().to_bits();
        assert_eq!(sum(&read), sum(&counts));
    }
}

#[test]
fn usual_values_have_the_usual_form() {
    let json = serde_json::to_value(recorded(&[7])).unwrap();
    assert_eq!((&json["sum"], &json["last"]), (&7.into(), &serde_json::json!([7, 7])));
    assert_eq!(json["values"]["buckets"]["sum"], serde_json::to_value(Duration::from_millis(7)).unwrap());
    let text = |number: &str| serde_json::from_str::<LargeNumber>(number).map(|number| number.0).ok();
    assert_eq!(text("\"18446744073709551615\""), Some(u64::MAX));
    assert!(text("\"18446744073709551616\"").is_none() && text("\"-1\"").is_none() && text("1.5").is_none());
}
