//! The English of comments, messages and documents, as far as a test can check it.

use std::fs;

use crate::real::{root, tracked};

const MOST_COLUMNS: usize = 100;

/// Phrases that a reader has to decode, and the words of other glossaries. Lower case.
const PHRASES: &[&str] = &[
    "as likely as not",
    "be had",
    "comes to its end",
    "insist",
    "insists",
    "is mended",
    "is said",
    "is told",
    "likewise",
    "may rightly",
    "nobody asks",
    "nobody else",
    "nobody is",
    "nobody knows",
    "nobody listens",
    "nobody reads",
    "nobody said",
    "nobody waits",
    "of every day",
    "per cent",
    "said again",
    "seen to",
    "so manieth",
    "so many",
    "stand-in",
    "take away",
    "takes away",
    "taken away",
    "take turns",
    "takes turns",
    "taking turns",
    "that is none",
    "to mend",
    "turn by turn",
    "was said",
    "was told",
    "whoever",
    "whom",
];

/// Words for which the glossary has another: "response", "reply" or "result". Lower case, at the
/// start of a word of prose or code.
const OTHER_WORDS: &[&str] = &["answer"];

/// Words after "is no" and "are no" that do not name a thing.
const AFTER_NO: &[&str] = &["less", "longer", "more"];

/// British spellings. Lower case, at the start of a word.
const BRITISH: &[&str] = &[
    "artefact",
    "behaviour",
    "cancelled",
    "colour",
    "favour",
    "honour",
    "labelled",
    "licence",
    "modelled",
    "neighbour",
    "normalise",
    "optimise",
    "organise",
    "recognise",
    "summarise",
    "towards",
    "travelled",
    "utilise",
];

/// A line of prose, and where it stands.
struct Line {
    place: String,
    text: String,
}

/// Comments and string literals of Rust files, and lines of documents.
fn prose() -> Vec<Line> {
    let mut lines = Vec::new();
    for path in tracked("*.rs") {
        // These files have the phrases.
        if path.ends_with("it/prose.rs") || path.ends_with("it/openings.rs") {
            continue;
        }
        let text = fs::read_to_string(root().join(&path)).unwrap();
        let comments = text.lines().enumerate().filter_map(|(at, line)| {
            let comment = line.trim_start().strip_prefix("//")?;
            Some((at + 1, comment.trim_start_matches(['/', '!']).trim().to_owned()))
        });
        let line = |(number, text)| Line { place: format!("{path}:{number}"), text };
        lines.extend(comments.chain(strings(&text)).map(line));
    }
    for path in tracked("*.md") {
        let text = fs::read_to_string(root().join(&path)).unwrap();
        let lines_of = text.lines().enumerate();
        let line =
            |(number, line): (usize, &str)| Line { place: format!("{path}:{}", number + 1), text: line.to_owned() };
        lines.extend(lines_of.map(line));
    }
    lines
}

/// String literals of Rust code with the numbers of their lines. One that goes on in the next line
/// is one literal.
pub(crate) fn strings(code: &str) -> Vec<(usize, String)> {
    let (mut lines, mut is_open) = (Vec::<(usize, String)>::new(), false);
    for (at, line) in code.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
        let text = line.trim_end_matches('\\').replace("\\\"", "'").replace("'\"'", "' '");
        match lines.last_mut().filter(|_| is_open) {
            Some((_, last)) => last.push_str(text.trim_start()),
            None => lines.push((at + 1, text)),
        }
        is_open = line.ends_with('\\');
    }
    let literals = |(number, line): (usize, String)| {
        let texts: Vec<_> = line.split('"').skip(1).step_by(2).map(|text| (number, text.to_owned())).collect();
        texts
    };
    lines.into_iter().flat_map(literals).collect()
}

fn is_end(c: Option<char>) -> bool {
    c.is_none_or(|c| !c.is_alphanumeric())
}

/// Whether a text has a phrase as whole words.
fn has_phrase(text: &str, phrase: &str) -> bool {
    text.match_indices(phrase).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + phrase.len()..]);
        is_end(before.chars().next_back()) && is_end(after.chars().next())
    })
}

/// Whether a text has "is no" or "are no" for "is not a". "There is no report" is plain English,
/// and "this is no report" is not.
fn has_is_no(text: &str) -> bool {
    ["is no ", "are no "].iter().any(|phrase| {
        text.match_indices(phrase).any(|(at, _)| {
            let (before, after) = (&text[..at], &text[at + phrase.len()..]);
            let word = after.split(|c: char| !c.is_ascii_lowercase()).next().unwrap_or_default();
            let is_plain = before.is_empty() || before.ends_with("there ") || AFTER_NO.contains(&word);
            is_end(before.chars().next_back()) && !word.is_empty() && !is_plain
        })
    })
}

