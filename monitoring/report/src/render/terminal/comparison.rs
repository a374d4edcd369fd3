//! A comparison as a person reads it: what was asked, a line per endpoint, and what it comes to.

use std::fmt::Write as _;

use super::TextTable;
use crate::comparison::{Change, Comparison, ComparisonMethod, EndpointChange, SidesP95};
use crate::findings::comparison_findings;
use crate::format::{exact_percent, signed_percent, signed_points};

/// The table of a comparison, and its findings.
pub fn render_comparison(compared: &Comparison, color: bool) -> String {
    let Comparison { scenario, load, base, head, rule, pairs, .. } = compared;
    let measured = match compared.method {
        ComparisonMethod::Interleaved => format!("{pairs} pairs of rounds, turn by turn"),
        ComparisonMethod::Recorded => {
            format!("{pairs} sections of two runs at different times: weaker than rounds turn by turn")
        }
    };
    let mut text = format!("{scenario}: {load}: {measured}\n  base  {base}\n  head  {head}\n");
    let columns = ["", "endpoint", "p95 before", "after", "change", "interval", "p50", "p99", "success", "req/s"];
    let mut table = TextTable::new(columns, color);
    for endpoint in &compared.endpoints {
        table.row(endpoint.conclusion.into(), cells(endpoint));
    }
    table.align_right(2..columns.len());
    let _ = writeln!(text, "\n{}", table.text());
    let _ = writeln!(
        text,
        "regressed: p95 slower by more than {}, sure to {} for all endpoints together; no change seen: {} slower is ruled out\n\
         (p50, p99, success and req/s are changes that are shown and do not gate)",
        exact_percent(rule.margin),
        exact_percent(1.0 - compared.alpha),
        exact_percent(rule.detect),
    );
    for finding in comparison_findings(compared) {
        let _ = write!(text, "\n{finding}");
    }
    text.trim_end().to_owned()
}

fn cells(endpoint: &EndpointChange) -> [String; 9] {
    let SidesP95 { before, after, change, interval } = SidesP95::new(endpoint);
    let changed = |change: &Change| change.change.map(signed_percent).unwrap_or_default();
    [
        endpoint.name.clone(),
        before,
        after,
        change,
        interval,
        changed(&endpoint.p50),
        changed(&endpoint.p99),
        endpoint.success.change.map(signed_points).unwrap_or_default(),
        changed(&endpoint.throughput),
    ]
}
