//! Data of a scenario: rows of a file, each for one iteration, and secrets.

mod data_file;
mod feeder;
mod order;
mod places;
mod rows;
mod secret;

#[cfg(test)]
mod tests;

pub(crate) use data_file::DataFile;
pub use feeder::{Feeder, FeederError};
pub use secret::{Secret, SecretError};
