//! The documents agree with the repository: links, commands, flags, settings, shown code, widths.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use perf_settings::{Setting, SettingValue, all_settings};

use crate::real::{root, run, tracked, xtask};

const MOST_COLUMNS: usize = 100;

/// Limit on a row of a table, without the targets of its links: a row cannot be broken.
const MOST_COLUMNS_OF_A_ROW: usize = 120;

/// Pages with tables that a command writes.
const WRITTEN: [&str; 3] = ["perf-tests/SETTINGS.md", "xtask/FAULTS.md", "xtask/TESTED.md"];

/// A Markdown file of the repository, by its path from the root.
struct Document {
    path: String,
    text: String,
}

/// A line of a document, and whether it is in a fenced code block.
struct Line<'a> {
    number: usize,
    text: &'a str,
    is_code: bool,
}

fn documents() -> Vec<Document> {
    let documents: Vec<_> = tracked("*.md").iter().map(|name| document(name)).collect();
    assert!(documents.len() > 10, "found only {} documents", documents.len());
    documents
}

fn document(path: &str) -> Document {
    Document { path: path.to_owned(), text: fs::read_to_string(root().join(path)).unwrap() }
}

impl Document {
    fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        let mut is_code = false;
        self.text.lines().enumerate().map(move |(at, text)| {
            let is_fence = text.trim_start().starts_with("```");
            is_code ^= is_fence;
            Line { number: at + 1, text, is_code: is_code || is_fence }
        })
    }

    fn at(&self, line: &Line<'_>) -> String {
        format!("{}:{}", self.path, line.number)
    }
}

/// The text outside of code spans, and the code spans.
fn spans(line: &str) -> (String, Vec<&str>) {
    let parts = || line.split('`').enumerate();
    let prose = parts().filter(|(at, _)| at % 2 == 0).map(|(_, part)| part).collect::<Vec<_>>().join(" ");
    (prose, parts().filter(|(at, _)| at % 2 == 1).map(|(_, part)| part).collect())
}

/// Targets of the links in a paragraph, whose lines may be broken within a link's text.
fn links(text: &str) -> Vec<&str> {
    let ends = text.match_indices("](").map(|(at, open)| &text[at + open.len()..]);
    ends.filter_map(|rest| Some(rest.split_once(')')?.0)).collect()
}

/// A heading's fragment, as GitHub makes it.
fn fragment(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
}

fn fragments(document: &Document) -> BTreeSet<String> {
    let headings = document.lines().filter(|line| !line.is_code && line.text.starts_with('#'));
    headings.map(|line| fragment(line.text.trim_start_matches('#'))).collect()
}

/// A path without `.` and `..`, relative to the root.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(normal.pop()),
            Component::CurDir => {}
            other => normal.push(other),
        }
    }
    normal
}

