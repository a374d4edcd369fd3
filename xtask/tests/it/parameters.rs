//! Checks that no function takes more than five values with `self`, or values in a tuple: values
//! that belong together have a struct.

use std::fs;

use crate::modules::{is_in_name, without_tests};
use crate::real::root;
use crate::structure::files_that_a_fork_keeps;

const MOST: usize = 5;
/// A method of a trait of rustls.
const NOT_OURS: &str = "verify_server_cert";

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

/// The number of values that a parameter names.
fn values(parameter: &str) -> usize {
    if parameter.starts_with('(') { parts(&parameter[1..bracketed(parameter) - 1]).len() } else { 1 }
}

/// Whether the type of a parameter is a tuple without a name.
fn is_tuple(parameter: &str) -> bool {
    let pattern = if parameter.starts_with('(') { bracketed(parameter) } else { 0 };
    let Some((_, of)) = parameter[pattern..].split_once(':') else { return false };
    let of = of.trim_start().trim_start_matches('&').trim_start_matches("mut ");
    of.starts_with('(') && parts(&of[1..bracketed(of) - 1]).len() > 1
}

/// Each function of the code with its parameters.
fn functions(code: &str) -> Vec<(&str, Vec<&str>)> {
    let starts = code.match_indices("fn ").filter(|(at, _)| !code[..*at].ends_with(is_in_name));
    let function = |(at, _): (usize, &str)| {
        let rest = &code[at + "fn ".len()..];
        let (name, rest) = rest.split_at(rest.find(|c| !is_in_name(c))?);
        let rest = if rest.starts_with('<') { &rest[bracketed(rest)..] } else { rest };
        let parameters = rest.starts_with('(').then(|| &rest[1..bracketed(rest) - 1])?;
        Some((name, parts(parameters)))
    };
    starts.filter_map(function).collect()
}

#[test]
fn functions_take_at_most_five_values_and_no_tuples() {
    let (mut count, mut found) = (0, Vec::new());
    for path in files_that_a_fork_keeps() {
        let code = without_tests(&fs::read_to_string(&path).unwrap());
        for (name, parameters) in functions(&code) {
            count += 1;
            let values = parameters.iter().copied().map(values).sum::<usize>();
            let place = || format!("{}: {name}", path.strip_prefix(root()).unwrap().display());
            if values > MOST && name != NOT_OURS {
                found.push(format!("{} takes {values}", place()));
            }
            let tuples = parameters.iter().filter(|parameter| is_tuple(parameter));
            found.extend(tuples.map(|parameter| format!("{} takes {parameter}", place())));
        }
    }
    assert!(count > 2_000, "found only {count} functions");
    assert!(found.is_empty(), "give values that belong together a struct:\n{}", found.join("\n"));
}

#[test]
fn each_element_of_a_tuple_is_a_value() {
    for (code, expected, tuples) in [
        ("fn a(&self, b: u32) {}", 2, 0),
        ("fn a<T: Fn(u8) -> u8>(&mut self, (b, c): (u32, u32), d: fn(u8, u8) -> u8) {}", 4, 1),
        ("fn a(\n    self: Arc<Self>,\n    ((b, _), c): ((u8, u8), u8),\n    d: BTreeMap<u8, u8>,\n) {}", 4, 1),
        ("fn a(b: &mut (u8, u8), (c, d): &Pair, e: &mut (impl Read + Unpin), f: ()) {}", 5, 1),
        ("fn a() {}", 0, 0),
    ] {
        let [(name, parameters)] = functions(code).try_into().unwrap();
        assert_eq!(name, "a");
        assert_eq!(parameters.iter().copied().map(values).sum::<usize>(), expected, "{code}");
        assert_eq!(parameters.into_iter().filter(|it| is_tuple(it)).count(), tuples, "{code}");
    }
}
