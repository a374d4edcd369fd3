//! A row of the fault matrix: a fault, the expected end of a run, and the checks of it.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use perf_host::proc;
use perf_report::Report;
use test_support::processes;

use crate::real::{CommandOutput, get, out, perf_folder, read_output, root, value, wait_for, write_row, xtask};

/// A fault, and the expected end of the run.
pub(crate) struct Row {
    pub(crate) class: &'static str,
    pub(crate) fault: &'static str,
    /// The expected exit code.
    pub(crate) code: i32,
    /// Text that the output must contain.
    pub(crate) message: &'static str,
    pub(crate) counted: Counts,
    /// Time limit of the command.
    pub(crate) within: Duration,
    /// Runs the command with the fault.
    pub(crate) act: fn() -> Observation,
}

/// Whether the store must have every request after the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counts {
    /// The store must have every request that was sent.
    All,
    /// There is no report, or no reachable store.
    NotChecked,
}

/// The end of a run.
pub(crate) struct Observation {
    pub(crate) output: CommandOutput,
    pub(crate) took: Duration,
    /// The exit code in the report; `None` without a report.
    exit_code: Option<u8>,
    /// The requests sent by the report, and those in the store.
    pub(crate) counts: Option<(u64, u64)>,
}

impl Row {
    pub(crate) fn check(&self) -> Result<Duration, String> {
        let observed = (self.act)();
        let CommandOutput { code, text } = &observed.output;
        let shown = || text.lines().rev().take(25).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("\n");
        if *code != self.code {
            return Err(format!("expected exit code {}, got {code}:\n{}", self.code, shown()));
        }
        if observed.exit_code.is_some_and(|code| i32::from(code) != self.code) {
            return Err(format!("the report's exit code is {:?}:\n{}", observed.exit_code, shown()));
        }
        if !text.contains(self.message) {
            return Err(format!("the output does not contain {:?}:\n{}", self.message, shown()));
        }
        match (self.counted, observed.counts) {
            (Counts::All, Some((sent, counted))) if sent == counted && sent > 0 => {}
            (Counts::NotChecked, _) => {}
            (Counts::All, counts) => return Err(format!("sent and counted are {counts:?}:\n{}", shown())),
        }
        if observed.took > self.within {
            return Err(format!("it took {:?}, more than {:?}:\n{}", observed.took, self.within, shown()));
        }
        let leftovers = leftovers();
        if !leftovers.is_empty() {
            return Err(format!("left behind: {}", leftovers.join(", ")));
        }
        self.write();
        Ok(observed.took)
    }

    /// Writes the row of the table to a file, from which `cargo xtask ci` collects them.
    fn write(&self) {
        let counted = match self.counted {
            Counts::All => "= sent",
            Counts::NotChecked => "–",
        };
        let message = if self.message.is_empty() { String::new() } else { format!("\"{}\"", self.message) };
        let line = format!(
            "| {} | {} | {} | {message} | {counted} | nothing | {} s |\n",
            self.class,
            self.fault,
            self.code,
            self.within.as_secs()
        );
        write_row("fault-rows", &format!("{}-{}", self.class, self.fault), &line);
    }
}

