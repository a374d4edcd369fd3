//! A comparison as text: the verdict and its cause, a row for each endpoint, then details.

use super::super::below_headline::comparison_below_headline;
use super::TerminalStyle;
use super::text_table::{TextColumn, TextTable};
use crate::comparison::{CHANGE, Comparison, Conclusion, EndpointChange};
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
    let Comparison { load, base, head, .. } = compared;
    let sides =
        [format!("base  {base}"), format!("head  {head}"), format!("load  {load}: {}", compared.describe_pairs())];
    let table = table(compared).text(style);
    let wrapped = |lines: &[String]| style.wrap(&lines.join("\n"));
    let legend = wrapped(&legend(compared, table.lines().next().unwrap_or_default()));
    let findings = style.wrap(&lines(&comparison_below_headline(compared)));
    let mut blocks = vec![wrapped(&sides), table, legend, findings];
    blocks.retain(|block| !block.is_empty());
    style.fit(&blocks.join("\n\n"))
}

/// Explains the verdicts and columns of a table that are shown: `heads` is its first line.
fn legend(compared: &Comparison, heads: &str) -> Vec<String> {
    let rule = compared.rule;
    let has = |conclusion| compared.endpoints.iter().any(|endpoint| endpoint.conclusion == conclusion);
    let not_judged: Vec<_> = ["p50", "p99", "success", "req/s"].into_iter().filter(|it| heads.contains(it)).collect();
    let lines = [
        has(Conclusion::Regressed).then(|| {
            format!(
                "regressed: p95 is more than {} slower, with {} confidence for all endpoints together",
                exact_percent(rule.margin),
                exact_percent(1.0 - compared.alpha),
            )
        }),
        has(Conclusion::NoChangeSeen)
            .then(|| format!("no change measured: a slow-down of {} is ruled out", exact_percent(rule.detect))),
        compared.endpoints.iter().any(|endpoint| endpoint.p95.change.is_some()).then(|| CHANGE.to_owned()),
        (!not_judged.is_empty()).then(|| format!("not judged: {}", not_judged.join(", "))),
    ];
    lines.into_iter().flatten().collect()
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
