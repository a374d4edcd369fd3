//! Tests of histograms.

use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use proptest::prelude::*;

use super::*;

const P95: Ratio = Ratio::percent(95);

fn bounds() -> Bounds {
    super::bounds(&[100, 300, 500].map(Duration::from_millis))
}

fn ms(value: Option<Millis>) -> f64 {
    match value {
        Some(Millis::Finite(ms)) => ms,
        other => panic!("not finite: {other:?}"),
    }
}

#[test]
fn latencies_that_were_read_can_be_merged_with_slower_ones() {
    let read = |duration| {
        let mut latency = Latency::new(bounds());
        latency.record(Duration::from_millis(duration));
        serde_json::from_str::<Latency>(&serde_json::to_string(&latency).unwrap()).unwrap()
    };
    let mut latency = read(10);
    latency.merge(&read(90_000));
    assert_eq!((latency.histogram().count(), latency.buckets().count()), (2, 2));
    assert!(latency.histogram().longest() >= Some(Duration::from_secs(90)));
}

/// JSON of a histogram whose uncompressed bytes were changed.
fn changed(change: impl Fn(&mut [u8])) -> String {
    let mut histogram = DurationHistogram::new(DIGITS);
    histogram.record(Duration::from_millis(5));
    let mut json = serde_json::to_value(&histogram).unwrap();
    let text = BASE64_STANDARD.decode(json["histogram"].as_str().unwrap()).unwrap();
    let mut plain = Vec::new();
    ZlibDecoder::new(&text[8..]).read_to_end(&mut plain).unwrap();
    change(&mut plain);
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&plain).unwrap();
    let packed = encoder.finish().unwrap();
    let length = u32::try_from(packed.len()).unwrap().to_be_bytes();
    let bytes = [&text[..4], &length, &packed].concat();
    json["histogram"] = BASE64_STANDARD.encode(bytes).into();
    json.to_string()
}

#[test]
fn a_histogram_that_announces_more_than_it_has_is_not_decoded() {
    let read = |json: String| serde_json::from_str::<DurationHistogram>(&json).map(|it| it.count());
    assert_eq!(read(changed(|_| {})).unwrap(), 1);
    let more = read(changed(|plain| plain[4] = 0xff)).unwrap_err().to_string();
    let digits = read(changed(|plain| plain[15] = 5)).unwrap_err().to_string();
    for error in [more, digits] {
        assert!(error.starts_with("not a histogram of a run"), "{error}");
    }
}

#[test]
fn exactly_the_bound_is_within_it() {
    let mut latency = Latency::new(bounds());
    latency.record(Duration::from_millis(300));
    latency.record(Duration::from_nanos(300_000_001));
    assert_eq!(latency.buckets().within(Duration::from_millis(300)), 1);
}

#[test]
fn a_shown_quantile_never_contradicts_the_bucket_that_decides() {
    let mut latency = Latency::new(bounds());
    // Three digits would show this as up to 300.15 ms.
    for _ in 0..100 {
        latency.record(Duration::from_micros(299_999));
    }
    assert!(ms(latency.quantile(P95)) <= 300.0);
}

#[test]
fn failures_are_infinitely_slow_however_fast_they_were() {
    let mut latency = Latency::new(bounds());
    for _ in 0..94 {
        latency.record(Duration::from_millis(10));
    }
    for _ in 0..6 {
        latency.record_failed(Duration::from_millis(1));
    }
    assert_eq!(latency.quantile(P95), Some(Millis::INFINITE));
    assert_eq!(latency.buckets().within(Duration::from_millis(500)), 94);
    assert_eq!(latency.buckets().count(), 100);
    assert!((latency.buckets().sum_ms() - 946.0).abs() < 1e-6);
    assert_eq!(latency.quantile(Ratio::percent(50)).map(|p50| p50 == Millis::INFINITE), Some(false));
}

proptest! {
    #[test]
    fn counts_equal_a_naive_count(micros in prop::collection::vec(0_u64..700_000, 0..300)) {
        let mut latency = Latency::new(bounds());
        micros.iter().for_each(|&value| latency.record(Duration::from_micros(value)));
        for bound in [100, 300, 500] {
            let naive = micros.iter().filter(|&&value| value <= bound * 1000).count() as u64;
            prop_assert_eq!(latency.buckets().within(Duration::from_millis(bound)), naive);
        }
        prop_assert_eq!(latency.buckets().count(), micros.len() as u64);
    }

    #[test]
    fn quantiles_equal_nearest_rank_within_a_thousandth(mut micros in prop::collection::vec(1_u64..700_000, 1..300), ppm in 1_u32..1_000_000) {
        let mut latency = Latency::new(bounds());
        micros.iter().for_each(|&value| latency.record(Duration::from_micros(value)));
        micros.sort_unstable();
        let q = Ratio::ppm(ppm);
        let rank = quantile::nearest_rank(q, micros.len() as u64);
        let exact = micros[rank as usize - 1] as f64 / 1e3;
        let shown = ms(latency.quantile(q));
        prop_assert!(shown >= exact - 1e-9 && shown <= exact * 1.001 + 1e-6, "{} {}", shown, exact);
    }

    /// Merging in any grouping is one recorder fed everything.
    #[test]
    fn merge_is_associative(micros in prop::collection::vec((0_usize..3, 1_u64..700_000), 0..200)) {
        let mut parts = [Latency::new(bounds()), Latency::new(bounds()), Latency::new(bounds())];
        let mut whole = Latency::new(bounds());
        for &(part, value) in &micros {
            parts[part].record(Duration::from_micros(value));
            whole.record(Duration::from_micros(value));
        }
        let mut left = parts[0].clone();
        left.merge(&parts[1]);
        left.merge(&parts[2]);
        let mut right = parts[1].clone();
        right.merge(&parts[2]);
        let mut first = parts[0].clone();
        first.merge(&right);
        for merged in [&left, &first] {
            prop_assert_eq!(merged.buckets().cumulative().collect::<Vec<_>>(), whole.buckets().cumulative().collect::<Vec<_>>());
            prop_assert_eq!(merged.quantile(P95), whole.quantile(P95));
            prop_assert_eq!(merged.buckets().sum_ms().to_bits(), whole.buckets().sum_ms().to_bits());
        }
    }
}
