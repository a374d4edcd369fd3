//! Tests of `endpoint_account`.

use perf_report::judgement::Requests;

use super::*;

const ALONE: OtherTraffic = OtherTraffic { around: 0, possible: false };

fn counts(pairs: &[(&str, u64)]) -> BTreeMap<String, u64> {
    pairs.iter().map(|&(key, count)| (key.to_owned(), count)).collect()
}

fn by_status(pairs: &[(u16, u64)]) -> BTreeMap<StatusKey, u64> {
    pairs.iter().map(|&(status, count)| (status.into(), count)).collect()
}

fn endpoint(pairs: &[(u16, u64)], cut: u64) -> EndpointResult {
    let by_status = by_status(pairs);
    let sent = by_status.values().sum();
    EndpointResult {
        name: "add_item".to_owned(),
        requests: Requests { sent, failed: 0, unknown: cut + 7 },
        cut,
        reconnects: 0,
        bodies: Default::default(),
        by_status,
        errors: BTreeMap::new(),
        p50_ms: None,
        p95_ms: None,
        p99_ms: None,
        curve: Vec::new(),
        response_p50_ms: None,
        response_p95_ms: None,
        response_p99_ms: None,
        server_timing: None,
    }
}

fn audit(sent: &[(u16, u64)], cut: u64, counted: &[(&str, u64)], others: OtherTraffic) -> Result<Explanation, String> {
    let endpoint = endpoint(sent, cut);
    let counted = RequestCounters { by_class: counts(counted), ..RequestCounters::default() };
    EndpointAccount::new(&endpoint, Some(endpoint.by_status.clone()), Some(counted)).audit(&endpoint, others)
}

#[test]
fn equal_counts_need_no_explanation() {
    let sent = [(200, 90), (201, 5), (500, 5)];
    assert_eq!(audit(&sent, 0, &[("2xx", 95), ("5xx", 5)], ALONE), Ok(Explanation::default()));
}

#[test]
fn a_surplus_without_an_explanation_is_an_error() {
    let explained =
        |unanswered, around, others| Ok(Explanation { unanswered, around, others, ..Explanation::default() });
    // Three requests timed out, and the backend completed two of them.
    assert_eq!(audit(&[(200, 10), (0, 3)], 0, &[("2xx", 12)], ALONE), explained(2, 0, 0));
    // One request was cut off at the end.
    assert_eq!(audit(&[(200, 10)], 1, &[("2xx", 10), ("5xx", 1)], ALONE), explained(1, 0, 0));
    let others = OtherTraffic { around: 2, possible: true };
    assert_eq!(audit(&[(200, 10), (0, 1)], 0, &[("2xx", 17)], others), explained(1, 2, 4));
    let wrong = audit(&[(200, 10)], 0, &[("2xx", 11)], ALONE).unwrap_err();
    assert!(wrong.contains("1 request that this run did not send"), "{wrong}");
}

#[test]
fn a_response_that_the_backend_did_not_count_is_an_error() {
    let others = OtherTraffic { around: 5, possible: true };
    for (sent, counted) in [([(200, 10)], [("2xx", 9)]), ([(500, 10)], [("2xx", 10)])] {
        let wrong = audit(&sent, 5, &counted, others).unwrap_err();
        assert!(wrong.starts_with("add_item: 10 responses"), "{wrong}");
    }
}

