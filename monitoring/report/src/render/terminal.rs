//! A run or a comparison as text: a table, then what was found. With color, escape codes color the verdicts; signs and words
//! say the same without.

mod comparison;
mod run;

use comfy_table::{Attribute, Cell, CellAlignment, Color, ColumnConstraint, ContentArrangement, Table, presets};

pub use comparison::render_comparison;
pub use run::render_run;

use crate::mark::{Mark, Tone};

/// A table without lines, the first column of which is a verdict.
struct TextTable {
    table: Table,
    color: bool,
}

impl TextTable {
    fn new<const N: usize>(columns: [&str; N], color: bool) -> Self {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        if color {
            table.enforce_styling()
        } else {
            table.force_no_tty()
        };
        table.set_header(columns.map(|name| {
            let cell = Cell::new(name);
            if color { cell.add_attribute(Attribute::Dim) } else { cell }
        }));
        Self { table, color }
    }

    fn row(&mut self, mark: Mark, cells: impl IntoIterator<Item = String>) {
        let shade = match mark.tone {
            Tone::Good => Color::Green,
            Tone::Warning => Color::Yellow,
            Tone::Bad => Color::Red,
            Tone::Quiet => Color::DarkGrey,
        };
        let verdict = Cell::new(mark.signed_word());
        let verdict = if self.color { verdict.fg(shade) } else { verdict };
        self.table.add_row(std::iter::once(verdict).chain(cells.into_iter().map(Cell::new)));
    }

    fn align_right(&mut self, columns: impl IntoIterator<Item = usize>) {
        for column in columns {
            if let Some(column) = self.table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
    }

    fn hide(&mut self, column: usize) {
        if let Some(column) = self.table.column_mut(column) {
            column.set_constraint(ColumnConstraint::Hidden);
        }
    }

    fn text(&self) -> String {
        self.table.trim_fmt()
    }
}
