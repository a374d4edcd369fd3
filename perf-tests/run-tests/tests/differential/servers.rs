//! Servers of five makes that respond with what they read of a request.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, Method, Uri};
use percent_encoding::percent_decode_str;
use test_support::fake_server::{free_port, serve};
use test_support::programs::Process;

pub(crate) struct Server {
    pub(crate) name: &'static str,
    pub(crate) url: String,
    _process: Option<Process>,
}

/// Starts nginx, uvicorn, Node's `http`, Go's `net/http`, and hyper.
pub(crate) fn start() -> Vec<Server> {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/differential/servers");
    let hyper = Server {
        name: "hyper",
        url: serve(Router::new().fallback(echo), Arc::default(), Arc::default()),
        _process: None,
    };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("differential-nginx");
    std::fs::create_dir_all(&folder).unwrap();
    // `go run` would leave the program behind.
    let go = folder.join("go");
    let built = Command::new("go").args(["build", "-o"]).arg(&go).arg(scripts.join("echo.go")).status().unwrap();
    assert!(built.success());
    vec![
        hyper,
        spawn("nginx", Path::new("nginx"), |command, port| {
            let configuration = std::fs::read_to_string(scripts.join("nginx.conf")).unwrap();
            let configuration = configuration.replace("FOLDER", folder.to_str().unwrap()).replace("PORT", port);
            std::fs::write(folder.join("nginx.conf"), configuration).unwrap();
            command.arg("-c").arg(folder.join("nginx.conf")).arg("-e").arg(folder.join("error.log"));
        }),
        spawn("uvicorn", Path::new("uvicorn"), |command, port| {
            command.args(["echo:app", "--port", port, "--log-level", "critical"]).current_dir(&scripts);
        }),
        spawn("node", Path::new("node"), |command, port| {
            command.arg(scripts.join("echo.js")).arg(port);
        }),
        spawn("go", &go, |command, port| {
            command.arg(port);
        }),
    ]
}

fn spawn(name: &'static str, program: &Path, arguments: impl Fn(&mut Command, &str)) -> Server {
    let port = free_port();
    let mut command = Command::new(program);
    arguments(command.stdin(Stdio::null()), &port.to_string());
    let process = Process::listening(&mut command, port);
    Server { name, url: format!("http://127.0.0.1:{port}"), _process: Some(process) }
}

/// Responds with the parts of the request, decoded.
async fn echo(method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> String {
    let path = percent_decode_str(uri.path()).decode_utf8().unwrap().into_owned();
    let mut query: Vec<_> = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).collect();
    query.sort();
    let all =
        |name: &str| headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect::<Vec<_>>().join(", ");
    let headers = ["x-case", "authorization", "content-type", "x-version"].map(all);
    format!("{method} {path} {query:?} {headers:?} {}", String::from_utf8(body.to_vec()).unwrap())
}
