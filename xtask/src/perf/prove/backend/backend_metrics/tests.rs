//! Tests of `backend_metrics`.

use prometheus_store::exposition;
use test_support::fake_server;

use url::Url;

use super::*;

#[test]
fn workers_with_equal_start_times_differ_by_their_first_requests() {
    let worker = |created: &str| {
        let labels = r#"handler="/metrics",method="GET",status="2xx""#;
        let text =
            format!("process_start_time_seconds 1.79553764504e+09\nhttp_requests_created{{{labels}}} {created}\n");
        MetricsReading::new(exposition::parse(&text).unwrap())
    };
    let (one, other) = (worker("1.7955376450412347e+09"), worker("1.7955376450412349e+09"));
    let joined = |readings: &[&MetricsReading]| {
        let identities: Vec<_> = readings.iter().map(|reading| reading.identity.clone()).collect();
        join_readings(&identities, one.clone())
    };
    assert_eq!(joined(&[&one, &one]), BackendMetrics::One(one.clone()));
    assert_eq!(joined(&[&one, &other, &one]), BackendMetrics::Several(one.clone()));
}

#[test]
fn processes_with_another_identifier_differ() {
    let reading = |id: &str| {
        let text = format!("target_info{{service_name=\"shop\",service_instance_id=\"{id}\"}} 1\n");
        MetricsReading::new(exposition::parse(&text).unwrap())
    };
    let one = reading("6c5");
    assert!(one.is_identified(&[]) && one.is_same_process(&one) && !one.is_same_process(&reading("e81")));
    assert!(one.is_same_process(&MetricsReading::default()), "a text may be empty before the first request");
}

#[tokio::test]
async fn a_text_without_metrics_is_described_with_a_remedy() {
    for (status, body, expected) in [
        ("401 Unauthorized", "", "/metrics needs authentication (401 Unauthorized): name user"),
        ("404 Not Found", "{}", "/metrics responded with 404 Not Found: serve metrics there"),
        (
            "200 OK",
            "<!DOCTYPE html><html></html>",
            "/metrics is not Prometheus' text format (it is an HTML page): serve",
        ),
    ] {
        let url = Url::parse(&fake_server::respond(move |_| (status, body.to_owned()))).unwrap();
        let BackendMetrics::Unavailable(why) = read(&url, "/metrics", &[]).await else {
            panic!("{status} has metrics")
        };
        assert!(why.to_string().starts_with(expected), "{why}");
    }
}

#[test]
fn only_the_highest_values_of_many_readings_are_kept() {
    let mut highest = HighestCounts::default();
    for count in [3, 7, 5] {
        let text = format!("{CPU} {count}\nother_total {count}\n");
        highest.add(&MetricsReading::new(exposition::parse(&text).unwrap()), &[]);
    }
    let kept: Vec<_> =
        highest.setbacks(&MetricsReading::default()).into_iter().map(|setback| setback.earlier).collect();
    assert!(kept.len() == 1 && kept[0].name == CPU && kept[0].value.total_cmp(&7.0).is_eq(), "{kept:?}");
}

#[tokio::test]
async fn many_series_are_read_within_the_time_limit() {
    let series = |it| format!("http_requests_total{{handler=\"/offers/{it}\",method=\"GET\",status=\"2xx\"}} {it}\n");
    let page: String = (0..30_000).map(series).collect();
    let url = Url::parse(&fake_server::respond(move |_| ("200 OK", page.clone()))).unwrap();
    match read(&url, "/metrics", &[BackendMapping::FASTAPI]).await {
        BackendMetrics::One(reading) => assert_eq!(reading.samples.len(), 30_000),
        BackendMetrics::Several(_) => panic!("there is one process"),
        BackendMetrics::Unavailable(why) => panic!("{why}"),
    }
}
