//! The rows of a file. A small file is kept in memory, with the place of each row. The rows of a
//! larger one stay in the file; in memory is the place of every 64th row, and of rows that follow
//! long ones.

use std::any::TypeId;
use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::mem;
use std::ops::Range;
use std::path::Path;

use csv::{ByteRecord, StringRecord};
use csv_core::ReadRecordResult;
use perf_host::files::read_at_most;
use perf_report::format::counted;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::data_file::{FileVersion, open_file, read_at};
use super::row_offsets::RowOffsets;

/// Maximum size in bytes of what is parsed as a whole: a JSON file, and a row of another file.
const MAX_PARSED: usize = 64 << 20;

/// Maximum size of a file that is kept in memory, in bytes. A row takes 8 more bytes.
pub(super) const MAX_IN_MEMORY: u64 = 16 << 20;

/// Most rows of a block of a file that is not kept in memory. Reading a row parses half of them on
/// average.
const ROWS_PER_BLOCK: u64 = 64;

const BOM: &[u8] = b"\xef\xbb\xbf";

thread_local! {
    /// A parser of CSV. Making one takes longer than parsing a block.
    static PARSER: RefCell<csv_core::Reader> = RefCell::new(csv_core::Reader::new());
}

#[derive(Debug, thiserror::Error)]
pub(super) enum RowsError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("line {line}: {message}")]
    Malformed { line: u64, message: String },
    #[error("line {line}: a field begins with a quote and never ends: close it, or write each quote in it twice")]
    Unclosed { line: u64 },
    #[error("line {line}: a row of more than 64 MiB begins here: make it shorter; in CSV, close its quotes")]
    RowTooLong { line: u64 },
    #[error("it has no rows: add one")]
    Empty,
    #[error("its name does not end in .csv, .jsonl, .ndjson or .json: rename it")]
    UnknownFormat,
    #[error("it has more than 64 MiB: write it as JSON lines (.jsonl), one row per line")]
    JsonTooLarge,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum RowError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("the file has changed since it was opened: {0}")]
    Changed(String),
    #[error("not UTF-8: {0}")]
    Utf8(#[from] csv::FromUtf8Error),
    #[error("field {name:?}: {cause}")]
    Field { name: String, cause: csv::DeserializeErrorKind },
    #[error("{0}")]
    Record(csv::DeserializeErrorKind),
    #[error(transparent)]
    Csv(csv::Error),
    #[error("{}", without_place(.0))]
    Json(#[from] serde_json::Error),
}

#[derive(Debug)]
pub(super) struct Rows {
    source: Source,
    format: Format,
    offsets: RowOffsets,
}

#[derive(Debug)]
enum Source {
    /// With its version at its opening.
    File(File, FileVersion),
    Memory(Vec<u8>),
}

#[derive(Debug)]
enum Format {
    Csv(StringRecord),
    JsonLines,
}

impl Source {
    /// Reads a file of at most `max_in_memory` bytes.
    fn open(path: &Path, max_in_memory: u64) -> io::Result<Self> {
        let mut file = open_file(path)?;
        let version = FileVersion::read(&file)?;
        if version.len > max_in_memory {
            return Ok(Self::File(file, version));
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(Self::Memory(bytes))
    }

    fn read(&self, bytes: Range<u64>) -> io::Result<Cow<'_, [u8]>> {
        let place = |byte| usize::try_from(byte).unwrap_or(usize::MAX);
        match self {
            Self::Memory(all) => Ok(Cow::from(&all[place(bytes.start)..place(bytes.end)])),
            Self::File(file, _) => {
                let mut block = vec![0; place(bytes.end - bytes.start)];
                read_at(file, &mut block, bytes.start)?;
                Ok(Cow::from(block))
            }
        }
    }

    /// Checks that the file has not changed since it was opened.
    fn check(&self) -> Result<(), RowError> {
        let Self::File(file, version) = self else { return Ok(()) };
        version.change(file)?.map_or(Ok(()), |change| Err(RowError::Changed(change)))
    }

    fn reader(&self) -> Box<dyn BufRead + '_> {
        match self {
            Self::File(file, _) => Box::new(BufReader::new(file)),
            Self::Memory(bytes) => Box::new(&**bytes),
        }
    }

    /// Offsets without rows. Each row of a small file is a block of its own. In a larger one, this
    /// would cost too much memory.
    fn no_offsets(&self) -> RowOffsets {
        match self {
            Self::Memory(bytes) if bytes.len() as u64 <= MAX_IN_MEMORY => RowOffsets::new(1),
            _ => RowOffsets::new(ROWS_PER_BLOCK),
        }
    }
}

