//! A run or a comparison as text: the headline, a table, then details. Colors only repeat the signs
//! and words.

mod comparison;
mod result;
mod run;
mod runs;
mod text_table;

use comfy_table::Color;
use textwrap::{Options, WordSplitter};

pub use comparison::render_comparison;
pub use result::{RunResult, render_result};
pub use run::render_run;
pub use runs::render_runs;

use crate::mark::{Mark, Tone};

/// Abilities of a terminal.
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
    /// columns. Words are broken only in a line that has a word wider than any terminal.
    pub fn wrap(self, text: &str) -> String {
        let fill = |line: &str| {
            let indent = " ".repeat(line.len() - line.trim_start().len() + 2);
            let options = Options::new(self.width)
                .subsequent_indent(&indent)
                .break_words(line.split(' ').any(|word| word.chars().count() > Self::PLAIN.width))
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
    let units = [" %", " ms", " s ", " MiB", " VUs", " requests/s", " req/s", " <= ", " > ", " < ", " × "];
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