#[test]
fn a_negated_noun_is_found_in_each_form() {
    for text in ["this is no report", "they are no text.", "a path that is no url"] {
        assert!(has_is_no(text), "{text}");
    }
    for text in ["there is no report", "is no longer set", "it is no more", "this is nothing", "are not text"] {
        assert!(!has_is_no(text), "{text}");
    }
}

#[test]
fn a_string_of_two_lines_is_one_literal() {
    let code = "let a = \"one \\\n    two\";\n// \"none\"\nf(\"a\\\"b\", 'c');";
    assert_eq!(strings(code), [(1, "one two".to_owned()), (4, "a'b".to_owned())]);
}

#[test]
fn comments_messages_and_documents_are_plain_english() {
    let mut wrong = Vec::new();
    for Line { place, text } in prose() {
        let lower = text.to_lowercase();
        for phrase in PHRASES.iter().filter(|phrase| has_phrase(&lower, phrase)) {
            wrong.push(format!("{place}: {phrase:?}: {text}"));
        }
        if has_is_no(&lower) {
            wrong.push(format!("{place}: write \"is not a\": {text}"));
        }
        let words = || lower.split(|c: char| !c.is_alphabetic());
        for word in BRITISH.iter().filter(|word| words().any(|known| known.starts_with(**word))) {
            wrong.push(format!("{place}: {word:?} is British: {text}"));
        }
    }
    assert!(wrong.is_empty(), "{} phrases, see the style of other comments:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn code_and_documents_use_the_words_of_the_glossary() {
    let mut wrong = Vec::new();
    for path in tracked("*.rs").into_iter().chain(tracked("*.md")).filter(|path| !path.ends_with("it/prose.rs")) {
        let text = fs::read_to_string(root().join(&path)).unwrap().to_lowercase();
        for (number, line) in text.lines().enumerate() {
            let has = |word: &&&str| line.split(|c: char| !c.is_alphabetic()).any(|known| known.starts_with(**word));
            wrong.extend(OTHER_WORDS.iter().find(has).map(|word| format!("{path}:{}: {word}", number + 1)));
        }
    }
    assert!(wrong.is_empty(), "use the word of the glossary:\n{}", wrong.join("\n"));
}

#[test]
fn names_of_functions_are_plain_english() {
    let mut wrong = Vec::new();
    for path in tracked("*.rs") {
        let text = fs::read_to_string(root().join(&path)).unwrap();
        let names = text.split("fn ").skip(1).filter_map(|rest| rest.split(['(', '<']).next());
        for name in names {
            let is_not_said = name.contains("_is_no_") || name.contains("_are_no_");
            if is_not_said || ["what_", "who_", "that_"].iter().any(|opening| name.starts_with(opening)) {
                wrong.push(format!("{path}: {name}"));
            }
        }
    }
    assert!(wrong.is_empty(), "write \"is not a\", and begin with a noun or verb: {wrong:#?}");
}

/// Whether a line before the name of a function makes it a test.
fn is_test(before: &str) -> bool {
    let above = before.rsplit_once('\n').map_or("", |(above, _)| above);
    let lines = above.lines().rev().map(str::trim);
    lines.take_while(|line| line.starts_with("#[")).any(|line| line.contains("test]") || line.contains("test("))
}

#[test]
fn names_of_tests_have_at_most_12_words() {
    const MOST_WORDS: usize = 12;
    let (mut wrong, mut count) = (Vec::new(), 0);
    for path in tracked("*.rs") {
        let text = fs::read_to_string(root().join(&path)).unwrap();
        for (at, _) in text.match_indices("fn ").filter(|(at, _)| is_test(&text[..*at])) {
            let name = text[at + 3..].split('(').next().unwrap_or_default();
            count += 1;
            if name.split('_').count() > MOST_WORDS {
                wrong.push(format!("{path}: {name}"));
            }
        }
    }
    assert!(count > 900, "found only {count} tests");
    assert!(wrong.is_empty(), "a name is a claim of at most {MOST_WORDS} words:\n{}", wrong.join("\n"));
}

#[test]
fn comments_are_at_most_100_columns_wide() {
    let mut wide = Vec::new();
    for path in tracked("*.rs") {
        let text = fs::read_to_string(root().join(&path)).unwrap();
        for (number, line) in text.lines().enumerate() {
            // A link cannot be broken.
            if line.trim_start().starts_with("//") && line.chars().count() > MOST_COLUMNS && !line.contains("http") {
                wide.push(format!("{}:{}", path, number + 1));
            }
        }
    }
    assert!(wide.is_empty(), "{} lines: {}", wide.len(), wide.join(", "));
}
