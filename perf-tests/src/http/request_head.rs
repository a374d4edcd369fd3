//! The head of a request as bytes, <https://www.rfc-editor.org/rfc/rfc9112#section-3>.

use super::content_coding::ACCEPT_ENCODING;
use super::target::Target;

/// The default `user-agent` header.
pub(crate) const USER_AGENT: &str = concat!("perf-tests/", env!("CARGO_PKG_VERSION"));

/// The parts of a request's head, except the target. All of them have been checked to be valid in
/// HTTP.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestHead<'a> {
    pub(crate) method: &'a str,
    /// Path and query, already encoded, without the target's base path.
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    /// The virtual user's headers, then the request's own.
    pub(crate) headers: [&'a [(String, String)]; 2],
    /// The cookies; empty if there are none.
    pub(crate) cookies: &'a [u8],
    pub(crate) user_agent: Option<&'a str>,
    /// The type of the body; `None` without a body.
    pub(crate) content_type: Option<&'a str>,
    pub(crate) content_length: u64,
    /// Whether the body is sent only after the server has asked for it.
    pub(crate) expects_continue: bool,
    /// Whether compressed responses are asked for.
    pub(crate) compression: bool,
    /// Whether the connection will not be used again.
    pub(crate) close: bool,
    /// Whether the path is complete, as in a redirect, and the target's base path is not added.
    pub(crate) absolute: bool,
    /// Whether the credentials among each of `headers` are sent.
    pub(crate) credentials: [bool; 2],
    /// Whether the body of the response is read and discarded.
    pub(crate) discards_body: bool,
}

/// Headers that are for one origin only.
const CREDENTIALS: [&str; 3] = ["authorization", "cookie", "proxy-authorization"];

impl<'a> RequestHead<'a> {
    /// The head of a request with default headers only, and without a body.
    pub(crate) const fn new(method: &'a str, path: &'a str) -> Self {
        Self {
            method,
            path,
            query: "",
            headers: [&[], &[]],
            cookies: &[],
            user_agent: None,
            content_type: None,
            content_length: 0,
            expects_continue: false,
            compression: false,
            close: false,
            absolute: false,
            credentials: [true, true],
            discards_body: false,
        }
    }

    /// The headers of the virtual user and the request that are sent.
    pub(super) fn given(&self) -> impl Iterator<Item = &'a (String, String)> + use<'a> {
        let is_credential = |name: &str| CREDENTIALS.iter().any(|known| name.eq_ignore_ascii_case(known));
        let of_both = self.headers.into_iter().zip(self.credentials);
        of_both.flat_map(move |(headers, sent)| headers.iter().filter(move |(name, _)| sent || !is_credential(name)))
    }

    /// The text after the path: nothing, or the query with its separator. The path may have a
    /// query of its own.
    fn whole_query(&self) -> [&'a str; 2] {
        if self.query.is_empty() {
            return ["", ""];
        }
        match self.path.split_once('?') {
            None => ["?", self.query],
            Some((_, "")) => ["", self.query],
            Some(_) => ["&", self.query],
        }
    }

    pub(crate) fn url(&self, target: &Target) -> String {
        let scheme = if target.tls { "https" } else { "http" };
        let base = if self.absolute { "" } else { target.base.as_str() };
        let [mark, query] = self.whole_query();
        format!("{scheme}://{}{base}{}{mark}{query}", target.host_header, self.path)
    }

    pub(crate) fn write(&self, target: &Target, out: &mut Vec<u8>) {
        let has_cookies = !self.cookies.is_empty() && !self.gives("cookie");
        let mut put = |parts: &[&str]| parts.iter().for_each(|part| out.extend_from_slice(part.as_bytes()));
        let base = if self.absolute { "" } else { target.base.as_str() };
        put(&[self.method, " ", base, self.path]);
        put(&self.whole_query());
        put(&[" HTTP/1.1\r\nhost: ", &target.host_header]);
        let given = || self.given();
        // Most requests have none, and this runs for each of them.
        let has_given = self.headers.iter().any(|headers| !headers.is_empty());
        let has = |name: &str| has_given && self.gives(name);
        if !has("user-agent") {
            put(&["\r\nuser-agent: ", self.user_agent.unwrap_or(USER_AGENT)]);
        }
        if !has("accept") {
            put(&["\r\naccept: */*"]);
        }
        if self.compression && !has("accept-encoding") {
            put(&["\r\naccept-encoding: ", ACCEPT_ENCODING]);
        }
        if let Some(authorization) = target.authorization.as_deref().filter(|_| !has("authorization")) {
            put(&["\r\nauthorization: ", authorization]);
        }
        for (name, value) in given() {
            put(&["\r\n", name, ": ", value]);
        }
        if let Some(content_type) = self.content_type.filter(|_| !has("content-type")) {
            put(&["\r\ncontent-type: ", content_type]);
        }
        // A method that gives a body a meaning must announce an empty body (RFC 9110, section 8.6).
        if self.content_type.is_some() || matches!(self.method, "POST" | "PUT" | "PATCH") {
            put(&["\r\ncontent-length: ", itoa::Buffer::new().format(self.content_length)]);
        }
        if self.expects_continue && !has("expect") {
            put(&["\r\nexpect: 100-continue"]);
        }
        // `te` is for the next server only (RFC 9110, section 10.1.4).
        match (self.close, has("te")) {
            (false, false) => {}
            (true, false) => put(&["\r\nconnection: close"]),
            (false, true) => put(&["\r\nconnection: te"]),
            (true, true) => put(&["\r\nconnection: close, te"]),
        }
        if has_cookies {
            out.extend_from_slice(b"\r\ncookie: ");
            out.extend_from_slice(self.cookies);
        }
        out.extend_from_slice(b"\r\n\r\n");
    }

    pub(super) fn gives(&self, name: &str) -> bool {
        self.given().any(|(known, _)| known.eq_ignore_ascii_case(name))
    }
}

/// Whether a scenario may set a header with this name and value. The name must be a token, and the
/// value text without control characters. Headers that define the request's length or connection
/// are reserved.
pub(crate) fn is_header_value(name: &str, value: &str) -> bool {
    const RESERVED: [&str; 5] = ["host", "content-length", "transfer-encoding", "connection", "upgrade"];
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty()
        && name.bytes().all(token)
        && !RESERVED.iter().any(|reserved| name.eq_ignore_ascii_case(reserved))
        && value.bytes().all(|byte| byte == b'\t' || (byte >= 0x20 && byte != 0x7f))
}

#[cfg(test)]
mod tests;
