//! PromQL expressions as a tree, printed by `Display`.
//!
//! It covers what rules, panels and the queries after a run need. Numbers are printed from
//! integers. Every operand that is itself an operation is put in parentheses, so that readers need
//! not know the precedence of operators. The language:
//! <https://prometheus.io/docs/prometheus/latest/querying/basics/>.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use crate::label::{self, Label};
use crate::measure::Limit;
use crate::ratio::Ratio;

mod selector;

pub use selector::{Selector, Window, escape};

/// A PromQL expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expr {
    /// An instant or range selector.
    Select(Selector),
    /// A function call.
    Call(&'static str, Vec<Expr>),
    /// An aggregation by labels, or over all series if there are no labels.
    Aggregate(&'static str, Vec<Label>, Box<Expr>),
    /// `expr[window:step]`: the values of an expression over a window.
    Subquery(Box<Expr>, Window, Duration),
    /// `left op right`. The operator may include `bool` or a matching clause.
    Binary(Box<Expr>, Cow<'static, str>, Box<Expr>),
    /// A whole number.
    Integer(u64),
    /// A number, given as it is printed.
    Decimal(String),
    /// A share, printed as a decimal.
    Share(Ratio),
    /// PromQL from the catalogue, printed in parentheses.
    Verbatim(&'static str),
    /// A selector from the catalogue, with a window.
    VerbatimRange(&'static str, Window),
}

impl Expr {
    /// `sum by (labels) (self)`
    #[must_use]
    pub fn sum_by(self, by: &[Label]) -> Self {
        Self::Aggregate("sum", by.to_vec(), Box::new(self))
    }

    /// `sum(self)`
    #[must_use]
    pub fn sum(self) -> Self {
        self.sum_by(&[])
    }

    /// `histogram_quantile(q, self)`, where `self` gives rates of buckets. It interpolates, so it
    /// is only for charts; objectives are not judged by it.
    #[must_use]
    pub fn quantile(self, q: Ratio) -> Self {
        Self::Call("histogram_quantile", vec![Self::Share(q), self])
    }

    /// `factor * self`, or `self` if the factor is 1.
    #[must_use]
    pub fn times(self, factor: u32) -> Self {
        if factor == 1 {
            return self;
        }
        Self::Integer(factor.into()).binary("*", self)
    }

    /// `self / other`
    #[must_use]
    pub fn divided_by(self, other: Self) -> Self {
        self.binary("/", other)
    }

    /// `self - other`
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        self.binary("-", other)
    }

    /// `clamp_min(self, 0)`: zero for negative values.
    #[must_use]
    pub fn at_least_zero(self) -> Self {
        Self::Call("clamp_min", vec![self, Self::Integer(0)])
    }

    /// Keeps values above zero. NaN is dropped.
    #[must_use]
    pub fn above_zero(self) -> Self {
        self.above(Self::Integer(0))
    }

    /// Keeps values above `value`.
    #[must_use]
    pub fn above(self, value: Self) -> Self {
        self.binary(">", value)
    }

    /// 1 where `self > other`, else 0.
    #[must_use]
    pub fn is_above(self, other: Self) -> Self {
        self.binary("> bool", other)
    }

    /// `self + other`
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        self.binary("+", other)
    }

    /// `self / on (labels) group_left () other`: divides each value by the one in `other` with the
    /// same labels.
    #[must_use]
    pub fn divided_by_each(self, labels: &[Label], other: Self) -> Self {
        self.binary(format!("/ on ({}) group_left ()", names(labels)), other)
    }

    /// `self or other`: adds series of `other` whose labels are not in `self`.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        self.binary("or", other)
    }

    /// `self unless other`: keeps series whose labels are not in `other`.
    #[must_use]
    pub fn unless(self, other: Self) -> Self {
        self.binary("unless", other)
    }

    /// `max by (labels) (self)`
    #[must_use]
    pub fn max_by(self, by: &[Label]) -> Self {
        Self::Aggregate("max", by.to_vec(), Box::new(self))
    }

    /// `min by (labels) (self)`
    #[must_use]
    pub fn min_by(self, by: &[Label]) -> Self {
        Self::Aggregate("min", by.to_vec(), Box::new(self))
    }

    /// `timestamp(self)`: the time of each sample, in seconds since 1970.
    #[must_use]
    pub fn timestamp(self) -> Self {
        Self::Call("timestamp", vec![self])
    }

    /// Keeps values that are zero.
    #[must_use]
    pub fn is_zero(self) -> Self {
        self.binary("==", Self::Integer(0))
    }

    /// Drops NaN, the quantile of a histogram without requests. Only for values that are not
    /// negative.
    #[must_use]
    pub(crate) fn not_nan(self) -> Self {
        self.binary(">=", Self::Integer(0))
    }

    /// 1 where `self >= other`, else 0.
    #[must_use]
    pub fn is_at_least(self, other: Self) -> Self {
        self.binary(">= bool", other)
    }

    /// 1 where `self <= other`, else 0.
    #[must_use]
    pub fn is_at_most(self, other: Self) -> Self {
        self.binary("<= bool", other)
    }

    /// 1 where `self` is within the limit, else 0.
    #[must_use]
    pub fn is_within(self, limit: Limit<Self>) -> Self {
        match limit {
            Limit::AtMost(limit) => self.is_at_most(limit),
            Limit::AtLeast(limit) => self.is_at_least(limit),
        }
    }

    /// Keeps series that have a counterpart in `other` with the same labels.
    #[must_use]
    pub(crate) fn and_on(self, labels: &[Label], other: Self) -> Self {
        self.binary(format!("and on ({})", names(labels)), other)
    }

    /// The expression and all expressions in it.
    pub fn parts(&self) -> impl Iterator<Item = &Self> {
        let mut rest = vec![self];
        std::iter::from_fn(move || {
            let part = rest.pop()?;
            match part {
                Self::Call(_, args) => rest.extend(args),
                Self::Aggregate(.., inner) | Self::Subquery(inner, ..) => rest.push(inner),
                Self::Binary(left, _, right) => rest.extend([&**left, &**right]),
                _ => {}
            }
            Some(part)
        })
    }

    /// The selectors of the backend's own metrics in it, without those of PromQL from the
    /// catalogue.
    pub fn scraped(&self) -> impl Iterator<Item = &Selector> {
        self.parts().filter_map(|part| match part {
            Self::Select(selector) if selector.is_scraped() => Some(selector),
            _ => None,
        })
    }

    /// Whether it has series of the backend's own metrics. PromQL from the catalogue counts as
    /// such.
    pub fn is_about_backend(&self) -> bool {
        self.scraped().next().is_some()
            || self.parts().any(|part| matches!(part, Self::Verbatim(_) | Self::VerbatimRange(..)))
    }

    fn binary(self, op: impl Into<Cow<'static, str>>, other: Self) -> Self {
        Self::Binary(Box::new(self), op.into(), Box::new(other))
    }
}

/// The q-quantile of a histogram over a window, by labels. Rules record it and panels draw it.
pub fn quantile_over(histogram: Selector, q: Ratio, by: &[Label], window: Window) -> Expr {
    let mut labels = by.to_vec();
    labels.push(label::LE);
    histogram.rate(window).sum_by(&labels).quantile(q)
}

impl serde::Serialize for Expr {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Select(selector) => selector.fmt(f),
            Self::Call(name, args) => {
                let args: Vec<_> = args.iter().map(Self::to_string).collect();
                write!(f, "{name}({})", args.join(", "))
            }
            Self::Aggregate(op, by, arg) if by.is_empty() => write!(f, "{op}({arg})"),
            Self::Aggregate(op, by, arg) => write!(f, "{op} by ({}) ({arg})", names(by)),
            Self::Subquery(expr, window, step) => {
                operand(f, expr)?;
                write!(f, "[{window}:{}]", duration(*step))
            }
            Self::Binary(left, op, right) => {
                operand(f, left)?;
                write!(f, " {op} ")?;
                operand(f, right)
            }
            Self::Integer(n) => n.fmt(f),
            Self::Decimal(text) => f.write_str(text),
            Self::Verbatim(text) => write!(f, "({text})"),
            Self::VerbatimRange(text, window) => write!(f, "{text}[{window}]"),
            Self::Share(share) => {
                let ppm = share.as_ppm();
                let text = format!("{}.{:06}", ppm / Ratio::WHOLE, ppm % Ratio::WHOLE);
                f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
            }
        }
    }
}

/// Formats a duration for PromQL and Prometheus' files, in the largest unit that divides it: "5m".
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        s if s > 0 && s.is_multiple_of(3600) => format!("{}h", s / 3600),
        s if s > 0 && s.is_multiple_of(60) => format!("{}m", s / 60),
        s => format!("{s}s"),
    }
}

fn names(labels: &[Label]) -> String {
    labels.iter().map(|label| label.as_str()).collect::<Vec<_>>().join(", ")
}

fn operand(f: &mut fmt::Formatter<'_>, expr: &Expr) -> fmt::Result {
    if matches!(expr, Expr::Binary(..)) { write!(f, "({expr})") } else { fmt::Display::fmt(expr, f) }
}

#[cfg(test)]
mod tests;
