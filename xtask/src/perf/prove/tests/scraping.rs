//! Backends that a Prometheus scrapes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use monitoring::excuse::Excuse;
use monitoring::label::BACKEND_JOB;
use monitoring::prometheus::recording_rules::Timing;
use perf_host::signals::Signals;
use perf_settings::HttpSettings;
use prometheus_store::response::ScrapeError;

use super::super::backend::backend_metrics::MetricsReading;
use super::super::backend::exposed_metrics::ExposedMetrics;
use super::*;
use crate::stack::{self, Stack, StackChoice, StackOptions};

/// Counters whose rates have no exact sum.
fn uneven(_: &Counts) -> Metrics {
    static SCRAPES: AtomicU64 = AtomicU64::new(0);
    let scrapes = SCRAPES.fetch_add(1, Ordering::Relaxed);
    Metrics::text((1..=200).map(|it| format!("a_total{{it=\"{it}\"}} {}\n", scrapes * it * it)).collect::<String>())
}

/// A Prometheus that scrapes a backend.
async fn scraping(backend: MetricsSource<'_>) -> Stack {
    let options = StackOptions {
        choice: StackChoice::Native,
        prometheus_port: fake_server::free_port(),
        grafana_port: 0,
        grafana: false,
        keep_data: false,
        timing: Timing::USUAL,
        archive: None,
    };
    let (_sender, signals) = Signals::from_sender();
    let stack = stack::start(&options, signals).await.unwrap();
    stack.scrape(backend, Some(SHOP.mapping)).unwrap();
    stack
}

#[tokio::test]
#[ignore = "needs a prometheus on PATH: run with cargo xtask ci"]
async fn prometheus_sends_a_login_to_no_other_server() {
    // By user and password, and by token.
    for (token, expected) in
        [(None, "authorization: Basic bWU6UzNjcjN0"), (Some("T0k3n"), "authorization: Bearer T0k3n")]
    {
        let [own_heads, heads] = [(); 2].map(|()| Arc::<Mutex<Vec<String>>>::default());
        let (recorded, own_recorded) = (heads.clone(), own_heads.clone());
        let other = fake_server::respond(move |request| {
            recorded.lock().unwrap().push(request.to_owned());
            ("404 Not Found", String::new())
        });
        let redirect: &'static str = format!("302 Found\r\nlocation: {other}/metrics").leak();
        let own = fake_server::respond(move |request| {
            own_recorded.lock().unwrap().push(request.to_owned());
            (redirect, String::new())
        });
        let target = Url::parse(&own.replace("http://", "http://me:S3cr3t@")).unwrap();
        let error = scrape_error(MetricsSource { target: &target, token, options: None }).await;
        let (own_heads, heads) = (own_heads.lock().unwrap(), heads.lock().unwrap());
        assert!(error.why.ends_with("302 Found") && heads.is_empty(), "{error:?}, {heads:?}");
        assert!(
            own_heads.iter().any(|head| head.replace("Authorization", "authorization").contains(expected)),
            "{own_heads:?}"
        );
    }
}

/// Why the first scrape of a backend failed.
async fn scrape_error(backend: MetricsSource<'_>) -> ScrapeError {
    let stack = scraping(backend).await;
    let store = http::prometheus(stack.prometheus.as_ref().unwrap(), &StoreAccess::default()).unwrap();
    let first = async {
        loop {
            match store.scrape_errors(BACKEND_JOB).await.unwrap().pop() {
                Some(error) => break error,
                None => tokio::time::sleep(Duration::from_millis(200)).await,
            }
        }
    };
    let error = tokio::time::timeout(Duration::from_secs(60), first).await.expect("no scrape failed within 60 s");
    stack.forget_backend().unwrap();
    stack.down().await.unwrap();
    error
}

