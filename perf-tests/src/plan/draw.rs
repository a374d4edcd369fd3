//! Draws a plan as text before anything is sent: virtual users, arrivals and expected requests over
//! time.

use std::fmt::Write as _;
use std::time::Duration;

use perf_report::whole_ms;

use super::{LoadError, LoadProfile, PartPlan, Plan, Schedule};

/// Columns of a drawing. Each column is an equal part of the time.
const COLUMNS: u32 = 60;
const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Averages of an earlier run of the same scenario, for values that cannot be planned.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Experience {
    pub(crate) requests_per_iteration: f64,
    pub(crate) iterations_per_vu_second: f64,
}

/// Draws a plan. The number of requests of a closed load depends on the service, so it is estimated
/// from an earlier run.
pub(crate) fn draw(plan: &Plan, experience: Option<Experience>) -> String {
    let whole = plan.end().max(Duration::from_nanos(1));
    let mut text = String::new();
    for part in &plan.parts {
        let _ = writeln!(
            text,
            "{}  {} to {}",
            part.name,
            perf_settings::shown_duration(part.start),
            perf_settings::shown_duration(part.end)
        );
        let vus: Vec<f64> = (0..COLUMNS).map(|column| f64::from(part.vus_at(middle(whole, column)))).collect();
        let _ = writeln!(text, "{}", line("VUs", &vus, f64::from(part.most_vus()), ""));
        if let Schedule::Arrivals { arrivals, .. } = &part.schedule {
            let width = (whole / COLUMNS).as_secs_f64();
            #[expect(clippy::cast_precision_loss, reason = "a drawing")]
            let rate =
                |column| arrivals.between(whole * column / COLUMNS, whole * (column + 1) / COLUMNS) as f64 / width;
            let rates: Vec<_> = (0..COLUMNS).map(rate).collect();
            let most = rates.iter().copied().fold(0.0, f64::max);
            let _ = writeln!(text, "{}", line("arrivals", &rates, most, "/s"));
        }
        let _ = writeln!(text, "{:10} {}", "phases", phases(part));
        let _ = writeln!(text, "{:10} {}", "iterations", iterations(part));
        let _ = writeln!(text, "{:10} {}\n", "requests", requests(part, experience));
    }
    let _ = write!(
        text,
        "{:11}0{:>width$}\nplan       {}",
        "",
        perf_settings::shown_duration(round(whole)),
        plan.hash(),
        width = COLUMNS as usize - 1
    );
    text
}

impl LoadProfile {
    /// Draws the load of a scenario with this name, before anything is sent. Use it for review, as
    /// a snapshot.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use perf_tests::ramping_vus;
    /// let minute = Duration::from_secs(60);
    /// let drawing = ramping_vus(&[(minute, 50), (minute, 0)]).drawn("offers")?;
    /// assert!(drawing.starts_with("offers  0s to 2m"));
    /// # Ok::<(), perf_tests::plan::LoadError>(())
    /// ```
    pub fn drawn(&self, name: &str) -> Result<String, LoadError> {
        const SEED: u64 = 1;
        let parts = vec![self.plan(name, 1, SEED)?];
        Ok(draw(&Plan { parts, seed: SEED }, None))
    }
}

fn middle(whole: Duration, column: u32) -> Duration {
    whole * (2 * column + 1) / (2 * COLUMNS)
}

fn round(duration: Duration) -> Duration {
    Duration::from_millis(whole_ms(duration))
}

fn line(name: &str, values: &[f64], most: f64, unit: &str) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 8")]
    let bar = |value: f64| BARS[if most > 0.0 { (value / most * 8.0).ceil() as usize } else { 0 }.min(8)];
    let bars: String = values.iter().map(|&value| bar(value)).collect();
    format!("{name:10} {bars} up to {}{unit}", number(most))
}

fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

fn phases(part: &PartPlan) -> String {
    let steps: Vec<_> = part.phases.steps().collect();
    let ends = steps.iter().skip(1).map(|(from, _)| *from).chain([part.end]);
    let shown = |((from, phase), end): (&(Duration, monitoring::phase::Phase), Duration)| {
        format!("{} {}", phase.as_str(), perf_settings::shown_duration(round(end.saturating_sub(*from))))
    };
    steps.iter().zip(ends).map(shown).collect::<Vec<_>>().join(", ")
}

fn iterations(part: &PartPlan) -> String {
    match (part.iterations(), &part.schedule) {
        (Some(all), Schedule::Arrivals { .. }) => format!("{all} are due"),
        (Some(all), Schedule::Vus { .. }) => format!("{all}"),
        (None, _) => "as many as time allows".to_owned(),
    }
}

fn requests(part: &PartPlan, experience: Option<Experience>) -> String {
    let Some(Experience { requests_per_iteration, iterations_per_vu_second }) = experience else {
        return "unknown: this scenario has no earlier run".to_owned();
    };
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    let (iterations, condition) = match (&part.schedule, part.iterations()) {
        (_, Some(iterations)) => (iterations as f64, ""),
        (Schedule::Vus { vus, .. }, None) => {
            let spans = vus.iter().flat_map(|vu| &vu.spans);
            let seconds: f64 = spans.map(|span| span.stop.saturating_sub(span.start).as_secs_f64()).sum();
            (seconds * iterations_per_vu_second, " at the same latencies")
        }
        (Schedule::Arrivals { .. }, None) => return String::new(),
    };
    let all = iterations * requests_per_iteration;
    let rate = all / part.end.saturating_sub(part.start).as_secs_f64();
    format!("about {all:.0} ({rate:.1}/s), estimated from the last run{condition}")
}

#[cfg(test)]
mod tests;
