//! A secret, such as a password. It is never printed.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::env_variables;

/// A secret from a variable of the environment or from a file. `Debug` prints where it comes from.
///
/// As part of setup's value, only its origin is sent to agents. Each agent reads the secret from
/// its own variable or file.
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
    origin: Arc<Origin>,
    value: Arc<str>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Origin {
    Variable(String),
    File(PathBuf),
    Server,
}

/// Why there is no secret. No message has its value.
///
/// ```no_run
/// # use perf_tests::data::{Secret, SecretError};
/// let password = match Secret::env("SHOP_PASSWORD") {
///     Err(SecretError::Variable(_)) => Secret::file("/run/secrets/shop_password")?,
///     secret => secret?,
/// };
/// # Ok::<(), SecretError>(())
/// ```
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
    fn new(origin: Origin, value: &str) -> Self {
        Self { origin: Arc::new(origin), value: value.into() }
    }

    /// A secret that a server issued. It cannot be sent to agents.
    pub(super) fn from_server(value: &str) -> Self {
        Self::new(Origin::Server, value)
    }

    /// The value of a variable.
    ///
    /// ```no_run
    /// # use perf_tests::data::Secret;
    /// let password = Secret::env("SHOP_PASSWORD")?;
    /// # Ok::<(), perf_tests::data::SecretError>(())
    /// ```
    ///
    /// # Errors
    /// If it is not set, is empty, or is not text.
    pub fn env(name: &str) -> Result<Self, SecretError> {
        let value = env_variables::variable(name).filter(|value| !value.is_empty());
        let value = value.ok_or_else(|| SecretError::Variable(name.to_owned()))?;
        Ok(Self::new(Origin::Variable(name.to_owned()), &value))
    }

    /// The text of a file, without line ends at its end.
    ///
    /// ```no_run
    /// # use perf_tests::data::Secret;
    /// let password = Secret::file("/run/secrets/shop_password")?;
    /// # Ok::<(), perf_tests::data::SecretError>(())
    /// ```
    ///
    /// # Errors
    /// If it cannot be read as text, or is empty.
    pub fn file(path: impl AsRef<Path>) -> Result<Self, SecretError> {
        let path = path.as_ref();
        let error = |error| SecretError::File { path: path.to_owned(), error };
        let text = std::fs::read_to_string(path).map_err(error)?;
        match text.trim_end_matches(['\r', '\n']) {
            "" => Err(SecretError::Empty(path.to_owned())),
            value => Ok(Self::new(Origin::File(path.to_owned()), value)),
        }
    }

    /// The secret itself. Do not put it in a check's name, a path or a message: these are in
    /// reports.
    ///
    /// ```
    /// # use test_support::shop::GET_OFFERS;
    /// # use perf_tests::data::Secret;
    /// # async fn iteration(vu: &mut perf_tests::Vu, key: &Secret) -> anyhow::Result<()> {
    /// vu.request(GET_OFFERS).query("day", 1).header("x-api-key", key.expose()).send().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn expose(&self) -> &str {
        &self.value
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.origin {
            Origin::Server => write!(f, "Secret(a server)"),
            Origin::Variable(name) => write!(f, "Secret(variable {name})"),
            Origin::File(path) => write!(f, "Secret(file {})", path.display()),
        }
    }
}

/// Writes its origin.
impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &*self.origin {
            Origin::Server => Err(S::Error::custom("a secret that a server issued is not sent to agents")),
            origin => origin.serialize(serializer),
        }
    }
}

/// Reads its origin, and the secret from there.
impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let secret = match Origin::deserialize(deserializer)? {
            Origin::Variable(name) => Self::env(&name),
            Origin::File(path) => Self::file(path),
            Origin::Server => return Err(D::Error::custom("a secret that a server issued has no origin to read")),
        };
        secret.map_err(D::Error::custom)
    }
}
