//! Why a request has no response.

use std::io;
use std::sync::Arc;

use super::frame::ErrorCode;

#[derive(Debug, Clone, thiserror::Error)]
pub enum Http2Error {
    /// An error of the system while reading or writing, such as a reset connection.
    #[error("{0}")]
    Io(Arc<io::Error>),
    /// The server closed the connection, perhaps after a GOAWAY with this code.
    #[error("connection closed before a response{}", describe_goaway(*.0))]
    Closed(Option<ErrorCode>),
    /// As `Closed`, after the head of the response.
    #[error("connection closed within the body{}", describe_goaway(*.0))]
    Truncated(Option<ErrorCode>),
    /// An error of the system while reading the body.
    #[error("{0}, within the body")]
    Body(Arc<io::Error>),
    #[error("{0}")]
    RequestBody(Arc<io::Error>),
    #[error("protocol error: {0}")]
    Protocol(&'static str),
    #[error("more than {limit} {what}")]
    TooLarge {
        /// The plural noun that exceeds the limit, and its setting.
        what: &'static str,
        limit: usize,
    },
    #[error("the server reset the request: {0}")]
    Reset(ErrorCode),
    /// The server ended the connection, and says that it has not processed the request.
    #[error("the server ended the connection before the request: {0}")]
    GoAway(ErrorCode),
    /// The connection does not accept requests. Nothing of this one was sent.
    #[error("the connection accepts no more requests")]
    Unsent,
}

fn describe_goaway(code: Option<ErrorCode>) -> String {
    code.map_or_else(String::new, |code| format!(", after GOAWAY with {code}"))
}

impl Http2Error {
    /// Whether the server has not processed the request, so that any request may be sent again (RFC
    /// 9113, 8.7).
    pub(in super::super) fn is_unprocessed(&self) -> bool {
        match self {
            Self::Reset(code) => *code == ErrorCode::REFUSED_STREAM,
            Self::GoAway(code) => *code == ErrorCode::NO_ERROR,
            Self::Unsent => true,
            _ => false,
        }
    }
}
