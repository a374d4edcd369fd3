//! Tests of `head`.

use super::*;

#[test]
fn a_slow_head_is_not_searched_from_its_start() {
    let head = b"HTTP/1.1 200 OK\r\na: b\nc: d\r\n\r\n";
    let mut searched = 0;
    for len in 0..head.len() {
        assert_eq!(find_end(&head[..len], &mut searched, 100).unwrap(), None);
        assert!(searched + 2 >= len);
    }
    assert_eq!(find_end(head, &mut searched, 100).unwrap(), Some(head.len()));
}

#[test]
fn a_head_beyond_the_limit_is_not_parsed_at_once() {
    let head = b"HTTP/1.1 200 OK\r\na: b\r\n\r\n";
    let parse = |limit| {
        let limits = ResponseLimits { head: limit, ..ResponseLimits::default() };
        Head::parse_at_once(head, ResponseTo::Other, &limits).map(|head| head.len)
    };
    assert_eq!([parse(head.len()), parse(head.len() - 1)], [Some(head.len()), None]);
}