#[test]
fn a_response_that_a_router_may_have_sent_need_not_be_counted() {
    let others = OtherTraffic { around: 0, possible: true };
    let of_router = |sent: &[(u16, u64)], counted: &[(&str, u64)]| {
        audit(sent, 0, counted, others).map(|explained| explained.of_router)
    };
    assert_eq!(of_router(&[(200, 10), (404, 10)], &[("2xx", 10), ("4xx", 4)]), Ok(6));
    assert_eq!(of_router(&[(301, 3), (405, 2)], &[]), Ok(5));
    assert_eq!(of_router(&[(404, 10)], &[("", 4)]), Ok(6), "a counter without statuses");
    assert_eq!(of_router(&[(200, 10), (401, 3), (403, 2), (429, 4)], &[("2xx", 10)]), Ok(9), "a middleware");
    assert!(of_router(&[(200, 10), (404, 10)], &[("2xx", 9), ("4xx", 10)]).is_err());
    assert!(of_router(&[(422, 10), (404, 5)], &[("4xx", 9)]).is_err(), "more are missing");
    assert!(audit(&[(404, 10)], 0, &[("4xx", 4)], ALONE).is_err(), "an own backend counts all");
    // Exact statuses show that the other ones are missing.
    let sent = endpoint(&[(404, 10), (422, 10)], 0);
    let exact = |pairs: &[(u16, u64)]| {
        let sum = pairs.iter().map(|(_, count)| count).sum();
        let counted = RequestCounters {
            by_class: counts(&[("4xx", sum)]),
            by_status: by_status(pairs),
            ..RequestCounters::default()
        };
        EndpointAccount::new(&sent, None, Some(counted)).explain(others)
    };
    assert!(exact(&[(404, 10), (422, 5)]).is_err());
    // A status that is left out does not explain another one.
    let counted = RequestCounters { by_class: counts(&[("4xx", 5)]), ..RequestCounters::default() };
    let mut account = EndpointAccount::new(&sent, None, Some(counted));
    assert_eq!(account.leave_out(&sent, |status| status != StatusKey::Code(404)), [StatusKey::Code(404)]);
    assert!(account.explain(others).is_err());
    assert_eq!(exact(&[(422, 10)]).unwrap().of_router, 10);
    // The route counts this status, so the rest is lost.
    let lost = exact(&[(404, 4), (422, 10)]).unwrap_err();
    assert!(lost.starts_with("add_item: 20 responses had status 4xx, and the backend counted 14"), "{lost}");
    // The other 404s of all endpoints may be of the router.
    let account = EndpointAccount::new(&sent, None, None);
    let counted = RequestCounters {
        by_class: counts(&[("4xx", 14)]),
        by_status: by_status(&[(404, 4), (422, 10)]),
        ..RequestCounters::default()
    };
    assert_eq!(EndpointAccount::total(&[&account], counted).explain(others).unwrap().of_router, 6);
}

#[test]
fn a_status_that_a_route_never_counts_is_of_a_middleware() {
    let others = OtherTraffic { around: 0, possible: true };
    let explained = |sent: &[(u16, u64)], counted: &[(u16, u64)]| {
        let by_status = by_status(counted);
        let (by_class, _) = by_class(&by_status);
        let counted = RequestCounters { by_class, by_status, ..RequestCounters::default() };
        EndpointAccount::new(&endpoint(sent, 0), None, Some(counted)).explain(others)
    };
    let of_router =
        |sent: &[(u16, u64)], counted: &[(u16, u64)]| explained(sent, counted).map(|it| (it.of_router, it.others));
    for status in [302, 400, 406, 409, 415, 421, 422] {
        assert_eq!(of_router(&[(200, 9), (status, 4)], &[(200, 9)]), Ok((4, 0)), "{status}");
        assert_eq!(of_router(&[(200, 9), (status, 4)], &[(200, 11)]), Ok((4, 2)), "{status}");
        assert!(of_router(&[(200, 9), (status, 4)], &[(200, 9), (status, 3)]).is_err(), "{status} is counted");
        assert!(of_router(&[(200, 9), (status, 4)], &[(200, 8)]).is_err(), "a 200 is missing");
    }
    let wrong = of_router(&[(200, 9), (409, 4)], &[(200, 13)]).unwrap_err();
    assert_eq!(wrong, "add_item: the backend counted 4 responses with another status than they had");
    assert!(of_router(&[(200, 9), (500, 4)], &[(200, 9)]).is_err(), "a handler failed");
    // express.json() responds with 400 and 415 before the handler does with 422.
    assert_eq!(of_router(&[(400, 2), (415, 3), (422, 4)], &[(422, 4)]), Ok((5, 0)));
    // Classes of status.
    let by_class = |sent, counted: &[(&str, u64)]| audit(sent, 0, counted, others).map(|it| it.of_router);
    assert_eq!(by_class(&[(200, 9), (409, 4)], &[("2xx", 9)]), Ok(4));
    assert_eq!(by_class(&[(400, 3), (422, 4)], &[("4xx", 4)]), Ok(3));
    assert!(by_class(&[(200, 9), (409, 4)], &[("2xx", 9), ("4xx", 3)]).is_err());
}

