//! Tests of pauses.

use super::*;

fn pauses(status: u16, retry_after: Option<&'static str>) -> Vec<Option<u128>> {
    let mut headers = HeaderMap::new();
    headers.extend(retry_after.map(|text| (RETRY_AFTER, text.parse().unwrap())));
    let (retries, status) = (Retries::default(), StatusCode::from_u16(status).unwrap());
    (1..=5).map(|tries| Some(retries.pause(status, &headers, tries)?.as_millis())).collect()
}

#[test]
fn a_refused_query_is_sent_four_times() {
    for status in [429, 502, 503, 504] {
        assert_eq!(pauses(status, None), [Some(100), Some(300), Some(900), None, None], "{status}");
    }
}

#[test]
fn other_responses_are_final() {
    for status in [200, 400, 401, 404, 422, 500] {
        assert_eq!(pauses(status, Some("1")), [None; 5], "{status}");
    }
}

#[test]
fn retry_after_is_respected_within_bounds() {
    assert_eq!(pauses(429, Some("2"))[0], Some(2_000));
    assert_eq!(pauses(429, Some("3600"))[0], Some(10_000));
    assert_eq!(pauses(429, Some("soon"))[0], Some(100));
}

#[test]
fn all_queries_together_wait_for_a_limited_time() {
    let (retries, headers) = (Retries::default(), HeaderMap::new());
    let waited: Duration = (0..1_000).filter_map(|_| retries.pause(StatusCode::BAD_GATEWAY, &headers, 3)).sum();
    assert!(waited <= MAX_WAIT && waited > MAX_WAIT - Duration::from_secs(1), "{waited:?}");
}
