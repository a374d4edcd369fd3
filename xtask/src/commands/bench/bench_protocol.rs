//! The protocol between generators and server.

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

impl std::fmt::Display for BenchProtocol {
    /// Its name on the command line.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Http => "http",
            Self::Tls => "tls",
            Self::Http2 => "http2",
        })
    }
}
