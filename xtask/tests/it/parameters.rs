//! Checks that no function takes more than five values. The elements of a tuple count, each as one:
//! values that belong together have a struct.

use std::fs;

use crate::modules::{is_in_name, without_tests};
use crate::real::root;
use crate::structure::files_that_a_fork_keeps;

const MOST: usize = 5;

/// The length of a text up to the bracket that closes its first character.
fn bracketed(text: &str) -> usize {
    let mut depth = 0;
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        match c {
            '(' | '[' | '{' | '<' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            // Not in `->`.
            '>' if before != '-' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + c.len_utf8();
        }
        before = c;
    }
    text.len()
}

/// The parts between commas that are not within brackets.
fn parts(mut text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    while !text.trim().is_empty() {
        let mut end = 0;
        while let Some(c) = text[end..].chars().next().filter(|c| *c != ',') {
            end += if "([{<".contains(c) { bracketed(&text[end..]) } else { c.len_utf8() };
        }
        parts.push(text[..end].trim());
        text = text.get(end + 1..).unwrap_or_default();
    }
    parts
}

/// The number of values that a parameter names; none for `self`.
fn values(parameter: &str) -> usize {
    let pattern = parameter.split(':').next().unwrap_or_default();
    if pattern.split(|c| !is_in_name(c)).any(|word| word == "self") {
        return 0;
    }
    if parameter.starts_with('(') { parts(&parameter[1..bracketed(parameter) - 1]).len() } else { 1 }
}

/// Each function of the code with its number of values.
fn functions(code: &str) -> Vec<(&str, usize)> {
    let starts = code.match_indices("fn ").filter(|(at, _)| !code[..*at].ends_with(is_in_name));
    let function = |(at, _): (usize, &str)| {
        let rest = &code[at + "fn ".len()..];
        let (name, rest) = rest.split_at(rest.find(|c| !is_in_name(c))?);
        let rest = if rest.starts_with('<') { &rest[bracketed(rest)..] } else { rest };
        let parameters = rest.starts_with('(').then(|| &rest[1..bracketed(rest) - 1])?;
        Some((name, parts(parameters).into_iter().map(values).sum()))
    };
    starts.filter_map(function).collect()
}

#[test]
fn no_function_takes_more_than_five_values() {
    let (mut count, mut found) = (0, Vec::new());
    for path in files_that_a_fork_keeps() {
        let code = without_tests(&fs::read_to_string(&path).unwrap());
        for (name, values) in functions(&code) {
            count += 1;
            if values > MOST {
                found.push(format!("{}: {name} takes {values}", path.strip_prefix(root()).unwrap().display()));
            }
        }
    }
    assert!(count > 2_000, "found only {count} functions");
    assert!(found.is_empty(), "give values that belong together a struct:\n{}", found.join("\n"));
}

#[test]
fn each_element_of_a_tuple_is_a_value() {
    for (code, expected) in [
        ("fn a(&self, b: u32) {}", 1),
        ("fn a<T: Fn(u8) -> u8>(&mut self, (b, c): (u32, u32), d: fn(u8, u8) -> u8) {}", 3),
        ("fn a(\n    self: Arc<Self>,\n    ((b, _), c): ((u8, u8), u8),\n    d: BTreeMap<u8, u8>,\n) {}", 3),
        ("fn a() {}", 0),
    ] {
        assert_eq!(functions(code), [("a", expected)], "{code}");
    }
}
