//! Tests with fake stores.

use std::io::{Read as _, Write as _};
use std::sync::atomic::{AtomicU32, Ordering};

use test_support::fake_server;

use super::*;
use crate::response::QueryResult;
use crate::{ClientOptions, StoreAccess, store_client};

const LIMIT: BodyLimit = BodyLimit(1_000);

fn prometheus(url: &str, timeout: Duration) -> PrometheusClient {
    let url = Url::parse(url).unwrap();
    let options = ClientOptions { user_agent: None, timeout };
    PrometheusClient::new(url.clone(), store_client(&url, &StoreAccess::default(), options).unwrap(), LIMIT)
}

fn responding(status: &'static str, body: &str) -> PrometheusClient {
    let body = body.to_owned();
    let url = fake_server::respond(move |_| (status, body.clone()));
    prometheus(&url.replace("http://", "http://user:S3cr3t@"), Duration::from_secs(5))
}

#[test]
fn debug_output_contains_no_secret() {
    let shown = format!("{:?}", prometheus("http://user:S3cr3t@127.0.0.1:9/x?key=S3cr3t", Duration::from_secs(1)));
    assert!(shown.contains("127.0.0.1") && !shown.contains("S3cr3t"), "{shown}");
}

#[tokio::test]
async fn queries_use_the_path_of_the_url() {
    let url = fake_server::respond(|request| {
        let path = request.split(' ').nth(1).unwrap_or_default();
        ("200 OK", format!(r#"{{"data":{path:?}}}"#))
    });
    let store = prometheus(&format!("{url}/prometheus/"), Duration::from_secs(5));
    let path = async |at| store.instant("a+b", at).await.unwrap()["data"].clone();
    assert_eq!(
        path(Some(1_250)).await,
        "/prometheus/api/v1/query?query=a%2Bb&time=1.250&nocache=1&latency_offset=0.001"
    );
    assert_eq!(path(None).await, "/prometheus/api/v1/query?query=a%2Bb&nocache=1&latency_offset=0.001");
    let range = store.range("x", Range::finest(0, 60_000)).await.unwrap();
    assert_eq!(
        range["data"],
        "/prometheus/api/v1/query_range?query=x&start=0.000&end=60.000&step=1&nocache=1&latency_offset=0.001"
    );
}

#[tokio::test]
async fn a_query_that_a_busy_store_refuses_is_sent_again() {
    let queries = AtomicU32::new(0);
    let url = fake_server::respond(move |_| match queries.fetch_add(1, Ordering::Relaxed) % 2 {
        0 => ("429 Too Many Requests", "rate limit".to_owned()),
        _ => ("200 OK", r#"{"data":{"resultType":"scalar","result":[1,"7"]}}"#.to_owned()),
    });
    let store = prometheus(&url, Duration::from_secs(5));
    for _ in 0..3 {
        assert_eq!(store.time_ms().await.unwrap(), 7_000);
    }
}

#[tokio::test]
async fn a_store_that_refuses_queries_at_once_gets_one_at_a_time() {
    let under_way = AtomicU32::new(0);
    let url = fake_server::respond(move |_| {
        let is_alone = under_way.fetch_add(1, Ordering::SeqCst) == 0;
        std::thread::sleep(Duration::from_millis(10));
        under_way.fetch_sub(1, Ordering::SeqCst);
        match is_alone {
            true => ("200 OK", r#"{"data":{"resultType":"scalar","result":[1,"7"]}}"#.to_owned()),
            false => ("429 Too Many Requests\r\nretry-after: 1", "too many queries".to_owned()),
        }
    });
    let store = prometheus(&url, Duration::from_secs(5));
    let mut queries = tokio::task::JoinSet::new();
    for _ in 0..40 {
        let store = store.clone();
        queries.spawn(async move { store.time_ms().await });
    }
    while let Some(queried) = queries.join_next().await {
        assert_eq!(queried.unwrap().unwrap(), 7_000);
    }
}

#[tokio::test]
async fn an_error_status_is_reported_with_the_message_of_the_store() {
    for (status, body, expected) in [
        ("400 Bad Request", r#"{"status":"error","error":"parse error"}"#, " responded with status 400: parse error"),
        ("401 Unauthorized", "no org id", " responded with status 401: no org id"),
        ("502 Bad Gateway", "<html>", " responded with status 502"),
        ("503 Service Unavailable", "", " responded with status 503"),
        ("503 Service Unavailable", r#"{"data":{"result":[{"value":[1,"7"]}]}}"#, " responded with status 503: "),
    ] {
        let store = responding(status, body);
        let error = store.value("up", 1_000).await.unwrap_err().to_string();
        assert!(error.contains(expected) && !error.contains("S3cr3t") && error.starts_with("http://127."), "{error}");
    }
    let refused = responding("422 Unprocessable", r#"{"status":"error","error":"too many"}"#);
    let found = response::query_result(&refused.instant("up", None).await.unwrap());
    assert_eq!(found, QueryResult::Complaint("too many".to_owned()));
}

#[tokio::test]
async fn a_response_of_another_form_is_an_error() {
    for (body, expected) in [
        ("<html>", "did not respond as Prometheus does: expected value"),
        (r#"{"data":{"result":[{"value":[1,"seven"]}]}}"#, "did not respond as Prometheus does: "),
        (&"x".repeat(1_001), "did not respond as Prometheus does: the response is longer than 1000 bytes"),
    ] {
        let error = responding("200 OK", body).value("up", 1_000).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let whole = format!("{:<1000}", r#"{"data":{"result":[{"value":[1,"7"]}]}}"#);
    assert_eq!(responding("200 OK", &whole).value("up", 1_000).await.unwrap(), Some(7.0));
}

#[tokio::test]
async fn a_timeout_is_distinguished_from_a_refused_connection() {
    let gone = prometheus(&fake_server::unreachable_url(), Duration::from_secs(5));
    let error = gone.rules().await.unwrap_err();
    assert!(error.to_string().contains("cannot be reached: ") && !error.is_timeout(), "{error}");
    for begun in ["", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"] {
        let (address, _) = fake_server::accept_one(move |mut stream| {
            let _ = stream.read(&mut [0; 4096]).unwrap();
            write!(stream, "{begun}").unwrap();
            // Longer than the client's timeout.
            std::thread::sleep(Duration::from_secs(20));
        });
        let silent = prometheus(&format!("http://{address}"), Duration::from_millis(200));
        assert!(silent.rules().await.unwrap_err().is_timeout(), "{begun:?}");
    }
}

#[test]
fn long_ranges_stay_within_the_value_limit_of_prometheus() {
    let step = |hours: i64| Range::finest(0, hours * 3_600_000).step.as_secs();
    assert_eq!((step(0), step(2), step(4), step(48)), (1, 1, 2, 18));
}
