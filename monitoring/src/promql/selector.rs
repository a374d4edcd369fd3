//! Selectors: series by name and labels, with an optional window.

use std::fmt;
use std::time::Duration;

use super::{Expr, duration};
use crate::label::{BACKEND_JOB, JOB, Label};

/// A window after a selector, in square brackets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// A fixed window, printed in whole seconds.
    Fixed(Duration),
    /// Grafana's `$__rate_interval`: at least four pushes, and at least one pixel wide.
    RateInterval,
    /// Grafana's `$__range`: the whole time range of the dashboard.
    Range,
}

/// Series by metric name and label matchers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    metric: String,
    matchers: Vec<(Label, Match)>,
    window: Option<Window>,
    /// Offset into the past.
    offset: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Match {
    Equal(String),
    NotEqual(String),
    Regex(String),
}

impl Selector {
    /// All series with a metric name. An empty name matches any metric.
    pub fn new(metric: impl Into<String>) -> Self {
        Self { metric: metric.into(), matchers: Vec::new(), window: None, offset: Duration::ZERO }
    }

    /// Selects the metric whose name begins with `prefix` and ends with this one.
    pub(crate) fn prefixed(mut self, prefix: &str) -> Self {
        self.metric.insert_str(0, prefix);
        self
    }

    /// Name of the metric.
    pub fn metric(&self) -> &str {
        &self.metric
    }

    /// Labels that must have a value, with that value.
    pub fn equal_labels(&self) -> impl Iterator<Item = (Label, &str)> {
        self.matchers.iter().filter_map(|(label, matcher)| match matcher {
            Match::Equal(value) => Some((*label, value.as_str())),
            Match::NotEqual(_) | Match::Regex(_) => None,
        })
    }

    /// Whether it selects the backend's own metrics, as Prometheus scraped them.
    pub(crate) fn is_scraped(&self) -> bool {
        self.equal_labels().any(|label| label == (JOB, BACKEND_JOB))
    }

    /// Keeps series whose label has this value.
    #[must_use]
    pub fn with(mut self, label: Label, value: impl Into<String>) -> Self {
        self.matchers.push((label, Match::Equal(value.into())));
        self
    }

    /// Keeps series whose label does not have this value.
    #[must_use]
    pub fn without(mut self, label: Label, value: impl Into<String>) -> Self {
        self.matchers.push((label, Match::NotEqual(value.into())));
        self
    }

    /// Keeps series whose label value matches a regular expression.
    #[must_use]
    pub fn with_regex(mut self, label: Label, pattern: impl Into<String>) -> Self {
        self.matchers.push((label, Match::Regex(pattern.into())));
        self
    }

    /// Keeps series whose label is selected by the Grafana variable of the same name, which may
    /// have several values.
    #[must_use]
    pub fn with_variable(self, label: Label) -> Self {
        self.with_regex(label, format!("${}", label.as_str()))
    }

    /// Shifts the time by `offset` into the past.
    #[must_use]
    pub const fn before(mut self, offset: Duration) -> Self {
        self.offset = offset;
        self
    }

    /// Selects the samples in a window up to now.
    #[must_use]
    pub const fn within(mut self, window: Window) -> Self {
        self.window = Some(window);
        self
    }

    /// Converts the selector to an expression.
    pub const fn now(self) -> Expr {
        Expr::Select(self)
    }

    /// `rate(…[window])`: growth a second.
    pub fn rate(self, window: Window) -> Expr {
        Expr::Call("rate", vec![Expr::Select(self.within(window))])
    }

    /// `last_over_time(…[window])`: the last value, also of series that have ended.
    pub fn last(self, window: Window) -> Expr {
        Expr::Call("last_over_time", vec![Expr::Select(self.within(window))])
    }

    /// Growth of a counter between the first and the last sample of the window: a difference of the
    /// integers that were sent. `increase` would extrapolate, and a ratio of two rates has rounding
    /// errors exactly where the verdict changes.
    pub fn growth(self, window: Window) -> Expr {
        let samples = Expr::Select(self.within(window));
        Expr::Call("max_over_time", vec![samples.clone()]).minus(Expr::Call("min_over_time", vec![samples]))
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.metric)?;
        if !self.matchers.is_empty() {
            f.write_str("{")?;
            for (i, (label, matcher)) in self.matchers.iter().enumerate() {
                let comma = if i == 0 { "" } else { "," };
                let (op, value) = match matcher {
                    Match::Equal(value) => ("=", value),
                    Match::NotEqual(value) => ("!=", value),
                    Match::Regex(value) => ("=~", value),
                };
                write!(f, "{comma}{}{op}\"{}\"", label.as_str(), escape(value))?;
            }
            f.write_str("}")?;
        }
        self.window.map_or(Ok(()), |window| write!(f, "[{window}]"))?;
        if self.offset.is_zero() { Ok(()) } else { write!(f, " offset {}", duration(self.offset)) }
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(window) => f.write_str(&duration(*window)),
            Self::RateInterval => f.write_str("$__rate_interval"),
            Self::Range => f.write_str("$__range"),
        }
    }
}

/// Escapes a value for double quotes.
pub fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
