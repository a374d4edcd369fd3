//! Checks that no sentence of a comment, message or document begins with words that hide its
//! subject.

use std::fs;

use crate::prose::strings;
use crate::real::{root, tracked};

/// Such words. A question may begin with them, and so may a heading.
const OPENINGS: [&str; 13] = [
    "How", "Likewise", "Nobody", "Of a", "Of the", "So do", "So does", "So long", "So many", "What", "Who", "Whoever",
    "Whose",
];

/// Words after "That" in a clause that is a subject, as in "That a run fails is an error". Before
/// other words it points at something, as in "That time is not counted".
const AFTER_THAT: [&str; 12] = ["a", "all", "an", "both", "each", "every", "it", "no", "one", "the", "they", "this"];

/// Lines of prose that belong together.
struct Paragraph {
    /// Number of its first line.
    line: usize,
    text: String,
}

/// The paragraphs of lines, of which code is `None`.
fn paragraphs<'a>(lines: impl Iterator<Item = Option<&'a str>>) -> Vec<Paragraph> {
    let (mut paragraphs, mut is_code, mut is_open) = (Vec::<Paragraph>::new(), false, false);
    for (line, text) in lines.enumerate() {
        let text = text.unwrap_or_default().trim();
        let is_fence = text.starts_with("```");
        is_code ^= is_fence;
        if is_code || is_fence || text.is_empty() || text.starts_with('#') {
            is_open = false;
            continue;
        }
        let item = item(text);
        match paragraphs.last_mut().filter(|_| is_open && item.is_none()) {
            Some(last) => last.text.extend([" ", text]),
            None => paragraphs.push(Paragraph { line: line + 1, text: item.unwrap_or(text).to_owned() }),
        }
        is_open = true;
    }
    paragraphs
}

/// The text of a line that begins an item of a list, or a row of a table.
fn item(text: &str) -> Option<&str> {
    let number = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let numbered = number.strip_prefix(". ").filter(|_| number.len() < text.len());
    let item = ["- ", "* ", "| "].into_iter().find_map(|mark| text.strip_prefix(mark)).or(numbered)?;
    Some(item.trim_start_matches("**"))
}

/// The sentences of a paragraph. A cell of a table is one, too.
fn sentences(text: &str) -> Vec<&str> {
    let mut starts = vec![0];
    for end in [". ", "? ", "! ", "| ", "** "] {
        starts.extend(text.match_indices(end).map(|(at, end)| at + end.len()));
    }
    starts.sort_unstable();
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    starts.iter().zip(ends).map(|(&start, end)| text[start..end].trim_matches([' ', '|', '*'])).collect()
}

fn hides_its_subject(sentence: &str) -> bool {
    let begins = |opening: &str| sentence.strip_prefix(opening).is_some_and(|rest| rest.starts_with([' ', ',']));
    let mut words = sentence.split(' ');
    let is_clause = words.next() == Some("That") && words.next().is_some_and(|word| AFTER_THAT.contains(&word));
    !sentence.ends_with('?') && (is_clause || OPENINGS.into_iter().any(begins))
}

/// The text of a line of a Rust file that is a comment.
fn comment(line: &str) -> Option<&str> {
    line.trim_start().strip_prefix("//").map(|text| text.trim_start_matches(['/', '!']))
}

#[test]
fn sentences_begin_with_their_subject() {
    let mut wrong = Vec::new();
    for path in ["*.rs", "*.md"].into_iter().flat_map(tracked).filter(|path| !path.ends_with("it/openings.rs")) {
        let text = fs::read_to_string(root().join(&path)).unwrap();
        let is_code = path.ends_with(".rs");
        let strings = if is_code { strings(&text) } else { Vec::new() };
        let strings = strings.into_iter().map(|(line, text)| Paragraph { line, text });
        let lines = text.lines().map(|line| if is_code { comment(line) } else { Some(line) });
        for paragraph in paragraphs(lines).into_iter().chain(strings) {
            let found = sentences(&paragraph.text).into_iter().filter(|sentence| hides_its_subject(sentence));
            wrong.extend(found.map(|sentence| format!("{path}:{}: {sentence}", paragraph.line)));
        }
    }
    assert!(wrong.is_empty(), "begin with the subject of the sentence:\n{}", wrong.join("\n"));
}

#[test]
fn a_hidden_subject_is_found_in_each_form() {
    let count = |text: &str| {
        let sentences = paragraphs(text.lines().map(Some)).into_iter();
        sentences
            .map(|it| self::sentences(&it.text).into_iter().filter(|it| hides_its_subject(it)).count())
            .sum::<usize>()
    };
    for text in [
        "How it failed.",
        "A rule. What is due\nis sent.",
        "- Who reads it, knows.",
        "2. So does a thread.",
        "| a | How it works |",
        "That a run\nfails is an error.",
        "**Base.** Of the rest nothing is known.",
    ] {
        assert_eq!(count(text), 1, "{text}");
    }
    for text in [
        "# How to test",
        "How does it fail?",
        "| Load | How much load was there, and\nwas it planned? |",
        "That time is not counted. Whole runs are.",
        "```text\nHow it failed.\n```",
        "A run says what it did, and how. Howl.",
    ] {
        assert_eq!(count(text), 0, "{text}");
    }
}
