//! Findings about connections: objectives on latency whose threshold connecting exceeds, alone or
//! together with latency, and requests that were sent once more.

use monitoring::phase::Phases;
use monitoring::ratio::Ratio;
use monitoring::slo::Slo;

use super::{EVERYTHING, Judge};
use crate::finding::{Finding, FindingKind, Subject};
use crate::format::counted_part;

/// Share of requests that were sent once more, from which on it is a finding.
const MANY_RECONNECTS: Ratio = Ratio::percent(5);

/// Warnings about endpoints whose users wait too long for connecting (look-up, TCP and TLS), which
/// is not part of latency, as in k6. Either the objective is met only because connecting is left
/// out, or connecting alone takes longer than the threshold too often.
pub(super) fn findings(judge: &Judge<'_>) -> Vec<Finding> {
    let slos = judge.catalogue.endpoints.iter().filter_map(|endpoint| judge.catalogue.first_latency_slo(endpoint));
    slos.filter_map(|slo| finding(judge, slo)).chain(reconnects(judge)).collect()
}

/// A warning that the server did not process many requests at first. It had closed their
/// connection, or refused them (HTTP/2).
fn reconnects(judge: &Judge<'_>) -> Option<Finding> {
    let counts = (0..judge.catalogue.endpoints.len()).filter_map(|at| judge.snapshot.endpoint(at, Phases::ALL));
    let again: u64 = counts.map(|counts| counts.reconnects).sum();
    let sent = judge.all_requests(EVERYTHING).sent;
    let is_many =
        u128::from(again) * u128::from(Ratio::WHOLE) > u128::from(sent) * u128::from(MANY_RECONNECTS.as_ppm());
    let message = format!(
        "{} were sent once more, because the server had closed the connection or did not process them",
        counted_part(again, sent, "request"),
    );
    let advice = "Raise the server's idle (keep-alive) timeout above the pauses of a VU, and with HTTP/2 its limit of \
                  streams";
    is_many.then(|| Finding::warning(Subject::Target, FindingKind::Reconnects, message).with_advice(advice))
}

fn finding(judge: &Judge<'_>, slo: &Slo) -> Option<Finding> {
    let (_, counts) = judge.endpoint_counts(slo)?;
    let total = counts.latency.buckets().count();
    let (slow, alone) = (counts.slow_with_connecting, counts.slow_connecting);
    let good = counts.latency.buckets().within(slo.threshold()?);
    let subject = slo.subject();
    let message = if slo.holds(good, total) && !slo.holds(good.saturating_sub(slow), total) {
        format!(
            "{subject}: {} would be over the limit of {} if connecting (look-up, TCP and TLS) were part of latency. A \
             user who opens a connection waits longer",
            counted_part(slow, total, "request"),
            slo.describe(),
        )
    } else if total > 0 && !slo.holds(total.saturating_sub(alone), total) {
        format!(
            "{subject}: for {}, connecting (look-up, TCP and TLS) alone took longer than {} allows. It is \
             not part of latency, so users wait even longer",
            counted_part(alone, total, "request"),
            slo.describe(),
        )
    } else {
        return None;
    };
    let finding = Finding::warning(Subject::Objective(subject.to_string()), FindingKind::SlowConnecting, message);
    Some(finding.with_advice("Look for slow name servers, distance and TLS; Slo::connecting is an objective on it"))
}
