//! The exchanges: 40 responses, each to five kinds of requests.

use monitoring::endpoint::Method;
use serde::Serialize;

/// A request as its author writes it. Each client encodes it.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Request {
    #[serde(serialize_with = "name")]
    pub(crate) method: Method,
    /// Replaces the second segment of `/case/{value}`.
    pub(crate) segment: &'static str,
    pub(crate) query: &'static [(&'static str, &'static str)],
    pub(crate) headers: &'static [(&'static str, &'static str)],
    /// Content type and body.
    pub(crate) body: Option<(&'static str, &'static str)>,
}

fn name<S: serde::Serializer>(method: &Method, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(method.as_str())
}

/// One exchange: a request, and the bytes of the response.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Exchange {
    pub(crate) request: Request,
    pub(crate) response: &'static str,
}

/// All exchanges.
pub(crate) fn exchanges() -> Vec<Exchange> {
    let with = |request: &Request| RESPONSES.iter().map(|response| Exchange { request: *request, response }).collect();
    REQUESTS.iter().flat_map(|request| -> Vec<_> { with(request) }).collect()
}

const REQUESTS: [Request; 5] = [
    Request { method: Method::Get, segment: "plain", query: &[], headers: &[], body: None },
    Request {
        method: Method::Get,
        segment: "Zoë & co/50%;x=ü",
        query: &[("q", "a b&c=d+e"), ("q", "ü"), ("empty", ""), ("slash", "/?#[]@!$'()*,;:~")],
        headers: &[("x-case", "one"), ("X-Case", "twice"), ("authorization", "Bearer a.b-c_d=")],
        body: None,
    },
    Request {
        method: Method::Post,
        segment: "json",
        query: &[("dry", "true")],
        headers: &[],
        body: Some(("application/json", r#"{"name":"Zoë","quantity":12}"#)),
    },
    Request {
        method: Method::Put,
        segment: "text",
        query: &[],
        headers: &[("x-version", "\"abc\""), ("accept", "text/plain;q=0.5, application/json")],
        body: Some(("text/plain; charset=utf-8", "one\r\ntwo\n")),
    },
    Request { method: Method::Delete, segment: "gone", query: &[], headers: &[("x-empty", "")], body: None },
];

/// Whole responses. The connection closes after each.
const RESPONSES: [&str; 40] = [
    // The length of the body: Content-Length, chunks, or the end of the connection.
    "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b;c=\"d\"\r\nhello\r\n0\r\nx-sum: 1\r\n\r\n",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n00A\r\n0123456789\r\n000\r\n\r\n",
    "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\nuntil the end",
    "HTTP/1.0 200 OK\r\n\r\nold and until the end",
    "HTTP/1.0 200 OK\r\ncontent-length: 3\r\n\r\nold",
    "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 5\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello and more than announced",
    // Statuses.
    "HTTP/1.1 201 Created\r\nlocation: /case/1\r\ncontent-length: 2\r\n\r\n{}",
    "HTTP/1.1 204 No Content\r\n\r\n",
    "HTTP/1.1 299 Custom\r\ncontent-length: 1\r\n\r\na",
    "HTTP/1.1 302 Found\r\nlocation: https://example.com/\r\ncontent-length: 0\r\n\r\n",
    "HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\netag: \"a\"\r\n\r\n",
    "HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: 15\r\n\r\n{\"detail\":\"no\"}",
    "HTTP/1.1 404 Not Found\r\ncontent-length: 4\r\n\r\nnone",
    "HTTP/1.1 429 Too Many Requests\r\nretry-after: 3\r\ncontent-length: 0\r\n\r\n",
    "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 4\r\n\r\noops",
    "HTTP/1.1 503 Service Unavailable\r\ntransfer-encoding: chunked\r\n\r\n4\r\nbusy\r\n0\r\n\r\n",
    "HTTP/1.1 200\r\ncontent-length: 9\r\n\r\nno reason",
    "HTTP/1.1 200 \r\ncontent-length: 12\r\n\r\nempty reason",
    // Interim responses.
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nafter",
    "HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhints",
    // Headers.
    "HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\ncontent-length: 2\r\n\r\nhi",
    "HTTP/1.1 200 OK\r\nx-a: \t spaced \t\r\ncontent-length: 2\r\n\r\nhi",
    "HTTP/1.1 200 OK\r\nx-a:no space\r\ncontent-length:2\r\n\r\nhi",
    "HTTP/1.1 200 OK\r\nx-a:\r\ncontent-length: 2\r\n\r\nhi",
    "HTTP/1.1 200 OK\r\nx-a: a:b, c;d=\"e\"\r\ncontent-length: 2\r\n\r\nhi",
    "HTTP/1.1 200 OK\r\nset-cookie: a=1; Path=/\r\nset-cookie: b=2\r\ncontent-length: 2\r\n\r\nhi",
    "HTTP/1.1 200 OK\ncontent-length: 2\n\nhi",
    // Faults.
    "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\ncut",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\ncut",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\ncut\r\n",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\nhello\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\ncontent-length: five\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nno colon\r\ncontent-length: 2\r\n\r\nhi",
    "nonsense\r\n\r\n",
];
