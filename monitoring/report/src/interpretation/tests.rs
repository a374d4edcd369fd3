//! Tests of `interpretation`.

use super::*;
use crate::Millis;
use crate::evidence::FailureDetail;
use crate::judgement::{Measurement, Requests, objective_verdict};
use crate::verdict::Tally;
use test_support::shop::SHOP;

/// Findings about a run with these p95 values in milliseconds, by endpoint. `failed` has the
/// index of an endpoint, its percentage of failed requests, and their kind. More than 5 % make
/// the p95 infinite.
fn messages(p95s: [f64; 7], failed: &[(usize, u64, FailureKind)]) -> Vec<String> {
    let mut report = Report::sample();
    let failed_of =
        |at: usize| failed.iter().find(|(index, ..)| *index == at).map_or(0, |(_, percent, _)| percent * 10);
    let objectives = SHOP.slos.iter().take(7).zip(p95s).enumerate().map(|(at, (slo, p95))| {
        let good = if p95 * 1e3 <= slo.threshold().unwrap().as_micros() as f64 { 1000 - failed_of(at) } else { 500 };
        let tally = Tally { good, total: 1000, ..Tally::default() };
        let infinite = failed_of(at) > 50;
        let quantile_ms = Some(if infinite { Millis::INFINITE } else { Millis::Finite(p95) });
        let measured = Measurement::Percentile { tally, quantile_ms, interval_ms: None, response_ms: None };
        ObjectiveResult::new(&SHOP, slo, measured, objective_verdict::judge(slo, tally))
    });
    report.objectives = objectives.collect();
    for (at, endpoint) in report.endpoints.iter_mut().enumerate() {
        endpoint.requests = Requests { sent: 1000, failed: failed_of(at), unknown: 0 };
        endpoint.errors =
            failed.iter().filter(|(index, ..)| *index == at).map(|(_, percent, kind)| (*kind, percent * 10)).collect();
    }
    interpret(&report.conclude([])).iter().map(Finding::to_string).collect()
}

const FAST: [f64; 7] = [100.0, 50.0, 120.0, 80.0, 75.0, 140.0, 160.0];

#[test]
fn each_kind_of_problem_has_the_right_finding() {
    let slow = |at: usize, factor: f64| {
        let mut p95s = FAST;
        p95s[at] *= factor;
        p95s
    };
    let status = |at| (at, 20, FailureKind::Status);
    for (p95s, failed, parts) in [
        (
            FAST,
            vec![],
            vec!["note: all latencies", "the closest is get_reviews at 35 % of its limit (140.0 ms of 400 ms)"],
        ),
        (slow(0, 2.6), vec![], vec!["warning", "close to their limits: add_item at 87 % of its limit"]),
        (
            slow(6, 5.0),
            vec![],
            vec![
                "problem: slower than the objective: get_prices at 160 %",
                "get_reviews at 35 %",
                "Check the handler of get_",
            ],
        ),
        (slow(1, 9.0), vec![], vec!["get_cart at 225 %", "Check the handler of get_"]),
        (
            FAST.map(|ms| ms * 5.0),
            vec![],
            vec!["7 of 7 endpoints", "the worst is get_reviews at 175 % of its limit (700.0 ms of 400 ms)", "overload"],
        ),
        ([310.0, 210.0, 410.0, 310.0, 310.0, 100.0, 100.0], vec![], vec!["5 of 7 endpoints", "overload"]),
        (
            [310.0, 210.0, 100.0, 80.0, 75.0, 100.0, 100.0],
            vec![],
            vec!["add_item at 103 %", "get_cart at 105 %", "a resource that they share"],
        ),
        (FAST, vec![status(4)], vec!["200 of 1,000 requests to get_offers failed (20.00 %); 200 by status", "log"]),
        (
            FAST,
            (0..7).map(status).collect(),
            vec!["1,400 of 7,000 requests to all endpoints failed (up to 20.00 %, ", "log"],
        ),
        (FAST, (0..7).map(|at| (at, 100, FailureKind::Refused)).collect(), vec!["Start the service"]),
        (
            FAST,
            vec![(0, 30, FailureKind::Timeout), (1, 5, FailureKind::Status)],
            vec!["add_item, get_cart failed", "300 by timeout", "exhausted pool"],
        ),
        (slow(6, 5.0), vec![(0, 10, FailureKind::Reset)], vec!["a crash", "get_prices at 160 %"]),
        (
            FAST,
            vec![(0, 10, FailureKind::Unanswered)],
            vec!["100 by unanswered", "raise its idle (keep-alive) timeout", "--no-connection-reuse"],
        ),
    ] {
        let text = messages(p95s, &failed).join("\n");
        for part in parts {
            assert!(text.contains(part), "{part:?} is not in\n{text}");
        }
    }
}

fn cause(detail: FailureDetail<'static>, body: &str) -> FailureCause {
    FailureCause {
        request: "get_cart".into(),
        detail,
        body: body.to_owned(),
        count: 1,
        first_ms: 0,
        first_request: String::new(),
    }
}

#[test]
fn a_redirect_that_says_why_it_was_not_followed_needs_no_advice() {
    let advice = |why: &'static str| {
        let cause = cause(FailureDetail::Status { status: 302, why: why.into() }, "");
        advise(&Report::sample(), FailureKind::Status, Some(&cause), true)
    };
    assert!(advice("").unwrap().contains("--max-redirects"));
    assert_eq!(advice("it leads to http://localhost:1, which is not a target"), None);
}

#[test]
fn connections_that_close_before_an_outage_suggest_a_crash() {
    let advice = |report: &Report| advise(report, FailureKind::Unanswered, None, false).unwrap();
    assert!(advice(&Report::sample()).contains("keep-alive"));
    let outage = Finding::warning(Subject::Target, FindingKind::Outage, "no connection for 4 s");
    assert_eq!(advice(&Report::sample().conclude([outage])), CRASH);
}

#[test]
fn a_client_certificate_that_nginx_requires_or_refuses_is_advised() {
    let page = |title: &str| format!("<html> <head><title>400 {title}</title></head> <body>");
    let advice = |status, body: &str| {
        let cause = cause(FailureDetail::Status { status, why: "".into() }, body);
        advise(&Report::sample(), FailureKind::Status, Some(&cause), true)
    };
    let required = advice(400, &page("No required SSL certificate was sent")).unwrap();
    assert!(required.contains("requires a client certificate: pass it with --client-certificate [NAME=]FILE"));
    let refused = advice(400, &page("The SSL certificate error")).unwrap();
    assert!(refused.contains("refuses the client certificate: pass another one with --client-certificate"));
    assert_eq!(advice(400, "no name"), None);
    assert!(!advice(403, "No required SSL certificate was sent").unwrap().contains("client certificate"));
}

#[test]
fn the_advice_on_a_malformed_response_fits_a_malformed_body_too() {
    let advice = advise(&Report::sample(), FailureKind::Protocol, None, true).unwrap();
    assert_eq!(advice, "Check what the service, and any proxy in between, sends");
}
