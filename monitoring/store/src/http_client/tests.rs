//! Tests of `http_client`.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use test_support::fake_server;
use test_support::tls_server::openssl_certificate;

use super::*;

const OPTIONS: ClientOptions = ClientOptions { user_agent: None, timeout: Duration::from_secs(5) };

#[tokio::test]
async fn a_redirect_does_not_send_credentials_to_another_host() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let there = elsewhere.local_addr().unwrap();
    let (store, responding) = fake_server::accept_one(move |mut stream| {
        let mut request = [0; 4096];
        let length = stream.read(&mut request).unwrap();
        write!(stream, "HTTP/1.1 302 Found\r\nLocation: http://{there}/\r\nContent-Length: 0\r\n\r\n").unwrap();
        let request = String::from_utf8_lossy(&request[..length]).to_ascii_lowercase();
        assert!(request.contains("authorization: bearer t0p"), "{request}");
    });
    let url = Url::parse(&format!("http://{store}/")).unwrap();
    let mut access = StoreAccess::default();
    access.add_header("authorization", "Bearer t0p").unwrap();
    access.bind(&mut Some(url.clone()), &mut None);
    let response = store_client(&url, &access, OPTIONS).unwrap().get(url).send().await.unwrap();
    responding.join().unwrap();
    assert_eq!(response.status(), 302);
    assert!(elsewhere.accept().is_err(), "the redirect was followed");
}

#[tokio::test]
async fn a_proxy_gets_the_requests_to_a_store() {
    let proxy = fake_server::respond(|request| {
        let line = request.lines().next().unwrap_or_default();
        ("200 OK", format!("{{\"line\":{line:?}}}"))
    });
    let url = Url::parse("http://store.invalid:9090/api").unwrap();
    let mut access = StoreAccess::default();
    access.proxies.http = Some(proxy);
    let response = store_client(&url, &access, OPTIONS).unwrap().get(url.clone()).send().await.unwrap();
    let line = response.text().await.unwrap();
    assert!(line.contains("GET http://store.invalid:9090/api HTTP/1.1"), "{line}");
    assert!(client(&url, OPTIONS).unwrap().get(url).send().await.is_err(), "other clients use no proxy");
}

#[test]
fn an_unusable_certificate_file_is_named() {
    let url = Url::parse("https://127.0.0.1:9/").unwrap();
    let mut access = StoreAccess::default();
    access.ca_certificate = Some("no-such.pem".into());
    let error = store_client(&url, &access, OPTIONS).unwrap_err().to_string();
    assert!(error.contains("certificates from no-such.pem"), "{error}");
}

#[test]
fn a_file_without_certificates_and_an_encrypted_key_are_refused() {
    let folder = std::env::temp_dir().join(format!("perf-pem-files-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let [empty, key] = ["empty.pem", "encrypted.key"].map(|name| folder.join(name));
    std::fs::write(&empty, "").unwrap();
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    std::fs::write(&key, encrypted).unwrap();
    let url = Url::parse("https://127.0.0.1:9/").unwrap();
    let mut access = StoreAccess::default();
    access.bind(&mut Some(url.clone()), &mut None);
    let error = |access: &StoreAccess| store_client(&url, access, OPTIONS).unwrap_err().to_string();
    access.ca_certificate = Some(empty);
    assert!(error(&access).ends_with("empty.pem: it has no certificates"), "{}", error(&access));
    let own = openssl_certificate("own");
    (access.ca_certificate, access.certificate, access.key) = (Some(own.clone()), Some(own), Some(key));
    assert!(error(&access).contains("encrypted.key: the key is encrypted: decrypt it with"), "{}", error(&access));
    std::fs::remove_dir_all(folder).unwrap();
}