impl Rows {
    /// Finds the rows of a file, and checks that each is well-formed. A file of at most
    /// `max_in_memory` bytes is kept in memory.
    pub(super) fn open(path: &Path, max_in_memory: u64) -> Result<Self, RowsError> {
        let extension = path.extension().and_then(|it| it.to_str()).map(str::to_ascii_lowercase);
        let rows = match extension.as_deref() {
            Some("csv") => Self::csv(Source::open(path, max_in_memory)?)?,
            Some("jsonl" | "ndjson") => Self::json_lines(Source::open(path, max_in_memory)?)?,
            Some("json") => Self::json(&open_file(path)?)?,
            _ => return Err(RowsError::UnknownFormat),
        };
        if rows.len() == 0 { Err(RowsError::Empty) } else { Ok(rows) }
    }

    fn csv(source: Source) -> Result<Self, RowsError> {
        let (mut offsets, mut record) = (source.no_offsets(), StringRecord::new());
        let mut reader = csv::Reader::from_reader(source.reader().take(MAX_PARSED as u64));
        let headers = reader.headers().cloned();
        if reader.get_ref().limit() == 0 {
            return Err(RowsError::RowTooLong { line: 1 });
        }
        let headers = headers.map_err(|error| malformed(&error))?;
        check_separator(&headers)?;
        check_names(&headers)?;
        // The line of names is a record, too.
        let mut last = csv::Position::new();
        loop {
            let position = reader.position().clone();
            reader.get_mut().set_limit(MAX_PARSED as u64);
            let read = reader.read_record(&mut record);
            if reader.get_ref().limit() == 0 {
                return Err(RowsError::RowTooLong { line: position.line() });
            }
            if !read.map_err(|error| malformed(&error))? {
                offsets.end(position.byte());
                drop(reader);
                if is_unclosed(&source.read(last.byte()..position.byte())?, last.byte() == 0) {
                    return Err(RowsError::Unclosed { line: last.line() });
                }
                return Ok(Self { source, format: Format::Csv(headers), offsets });
            }
            offsets.add(position.byte());
            last = position;
        }
    }

    fn json(file: &File) -> Result<Self, RowsError> {
        let text = read_at_most(MAX_PARSED, file)?.ok_or(RowsError::JsonTooLarge)?;
        // A text that ends too early ends in its last line, not after it.
        let text = text.strip_prefix(BOM).unwrap_or(&text).trim_ascii_end();
        let at = |error: serde_json::Error| RowsError::Malformed {
            line: error.line() as u64,
            message: format!("not a JSON array of rows: {}", without_place(&error)),
        };
        let mut lines = Vec::new();
        for row in serde_json::from_slice::<Vec<Value>>(text).map_err(at)? {
            serde_json::to_writer(&mut lines, &row).map_err(at)?;
            lines.push(b'\n');
        }
        Self::json_lines(Source::Memory(lines))
    }

    fn json_lines(source: Source) -> Result<Self, RowsError> {
        let offsets = find_lines(source.reader(), source.no_offsets())?;
        Ok(Self { source, format: Format::JsonLines, offsets })
    }

    pub(super) const fn len(&self) -> u64 {
        self.offsets.len()
    }

    pub(super) fn row<T: DeserializeOwned + 'static>(&self, index: u64) -> Result<T, RowError> {
        let block = self.block(index);
        self.source.check()?;
        let (block, nth) = block?;
        let moved = || RowError::Changed("its rows are at other places".to_owned());
        match &self.format {
            Format::Csv(headers) => {
                let record = PARSER.with_borrow_mut(|parser| record(parser, &block, nth, headers.len()));
                deserialize(record.ok_or_else(moved)?, headers)
            }
            Format::JsonLines => {
                let mut lines = block.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
                let line = lines.nth(nth).ok_or_else(moved)?;
                Ok(serde_json::from_slice(line.strip_prefix(BOM).unwrap_or(line))?)
            }
        }
    }

    /// The bytes of the row's block, and the number of rows before it in the block.
    fn block(&self, index: u64) -> io::Result<(Cow<'_, [u8]>, usize)> {
        let (bytes, nth) = self.offsets.block(index).ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok((self.source.read(bytes)?, usize::try_from(nth).unwrap_or(usize::MAX)))
    }
}

/// Whether a record does not end, because a quoted field in it does not. `record` has the rest of
/// the file, too.
fn is_unclosed(record: &[u8], is_first: bool) -> bool {
    let mut parser = csv_core::Reader::new();
    // After a line end, a byte order mark is text.
    for mut bytes in [if is_first { b"" } else { b"\n" }, record, b"\n"] as [&[u8]; 3] {
        while !bytes.is_empty() {
            let (result, read, ..) = parser.read_record(bytes, &mut [0; 256], &mut [0; 16]);
            if result == ReadRecordResult::Record {
                return false;
            }
            bytes = &bytes[read..];
        }
    }
    record.contains(&b'"')
}

