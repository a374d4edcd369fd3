//! Tests of `markdown`.

use super::*;

#[test]
fn a_summary_shows_the_verdict_and_each_objective() {
    let mut report = Report::sample();
    report.objectives[0].verdict = crate::verdict::Verdict::Missed;
    report.exit_code = ExitCode::Missed;
    insta::assert_snapshot!(render_run(&report));
}

#[test]
fn text_from_outside_is_escaped() {
    assert_eq!(
        escaped("a|b <img src=x> [l](u) `c` @all\n\u{1b}[31m"),
        "a\\|b &lt;img src=x> \\[l\\](u) \\`c\\` \\@all\\[31m"
    );
    assert_eq!(code("main (0123456 thanks @all `x`)"), "`` main (0123456 thanks @all `x`) ``");
    let fenced = fence("```\n# not a heading\n````");
    assert!(fenced.starts_with("\n`````text\n") && fenced.ends_with("\n`````\n"), "{fenced}");
}
