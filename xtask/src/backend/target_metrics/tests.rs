//! Tests of `target_metrics`.

use std::sync::{Arc, Mutex};

use test_support::fake_server;

use super::*;

#[tokio::test]
async fn metrics_behind_a_login_are_read_with_the_targets_credentials() {
    // me:secret in Base64.
    let text = fake_server::respond(|request| {
        match request.to_ascii_lowercase().contains("authorization: basic bwu6c2vjcmv0") {
            true => ("200 OK", "a_total 1\n".to_owned()),
            false => ("401 Unauthorized", String::new()),
        }
    });
    let without = Url::parse(&text).unwrap();
    let error = read(&without, "/metrics").await.unwrap_err();
    assert!(error.needs_login && error.to_string().contains("http://USER:PASSWORD@HOST"), "{error}");
    let mut with = without.clone();
    with.set_username("me").unwrap();
    with.set_password(Some("wrong")).unwrap();
    let error = read(&with, "/metrics").await.unwrap_err().to_string();
    assert!(error.ends_with("it does not accept user and password of the target's URL"), "{error}");
    with.set_password(Some("secret")).unwrap();
    assert_eq!(read(&with, "/metrics").await.unwrap().len(), 1);
}

#[tokio::test]
async fn metrics_behind_a_bearer_token_are_named_as_such() {
    const REFUSED: &str = "401 Unauthorized\r\nwww-authenticate: Bearer realm=\"metrics\"";
    let target = Url::parse(&fake_server::respond(|_| (REFUSED, String::new()))).unwrap();
    let error = read(&target, "/metrics").await.unwrap_err();
    assert!(error.needs_login && error.to_string().contains("it wants a bearer token"), "{error}");
}

#[tokio::test]
async fn another_origin_does_not_get_the_targets_credentials() {
    let (own, other) = ["me", "other"]
        .map(|name| {
            let heads = Arc::<Mutex<Vec<String>>>::default();
            let recorded = heads.clone();
            let url = fake_server::respond(move |request| {
                recorded.lock().unwrap().push(request.to_ascii_lowercase());
                (if name == "me" { "200 OK" } else { "401 Unauthorized" }, "a_total 1\n".to_owned())
            });
            (url, heads)
        })
        .into();
    let target = Url::parse(&own.0.replace("http://", "http://me:secret@")).unwrap();
    let error = read(&target, &format!("{}/metrics", other.0)).await.unwrap_err().to_string();
    assert!(error.contains("go to the target's own origin only"), "{error}");
    assert!(!other.1.lock().unwrap()[0].contains("authorization"), "{other:?}");
    read(&target, &format!("{}/metrics", own.0)).await.unwrap();
    assert!(own.1.lock().unwrap()[0].contains("authorization: basic bwu6c2vjcmv0"), "{own:?}");
}

#[tokio::test]
#[cfg(unix)]
async fn metrics_at_a_unix_socket_are_read() {
    let router = axum::Router::new().route("/metrics", axum::routing::get(|| async { "a_total 1\n" }));
    let path = std::env::temp_dir().join(format!("perf-metrics-{}.sock", std::process::id()));
    let target = perf_settings::parse_target(&format!("unix:{}:/base", path.display())).unwrap();
    test_support::fake_server::serve_at_socket(router, &path, Default::default());
    assert_eq!(read(&target, "/metrics").await.unwrap().len(), 1);
    assert!(read(&target, "/other").await.unwrap_err().to_string().starts_with("/other responded with 404"));
    std::fs::remove_file(&path).unwrap();
    let error = format!("{:#}", read(&target, "/metrics").await.unwrap_err());
    let expected = format!("cannot read /metrics of unix:{}:/base: ", path.display());
    assert!(error.starts_with(&expected) && error.contains("No such file"), "{error}");
}

#[tokio::test]
async fn metrics_that_are_not_there_are_described_with_other_paths() {
    let target = Url::parse(&fake_server::respond(|_| ("404 Not Found", "{}".to_owned()))).unwrap();
    let error = read(&target, "/metrics").await.unwrap_err().to_string();
    let expected = "/metrics responded with 404 Not Found: serve metrics there, or name their path in the service's \
                        `mapping`, such as .at(\"/actuator/prometheus\") of Spring Boot with Micrometer";
    assert_eq!(error, expected);
}
