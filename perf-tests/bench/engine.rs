//! Benchmarks of the engine's parts: planning arrivals, recording a sample, taking and merging
//! snapshots, and encoding a push. Run with `cargo bench -p engine-bench`.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails the measurement")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use monitoring::metric::RequestPart;
use monitoring::phase::Phase;
use monitoring::services;
use perf_tests::constant_arrival_rate;
use perf_tests::measure::{DurationParts, Layout, Recorder, Sample, SampleKey, Segments};
use perf_tests::plan::{Plan, Schedule};
use perf_tests::remote_write::{Entry, SeriesIdentity, SeriesValue, Version, encode, series};
use tokio::time::Instant;

#[expect(clippy::disallowed_methods, reason = "any instant will do")]
fn sample(number: u64) -> Sample {
    let due = Instant::now();
    let mut parts = DurationParts::default();
    parts.set(RequestPart::Sending, Duration::from_micros(10));
    parts.set(RequestPart::Waiting, Duration::from_micros(number % 400_000));
    let finished = due + Duration::from_micros(number % 400_000 + 30);
    Sample { status: Some(200), failure: None, due, started: due, finished, parts }
}

const fn at(number: u64) -> SampleKey {
    SampleKey {
        part: 0,
        endpoint: number as usize % services::ALL[0].endpoints.len(),
        phase: Phase::Steady,
        late: false,
        segments: Segments::NONE,
    }
}

/// A recorder after 100,000 samples, so that every histogram has grown to its full size.
fn recorder() -> Recorder {
    let mut recorder = Recorder::new(Layout::new(services::ALL[0], vec![true]));
    (0..100_000).for_each(|number| recorder.record(at(number), &sample(number * 7919)));
    recorder
}

fn plan() -> Plan {
    let second = Duration::from_secs(1);
    let part = constant_arrival_rate(1000, second, second * 60, 10).poisson().plan("bench", 1, 1).unwrap();
    Plan { parts: vec![part], seed: 1 }
}

fn engine(criterion: &mut Criterion) {
    let plan = plan();
    let Schedule::Arrivals { arrivals, .. } = &plan.parts[0].schedule else { return };
    let mut group = criterion.benchmark_group("plan");
    group.throughput(Throughput::Elements(arrivals.total()));
    group.bench_function("60,000 Poisson arrivals", |bencher| {
        bencher.iter(|| arrivals.iter().fold(Duration::ZERO, |_, due| black_box(due)));
    });
    group.finish();
    let mut full = recorder();
    criterion.bench_function("record a sample", |bencher| {
        let (sample, mut number) = (sample(123_456), 0);
        bencher.iter(|| {
            number += 1;
            full.record(at(number), black_box(&sample));
        });
    });
    criterion.bench_function("snapshot of seven endpoints", |bencher| bencher.iter(|| full.snapshot()));
    let other = full.snapshot();
    criterion.bench_function("merge of two snapshots", |bencher| {
        bencher.iter_batched_ref(|| full.snapshot(), |mine| mine.merge(&other), BatchSize::SmallInput);
    });
    let identity = SeriesIdentity::new("bench", "bench", &[]);
    let parts = [(identity.clone(), plan.parts[0].phases.clone())];
    criterion.bench_function("series and encoding of a push", |bencher| {
        bencher.iter(|| encode_body(&series(services::ALL[0], services::ALL[0].endpoints, &identity, &parts, &other)));
    });
}

/// Encodes the body of a push.
fn encode_body(series: &[SeriesValue]) -> Vec<u8> {
    let entries = series.iter().map(|series| Entry {
        labels: series.labels.clone(),
        description: series.description,
        points: vec![(1, series.value.clone())],
    });
    encode(&entries.collect::<Vec<_>>(), Version::Two, 0).unwrap()
}

criterion_group!(benches, engine);
criterion_main!(benches);
