//! A row of the matrix: a fault, what a run has to come to, and how that is looked at.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use perf_report::Report;

use crate::real::{Said, get, out, root, said, value, wait_for, xtask};

/// A fault, and what has to come of it.
pub(crate) struct Row {
    pub(crate) class: &'static str,
    pub(crate) fault: &'static str,
    pub(crate) code: i32,
    /// What has to be said.
    pub(crate) says: &'static str,
    /// Whether the store has all that was sent when it is over.
    pub(crate) counted: Counted,
    /// How long it may take from the command to its end.
    pub(crate) within: Duration,
    pub(crate) act: fn() -> Seen,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counted {
    /// As many as were sent.
    All,
    /// There is nothing to compare: no report, or a store that is away or was never there.
    NotAsked,
}

/// What came of it.
pub(crate) struct Seen {
    pub(crate) said: Said,
    pub(crate) took: Duration,
    /// The report's, which others read; none if there is no report.
    exit_code: Option<u8>,
    /// Sent by the report, and counted by the store.
    pub(crate) counts: Option<(u64, u64)>,
}

impl Row {
    pub(crate) fn check(&self) -> Result<Duration, String> {
        let seen = (self.act)();
        let Said { code, text } = &seen.said;
        let shown = || text.lines().rev().take(25).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("\n");
        if *code != self.code {
            return Err(format!("expected exit code {}, and it was {code}:\n{}", self.code, shown()));
        }
        if seen.exit_code.is_some_and(|code| i32::from(code) != self.code) {
            return Err(format!("the report's exit code is {:?}:\n{}", seen.exit_code, shown()));
        }
        if !text.contains(self.says) {
            return Err(format!("{:?} was not said:\n{}", self.says, shown()));
        }
        match (self.counted, seen.counts) {
            (Counted::All, Some((sent, counted))) if sent == counted && sent > 0 => {}
            (Counted::NotAsked, _) => {}
            (Counted::All, counts) => return Err(format!("sent and counted are {counts:?}:\n{}", shown())),
        }
        if seen.took > self.within {
            return Err(format!("it took {:?}, and {:?} is what it may:\n{}", seen.took, self.within, shown()));
        }
        let left = left();
        if !left.is_empty() {
            return Err(format!("left behind: {}", left.join(", ")));
        }
        self.write();
        Ok(seen.took)
    }

    /// A line of the table, for whoever collects them.
    fn write(&self) {
        let counted = match self.counted {
            Counted::All => "= sent",
            Counted::NotAsked => "–",
        };
        let says = if self.says.is_empty() { String::new() } else { format!("\"{}\"", self.says) };
        let line = format!(
            "| {} | {} | {} | {says} | {counted} | nothing | {} s |\n",
            self.class,
            self.fault,
            self.code,
            self.within.as_secs()
        );
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fault-rows");
        fs::create_dir_all(&folder).unwrap();
        let name: String = format!("{}-{}", self.class, self.fault).replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        fs::write(folder.join(name), line).unwrap();
    }
}

/// What a command of this clone left: processes that carry its mark, outcomes that nobody fetched, and data of a Prometheus that goes with it.
pub(crate) fn left() -> Vec<String> {
    // What was asked to end may need a moment to.
    for _ in 0..100 {
        if left_now().is_empty() {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    left_now()
}

fn left_now() -> Vec<String> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let marked = pids.filter_map(|pid| {
        let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
        let is_ours = environment.split(|byte| *byte == 0).any(|variable| variable.starts_with(b"PERF_OWNER="));
        // Another clone's are none of ours.
        let is_here = fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|folder| folder == root());
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
        (is_ours && is_here).then(|| format!("process {pid} ({})", name.trim()))
    });
    let mut left: Vec<_> = marked.collect();
    let perf = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("perf");
    let stacks = fs::read_dir(perf.join("stack")).into_iter().flatten().flatten().map(|entry| entry.path());
    let files = ["owner", "passing-data", "backend-owner", "targets/backend.json"];
    let of_stacks = stacks.flat_map(|folder| files.map(|name| folder.join(name)));
    left.extend(of_stacks.filter(|path| path.exists()).map(|path| path.display().to_string()));
    let files = fs::read_dir(perf)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned());
    left.extend(files.filter(|name| name.starts_with(".outcome-")));
    left
}

/// Waits until a store has metrics of a run's load.
pub(crate) fn wait_for_load(store: &str, testid: &str) {
    let query = format!("{store}/api/v1/series?match[]=http_reqs%7Btestid=%22{testid}%22%7D");
    wait_for("the load", Duration::from_secs(30), || get(&query)?.contains("basic").then_some(()));
}

/// A run that goes on while something happens to it.
pub(crate) struct Running {
    child: Child,
    started: Instant,
    out: PathBuf,
    testid: String,
}

impl Running {
    /// Starts `cargo xtask perf` with a short load, and metrics each second.
    pub(crate) fn start(testid: &str, args: &[&str]) -> Self {
        Self::of(testid, args, xtask(&["perf", "-q", "--testid", testid]))
    }

    pub(crate) fn of(testid: &str, args: &[&str], mut command: Command) -> Self {
        let out = out(&format!("matrix-{testid}"));
        command.args(args).args(["--out", out.to_str().unwrap()]);
        Self::spawn(testid, command, out)
    }

    /// A scenario by itself, which is told by variables alone.
    pub(crate) fn plain(testid: &str, mut command: Command) -> Self {
        let out = out(&format!("matrix-{testid}"));
        command.env("PERF_OUT", &out);
        Self::spawn(testid, command, out)
    }

    fn spawn(testid: &str, mut command: Command, out: PathBuf) -> Self {
        command.env("K6_PROMETHEUS_RW_PUSH_INTERVAL", "1s");
        #[expect(clippy::disallowed_methods, reason = "a test's own clock")]
        let started = Instant::now();
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        Self { child, started, out, testid: testid.to_owned() }
    }

    pub(crate) fn pid(&self) -> i32 {
        self.child.id().try_into().unwrap()
    }

    /// The process in which the load is made.
    pub(crate) fn generator(&self) -> i32 {
        wait_for("the generator", Duration::from_secs(20), || {
            let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", self.pid())).ok()?;
            let found = children.split_whitespace().find(|pid| {
                fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.starts_with("load-"))
            });
            found?.parse().ok()
        })
    }

    /// Waits for its end, and asks the store, if there is one, what it has.
    pub(crate) fn end(self, store: Option<&str>) -> Seen {
        let output = self.child.wait_with_output().unwrap();
        let took = self.started.elapsed();
        let report = fs::read_to_string(self.out.join(&self.testid).join("report.json")).ok();
        let report: Option<Report> = report.map(|text| serde_json::from_str(&text).unwrap());
        let exit_code = report.as_ref().map(|report| report.exit_code.code());
        let counts = store.zip(report).map(|(store, report)| {
            let at = report.store.as_ref().and_then(|store| store.last_push_unix_ms).unwrap_or(report.ended_unix_ms);
            let expr = format!("sum(last_over_time(http_reqs{{testid=\"{}\"}}[10m]))", self.testid);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
            let counted = value(store, &expr, at) as u64;
            (report.requests.sent, counted)
        });
        Seen { said: said(&output), took, exit_code, counts }
    }
}
