//! Tests of `new`.

use super::*;

#[test]
fn a_name_is_valid_in_rust_and_in_metrics() {
    for good in ["soak", "soak_2", "a_b_c"] {
        assert!(parse_name(good).is_ok(), "{good}");
    }
    for bad in ["", "Soak", "2soak", "soak-2", "a__b", "_a", "../x", "a b", "ä"] {
        assert!(parse_name(bad).is_err(), "{bad}");
    }
    for near in ["my-notes", "My notes"] {
        assert!(parse_name(near).unwrap_err().ends_with("; did you mean my_notes?"), "{near}");
    }
    assert!(!parse_name("4you").unwrap_err().contains("did you mean"));
}

#[test]
fn the_only_service_is_the_default_of_a_new_scenario() {
    let chosen = |list: &str, wanted| choose_service(&format!("pub const ALL: &[&Catalogue] = &[{list}];"), wanted);
    assert_eq!(chosen("&shop::SHOP", None).unwrap(), ServicePath::for_new("shop"));
    assert_eq!(chosen("&a::A,\n    &shop::SHOP,\n", Some("shop")).unwrap(), ServicePath::for_new("shop"));
    for (list, wanted, part) in [
        ("&a::A, &b::B", None, "choose one with --service NAME (a, b)"),
        ("&a::A, &b::B", Some("c"), "--service c: monitoring/src/services has no such service, only a, b"),
        ("&shop::SHOP, &b::B", Some("shpo"), "only shop, b; did you mean shop?"),
        ("", None, "new-service"),
    ] {
        let error = chosen(list, wanted).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn a_module_is_inserted_in_alphabetical_order() {
    let text = "//! a\n\nmod basic;\nmod game;\n\nfn f() {}\n";
    assert_eq!(
        insert_line(text, "mod checkout;").unwrap(),
        "//! a\n\nmod basic;\nmod checkout;\nmod game;\n\nfn f() {}\n"
    );
    assert_eq!(insert_line(text, "mod zzz;").unwrap(), "//! a\n\nmod basic;\nmod game;\nmod zzz;\n\nfn f() {}\n");
    assert_eq!(insert_line("fn f() {}\n", "mod a;"), None);
}
