//! Tests of `query_source`.

use std::net::TcpListener;

use test_support::fake_server;

use super::*;

const MINUTE: RunWindow = RunWindow { from_ms: 1_000, to_ms: 61_000 };

#[test]
fn windows_are_filled_in_as_grafana_does() {
    let text = fill_in_windows("rate(a[$__rate_interval]) + last_over_time(b[$__range])", step(MINUTE), MINUTE);
    assert_eq!(text, "rate(a[20s]) + last_over_time(b[1m])".replace("1m", "60s"));
    let day = RunWindow { from_ms: 0, to_ms: 86_400_000 };
    assert_eq!(
        (step(day), fill_in_windows("[$__rate_interval]", step(day), day)),
        (Duration::from_secs(86), "[91s]".to_owned())
    );
}

#[tokio::test]
async fn after_a_timeout_prometheus_gets_no_more_queries() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let source = QuerySource::new(url, None, &StoreAccess::default()).unwrap();
    let window = RunWindow { from_ms: 0, to_ms: 1_000 };
    let ask = async || format!("{:#}", source.ask("up", QueryKind::Instant, window).await.unwrap_err());
    let (first, second) = (ask().await, ask().await);
    assert!(!first.contains("not queried") && second.contains("not queried"), "{first}; {second}");
}

/// A server that responds to every request with that status and body.
fn server(status: &'static str, body: &'static str) -> Url {
    Url::parse(&fake_server::respond(move |_| (status, body.to_owned()))).unwrap()
}

#[tokio::test]
async fn without_grafana_queries_go_to_prometheus_with_the_reason() {
    let prometheus = || server("200 OK", r#"{"data":{"result":[{"value":[1,"1"]}]}}"#);
    let gone = Url::parse(&fake_server::unreachable_url()).unwrap();
    let other_password = server("401 Unauthorized", r#"{"statusCode":401,"message":"Unauthorized"}"#);
    let no_plugin = server(
        "404 Not Found",
        r#"{"message":"Plugin not found","messageId":"plugin.notRegistered","statusCode":404}"#,
    );
    let dead_plugin = server(
        "500 Internal Server Error",
        r#"{"message":"Plugin unavailable","messageId":"plugin.unavailable","statusCode":500}"#,
    );
    let proxy = server("502 Bad Gateway", "<html>");
    // Its backlog accepts the connection, and no response ever comes.
    let hanging = TcpListener::bind("127.0.0.1:0").unwrap();
    let hangs = Url::parse(&format!("http://{}", hanging.local_addr().unwrap())).unwrap();
    for (grafana, expected) in [
        (gone, "does not respond"),
        (other_password, "stack restart"),
        (no_plugin, "data source does not work (plugin.notRegistered)"),
        (dead_plugin, "data source does not work (plugin.unavailable)"),
        (proxy, "does not respond"),
        (hangs, "does not respond"),
    ] {
        let source = QuerySource::new(prometheus(), Some(grafana), &Default::default()).unwrap();
        assert!(source.is_grafana());
        for _ in 0..2 {
            assert_eq!(source.ask("up", QueryKind::Instant, MINUTE).await.unwrap(), QueryResult::Data);
        }
        let why = source.gave_up_on_grafana().unwrap();
        assert!(why.contains(expected) && !source.is_grafana(), "{why}");
    }
    let works = server("200 OK", r#"{"results":{"A":{"error":"bad query"}}}"#);
    let source = QuerySource::new(prometheus(), Some(works), &Default::default()).unwrap();
    assert_eq!(
        source.ask("up", QueryKind::Instant, MINUTE).await.unwrap(),
        QueryResult::Complaint("bad query".to_owned())
    );
    assert_eq!(source.gave_up_on_grafana(), None, "an invalid query does not count as a failure of Grafana");
}
