//! Tests of `promql`.

use super::*;

#[test]
fn label_values_are_escaped() {
    let hostile = Selector::new("http_reqs").with(label::TESTID, "a\"} or vector(1) #\\");
    let text = hostile.now().to_string();
    assert_eq!(text, r#"http_reqs{testid="a\"} or vector(1) #\\"}"#);
    assert!(promql_parser::parser::parse(&text).is_ok());
}

#[test]
fn the_parts_of_an_expression_include_all_selectors() {
    let scraped = |metric: &str| Selector::new(metric).with(label::JOB, label::BACKEND_JOB);
    let sum = Selector::new("a").now().minus(scraped("b").rate(Window::Range).sum());
    let expr = Expr::Subquery(Box::new(sum.quantile(Ratio::percent(50))), Window::Range, Duration::from_secs(5));
    assert_eq!(expr.parts().filter(|part| matches!(part, Expr::Select(_))).count(), 2);
    assert_eq!(expr.scraped().map(Selector::metric).collect::<Vec<_>>(), ["b"]);
    assert!(expr.is_about_backend() && Expr::Verbatim("pool_used").sum().is_about_backend());
    assert!(!Selector::new("a").with(label::NAME, label::BACKEND_JOB).now().is_about_backend());
}

#[test]
fn shares_are_printed_as_shortest_decimals() {
    assert_eq!(Expr::Share(Ratio::percent(95)).to_string(), "0.95");
    assert_eq!(Expr::Share(Ratio::ppm(999_000)).to_string(), "0.999");
    assert_eq!(Expr::Share(Ratio::percent(50)).to_string(), "0.5");
}

#[test]
fn nested_operations_are_put_in_parentheses() {
    let a = || Selector::new("a").now();
    assert_eq!(a().minus(a()).divided_by(a()).to_string(), "(a - a) / a");
    assert_eq!(a().divided_by(a().minus(a())).to_string(), "a / (a - a)");
}
