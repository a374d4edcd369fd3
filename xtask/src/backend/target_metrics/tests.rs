//! Tests of `target_metrics`.

use std::io::{Read as _, Write as _};
use std::sync::{Arc, Mutex};

use flate2::Compression;
use flate2::write::GzEncoder;
use perf_settings::Resolve;
use test_support::fake_server;
use test_support::tls_server::{Authority, TlsServer};

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
async fn a_token_is_sent_to_the_targets_own_origin_only() {
    let text = fake_server::respond(|request| match request.to_ascii_lowercase() {
        head if head.matches("authorization:").count() == 1 && head.contains("authorization: bearer t0p") => {
            ("200 OK", "a_total 1\n".to_owned())
        }
        _ => ("401 Unauthorized", String::new()),
    });
    let with_user = Url::parse(&text.replace("http://", "http://me:secret@")).unwrap();
    let source = |target, token| MetricsSource { target, token: Some(token), options: None };
    assert_eq!(read(source(&with_user, "t0p"), "/metrics").await.unwrap().len(), 1);
    let error = read(source(&with_user, "S3cr3t"), "/metrics").await.unwrap_err().to_string();
    assert!(error.ends_with("it does not accept the token of PERF_METRICS_TOKEN") && !error.contains("S3cr3t"));
    // Neither by a URL of another origin, nor by a redirect.
    let other = Url::parse(&fake_server::unreachable_url()).unwrap();
    let error = read(source(&other, "t0p"), &format!("{text}/metrics")).await.unwrap_err();
    assert!(error.needs_login && error.to_string().contains("PERF_METRICS_TOKEN, go to the target's own origin only"));
    let redirect: &'static str = format!("302 Found\r\nlocation: {text}/metrics").leak();
    let redirecting = Url::parse(&fake_server::respond(move |_| (redirect, String::new()))).unwrap();
    assert!(read(source(&redirecting, "t0p"), "/metrics").await.unwrap_err().needs_login);
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

/// A response to a request for metrics: the rest of its head after the status line, and its body.
async fn reason(status_and_head: &'static str, body: Vec<u8>) -> String {
    let address = fake_server::accept_each(move |mut stream| {
        let _ = stream.read(&mut [0; 4096]);
        let head = format!("HTTP/1.1 {status_and_head}\r\nconnection: close");
        let _ = write!(stream, "{head}\r\ncontent-length: {}\r\n\r\n", body.len());
        let _ = stream.write_all(&body);
    });
    let target = Url::parse(&format!("http://{address}")).unwrap();
    read(&target, "/metrics").await.unwrap_err().to_string()
}

#[tokio::test]
async fn each_unusable_response_has_its_reason_and_remedy() {
    const GZIP: &str = "200 OK\r\ncontent-encoding: gzip";
    let gzipped = |text: &str| {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(text.as_bytes()).unwrap();
        gzip.finish().unwrap()
    };
    let long = "a_total 1\n".repeat(900_000);
    let (mut broken, half) = (gzipped("a_total 1\n"), gzipped("a_total 1\n"));
    broken[12] ^= 0xff;
    for (head, body, seen, remedy) in [
        ("503 Service Unavailable", Vec::new(), "/metrics responded with 503 Service Unavailable", ITS_LOG),
        ("429 Too Many Requests", Vec::new(), "/metrics responded with 429 Too Many Requests", ITS_LOG),
        ("200 OK", long.clone().into_bytes(), "/metrics is longer than 8 MiB", FEWER),
        (GZIP, gzipped(&long), "/metrics is not Prometheus' text format (it is longer than 8 MiB)", FEWER),
        ("200 OK", b"\n<!DOCTYPE html>".to_vec(), "text format (it is an HTML page)", ELSEWHERE),
        (GZIP, broken, "text format (its compression is broken, or is not gzip)", UNCOMPRESSED),
        (GZIP, half[..half.len() - 9].to_vec(), "its compression is broken", UNCOMPRESSED),
        ("200 OK\r\ncontent-encoding: br", vec![0xff; 9], "or is not gzip", UNCOMPRESSED),
    ] {
        let why = reason(head, body).await;
        assert!(why.contains(seen) && why.ends_with(remedy), "{head}: {why}");
    }
}

#[tokio::test]
async fn metrics_that_take_too_long_are_described() {
    let address = fake_server::accept_each(|mut stream| {
        // Until the client closes the connection.
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let error = read(&Url::parse(&format!("http://{address}")).unwrap(), "/metrics").await.unwrap_err();
    assert_eq!(error.to_string(), format!("/metrics did not respond within 5s: {FASTER}"));
}

#[tokio::test]
async fn metrics_are_read_with_the_options_of_the_load() {
    let authority = Authority::new(std::env::temp_dir().join(format!("metrics-tls-{}", std::process::id())));
    let (server, client) = (authority.sign("shop.example"), authority.sign("client"));
    let service = TlsServer::start(&server, Some(&authority), &[]);
    let port = service.port;
    let target = Url::parse(&format!("https://shop.example:{port}")).unwrap();
    let local = vec!["127.0.0.1".parse().unwrap()];
    let resolve = vec![Resolve { host: "shop.example".to_owned(), port, addresses: local }];
    let options = HttpSettings {
        ca_certificate: authority.file.clone().into(),
        client_certificate: client.certificate.clone().into(),
        client_key: client.key.clone().into(),
        resolve,
        ..HttpSettings::default()
    };
    let read = async |target: &Url, options: &HttpSettings| {
        let source = MetricsSource { target, token: None, options: Some(options) };
        read(source, "/metrics").await.map(|samples| samples.len()).map_err(|error| error.to_string())
    };
    assert_eq!(read(&target, &options).await, Ok(0));
    assert_eq!(service.identified(), [true]);
    // The name of the certificate in place of the address.
    let address = Url::parse(&format!("https://127.0.0.1:{port}")).unwrap();
    let named = HttpSettings { sni: "shop.example".to_owned().into(), ..options.clone() };
    assert_eq!(read(&address, &named).await, Ok(0));
    let header = HttpSettings { host_header: "other.example".to_owned().into(), ..named.clone() };
    assert_eq!(read(&address, &header).await, Ok(0));
    let requests = [format!("shop.example:{port}"), format!("127.0.0.1:{port}"), "other.example".to_owned()];
    assert_eq!(service.requests(), requests.map(|host| format!("shop.example HTTP/1.1 {host}")));
    let insecure = HttpSettings {
        insecure_skip_tls_verify: true,
        ca_certificate: HttpSettings::default().ca_certificate,
        ..options.clone()
    };
    assert_eq!(read(&address, &insecure).await, Ok(0));
    let unknown = HttpSettings { ca_certificate: HttpSettings::default().ca_certificate, ..options.clone() };
    let error = read(&target, &unknown).await.unwrap_err();
    assert!(error.ends_with("trust its authority with --ca-certificate FILE, which is for the load, too"), "{error}");
    std::fs::remove_dir_all(authority.file.parent().unwrap()).unwrap();
}

#[tokio::test]
async fn the_server_that_an_sni_names_gets_no_request() {
    let authority = Authority::new(std::env::temp_dir().join(format!("metrics-sni-{}", std::process::id())));
    let service = TlsServer::start(&authority.sign("localhost"), None, &[]);
    let port = service.port;
    let target = Url::parse(&format!("https://me:secret@shop.invalid:{port}")).unwrap();
    let elsewhere = Resolve { host: "shop.invalid".to_owned(), port, addresses: vec!["127.0.0.2".parse().unwrap()] };
    for (sni, resolve, expected) in [
        ("localhost", Vec::new(), "shop.invalid has no address"),
        ("127.0.0.1", vec![elsewhere], "the address 127.0.0.1 in --sni would go to that server"),
    ] {
        let sni = sni.to_owned().into();
        let options = HttpSettings { insecure_skip_tls_verify: true, sni, resolve, ..HttpSettings::default() };
        let source = MetricsSource { target: &target, token: Some("t0p"), options: Some(&options) };
        let error = read(source, "/metrics").await.map(|samples| samples.len()).map_err(|error| error.to_string());
        assert!(error.clone().is_err_and(|why| why.ends_with(expected)), "{error:?}");
    }
    assert!(service.requests().is_empty());
    std::fs::remove_dir_all(authority.file.parent().unwrap()).unwrap();
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_addresses_of_a_target_are_read_in_turn() {
    let addresses = ["127.0.0.1", "127.0.0.2"];
    let port = fake_server::free_port();
    for (number, address) in addresses.into_iter().enumerate() {
        let listener = std::net::TcpListener::bind((address, port)).unwrap();
        let body = format!("a_total {number}\n");
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map(Result::unwrap) {
                let _ = stream.read(&mut [0; 4096]).unwrap();
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
                stream.write_all((head + &body).as_bytes()).unwrap();
            }
        });
    }
    let addresses = addresses.map(|address| address.parse().unwrap()).to_vec();
    let resolve = vec![Resolve { host: "shop.example".to_owned(), port, addresses }];
    let options = HttpSettings { resolve, ..HttpSettings::default() };
    let target = Url::parse(&format!("http://shop.example:{port}")).unwrap();
    let source = MetricsSource { target: &target, token: None, options: Some(&options) };
    let mut values = std::collections::BTreeSet::new();
    for _ in 0..8 {
        values.insert(format!("{}", read(source, "/metrics").await.unwrap()[0].value));
    }
    assert_eq!(values.len(), 2, "{values:?}");
}
