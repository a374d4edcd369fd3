//! Layout of a table as text: which columns fit, and how wide they are.

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};

use super::{TerminalStyle, color};
use crate::mark::Mark;

#[derive(Debug, Clone, Copy)]
pub(super) struct TextColumn {
    name: &'static str,
    is_number: bool,
    /// If the terminal is too narrow, columns with the highest rank are omitted first. Those of
    /// rank 0 are never omitted.
    rank: u8,
}

impl TextColumn {
    pub(super) const fn text(name: &'static str) -> Self {
        Self { name, is_number: false, rank: 0 }
    }

    pub(super) const fn number(name: &'static str) -> Self {
        Self { name, is_number: true, rank: 0 }
    }

    pub(super) const fn rank(self, rank: u8) -> Self {
        Self { rank, ..self }
    }
}

/// A table without lines. Its first column is a verdict.
pub(super) struct TextTable {
    columns: Vec<TextColumn>,
    rows: Vec<(Mark, Vec<String>)>,
}

impl TextTable {
    pub(super) fn new(columns: impl IntoIterator<Item = TextColumn>) -> Self {
        Self { columns: columns.into_iter().collect(), rows: Vec::new() }
    }

    /// Adds a row with a cell for each column.
    pub(super) fn row(&mut self, mark: Mark, cells: impl IntoIterator<Item = String>) {
        self.rows.push((mark, cells.into_iter().collect()));
    }

    /// The table as text, without columns that are empty or do not fit. If it is still too wide,
    /// verdicts have only their signs.
    pub(super) fn text(&self, style: TerminalStyle) -> String {
        let is_used = |at: usize| self.rows.iter().any(|(_, cells)| !cells[at].is_empty());
        let mut shown: Vec<_> = (0..self.columns.len()).filter(|&at| is_used(at)).collect();
        let plain = TerminalStyle { color: false, ..style };
        let width = |shown: &[usize], verdict: fn(&Mark) -> String| {
            let widest = style.fit(&self.table(shown, verdict, plain).trim_fmt());
            widest.lines().map(|line| line.trim_end().chars().count()).max().unwrap_or(0)
        };
        loop {
            let has_words = width(&shown, Mark::signed_word) <= style.width;
            let last = shown.iter().copied().filter(|&at| self.columns[at].rank > 0);
            match last.max_by_key(|&at| self.columns[at].rank) {
                Some(column) if !has_words => shown.retain(|&at| at != column),
                _ => {
                    let verdict = if has_words { Mark::signed_word } else { |mark: &Mark| mark.sign.to_owned() };
                    let mut table = self.table(&shown, verdict, style);
                    if width(&shown, verdict) > style.width {
                        let width = u16::try_from(style.width).unwrap_or(u16::MAX);
                        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
                    }
                    let text = table.trim_fmt();
                    return if style.color { dim_header(&text) } else { text };
                }
            }
        }
    }

    fn table(&self, shown: &[usize], verdict: fn(&Mark) -> String, style: TerminalStyle) -> Table {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        if style.color {
            table.enforce_styling()
        } else {
            table.force_no_tty()
        };
        table.set_header(std::iter::once("").chain(shown.iter().map(|&at| self.columns[at].name)));
        for (mark, cells) in &self.rows {
            let verdict = Cell::new(verdict(mark));
            let verdict = if style.color { verdict.fg(color(mark.tone).0) } else { verdict };
            table.add_row(std::iter::once(verdict).chain(shown.iter().map(|&at| Cell::new(&cells[at]))));
        }
        for (place, &at) in shown.iter().enumerate() {
            if self.columns[at].is_number
                && let Some(column) = table.column_mut(place + 1)
            {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table
    }
}

/// Dims the first line. A dimmed cell would keep its padding, with which the line may not fit.
fn dim_header(table: &str) -> String {
    let (header, rows) = table.split_once('\n').unwrap_or((table, ""));
    format!("\u{1b}[2m{header}\u{1b}[0m\n{rows}")
}
