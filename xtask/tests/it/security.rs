//! Security tests: secrets do not leak, and responses and
//! reports cannot inject into terminals or pages.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::real::{Backend, Prometheus, get, get_with, out, prometheus, read_output, report, run, wait_for, xtask};
use monitoring::prometheus::config::RECEIVER_FLAG;
use perf_host::proc;
use serde_json::Value;
use test_support::fake_server::accept_each;
use test_support::processes;

/// A text that is part of every secret, and of nothing else.
const SECRET: &str = "S3cr3t";

/// Each file in a folder and its subfolders, with its contents.
pub(crate) fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.is_symlink() {
            found.extend(files(&path));
        } else if path.is_file() {
            found.push((path.display().to_string(), fs::read(path).unwrap()));
        }
    }
    found
}

pub(crate) fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// The arguments of all descendants of a process. Until exec, a child has the arguments of its
/// parent; these are left out.
fn descendant_arguments(pid: u32) -> Vec<String> {
    let arguments = |pid| proc::command_line(pid).unwrap_or_default();
    let children = processes::children(pid).into_iter();
    let mut found: Vec<_> =
        children.flat_map(|child| [vec![arguments(child)], descendant_arguments(child)].concat()).collect();
    let own = arguments(pid);
    found.retain(|line| *line != own);
    found
}

#[test]
#[ignore = "needs a prometheus on PATH: run with cargo xtask ci"]
fn secrets_appear_in_no_output_file_or_argument() {
    let (backend, store) = (Backend::start(&[]), prometheus("secrets-store", &[RECEIVER_FLAG]));
    let out = out("secrets");
    let with_user = |url: &str, user: &str| url.replace("http://", &format!("http://{user}:{SECRET}-{user}@"));
    for (testid, given) in [
        ("secrets-user", [("K6_PROMETHEUS_RW_USERNAME", "user"), ("K6_PROMETHEUS_RW_PASSWORD", "S3cr3t-p")]),
        (
            "secrets-token",
            [("K6_PROMETHEUS_RW_BEARER_TOKEN", "S3cr3t-t"), ("K6_PROMETHEUS_RW_HEADERS_X-Key", "S3cr3t-h")],
        ),
        (
            "secrets-refused",
            [("K6_PROMETHEUS_RW_HTTP_HEADERS", "S3cr3t-x"), ("K6_PROMETHEUS_RW_BEARER_TOKEN", "S3cr3t-t")],
        ),
    ] {
        let target = with_user(&backend.url, "target");
        let mut command = xtask(&["perf", "-u", "5", "-d", "5s", "--testid", testid, "--target", &target]);
        command.args(["--out", out.to_str().unwrap(), "--prometheus-url", &with_user(&store.url, "store")]).envs(given);
        command.env("PERF_METRICS_TOKEN", "S3cr3t-m");
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let pid = child.id();
        let watching = thread::spawn(move || {
            let mut seen = BTreeSet::new();
            while proc::has_ended(pid) == Some(false) {
                seen.extend(descendant_arguments(pid));
                thread::sleep(Duration::from_millis(20));
            }
            seen
        });
        let output = read_output(&child.wait_with_output().unwrap());
        let expected = if testid == "secrets-refused" { 104 } else { 0 };
        assert_eq!(output.code, expected, "{}", output.text.replace(SECRET, "(secret)"));
        assert!(!output.text.contains(SECRET), "{testid} printed a secret");
        let arguments = watching.join().unwrap();
        assert!(testid == "secrets-refused" || arguments.iter().any(|line| line.contains("load-")), "{arguments:?}");
        assert!(!arguments.iter().any(|line| line.contains(SECRET)), "an argument of a process that {testid} started");
    }
    let written = files(&out);
    assert!(written.len() > 10, "{}", written.len());
    for (name, bytes) in written {
        assert!(!holds(&bytes, SECRET), "{name} holds a secret");
    }
    let query = "/api/v1/series?match[]=%7Btestid%3D~%22secrets.%2A%22%7D";
    let series = get(&format!("{}{query}", store.url)).unwrap();
    assert!(series.contains("secrets-token") && !series.contains(SECRET));
}

