//! The head of a response: where it ends, and what it says about the body and the connection.

use httparse::{EMPTY_HEADER, Error, Header, Response, Status};

use super::{HEAD_BYTES, HEAD_LINES, Http1Error, KnownHeaders, ResponseLimits, ResponseTo};

/// Most responses have fewer header lines. Filling room for 100 takes three kilobytes, which costs
/// more than parsing a head.
const FEW_HEADERS: usize = 16;

/// Nearly all responses have fewer header lines. Room for more is allocated.
const MANY_HEADERS: usize = 100;

/// The first byte of a record with an alert of TLS (RFC 8446, 5.1).
const TLS_ALERT: u8 = 21;

const START: &[u8] = b"HTTP/1.";

#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    pub(super) status: u16,
    /// Length in bytes, including the empty line at its end.
    pub(super) len: usize,
    pub(super) framing: Framing,
    /// Whether the connection may carry another request, according to the head.
    pub(super) reusable: bool,
    pub(super) known: KnownHeaders,
}

/// Sign of the end of a body (RFC 9112, 6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// Length of the body in bytes; 0 if there is no body.
    Length(u64),
    Chunked,
    UntilClose,
}

/// Finds the end of the head at the start of the buffer. `searched` is the position that earlier
/// calls reached, so that no byte is searched again when a head arrives slowly.
pub(super) fn find_end(buffer: &[u8], searched: &mut usize, limit: usize) -> Result<Option<usize>, Http1Error> {
    if buffer.first() == Some(&TLS_ALERT) {
        return Err(Http1Error::ExpectsTls);
    }
    let known = buffer.len().min(START.len());
    // Checked at once, as a server that does not speak HTTP may never send an empty line.
    if buffer[..known] != START[..known] {
        return Err(Http1Error::Protocol("not a status line of HTTP/1"));
    }
    let end = search(buffer, searched);
    match end {
        Some(end) if end <= limit => Ok(Some(end)),
        None if buffer.len() <= limit => Ok(None),
        _ => Err(Http1Error::TooLarge { what: HEAD_BYTES, limit }),
    }
}

fn search(buffer: &[u8], searched: &mut usize) -> Option<usize> {
    while let Some(offset) = buffer[*searched..].iter().position(|byte| *byte == b'\n') {
        let newline = *searched + offset;
        match buffer[newline + 1..] {
            // A line may end without a CR (RFC 9112, 2.2).
            [b'\n', ..] => return Some(newline + 2),
            [b'\r', b'\n', ..] => return Some(newline + 3),
            [] | [b'\r'] => {
                *searched = newline;
                return None;
            }
            _ => *searched = newline + 1,
        }
    }
    *searched = buffer.len();
    None
}

/// Replaces the line ends before folded lines by spaces, as a client must (RFC 9112, 5.2). Returns
/// whether there are any. The first header line cannot be folded.
pub(super) fn unfold(head: &mut [u8]) -> bool {
    let Some(status_line) = head.iter().position(|byte| *byte == b'\n') else { return false };
    let mut is_folded = false;
    for at in status_line + 1..head.len() - 1 {
        if head[at] == b'\n' && matches!(head[at + 1], b' ' | b'\t') {
            head[at] = b' ';
            if head[at - 1] == b'\r' {
                head[at - 1] = b' ';
            }
            is_folded = true;
        }
    }
    is_folded
}

/// The header lines of an accepted head. No line of it is folded or without a colon.
pub(super) fn lines(head: &[u8]) -> impl Iterator<Item = (&str, &[u8])> {
    head.split(|byte| *byte == b'\n').skip(1).filter_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        Some((str::from_utf8(&line[..colon]).ok()?, line[colon + 1..].trim_ascii()))
    })
}

impl Head {
    /// Parses the head at the start of the buffer, as it mostly arrives: whole, correct and not
    /// long. Its end need not be searched then.
    pub(super) fn parse_at_once(buffer: &[u8], response_to: ResponseTo, limits: &ResponseLimits) -> Option<Self> {
        if !buffer.starts_with(START) {
            return None;
        }
        let head = Self::parse_usual(buffer, response_to, limits).ok()?;
        (head.len <= limits.head).then_some(head)
    }