/// Leftovers of this clone's commands: owned processes, outcome files, and state of a Prometheus
/// that belonged to a command.
pub(crate) fn leftovers() -> Vec<String> {
    // Processes may need a moment to end.
    for _ in 0..100 {
        if leftovers_now().is_empty() {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    leftovers_now()
}

fn leftovers_now() -> Vec<String> {
    let marked = proc::pids().unwrap().into_iter().filter_map(|pid| {
        // Processes of another clone, and of the other group of `cargo xtask ci`, do not count.
        let folder = proc::variable(pid, "PERF_FOLDER").unwrap_or_else(|| "target/perf".to_owned());
        let is_ours = proc::variable(pid, "PERF_OWNER").is_some() && root().join(folder) == perf_folder();
        let is_here = processes::folder(pid) == Some(root());
        (is_ours && is_here).then_some(format!("process {pid} ({})", proc::name(pid)?))
    });
    let mut left: Vec<_> = marked.collect();
    let perf = perf_folder();
    let stacks = fs::read_dir(perf.join("stack")).into_iter().flatten().flatten().map(|entry| entry.path());
    let files = ["owner", "passing-data", "backend-owner", "targets/backend.json"];
    let state = stacks.flat_map(|folder| files.map(|name| folder.join(name)));
    left.extend(state.filter(|path| path.exists()).map(|path| path.display().to_string()));
    let files = fs::read_dir(perf)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned());
    left.extend(files.filter(|name| name.starts_with(".outcome-")));
    left
}

/// Waits until a store has metrics of the run's requests.
pub(crate) fn wait_for_load(store: &str, testid: &str) {
    let query = format!("{store}/api/v1/series?match[]=http_reqs%7Btestid=%22{testid}%22%7D");
    wait_for("the load", Duration::from_secs(30), || get(&query)?.contains("basic").then_some(()));
}

/// A command that runs while the test injects a fault.
pub(crate) struct RunningCommand {
    child: Child,
    started: Instant,
    out: PathBuf,
    testid: String,
}

impl RunningCommand {
    /// Starts `cargo xtask perf` with a push each second.
    pub(crate) fn start(testid: &str, args: &[&str]) -> Self {
        Self::start_command(testid, args, xtask(&["perf", "-q", "--testid", testid]))
    }

    /// Starts a command that takes the flags of `cargo xtask perf`.
    pub(crate) fn start_command(testid: &str, args: &[&str], mut command: Command) -> Self {
        let out = out(&format!("matrix-{testid}"));
        command.args(args).args(["--out", out.to_str().unwrap()]);
        Self::spawn(testid, command, out)
    }

    /// Starts a scenario without `cargo xtask perf`; variables set its options.
    pub(crate) fn start_scenario(testid: &str, mut command: Command) -> Self {
        let out = out(&format!("matrix-{testid}"));
        command.env("PERF_OUT", &out);
        Self::spawn(testid, command, out)
    }

    /// Starts a command that writes its report to the folder `out`.
    pub(crate) fn spawn(testid: &str, mut command: Command, out: PathBuf) -> Self {
        command.env("K6_PROMETHEUS_RW_PUSH_INTERVAL", "1s");
        #[expect(clippy::disallowed_methods, reason = "a test's own clock")]
        let started = Instant::now();
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        Self { child, started, out, testid: testid.to_owned() }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The process id of the generator.
    pub(crate) fn generator(&self) -> u32 {
        let is_load = |pid: &u32| proc::name(*pid).is_some_and(|name| name.starts_with("load-"));
        wait_for("the generator", Duration::from_secs(20), || processes::children(self.pid()).into_iter().find(is_load))
    }

    /// Waits for the end. If a store is given, also reads its count of requests.
    pub(crate) fn end(self, store: Option<&str>) -> Observation {
        let output = self.child.wait_with_output().unwrap();
        let took = self.started.elapsed();
        let report = fs::read_to_string(self.out.join(&self.testid).join("report.json")).ok();
        let report: Option<Report> = report.map(|text| serde_json::from_str(&text).unwrap());
        let exit_code = report.as_ref().map(|report| report.exit_code.code());
        let counts = store.zip(report).map(|(store, report)| {
            let at =
                report.run.store.as_ref().and_then(|store| store.last_push_unix_ms).unwrap_or(report.run.ended_unix_ms);
            let expr = format!("sum(last_over_time(http_reqs{{testid=\"{}\"}}[10m]))", self.testid);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
            let counted = value(store, &expr, at) as u64;
            (report.requests.sent, counted)
        });
        Observation { output: read_output(&output), took, exit_code, counts }
    }
}
