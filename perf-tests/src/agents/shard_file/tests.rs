//! Tests of `shard_file`.

use monitoring::catalogue::Catalogue;
use monitoring::measure::Measure;
use monitoring::phase::Phase;
use test_support::shop::SHOP;

use super::*;
use crate::measure::{Layout, Snapshot};

const CATALOGUE: Catalogue = Catalogue {
    measures: &[Measure::trend("size", "Size"), Measure::counter("bytes", "Bytes"), Measure::gauge("free", "Free")],
    ..SHOP
};

#[test]
fn a_file_carries_values_of_any_size() {
    let layout = Layout::new(&CATALOGUE, vec![false]);
    let mut snapshot = Snapshot::new(&layout);
    for (index, value) in [u64::MAX, 100_000_000_000_000_000, 7].into_iter().enumerate() {
        let counts = snapshot.parts[0].measures.cell_mut(index, Phase::Steady);
        (0..3).for_each(|at| counts.record(at, value));
    }
    let json = serde_json::to_vec(&snapshot).unwrap();
    assert!(!has_long_number(&json));
    let mut read: Snapshot = serde_json::from_slice(&json).unwrap();
    assert!(read.is_addable(&layout));
    read.merge(&snapshot);
    let sums = [0, 1, 2].map(|index| read.parts[0].measures.cell(index, Phase::Steady).sum);
    assert_eq!(sums, [u64::MAX, 600_000_000_000_000_000, 42]);
}

#[test]
fn shared_values_have_no_secrets_and_name_what_differs() {
    let hello = super::super::hello("basic", &test_support::shop::SHOP, "token").unwrap();
    let settings = |proxy: &str, rps: &str| {
        let given = |name: &str| match name {
            perf_settings::TARGET => Some("http://user:secret@127.0.0.1:8000".to_owned()),
            perf_settings::PROXY => Some(proxy.to_owned()),
            "K6_RPS" => Some(rps.to_owned()),
            _ => None,
        };
        Settings::from_lookup(&given).unwrap()
    };
    let one = shared_values(&hello, "abc", &settings("", "")).unwrap();
    let other = shared_values(&hello, "abd", &settings("http://me:secret@proxy.test:3128", "7")).unwrap();
    let has_secret = |value: &String| value.contains("secret") || value.contains("token");
    assert!(!one.values().chain(other.values()).any(has_secret), "{one:?} {other:?}");
    assert_eq!(
        identity::differences(&other, &one),
        [
            "its --proxy is http://proxy.test:3128, not none",
            "its plan is abd, not abc",
            "its setting rps is 7, not null"
        ]
    );
    assert!(identity::differences(&one, &one).is_empty());
}
