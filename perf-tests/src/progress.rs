//! The progress display while the load runs: time or iterations, and each endpoint's latency
//! quantile beside the limit of its objective.

use std::io::{IsTerminal as _, stderr};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use monitoring::catalogue::Catalogue;
use monitoring::endpoint::Endpoint;
use monitoring::phase::Phases;
use monitoring::ratio::Ratio;
use monitoring::slo::Slo;
use perf_report::exact_ms;
use perf_report::format::{clock, count, counted, millis, noun_for};
use perf_report::mark::Mark;

use crate::engine::TICK;
use crate::measure::Snapshot;
use crate::plan::Plan;
use crate::terminal::print_wrapped;

/// Time between two lines if standard error is not a terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);
/// Width of a bar, in columns.
const BAR: usize = 20;

pub(crate) struct Progress {
    title: String,
    goal: Goal,
    endpoints: Vec<ShownEndpoint>,
    display: Display,
    last: Option<(Duration, u64)>,
}

#[derive(Debug, Clone, Copy)]
enum Goal {
    Time(Duration),
    Iterations(u64),
}

enum Display {
    /// Redrawn in place: a headline and a line for each endpoint.
    Terminal {
        headline: ProgressBar,
        lines: Vec<ProgressBar>,
        all: MultiProgress,
    },
    /// A line every 5 s. The next one is due at `next`.
    Lines {
        next: Duration,
    },
    Quiet,
}

impl Progress {
    /// A display for a planned load. If `quiet`, it shows nothing.
    pub(crate) fn new(title: &str, plan: &Plan, catalogue: &Catalogue, exercised: &[Endpoint], quiet: bool) -> Self {
        let goal = match plan.parts.as_slice() {
            [only] if !only.is_open() => only.iterations().map_or(Goal::Time(plan.end()), Goal::Iterations),
            _ => Goal::Time(plan.end()),
        };
        let endpoints: Vec<_> = catalogue
            .endpoints
            .iter()
            .enumerate()
            .filter(|(_, endpoint)| exercised.contains(endpoint))
            .map(|(index, endpoint)| (index, *endpoint, catalogue.latency_slo(endpoint)))
            .collect();
        let display = match (quiet, stderr().is_terminal()) {
            (true, _) => Display::Quiet,
            (false, true) => Self::terminal(endpoints.len()),
            (false, false) => Display::Lines { next: Duration::ZERO },
        };
        Self { title: title.to_owned(), goal, endpoints, display, last: None }
    }

    fn terminal(endpoints: usize) -> Display {
        let all = MultiProgress::new();
        let line = || {
            let bar = all.add(ProgressBar::no_length());
            // The template is a constant, and valid.
            bar.with_style(ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_spinner()))
        };
        Display::Terminal { headline: line(), lines: (0..endpoints).map(|_| line()).collect(), all: all.clone() }
    }

    /// Shows a snapshot that was taken at `elapsed` from the start of the load.
    pub(crate) fn show(&mut self, elapsed: Duration, snapshot: &Snapshot) {
        let lines = self.lines(elapsed, snapshot);
        match &mut self.display {
            Display::Quiet => {}
            Display::Lines { next } => {
                if elapsed >= *next {
                    *next = elapsed + LINE_EVERY;
                    lines.iter().for_each(|line| print_wrapped(line));
                }
            }
            Display::Terminal { headline, lines: bars, .. } => {
                let bars = std::iter::once(&*headline).chain(&*bars);
                bars.zip(lines).for_each(|(bar, line)| bar.set_message(line));
            }
        }
    }

    /// The text of the display: on a terminal, a headline and a line for each endpoint; else one
    /// line.
    fn lines(&mut self, elapsed: Duration, snapshot: &Snapshot) -> Vec<String> {
        let headline = self.headline(elapsed, snapshot);
        if let Display::Terminal { .. } = self.display {
            let width = self.endpoints.iter().map(|(_, endpoint, _)| endpoint.name.len()).max().unwrap_or(0);
            let lines = self.endpoints.iter().map(|endpoint| endpoint_line(endpoint, snapshot, width));
            return std::iter::once(headline).chain(lines).collect();
        }
        let shares = self.endpoints.iter().filter_map(|endpoint| share_of_slo(endpoint, snapshot));
        let highest = shares.max_by(|a, b| a.1.total_cmp(&b.1));
        let highest = highest.map(|(text, _)| format!(", worst endpoint: {text}")).unwrap_or_default();
        vec![format!("{headline}{highest}")]
    }

    /// Clears the display, so that the result can be printed in its place.
    pub(crate) fn clear(self) {
        if let Display::Terminal { all, .. } = self.display {
            // Fails only if the terminal is gone.
            let _ = all.clear();
        }
    }

    fn headline(&mut self, elapsed: Duration, snapshot: &Snapshot) -> String {
        let requests = snapshot.requests();
        let (since, before) = self.last.unwrap_or_default();
        let seconds = elapsed.saturating_sub(since).as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = if seconds > 0.0 { (requests.sent - before) as f64 / seconds } else { 0.0 };
        self.last = Some((elapsed, requests.sent));
        #[expect(clippy::cast_precision_loss, reason = "a bar for people")]
        let (progress, share) = match self.goal {
            Goal::Time(whole) => {
                let shown = elapsed.min(whole);
                // The graceful stop: VUs finish their iterations.
                let stopping = if elapsed > whole + TICK { "  stopping" } else { "" };
                let text = format!("{}/{}{stopping}", clock(shown), clock(whole));
                (text, shown.as_secs_f64() / whole.as_secs_f64())
            }
            Goal::Iterations(all) => {
                let done = snapshot.iterations().completed;
                let text = format!("{}  {}/{}", clock(elapsed), count(done), counted(all, "iteration"));
                (text, done as f64 / all as f64)
            }
        };
        let on_terminal = matches!(self.display, Display::Terminal { .. });
        let bar = if on_terminal { format!(" {} ", bar(share)) } else { " ".to_owned() };
        let vus = snapshot.vus();
        let unit = noun_for(vus.into(), "VU");
        format!("{}  {progress}{bar} {vus} {unit}  {rate:.1} req/s  {} failed", self.title, count(requests.failed))
    }
}

