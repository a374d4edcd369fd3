//! Data of a scenario: rows of a file, each for one iteration, secrets, and tokens that expire.

mod data_file;
mod feeder;
mod order;
mod row_offsets;
mod rows;
mod secret;
mod shared_token;

#[cfg(test)]
mod tests;

pub(crate) use data_file::{DataFile, DataFileError};
pub use feeder::{Feeder, FeederError};
pub use secret::{Secret, SecretError};
pub use shared_token::{SharedToken, Token};
