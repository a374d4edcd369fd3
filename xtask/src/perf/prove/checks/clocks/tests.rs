//! Tests of `clocks`.

use perf_report::evidence::Generator;

use super::*;

fn clocks(client_mean: f64, backend_mean: f64, on_the_wire: f64) -> EndpointClocks {
    let name = "get_cart".to_owned();
    EndpointClocks {
        name,
        client_mean,
        on_the_wire,
        backend_mean,
        same_requests: true,
        has_other_unit: false,
        client_p95: Some(60.0),
        backend_p95: Some((10.0, Some(100.0))),
        outside: None,
    }
}

#[test]
fn the_verdict_names_the_cause_of_time_outside_the_backend() {
    let idle = Generator { workers: 1, cpu: Some(0.1), run_queue: Some(0.0), steal: None };
    let busy = Generator { cpu: Some(0.95), ..idle };
    for (clocks, generator, verdict) in [
        (clocks(50.0, 46.0, 0.0), &idle, ClockVerdict::Agrees),
        (clocks(500.0, 460.0, 0.0), &idle, ClockVerdict::Agrees),
        (clocks(50.0, 30.0, 1.0), &idle, ClockVerdict::Queueing),
        (clocks(50.0, 30.0, 12.0), &idle, ClockVerdict::Network),
        (clocks(50.0, 30.0, 12.0), &busy, ClockVerdict::Generator),
        // An event loop was busy with other handlers after the response.
        (clocks(50.0, 60.0, 0.0), &idle, ClockVerdict::Agrees),
        (clocks(50.0, 80.0, 0.0), &idle, ClockVerdict::LongerThanClient),
    ] {
        assert_eq!(clocks.verdict(generator), verdict, "{clocks:?}");
    }
    let before = EndpointClocks { backend_p95: Some((100.0, Some(250.0))), ..clocks(50.0, 49.0, 0.0) };
    assert_eq!(before.verdict(&idle), ClockVerdict::LongerThanClient);
    let line = before.describe(ClockVerdict::LongerThanClient);
    assert!(line.contains("49.0 ms by the backend; p95 60.0 ms by the client, 100 to 250 ms by the backend"), "{line}");
    let with_others = EndpointClocks { same_requests: false, ..before };
    assert_eq!(with_others.verdict(&idle), ClockVerdict::OtherRequests);
}

#[test]
fn another_unit_is_told_from_work_after_the_response() {
    let longer = |client, backend| (clocks(client, backend, 0.0), ClockVerdict::LongerThanClient);
    let in_ms = |client, backend| {
        (EndpointClocks { has_other_unit: true, ..clocks(client, backend, 0.0) }, ClockVerdict::LongerThanClient)
    };
    let unit = describe_other_unit(&[in_ms(50.0, 49_000.0), in_ms(2.0, 1_900.0)]);
    assert!(unit.unwrap().contains("unit is not that of the mapping"));
    // Each of two endpoints begins a background task of 250 ms.
    assert_eq!(describe_other_unit(&[longer(2.0, 252.0), longer(2.0, 253.0)]), None);
    assert_eq!(describe_other_unit(&[in_ms(5.0, 3_000.0), longer(50.0, 80.0)]), None);
    assert_eq!(describe_other_unit(&[in_ms(5.0, 3_000.0), (clocks(50.0, 49.0, 0.0), ClockVerdict::Agrees)]), None);
    assert_eq!(describe_other_unit(&[in_ms(1.0, 500.0)]), None);
}

#[test]
fn bounds_and_long_times_tell_the_unit() {
    let has_other_unit = |bounds: &[f64], mean_s| {
        let buckets = bounds.iter().map(|bound| (*bound, 1)).collect();
        let counted = RequestCounters { buckets, ..RequestCounters::default() };
        has_other_unit(&counted, Duration::from_secs(mean_s), Duration::from_secs(60))
    };
    // Libraries begin with 5 ms, or with 0 and 5 ms.
    assert!(has_other_unit(&[5.0, 10.0, f64::INFINITY], 2) && has_other_unit(&[0.0, 5.0], 2));
    assert!(!has_other_unit(&[0.005, 10.0, f64::INFINITY], 30));
    assert!(!has_other_unit(&[f64::INFINITY], 30), "there are no bounds");
    assert!(has_other_unit(&[], 200) && has_other_unit(&[0.005, 10.0], 200), "longer than the run");
}
