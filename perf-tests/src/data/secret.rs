//! A secret, such as a password. It is never printed.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::settings;

/// A secret from a variable of the environment or from a file. `Debug` prints where it comes from.
///
/// ```no_run
/// use perf_tests::data::Secret;
///
/// # fn main() -> Result<(), perf_tests::data::SecretError> {
/// let token = Secret::env("SHOP_TOKEN")?;
/// let authorization = format!("Bearer {}", token.expose());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Secret {
    origin: Arc<str>,
    value: Arc<str>,
}

/// Why there is no secret. No message has its value.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The variable is not set, is empty, or is not text.
    #[error("variable {0} is not set: set it to the secret")]
    Variable(String),
    /// The file cannot be read.
    #[error("secret file {}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        error: std::io::Error,
    },
    /// The file has no text.
    #[error("secret file {} is empty: write the secret into it", .0.display())]
    Empty(PathBuf),
}

impl Secret {
    pub(super) fn new(origin: &str, value: &str) -> Self {
        Self { origin: origin.into(), value: value.into() }
    }

    /// The value of a variable.
    ///
    /// # Errors
    /// If it is not set, is empty, or is not text.
    pub fn env(name: &str) -> Result<Self, SecretError> {
        let value = settings::variable(name).filter(|value| !value.is_empty());
        let value = value.ok_or_else(|| SecretError::Variable(name.to_owned()))?;
        Ok(Self::new(&format!("variable {name}"), &value))
    }

    /// The text of a file, without line ends at its end.
    ///
    /// # Errors
    /// If it cannot be read as text, or is empty.
    pub fn file(path: impl AsRef<Path>) -> Result<Self, SecretError> {
        let path = path.as_ref();
        let error = |error| SecretError::File { path: path.to_owned(), error };
        let text = std::fs::read_to_string(path).map_err(error)?;
        match text.trim_end_matches(['\r', '\n']) {
            "" => Err(SecretError::Empty(path.to_owned())),
            value => Ok(Self::new(&format!("file {}", path.display()), value)),
        }
    }

    /// The secret itself. Do not put it in a check's name, a path or a message: these are in
    /// reports.
    pub fn expose(&self) -> &str {
        &self.value
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({})", self.origin)
    }
}