fn bar(share: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and the bar's width")]
    let full = (share.clamp(0.0, 1.0) * BAR as f64).round() as usize;
    format!("{}{}", "█".repeat(full), "░".repeat(BAR - full))
}

const P95: Ratio = Ratio::percent(95);

/// Index in the catalogue, endpoint and its latency objective.
type ShownEndpoint = (usize, Endpoint, Option<&'static Slo>);

fn threshold_ms(slo: Option<&Slo>) -> Option<(Ratio, f64)> {
    match slo {
        Some(slo) => Some((slo.objective, exact_ms(slo.threshold()?))),
        None => None,
    }
}

fn judged_phases(slo: Option<&Slo>) -> Phases {
    slo.map_or(Phases::AFTER_WARM_UP, |slo| slo.phases)
}

/// Describes an endpoint's quantile. Also returns its ratio to the threshold.
fn share_of_slo((index, endpoint, slo): &ShownEndpoint, snapshot: &Snapshot) -> Option<(String, f64)> {
    let (q, threshold) = threshold_ms(*slo)?;
    let quantile = snapshot.endpoint(*index, judged_phases(*slo))?.latency.quantile(q)?;
    let text = format!("{} {} {} of {threshold} ms", endpoint.name, q.as_quantile(), millis(quantile));
    Some((text, quantile.as_f64() / threshold))
}

fn endpoint_line(shown: &ShownEndpoint, snapshot: &Snapshot, width: usize) -> String {
    let (index, endpoint, slo) = shown;
    let Some(counts) = snapshot.endpoint(*index, judged_phases(*slo)) else { return String::new() };
    let latency = &counts.latency;
    let limit = threshold_ms(*slo);
    let (q, threshold) = limit.map_or((P95, None), |(q, threshold)| (q, Some(threshold)));
    let Some(quantile) = latency.quantile(q) else {
        return format!("  {:width$}  no requests yet", endpoint.name);
    };
    let value = millis(quantile);
    let requests = counted(latency.buckets().count(), "request");
    let Some(threshold) = threshold else {
        return format!("  {:width$}  {} {value:>9}  {requests}", endpoint.name, q.as_quantile());
    };
    let share = quantile.as_f64() / threshold;
    let sign = if share > 1.0 { Mark::BAD.sign } else { " " };
    let name = endpoint.name;
    let q = q.as_quantile();
    format!("{sign} {name:width$}  {q} {value:>9} of {threshold:>4} ms  {}  {requests}", bar(share))
}

#[cfg(test)]
mod tests;
