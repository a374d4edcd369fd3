//! A server for measuring clients. It sends the same short JSON response to every request, at once
//! or after a seeded delay that is logged; a few paths have a response of their own. It parses as
//! little of HTTP/1.1 as possible, so that the client is measured and not the server.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use flate2::Compression;
use flate2::write::GzEncoder;
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, LogNormal};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::LocalSet;

/// The response body, about as long as those of the game.
const BODY: &str = r#"{"room":"ABCD","day":12,"state":"running","players":[{"id":"p1","name":"Student 1","cash":10000},{"id":"p2","name":"Student 2","cash":9500}],"prices":{"ACME":101.5,"GLOBEX":55.25}}"#;
/// Number of players in a long body, which makes 10 KB.
const PLAYERS: u32 = 190;
/// Median of the log-normal delays, and standard deviation of their logarithm.
const MEDIAN: Duration = Duration::from_millis(20);
const SIGMA: f64 = 0.6;

/// State that the server's connections share.
struct ServerState {
    served: Cell<u64>,
    responses: FixedResponses,
    delays: Option<RefCell<Delays>>,
}

/// The responses, each with its head.
struct FixedResponses {
    usual: Vec<u8>,
    /// Responses to special requests, each with the start of its request.
    special: [(&'static [u8], Vec<u8>); 4],
}

struct Delays {
    rng: ChaCha8Rng,
    distribution: LogNormal<f64>,
    log: BufWriter<File>,
}

/// Serves until `stop` completes. With `log`, responses are delayed. The file then gets one line
/// per request: the nanoseconds from reading the request to handing its response to the kernel.
///
/// # Errors
/// If the file cannot be written.
pub async fn serve(
    listener: TcpListener,
    log: Option<PathBuf>,
    seed: u64,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let delays = log.map(|path| -> anyhow::Result<_> {
        let file = File::create(&path).with_context(|| format!("failed to write {}", path.display()))?;
        let distribution =
            LogNormal::new(MEDIAN.as_secs_f64().ln(), SIGMA).context("cannot create the distribution of delays")?;
        Ok(RefCell::new(Delays { rng: ChaCha8Rng::seed_from_u64(seed), distribution, log: BufWriter::new(file) }))
    });
    let responses = FixedResponses::new().context("failed to compress a response")?;
    let shared = Rc::new(ServerState { served: Cell::new(0), responses, delays: delays.transpose()? });
    let local = LocalSet::new();
    local
        .run_until(async {
            tokio::select! {
                () = stop => {}
                () = async {
                    loop {
                        // An error means that the client closed the connection before it was
                        // accepted.
                        if let Ok((stream, _)) = listener.accept().await {
                            // A client may close its connection at any time.
                            drop(tokio::task::spawn_local(connection(stream, shared.clone())));
                        }
                    }
                } => {}
            }
        })
        .await;
    match &shared.delays {
        Some(delays) => delays.borrow_mut().log.flush().context("failed to write delays"),
        None => Ok(()),
    }
}

async fn connection(mut stream: TcpStream, shared: Rc<ServerState>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(4096);
    loop {
        let Some(length) = request_length(&buffer) else {
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
            continue;
        };
        let read = now();
        // The request for the number of responses is not counted itself.
        if buffer.starts_with(b"GET /served ") {
            let count = shared.served.get().to_string();
            stream.write_all(&response("200 OK", "", count.as_bytes())).await?;
        } else {
            let delay = shared.delays.as_ref().map(|delays| delays.borrow_mut().next());
            if let Some(delay) = delay {
                tokio::time::sleep(delay).await;
            }
            stream.write_all(shared.responses.find(&buffer)).await?;
            shared.served.set(shared.served.get() + 1);
            if let Some(delays) = &shared.delays {
                writeln!(delays.borrow_mut().log, "{}", now().duration_since(read).as_nanos())?;
            }
        }
        buffer.drain(..length);
    }
}

impl FixedResponses {
    fn new() -> std::io::Result<Self> {
        let player = |id: u32| {
            format!(r#"{{"id":"p{id}","name":"Student {id}","cash":{}}}"#, id.wrapping_mul(2_654_435_761) % 100_000)
        };
        let players: Vec<_> = (0..PLAYERS).map(player).collect();
        let long = format!(r#"{{"room":"ABCD","players":[{}]}}"#, players.join(","));
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(long.as_bytes())?;
        let gzip = gzip.finish()?;
        Ok(Self {
            usual: response("200 OK", "", BODY.as_bytes()),
            special: [
                (b"GET /long ", response("200 OK", "", long.as_bytes())),
                (b"GET /gzip ", response("200 OK", "content-encoding: gzip\r\n", &gzip)),
                (
                    b"GET /cookie ",
                    response("200 OK", "set-cookie: session=0123456789abcdef; Path=/\r\n", BODY.as_bytes()),
                ),
                (b"GET /moved ", response("302 Found", "location: /room\r\n", b"")),
            ],
        })
    }

    /// The response to this request.
    fn find(&self, request: &[u8]) -> &[u8] {
        let special = self.special.iter().find(|(start, _)| request.starts_with(start));
        special.map_or(&self.usual, |(_, response)| response)
    }
}

/// A response with its head. `headers` are whole lines.
fn response(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{headers}content-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

impl Delays {
    fn next(&mut self) -> Duration {
        let seconds: f64 = self.distribution.sample(&mut self.rng);
        Duration::from_secs_f64(seconds.min(1.0))
    }
}

/// Length of the request at the start of the buffer, once it is whole.
fn request_length(buffer: &[u8]) -> Option<usize> {
    let head = buffer.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let lines = std::str::from_utf8(&buffer[..head]).ok()?.split("\r\n");
    let length =
        lines.filter_map(|line| line.split_once(':')).find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let whole = head + length.and_then(|(_, length)| length.trim().parse::<usize>().ok()).unwrap_or(0);
    (buffer.len() >= whole).then_some(whole)
}

#[expect(clippy::disallowed_methods, reason = "this server measures time")]
fn now() -> Instant {
    Instant::now()
}
