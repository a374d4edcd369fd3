//! Tests of the HTTP/2 connection: a table of frames, the h2 crate as a server, and the status 100.

mod continued;
mod server;
mod table;
