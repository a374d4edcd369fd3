//! Gives each iteration a row of a file.

use std::path::{Path, PathBuf};

use perf_report::format::counted;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::data_file::data_path;
use super::order::{Order, mix};
use super::rows::{MAX_IN_MEMORY, RowError, Rows};

/// Rows of a CSV file, of JSON lines or of a JSON array, for [`Vu::row`](crate::Vu::row). All VUs
/// share it, so open it in setup.
///
/// A file of up to 16 MiB is kept in memory, with 8 bytes for each row. The rows of a larger one
/// stay in the file. Then memory is 1 byte for 8 rows; a row costs a read of some kilobytes from
/// the system's cache, and of at most 64 KiB beside one long row. Do not write to such a file
/// during a run: after a change of its size or time, each row is an error. JSON arrays stay in
/// memory.
///
/// As part of setup's value, only its path and options are sent to agents. Each agent opens its own
/// copy of the file, which must have the same number of rows.
///
/// ```no_run
/// use perf_tests::data::Feeder;
///
/// # fn main() -> Result<(), perf_tests::data::FeederError> {
/// let students = Feeder::open("students.csv")?.shuffled().cycle();
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Feeder {
    path: PathBuf,
    rows: Rows,
    order: Order,
    cycles: bool,
}

/// Why there is no row. The message has the file, and the line or the row.
///
/// ```
/// # use perf_tests::Vu;
/// # use perf_tests::data::{Feeder, FeederError};
/// # fn iteration(vu: &Vu, students: &Feeder) -> anyhow::Result<()> {
/// let name: String = match vu.row(students) {
///     Err(FeederError::Exhausted { .. }) => "guest".to_owned(),
///     row => row?,
/// };
/// # Ok(())
/// # }
/// ```
#[derive(Debug, thiserror::Error)]
pub enum FeederError {
    /// The file cannot be read, has no rows, or has a row that is malformed.
    #[error("data file {}: {message}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Line and cause.
        message: String,
    },
    /// Every row was taken.
    #[error(
        "all rows ({}) of data file {} were taken: add rows, plan fewer iterations, or call .cycle()",
        counted(*len, "row"),
        path.display()
    )]
    Exhausted {
        /// The file.
        path: PathBuf,
        /// Its number of rows.
        len: u64,
    },
    /// The file has changed since it was opened. It is too large to be kept in memory.
    #[error("data file {} has changed since it was opened: {change}; do not write to it during a run", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
        /// The change, for people.
        change: String,
    },
    /// The row does not have the type that was expected.
    #[error("row {row} of data file {}: {message}", path.display())]
    Row {
        /// The file.
        path: PathBuf,
        /// Number of the row, from 1. A CSV file's line of names is not counted.
        row: u64,
        /// The error of the parser.
        message: String,
    },
}

impl Feeder {
    /// Opens a file. A relative path is in `perf-tests/data/`. The format follows from the name:
    /// `.csv` with a line of names, `.jsonl` or `.ndjson`, or `.json` with an array of up to
    /// 64 MiB. Every row is checked once.
    ///
    /// ```no_run
    /// # use perf_tests::data::Feeder;
    /// let students = Feeder::open("students.csv")?;
    /// # Ok::<(), perf_tests::data::FeederError>(())
    /// ```
    ///
    /// # Errors
    /// If the file cannot be read, has no rows, or has a malformed row, such as one with fewer
    /// fields than names.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, FeederError> {
        Self::open_with(path.as_ref(), MAX_IN_MEMORY)
    }

    /// Opens a file, and keeps it in memory if it has at most `max_in_memory` bytes.
    pub(super) fn open_with(path: &Path, max_in_memory: u64) -> Result<Self, FeederError> {
        let path = data_path(path);
        match Rows::open(&path, max_in_memory) {
            Ok(rows) => Ok(Self { path, rows, order: Order::Sequential, cycles: false }),
            Err(error) => Err(FeederError::File { path, message: error.to_string() }),
        }
    }

    /// Path and options, by which another process opens it.
    fn description(&self) -> Description {
        let Self { path, rows, order, cycles } = self;
        Description { path: path.clone(), rows: rows.len(), order: *order, cycles: *cycles }
    }

    /// Takes the rows in an order that follows from the seed, each once.
    ///
    /// ```no_run
    /// # use perf_tests::data::Feeder;
    /// let students = Feeder::open("students.csv")?.shuffled();
    /// # Ok::<(), perf_tests::data::FeederError>(())
    /// ```
    #[must_use]
    pub const fn shuffled(mut self) -> Self {
        self.order = Order::Shuffled;
        self
    }

    /// Takes any row each time, by the seed. Rows repeat, and never run out.
    ///
    /// ```no_run
    /// # use perf_tests::data::Feeder;
    /// let students = Feeder::open("students.csv")?.random();
    /// # Ok::<(), perf_tests::data::FeederError>(())
    /// ```
    #[must_use]
    pub const fn random(mut self) -> Self {
        self.order = Order::Random;
        self
    }

    /// Begins again after the last row. Shuffled rows then have another order.
    ///
    /// ```no_run
    /// # use perf_tests::data::Feeder;
    /// let students = Feeder::open("students.csv")?.shuffled().cycle();
    /// # Ok::<(), perf_tests::data::FeederError>(())
    /// ```
    #[must_use]
    pub const fn cycle(mut self) -> Self {
        self.cycles = true;
        self
    }

    /// The number of rows, at least 1.
    ///
    /// ```no_run
    /// # use perf_tests::data::Feeder;
    /// let students = Feeder::open("students.csv")?;
    /// anyhow::ensure!(students.len() >= 30, "a class has 30 students");
    /// # Ok::<(), anyhow::Error>(())
    /// ```
    #[expect(clippy::len_without_is_empty, reason = "a file without rows is an error")]
    pub const fn len(&self) -> u64 {
        self.rows.len()
    }

    /// The row that is taken as `number`-th.
    pub(crate) fn take<T: DeserializeOwned + 'static>(&self, number: u64, seed: u64) -> Result<T, FeederError> {
        let len = self.rows.len();
        let (cycle, place) = (number / len, number % len);
        let index = match self.order {
            Order::Random => self.order.index(number, len, seed),
            _ if cycle > 0 && !self.cycles => return Err(FeederError::Exhausted { path: self.path.clone(), len }),
            _ => self.order.index(place, len, mix(seed ^ mix(cycle))),
        };
        self.rows.row(index).map_err(|error| match error {
            RowError::Changed(change) => FeederError::Changed { path: self.path.clone(), change },
            error => FeederError::Row { path: self.path.clone(), row: index + 1, message: error.to_string() },
        })
    }
}

/// A feeder without its rows.
#[derive(Serialize, Deserialize)]
struct Description {
    path: PathBuf,
    rows: u64,
    order: Order,
    cycles: bool,
}

/// Writes path and options.
impl Serialize for Feeder {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.description().serialize(serializer)
    }
}

/// Reads path and options, and opens the file.
impl<'de> Deserialize<'de> for Feeder {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Description { path, rows, order, cycles } = Description::deserialize(deserializer)?;
        let feeder = Self { order, cycles, ..Self::open(path).map_err(D::Error::custom)? };
        if feeder.len() == rows {
            return Ok(feeder);
        }
        let (path, here) = (feeder.path.display(), counted(feeder.len(), "row"));
        Err(D::Error::custom(format!("data file {path} has {here} here, and {rows} where setup ran")))
    }
}
