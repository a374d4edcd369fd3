//! Objectives on latency that would be missed if connecting counted.

use monitoring::slo::Slo;

use super::Judge;
use crate::finding::{Finding, FindingKind, Subject};
use crate::format::count;

/// Warnings about endpoints whose latency is within its threshold only because connecting (look-up,
/// TCP and TLS) is not part of latency, as in k6.
pub(super) fn findings(judge: &Judge<'_>) -> Vec<Finding> {
    let slos = judge.catalogue.endpoints.iter().filter_map(|endpoint| judge.catalogue.latency_slo(endpoint));
    slos.filter_map(|slo| finding(judge, slo)).collect()
}

fn finding(judge: &Judge<'_>, slo: &Slo) -> Option<Finding> {
    let (_, counts) = judge.counts(slo)?;
    let (total, slow) = (counts.latency.buckets().count(), counts.slow_with_connecting);
    let good = counts.latency.buckets().within(slo.threshold()?);
    if !slo.holds(good, total) || slo.holds(good.saturating_sub(slow), total) {
        return None;
    }
    let subject = slo.subject();
    let message = format!(
        "{subject}: {} of {} requests are within {} only because connecting (look-up, TCP and TLS) is not part of \
         latency. A user who opens a connection waits longer",
        count(slow),
        count(total),
        slo.describe(),
    );
    let finding = Finding::warning(Subject::Objective(subject.to_string()), FindingKind::SlowConnecting, message);
    Some(finding.with_advice("Look for slow name servers, distance and TLS; Slo::connecting is an objective on it"))
}
