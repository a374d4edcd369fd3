//! How requests are made, as far as a run can be told: k6's options, with k6's defaults unless said otherwise.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Options of every request of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpSettings {
    /// The most requests a second, of all virtual users together; a virtual user waits until it may.
    pub rps: Option<u64>,
    /// A new connection for every request.
    pub no_connection_reuse: bool,
    /// Take any certificate.
    pub insecure_skip_tls_verify: bool,
    /// The header `user-agent`; ours if none is named.
    pub user_agent: Option<String>,
    /// How many redirects are followed; each is a request of its own, to the same endpoint. k6 follows 10, we none:
    /// where a redirect leads is not what was promised.
    pub max_redirects: u32,
    /// How long a request may take in all, its connection included.
    pub request_timeout: Duration,
    /// Certificates, as PEM, that are trusted in place of the system's.
    pub ca_certificate: Option<PathBuf>,
    /// HTTP/2: by ALPN over TLS, by prior knowledge without.
    pub http2: bool,
    /// Hosts that load may go to wherever they are.
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
