//! Shared by the tests: the command, the stub backend, a stack, a Prometheus, and queries to it.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use perf_report::Report;
use serde_json::Value;
pub(crate) use test_support::fake_server::free_port;
pub(crate) use test_support::programs::Prometheus;
pub(crate) use test_support::wait_for;

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The folder of the command's state. `cargo xtask ci` gives each group of tests its own.
pub(crate) fn perf_folder() -> PathBuf {
    #[expect(clippy::disallowed_methods, reason = "the command under test reads it, too")]
    let folder = std::env::var("PERF_FOLDER").unwrap_or_else(|_| "target/perf".to_owned());
    root().join(folder)
}

/// The command `cargo xtask`, without variables that would change
/// a run. Variables for images and PATH stay.
pub(crate) fn xtask(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    for name in ["K6_VUS", "K6_DURATION", "K6_ITERATIONS", "K6_PROMETHEUS_RW_SERVER_URL", "CI"] {
        command.env_remove(name);
    }
    command.args(args).current_dir(root());
    command
}

/// The exit code and the output of a command.
pub(crate) struct CommandOutput {
    pub(crate) code: i32,
    /// Standard error, then standard output.
    pub(crate) text: String,
}

pub(crate) fn run(command: &mut Command) -> CommandOutput {
    read_output(&command.output().unwrap())
}

pub(crate) fn read_output(output: &Output) -> CommandOutput {
    let text = [&output.stderr, &output.stdout].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat();
    CommandOutput { code: output.status.code().unwrap_or(-1), text }
}

/// The path of an empty or missing folder for reports.
pub(crate) fn out(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).unwrap();
    }
    folder
}

/// Asserts that a command without a report annotated its job and wrote the job's page.
pub(crate) fn assert_stop_on_job_page(page: &Path, printed: &str, why: &str) {
    let is_annotation = |line: &str| line.starts_with("::error title=perf stopped::") && line.contains(why);
    assert!(printed.lines().any(is_annotation), "{printed}");
    let summary = std::fs::read_to_string(page).unwrap();
    std::fs::remove_file(page).unwrap();
    assert!(summary.contains(why), "{summary}");
}

/// Writes a row of a generated table to a file of its own. `cargo xtask ci` collects the rows.
pub(crate) fn write_row(table: &str, name: &str, row: &str) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(table);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(name.replace(|c: char| !c.is_ascii_alphanumeric(), "-")), row).unwrap();
}

pub(crate) fn report(out: &Path) -> Report {
    serde_json::from_str(&std::fs::read_to_string(out.join("latest/report.json")).unwrap()).unwrap()
}

/// A running stub backend.
pub(crate) struct Backend {
    child: Child,
    pub(crate) url: String,
}

/// The command `cargo` without the variables that cargo sets
/// for tests: with them, it would build again.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env!("CARGO"));
    #[expect(clippy::disallowed_methods, reason = "names only, to remove them")]
    let names = std::env::vars_os().map(|(name, _)| name);
    for name in names.filter(|name| {
        let name = name.to_string_lossy();
        name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
    }) {
        command.env_remove(name);
    }
    command
}

/// Builds a program of this workspace with the same features as `cargo xtask perf`. Gives its path.
pub(crate) fn built(what: &[&str], file: &str) -> PathBuf {
    let build = ["build", "--quiet", "--workspace"];
    assert!(cargo().args(build).args(what).current_dir(root()).status().unwrap().success());
    // The test's own program is in `target/debug/deps`.
    let test = std::env::current_exe().unwrap();
    test.ancestors().nth(2).unwrap().join(file)
}

impl Backend {
    pub(crate) fn start(faults: &[&str]) -> Self {
        Self::at(0, faults)
    }