#[test]
fn a_wrong_flag_does_not_repeat_its_secret() {
    for line in [
        &["perf", "--target", "ftp://me:S3cr3t@x"][..],
        &["perf", "--prometheus-url", "me:S3cr3t@x/prometheus"],
        &["archive", "some-run", "--prometheus-url", "http//x?token=S3cr3t"],
    ] {
        let output = run(&mut xtask(line));
        assert_eq!(output.code, 104, "{}", output.text.replace(SECRET, "(secret)"));
        assert!(!output.text.contains(SECRET) && output.text.contains(line[line.len() - 2]), "{line:?}");
    }
}

/// Writes an authority, and certificates of a server at 127.0.0.1 and of a client.
fn certificates(folder: &Path) {
    let openssl = |args: &[&str]| {
        let output = Command::new("openssl").args(args).current_dir(folder).output().expect("openssl on PATH");
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    let authority = ["req", "-x509", "-subj", "/CN=authority", "-keyout", "authority.key", "-out", "authority.pem"];
    openssl(&[&authority[..], &key].concat());
    fs::write(folder.join("extensions"), "subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n").unwrap();
    for name in ["server", "client"] {
        let [key_file, request, leaf] = ["key", "csr", "pem"].map(|end| format!("{name}.{end}"));
        openssl(&[&["req", "-subj", "/CN=leaf", "-keyout", &key_file, "-out", &request][..], &key].concat());
        let sign = ["x509", "-req", "-in", &request, "-CA", "authority.pem", "-CAkey", "authority.key"];
        openssl(&[&sign[..], &["-CAcreateserial", "-extfile", "extensions", "-out", &leaf]].concat());
    }
}

/// A Prometheus that requires TLS 1.3 and a client certificate.
fn guarded_prometheus(folder: &Path) -> Prometheus {
    let at = |name: &str| folder.join(name).display().to_string();
    let web = folder.join("web.yml");
    let [certificate, key, authority] = ["server.pem", "server.key", "authority.pem"].map(at);
    fs::write(
        &web,
        format!(
            "tls_server_config:\n  cert_file: {certificate}\n  key_file: {key}\n  client_ca_file: {authority}\n  \
             client_auth_type: RequireAndVerifyClientCert\n  min_version: TLS13\n"
        ),
    )
    .unwrap();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let both = ["client.key", "client.pem"].map(|name| fs::read(folder.join(name)).unwrap()).concat();
    let client = reqwest::Client::builder()
        .no_proxy()
        .add_root_certificate(reqwest::Certificate::from_pem(&fs::read(at("authority.pem")).unwrap()).unwrap())
        .identity(reqwest::Identity::from_pem(&both).unwrap())
        .build()
        .unwrap();
    let web = format!("--web.config.file={}", web.display());
    let mut prometheus = Prometheus::spawn(folder.to_owned(), &[RECEIVER_FLAG, &web]);
    prometheus.url = format!("https://127.0.0.1:{}", prometheus.port);
    let ready = format!("{}/-/ready", prometheus.url);
    wait_for("Prometheus", Duration::from_secs(30), || get_with(&client, &ready));
    prometheus
}

#[test]
#[ignore = "needs a prometheus and openssl on PATH: run with cargo xtask ci"]
fn a_store_is_trusted_only_by_its_own_authority() {
    let guarded = Guarded::start("guarded");
    assert_eq!(
        guarded.run("60", &[&guarded.authority()[..], &guarded.certificate(), &[NEWEST_TLS]].concat(), "exit 0"),
        0
    );
    assert_eq!(report(&guarded.reports).run.store.unwrap().agrees, Some(true));
    // Nothing is sent to a store that is not trusted.
    assert_eq!(guarded.run("5", &guarded.certificate(), "this client refuses the certificate of https://"), 104);
}

mod full {
    #[test]
    #[ignore = "needs a prometheus and openssl on PATH: run with cargo xtask ci --full"]
    fn a_store_rejects_clients_without_a_certificate() {
        let guarded = super::Guarded::start("stranger");
        assert_eq!(guarded.run("5", &guarded.authority(), "ertificate"), 90);
    }
}

const NEWEST_TLS: (&str, &str) = ("K6_PROMETHEUS_RW_TLS_MIN_VERSION", "1.3");

/// A store with TLS that requires client certificates; its own
/// certificate is from a private authority.
struct Guarded {
    store: Prometheus,
    backend: Backend,
    reports: PathBuf,
    files: [String; 3],
}

impl Guarded {
    fn start(name: &str) -> Self {
        let folder = out(&format!("{name}-store"));
        fs::create_dir_all(&folder).unwrap();
        certificates(&folder);
        Self {
            store: guarded_prometheus(&folder),
            backend: Backend::start(&[]),
            reports: out(name),
            files: ["authority.pem", "client.pem", "client.key"].map(|file| folder.join(file).display().to_string()),
        }
    }

    fn authority(&self) -> [(&str, &str); 1] {
        [("PERF_STORE_CA_CERTIFICATE", &self.files[0])]
    }

    fn certificate(&self) -> [(&str, &str); 2] {
        let variables = ["K6_PROMETHEUS_RW_CLIENT_CERTIFICATE", "K6_PROMETHEUS_RW_CLIENT_CERTIFICATE_KEY"];
        [(variables[0], &self.files[1]), (variables[1], &self.files[2])]
    }

    /// Makes a run, whose output must contain `expected`. Gives its exit code.
    fn run(&self, iterations: &str, given: &[(&str, &str)], expected: &str) -> i32 {
        let line = ["perf", "-u", "5", "-i", iterations, "--target", &self.backend.url];
        let mut command = xtask(&line);
        command.args(["--prometheus-url", &self.store.url, "--out", self.reports.to_str().unwrap()]);
        let output = run(command.envs(given.iter().copied()));
        assert!(output.text.contains(expected), "{given:?}: {}", output.text);
        output.code
    }
}

/// A service with malicious responses.
fn hostile_service() -> String {
    let respond = |mut stream: TcpStream| {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut head = String::new();
        while reader.read_line(&mut head).is_ok_and(|read| read > 2) {}
        let body = match head.split(' ').nth(1).unwrap_or_default() {
            "/metrics" => METRICS,
            "/openapi.json" => r#"{"paths":{"/\u001b]0;owned\u0007<script>alert(1)</script>":{"get":{}}}}"#,
            _ => "{\"code\":\"\\u001b[2J\",\"id\":\"a/../b?c#d\\\"}\"}",
        };
        let head = "HTTP/1.1 200 OK\r\nServer-Timing: app;dur=1e308, x;dur=-1;desc=\"<b>\"\r\nConnection: close";
        // The client may have closed the connection.
        let _ = write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    };
    format!("http://{}", accept_each(respond))
}

const METRICS: &str = "process_start_time_seconds 1.7e9
http_requests_total{handler=\"/\u{1b}[31m<img src=x onerror=alert(1)>\",method=\"GET\",status=\"2xx\"} 1e400
http_requests_total{handler=\"/api/news\",method=\"GET\",status=\"2xx\"} -5
";

#[test]
#[ignore = "needs a prometheus on PATH: run with cargo xtask ci"]
fn a_hostile_service_cannot_inject_into_terminal_or_pages() {
    let (url, out) = (hostile_service(), out("hostile-service"));
    let store = prometheus("hostile-service-store", &[RECEIVER_FLAG]);
    let line = ["perf", "-q", "-u", "2", "-i", "60", "--target", &url, "--prometheus-url", &store.url];
    let output = run(xtask(&line).args(["--out", out.to_str().unwrap()]));
    assert_eq!(output.code, 0, "{}", output.text);
    // Infinite and negative counts are none.
    assert!(output.text.contains("no value of the backend's http_requests_total is a count"), "{}", output.text);
    assert!(!output.text.contains(['\u{1b}', '\u{7}', '\u{9b}']), "{:?}", output.text);
    for (name, bytes) in files(&out) {
        let text = String::from_utf8_lossy(&bytes);
        // Browsers do not render JSON as a page.
        let is_page = !name.ends_with(".json");
        assert!(!is_page || !text.contains("<script>alert(1)") && !text.contains("<img src=x"), "{name}");
        assert!(!text.contains('\u{1b}'), "{name}");
    }
}

const HOSTILE: &str =
    "\u{1b}[2J\u{202e}\"><script>alert(1)</script><img src=x onerror=alert(1)>|`@all`\n\n# owned ]]>{{$value}}\u{0}";

/// Appends hostile text to every text of a report that is not the value of an enum.
fn poison(value: &mut Value, at: &str) {
    const ENUMS: [&str; 5] = ["verdict", "on_miss", "severity", "measure", "kind"];
    match value {
        Value::String(text) if !ENUMS.contains(&at) => *text = format!("{text}{HOSTILE}"),
        Value::Array(values) => values.iter_mut().for_each(|value| poison(value, at)),
        Value::Object(members) => members.iter_mut().for_each(|(name, value)| poison(value, name)),
        _ => {}
    }
}

#[test]
fn a_hostile_report_cannot_inject_into_terminal_or_pages() {
    let folder = out("hostile-report");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join("report.json");
    let mut report = serde_json::to_value(test_support::report_over_time()).unwrap();
    report["findings"] = serde_json::json!([
        { "severity": "problem", "subject": { "objective": "x" }, "kind": "other", "exit_code": 99, "message": "x" },
        { "severity": "warning", "subject": { "objective": "x" }, "kind": "other", "message": "x" },
    ]);
    for name in ["findings", "objectives", "target", "testid", "scenario", "load", "environment", "tags"] {
        poison(&mut report[name], name);
    }
    fs::write(&path, report.to_string()).unwrap();
    let output = run(&mut xtask(&["report", path.to_str().unwrap()]));
    assert_eq!(output.code, 0, "{}", output.text);
    assert!(!output.text.contains(['\u{1b}', '\u{202e}', '\u{0}']), "{:?}", output.text);
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let html = read("report.html");
    assert!(html.contains("&lt;script&gt;") && !html.contains("<script>alert") && !html.contains("<img"), "escaped");
    let markdown = without_code(&read("summary.md"));
    assert!(
        !markdown.contains("<script") && !markdown.contains("<img") && !markdown.contains("\n# owned"),
        "{markdown}"
    );
    let junit = read("junit.xml");
    assert!(!junit.contains("<script") && !junit.contains('\u{1b}'), "{junit}");
    check_well_formed(&junit);
}

/// Markdown without its code, which is shown verbatim: fenced
/// blocks, and text between two double backticks.
fn without_code(markdown: &str) -> String {
    let mut fenced = markdown.split("```").enumerate().filter(|(at, _)| at % 2 == 0).map(|(_, text)| text);
    let text: String = fenced.by_ref().collect();
    text.split("`` ")
        .enumerate()
        .filter_map(|(at, part)| if at == 0 { Some(part) } else { part.split_once(" ``").map(|(_, rest)| rest) })
        .collect()
}

/// Parses the XML with Python, a parser that this project does not use. Panics if it is malformed.
fn check_well_formed(text: &str) {
    let path = out("hostile-report-xml");
    fs::create_dir_all(&path).unwrap();
    fs::write(path.join("junit.xml"), text).unwrap();
    let program = "import sys, xml.etree.ElementTree as tree; tree.parse(sys.argv[1])";
    let parsed = Command::new("python3").args(["-c", program]).arg(path.join("junit.xml")).output();
    let parsed = parsed.expect("python3 on PATH");
    assert!(parsed.status.success(), "{}", String::from_utf8_lossy(&parsed.stderr));
}

#[test]
fn a_file_that_is_not_a_report_is_rejected() {
    let folder = out("no-report");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join("report.json");
    for text in [
        "",
        "{",
        "[]",
        "null",
        "{\"schema\":1}",
        "{\"schema\":1e99}",
        &"[".repeat(100_000),
        "{\"schema\":1,\"testid\":5}",
    ] {
        fs::write(&path, text).unwrap();
        let output = run(&mut xtask(&["report", path.to_str().unwrap()]));
        assert_eq!(output.code, 104, "{text:.40}: {}", output.text);
    }
    // A file longer than any report is rejected without being read.
    fs::File::create(&path).unwrap().set_len(10 << 30).unwrap();
    let output = run(&mut xtask(&["report", path.to_str().unwrap()]));
    assert!(output.code == 104 && output.text.contains("has 10240 MiB"), "{}", output.text);
}
