//! Forms with files beside those of curl and httpx: the same bytes, except for the boundary.

use std::path::{Path, PathBuf};
use std::process::Command;

use perf_tests::Vu;
use perf_tests::engine::FormField;

use crate::clients;
use crate::recorder::{NUMBER, Recorder};

/// Names and values of texts, then name, file name, content type and bytes of files.
const TEXTS: [(&str, &str); 3] = [("name", "Zoë & Ada"), ("quo\"ted é", "a\r\nb\n--"), ("empty", "")];
const FILES: [(&str, &str, &str, &str); 2] = [
    ("photo", "photo \"1\" é.png", "image/png", "\u{1}\r\n--not the boundary\r\n"),
    ("notes", "notes.csv", "text/csv; charset=utf-8", ""),
];

/// Writes the files, and returns the place of each.
fn write_files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("differential-forms");
    std::fs::create_dir_all(&folder).unwrap();
    let write = |(at, file): (usize, &(_, _, _, &str))| {
        let path = folder.join(at.to_string());
        std::fs::write(&path, file.3).unwrap();
        path
    };
    FILES.iter().enumerate().map(write).collect()
}

fn ours(base: &str, paths: Vec<PathBuf>) {
    clients::run(base, async move |vu: &mut Vu, (): &()| {
        let texts = TEXTS.map(|(name, value)| FormField::text(name, value));
        let files = FILES.iter().zip(&paths).map(|((name, filename, content_type, _), path)| {
            FormField::file(name, path).filename(filename).content_type(content_type)
        });
        let request = vu.unjudged(monitoring::endpoint::Method::Post, "/case/form").header(NUMBER, "0");
        request.multipart(texts.into_iter().chain(files)).send().await?;
        Ok(())
    });
}

fn curl(base: &str, paths: &[PathBuf]) {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--fail", "--noproxy", "*", "--max-time", "10"]);
    curl.args(["--header", &format!("{NUMBER}: 1")]);
    for (name, value) in TEXTS {
        curl.args(["--form-string", &format!("{name}={value}")]);
    }
    for ((name, filename, content_type, _), path) in FILES.iter().zip(paths) {
        let filename = filename.replace('"', "\\\"");
        let path = path.display();
        curl.args(["--form", &format!("{name}=@\"{path}\";filename=\"{filename}\";type={content_type}")]);
    }
    assert!(curl.arg(format!("{base}/case/form")).status().expect("curl on PATH").success());
}

fn httpx(base: &str, paths: &[PathBuf]) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../test-support/python/httpx_form.py");
    let files = FILES.iter().zip(paths).map(|((name, filename, content_type, _), path)| {
        serde_json::json!({ "name": name, "filename": filename, "type": content_type, "path": path })
    });
    let form = serde_json::json!({ "texts": TEXTS, "files": files.collect::<Vec<_>>() });
    let mut python = Command::new("python3");
    python.arg(script).args([&format!("{base}/case/form"), NUMBER, "2", &form.to_string()]);
    assert!(python.status().expect("python3 on PATH").success());
}

#[test]
#[ignore = "needs curl, and httpx for python3: run with cargo xtask ci"]
fn forms_with_files_have_the_bytes_of_curl_and_httpx() {
    let recorder = Recorder::start(vec!["HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"; 3]);
    let paths = write_files();
    curl(&recorder.url, &paths);
    httpx(&recorder.url, &paths);
    ours(&recorder.url, paths);
    let requests = recorder.requests();
    let [ours, curl, httpx] = [0, 1, 2].map(|number| {
        let request = &requests[&number];
        let (_, content_type) = request.headers.iter().find(|(name, _)| name == "content-type").unwrap();
        let boundary = content_type.strip_prefix("multipart/form-data; boundary=").unwrap();
        request.body.replace(boundary, "BOUNDARY")
    });
    assert!(
        ours.starts_with("--BOUNDARY\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nZoë & Ada\r\n"),
        "{ours}"
    );
    assert_eq!(ours, curl);
    assert_eq!(ours, httpx);
}
