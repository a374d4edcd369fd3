//! Objectives on the backend's own metrics: the resources that it uses. They compare a value that
//! Prometheus scraped with a bound; objectives on requests compare counts.

use std::time::Duration;

use promql_parser::parser;
use serde::{Deserialize, Serialize};

use crate::intervals::SCRAPE_INTERVAL;
use crate::measure::Limit;
use crate::promql::{Expr, Window};
use crate::ratio::{Ratio, decimal};
use crate::slo::{ObjectiveFlaw, OnMiss};

/// In runs shorter than this, one scrape more or less changes the result.
const SHORT: Duration = Duration::from_secs(60);

/// An objective on the value of a PromQL expression over a run.
///
/// ```
/// # use monitoring::backend_slo::{Amount, BackendSlo};
/// const LIMIT: Amount = Amount::Mebibytes(512);
/// const MEMORY: BackendSlo =
///     BackendSlo::at_most("memory", "Memory", "process_resident_memory_bytes", LIMIT);
/// assert_eq!(MEMORY.describe(), "memory <= 512 MiB");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackendSlo {
    /// Lower-case words joined by underscores, such as "memory". It must be unique in the
    /// catalogue.
    pub name: &'static str,
    /// Name on panels, such as "Connection pool".
    pub title: &'static str,
    /// PromQL with a value at each time. If it has several series, the worst for the bound is
    /// judged.
    pub expr: &'static str,
    /// Value of the run that is judged.
    pub judged: JudgedValue,
    /// Limit of the value.
    pub bound: Limit<Amount>,
    /// Effect of a miss on the exit code.
    pub on_miss: OnMiss,
}

/// The value of a run that an objective judges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JudgedValue {
    /// The worst one: the largest under an upper limit, the smallest under a lower limit.
    Worst,
    /// The mean over the run.
    Mean,
}

/// An amount and its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    /// A plain number, without a unit.
    Count(u64),
    /// A share. The expression gives it as 0 to 1.
    Share(Ratio),
    /// Mebibytes. The expression gives bytes.
    Mebibytes(u64),
    /// A duration. The expression gives seconds.
    Time(Duration),
}

/// Beginning of the IDs of objectives on the backend's own metrics.
const ID_PREFIX: &str = "backend:";

/// Unit of a measured value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
// Its name in the published schema.
#[schemars(rename = "Measure")]
pub enum ValueUnit {
    /// A plain number, without a unit.
    Count,
    /// A share from 0 to 1.
    Share,
    /// Bytes.
    Bytes,
    /// Seconds.
    Seconds,
}

impl Amount {
    /// Unit of the expression's values.
    pub const fn unit(self) -> ValueUnit {
        match self {
            Self::Count(_) => ValueUnit::Count,
            Self::Share(_) => ValueUnit::Share,
            Self::Mebibytes(_) => ValueUnit::Bytes,
            Self::Time(_) => ValueUnit::Seconds,
        }
    }

    /// The amount in the unit of the expression, for example in bytes for mebibytes.
    pub fn value(self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "exact for any amount a backend can have")]
        match self {
            Self::Count(count) => count as f64,
            Self::Share(share) => share.as_f64(),
            Self::Mebibytes(count) => (count << 20) as f64,
            Self::Time(time) => time.as_secs_f64(),
        }
    }

    fn as_expr(self) -> Expr {
        match self {
            Self::Count(count) => Expr::Integer(count),
            Self::Share(share) => Expr::Share(share),
            Self::Mebibytes(count) => Expr::Integer(count << 20),
            Self::Time(time) => Expr::Decimal(decimal(time.as_nanos(), 9)),
        }
    }

    fn describe(self) -> String {
        match self {
            Self::Count(count) => count.to_string(),
            Self::Share(share) => share.to_string(),
            Self::Mebibytes(count) => format!("{count} MiB"),
            Self::Time(time) => format!("{} ms", crate::ratio::millis(time)),
        }
    }
}

impl BackendSlo {
    /// Every value is at most `amount`; a miss fails the run.
    pub const fn at_most(name: &'static str, title: &'static str, expr: &'static str, amount: Amount) -> Self {
        Self { name, title, expr, judged: JudgedValue::Worst, bound: Limit::AtMost(amount), on_miss: OnMiss::Fail }
    }

    /// Every value is at least `amount`; a miss fails the run.
    pub const fn at_least(name: &'static str, title: &'static str, expr: &'static str, amount: Amount) -> Self {
        Self { name, title, expr, judged: JudgedValue::Worst, bound: Limit::AtLeast(amount), on_miss: OnMiss::Fail }
    }

    /// Judges the mean over the run instead of the worst value, so that short peaks are allowed.
    #[must_use]
    pub const fn on_average(mut self) -> Self {
        self.judged = JudgedValue::Mean;
        self
    }

    /// Only warns about a miss; the run does not fail.
    #[must_use]
    pub const fn warn(mut self) -> Self {
        self.on_miss = OnMiss::Warn;
        self
    }

    /// ID of the objective in reports: "backend:memory".
    pub fn id(&self) -> String {
        format!("{ID_PREFIX}{}", self.name)
    }

    /// The name of the objective with this ID.
    pub fn name_without_prefix(id: &str) -> &str {
        id.strip_prefix(ID_PREFIX).unwrap_or(id)
    }

    /// Short text of the objective: "memory <= 512 MiB".
    pub fn describe(&self) -> String {
        let mean = if self.judged == JudgedValue::Mean { "mean " } else { "" };
        format!("{mean}{} {} {}", self.name, self.bound.sign(), self.bound.value().describe())
    }

    /// Whether a value meets the objective. NaN does not.
    pub fn holds(&self, value: f64) -> bool {
        self.bound.map(Amount::value).admits(&value)
    }

