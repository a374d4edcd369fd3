//! Tests of `store_gaps`.

use dashboards::queries::QueryPlace;
use test_support::fake_server;
use test_support::shop::SHOP;
use url::Url;

use super::*;

/// A store with these rules.
fn store(rules: &'static str) -> QuerySource {
    let url = fake_server::respond(move |request| match rules {
        _ if request.contains("/label/instance/") && rules.is_empty() => {
            ("200 OK", r#"{"data":["10.0.0.3:8000"]}"#.to_owned())
        }
        "" => ("404 Not Found", "no such API".to_owned()),
        _ => ("200 OK", format!(r#"{{"data":{{"groups":[{{"rules":[{rules}]}}]}}}}"#)),
    });
    QuerySource::new(Url::parse(&url).unwrap(), None, &Default::default()).unwrap()
}

async fn checked(rules: &'static str, is_scraping: bool, must_prove: bool) -> (ProofCheckOutcome, String) {
    let mut check = ProofCheck::new("queries", String::new(), Vec::new());
    let excuses = [Excuse::NotScraped, Excuse::NotExposed];
    check.excused = excuses.map(|excuse| (QueryPlace::Annotation("a".to_owned()), excuse)).into();
    let scrapes = BackendScrapes { excuse: None, are_missing: !is_scraping };
    let check = StoreGaps::find(&SHOP, &store(rules), scrapes, &check).await.add_to(check, must_prove);
    (check.outcome, check.lines.join("\n"))
}

#[tokio::test]
async fn a_store_without_our_rules_is_named_with_their_files() {
    const ONE: &str = r#"{"name":"get_offers_latency:p95","health":"ok"}"#;
    for (rules, expected) in [("", "lists none"), (ONE, "this store lacks ")] {
        let (outcome, line) = checked(rules, true, false).await;
        assert_eq!(outcome, ProofCheckOutcome::Passed, "{line}");
        assert!(line.contains(expected) && line.lines().count() == 1, "{line}");
        assert!(line.contains("monitoring/prometheus/rules/shop.yml"), "{line}");
        assert_eq!(checked(rules, true, true).await.0, ProofCheckOutcome::Failed);
    }
}

#[tokio::test]
async fn a_store_that_does_not_scrape_is_named_with_the_remedy() {
    let (outcome, text) = checked("", false, false).await;
    assert_eq!(outcome, ProofCheckOutcome::Passed, "{text}");
    let line = text.lines().last().unwrap();
    assert!(
        line.contains("leaves out 1 query about") && line.contains("monitoring/prometheus/prometheus.yml"),
        "{line}"
    );
    assert!(line.contains("does not scrape the backend (its job backend has 10.0.0.3:8000)"), "{line}");
    assert_eq!(text.lines().count(), 2, "{text}");
}

#[tokio::test]
async fn a_rule_that_the_store_cannot_evaluate_fails_the_proof() {
    let wrong = r#"{"name":"get_offers_latency:p95","health":"err","lastError":"many-to-many"}"#;
    let (outcome, text) = checked(wrong, true, false).await;
    assert_eq!(outcome, ProofCheckOutcome::Failed, "{text}");
    assert!(text.contains("rule get_offers_latency:p95: many-to-many"), "{text}");
}