/// The record after `nth` others in a block. `None` if it has another number of fields.
fn record(parser: &mut csv_core::Reader, mut block: &[u8], nth: usize, fields: usize) -> Option<ByteRecord> {
    parser.reset();
    // After a line end, a byte order mark is text of a row.
    parser.read_record(b"\n", &mut [0], &mut [0]);
    let (mut text, mut ends) = (vec![0; block.len()], vec![0; fields]);
    for _ in 0..=nth {
        let (mut written, mut ended) = (0, 0);
        loop {
            // The end of the block is an empty input, which ends the record.
            let (result, read, more_text, more_ends) =
                parser.read_record(block, &mut text[written..], &mut ends[ended..]);
            block = &block[read..];
            (written, ended) = (written + more_text, ended + more_ends);
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::Record if ended == fields => break,
                _ => return None,
            }
        }
    }
    Some(ends.iter().scan(0, |start, end| Some(&text[mem::replace(start, *end)..*end])).collect())
}

fn deserialize<T: DeserializeOwned + 'static>(record: ByteRecord, headers: &StringRecord) -> Result<T, RowError> {
    let record = StringRecord::from_byte_record(record)?;
    // The parser would give only the first field.
    if TypeId::of::<T>() == TypeId::of::<Value>() {
        let fields: Value = headers.iter().zip(&record).collect();
        return Ok(serde_json::from_value(fields)?);
    }
    // The parser's own message counts lines from the beginning of the part that was read.
    record.deserialize(Some(headers)).map_err(|error| match error.kind() {
        csv::ErrorKind::Deserialize { err, .. } => match err.field().and_then(|at| headers.get(at as usize)) {
            Some(name) => RowError::Field { name: name.to_owned(), cause: err.kind().clone() },
            None => RowError::Record(err.kind().clone()),
        },
        _ => RowError::Csv(error),
    })
}

/// Refuses a line of names that another character than the comma separates, as some spreadsheets
/// write it. Each row would have one field, and lack all others.
fn check_separator(headers: &StringRecord) -> Result<(), RowsError> {
    let only = headers.get(0).filter(|_| headers.len() == 1);
    let Some((name, separator)) = only.and_then(|name| Some((name, name.matches([';', '\t', '|']).next()?))) else {
        return Ok(());
    };
    let message = format!(
        "one column with the name {name:?}: save the file with commas in place of {separator:?}, or rename the column"
    );
    Err(RowsError::Malformed { line: headers.position().map_or(1, csv::Position::line), message })
}

/// Refuses a name that two columns have: no row could be taken by it. Columns without a name, which
/// spreadsheets leave at the end, are not taken.
fn check_names(headers: &StringRecord) -> Result<(), RowsError> {
    let mut known = BTreeSet::new();
    let Some(name) = headers.iter().find(|name| !name.is_empty() && !known.insert(*name)) else { return Ok(()) };
    let message = format!("two columns have the name {name:?}: rename or remove one of them");
    Err(RowsError::Malformed { line: headers.position().map_or(1, csv::Position::line), message })
}

fn malformed(error: &csv::Error) -> RowsError {
    let line = error.position().map_or(1, csv::Position::line);
    let message = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{}, but the first line has {expected_len}", counted(*len, "field"))
        }
        csv::ErrorKind::Utf8 { err, .. } => format!("not UTF-8: {err}"),
        _ => error.to_string(),
    };
    RowsError::Malformed { line, message }
}

/// The parser's message without line and column, which count from the beginning of the row.
fn without_place(error: &serde_json::Error) -> String {
    let (text, place) = (error.to_string(), format!(" at line {} column {}", error.line(), error.column()));
    text.strip_suffix(&place).unwrap_or(&text).to_owned()
}

/// Finds the rows of JSON lines. Lines without text are not rows.
fn find_lines(mut text: impl BufRead, mut offsets: RowOffsets) -> Result<RowOffsets, RowsError> {
    let mut offset = 0;
    let mut bytes = Vec::new();
    for line in 1.. {
        bytes.clear();
        let read = text.by_ref().take(MAX_PARSED as u64).read_until(b'\n', &mut bytes)?;
        if read == 0 {
            break;
        }
        if read == MAX_PARSED {
            return Err(RowsError::RowTooLong { line });
        }
        let row = if line == 1 { bytes.strip_prefix(BOM).unwrap_or(&bytes) } else { &bytes };
        if !row.trim_ascii().is_empty() {
            let malformed = |message| RowsError::Malformed { line, message };
            let row = str::from_utf8(row).map_err(|error| malformed(format!("not UTF-8: {error}")))?;
            // A parser that ignores the values would not look at their text.
            serde_json::from_str::<Value>(row)
                .map_err(|error| malformed(format!("not JSON: {}", without_place(&error))))?;
            offsets.add(offset);
        }
        offset += read as u64;
    }
    offsets.end(offset);
    Ok(offsets)
}
