//! The rows of a file. They stay in the file; in memory is the place of every 64th row, and of rows
//! that follow long ones.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::Path;

use csv::{ByteRecord, ReaderBuilder, StringRecord};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::data_file::read_at;
use super::places::Places;

/// Maximum size of a JSON file in bytes. It is parsed as a whole.
const MAX_JSON: u64 = 64 << 20;

const BOM: &[u8] = b"\xef\xbb\xbf";

/// Why a file has no rows to take.
#[derive(Debug, thiserror::Error)]
pub(super) enum RowsError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("line {line}: {message}")]
    Malformed { line: u64, message: String },
    #[error("it has no rows: add one")]
    Empty,
    #[error("its name ends in none of .csv, .jsonl, .ndjson and .json: rename it")]
    UnknownFormat,
    #[error("it has more than 64 MiB: write it as JSON lines (.jsonl), one row per line")]
    JsonTooLarge,
}

/// Why a row cannot be taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum RowError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("the file has changed since it was opened")]
    Changed,
    #[error("not UTF-8: {0}")]
    Utf8(#[from] csv::FromUtf8Error),
    #[error("field {name:?}: {cause}")]
    Field { name: String, cause: csv::DeserializeErrorKind },
    #[error("{0}")]
    Record(csv::DeserializeErrorKind),
    #[error(transparent)]
    Csv(csv::Error),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

/// The rows of a file.
#[derive(Debug)]
pub(super) struct Rows {
    source: Source,
    format: Format,
    places: Places,
}

#[derive(Debug)]
enum Source {
    File(File),
    Memory(Vec<u8>),
}

#[derive(Debug)]
enum Format {
    Csv(StringRecord),
    JsonLines,
}

impl Rows {
    /// Finds the rows of a file, and checks that each is well-formed.
    pub(super) fn open(path: &Path) -> Result<Self, RowsError> {
        let extension = path.extension().and_then(|it| it.to_str()).map(str::to_ascii_lowercase);
        let rows = match extension.as_deref() {
            Some("csv") => Self::csv(File::open(path)?)?,
            Some("jsonl" | "ndjson") => {
                let file = File::open(path)?;
                let places = json_lines(BufReader::new(&file))?;
                Self { source: Source::File(file), format: Format::JsonLines, places }
            }
            Some("json") => Self::json(&File::open(path)?)?,
            _ => return Err(RowsError::UnknownFormat),
        };
        if rows.len() == 0 { Err(RowsError::Empty) } else { Ok(rows) }
    }

    fn csv(file: File) -> Result<Self, RowsError> {
        let mut reader = csv::Reader::from_reader(BufReader::new(&file));
        let headers = reader.headers().map_err(|error| malformed(&error))?.clone();
        let (mut places, mut record) = (Places::default(), StringRecord::new());
        loop {
            let place = reader.position().byte();
            if !reader.read_record(&mut record).map_err(|error| malformed(&error))? {
                places.end(place);
                drop(reader);
                return Ok(Self { source: Source::File(file), format: Format::Csv(headers), places });
            }
            places.add(place);
        }
    }

    fn json(file: &File) -> Result<Self, RowsError> {
        let mut text = Vec::new();
        file.take(MAX_JSON + 1).read_to_end(&mut text)?;
        if text.len() as u64 > MAX_JSON {
            return Err(RowsError::JsonTooLarge);
        }
        let text = text.strip_prefix(BOM).unwrap_or(&text);
        let at = |error: serde_json::Error| RowsError::Malformed {
            line: error.line() as u64,
            message: format!("not a JSON array of rows: {error}"),
        };
        let mut lines = Vec::new();
        for row in serde_json::from_slice::<Vec<Value>>(text).map_err(at)? {
            serde_json::to_writer(&mut lines, &row).map_err(at)?;
            lines.push(b'\n');
        }
        let places = json_lines(&*lines)?;
        Ok(Self { source: Source::Memory(lines), format: Format::JsonLines, places })
    }

    /// The number of rows.
    pub(super) const fn len(&self) -> u64 {
        self.places.len()
    }

    /// Reads the row with this index.
    pub(super) fn row<T: DeserializeOwned>(&self, index: u64) -> Result<T, RowError> {
        let (block, nth) = self.block(index)?;
        match &self.format {
            Format::Csv(headers) => {
                let reader = ReaderBuilder::new().has_headers(false).from_reader(&*block);
                let record = reader.into_byte_records().nth(nth).and_then(Result::ok).ok_or(RowError::Changed)?;
                deserialize(&record, headers)
            }
            Format::JsonLines => {
                let mut lines = block.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
                let line = lines.nth(nth).ok_or(RowError::Changed)?;
                Ok(serde_json::from_slice(line.strip_prefix(BOM).unwrap_or(line))?)
            }
        }
    }

    /// The bytes of the row's block, and the number of rows before it in the block.
    fn block(&self, index: u64) -> io::Result<(Cow<'_, [u8]>, usize)> {
        let (bytes, nth) = self.places.block(index).ok_or(io::ErrorKind::UnexpectedEof)?;
        let place = |byte| usize::try_from(byte).unwrap_or(usize::MAX);
        let block = match &self.source {
            Source::Memory(all) => Cow::from(&all[place(bytes.start)..place(bytes.end)]),
            Source::File(file) => {
                let mut block = vec![0; place(bytes.end - bytes.start)];
                read_at(file, &mut block, bytes.start)?;
                Cow::from(block)
            }
        };
        Ok((block, place(nth)))
    }
}

fn deserialize<T: DeserializeOwned>(record: &ByteRecord, headers: &StringRecord) -> Result<T, RowError> {
    let record = StringRecord::from_byte_record(record.clone())?;
    // The parser's own message counts lines from the beginning of the part that was read.
    record.deserialize(Some(headers)).map_err(|error| match error.kind() {
        csv::ErrorKind::Deserialize { err, .. } => match err.field().and_then(|at| headers.get(at as usize)) {
            Some(name) => RowError::Field { name: name.to_owned(), cause: err.kind().clone() },
            None => RowError::Record(err.kind().clone()),
        },
        _ => RowError::Csv(error),
    })
}

fn malformed(error: &csv::Error) -> RowsError {
    let line = error.position().map_or(1, csv::Position::line);
    let message = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} fields, but the first line has {expected_len}")
        }
        csv::ErrorKind::Utf8 { err, .. } => format!("not UTF-8: {err}"),
        _ => error.to_string(),
    };
    RowsError::Malformed { line, message }
}

/// Finds the rows of JSON lines. Lines without text are not rows.
fn json_lines(mut text: impl BufRead) -> Result<Places, RowsError> {
    let (mut places, mut place, mut bytes) = (Places::default(), 0, Vec::new());
    for line in 1.. {
        bytes.clear();
        let read = text.read_until(b'\n', &mut bytes)?;
        if read == 0 {
            break;
        }
        let row = if line == 1 { bytes.strip_prefix(BOM).unwrap_or(&bytes) } else { &bytes };
        if !row.trim_ascii().is_empty() {
            let malformed = |message| RowsError::Malformed { line, message };
            let row = str::from_utf8(row).map_err(|error| malformed(format!("not UTF-8: {error}")))?;
            // A parser that ignores the values would not look at their text.
            serde_json::from_str::<Value>(row).map_err(|error| malformed(format!("not JSON: {error}")))?;
            places.add(place);
        }
        place += read as u64;
    }
    places.end(place);
    Ok(places)
}
