//! Tests of `store`.

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
