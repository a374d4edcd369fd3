//! Bodies of responses, which may be endless.

use reqwest::Response;

/// The most bytes of a body that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyLimit(pub usize);

/// A body could not be read whole.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// It is longer than its limit.
    #[error("more than {0} bytes")]
    TooLong(usize),
    /// The connection broke, or time was up.
    #[error("{0}")]
    Broken(#[source] reqwest::Error),
}

impl BodyLimit {
    /// Reads a body whole.
    ///
    /// # Errors
    /// If it is longer, or breaks off.
    pub async fn read(self, mut response: Response) -> Result<Vec<u8>, BodyError> {
        let one_more = Self(self.0.saturating_add(1));
        let body =
            one_more.read_beginning(&mut response).await.map_err(|error| BodyError::Broken(error.without_url()))?;
        if body.len() > self.0 { Err(BodyError::TooLong(self.0)) } else { Ok(body) }
    }

    /// Reads the beginning of a body, and leaves the rest.
    ///
    /// # Errors
    /// If it breaks off before the limit.
    pub async fn read_beginning(self, response: &mut Response) -> Result<Vec<u8>, reqwest::Error> {
        let mut read = Vec::new();
        while read.len() < self.0 {
            let Some(chunk) = response.chunk().await? else { break };
            read.extend_from_slice(&chunk[..chunk.len().min(self.0 - read.len())]);
        }
        Ok(read)
    }
}
