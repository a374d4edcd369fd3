//! A request, how long its parts took, and how it can fail.

mod client;
mod connect;
mod request;

pub use client::{ClientError, HttpClient};
pub(crate) use client::{client_builder, root_cause};
pub use request::{Request, RequestError, Response};
