//! Bodies with files, read in pieces.

use std::fs;
use std::path::PathBuf;

use super::*;

/// A file for this test, which is removed with it.
struct TestFile(PathBuf);

impl TestFile {
    fn new(name: &str, bytes: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("perf-tests-{}-{name}", std::process::id()));
        fs::write(&path, bytes).unwrap();
        Self(path)
    }

    fn at(&self, at: usize) -> FileInBody {
        FileInBody { at, file: Arc::new(DataFile::open(&self.0).unwrap()) }
    }
}

impl Drop for TestFile {
    fn drop(&mut self) {
        // An error here must not hide the test's own.
        let _ = fs::remove_file(&self.0);
    }
}

/// All pieces of a body.
fn read(bytes: &[u8], head: usize, files: &[FileInBody]) -> io::Result<Vec<u8>> {
    let (mut reader, mut whole, mut piece) = (BodyReader::new(bytes, head, files), Vec::new(), vec![1]);
    while !piece.is_empty() {
        reader.read(&mut piece)?;
        assert!(piece.len() <= PIECE);
        whole.extend_from_slice(&piece);
    }
    Ok(whole)
}

#[test]
fn files_stand_at_their_places_in_a_body() {
    let large: Vec<u8> = (0..2 * PIECE + 7).map(|at| at.to_le_bytes()[0]).collect();
    let (large_file, empty, small) =
        (TestFile::new("large", &large), TestFile::new("empty", b""), TestFile::new("small", b"xyz"));
    let files = [empty.at(0), small.at(2), large_file.at(2), empty.at(2), small.at(4)];
    let whole = [b"HEADab", &b"xyz"[..], &large, b"cd", b"xyz"].concat();
    assert_eq!(read(b"HEADabcd", 4, &files).unwrap(), whole);
    assert_eq!(RequestBody { bytes: b"abcd", files: &files }.len(), whole.len() as u64 - 4);
    assert_eq!(read(b"", 0, &[large_file.at(0)]).unwrap(), large);
    assert_eq!(read(&large, 100, &[]).unwrap(), large);
    assert_eq!(read(b"", 0, &[empty.at(0)]).unwrap(), b"");
}

#[test]
fn a_file_that_became_shorter_is_named() {
    let file = TestFile::new("shorter", b"12345");
    let place = file.at(0);
    fs::write(&file.0, b"123").unwrap();
    let error = read(b"", 0, &[place]).unwrap_err().to_string();
    assert!(error.contains("-shorter became shorter") && error.contains("it had 5 bytes, and has 3 now"), "{error}");
}

#[test]
fn only_files_can_be_sent() {
    let refused = |path: &str| DataFile::open(path.as_ref()).unwrap_err().to_string();
    let missing = refused("no-such-file.png");
    assert!(missing.contains("perf-tests/data/no-such-file.png cannot be read: No such file"), "{missing}");
    assert!(refused("/dev/null").contains("/dev/null cannot be read: it is not a file"));
    assert!(refused("/").contains("it is not a file"));
}
