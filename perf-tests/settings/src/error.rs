//! Errors of settings.

use std::str::Utf8Error;
use std::time::Duration;

use super::{DEFAULT_TARGET, SETTINGS_JSON};
use monitoring::label::TagError;
use prometheus_store::HeaderError;

/// A value that is not valid. The message says which values are. The caller adds the name of the
/// setting.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum ValueError {
    /// Not a whole number within bounds: the text, the minimum and the maximum.
    #[error("{0:?} is not a whole number from {1} to {2}")]
    Number(String, u64, u64),
    /// Not a duration within bounds: the text, the minimum and the maximum.
    #[error("{0:?} is not a duration from {1} to {2}: give a unit, as in 20s or 1m30s")]
    Duration(String, String, String),
    /// Not a number of bytes.
    #[error("{0:?} is not a size such as 1000, 500kB, 64MiB or 1GiB")]
    Size(String),
    /// A size of a response's head that is out of bounds.
    #[error("{0:?} is not a size from 4KiB to 16MiB")]
    HeadSize(String),
    /// Not an HTTP URL with a host. The text is without secrets.
    #[error("{0:?} is not a URL such as {DEFAULT_TARGET}: {1}")]
    Url(String, String),
    /// Not a Unix socket: the text and the reason.
    #[error("{0:?} is not a socket such as unix:/run/app.sock, or unix:/run/app.sock:/base with a base path: {1}")]
    Socket(String, SocketError),
    /// A tag that cannot be a label.
    #[error(transparent)]
    Tag(#[from] TagError),
    /// A testid that cannot be both a label value and a folder name.
    #[error(
        "testid {0:?} is not valid: use 1 to {max} letters, digits, '.', '_' and '-', a letter or digit first, not latest",
        max = crate::MAX_TESTID
    )]
    Testid(String),
    /// A testid with too many characters, and their number.
    #[error("a testid of {0} characters is too long: use at most {max}", max = crate::MAX_TESTID)]
    LongTestid(usize),
    /// Not a rate: the text and the reason.
    #[error("{0:?} is not a rate such as 500/s, 30/m or 200/10s: {1}")]
    Rate(String, &'static str),
    /// Not a number of agents: the text.
    #[error("{0:?} is not a number of processes such as 4, or of pods such as kubernetes:8")]
    Agents(String),
    /// Not a share of a run.
    #[error("{0:?} is not a shard such as 2/8, the second of eight, of at most {max}", max = crate::MAX_AGENTS)]
    Shard(String),
    /// Not a time of day.
    #[error("{0:?} is not a time in UTC such as 2026-01-31T12:00:00Z, nor seconds since 1970")]
    Moment(String),
    /// Not a stage: the text and the reason.
    #[error("{0:?} is not a stage (duration:VUs) such as 1m:10: {1}")]
    Stage(String, String),
    /// Not addresses of a host: the text and the reason.
    #[error("{0:?} is not HOST:PORT:ADDRESS such as shop.example:443:10.0.0.7: {1}")]
    Resolve(String, &'static str),
    /// Not a valid header value.
    #[error("{0:?} is not a valid header value: use printable ASCII characters")]
    Header(String),
    /// Not a valid header for the store. The message does not repeat it, as it may be secret.
    #[error(transparent)]
    StoreHeader(#[from] HeaderError),
    /// A time between pushes that is too long for the dashboards: the text and the longest time.
    #[error(
        "{0:?} is longer than {longest}: the dashboards show rates over {window}, which must have two pushes; use {longest} or less",
        longest = crate::shown_duration(*.1),
        window = crate::shown_duration(4 * monitoring::intervals::PUSH_INTERVAL)
    )]
    PushInterval(String, Duration),
    /// Any other reason.
    #[error("{0}")]
    Refused(&'static str),
}

/// Settings that are not valid.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum SettingsError {
    /// A value is not valid.
    #[error("{name}: {why}")]
    Value {
        /// The flag or the variable that gave the value.
        name: String,
        /// Why the value is not valid.
        why: ValueError,
    },
    /// Two settings exclude each other.
    #[error("{0}")]
    Contradiction(String),
    /// Not the JSON of settings: the column of the error. The message does not repeat the text,
    /// which may hold secrets.
    #[error("{SETTINGS_JSON}: not the settings that this version of cargo xtask perf writes (column {0})")]
    Json(usize),
}

/// Why a text does not name a Unix socket.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SocketError {
    /// Only systems with Unix sockets have clients for them.
    #[error("this system's HTTP clients have no Unix sockets: let the service listen on a port")]
    NotSupported,
    /// The path is not UTF-8.
    #[error(transparent)]
    Encoding(#[from] Utf8Error),
    /// There is no path.
    #[error("it has no path of a socket")]
    NoPath,
    /// The path is relative, and this process's folder is not known.
    #[error("{0}")]
    Folder(String),
    /// The path has a zero byte.
    #[error("its path has a zero byte")]
    ZeroByte,
    /// The path is too long.
    #[error(
        "the path {path} has {} bytes, and that of a socket at most {most}: use a shorter one, such as a \
         symbolic link's",
        .path.len()
    )]
    TooLong {
        /// The path.
        path: String,
        /// Maximum bytes of a path.
        most: usize,
    },
    /// The base path has a query or a fragment.
    #[error("its base path has a query or a fragment: remove it")]
    Query,
    /// The path cannot be part of a URL.
    #[error(transparent)]
    Url(#[from] url::ParseError),
}
