//! Places panels on Grafana's grid, 24 columns wide, row by row, and numbers them.

use crate::grafana::{GridPos, Panel};

/// The grid's width.
pub const COLUMNS: u32 = 24;

/// Places rows of panels under one another. The panels of a row share its width evenly; the last takes what is left.
pub fn rows(rows: Vec<(u32, Vec<Panel>)>) -> Vec<Panel> {
    let mut placed = Vec::new();
    let (mut y, mut id) = (0, 1);
    for (height, row) in rows {
        let count = u32::try_from(row.len()).unwrap_or(COLUMNS).clamp(1, COLUMNS);
        let width = COLUMNS / count;
        for (i, mut panel) in (0..).zip(row) {
            let w = if i + 1 == count { COLUMNS - width * i } else { width };
            panel.grid_pos = GridPos { x: width * i, y, w, h: height };
            panel.id = id;
            id += 1;
            placed.push(panel);
        }
        y += height;
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::panel::{Unit, time_series};

    #[test]
    fn rows_fill_the_width_without_overlap() {
        let panel = || time_series("t", "", Unit::Milliseconds, Vec::new());
        let placed = rows(vec![(8, vec![panel(), panel()]), (6, (0..7).map(|_| panel()).collect())]);
        let ids: Vec<_> = placed.iter().map(|panel| panel.id).collect();
        assert_eq!(ids, (1..=9).collect::<Vec<_>>());
        for y in [0, 8] {
            let row: Vec<_> = placed.iter().map(|panel| panel.grid_pos).filter(|pos| pos.y == y).collect();
            assert!(row.windows(2).all(|pair| pair[0].x + pair[0].w == pair[1].x));
            assert_eq!(row.last().map(|pos| pos.x + pos.w), Some(COLUMNS));
        }
    }
}