    /// Parses a whole head, which ends where `bytes` ends.
    pub(super) fn parse(bytes: &[u8], response_to: ResponseTo, limits: &ResponseLimits) -> Result<Self, Http1Error> {
        let head = match Self::parse_usual(bytes, response_to, limits) {
            Err(Http1Error::TooLarge { limit, .. }) if limit > MANY_HEADERS => {
                let lines = bytes.iter().filter(|byte| **byte == b'\n').count().min(limits.headers);
                Self::parse_with(&mut vec![EMPTY_HEADER; lines], bytes, response_to, limits)?
            }
            parsed => parsed?,
        };
        if head.len == bytes.len() { Ok(head) } else { Err(Http1Error::Protocol("malformed head")) }
    }

    /// Parses a head that has not too many lines.
    fn parse_usual(bytes: &[u8], response_to: ResponseTo, limits: &ResponseLimits) -> Result<Self, Http1Error> {
        match Self::parse_with(&mut [EMPTY_HEADER; FEW_HEADERS], bytes, response_to, limits) {
            Err(Http1Error::TooLarge { limit, .. }) if limit > FEW_HEADERS => {
                Self::parse_with(&mut [EMPTY_HEADER; MANY_HEADERS], bytes, response_to, limits)
            }
            parsed => parsed,
        }
    }

    fn parse_with<'a>(
        slots: &mut [Header<'a>],
        bytes: &'a [u8],
        response_to: ResponseTo,
        limits: &ResponseLimits,
    ) -> Result<Self, Http1Error> {
        let mut response = Response::new(slots);
        let parsed = response.parse(bytes);
        if parsed == Err(Error::TooManyHeaders) || response.headers.len() > limits.headers && parsed.is_ok() {
            return Err(Http1Error::TooLarge { what: HEAD_LINES, limit: limits.headers });
        }
        let Status::Complete(len) = parsed.map_err(|error| Http1Error::Protocol(reason(error)))? else {
            return Err(Http1Error::Protocol("malformed head"));
        };
        let (Some(version), Some(status)) = (response.version, response.code) else {
            return Err(Http1Error::Protocol("malformed status line"));
        };
        match status {
            // No request asks for it, and the bytes after it would not be HTTP (RFC 9110, 15.2.2).
            101 => return Err(Http1Error::Protocol("unrequested protocol switch")),
            // Counts use 0 for no response.
            0 => return Err(Http1Error::Protocol("malformed status line")),
            // A status outside 100-599 is as one of 5xx (RFC 9110, 15).
            _ => {}
        }
        let present = Present::among(response.headers);
        let framing = if response_to == ResponseTo::Head || matches!(status, 100..=199 | 204 | 304) {
            Framing::Length(0)
        } else {
            framing(response.headers, present, version)?
        };
        let reusable = framing != Framing::UntilClose && persists(response.headers, present, version);
        Ok(Self { status, len, framing, reusable, known: present.known })
    }

    /// Whether another response to the same request follows (RFC 9110, 15.2).
    pub(super) fn is_interim(&self) -> bool {
        matches!(self.status, 100..=199)
    }
}

fn reason(error: Error) -> &'static str {
    match error {
        Error::HeaderName => "malformed header name",
        Error::HeaderValue => "malformed header value",
        Error::NewLine => "malformed line end in the head",
        Error::Status => "malformed status line",
        Error::Version => "version other than HTTP/1.0 and HTTP/1.1",
        Error::Token | Error::TooManyHeaders => "malformed head",
    }
}

/// The headers that a response has, of those that an exchange needs.
#[derive(Debug, Clone, Copy, Default)]
struct Present {
    connection: bool,
    content_length: bool,
    transfer_encoding: bool,
    known: KnownHeaders,
}

