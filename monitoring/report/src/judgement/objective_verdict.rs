//! Decides the verdict on an objective, from integers. `final_verdict` adds what is known of the
//! load.
//!
//! Absence of data is never success. A verdict is met only if it would be met with every unknown
//! request counted as bad. It is missed only if it would be missed with every unknown request
//! counted as good. Otherwise it is inconclusive.

use monitoring::backend_slo::BackendSlo;
use monitoring::measure::Limit;
use monitoring::slo::{Sli, Slo};
use monitoring::span::Span;

use crate::evidence::{BackendValue, MissingValue};
use crate::verdict::{Reason, Tally, Verdict};

/// Judges an objective by its requests.
pub fn judge(slo: &Slo, tally: Tally) -> Verdict {
    let Tally { good, total, unknown, refused, late } = tally;
    // Requests that could not be made are as good as failed: the target was down.
    let down = refused.min(unknown);
    let needed = slo.min_requests();
    // It is not known whether any of them would have tried it.
    let is_check = matches!(slo.sli, Sli::Check { .. });
    if total < needed && slo.limited_span() == Some(Span::Connecting) {
        return Verdict::Inconclusive(Reason::TooFewConnections { total, needed, quantile: slo.quantile() });
    }
    if total.saturating_add(down) == 0 {
        return Verdict::Inconclusive(if unknown > 0 && !is_check {
            Reason::Unknown { unknown }
        } else {
            Reason::NoData
        });
    }
    if total.saturating_add(down) < needed {
        let quantile = slo.quantile();
        return Verdict::Inconclusive(match slo.sli {
            // They were made, but hang. More of them would, too.
            _ if total.saturating_add(unknown) >= needed => Reason::Unknown { unknown },
            Sli::Measure { .. } => Reason::TooFewValues { total, needed, quantile },
            _ => Reason::TooFew { total, needed, quantile },
        });
    }
    let all = total.saturating_add(unknown);
    let doubtful = late.min(total.saturating_sub(good));
    let known_good = good.saturating_add(unknown - down);
    if slo.holds(good, all) {
        Verdict::Met
    } else if slo.holds(known_good, all) {
        Verdict::Inconclusive(Reason::Unknown { unknown })
    } else if slo.holds(known_good.saturating_add(doubtful), all) {
        // Late requests never make an objective met. They only make a miss uncertain.
        Verdict::Inconclusive(Reason::Late { late })
    } else {
        Verdict::Missed
    }
}

/// Judges an objective on a value: whether the good requests are within the limit. With the judged
/// time in milliseconds, those in each second of it, on average.
pub fn judge_value(limit: Limit, judged_ms: Option<u64>, tally: Tally) -> Verdict {
    let Tally { good, total, unknown, .. } = tally;
    if judged_ms == Some(0) {
        return Verdict::Inconclusive(Reason::Unavailable(MissingValue::NoJudgedTime));
    }
    if total == 0 && unknown == 0 {
        return Verdict::Inconclusive(Reason::NoData);
    }
    match [good, tally.most_good()].map(|value| limit.holds(value, judged_ms)) {
        [true, true] => Verdict::Met,
        [false, false] => Verdict::Missed,
        _ => Verdict::Inconclusive(Reason::Unknown { unknown }),
    }
}

/// Judges an objective on the backend's own metrics by its value, or by the reason why there is
/// none.
pub(crate) fn judge_backend(slo: &BackendSlo, value: &Result<BackendValue, MissingValue>) -> Verdict {
    let unavailable = |reason| Verdict::Inconclusive(Reason::Unavailable(reason));
    match value {
        Ok(found) if !found.value.is_finite() => unavailable(MissingValue::NotFinite(found.value.to_string())),
        Ok(found) if slo.holds(found.value) => Verdict::Met,
        Ok(_) => Verdict::Missed,
        Err(reason) => unavailable(reason.clone()),
    }
}

#[cfg(test)]
mod tests;
