//! The protocol between generators and server.

use std::fmt;

use clap::ValueEnum as _;

/// The protocol between generator and server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum BenchProtocol {
    /// HTTP/1.1 without TLS
    Http,
    /// HTTP/1.1 over TLS 1.3
    Tls,
    /// HTTP/2 over TLS 1.3, one connection per VU
    Http2,
}

impl fmt::Display for BenchProtocol {
    /// Its name on the command line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.to_possible_value().ok_or(fmt::Error)?.get_name())
    }
}
