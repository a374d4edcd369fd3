//! Findings below a headline, without those that the reader has seen already.

use std::borrow::Cow;

use crate::Report;
use crate::comparison::Comparison;
use crate::finding::{Finding, FindingKind};
use crate::findings::{
    FindingSource, SourcedFinding, comparison_findings, findings_with, has_cause_of_finding, inconclusive, missed,
};
use crate::headline::{cause_objective, finding_in_headline, is_about_comparison, is_explained, place_in_headline};

/// The run as it is shown beside a comparison, which has a headline of its own.
pub(super) fn beside<'a>(report: &'a Report, compared: Option<&Comparison>) -> Cow<'a, Report> {
    if compared.is_none() || is_about_comparison(report) {
        return Cow::Borrowed(report);
    }
    let mut report = report.clone();
    report.findings.retain(|finding| finding.kind != FindingKind::ChangedFromBaseline);
    Cow::Owned(report)
}

/// All findings of a run but the one in the headline and those that follow from it. Endpoints that
/// were not requested are left out: a note below the table has them.
pub(super) fn below_headline(report: &Report) -> Vec<Finding> {
    let not_met = || [missed(report, cause_objective(report)), other_inconclusive(report)].concat();
    without_headline(report, findings_with(report, not_met))
}

/// Findings of a run below its headline, its table of objectives and its list of failed requests.
/// Findings that repeat one of the three are left out.
pub(super) fn below_table(report: &Report) -> Vec<Finding> {
    let mut findings = findings_with(report, || other_inconclusive(report));
    if has_cause_of_finding(report) {
        findings.retain(|it| it.finding.kind != FindingKind::FailedRequests);
    }
    without_headline(report, findings)
}

/// Inconclusive objectives whose reason is neither in the headline nor follows from it. The table
/// shows which objectives share the headline's reason.
fn other_inconclusive(report: &Report) -> Vec<SourcedFinding<'_>> {
    let in_headline = cause_objective(report).and_then(|objective| objective.verdict.reason());
    inconclusive(report, |it| it.verdict.reason() != in_headline && !it.is_not_requested() && !is_explained(report, it))
}

/// All findings of a comparison but the one in the headline.
pub(super) fn comparison_below_headline(compared: &Comparison) -> Vec<Finding> {
    let in_headline = place_in_headline(compared);
    let findings = comparison_findings(compared).into_iter().enumerate();
    findings.filter(|(place, _)| Some(*place) != in_headline).map(|(_, finding)| finding).collect()
}

/// Leaves out the finding that is the headline's cause.
fn without_headline(report: &Report, findings: Vec<SourcedFinding<'_>>) -> Vec<Finding> {
    let (recorded, objective) = (finding_in_headline(report), cause_objective(report));
    let is_in_headline = |source: &FindingSource<'_>| match source {
        FindingSource::Recorded(finding) => recorded.is_some_and(|it| std::ptr::eq(it, *finding)),
        FindingSource::NotMet(ids) => objective.is_some_and(|it| *ids == [it.id.as_str()]),
        FindingSource::Interpretation => false,
    };
    findings.into_iter().filter(|it| !is_in_headline(&it.source)).map(|it| it.finding).collect()
}
