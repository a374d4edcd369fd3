//! How a request goes out and an answer comes back, how long the parts of that took, and how it can fail.
//!
//! Plain HTTP/1.1, which is what load is made of, has a client of our own in [`h1`]: it costs less processor time than any
//! library, and that time is what a generator has least of. TLS is rustls below it, HTTP/2 is hyper's.

mod allowed_targets;
mod client;
mod config;
mod connect;
mod exchange;
pub mod h1;
mod h2;
mod request_head;
pub mod server_timing;
mod target;
mod tls;

pub(crate) use client::{HttpClient, Pool};
pub(crate) use config::HttpConfig;
pub(crate) use exchange::{Exchange, ExchangeError, Reply};
pub(crate) use request_head::{RequestHead, USER_AGENT, is_header_value};
