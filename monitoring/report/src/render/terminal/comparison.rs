//! A comparison as text: the verdict and its cause, a row for each endpoint, then details.

use super::super::below_headline::comparison_below_headline;
use super::TerminalStyle;
use super::text_table::{TextColumn, TextTable};
use crate::comparison::{CHANGE, Comparison, EndpointChange};
use crate::findings::lines;
use crate::format::{exact_percent, signed_points};
use crate::headline::Headline;
use crate::mark::Mark;

/// Renders the headline, the table, the rule and the findings.
pub fn render_comparison(compared: &Comparison, style: TerminalStyle) -> String {
    let mark = Mark::from(compared.exit_code);
    let headline = style.wrap(&format!("{} {}", style.sign(mark), Headline::for_comparison(compared).to_line()));
    format!("{}\n\n{}", style.fit(&headline), render_details(compared, style))
}

/// Renders a comparison without its headline, and without the finding in it.
pub(super) fn render_details(compared: &Comparison, style: TerminalStyle) -> String {
    let Comparison { load, base, head, rule, .. } = compared;
    let sides =
        [format!("base  {base}"), format!("head  {head}"), format!("load  {load}: {}", compared.describe_pairs())];
    let rule = [
        format!(
            "regressed: p95 is more than {} slower, with {} confidence for all endpoints together",
            exact_percent(rule.margin),
            exact_percent(1.0 - compared.alpha),
        ),
        format!("no change measured: a slow-down of {} is ruled out", exact_percent(rule.detect)),
        CHANGE.to_owned(),
        "p50, p99, success and req/s are shown but not judged".to_owned(),
    ];
    let wrapped = |lines: &[String]| style.wrap(&lines.join("\n"));
    let findings = style.wrap(&lines(&comparison_below_headline(compared)));
    let mut blocks = vec![wrapped(&sides), table(compared).text(style), wrapped(&rule), findings];
    blocks.retain(|block| !block.is_empty());
    style.fit(&blocks.join("\n\n"))
}

fn table(compared: &Comparison) -> TextTable {
    let mut table = TextTable::new([
        TextColumn::text("endpoint"),
        TextColumn::number("p95 before"),
        TextColumn::number("after"),
        TextColumn::number("change"),
        TextColumn::number("interval").rank(1),
        TextColumn::number("p50").rank(5),
        TextColumn::number("p99").rank(4),
        TextColumn::number("success").rank(2),
        TextColumn::number("req/s").rank(3),
    ]);
    for endpoint in &compared.endpoints {
        table.row(endpoint.conclusion.into(), cells(endpoint));
    }
    table
}

fn cells(endpoint: &EndpointChange) -> [String; 9] {
    let [before, after, change, interval] = endpoint.p95_cells();
    [
        endpoint.name.clone(),
        before,
        after,
        change,
        interval,
        endpoint.p50.describe(),
        endpoint.p99.describe(),
        endpoint.success.change.map(signed_points).unwrap_or_default(),
        endpoint.throughput.describe(),
    ]
}