    /// Value at one time, reduced to a single series.
    pub fn now(&self) -> Expr {
        let (of_series, _) = self.aggregations();
        Expr::Aggregate(of_series, Vec::new(), Box::new(Expr::Verbatim(self.expr)))
    }

    /// The aggregation of several series, and the one of the values over time.
    const fn aggregations(&self) -> (&'static str, &'static str) {
        match (self.judged, self.bound) {
            (JudgedValue::Mean, _) => ("avg", "avg_over_time"),
            (JudgedValue::Worst, Limit::AtMost(_)) => ("max", "max_over_time"),
            (JudgedValue::Worst, Limit::AtLeast(_)) => ("min", "min_over_time"),
        }
    }

    /// Value that is judged, over the last `duration`.
    pub fn during_run(&self, duration: Duration) -> Expr {
        let (_, over_time) = self.aggregations();
        Expr::Call(over_time, vec![self.values(duration)])
    }

    /// The values that are judged together, over the last `duration`.
    pub fn values(&self, duration: Duration) -> Expr {
        Expr::Subquery(Box::new(self.now()), Window::Fixed(duration), Self::step(duration))
    }

    /// Time between the values of [`BackendSlo::during_run`].
    pub fn step(duration: Duration) -> Duration {
        // Prometheus aligns steps to multiples of their width. Wide steps would miss the scrapes of
        // a short run that come after its last step.
        if duration < SHORT { Duration::from_secs(1) } else { SCRAPE_INTERVAL }
    }

    /// The judged values of each beginning of a run, up to its last value: what a query gives while
    /// the later values are not there yet, and the last one stands for them.
    pub fn judged_so_far(&self, values: &[f64]) -> Vec<f64> {
        let until = |count: usize| {
            let last = values[count - 1];
            let so_far = values.iter().take(count).copied();
            match (self.judged, self.bound) {
                (JudgedValue::Worst, Limit::AtMost(_)) => so_far.fold(f64::NEG_INFINITY, f64::max),
                (JudgedValue::Worst, Limit::AtLeast(_)) => so_far.fold(f64::INFINITY, f64::min),
                #[expect(clippy::cast_precision_loss, reason = "a mean")]
                (JudgedValue::Mean, _) => {
                    (so_far.sum::<f64>() + last * (values.len() - count) as f64) / values.len() as f64
                }
            }
        };
        (1..=values.len()).map(until).collect()
    }

    /// Time before the load whose samples belong to values of its first seconds, because of the
    /// expression's windows. A service that is idle then must not miss a lower limit, or dilute a
    /// mean. These also leave out the time until the first scrape, which repeats an older value.
    pub fn lookback(&self) -> Duration {
        let windows = parser::parse(self.expr).map_or(Duration::ZERO, |expr| longest_window(&expr));
        match (self.judged, self.bound) {
            (JudgedValue::Worst, Limit::AtMost(_)) => windows,
            _ => windows + SCRAPE_INTERVAL,
        }
    }

    /// 1 at the times when the objective is met, else 0.
    pub fn is_met(&self) -> Expr {
        self.now().is_within(self.bound.map(Amount::as_expr))
    }

    pub(crate) fn flaw(&self) -> Option<ObjectiveFlaw> {
        // At most 0 is an objective, such as "no lost messages".
        let holds_always = matches!(self.bound, Limit::AtLeast(least) if least.value() <= 0.0);
        let flaws = [
            (self.expr.trim().is_empty(), ObjectiveFlaw::Expression),
            (self.title.is_empty(), ObjectiveFlaw::Title),
            (holds_always, ObjectiveFlaw::Limit),
        ];
        flaws.into_iter().find_map(|(is_flawed, flaw)| is_flawed.then_some(flaw))
    }
}

/// The time before an evaluation from which an expression reads samples, without the time in which
/// a plain selector repeats its last one.
fn longest_window(expr: &parser::Expr) -> Duration {
    let before = |offset: &Option<parser::Offset>| match offset {
        Some(parser::Offset::Pos(offset)) => *offset,
        _ => Duration::ZERO,
    };
    let longest = |parts: &[&parser::Expr]| parts.iter().map(|part| longest_window(part)).max().unwrap_or_default();
    match expr {
        parser::Expr::Aggregate(aggregate) => longest_window(&aggregate.expr),
        parser::Expr::Unary(unary) => longest_window(&unary.expr),
        parser::Expr::Binary(binary) => longest(&[&binary.lhs, &binary.rhs]),
        parser::Expr::Paren(paren) => longest_window(&paren.expr),
        parser::Expr::Subquery(query) => longest_window(&query.expr) + query.range + before(&query.offset),
        parser::Expr::VectorSelector(selector) => before(&selector.offset),
        parser::Expr::MatrixSelector(matrix) => matrix.range + before(&matrix.vs.offset),
        parser::Expr::Call(call) => longest(&call.args.args.iter().map(AsRef::as_ref).collect::<Vec<_>>()),
        parser::Expr::NumberLiteral(_) | parser::Expr::StringLiteral(_) | parser::Expr::Extension(_) => Duration::ZERO,
    }
}

/// A cache of the backend, described by two counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cache {
    /// Name in reports.
    pub name: &'static str,
    /// PromQL selector of the counter of hits.
    pub hits: &'static str,
    /// PromQL selector of the counter of misses.
    pub misses: &'static str,
}

impl Cache {
    /// Number of hits and number of all look-ups in the last `duration`.
    pub fn hits_and_all(&self, duration: Duration) -> (Expr, Expr) {
        let grown = |counter| Expr::Call("increase", vec![Expr::VerbatimRange(counter, Window::Fixed(duration))]).sum();
        (grown(self.hits), grown(self.hits).plus(grown(self.misses)))
    }
}

#[cfg(test)]
mod tests;
