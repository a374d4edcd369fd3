//! A server for measuring clients: every request gets the same short JSON answer, at once or after a seeded delay that is
//! written down. It reads as much of HTTP/1.1 as it must, so that a client and not it is what is measured.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, LogNormal};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::LocalSet;

/// The answer's body, about as long as those of the game.
const BODY: &str = r#"{"room":"ABCD","day":12,"state":"running","players":[{"id":"p1","name":"Student 1","cash":10000},{"id":"p2","name":"Student 2","cash":9500}],"prices":{"ACME":101.5,"GLOBEX":55.25}}"#;
/// The median of delays, and how wide they are spread.
const MEDIAN: Duration = Duration::from_millis(20);
const SIGMA: f64 = 0.6;

/// What the server's connections share.
struct Shared {
    answered: Cell<u64>,
    delays: Option<RefCell<Delays>>,
}

struct Delays {
    rng: ChaCha8Rng,
    distribution: LogNormal<f64>,
    log: BufWriter<File>,
}

/// Serves until `stop` ends. With a file, answers are delayed, and from when each request was read to when its answer was
/// handed to the kernel goes into that file, in nanoseconds, a line each.
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
        let distribution = LogNormal::new(MEDIAN.as_secs_f64().ln(), SIGMA).context("no such distribution")?;
        Ok(RefCell::new(Delays { rng: ChaCha8Rng::seed_from_u64(seed), distribution, log: BufWriter::new(file) }))
    });
    let shared = Rc::new(Shared { answered: Cell::new(0), delays: delays.transpose()? });
    let local = LocalSet::new();
    local
        .run_until(async {
            tokio::select! {
                () = stop => {}
                () = async {
                    loop {
                        // An error is a client's that is gone before it was taken.
                        if let Ok((stream, _)) = listener.accept().await {
                            // A client that breaks off is none of our business.
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

async fn connection(mut stream: TcpStream, shared: Rc<Shared>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(4096);
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ";
    let answer = format!("{head}{}\r\n\r\n{BODY}", BODY.len());
    loop {
        let Some(length) = request_length(&buffer) else {
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
            continue;
        };
        let read = now();
        // How many there were is a question that is not counted itself.
        if buffer.starts_with(b"GET /answered ") {
            let count = shared.answered.get().to_string();
            stream.write_all(format!("{head}{}\r\n\r\n{count}", count.len()).as_bytes()).await?;
        } else {
            let delay = shared.delays.as_ref().map(|delays| delays.borrow_mut().next());
            if let Some(delay) = delay {
                tokio::time::sleep(delay).await;
            }
            stream.write_all(answer.as_bytes()).await?;
            shared.answered.set(shared.answered.get() + 1);
            if let Some(delays) = &shared.delays {
                writeln!(delays.borrow_mut().log, "{}", now().duration_since(read).as_nanos())?;
            }
        }
        buffer.drain(..length);
    }
}

impl Delays {
    fn next(&mut self) -> Duration {
        let seconds: f64 = self.distribution.sample(&mut self.rng);
        Duration::from_secs_f64(seconds.min(1.0))
    }
}

/// How long the request at the start of the buffer is, once it is whole.
fn request_length(buffer: &[u8]) -> Option<usize> {
    let head = buffer.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let lines = std::str::from_utf8(&buffer[..head]).ok()?.split("\r\n");
    let length =
        lines.filter_map(|line| line.split_once(':')).find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let whole = head + length.and_then(|(_, length)| length.trim().parse::<usize>().ok()).unwrap_or(0);
    (buffer.len() >= whole).then_some(whole)
}

#[expect(clippy::disallowed_methods, reason = "what this server is for")]
fn now() -> Instant {
    Instant::now()
}
