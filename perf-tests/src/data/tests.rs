//! Tests of rows and secrets: formats, orders, and bad input.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::order::Order;
use super::*;

#[derive(Debug, Deserialize, PartialEq)]
struct Student {
    name: String,
    age: u8,
}

fn path(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("perf-tests-{}-{name}", std::process::id()))
}

/// Whether the rows stay in the file or are kept in memory.
const BOTH: [u64; 2] = [0, u64::MAX];

fn opened(name: &str, text: impl AsRef<[u8]>, max_in_memory: u64) -> Result<Feeder, String> {
    let path = path(name);
    fs::write(&path, text).unwrap();
    let feeder = Feeder::open_with(&path, max_in_memory);
    // The rows of an open file can be read, even if it has no name any more.
    fs::remove_file(&path).unwrap();
    feeder.map_err(|error| error.to_string())
}

fn students(feeder: &Feeder, count: u64) -> Vec<String> {
    (0..count)
        .map(|number| feeder.take::<Student>(number, 1).unwrap())
        .map(|it| format!("{}{}", it.name, it.age))
        .collect()
}

#[test]
fn every_format_gives_the_same_rows() {
    for (name, text) in [
        ("a.csv", "name,age\nAda,36\n\n\"Bo,b\",7\n"),
        ("bom.csv", "\u{feff}name,age\r\nAda,36\r\n\"Bo,b\",7"),
        ("turned.CSV", "age,name\n36,Ada\n7,\"Bo,b\"\n"),
        ("unnamed.csv", "name,age,,\nAda,36,,\n\"Bo,b\",7,,\n"),
        ("end.csv", "name,age\nAda,36\n\"Bo,b\",\"7\"\n\n"),
        ("a.jsonl", "\u{feff}{\"name\":\"Ada\",\"age\":36}\n\n{\"name\":\"Bo,b\",\"age\":7}"),
        ("a.ndjson", "\n{\"name\":\"Ada\",\"age\":36}\r\n{\"name\":\"Bo,b\",\"age\":7}\r\n"),
        ("a.json", "\u{feff}[{\"name\":\"Ada\",\"age\":36},\n{\"name\":\"Bo,b\",\"age\":7}]"),
    ] {
        for feeder in BOTH.map(|max| opened(name, text, max).unwrap()) {
            let expected = (2, vec!["Ada36".to_owned(), "Bo,b7".to_owned()]);
            assert_eq!((feeder.len(), students(&feeder, 2)), expected, "{name}");
        }
    }
}

#[test]
fn a_row_of_csv_as_json_is_an_object_of_strings() {
    let feeder = opened("value.csv", "name,age\nAda,036\n\"Bo,b\",\n", u64::MAX).unwrap();
    let rows = [0, 1].map(|number| feeder.take::<Value>(number, 1).unwrap());
    assert_eq!(rows, [json!({ "name": "Ada", "age": "036" }), json!({ "name": "Bo,b", "age": "" })]);
}

#[test]
fn rows_are_found_across_blocks_with_quoted_line_ends() {
    let rows: String = (0..1000).map(|row| format!("\"a\n{row}\",{}\r\n", row % 100)).collect();
    for feeder in BOTH.map(|max| opened("blocks.csv", format!("\u{feff}name,age\r\n{rows}"), max).unwrap()) {
        for row in (0..1000).rev() {
            let student: Student = feeder.take(row, 1).unwrap();
            assert_eq!(student, Student { name: format!("a\n{row}"), age: u8::try_from(row % 100).unwrap() });
        }
    }
}

#[test]
fn a_byte_order_mark_within_a_file_is_text_of_its_row() {
    for feeder in
        BOTH.map(|max| opened("marks.csv", format!("name,age\n{}", "\u{feff}Ada,36\n".repeat(100)), max).unwrap())
    {
        assert!(students(&feeder, 100).iter().all(|student| student == "\u{feff}Ada36"));
    }
}

