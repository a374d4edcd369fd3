//! Tests of `timeline`.

use super::*;

#[test]
fn thinned_values_are_far_enough_apart() {
    let points = [(0.0, 1.0), (10.0, 2.0), (20.0, f64::NAN), (30.0, 3.0), (49.0, 4.0), (90.0, 5.0)].to_vec();
    let series = Series { labels: std::collections::BTreeMap::new(), points };
    assert_eq!(thinned(vec![series]), [(0.0, 1.0), (30.0, 3.0), (90.0, 5.0)]);
}