    pub(crate) fn at(port: u16, faults: &[&str]) -> Self {
        let mut command = Command::new(built(&["--bin", "stub-backend"], "stub-backend"));
        // The stub backend ends when this pipe closes.
        command.args(["--port", &port.to_string(), "--until-stdin-closes"]).args(faults).current_dir(root());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let line: serde_json::Value = serde_json::from_str(&line).expect("the stub backend prints JSON");
        let url = line["url"].as_str().expect("the stub backend prints its URL").to_owned();
        Self { child, url }
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// A stack of this clone with a port of its own, removed when dropped.
pub(crate) struct Stack {
    pub(crate) port: u16,
}

impl Stack {
    pub(crate) fn up(kind: &str) -> Self {
        let stack = Self { port: free_port() };
        let port = stack.port.to_string();
        let up = run(&mut xtask(&["stack", "up", "--stack", kind, "--no-grafana", "--prometheus-port", &port]));
        assert_eq!(up.code, 0, "{}", up.text);
        stack
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        let down = run(&mut xtask(&["stack", "down", "--prometheus-port", &self.port.to_string()]));
        assert!(down.code == 0 || std::thread::panicking(), "{}", down.text);
        // `stack down` keeps the volume.
        let name = format!("name=-{}-prometheus", self.port);
        let volumes = Command::new("docker").args(["volume", "ls", "-q", "--filter", &name]).output().unwrap();
        for volume in String::from_utf8_lossy(&volumes.stdout).lines() {
            let _ = Command::new("docker").args(["volume", "rm", volume]).output();
        }
    }
}

/// A Prometheus that the test starts without `cargo xtask`, with an empty database.
pub(crate) fn prometheus(name: &str, flags: &[&str]) -> Prometheus {
    Prometheus::start(out(name), flags)
}

/// Sends a signal to a process. Fails if the process has ended.
#[cfg(unix)]
pub(crate) fn send_signal(pid: u32, signal: rustix::process::Signal) -> rustix::io::Result<()> {
    rustix::process::kill_process(rustix::process::Pid::from_raw(pid.try_into().unwrap()).unwrap(), signal)
}

/// Runs a command as root.
#[cfg(unix)]
pub(crate) fn as_root(line: &[&str]) {
    assert!(root_command(line).status().unwrap().success(), "{line:?}");
}

/// The command as root.
#[cfg(unix)]
pub(crate) fn root_command(line: &[&str]) -> Command {
    let sudo: &[&str] = if rustix::process::geteuid().is_root() { &[] } else { &["sudo", "--non-interactive"] };
    let line = [sudo, line].concat();
    let mut command = Command::new(line[0]);
    command.args(&line[1..]);
    command
}

/// Files of the repository that match a pattern of git, by their paths from the root.
pub(crate) fn tracked(pattern: &str) -> Vec<String> {
    let list = ["ls-files", "-co", "--exclude-standard", "-z", pattern];
    let listed = Command::new("git").args(list).current_dir(root()).output().unwrap();
    let names = String::from_utf8(listed.stdout).unwrap();
    names.split('\0').filter(|name| !name.is_empty() && root().join(name).is_file()).map(str::to_owned).collect()
}

/// The Rust files below a folder.
pub(crate) fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let (mut folders, mut files) = (vec![folder.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files
}

/// The body of a successful response.
pub(crate) fn get(url: &str) -> Option<String> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    get_with(&reqwest::Client::builder().no_proxy().build().unwrap(), url)
}

pub(crate) fn get_with(client: &reqwest::Client, url: &str) -> Option<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let response = client.get(url).send().await.ok()?;
        if response.status().is_success() { response.text().await.ok() } else { None }
    })
}

/// The result of a query at a time, or over a window with a step of 1 s.
pub(crate) fn query(prometheus: &str, expr: &str, from_ms: Option<i64>, at_ms: i64) -> Vec<Value> {
    let mut url = url::Url::parse(prometheus).unwrap();
    let seconds = |ms: i64| format!("{}.{:03}", ms / 1000, ms % 1000);
    url.set_path(if from_ms.is_some() { "/api/v1/query_range" } else { "/api/v1/query" });
    url.query_pairs_mut().append_pair("query", expr);
    match from_ms {
        Some(from) => {
            let pairs = [("start", seconds(from)), ("end", seconds(at_ms)), ("step", "1".to_owned())];
            url.query_pairs_mut().extend_pairs(pairs);
        }
        None => drop(url.query_pairs_mut().append_pair("time", &seconds(at_ms))),
    }
    let response: Value =
        serde_json::from_str(&get(url.as_str()).unwrap_or_else(|| panic!("the query {expr} failed"))).unwrap();
    assert!(response.get("warnings").is_none(), "{expr}: {response}");
    response["data"]["result"].as_array().unwrap().clone()
}

/// The present time, in milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

/// The single value of a query at a time.
pub(crate) fn value(prometheus: &str, expr: &str, at_ms: i64) -> f64 {
    let result = query(prometheus, expr, None, at_ms);
    assert_eq!(result.len(), 1, "{expr}: {result:?}");
    result[0]["value"][1].as_str().unwrap().parse().unwrap()
}

/// Whether any sample of a result is a number.
pub(crate) fn has_data(result: &[Value]) -> bool {
    let is_number = |point: &Value| point[1].as_str().is_some_and(|text| text != "NaN");
    result.iter().any(|series| {
        let points = series["values"].as_array().cloned().unwrap_or_else(|| vec![series["value"].clone()]);
        points.iter().any(is_number)
    })
}