#[test]
fn only_the_rows_of_a_large_file_change_with_it() {
    for (name, text) in [("changed.csv", "name,age\nAda,36\n"), ("changed.jsonl", "{\"name\":\"Ada\",\"age\":36}\n")] {
        let path = path(name);
        fs::write(&path, text).unwrap();
        let [large, small] = BOTH.map(|max| Feeder::open_with(&path, max).unwrap());
        assert_eq!(students(&large, 1), ["Ada36"]);
        let file = fs::OpenOptions::new().append(true).open(&path).unwrap();
        let len = text.len() as u64;
        for (size, modified, change) in [
            (len, 2, "it was written to".to_owned()),
            (len - 1, 1, format!("it had {len} bytes, and has {} now", len - 1)),
            (len + 1, 1, format!("it had {len} bytes, and has {} now", len + 1)),
        ] {
            file.set_len(size).unwrap();
            file.set_modified(UNIX_EPOCH + Duration::from_secs(modified)).unwrap();
            assert_eq!(students(&small, 1), ["Ada36"]);
            let error = large.take::<Student>(0, 1).unwrap_err().to_string();
            let begin = format!("data file {} has changed since it was opened: ", path.display());
            assert_eq!(error, format!("{begin}{change}; do not write to it during a run"));
        }
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn bad_files_are_named_with_their_line() {
    for (name, text, expected) in [
        ("ragged.csv", "name,age\nAda,36\nBob\n", "line 3: 1 field, but the first line has 2"),
        ("long.csv", "name,age\nAda,36,1\n", "line 2: 3 fields, but the first line has 2"),
        ("excel.csv", "\u{feff}name;age\r\nAda;36\r\n", "line 1: one column with the name \"name;age\": save the file"),
        ("tabs.csv", "name\tage\nAda\t36\n", "line 1: one column with the name \"name\\tage\": save the file"),
        ("open.csv", "name,age\nAda,36\nBob,\"7\nEve,8\n", "line 3: a field begins with a quote and never ends"),
        ("open-names.csv", "\u{feff}\"name,age\nAda,36\n", "line 1: a field begins with a quote and never ends"),
        ("twice.csv", "name,age,name\nAda,36,Bo\n", "line 1: two columns have the name \"name\": rename or remove one"),
        ("empty.csv", "", "it has no rows"),
        ("names.csv", "\u{feff}name,age\n", "it has no rows"),
        ("empty.jsonl", "\u{feff}\n \n", "it has no rows"),
        ("blank.jsonl", "\n \n", "it has no rows"),
        ("broken.jsonl", "{}\n\n{\"a\":\n", "line 3: not JSON: EOF while parsing a value."),
        ("empty.json", "[]", "it has no rows"),
        ("cut.json", "[{\"a\":\n1\n", "line 2: not a JSON array of rows: EOF while parsing an object."),
        ("object.json", "{\"a\":\n1}", "line 1: not a JSON array of rows: invalid type: map, expected a sequence."),
        ("rows.txt", "a", "its name does not end in"),
    ] {
        for error in BOTH.map(|max| opened(name, text, max).unwrap_err()) {
            let begins = error.starts_with(&format!("data file {}: ", path(name).display()));
            assert!(begins && format!("{error}.").contains(expected), "{error}");
        }
    }
    let missing = Feeder::open("no-such-file.csv").unwrap_err().to_string();
    assert!(missing.contains("perf-tests/data/no-such-file.csv: No such file"), "{missing}");
    let folder = path("folder.csv");
    std::fs::create_dir_all(&folder).unwrap();
    assert!(Feeder::open(&folder).unwrap_err().to_string().ends_with("folder.csv: it is not a file"));
}

#[test]
fn text_that_no_row_can_have_is_refused_with_its_line() {
    let lines = |first: &str, good: &str, bad: &[u8]| {
        [first, &good.repeat(1998), ""]
            .concat()
            .into_bytes()
            .into_iter()
            .chain(bad.iter().copied())
            .collect::<Vec<u8>>()
    };
    for (name, text, expected) in [
        ("latin.csv", lines("name,age\n", "Ada,36\n", b"Jos\xe9,7\n"), "line 2000: not UTF-8"),
        ("latin.jsonl", lines("{}\n", "{}\n", b"{\"name\":\"Jos\xe9\"}\n"), "line 2000: not UTF-8"),
        ("latin.json", lines("[{}\n", ",{}\n", b",\"Jos\xe9\"]"), "line 2000: not a JSON array of rows"),
        ("half.jsonl", lines("{}\n", "{}\n", b"{\"name\":\"\\ud800\"}\n"), "line 2000: not JSON"),
    ] {
        for error in BOTH.map(|max| opened(name, &text, max).unwrap_err()) {
            assert!(error.contains(expected), "{name}: {error}");
        }
    }
}

#[test]
fn a_row_of_another_type_is_named_with_its_number() {
    let rows: String = (0..200).map(|row| format!("a,{row}\n")).collect();
    for feeder in BOTH.map(|max| opened("type.csv", format!("name,age\n{rows}a,900\n"), max).unwrap()) {
        let error = feeder.take::<Student>(200, 1).unwrap_err().to_string();
        assert!(error.contains("row 201 of data file ") && error.contains("field \"age\": "), "{error}");
    }
}

#[test]
fn rows_run_out_unless_they_cycle() {
    let one = opened("one.csv", "name,age\nAda,36\n", u64::MAX).unwrap().take::<Student>(1, 1).unwrap_err();
    assert!(one.to_string().starts_with("all rows (1 row) of data file "), "{one}");
    let feeder = opened("out.csv", "name,age\nAda,36\nBob,7\n", u64::MAX).unwrap();
    let error = feeder.take::<Student>(2, 1).unwrap_err();
    assert!(matches!(error, FeederError::Exhausted { len: 2, .. }) && error.to_string().contains("call .cycle()"));
    let feeder = feeder.shuffled();
    assert!(matches!(feeder.take::<Student>(2, 1), Err(FeederError::Exhausted { .. })));
    let feeder = feeder.cycle();
    assert_eq!(students(&feeder, 20).iter().filter(|it| *it == "Ada36").count(), 10);
}

#[test]
fn shuffled_rows_are_each_taken_once_by_the_seed() {
    for len in [1, 2, 3, 64, 65, 1000, 4097] {
        let order = |seed| (0..len).map(move |number| Order::Shuffled.index(number, len, seed));
        assert_eq!(order(1).collect::<BTreeSet<_>>(), (0..len).collect::<BTreeSet<_>>(), "{len}");
        assert!(len < 64 || order(1).collect::<Vec<_>>() != order(2).collect::<Vec<_>>());
        assert!(len < 64 || order(1).collect::<Vec<_>>() != (0..len).collect::<Vec<_>>());
    }
    let random: Vec<_> = (0..10_000).map(|number| Order::Random.index(number, 10, 1)).collect();
    for row in 0..10 {
        let count = random.iter().filter(|it| **it == row).count();
        assert!((850..1150).contains(&count), "row {row} was taken {count} times of 10000");
    }
}

#[test]
fn a_long_row_costs_only_its_own_bytes() {
    const LONG: usize = 100 << 10;
    // Short rows before, between and after long ones, and an empty line.
    let name = |row: usize| {
        format!("{row}{}", "x".repeat(if (70..170).contains(&row) && !row.is_multiple_of(3) { LONG } else { 0 }))
    };
    let object = |row| format!("{{\"name\":\"{}\",\"age\":1}}", name(row));
    let rows = |format: &dyn Fn(usize) -> String, between: &str| (0..300).map(format).collect::<Vec<_>>().join(between);
    for (file, text) in [
        ("long-rows.csv", format!("name,age\n{}", rows(&|row| format!("{},1", name(row)), "\n\n"))),
        ("long-rows.jsonl", rows(&object, "\n\n")),
        ("long-rows.json", format!("[{}]", rows(&object, ","))),
    ] {
        for feeder in BOTH.map(|max| opened(file, &text, max).unwrap()) {
            for row in 0..300 {
                let mut student = None;
                let counted = allocation_counter::measure(|| student = feeder.take::<Student>(row as u64, 1).ok());
                assert_eq!(student, Some(Student { name: name(row), age: 1 }), "{file}");
                let bytes = counted.bytes_max;
                assert!(bytes < 8 * LONG as u64, "row {row} of {file} takes {bytes} bytes");
            }
        }
    }
}

#[test]
fn ten_million_rows_take_less_than_three_mebibytes() {
    let path = path("many.csv");
    let mut file = BufWriter::new(fs::File::create(&path).unwrap());
    file.write_all(b"name,age\n").unwrap();
    (0..10_000_000).try_for_each(|row| writeln!(file, "{row},1")).unwrap();
    file.into_inner().unwrap();
    let mut feeder = None;
    let counted = allocation_counter::measure(|| feeder = Some(Feeder::open(&path).unwrap()));
    fs::remove_file(&path).unwrap();
    let feeder = feeder.unwrap().shuffled();
    assert_eq!(feeder.len(), 10_000_000);
    assert!(counted.bytes_current < 3 << 20, "{} bytes stay", counted.bytes_current);
    assert!(counted.bytes_max < 6 << 20, "{} bytes at a time", counted.bytes_max);
    let taken: BTreeSet<_> = (0..1000).map(|number| feeder.take::<Student>(number, 1).unwrap().name).collect();
    assert_eq!(taken.len(), 1000);
}

#[test]
fn a_row_without_end_takes_bounded_memory() {
    for (name, text) in [("quote.csv", "name,age\nAda,\"36\n"), ("names.csv", "\"name,age\n"), ("line.jsonl", "{}\n{")]
    {
        let path = path(name);
        fs::write(&path, text).unwrap();
        // The rest is a hole of zeros.
        fs::File::options().write(true).open(&path).unwrap().set_len(1 << 30).unwrap();
        let mut error = None;
        let counted = allocation_counter::measure(|| error = Feeder::open(&path).err());
        fs::remove_file(&path).unwrap();
        let (line, error) = (if name == "names.csv" { 1 } else { 2 }, error.unwrap().to_string());
        assert!(error.contains(&format!("line {line}: a row of more than 64 MiB begins here")), "{error}");
        assert!(counted.bytes_max < 256 << 20, "{name}: {} bytes at a time", counted.bytes_max);
    }
}

#[test]
fn a_secret_is_never_printed() {
    let path = path("token");
    fs::write(&path, "hunter2\r\n").unwrap();
    let secret = Secret::file(&path).unwrap();
    assert_eq!(secret.expose(), "hunter2");
    assert!(!format!("{secret:?}{secret:#?}").contains("hunter2"));
    fs::write(&path, "\n").unwrap();
    assert!(Secret::file(&path).unwrap_err().to_string().contains("token is empty"));
    fs::remove_file(&path).unwrap();
    assert!(Secret::file(&path).unwrap_err().to_string().contains("No such file"));
    assert!(Secret::env("PATH").is_ok_and(|it| format!("{it:?}") == "Secret(variable PATH)"));
    let missing = Secret::env("NO_SUCH_SECRET").unwrap_err().to_string();
    assert_eq!(missing, "variable NO_SUCH_SECRET is not set: set it to the secret");
}

/// A value as another process receives it.
fn sent<T: Serialize + DeserializeOwned>(value: &T) -> Result<T, String> {
    let text = serde_json::to_string(value).unwrap();
    assert!(!text.contains("hunter2"), "a secret was sent: {text}");
    serde_json::from_str(&text).map_err(|error| error.to_string())
}

#[test]
fn a_feeder_takes_the_same_rows_in_another_process() {
    let path = path("sent.csv");
    let rows: String = (0..50).map(|row| format!("name{row},1\n")).collect();
    fs::write(&path, format!("name,age\n{rows}")).unwrap();
    let feeder = Feeder::open(&path).unwrap().shuffled().cycle();
    let arrived = sent(&feeder).unwrap();
    assert_eq!(students(&arrived, 120), students(&feeder, 120));
    fs::write(&path, "name,age\nAda,36\n").unwrap();
    let error = sent(&feeder).unwrap_err();
    assert!(error.contains("sent.csv has 1 row here, and 50 where setup ran"), "{error}");
    fs::remove_file(&path).unwrap();
    assert!(sent(&feeder).unwrap_err().contains("No such file"));
}

#[test]
fn a_secret_is_read_again_in_another_process() {
    let path = path("sent-token");
    fs::write(&path, "hunter2\n").unwrap();
    let secret = Secret::file(&path).unwrap();
    assert_eq!(sent(&secret).unwrap().expose(), "hunter2");
    fs::remove_file(&path).unwrap();
    assert!(sent(&secret).unwrap_err().contains("No such file"));
    let from_variable = Secret::env("PATH").unwrap();
    assert_eq!(sent(&from_variable).unwrap().expose(), from_variable.expose());
}
