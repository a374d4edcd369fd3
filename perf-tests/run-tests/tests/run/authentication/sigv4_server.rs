//! A server that verifies AWS signatures by the documented steps, without AWS' crates.

use std::sync::Arc;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::StatusCode;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use perf_report::format::hex;
use sha2::{Digest as _, Sha256};
use test_support::fake_server::serve;

/// The name of the key.
pub(super) const KEY_ID: &str = "AKIDEXAMPLE";
const KEY: &str = "hunter2-key";
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
const IN_A_PATH: &AsciiSet = &UNRESERVED.remove(b'/');

pub(super) struct SigningServer {
    pub(super) url: String,
}

/// A request, with names of headers in lower case.
struct SignedRequest<'a> {
    method: &'a str,
    path: &'a str,
    query: &'a str,
    headers: Vec<(String, String)>,
    body: &'a [u8],
}

/// The header `authorization` in its parts.
struct Authorization<'a> {
    key_id: &'a str,
    /// Date, region, service and `aws4_request`.
    scope: Vec<&'a str>,
    signed_headers: Vec<&'a str>,
    signature: &'a str,
}

impl<'a> Authorization<'a> {
    fn parse(text: &'a str) -> Self {
        let text = text.strip_prefix("AWS4-HMAC-SHA256 ").unwrap();
        let part = |name: &str| text.split(", ").find_map(|part| part.strip_prefix(name)).unwrap();
        let mut credential = part("Credential=").split('/');
        let (key_id, scope) = (credential.next().unwrap(), credential.collect());
        let signed_headers = part("SignedHeaders=").split(';').collect();
        Self { key_id, scope, signed_headers, signature: part("Signature=") }
    }
}

impl SignedRequest<'_> {
    fn header(&self, name: &str) -> &str {
        &self.headers.iter().find(|(known, _)| known == name).unwrap_or_else(|| panic!("no header {name}")).1
    }

    fn canonical(&self, signed_headers: &[&str]) -> String {
        let path = utf8_percent_encode(self.path, IN_A_PATH);
        let pairs = self.query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            [name, value].map(|text| {
                let text = text.replace('+', " ");
                utf8_percent_encode(&percent_decode_str(&text).decode_utf8().unwrap(), UNRESERVED).to_string()
            })
        });
        let mut pairs: Vec<_> = pairs.collect();
        pairs.sort();
        let pairs: Vec<_> = pairs.into_iter().map(|[name, value]| format!("{name}={value}")).collect();
        let headers: String = signed_headers.iter().map(|name| format!("{name}:{}\n", self.header(name))).collect();
        let names = signed_headers.join(";");
        let body = hex(&Sha256::digest(self.body));
        format!("{}\n{path}\n{}\n{headers}\n{names}\n{body}", self.method, pairs.join("&"))
    }

    fn signature(&self, key: &str, scope: &[&str], signed_headers: &[&str]) -> String {
        let canonical = hex(&Sha256::digest(self.canonical(signed_headers)));
        let text = format!("AWS4-HMAC-SHA256\n{}\n{}\n{canonical}", self.header("x-amz-date"), scope.join("/"));
        let key =
            scope.iter().fold(format!("AWS4{key}").into_bytes(), |key, part| hmac(&key, part.as_bytes()).to_vec());
        hex(&hmac(&key, text.as_bytes()))
    }
}

/// HMAC with SHA-256 (RFC 2104), of a key of at most 64 bytes.
fn hmac(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mut block = [0; 64];
    block[..key.len()].copy_from_slice(key);
    let inner = Sha256::new().chain_update(block.map(|byte| byte ^ 0x36)).chain_update(text).finalize();
    Sha256::new().chain_update(block.map(|byte| byte ^ 0x5c)).chain_update(inner).finalize().into()
}

impl SigningServer {
    pub(super) fn start() -> Self {
        let router = Router::new().fallback(verify);
        Self { url: serve(router, Arc::default(), Arc::default()) }
    }
}

async fn verify(request: Request) -> StatusCode {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let text = |value: &axum::http::HeaderValue| value.to_str().unwrap().to_owned();
    let mut headers: Vec<_> = head.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    headers.extend(head.uri.authority().map(|authority| ("host".to_owned(), authority.to_string())));
    let (path, query) = (head.uri.path(), head.uri.query().unwrap_or_default());
    let request = SignedRequest { method: head.method.as_str(), path, query, headers, body: &body };
    // The request that checks whether it responds.
    if !request.headers.iter().any(|(name, _)| name == "authorization") {
        return StatusCode::OK;
    }
    let Authorization { key_id, scope, signed_headers, signature } =
        Authorization::parse(request.header("authorization"));
    let is_signed = |name: &str| signed_headers.contains(&name);
    let has_all = is_signed("host") && is_signed("x-amz-date") && (body.is_empty() || is_signed("content-type"));
    if has_all && key_id == KEY_ID && request.signature(KEY, &scope, &signed_headers) == signature {
        StatusCode::OK
    } else {
        StatusCode::FORBIDDEN
    }
}

/// Cases of AWS' signing test suite (github.com/awslabs/aws-c-auth), and the example of its manual.
#[test]
fn the_server_computes_the_signatures_that_aws_has_published() {
    const DATE: (&str, &str) = ("x-amz-date", "20150830T123600Z");
    const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");
    const SUITE: (&str, &str) = ("host", "example.amazonaws.com");
    let sum = ("x-amz-content-sha256", "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e");
    let cases: [(_, _, _, &[_], &[u8], _); 4] = [
        ("GET", "service", "", &[SUITE, DATE], b"", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        (
            "GET",
            "service",
            "Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
            &[SUITE, DATE],
            b"",
            "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac",
        ),
        (
            "POST",
            "service",
            "",
            &[("content-length", "13"), FORM, SUITE, sum, DATE],
            b"Param1=value1",
            "328d1b9eaadca9f5818ef05e8392801e091653bafec24fcab71e7344e7f51422",
        ),
        (
            "GET",
            "iam",
            "Action=ListUsers&Version=2010-05-08",
            &[FORM, ("host", "iam.amazonaws.com"), DATE],
            b"",
            "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
        ),
    ];
    for (method, service, query, headers, body, expected) in cases {
        let names: Vec<_> = headers.iter().map(|(name, _)| *name).collect();
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let request = SignedRequest { method, path: "/", query, headers, body };
        let scope = ["20150830", "us-east-1", service, "aws4_request"];
        assert_eq!(request.signature("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", &scope, &names), expected);
    }
}
