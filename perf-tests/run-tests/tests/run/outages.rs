//! Outages of one host of two.

use std::thread;
use std::time::Duration;

use monitoring::catalogue::Catalogue;
use monitoring::endpoint::{Endpoint, Host, Method};
use monitoring::slo::Slo;
use perf_report::finding::FindingKind;
use perf_report::verdict::Verdict;
use perf_tests::plan::LoadProfile;
use perf_tests::{Scenario, ScenarioResult, Vu, constant_arrival_rate, constant_vus};

use super::{CATALOGUE, PING, ping, settings_at, verdict};
use test_support::raw_service::{Action, RawService};

const SECOND: Duration = Duration::from_secs(1);
const AUTH: Host = Host::new("auth", "Login server");
const LOG_IN: Endpoint = Endpoint::new("log_in", "Log in", Method::Get, "/token").on(AUTH);
const LIMIT: Duration = Duration::from_millis(250);
const TWO_HOSTS: Catalogue =
    Catalogue { endpoints: &[PING, LOG_IN], slos: &[Slo::p95(PING, LIMIT), Slo::p95(LOG_IN, LIMIT)], ..CATALOGUE };

/// Requests to both hosts. The login server stops after 100 requests.
fn without_login(load: LoadProfile, testid: &str, pings_first: bool) -> ScenarioResult {
    let (main, mut auth) = (RawService::start(|_| Action::Respond), RawService::start(|_| Action::Respond));
    let settings = settings_at(&format!("{} auth={}", main.url, auth.url), None, testid, &[]);
    let run = thread::spawn(move || {
        Scenario::new("both", &TWO_HOSTS).exercises(&[PING, LOG_IN]).load(load).run_with(
            settings,
            async move |vu: &mut Vu, (): &()| {
                if pings_first {
                    ping(vu).await?;
                }
                vu.request(LOG_IN).send().await?;
                if !pings_first {
                    ping(vu).await?;
                }
                vu.think(Duration::from_millis(5), Duration::from_millis(6)).await;
                Ok(())
            },
        )
    });
    while auth.requests() < 100 {
        thread::sleep(Duration::from_millis(1));
    }
    auth.stop();
    run.join().unwrap()
}

#[test]
fn an_outage_of_a_host_is_not_a_miss_of_another_one() {
    let (closed, open) = (constant_vus(5, SECOND * 3), constant_arrival_rate(200, SECOND, SECOND * 3, 500));
    for (load, testid, pings_first) in [
        (closed.clone(), "outage-closed", true),
        (closed, "outage-closed-2", false),
        (open.clone(), "outage-open", true),
        (open, "outage-open-2", false),
    ] {
        let is_open = testid.contains("open");
        let finished = without_login(load, testid, pings_first);
        let report = finished.report().unwrap();
        assert_eq!(verdict(report, "log_in_latency"), Verdict::Missed, "{testid}: {:?}", report.findings);
        let pings = &report.endpoints[0].requests;
        if is_open && pings_first {
            // Each ping is made, and is good.
            assert_eq!(verdict(report, "ping_latency"), Verdict::Met, "{testid}: {pings:?}");
            assert_eq!((pings.sent, pings.unknown), (600, 0), "{testid}");
        } else {
            let is_inconclusive = matches!(verdict(report, "ping_latency"), Verdict::Inconclusive(_));
            assert!(is_inconclusive, "{testid}: {:?}, {pings:?}", verdict(report, "ping_latency"));
        }
        let is_named = |message: &str| message.contains("no connection to host auth for");
        let outage = report.findings.iter().find(|finding| finding.kind == FindingKind::Outage);
        assert!(outage.is_some_and(|outage| is_named(&outage.message)), "{testid}: {:?}", report.findings);
    }
}
