//! The HTTP client for every server with Prometheus' API or a remote-write receiver.
//!
//! - `http_client` and [`access`] set the rules for secrets, TLS and redirects. Credentials are
//!   sent to the host of their store only, whatever that store responds. Remote write uses the same
//!   client.
//! - `other_scheme` finds out that a server has TLS and its URL does not, or the other way round.
//! - [`TargetAccess`] has the options of a client for a target's metrics.
//! - [`proxy`] chooses the proxy between this machine and a store.
//! - [`prometheus_client`] sends queries to the query API.
//! - [`response`] and [`grafana_response`] read responses, which are not trusted.
//! - [`exposition`] parses the metrics that a service serves at `/metrics`, and [`openapi`] the
//!   list of its routes.

pub mod access;
mod body_limit;
pub mod exposition;
pub mod grafana_response;
mod http_client;
pub mod openapi;
mod other_scheme;
mod pem_file;
pub mod prometheus_client;
pub mod proxy;
pub mod response;
mod retries;

mod server_trust;
mod shown_url;
mod target_client;
mod this_machine;

pub use access::{HeaderError, StoreAccess, is_header_value};
pub use body_limit::{BodyError, BodyLimit};
#[cfg(unix)]
pub use http_client::socket_client;
pub use http_client::{ClientError, ClientOptions, certificate_error, client, root_cause, store_client, use_ring};
pub use other_scheme::OtherScheme;
pub use pem_file::{read_certificates, read_key};
pub use prometheus_client::{PrometheusClient, QueryError, Range};
pub use proxy::ProxySettings;
pub use server_trust::{ServerTrust, is_authority};
pub use shown_url::shown_url;
pub use target_client::TargetAccess;
pub use this_machine::is_this_machine;