#[tokio::test]
#[ignore = "needs a prometheus on PATH: run with cargo xtask ci"]
async fn a_sum_of_rates_stays_what_the_run_measured() {
    const SUM: &str = "sum(rate(a_total{job=\"backend\"}[15s]))";
    const RATE: BackendSlo = BackendSlo::at_least("rate", "Rate", SUM, Amount::Count(1)).on_average();
    const RATES: Catalogue = Catalogue { backend_slos: &[RATE], ..SHOP };
    const OVER_S: u64 = 27;
    let backend = Url::parse(&counted_backend::serve(&RATES, None, uneven)).unwrap();
    let stack = scraping((&backend).into()).await;
    let source = QuerySource::new(stack.prometheus.clone().unwrap(), None, &StoreAccess::default()).unwrap();
    let expr = RATE.during_run(Duration::from_secs(OVER_S)).to_string();
    let mut measured = Vec::new();
    while measured.len() < 30 {
        // As a run, which leaves out the scrape that is under way.
        let at_unix_ms = now_ms() - 1_000;
        if let Some(value) = source.value(&expr, at_unix_ms).await.unwrap() {
            let value = BackendValue { value, over_s: OVER_S, at_unix_ms };
            measured.push(ObjectiveResult::backend(&RATE, Some(value), Verdict::Met));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    // As the report of a run, which comes as a file.
    let report = Report { objectives: measured, ..test_support::report() };
    let report = serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap();
    let run = ProvenRun { catalogue: &RATES, report: &report, source: &source };
    let same = compare_values(run, true).await;
    stack.forget_backend().unwrap();
    stack.down().await.unwrap();
    assert_eq!(same, ComparedValues { count: 30, ..ComparedValues::default() });
    let values = report.objectives.iter().filter_map(ObjectiveResult::backend_value);
    assert!(values.into_iter().any(|it| it.value.fract() != 0.0), "no sum of floats was compared");
}

#[tokio::test]
#[ignore = "needs a prometheus on PATH: run with cargo xtask ci"]
async fn a_run_waits_until_an_earlier_backend_is_dropped() {
    let [earlier, present] = [(); 2].map(|()| Url::parse(&counted_backend::serve(&SHOP, None, uneven)).unwrap());
    let stack = scraping((&earlier).into()).await;
    let source = QuerySource::new(stack.prometheus.clone().unwrap(), None, &StoreAccess::default()).unwrap();
    let up = async || source.value("max(up{job=\"backend\"})", now_ms()).await.unwrap();
    let scraped = async {
        while up().await != Some(1.0) {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), scraped).await.expect("no scrape within 60 s");
    stack.wait_for_dropped_backends((&earlier).into(), Some(SHOP.mapping)).await.unwrap();
    assert_eq!(up().await, Some(1.0), "a backend at the same address is not waited for");
    stack.forget_backend().unwrap();
    stack.wait_for_dropped_backends((&present).into(), Some(SHOP.mapping)).await.unwrap();
    assert_eq!(up().await, None);
    stack.down().await.unwrap();
}

/// The outcome for queries about a backend that was scraped `worked` of `all` times in a run.
async fn excuse(is_own: bool, worked: u64, all: u64) -> Option<Excuse> {
    excuse_with(&HttpSettings::default(), is_own, worked, all).await
}

/// The same for a load with these options.
async fn excuse_with(options: &HttpSettings, is_own: bool, worked: u64, all: u64) -> Option<Excuse> {
    let store = fake_server::respond(move |request| {
        let value = match request {
            _ if request.contains("sum_over_time") => worked,
            _ if request.contains("count_over_time") => all,
            // In the hour before.
            _ => 1,
        };
        ("200 OK", format!(r#"{{"data":{{"result":[{{"value":[1,"{value}"]}}]}}}}"#))
    });
    let (store, access) = (Url::parse(&store).unwrap(), StoreAccess::default());
    let source = QuerySource::new(store.clone(), None, &access).unwrap();
    let target = Url::parse("https://127.0.0.1:9").unwrap();
    let mut report = make_report(200);
    report.run.started_unix_ms = now_ms() - 60_000;
    report.run.ended_unix_ms = now_ms();
    let reading = MetricsReading::new(prometheus_store::exposition::parse("up 1").unwrap());
    let exposed = ExposedMetrics::new(BackendMetrics::One(reading), SHOP.mapping, is_own);
    let store = own_store(store, &access);
    let metrics = MetricsSource { options: Some(options), ..(&target).into() };
    let backend = ProofBackend { is_own, source: metrics, ..backend(&target) };
    let run = ProvenRun { catalogue: &SHOP, report: &report, source: &source };
    BackendScrapes::read(run, &exposed, &store, &backend).await.excuse
}

#[tokio::test]
async fn a_backend_that_was_scraped_rarely_in_a_run_has_no_rates() {
    for (worked, all, expected) in [
        (12, 12, None),
        (6, 12, None),
        (5, 12, Some(Excuse::FailedScrapes)),
        (0, 12, Some(Excuse::FailedScrapes)),
        (2, 2, Some(Excuse::FewScrapes)),
        (0, 0, None),
    ] {
        assert_eq!(excuse(false, worked, all).await, expected, "{worked} of {all}");
        assert_eq!(excuse(true, worked, all).await, None, "the stub backend must be scraped");
    }
}

#[tokio::test]
async fn a_backend_that_needs_an_option_of_the_load_is_not_scraped() {
    let options = HttpSettings { host_header: "shop.example".to_owned().into(), ..HttpSettings::default() };
    assert_eq!(excuse_with(&options, false, 0, 0).await, Some(Excuse::OptionOfLoad("--host-header")));
}

#[tokio::test]
async fn failed_scrapes_without_a_certificate_of_the_load_name_its_flag() {
    let default = HttpSettings::default;
    let file = || std::path::PathBuf::from("a.pem").into();
    for (flag, options) in [
        ("--insecure-skip-tls-verify", HttpSettings { insecure_skip_tls_verify: true, ..default() }),
        ("--ca-certificate", HttpSettings { ca_certificate: file(), ..default() }),
        ("--client-certificate", HttpSettings { client_certificate: file(), ..default() }),
    ] {
        assert_eq!(excuse_with(&options, false, 0, 12).await, Some(Excuse::OptionOfLoad(flag)));
        // The system trusts the server, too, or the server accepts clients without a certificate.
        assert_eq!(excuse_with(&options, false, 12, 12).await, None, "{flag}");
        assert_eq!(excuse_with(&options, false, 5, 12).await, Some(Excuse::FailedScrapes), "{flag}");
    }
}

/// The scrapes of a backend that counts offers, in a user's store with this result for counters.
/// The store scrapes an instance with the backend's job.
async fn scrapes_of_user(counters: &'static str) -> BackendScrapes {
    let store = fake_server::respond(move |request| {
        let found = if request.contains("http_requests_total") { counters } else { r#"{"value":[1,"1"]}"# };
        ("200 OK", format!(r#"{{"data":{{"result":[{found}]}}}}"#))
    });
    let (store, access) = (Url::parse(&store).unwrap(), StoreAccess::default());
    let source = QuerySource::new(store.clone(), None, &access).unwrap();
    let mut report = make_report(200);
    (report.run.started_unix_ms, report.run.ended_unix_ms) = (now_ms() - 30_000, now_ms());
    let text = "http_requests_total{handler=\"/offers\",method=\"GET\",status=\"2xx\"} 7\n";
    let reading = MetricsReading::new(prometheus_store::exposition::parse(text).unwrap());
    let exposed = ExposedMetrics::new(BackendMetrics::One(reading), SHOP.mapping, false);
    let run = ProvenRun { catalogue: &SHOP, report: &report, source: &source };
    let target = Url::parse("http://127.0.0.1:9").unwrap();
    let store = ProofStore { origin: StoreOrigin::Named, ..own_store(store, &access) };
    BackendScrapes::read(run, &exposed, &store, &backend(&target)).await
}

#[tokio::test]
async fn another_service_with_the_backends_job_is_not_the_backend() {
    let other = BackendScrapes { excuse: Some(Excuse::NotScraped), are_missing: true };
    assert_eq!(scrapes_of_user("").await, other);
    let scrapes = scrapes_of_user(r#"{"value":[1,"7"]}"#).await;
    assert!(scrapes.excuse != Some(Excuse::NotScraped) && !scrapes.are_missing, "{scrapes:?}");
}
