//! A run or a comparison as text: the headline, a table, then details. Colors only repeat the signs
//! and words.

mod comparison;
mod result;
mod run;
mod runs;

use comfy_table::{Attribute, Cell, CellAlignment, Color, ContentArrangement, Table, presets};
use textwrap::{Options, WordSplitter};

pub use comparison::render_comparison;
pub use result::{RunResult, render_result};
pub use run::render_run;
pub use runs::render_runs;

use crate::finding::Finding;
use crate::mark::{Mark, Tone};

/// What a terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TerminalStyle {
    /// Columns after which lines are broken.
    pub width: usize,
    /// Whether to color the text with escape codes.
    pub color: bool,
    /// Whether it shows characters beyond ASCII.
    pub unicode: bool,
}

impl TerminalStyle {
    /// For files and logs, without color.
    pub const PLAIN: Self = Self { width: 200, color: false, unicode: true };

    /// Breaks lines that are longer than the width. Continuation lines are indented by two more
    /// columns.
    pub fn wrap(self, text: &str) -> String {
        let fill = |line: &str| {
            let indent = " ".repeat(line.len() - line.trim_start().len() + 2);
            let options = Options::new(self.width)
                .subsequent_indent(&indent)
                .break_words(false)
                .word_splitter(WordSplitter::NoHyphenation);
            textwrap::fill(&keep_together(&self.fit(line)), &options).replace(NO_BREAK, " ")
        };
        text.lines().map(fill).collect::<Vec<_>>().join("\n")
    }

    /// The sign of a verdict in its color.
    fn sign(self, mark: Mark) -> String {
        let (_, code) = color(mark.tone);
        if self.color { format!("\u{1b}[{code}m{}\u{1b}[0m", mark.sign) } else { mark.sign.to_owned() }
    }

    /// Replaces characters that the terminal cannot show.
    pub fn fit(self, text: &str) -> String {
        if self.unicode { text.to_owned() } else { ascii(text) }
    }
}

/// The color of a tone in tables, and its code (ECMA-48, "select graphic rendition") elsewhere.
const fn color(tone: Tone) -> (Color, u8) {
    match tone {
        Tone::Good => (Color::Green, 32),
        Tone::Warning => (Color::Yellow, 33),
        Tone::Bad => (Color::Red, 31),
        Tone::Quiet => (Color::DarkGrey, 90),
    }
}

/// A space at which no line is broken.
const NO_BREAK: char = '\u{a0}';

/// Keeps numbers with their units, and comparisons with their operands.
fn keep_together(line: &str) -> String {
    let units = [" %", " ms", " s ", " MiB", " VUs", " <= ", " > ", " < ", " × "];
    units.iter().fold(line.to_owned(), |line, unit| line.replace(unit, &unit.replace(' ', "\u{a0}")))
}

/// Text in ASCII. Characters without an equivalent become a question mark.
fn ascii(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if c.is_ascii() => plain.push(c),
            '✓' => plain.push('+'),
            '✗' | '×' => plain.push('x'),
            '–' | '—' => plain.push('-'),
            '·' => plain.push('.'),
            '±' => plain.push_str("+-"),
            'µ' => plain.push('u'),
            '≤' => plain.push_str("<="),
            '≥' => plain.push_str(">="),
            '∞' => plain.push_str("inf"),
            '…' => plain.push_str("..."),
            '→' => plain.push_str("->"),
            '▁'..='█' => plain.push(['_', '.', '-', '=', '*', '%', '&', '#'][(c as usize - '▁' as usize).min(7)]),
            _ => plain.push('?'),
        }
    }
    plain
}

/// Label and message of a finding, wrapped.
fn finding_lines(finding: &Finding, style: TerminalStyle) -> String {
    style.wrap(&finding.to_string())
}

/// A column of a table.
#[derive(Debug, Clone, Copy)]
struct Column {
    name: &'static str,
    is_number: bool,
    /// If the terminal is too narrow, columns with the highest rank are omitted first. Those of
    /// rank 0 are never omitted.
    rank: u8,
}

impl Column {
    const fn text(name: &'static str) -> Self {
        Self { name, is_number: false, rank: 0 }
    }

    const fn number(name: &'static str) -> Self {
        Self { name, is_number: true, rank: 0 }
    }

    const fn rank(self, rank: u8) -> Self {
        Self { rank, ..self }
    }
}

/// A table without lines. Its first column is a verdict.
struct TextTable {
    columns: Vec<Column>,
    rows: Vec<(Mark, Vec<String>)>,
}

impl TextTable {
    fn new(columns: impl IntoIterator<Item = Column>) -> Self {
        Self { columns: columns.into_iter().collect(), rows: Vec::new() }
    }

    /// Adds a row with a cell for each column.
    fn row(&mut self, mark: Mark, cells: impl IntoIterator<Item = String>) {
        self.rows.push((mark, cells.into_iter().collect()));
    }

    /// The table as text, without columns that are empty or do not fit. If it is still too wide,
    /// verdicts have only their signs.
    fn text(&self, style: TerminalStyle) -> String {
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
                    return table.trim_fmt();
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
        let header = |name: &str| {
            let cell = Cell::new(name);
            if style.color { cell.add_attribute(Attribute::Dim) } else { cell }
        };
        table.set_header(std::iter::once("").chain(shown.iter().map(|&at| self.columns[at].name)).map(header));
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
