//! A server that records each request and sends its exchange's response.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use percent_encoding::percent_decode_str;
use test_support::fake_server::accept_each;

/// The header with the number of the exchange.
pub(crate) const NUMBER: &str = "x-number";
/// Headers in which clients may differ: their own name, the formats that they accept, and what they
/// do with the connection.
pub(crate) const OWN: [&str; 6] = ["user-agent", "accept", "accept-encoding", "connection", "host", NUMBER];

/// A request as it arrived, percent-decoded, so that requests with the same meaning are equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WireRequest {
    pub(crate) method: String,
    pub(crate) segments: Vec<String>,
    pub(crate) query: Vec<(String, String)>,
    /// Without those in which clients may differ; sorted by name, and for each name in order.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

type Recorded = Arc<Mutex<BTreeMap<usize, WireRequest>>>;

pub(crate) struct Recorder {
    pub(crate) url: String,
    recorded: Recorded,
}

impl Recorder {
    /// Begins to serve these responses until the process ends.
    pub(crate) fn start(responses: Vec<&'static str>) -> Self {
        let recorded = Recorded::default();
        let record = recorded.clone();
        let address = accept_each(move |stream| serve(stream, &responses, &record));
        Self { url: format!("http://{address}"), recorded }
    }

    pub(crate) fn requests(&self) -> BTreeMap<usize, WireRequest> {
        self.recorded.lock().unwrap().clone()
    }
}

/// Serves one request. A connection without one is ignored: a client may look whether the server is
/// there.
fn serve(mut stream: TcpStream, responses: &[&'static str], recorded: &Recorded) {
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let Some((number, request)) = read(&mut stream) else { return };
    let response = number.map_or("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", |number| responses[number]);
    if let Some(number) = number {
        recorded.lock().unwrap().insert(number, request);
    }
    // The client may have closed the connection at the first fault.
    let _ = stream.write_all(response.as_bytes());
    let _ = stream.shutdown(Shutdown::Write);
    let _ = stream.read_to_end(&mut Vec::new());
}

/// The number of the exchange, if the request has one, and the request.
fn read(stream: &mut TcpStream) -> Option<(Option<usize>, WireRequest)> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let mut slots = [httparse::EMPTY_HEADER; 32];
        let mut parsed = httparse::Request::new(&mut slots);
        if let httparse::Status::Complete(head) = parsed.parse(&bytes).unwrap() {
            let mut headers: Vec<_> = parsed
                .headers
                .iter()
                .map(|header| (header.name.to_ascii_lowercase(), String::from_utf8(header.value.to_vec()).unwrap()))
                .collect();
            let value = |name: &str| headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
            let length: usize = value("content-length").map_or(0, |length| length.parse().unwrap());
            if bytes.len() >= head + length {
                let number = value(NUMBER).map(|number| number.parse().unwrap());
                let (path, query) = parsed.path.unwrap().split_once('?').unwrap_or((parsed.path.unwrap(), ""));
                let decode = |text: &str| percent_decode_str(text).decode_utf8().unwrap().into_owned();
                headers.retain(|(name, _)| !OWN.contains(&name.as_str()));
                headers.sort_by(|(one, _), (other, _)| one.cmp(other));
                let request = WireRequest {
                    method: parsed.method.unwrap().to_owned(),
                    segments: path.split('/').map(decode).collect(),
                    query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
                    headers,
                    body: String::from_utf8(bytes[head..head + length].to_vec()).unwrap(),
                };
                return Some((number, request));
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(read) => bytes.extend_from_slice(&buffer[..read]),
        }
    }
}
