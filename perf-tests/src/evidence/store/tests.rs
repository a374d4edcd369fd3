//! Tests of `store`.

use std::sync::atomic::{AtomicU64, Ordering};

use test_support::fake_server;

use super::*;

#[tokio::test]
async fn a_failed_scrape_is_named_with_its_cause_and_remedy() {
    let why = async |targets: &'static str| {
        let body = move || format!(r#"{{"data":{{"activeTargets":[{targets}]}}}}"#);
        let url = Url::parse(&fake_server::respond(move |_| ("200 OK", body()))).unwrap();
        RunStore::new(url, &StoreAccess::default()).unwrap().why_not_scraped().await
    };
    let refused = r#"{"labels":{"job":"backend"},"scrapeUrl":"http://h:1/metrics","lastError":"server returned HTTP status 401 Unauthorized"}"#;
    let expected = "the store cannot scrape http://h:1/metrics: server returned HTTP status 401 Unauthorized: check the \
                        path of the metrics, and the login (user and password of the target's URL, or PERF_METRICS_TOKEN)";
    assert_eq!(why(refused).await, expected);
    let unreadable = r#"{"labels":{"job":"backend"},"scrapeUrl":"http://h:1/metrics","lastError":"unable to read authorization credentials file /etc/prometheus/targets/token/bearer: open /etc/prometheus/targets/token/bearer: permission denied"}"#;
    assert!(
        why(unreadable)
            .await
            .ends_with("permission denied: a Prometheus in a container may not read the login: use --stack native")
    );
    // A user's own Prometheus has its files elsewhere.
    let unreadable = r#"{"labels":{"job":"backend"},"scrapeUrl":"http://h:1/metrics","lastError":"unable to read authorization credentials file /etc/login/bearer: open /etc/login/bearer: permission denied"}"#;
    assert!(why(unreadable).await.ends_with("permission denied: let it read that file"));
    assert!(why("").await.starts_with("the store has not scraped the backend: add"));
}

#[tokio::test]
async fn a_query_that_fails_is_repeated_while_a_store_may_be_late() {
    let differences = async |failing: u64, status: &'static str| {
        let queries = AtomicU64::new(0);
        let sum = r#"{"status":"success","data":{"result":[{"metric":{},"value":[0,"7"]}]}}"#;
        let url = fake_server::respond(move |_| match queries.fetch_add(1, Ordering::Relaxed) < failing {
            true => (status, "no".to_owned()),
            false => ("200 OK", sum.to_owned()),
        });
        let store = RunStore::new(Url::parse(&url).unwrap(), &StoreAccess::default()).unwrap();
        store.differences(1_000, &[MeasuredCount::requests("a", 7)], &|_| {}).await
    };
    assert_eq!(differences(2, "500 Internal Server Error").await.unwrap(), Vec::<String>::new());
    // A wrong login stays wrong, so it is not tried again.
    assert!(differences(1, "401 Unauthorized").await.unwrap_err().to_string().contains("401"));
}
