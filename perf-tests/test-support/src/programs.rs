//! Real servers. Each is a process on a free loopback port, and ends when its handle is dropped.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a helper that fails fails the test")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::fake_server::free_port;
use crate::wait_for;

/// Time limit for a server to start.
const START: Duration = Duration::from_secs(30);

/// A process that is killed when this handle is dropped, even after a panic.
pub struct Process(Child);

impl Process {
    /// Starts a program.
    pub fn spawn(command: &mut Command) -> Self {
        let child = command.spawn();
        Self(child.unwrap_or_else(|error| panic!("{} on PATH: {error}", command.get_program().display())))
    }

    /// Starts a server, and waits until it listens on this port.
    pub fn listening(command: &mut Command, port: u16) -> Self {
        let process = Self::spawn(command);
        wait_for_port(port);
        process
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // An error means that the process has already ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("python")
}

fn wait_for_port(port: u16) {
    wait_for(&format!("a server on port {port}"), START, || TcpStream::connect(("127.0.0.1", port)).ok());
}

/// A server with faults, written in Python. `server.py` describes the modes.
pub fn python(mode: &[&str]) -> (Process, u16) {
    let mut command = Command::new("python3");
    command.arg(scripts().join("server.py")).args(mode).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("python3 on PATH");
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (Process(child), line.trim().parse().unwrap())
}

/// uvicorn, which closes connections that were idle for 1 s.
pub fn uvicorn() -> (Process, u16) {
    let port = free_port();
    let mut command = Command::new("uvicorn");
    command.args(["app:app", "--port", &port.to_string(), "--timeout-keep-alive", "1", "--log-level", "critical"]);
    (Process::listening(command.current_dir(scripts()).stdin(Stdio::null()), port), port)
}

/// uvicorn at a Unix socket.
#[cfg(unix)]
pub fn uvicorn_at_socket(path: &Path) -> Process {
    let mut command = Command::new("uvicorn");
    command.arg("app:app").arg("--uds").arg(path).args(["--log-level", "critical"]);
    let process = Process::spawn(command.current_dir(scripts()).stdin(Stdio::null()));
    let connect = || std::os::unix::net::UnixStream::connect(path).ok();
    wait_for(&format!("a server at {}", path.display()), START, connect);
    process
}

/// A shop with a login, in FastAPI and SQLite. If it `forgets`, no session lasts.
pub fn shop_fastapi(forgets: bool) -> (Process, u16) {
    let port = free_port();
    let mut command = Command::new("uvicorn");
    command.args(["shop:app", "--port", &port.to_string(), "--log-level", "critical"]);
    start_shop(command.env("PYTHONDONTWRITEBYTECODE", "1"), port, forgets)
}

/// The same shop in Express, which `.ci/provide` installs.
pub fn shop_express(forgets: bool) -> (Process, u16) {
    #[expect(clippy::disallowed_methods, reason = "the folder that .ci/provide exports")]
    let folder = std::env::var("PERF_BACKENDS").expect("PERF_BACKENDS is set: source .ci/provide");
    let port = free_port();
    let mut command = Command::new("node");
    command.arg("shop.js").arg(port.to_string()).env("NODE_PATH", format!("{folder}/node/node_modules"));
    start_shop(&mut command, port, forgets)
}

fn start_shop(command: &mut Command, port: u16, forgets: bool) -> (Process, u16) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/backends/shop");
    command.envs(forgets.then_some(("SHOP_FORGETS", "1")));
    (Process::listening(command.current_dir(folder).stdin(Stdio::null()), port), port)
}

/// Prometheus with an empty configuration.
pub struct Prometheus {
    process: Option<Process>,
    /// The folder of its configuration and its database.
    pub folder: PathBuf,
    /// The port at which it listens.
    pub port: u16,
    /// Its URL.
    pub url: String,
    flags: Vec<String>,
}

impl Prometheus {
    /// Starts it with these flags, and waits until it is ready.
    pub fn start(folder: PathBuf, flags: &[&str]) -> Self {
        let prometheus = Self::spawn(folder, flags);
        prometheus.wait_until_ready();
        prometheus
    }

