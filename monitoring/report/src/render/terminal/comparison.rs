//! A comparison as text: the verdict and its cause, a row for each endpoint, then details.

use super::super::below_headline::comparison_below_headline;
use super::TerminalStyle;
use super::text_table::{TextColumn, TextTable};
use crate::comparison::{Comparison, NOT_JUDGED};
use crate::findings::lines;
use crate::headline::Headline;
use crate::mark::Mark;

/// Renders the headline, the table, the rule and the findings.
pub fn render_comparison(compared: &Comparison, style: TerminalStyle) -> String {
    render_below(&Headline::for_comparison(compared), compared, style)
}

/// Renders a comparison below this headline.
pub(super) fn render_below(headline: &Headline, compared: &Comparison, style: TerminalStyle) -> String {
    let mark = Mark::from(compared.exit_code);
    let headline = style.wrap(&format!("{} {}", style.sign(mark), headline.to_line()));
    format!("{}\n\n{}", style.fit(&headline), render_details(compared, style))
}

/// Renders a comparison without its headline, and without the finding in it.
pub(super) fn render_details(compared: &Comparison, style: TerminalStyle) -> String {
    let Comparison { load, base, head, .. } = compared;
    let sides =
        [format!("base  {base}"), format!("head  {head}"), format!("load  {load}: {}", compared.describe_pairs())];
    let table = table(compared).text(style);
    let wrapped = |lines: &[String]| style.wrap(&lines.join("\n"));
    let heads = table.lines().next().unwrap_or_default();
    let not_judged: Vec<_> = NOT_JUDGED.into_iter().filter(|it| heads.contains(it)).collect();
    let legend = wrapped(&compared.legend(&not_judged));
    let findings = style.wrap(&lines(&comparison_below_headline(compared)));
    let mut blocks = vec![wrapped(&sides), table, legend, findings];
    blocks.retain(|block| !block.is_empty());
    style.fit(&blocks.join("\n\n"))
}

fn table(compared: &Comparison) -> TextTable {
    let [p50, p99, success, throughput] = NOT_JUDGED;
    let mut table = TextTable::new([
        TextColumn::text("endpoint"),
        TextColumn::number("p95 before"),
        TextColumn::number("after"),
        TextColumn::number("change"),
        TextColumn::number("interval").rank(1),
        TextColumn::number(p50).rank(5),
        TextColumn::number(p99).rank(4),
        TextColumn::number(success).rank(2),
        TextColumn::number(throughput).rank(3),
    ]);
    for endpoint in &compared.endpoints {
        let cells = endpoint.p95_cells().into_iter().chain(endpoint.not_judged_cells());
        table.row(endpoint.conclusion.into(), std::iter::once(endpoint.name.clone()).chain(cells));
    }
    table
}
