//! Tests of `github`.

use super::*;

#[test]
fn an_annotation_is_one_line_and_one_command() {
    let finding = |severity, kind, message| Finding::new(severity, Subject::Run, kind, message);
    let missed = finding(Severity::Problem, FindingKind::Missed, "a missed 95 %\n::error::injected");
    assert_eq!(
        annotation("a,b:c", &missed),
        "::error title=perf a%2Cb%3Ac::missed: a missed 95 %25%0A::error::injected"
    );
    let warns = finding(Severity::Warning, FindingKind::MissedWarnsOnly, "b");
    assert!(annotation("a", &warns).starts_with("::warning "));
    for word in ["b", "error: missed", "warning: failed"] {
        assert!(annotation("a", &finding(Severity::Good, FindingKind::Improved, word)).starts_with("::notice "));
    }
}
