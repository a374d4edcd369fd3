//! Places panels row by row on Grafana's grid of 24 columns, and numbers them.

use crate::grafana::{GridPos, Panel};
use crate::panel;

/// Width of the grid.
pub const COLUMNS: u32 = 24;

/// A row of panels.
#[derive(Debug)]
pub enum Row {
    /// A heading over the following rows.
    Heading(&'static str),
    /// Panels of this height with equal widths. The last one takes the rest of the width.
    Even(u32, Vec<Panel>),
    /// Panels of this height, each with its own width.
    Sized(u32, Vec<(u32, Panel)>),
}

/// Places rows below one another and sets position and ID of each panel.
pub fn rows(rows: Vec<Row>) -> Vec<Panel> {
    let mut placed: Vec<Panel> = Vec::new();
    let mut y = 0;
    for row in rows {
        let (height, panels) = match row {
            Row::Heading(title) => (1, vec![(COLUMNS, panel::heading(title))]),
            Row::Even(height, panels) => (height, evenly(panels)),
            Row::Sized(height, panels) => (height, panels),
        };
        let mut x = 0;
        for ((w, mut panel), id) in panels.into_iter().zip(placed.len() + 1..) {
            panel.grid_pos = GridPos { x, y, w, h: height };
            panel.id = u32::try_from(id).unwrap_or(u32::MAX);
            x += w;
            placed.push(panel);
        }
        y += height;
    }
    placed
}

fn evenly(panels: Vec<Panel>) -> Vec<(u32, Panel)> {
    let count = u32::try_from(panels.len()).unwrap_or(COLUMNS).clamp(1, COLUMNS);
    let width = COLUMNS / count;
    let last = |i| if i + 1 == count { COLUMNS - width * i } else { width };
    (0..).zip(panels).map(|(i, panel)| (last(i), panel)).collect()
}

#[cfg(test)]
mod tests;
