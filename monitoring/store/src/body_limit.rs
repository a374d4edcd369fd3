//! Limits for response bodies, which may be endless.

use reqwest::Response;

/// Maximum number of bytes that are read from a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyLimit(pub usize);

/// A body could not be read completely.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The body exceeds the limit, in bytes.
    #[error("the response is longer than {0} bytes")]
    TooLong(usize),
    /// The connection broke, or the timeout passed.
    #[error("{0}")]
    Broken(#[source] reqwest::Error),
}

impl BodyLimit {
    /// Reads a complete body.
    ///
    /// # Errors
    /// If the body exceeds the limit, or the connection breaks.
    pub async fn read(self, mut response: Response) -> Result<Vec<u8>, BodyError> {
        let one_more = Self(self.0.saturating_add(1));
        let body =
            one_more.read_beginning(&mut response).await.map_err(|error| BodyError::Broken(error.without_url()))?;
        if body.len() > self.0 { Err(BodyError::TooLong(self.0)) } else { Ok(body) }
    }

    /// Reads the beginning of a body, up to the limit, and ignores the rest.
    ///
    /// # Errors
    /// If the connection breaks before the limit is reached.
    pub async fn read_beginning(self, response: &mut Response) -> Result<Vec<u8>, reqwest::Error> {
        let mut read = Vec::new();
        while read.len() < self.0 {
            let Some(chunk) = response.chunk().await? else { break };
            read.extend_from_slice(&chunk[..chunk.len().min(self.0 - read.len())]);
        }
        Ok(read)
    }
}
