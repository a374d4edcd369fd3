//! Tests of `tested_documents`.

use super::*;

/// The lines of a document that are not rows.
fn text_lines(document: &str) -> Vec<&str> {
    document.lines().filter(|line| !line.starts_with("| ")).collect()
}

#[test]
fn the_texts_around_the_committed_tables_are_current() {
    for document in [FAULTS, STORES_AND_BACKENDS] {
        let heads = document.tables.iter().map(|table| table.head).collect::<String>() + document.end;
        assert_eq!(text_lines(&document.committed().unwrap()), text_lines(&heads), "{}", document.path);
    }
}
