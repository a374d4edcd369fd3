//! Tests of `files`.

use super::*;

#[test]
fn the_main_file_is_last() {
    let (report, compared) = (Report::sample(), Comparison::sample());
    for compared in [None, Some(&compared)] {
        assert_eq!(run_files(&report, compared).unwrap().last().unwrap().0, REPORT);
    }
    assert_eq!(comparison_files(&compared).unwrap().last().unwrap().0, COMPARISON);
}
