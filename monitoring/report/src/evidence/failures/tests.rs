//! Tests of `failures`.

use super::*;

const NOT_FOUND: FailedRequest<'_> = FailedRequest {
    request: "get_offers",
    detail: FailureDetail::Status { status: 404, why: Cow::Borrowed("") },
    body: b"{\"detail\":\n \"Not Found\"}",
    sent: "GET /api/offers",
};

#[test]
fn a_cause_is_counted_and_keeps_its_first_body() {
    let (mut one, mut other) = (FailureCauses::default(), FailureCauses::default());
    one.record(NOT_FOUND, 5_000);
    one.record(FailedRequest { body: b"later", ..NOT_FOUND }, 6_000);
    other.record(FailedRequest { body: b"earliest", ..NOT_FOUND }, 3_000);
    let detail = FailureDetail::Check { name: "offers".into(), status: 200 };
    other.record(FailedRequest { detail, ..NOT_FOUND }, 0);
    one.merge(&other);
    let causes: Vec<_> = one.into_sorted().iter().map(FailureCause::describe).collect();
    assert_eq!(
        causes,
        [
            "3 × 404 Not Found earliest, first at 00:03 by GET /api/offers",
            "1 × check \"offers\" failed: {\"detail\": \"Not Found\"}, first at 00:00 by GET /api/offers"
        ]
    );
}

#[test]
fn a_failure_of_a_check_has_the_whole_name_of_the_check() {
    let name = "n".repeat(2 * MOST_TEXT);
    let mut causes = FailureCauses::default();
    let detail = FailureDetail::Check { name: name.into(), status: 404 };
    causes.record(FailedRequest { detail: detail.clone(), ..NOT_FOUND }, 0);
    assert_eq!(causes.into_sorted()[0].detail, detail);
}

#[test]
fn causes_and_their_texts_are_bounded() {
    let mut causes = FailureCauses::default();
    for at in 0..1_000 {
        let why = format!("{at}{}", "é".repeat(1_000)).into();
        let detail = FailureDetail::Status { status: 404, why };
        causes.record(FailedRequest { detail, body: &[b'x'; 5_000], ..NOT_FOUND }, at);
    }
    let causes = causes.into_sorted();
    assert_eq!(causes.len(), MOST_CAUSES);
    let longest = |text: &str| text.chars().count() == MOST_TEXT;
    let message = |cause: &FailureCause| FlatDetail::from(cause.detail.clone()).message;
    assert!(causes.iter().all(|cause| longest(&message(cause)) && longest(&cause.body)));
}

#[test]
fn each_failure_has_the_same_json_as_before() {
    for (kind, status, message) in [
        ("check", Some(200), "has offers"),
        ("status", Some(404), ""),
        ("status", Some(302), "expected 200"),
        ("refused", None, "Connection refused"),
    ] {
        let json = serde_json::json!({
            "request": "get_offers", "kind": kind, "status": status, "message": message, "body": "", "count": 1,
            "first_ms": 5,
        });
        let cause: FailureCause = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(serde_json::to_value(&cause).unwrap(), json);
        assert_eq!(matches!(cause.detail, FailureDetail::Check { .. }), kind == "check");
    }
}

#[test]
fn a_page_of_html_is_shown_by_its_text() {
    let nginx = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n\
                 <hr><center>nginx/1.22.1</center>\r\n</body>\r\n</html>\r\n";
    let styled = format!(
        "<!DOCTYPE html><HTML><style>p > b {{}}{}</style><BODY class=a><Script>x()</script><p>Down<br>for now</BODY>",
        " ".repeat(5_000)
    );
    let endless = format!("<!doctype html><title>Error</title><style>{}", "p{}".repeat(5_000));
    for (body, text) in [
        (nginx, "502 Bad Gateway nginx/1.22.1"),
        (&styled, "Down for now"),
        (&endless, "Error"),
        ("<html></html>", ""),
        ("{\"error\": \"<html>\"}", "{\"error\": \"<html>\"}"),
        ("<error>no\nroom</error>", "<error>no room</error>"),
    ] {
        assert_eq!(body_text(body.as_bytes()), text, "{body}");
    }
}
