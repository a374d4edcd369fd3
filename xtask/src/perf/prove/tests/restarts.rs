//! Lost requests, and restarts of processes that the store scrapes.

use super::*;

/// Scrapes of both counters by one instance: after 1 s, and with a lower count a second later.
fn restarted(instance: &str, start: i64, counted: u64) -> String {
    let series = ["/offers", "/carts/{cart}"].map(|route| {
        let labels = format!(r#""instance":"{instance}","handler":"{route}","method":"GET","status":"2xx""#);
        let points = format!(r#"[[{},"{counted}"],[{},"0"]]"#, start + 1, start + 2);
        format!(r#"{{"metric":{{"__name__":"http_requests_total",{labels}}},"values":{points}}}"#)
    });
    series.join(",")
}

#[tokio::test]
async fn only_a_restart_of_the_process_explains_lost_requests() {
    use ProofCheckOutcome::{Failed, NotApplicable};
    let half: fn(&Counts) -> Metrics = |counts| fastapi(counts, 2, |_, _| true);
    let anonymous: fn(&Counts) -> Metrics = |counts| without_start(fastapi(counts, 2, |_, _| true));
    type Case = (&'static str, Scrapes, fn(&Counts) -> Metrics, ProofCheckOutcome);
    let cases: [Case; 10] = [
        ("another start, not scraped", |_, _| String::new(), restarted_process, NotApplicable),
        ("another start, all counted", |_, start| restarted("app:80", start, 5), restarted_process, NotApplicable),
        ("another start, two between", |_, start| restarted("app:80", start, 4), restarted_process, NotApplicable),
        ("another start, more are lost", |_, start| restarted("app:80", start, 3), restarted_process, Failed),
        ("not scraped", |_, _| String::new(), anonymous, Failed),
        ("all counted before", |_, start| restarted("app:80", start, 5), anonymous, NotApplicable),
        ("two between the scrapes", |_, start| restarted("app:80", start, 4), anonymous, NotApplicable),
        ("more are lost", |_, start| restarted("app:80", start, 3), anonymous, Failed),
        ("the same start", |_, start| restarted("app:80", start, 5), half, Failed),
        (
            "another instance",
            |own, start| format!("{},{}", restarted(own, start, 0), restarted("app:80", start, 5)),
            anonymous,
            Failed,
        ),
    ];
    let checks = join_all(cases.map(|(_, scrapes, metrics, _)| audited_by(scrapes, false, metrics))).await;
    for ((check, _), (name, .., outcome)) in checks.into_iter().zip(cases) {
        assert_eq!(check.outcome, outcome, "{name}: {check:?}");
        let is_restart = check.figures.starts_with("the backend was restarted during the run");
        assert_eq!(is_restart, outcome == NotApplicable, "{name}: {check:?}");
    }
    let own: Scrapes = |own, start| format!("{},{}", restarted(own, start, 5), restarted("app:80", start, 0));
    assert_eq!(audited_by(own, false, anonymous).await.0.outcome, NotApplicable);
}

#[tokio::test]
async fn a_restart_resets_series_that_are_higher_at_the_next_scrape() {
    // The second series is counted quickly after the restart.
    let scrapes: Scrapes = |_, start| {
        let scraped = restarted("app:80", start, 5);
        let (all, rest) = scraped.rsplit_once(r#""0"]"#).unwrap();
        format!(r#"{all}"9"]{rest}"#)
    };
    let (check, _) = audited_by(scrapes, false, restarted_process).await;
    assert_eq!(check.outcome, ProofCheckOutcome::NotApplicable, "{check:?}");
}
