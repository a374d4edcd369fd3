//! Tests of `layout`.

use super::*;
use crate::panel::{Unit, time_series};

#[test]
fn rows_fill_the_width_without_overlap() {
    let panel = || time_series("t", "", Unit::Milliseconds, Vec::new());
    let sized = vec![(4, panel()), (20, panel())];
    let placed = rows(vec![
        Row::Heading("A"),
        Row::Even(8, vec![panel(), panel()]),
        Row::Even(6, (0..7).map(|_| panel()).collect()),
        Row::Sized(5, sized),
    ]);
    let ids: Vec<_> = placed.iter().map(|panel| panel.id).collect();
    assert_eq!(ids, (1..=12).collect::<Vec<_>>());
    for y in [0, 1, 9, 15] {
        let row: Vec<_> = placed.iter().map(|panel| panel.grid_pos).filter(|pos| pos.y == y).collect();
        assert!(row.windows(2).all(|pair| pair[0].x + pair[0].w == pair[1].x));
        assert_eq!(row.last().map(|pos| pos.x + pos.w), Some(COLUMNS));
    }
}
