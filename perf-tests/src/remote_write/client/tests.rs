//! Tests of `client`.

use std::io::{Read as _, Write as _};

use test_support::fake_server;
use test_support::tls_server::{Authority, Identity, TlsServer};

use super::*;

#[test]
fn retry_after_is_seconds_or_a_date() {
    let now = httpdate::parse_http_date("Tue, 24 Nov 2026 12:00:00 GMT").unwrap();
    for (value, expected) in [
        ("7", Some(7)),
        ("Tue, 24 Nov 2026 12:00:30 GMT", Some(30)),
        ("Tue, 24 Nov 2026 11:00:00 GMT", None),
        ("soon", None),
        ("-1", None),
    ] {
        let headers = HeaderMap::from_iter([(RETRY_AFTER, value.parse().unwrap())]);
        assert_eq!(retry_after(&headers, now), expected.map(Duration::from_secs), "{value}");
    }
}

#[test]
fn debug_output_of_a_client_holds_no_secrets() {
    let url = Url::parse("http://user:S3cr3t@127.0.0.1:9/write?key=S3cr3t").unwrap();
    let shown = format!("{:?}", Client::new(url, &StoreAccess::default()).unwrap());
    assert!(shown.contains("127.0.0.1") && !shown.contains("S3cr3t"), "{shown}");
}

#[test]
fn a_rejection_has_a_hint_how_to_fix_it() {
    for (status, body, hint) in [
        (400, "out of bounds", "clock"),
        (400, "out of order sample", "two runs"),
        (400, "label name \"a b\" is invalid", ""),
        (400, "out-of-order samples are not allowed (err-mimir-sample-out-of-order)", "two runs"),
        (401, "no org id", "K6_PROMETHEUS_RW_HTTP_HEADERS=X-Scope-OrgID:TENANT"),
        (401, "", "K6_PROMETHEUS_RW_USERNAME"),
        (404, "404 page not found", RECEIVER_FLAG),
        (500, "native histograms are disabled", NATIVE_HISTOGRAMS_FLAG),
    ] {
        let remedy = remedy(StatusCode::from_u16(status).unwrap(), body);
        assert!(if hint.is_empty() { remedy.is_empty() } else { remedy.contains(hint) }, "{status} {body}: {remedy:?}");
    }
}

#[tokio::test]
async fn a_self_signed_certificate_must_be_in_the_stores_file() {
    let folder = std::env::temp_dir().join(format!("perf-store-{}", std::process::id()));
    let identity = Identity::self_signed(&folder, "localhost");
    let server = TlsServer::start(&identity, None, &[]);
    let url = Url::parse(&format!("https://localhost:{}/api/v1/write", server.port)).unwrap();
    let check = async |access: &StoreAccess| Client::new(url.clone(), access).unwrap().check_receiver().await;
    let mut access = StoreAccess::default();
    let refused = check(&access).await.unwrap_err().to_string();
    let start = format!("this client refuses the certificate of {url} (it is an authority's): ");
    assert!(refused.starts_with(&start) && refused.contains("PERF_STORE_CA_CERTIFICATE"), "{refused}");
    access.ca_certificate = Some(identity.certificate);
    assert_eq!(check(&access).await, Ok(()));
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn the_remedy_for_a_refused_certificate_fits_its_fault() {
    let folder = std::env::temp_dir().join(format!("perf-remedy-{}", std::process::id()));
    let [authority, unknown] = ["known", "unknown"].map(|name| Authority::new(folder.join(name)));
    let mut access = StoreAccess::default();
    access.ca_certificate = Some(authority.file.clone());
    for (signer, name, years, remedy) in [
        (&authority, "localhost", 2000..2001, "renew it"),
        (&authority, "localhost", 2090..2091, "check the clocks"),
        (&authority, "other.test", 2000..2090, "use a name of the certificate"),
        (&unknown, "localhost", 2000..2090, "give its authority's file with PERF_STORE_CA_CERTIFICATE"),
    ] {
        let server = TlsServer::start(&signer.sign_for(name, years), None, &[]);
        let url = Url::parse(&format!("https://localhost:{}/api/v1/write", server.port)).unwrap();
        let refused = Client::new(url, &access).unwrap().check_receiver().await.unwrap_err().to_string();
        assert!(refused.contains(&format!("): {remedy}")), "{refused}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_store_with_tls_is_refused_at_http() {
    let folder = std::env::temp_dir().join(format!("perf-plain-{}", std::process::id()));
    let server = TlsServer::start(&Identity::self_signed(&folder, "localhost"), None, &[]);
    let url = Url::parse(&format!("http://localhost:{}/api/v1/write", server.port)).unwrap();
    let refused = Client::new(url.clone(), &StoreAccess::default()).unwrap().check_receiver().await.unwrap_err();
    assert_eq!(refused.to_string(), format!("{url} responds with TLS: use https://"));
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_store_that_redirects_is_refused_before_the_load() {
    let (address, responding) = fake_server::accept_one(|mut stream| {
        let _ = stream.read(&mut [0; 4096]).unwrap();
        let head = "HTTP/1.1 308 Permanent Redirect\r\nlocation: https://store.test/api/v1/write?token=t0p\r\n";
        write!(stream, "{head}content-length: 0\r\n\r\n").unwrap();
    });
    let url = Url::parse(&format!("http://{address}/api/v1/write")).unwrap();
    let refused = Client::new(url, &StoreAccess::default()).unwrap().check_receiver().await.unwrap_err().to_string();
    responding.join().unwrap();
    assert!(refused.contains("status 308 (it redirects to https://store.test/api/v1/write, "), "{refused}");
}
