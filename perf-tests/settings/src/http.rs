//! Options of requests. They are k6's options, with k6's defaults except for redirects.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Options of every request of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpSettings {
    /// Maximum requests per second, for all virtual users together. A request over the limit waits.
    pub rps: Option<u64>,
    /// Opens a new connection for every request.
    pub no_connection_reuse: bool,
    /// Accepts any TLS certificate.
    pub insecure_skip_tls_verify: bool,
    /// The header `user-agent`; `None` sends "perf-tests/" and the version.
    pub user_agent: Option<String>,
    /// Maximum redirects to follow; each is counted as a request to the same endpoint. k6 follows
    /// 10. The default here is 0, since the redirected response is not the one that objectives are
    /// about.
    pub max_redirects: u32,
    /// Time limit of a request, connecting included.
    pub request_timeout: Duration,
    /// PEM file of CA certificates that replace the system's.
    pub ca_certificate: Option<PathBuf>,
    /// HTTP/2: by ALPN over TLS, by prior knowledge without TLS.
    pub http2: bool,
    /// Hosts that load may go to although they are not in a private network.
    pub allowed: Vec<String>,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            rps: None,
            no_connection_reuse: false,
            insecure_skip_tls_verify: false,
            user_agent: None,
            max_redirects: 0,
            request_timeout: Duration::from_secs(60),
            ca_certificate: None,
            http2: false,
            allowed: Vec::new(),
        }
    }
}