#[test]
fn every_relative_link_leads_to_a_file_and_a_heading() {
    let documents = documents();
    let (mut wrong, mut linked) = (Vec::new(), BTreeSet::new());
    for document in &documents {
        for line in document.lines().filter(|line| !line.is_code) {
            for link in links(line.text).into_iter().filter(|link| !link.contains("://")) {
                let (file, heading) = link.split_once('#').map_or((link, None), |(file, part)| (file, Some(part)));
                let folder = Path::new(&document.path).parent().unwrap();
                let path = if file.is_empty() { PathBuf::from(&document.path) } else { normal(&folder.join(file)) };
                if !root().join(&path).exists() {
                    wrong.push(format!("{}: {link}: there is no such file", document.at(&line)));
                    continue;
                }
                let found = documents.iter().find(|other| Path::new(&other.path) == path);
                let has = |part: &str| found.is_some_and(|other| fragments(other).contains(part));
                if heading.is_some_and(|part| !has(part)) {
                    wrong.push(format!("{}: {link}: there is no such heading", document.at(&line)));
                }
                if path != Path::new(&document.path) {
                    linked.insert(path);
                }
            }
        }
    }
    let others = documents.iter().filter(|document| document.path != "README.md");
    let alone = others.filter(|document| !linked.contains(Path::new(&document.path)));
    wrong.extend(alone.map(|document| format!("{}: no document links to it", document.path)));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The help of commands, each asked for once.
#[derive(Default)]
struct Helps(BTreeMap<Vec<String>, String>);

impl Helps {
    fn get(&mut self, command: &[String]) -> &str {
        self.0.entry(command.to_vec()).or_insert_with(|| {
            let words: Vec<_> = command.iter().map(String::as_str).chain(["--help"]).collect();
            let said = run(&mut xtask(&words));
            assert_eq!(said.code, 0, "{words:?}: {}", said.text);
            said.text
        })
    }

    /// The subcommands of a command, by its help.
    fn subcommands(&mut self, command: &[String]) -> BTreeSet<String> {
        let help = self.get(command);
        let Some((_, list)) = help.split_once("\nCommands:\n") else { return BTreeSet::new() };
        let lines = list.lines().take_while(|line| line.starts_with("  "));
        lines.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
    }

    fn has_flag(&mut self, command: &[String], flag: &str) -> bool {
        let help = self.get(command);
        let is_end = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '-');
        help.match_indices(flag).any(|(at, _)| is_end(&help[at + flag.len()..]))
    }

    /// Commands and flags that do not exist in a command line after `cargo xtask`.
    fn missing(&mut self, line: &str) -> Vec<String> {
        // Quoted text is another program's.
        let line = ['\'', '"']
            .iter()
            .fold(line.to_owned(), |line, quote| line.split(*quote).step_by(2).collect::<Vec<_>>().join(" "));
        let line = line.split(['#', '|', '&', ';']).next().unwrap_or_default();
        let words = line.split_whitespace().map(|word| word.trim_matches(['(', ')', ',', '.', '[', ']']));
        let mut words = words.take_while(|word| *word != "--").peekable();
        let (mut command, mut missing) = (Vec::new(), Vec::new());
        let is_name = |word: &str| word.starts_with(|c: char| c.is_ascii_lowercase());
        while let Some(word) = words.next_if(|word| is_name(word)) {
            let known = self.subcommands(&command);
            if known.contains(word) {
                command.push(word.to_owned());
                continue;
            }
            // A word after a command without subcommands is an argument.
            if command.is_empty() {
                missing.push(word.to_owned());
                return missing;
            }
            break;
        }
        for word in words.filter(|word| word.starts_with("--")) {
            let flag = word.split('=').next().unwrap_or_default();
            if !command.is_empty() && !self.has_flag(&command, flag) {
                missing.push(format!("{} {flag}", command.join(" ")));
            }
        }
        missing
    }
}

#[test]
fn every_command_in_a_document_exists_with_its_flags() {
    const CALL: &str = "cargo xtask ";
    let (mut helps, mut wrong, mut checked) = (Helps::default(), Vec::new(), 0);
    for document in documents() {
        for line in document.lines() {
            let code = if line.is_code { vec![line.text] } else { spans(line.text).1 };
            for call in code.into_iter().filter_map(|code| Some(code.split_once(CALL)?.1)) {
                checked += 1;
                wrong.extend(helps.missing(call).iter().map(|missing| format!("{}: {missing}", document.at(&line))));
            }
        }
    }
    assert!(wrong.is_empty() && checked > 100, "{checked} checked; not there:\n{}", wrong.join("\n"));
}

/// The length of a row without the targets of its links.
fn shown_columns(row: &str) -> usize {
    let targets: usize = links(row).iter().map(|target| target.chars().count()).sum();
    row.chars().count() - targets
}

/// A line that is nothing but a link or a picture cannot be broken.
fn is_link_alone(text: &str) -> bool {
    let text = text.trim_start_matches([' ', '-', '*', '!']);
    text.starts_with('[') && text.ends_with(')') && text.matches("](").count() == 1
}

