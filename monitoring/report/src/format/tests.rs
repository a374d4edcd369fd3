//! Tests of `format`.

use super::*;

#[test]
fn a_count_of_one_has_a_singular_noun() {
    let texts = [0, 1, 2_152].map(|number| counted(number, "request"));
    assert_eq!(texts, ["0 requests", "1 request", "2,152 requests"]);
    assert_eq!([counted_part(0, 1, "request"), counted_part(1, 20, "request")], ["0 of 1 request", "1 of 20 requests"]);
    let nouns = ["query", "push", "delay", "VU"].map(|noun| [noun_for(1, noun), noun_for(2, noun)].join(" "));
    assert_eq!(nouns, ["query queries", "push pushes", "delay delays", "VU VUs"]);
}

#[test]
fn milliseconds_below_zero_have_as_many_digits() {
    assert_eq!([-0.004, 0.0, -1.234, -139.02].map(finite_millis), ["0.00 ms", "0.00 ms", "-1.23 ms", "-139.0 ms"]);
}

#[test]
fn a_long_list_ends_with_the_number_of_the_others() {
    let items = ["a", "b", "c"];
    assert_eq!(first_items(items, 3, ", ", " "), "a, b, c");
    assert_eq!(first_items(items, 2, "; ", " "), "a; b and 1 more");
    assert_eq!(first_items(items, 1, "", ", "), "a, and 2 more");
    assert_eq!(first_items(&items[..0], 1, ", ", ", "), "");
}

#[test]
fn a_share_has_the_digits_that_tell_it_from_its_limit() {
    assert_eq!(percent_beside(2, 100_000, 10), "0.002 %");
    assert_eq!(percent_beside(12, 1_000_000, 10), "0.0012 %");
    assert_eq!(percent_beside(99_995, 100_000, 950_000), "99.99 %");
    assert_eq!(percent_beside(949_999, 1_000_000, 950_000), "94.99 %");
    assert_eq!(percent_beside(1, 100_000, 10), "0.001 %");
    assert_eq!(percent_beside(0, 100, 10_000), "0.00 %");
    assert_eq!(percent_beside(1, 100, 10_000), "1.00 %");
}

#[test]
fn a_measured_value_keeps_about_three_digits() {
    assert_eq!(millis(Millis::Finite(1.234)), "1.23 ms");
    assert_eq!(millis(Millis::Finite(299.95)), "299.9 ms");
    assert_eq!(millis(Millis::Finite(1234.5)), "1234 ms");
    assert_eq!(millis(Millis::INFINITE), "∞");
}

#[test]
fn a_value_of_the_backend_has_its_unit() {
    assert_eq!(backend_value(ValueUnit::Bytes, 96_573_849.6), "92.1 MiB");
    assert_eq!(backend_value(ValueUnit::Share, 0.375), "37.5 %");
    assert_eq!(backend_value(ValueUnit::Seconds, 0.25), "250.0 ms");
}

#[test]
fn a_byte_has_two_hexadecimal_digits() {
    assert_eq!(hex(&[0, 0x0a, 0xff]), "000aff");
}
