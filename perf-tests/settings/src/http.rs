//! Options of requests. They are k6's options, with k6's defaults except for redirects.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{PerHost, ProxyUrl, ValueError};

/// Maximum bytes of a response's head, unless the run sets it.
pub const DEFAULT_MAX_HEAD: usize = 64 << 10;
/// Default maximum bytes of a response body that is kept, in a run with many virtual users. They
/// share memory for bodies.
pub const LEAST_MAX_BODY: usize = 4 << 20;
/// As [`LEAST_MAX_BODY`], in a run with few virtual users.
pub const MOST_MAX_BODY: usize = 64 << 20;

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
    /// PEM files of CA certificates that replace the system's.
    pub ca_certificate: PerHost<PathBuf>,
    /// PEM files of client certificates, with the certificates of authorities between.
    pub client_certificate: PerHost<PathBuf>,
    /// PEM files of the client certificates' keys. Without one, the key is in the certificate's
    /// file.
    pub client_key: PerHost<PathBuf>,
    /// Header `host`, or `:authority`, in place of the URL's host and port.
    pub host_header: PerHost<String>,
    /// Server name of the TLS handshake, which the certificate must be for, in place of the URL's
    /// host.
    pub sni: PerHost<String>,
    /// HTTP/1.1 even if the target prefers HTTP/2.
    pub http1: bool,
    /// HTTP/2 even if the target prefers HTTP/1.1; without TLS by prior knowledge.
    pub http2: bool,
    /// Sends `accept-encoding` as a browser does.
    pub compression: bool,
    /// Whether the virtual users keep their cookies from one iteration to the next; `None` leaves
    /// this to the scenario.
    pub keep_cookies: Option<bool>,
    /// Maximum bytes of a response body that is kept; `None` divides memory among the VUs. A longer
    /// body is read and discarded.
    pub max_body: Option<u64>,
    /// Maximum bytes of a response's head; `None` for [`DEFAULT_MAX_HEAD`].
    pub max_head: Option<u64>,
    /// The proxy that load goes through; `None` for direct connections.
    pub proxy: Option<ProxyUrl>,
    /// Hosts that load may go to although they are not in a private network.
    pub allowed: Vec<String>,
    /// Addresses to use in place of a look-up.
    pub resolve: Vec<Resolve>,
    /// Time for which the addresses of a name are used before it is looked up again.
    pub dns_ttl: Duration,
}

/// Addresses of a host and port that replace a look-up, as curl's `--resolve`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolve {
    /// The host; `*` for any.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
}

impl Resolve {
    /// Parses `HOST:PORT:ADDRESS[,ADDRESS]…`.
    pub(super) fn parse(text: &str) -> Result<Self, ValueError> {
        let error = |why| ValueError::Resolve(text.to_owned(), why);
        let mut parts = text.splitn(3, ':');
        let (Some(host), Some(port), Some(addresses)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(error("it does not have three parts"));
        };
        if host.is_empty() {
            return Err(error("it has no host"));
        }
        let port = port.parse().map_err(|_| error("its second part is not a port"))?;
        let address = |text: &str| text.trim_start_matches('[').trim_end_matches(']').parse();
        let addresses = addresses.split(',').map(address).collect::<Result<_, _>>();
        let addresses = addresses.map_err(|_| error("its third part is not an IP address"))?;
        Ok(Self { host: host.to_owned(), port, addresses })
    }

    /// Its addresses, if it is about this host and port.
    pub fn find_addresses(&self, host: &str, port: u16) -> impl Iterator<Item = SocketAddr> {
        let is_host = self.host == "*" || self.host.eq_ignore_ascii_case(host);
        let addresses = self.addresses.iter().filter(move |_| is_host && self.port == port);
        addresses.map(move |address| SocketAddr::new(*address, port))
    }
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
            ca_certificate: PerHost::default(),
            client_certificate: PerHost::default(),
            client_key: PerHost::default(),
            host_header: PerHost::default(),
            sni: PerHost::default(),
            http1: false,
            http2: false,
            compression: false,
            keep_cookies: None,
            max_body: None,
            max_head: None,
            proxy: None,
            allowed: Vec::new(),
            resolve: Vec::new(),
            dns_ttl: Duration::from_secs(30),
        }
    }
}