    /// Starts it with these flags.
    pub fn spawn(folder: PathBuf, flags: &[&str]) -> Self {
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("prometheus.yml"), "").unwrap();
        let (port, flags) = (free_port(), flags.iter().map(|flag| (*flag).to_owned()).collect());
        let mut prometheus = Self { process: None, folder, port, url: format!("http://127.0.0.1:{port}"), flags };
        prometheus.process = Some(prometheus.start_process());
        prometheus
    }

    /// Starts it with the same port, data and flags as before, and waits until it is ready.
    pub fn start_again(&mut self) {
        self.process = Some(self.start_process());
        self.wait_until_ready();
    }

    fn start_process(&self) -> Process {
        let mut command = Command::new("prometheus");
        command.arg(format!("--config.file={}", self.folder.join("prometheus.yml").display()));
        command.arg(format!("--storage.tsdb.path={}", self.folder.join("data").display()));
        command.arg(format!("--web.listen-address=127.0.0.1:{}", self.port));
        Process::spawn(command.args(&self.flags).stderr(Stdio::null()))
    }

    fn wait_until_ready(&self) {
        wait_for("Prometheus", START, || {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
            stream.write_all(b"GET /-/ready HTTP/1.0\r\n\r\n").ok()?;
            let mut response = String::new();
            stream.read_to_string(&mut response).ok()?;
            response.starts_with("HTTP/1.0 200 ").then_some(())
        });
    }

    /// The id of its process.
    pub fn pid(&self) -> u32 {
        self.process.as_ref().unwrap().0.id()
    }

    /// Kills it.
    pub fn kill(&mut self) {
        self.process = None;
    }
}

/// nginx with its configuration in a folder. `servers` is the end of its block `http`.
pub fn nginx(folder: &Path, servers: &str) -> Process {
    let configuration = format!(
        "daemon off; master_process off; pid nginx.pid; error_log stderr crit; events {{}}
        http {{
          access_log off; client_body_temp_path .; proxy_temp_path .; fastcgi_temp_path .; uwsgi_temp_path .;
          scgi_temp_path .; {servers}
        }}"
    );
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("nginx.conf"), configuration).unwrap();
    let mut command = Command::new("nginx");
    Process::spawn(command.arg("-p").arg(folder).args(["-c", "nginx.conf", "-e", "stderr"]).stdin(Stdio::null()))
}

/// nginx with three ports. It closes each connection after three requests.
pub struct Nginx {
    _process: Process,
    folder: PathBuf,
    /// Port of plain HTTP/1.1.
    pub plain: u16,
    /// Port of HTTP/1.1 over TLS.
    pub tls: u16,
    /// Port of plain HTTP/2.
    pub http2: u16,
}

impl Nginx {
    /// Starts nginx with its configuration and certificates in `folder`.
    pub fn start(folder: PathBuf) -> Self {
        fs::create_dir_all(&folder).unwrap();
        certificates(&folder);
        let [plain, tls, http2] = std::array::from_fn(|_| free_port());
        let locations = "location / { return 200 ok; } location /close { return 444; } location /gone { return 502; }";
        let ssl = |name: &str| format!("ssl_certificate {name}.pem; ssl_certificate_key {name}.key;");
        let servers = format!(
            "keepalive_requests 3;
            server {{ listen 127.0.0.1:{plain}; {locations} }}
            server {{ listen 127.0.0.1:{tls} ssl; {} {locations} }}
            server {{ listen 127.0.0.1:{http2} http2; {locations} }}",
            ssl("here"),
        );
        let process = nginx(&folder, &servers);
        [plain, tls, http2].into_iter().for_each(wait_for_port);
        Self { _process: process, folder, plain, tls, http2 }
    }

    /// The folder of its certificates.
    pub fn certificates(&self) -> &Path {
        &self.folder
    }

    /// The certificate of the authority that signed both certificates.
    pub fn authority(&self) -> PathBuf {
        self.folder.join("authority.pem")
    }
}

/// Creates an authority, a certificate for 127.0.0.1 and a certificate for another name.
fn certificates(folder: &Path) {
    let openssl = |args: &[&str]| {
        let output = Command::new("openssl").args(args).current_dir(folder).output().expect("openssl on PATH");
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    let root =
        ["req", "-x509", "-days", "2", "-subj", "/CN=authority", "-keyout", "authority.key", "-out", "authority.pem"];
    openssl(&[&root[..], &key].concat());
    for (name, alternative) in [("here", "IP:127.0.0.1"), ("other", "DNS:other.test")] {
        let (keyfile, request, leaf) = (format!("{name}.key"), format!("{name}.csr"), format!("{name}.pem"));
        openssl(&[&["req", "-subj", "/CN=leaf", "-keyout", &keyfile, "-out", &request][..], &key].concat());
        fs::write(folder.join("extensions"), format!("subjectAltName={alternative}\nbasicConstraints=CA:FALSE\n"))
            .unwrap();
        let sign = ["x509", "-req", "-days", "2", "-in", &request, "-CA", "authority.pem", "-CAkey", "authority.key"];
        openssl(&[&sign[..], &["-CAcreateserial", "-extfile", "extensions", "-out", &leaf]].concat());
    }
}
