//! Tests of the HTTP/2 connection: a table of frames, and the h2 crate as a server.

mod server;
mod table;