impl Present {
    fn among(headers: &[Header<'_>]) -> Self {
        let mut present = Self::default();
        for Header { name, .. } in headers {
            // The length comes first, since most headers are none of these.
            let is_present = match name.len() {
                10 if is_named(name, "connection") => &mut present.connection,
                10 if is_named(name, "set-cookie") => &mut present.known.set_cookie,
                14 if is_named(name, "content-length") => &mut present.content_length,
                16 if is_named(name, "content-encoding") => &mut present.known.content_encoding,
                17 if is_named(name, "transfer-encoding") => &mut present.transfer_encoding,
                _ => continue,
            };
            *is_present = true;
        }
        present
    }
}

/// Whether a header's name, which is a token, has these lower-case letters and hyphens.
#[inline]
fn is_named(token: &str, name: &str) -> bool {
    // A token has no control characters, so this bit matters only for letters. Without a branch, it
    // is done for several bytes at once.
    let differs = |all, (byte, lower): (u8, u8)| all | ((byte | 0x20) ^ lower);
    token.len() == name.len() && token.bytes().zip(name.bytes()).fold(0, differs) == 0
}

/// The values of a header whose lines form one comma-separated list (RFC 9110, 5.3 and 5.6.1).
/// Values may be empty.
fn list<'a>(headers: &'a [Header<'_>], name: &str) -> impl Iterator<Item = &'a [u8]> {
    let named = headers.iter().filter(move |header| is_named(header.name, name));
    named.flat_map(|header| header.value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii))
}

/// RFC 9112, 9.3: whether the connection stays open after this response.
fn persists(headers: &[Header<'_>], present: Present, version: u8) -> bool {
    let mut persists = version > 0;
    if !present.connection {
        return persists;
    }
    for option in list(headers, "connection") {
        if option.eq_ignore_ascii_case(b"close") {
            return false;
        }
        persists |= option.eq_ignore_ascii_case(b"keep-alive");
    }
    persists
}

/// RFC 9112, 6.3, for a response that may have a body.
fn framing(headers: &[Header<'_>], present: Present, version: u8) -> Result<Framing, Http1Error> {
    let length = if present.content_length { content_length(headers)? } else { None };
    if !present.transfer_encoding || !is_chunked(headers)? {
        return Ok(length.map_or(Framing::UntilClose, Framing::Length));
    }
    // Two readers may understand these responses differently. RFC 9112, 6.1, requires or permits an
    // error.
    if version == 0 {
        return Err(Http1Error::Protocol("transfer-encoding in HTTP/1.0"));
    }
    if length.is_some() {
        return Err(Http1Error::Protocol("both transfer-encoding and content-length"));
    }
    Ok(Framing::Chunked)
}

/// Whether the body is chunked. Any other coding is an error, as no request asks for one (RFC 9112,
/// 6.1 and 7.4).
fn is_chunked(headers: &[Header<'_>]) -> Result<bool, Http1Error> {
    let mut codings = list(headers, "transfer-encoding");
    match (codings.next(), codings.next()) {
        (None, _) => Ok(false),
        (Some(coding), None) if coding.eq_ignore_ascii_case(b"chunked") => Ok(true),
        _ => Err(Http1Error::Protocol("transfer-encoding other than chunked")),
    }
}

/// The announced length in bytes. If it is repeated, all values must agree (RFC 9110, 8.6).
fn content_length(headers: &[Header<'_>]) -> Result<Option<u64>, Http1Error> {
    let mut length = None;
    // Not over `list`, since this runs for each response and costs half.
    for header in headers.iter().filter(|header| is_named(header.name, "content-length")) {
        for digits in header.value.split(|byte| *byte == b',') {
            let new = parse_length(digits.trim_ascii()).ok_or(Http1Error::Protocol("malformed content-length"))?;
            if length.replace(new).is_some_and(|old| old != new) {
                return Err(Http1Error::Protocol("contradictory content-lengths"));
            }
        }
    }
    Ok(length)
}

/// Parses digits only; unlike `u64::from_str`, it accepts no sign.
pub(in crate::http) fn parse_length(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

#[cfg(test)]
mod tests;
