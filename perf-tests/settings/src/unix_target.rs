//! Targets at a Unix socket: `unix:/run/app.sock`, and `unix:/run/app.sock:/base` with a base path.

use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use url::Url;

use super::{SocketError, ValueError};

/// The beginning of a target at a Unix socket.
pub const UNIX: &str = "unix:";
/// Characters of a socket's path that are escaped in the URL of a target.
const IN_A_SOCKET: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// Maximum bytes of a socket's path. The system also stores a zero at its end.
const MOST_BYTES: usize = if cfg!(any(target_os = "linux", target_os = "android")) { 107 } else { 103 };

/// A target at a Unix socket. Its URL is `unix:`, the socket's absolute path, and a colon with the
/// base path, if there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnixTarget {
    /// The socket's absolute path.
    pub socket: PathBuf,
    /// The base path, which precedes every path; no slash at its end.
    pub base: String,
}

impl UnixTarget {
    /// The socket of a URL; `None` if the URL is not one of a Unix socket.
    pub fn from_url(url: &Url) -> Option<Self> {
        let (socket, base) = split(url.as_str().strip_prefix(UNIX)?);
        let socket = percent_decode_str(socket).decode_utf8_lossy();
        Some(Self { socket: PathBuf::from(&*socket), base: base.trim_end_matches('/').to_owned() })
    }

    /// Parses a target; `None` if it is not one of a Unix socket. A relative path counts from this
    /// process's folder.
    pub(super) fn parse(text: &str) -> Option<Result<Url, ValueError>> {
        text.strip_prefix(UNIX).map(|rest| to_url(rest).map_err(|why| ValueError::Socket(text.to_owned(), why)))
    }
}

/// The path of the socket, and the base path.
fn split(text: &str) -> (&str, &str) {
    text.find(":/").map_or((text, ""), |at| (&text[..at], &text[at + 1..]))
}

fn to_url(text: &str) -> Result<Url, SocketError> {
    if !cfg!(unix) {
        return Err(SocketError::NotSupported);
    }
    let (socket, base) = split(text);
    let socket = percent_decode_str(socket).decode_utf8()?;
    if socket.is_empty() {
        return Err(SocketError::NoPath);
    }
    let socket = std::path::absolute(Path::new(&*socket)).map_err(|error| SocketError::Folder(error.to_string()))?;
    // The system reads two slashes at the beginning as one, as in unix:///run/app.sock.
    let socket = format!("/{}", socket.to_string_lossy().trim_start_matches('/'));
    if socket.contains('\0') {
        return Err(SocketError::ZeroByte);
    }
    if socket.len() > MOST_BYTES {
        return Err(SocketError::TooLong { path: socket, most: MOST_BYTES });
    }
    if base.contains(['?', '#']) {
        return Err(SocketError::Query);
    }
    let base = if base.is_empty() { String::new() } else { format!(":{base}") };
    Ok(Url::parse(&format!("{UNIX}{}{base}", utf8_percent_encode(&socket, IN_A_SOCKET)))?)
}

#[cfg(unix)]
#[cfg(test)]
mod tests;
