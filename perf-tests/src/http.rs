//! The HTTP client: sends requests, reads responses, measures the parts of both, and classifies
//! failures.
//!
//! HTTP/1.1 and HTTP/2 have their own clients in [`h1`] and [`h2`]. They need less processor time
//! than the libraries, and processor time is what limits a generator. TLS is rustls below them.

mod addresses;
mod allowed_targets;
mod client;
mod config;
mod connect;
mod content_coding;
mod cookie_jar;
mod exchange;
pub mod h1;
pub mod h2;
mod host_config;
mod outage;
mod outage_times;
mod pool;
mod protocol;
mod request_body;
mod request_head;
pub mod server_timing;
mod target;
mod tls;
mod tunnel;
#[cfg(unix)]
mod unix_socket;

pub(crate) use client::{ConnectionOwner, HttpClient};
pub(crate) use config::{HttpConfig, MAIN};
pub(crate) use cookie_jar::{CookieJar, CookieUrl};
pub(crate) use exchange::{Exchange, ExchangeError};
pub(crate) use h1::RawResponse;
pub(crate) use host_config::HostConfig;
pub(crate) use outage_times::OutageTimes;
pub(crate) use pool::Pool;
pub(crate) use request_body::{FileInBody, RequestBody};
pub(crate) use request_head::{RequestHead, USER_AGENT, is_header_value};
pub(crate) use target::Target;
pub(crate) use tls::{TlsError, client_config, read_certificates};