#[test]
fn lines_of_documents_fit_their_width() {
    let mut wrong = Vec::new();
    for document in documents() {
        for line in document.lines().filter(|line| line.is_code || !is_link_alone(line.text)) {
            let is_row = !line.is_code && line.text.starts_with('|');
            let (columns, most) = match is_row {
                true => (shown_columns(line.text), MOST_COLUMNS_OF_A_ROW),
                false => (line.text.chars().count(), MOST_COLUMNS),
            };
            let is_written = is_row && WRITTEN.contains(&&*document.path);
            if columns > most && !is_written {
                wrong.push(format!("{}: {columns} columns, at most {most}", document.at(&line)));
            }
        }
    }
    assert!(wrong.is_empty(), "break these lines:\n{}", wrong.join("\n"));
}

#[test]
fn the_readme_shows_the_scenario_as_it_is() {
    let scenario = fs::read_to_string(root().join("perf-tests/tests/load/basic.rs")).unwrap();
    let shown = &scenario[scenario.find("#[test]").unwrap()..];
    assert!(document("README.md").text.contains(shown), "README.md shows another basic.rs");
}

/// A setting as a row: flags, variables, and the first sentence of its help.
fn row(setting: &Setting) -> String {
    let code = |text: String| format!("`{text}`");
    let value = match setting.value {
        SettingValue::Switch => String::new(),
        SettingValue::One(name) | SettingValue::Many(name, _) | SettingValue::PerHost(name) => format!(" {name}"),
    };
    let short = setting.short.map(|short| code(format!("-{short}")));
    let long = setting.flag.map(|flag| code(format!("--{flag}{value}")));
    let flags: Vec<_> = short.into_iter().chain(long).collect();
    let variables: Vec<_> = setting.variables.iter().map(|name| code((*name).to_owned())).collect();
    let help = setting.full_help();
    let help = help.split(". ").next().unwrap();
    format!("| {} | {} | {help} |\n", flags.join(", "), variables.join(", "))
}

#[test]
fn the_page_of_settings_lists_every_setting() {
    const PATH: &str = "perf-tests/SETTINGS.md";
    let rows: String = all_settings().map(row).collect();
    let document = document(PATH);
    let (_, rest) = document.text.split_once("<!-- settings -->\n").unwrap();
    let (shown, _) = rest.split_once("<!-- end of settings -->").unwrap();
    let expected = format!("\n| flag | variable | what it sets |\n|---|---|---|\n{rows}\n");
    assert!(shown == expected, "{PATH} lists other settings. Put this between its markers:\n{expected}");
}

#[test]
fn the_documents_name_only_images_that_the_stack_pulls() {
    let pulled = fs::read_to_string(root().join("xtask/src/stack/images.rs")).unwrap();
    let mut found = 0;
    for document in documents() {
        let words = document.text.split(|c: char| c.is_whitespace() || "`\"'(),|".contains(c));
        let images =
            words.filter(|word| ["prom/prometheus:", "grafana/grafana:"].iter().any(|it| word.starts_with(it)));
        for image in images {
            found += 1;
            assert!(pulled.contains(&format!("\"{image}\"")), "{} names another image: {image}", document.path);
        }
    }
    assert!(found >= 2, "no document names the images");
}

#[test]
fn a_command_line_is_read_as_a_shell_would() {
    let mut helps = Helps::default();
    assert_eq!(helps.missing("perf basic --vus 5 -d 5s # --nothing"), Vec::<String>::new());
    assert_eq!(helps.missing("perf --no-such-flag=1"), ["perf --no-such-flag"]);
    assert_eq!(helps.missing("stack up --yes"), ["stack up --yes"]);
    assert_eq!(helps.missing("pref"), ["pref"]);
    assert_eq!(helps.missing("perf --start './server --port 1'"), Vec::<String>::new());
    assert_eq!(fragment(" Networks, ports, images"), "networks-ports-images");
}
