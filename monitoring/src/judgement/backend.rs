//! What a report says of the backend's own metrics.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Kind, ObjectiveResult, Word};
use crate::backend::{BackendSlo, Measure};

/// Whose promise it is, in the table's column of endpoints.
const SUBJECT: &str = "backend";

/// A value of the backend's, against its bound.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Measured {
    /// The value that counts: the worst of the run, or its mean.
    pub value: f64,
    /// What it must not pass.
    pub bound: f64,
    /// What both are measured in.
    pub measure: Measure,
    /// Of how long before [`Measured::at_unix_ms`] it is the worst or the mean, in seconds.
    pub over_s: u64,
    /// When Prometheus was asked, Unix milliseconds: it gives the same answer for that time.
    pub at_unix_ms: i64,
}

/// How often a cache of the backend's had what was looked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CacheResult {
    /// Its name.
    pub name: String,
    /// Look-ups during the run that found something. Prometheus extrapolates, so it is not a whole number.
    pub hits: f64,
    /// All look-ups.
    pub lookups: f64,
}

/// When a value was asked for, and over how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// Unix milliseconds.
    pub at_unix_ms: i64,
    /// Seconds.
    pub over_s: u64,
}

impl ObjectiveResult {
    /// The result of an objective on the backend's own metrics: its value, or why there is none.
    pub fn of_backend(slo: &BackendSlo, found: Result<f64, String>, asked: Asked) -> Self {
        let found =
            found.and_then(
                |value| {
                    if value.is_finite() { Ok(value) } else { Err(format!("its expression came to {value}")) }
                },
            );
        let (verdict, reason) = match &found {
            Ok(value) if slo.holds(*value) => (Word::Met, None),
            Ok(_) => (Word::Missed, None),
            Err(why) => (Word::Inconclusive, Some(why.clone())),
        };
        let Asked { at_unix_ms, over_s } = asked;
        let (bound, measure) = (slo.amount().value(), slo.amount().measure());
        Self {
            id: slo.id(),
            subject: SUBJECT.to_owned(),
            kind: Kind::Backend,
            promise: slo.promise(),
            severity: slo.severity,
            verdict,
            reason,
            good: 0,
            total: 0,
            unknown: 0,
            late: 0,
            objective_ppm: 0,
            threshold_ms: None,
            quantile_ms: None,
            interval_ms: None,
            response_ms: None,
            measured: found.ok().map(|value| Measured { value, bound, measure, over_s, at_unix_ms }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::Amount;
    use crate::judgement::exit_code;
    use crate::run::ExitCode;

    const MEMORY: BackendSlo = BackendSlo::at_most("memory", "Memory", "bytes", Amount::Mebibytes(1));
    const ASKED: Asked = Asked { at_unix_ms: 1, over_s: 30 };

    #[test]
    fn a_value_beyond_its_bound_fails_the_run_and_a_missing_one_leaves_it_open() {
        let code = |slo: &BackendSlo, found| exit_code(&[ObjectiveResult::of_backend(slo, found, ASKED)], &[]);
        assert_eq!(code(&MEMORY, Ok(1_048_576.0)), ExitCode::Met);
        assert_eq!(code(&MEMORY, Ok(1_048_577.0)), ExitCode::Missed);
        assert_eq!(code(&MEMORY, Err("nothing scraped it".to_owned())), ExitCode::Inconclusive);
        assert_eq!(code(&MEMORY, Ok(f64::NAN)), ExitCode::Inconclusive);
        let warned = ObjectiveResult::of_backend(&MEMORY.warn(), Ok(1e9), ASKED);
        assert_eq!((warned.verdict, warned.code()), (Word::Missed, ExitCode::Met));
    }
}