#[test]
fn a_total_may_leave_out_whole_handlers() {
    let others = OtherTraffic { around: 0, possible: true };
    let total = |counted: &[(&str, u64)], others| {
        let endpoints = [endpoint(&[(200, 40), (500, 2)], 0), endpoint(&[(200, 10), (404, 5)], 0)];
        let accounts = endpoints.each_ref().map(|endpoint| EndpointAccount::new(endpoint, None, None));
        let counted = RequestCounters { by_class: counts(counted), ..RequestCounters::default() };
        EndpointAccount::total(&accounts.each_ref(), counted).explain(others).map(|explained| explained.of_handlers)
    };
    assert_eq!(total(&[("2xx", 40), ("5xx", 2)], others), Ok(10), "the second endpoint is not counted");
    assert_eq!(total(&[("2xx", 10), ("4xx", 5)], others), Ok(42), "the first endpoint is not counted");
    assert_eq!(total(&[("", 42)], others), Ok(15), "a counter without statuses");
    let wrong = total(&[("2xx", 41), ("4xx", 5), ("5xx", 2)], others).unwrap_err();
    assert!(wrong.starts_with("all endpoints: 50 responses had status 2xx, and the backend counted 41"), "{wrong}");
    assert!(total(&[("2xx", 50), ("5xx", 1)], others).is_err());
    // The handler of setup's request is counted.
    assert_eq!(total(&[("2xx", 41), ("5xx", 2)], OtherTraffic { around: 1, ..others }), Ok(9));
    assert!(total(&[("2xx", 40), ("5xx", 2)], ALONE).is_err(), "an own backend counts all");
}

#[test]
fn a_response_that_a_proxy_may_have_sent_need_not_be_counted() {
    let others = OtherTraffic { around: 0, possible: true };
    let of_proxy = |sent: &[(u16, u64)], counted: &[(&str, u64)]| {
        let explained = audit(sent, 0, counted, others)?;
        Ok::<_, String>((explained.of_proxy, explained.unanswered, explained.others))
    };
    for seen in 0..=4 {
        assert_eq!(of_proxy(&[(200, 9), (504, 4)], &[("2xx", 9), ("5xx", seen)]), Ok((4 - seen, 0, 0)));
        // It responded with 200, and too late for the proxy.
        assert_eq!(of_proxy(&[(200, 9), (504, 4)], &[("2xx", 9 + seen), ("5xx", 0)]), Ok((4, seen, 0)));
    }
    assert_eq!(of_proxy(&[(502, 3), (404, 2)], &[("", 1)]), Ok((3, 0, 0)), "a counter without statuses");
    assert_eq!(of_proxy(&[(500, 2), (502, 3)], &[("5xx", 2)]), Ok((3, 0, 0)));
    assert!(of_proxy(&[(500, 2), (502, 3)], &[("5xx", 1), ("2xx", 9)]).is_err_and(|it| it.contains("5 responses")));
    assert!(of_proxy(&[(200, 9), (502, 3)], &[("2xx", 8), ("5xx", 3)]).is_err(), "another class");
    assert!(audit(&[(503, 10)], 0, &[("5xx", 4)], ALONE).is_err(), "an own backend has no proxy");
    // Its own 503s do not show that the others are its own, too; its 500s are missing.
    let exact = |lost: u64| {
        let counted = RequestCounters {
            by_class: counts(&[("5xx", 5 - lost)]),
            by_status: by_status(&[(500, 3 - lost), (503, 2)]),
            ..RequestCounters::default()
        };
        EndpointAccount::new(&endpoint(&[(500, 3), (503, 6)], 0), None, Some(counted)).explain(others)
    };
    assert_eq!(exact(0).map(|explained| explained.of_proxy), Ok(4));
    assert!(exact(1).is_err());
}

#[test]
fn counts_without_a_status_stand_for_any_status() {
    let others = OtherTraffic { around: 0, possible: true };
    let surplus = |counted: &[(&str, u64)]| audit(&[(200, 10)], 0, counted, others).map(|explained| explained.others);
    // Two libraries in one process, or requests that are counted before their status is known.
    assert_eq!(surplus(&[("", 3), ("2xx", 10)]), Ok(3));
    assert_eq!(surplus(&[("", 10), ("2xx", 4)]), Ok(4));
    assert!(surplus(&[("", 5), ("2xx", 4)]).is_err());
    assert!(surplus(&[("", 1), ("5xx", 9)]).is_err(), "other statuses");
    // Each may be counted once, or half of them twice.
    for (without, unclear, of_others) in [(5, 5, 0), (6, 5, 1), (9, 5, 4), (10, 0, 5)] {
        let explained = audit(&[(200, 10)], 0, &[("", without), ("2xx", 5)], others).unwrap();
        assert_eq!((explained.unclear, explained.others), (unclear, of_others));
    }
    assert!(surplus(&[("", 0), ("2xx", 9), ("4xx", 5)]).is_err(), "they were not of this run");
}

#[test]
fn another_count_in_the_store_is_an_error() {
    let endpoint = endpoint(&[(200, 10), (500, 1)], 0);
    let stored = Some(by_status(&[(200, 10)]));
    let wrong = EndpointAccount::new(&endpoint, stored, None).audit(&endpoint, ALONE).unwrap_err();
    assert_eq!(wrong, "add_item: 1 request got status 500, and Prometheus has 0");
}
