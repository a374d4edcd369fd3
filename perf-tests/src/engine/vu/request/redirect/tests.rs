//! Tests of `redirect`.

use super::*;

#[test]
fn the_method_after_a_redirect_is_that_of_rfc_9110() {
    use Method::{Delete, Get, Post, Put};
    let next = |status, method| next_method(status, method).unwrap().unwrap_or(method);
    for (status, expected) in [
        (301, [Get, Get, Put, Delete]),
        (302, [Get, Get, Put, Delete]),
        (303, [Get, Get, Get, Get]),
        (307, [Get, Post, Put, Delete]),
        (308, [Get, Post, Put, Delete]),
    ] {
        assert_eq!([Get, Post, Put, Delete].map(|method| next(status, method)), expected, "{status}");
    }
    assert_eq!([200, 300, 304, 305, 306, 404].map(|status| next_method(status, Get)), [None; 6]);
}
