//! Access to a store by k6's variables,
//! <https://grafana.com/docs/k6/latest/results-output/real-time/prometheus-remote-write/>.

use perf_settings::*;
use url::Url;

fn settings(pairs: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    let get = |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    Settings::from_lookup(&get)
}

const STORE: (&str, &str) = (REMOTE_WRITE, "http://store:9009/api/v1/push");

#[test]
fn credentials_go_to_the_store_and_nowhere_else() {
    let bearer =
        settings(&[STORE, (RW_BEARER_TOKEN, "t0p"), (RW_HTTP_HEADERS, "X-Scope-OrgID: team:1, a: b")]).unwrap();
    let to = |url: &str| bearer.store_access.headers_for(&Url::parse(url).unwrap());
    let expected = [("x-scope-orgid", "team:1"), ("a", "b"), ("authorization", "Bearer t0p")];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(to("http://store:9009/api/v1/query"), expected);
    assert_eq!(to("http://store:9010/api/v1/query"), []);
    assert_eq!(to("https://store:9009/"), []);
    let debug = format!("{bearer:?}");
    assert!(!debug.contains("t0p") && !debug.contains("team:1"), "{debug}");
}

#[test]
fn k6s_variables_for_the_store_are_read() {
    let files = [(RW_CLIENT_CERTIFICATE, "c.pem"), (RW_CLIENT_CERTIFICATE_KEY, "k.pem")];
    let rest = [
        STORE,
        (RW_HEADERS, "X-Scope-OrgID:team,1\na:b"),
        ("K6_PROMETHEUS_RW_TLS_MINIMUM_VERSION", "1.3"),
        ("K6_PROMETHEUS_RW_TREND_STATS", "p(95)"),
        ("K6_PROMETHEUS_RW_STALE_MARKERS", "false"),
        (NATIVE_HISTOGRAMS, "true"),
    ];
    let settings = settings(&[files.as_slice(), &rest].concat()).unwrap();
    let (own, other) = ("https://store:9009/", "http://store:9009/x");
    let access = &settings.store_access;
    assert_eq!(access.headers_for(&Url::parse(other).unwrap())[0], ("x-scope-orgid".into(), "team,1".into()));
    assert_eq!(access.client_certificate_for(&Url::parse(own).unwrap()), None, "another origin");
    let (certificate, key) = access.client_certificate_for(&Url::parse(other).unwrap()).unwrap();
    // Another process may read them in another folder.
    let [expected, expected_key] = ["c.pem", "k.pem"].map(|file| std::path::absolute(file).unwrap());
    assert_eq!((certificate, key), (&expected, &expected_key));
    assert!(access.tls_1_3 && settings.native_histograms);
    assert_eq!(settings.ignored.len(), 2, "{:?}", settings.ignored);
}

#[test]
fn user_and_password_become_part_of_the_stores_url() {
    let basic = [STORE, (RW_USERNAME, "me"), (RW_PASSWORD, "p@ss"), (PROMETHEUS, "http://other:1/")];
    let settings = settings(&basic).unwrap();
    assert_eq!(settings.remote_write.unwrap().as_str(), "http://me:p%40ss@store:9009/api/v1/push");
    assert_eq!(settings.prometheus.unwrap().as_str(), "http://other:1/", "another host");
    let alone = Settings::from_lookup(&|name| {
        basic[..3].iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    });
    assert_eq!(alone.unwrap().query_url().unwrap().as_str(), "http://me:p%40ss@store:9009/");
}

#[test]
fn an_invalid_header_is_rejected_and_not_repeated() {
    for pairs in [
        [STORE, (RW_HTTP_HEADERS, "secret"), ("", "")],
        [STORE, (RW_HTTP_HEADERS, "a b:secret"), ("", "")],
        [STORE, (RW_HTTP_HEADERS, "a:secret\u{7}"), ("", "")],
        [STORE, (RW_HTTP_HEADERS, "Content-Encoding:secret"), ("", "")],
        [STORE, (RW_HEADERS, "X-Key:secret\nhost:secret"), ("", "")],
        [STORE, (RW_CLIENT_CERTIFICATE, "secret.pem"), ("", "")],
        [STORE, ("K6_PROMETHEUS_RW_TLS_MIN_VERSION", "secret"), ("", "")],
        [STORE, (RW_BEARER_TOKEN, "secret\n"), ("", "")],
        [STORE, (RW_BEARER_TOKEN, "secret"), (RW_USERNAME, "me")],
        [STORE, ("K6_PROMETHEUS_RW_SIGV4_REGION", "eu-1"), ("", "")],
    ] {
        let message = settings(&pairs).unwrap_err().to_string();
        assert!(message.contains("K6_PROMETHEUS_RW_") && !message.contains("secret"), "{message}");
    }
}
