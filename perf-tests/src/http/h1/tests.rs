//! Tests of the HTTP/1.1 connection: a table of responses, random responses, hyper as an oracle,
//! and real sockets.

mod generated;
mod loopback;
mod oracle;
mod script;
mod streamed;
mod table;
