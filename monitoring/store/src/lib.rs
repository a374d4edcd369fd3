//! The one HTTP client for anything with Prometheus' API or a remote-write receiver.
//!
//! [`client`] has the rules for secrets, TLS and redirects: a credential goes to its store and to no other host, whatever that store
//! responds. [`prometheus`] asks the query API; [`response`] and [`grafana_response`] read what is not trusted. A receiver of
//! remote write is pushed to with the same client and [`access`]. [`exposition`] reads what a service serves at `/metrics`.

pub mod access;
pub mod body_limit;
pub mod client;
pub mod exposition;
pub mod grafana_response;
pub mod prometheus;
pub mod response;

mod shown_url;

pub use access::{HeaderError, StoreAccess, is_header_value};
pub use body_limit::{BodyError, BodyLimit};
pub use client::{ClientError, ClientOptions, client, root_cause, store_client, use_ring};
pub use prometheus::{Prometheus, QueryError, Range};
pub use shown_url::shown_url;
