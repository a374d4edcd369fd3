//! Tests of decoding, with data of other encoders.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

use super::*;

const TEXT: &[u8] = b"hello world, hello world";
/// [`TEXT`], compressed by Node.
const BR: &[u8] =
    &[0x1b, 0x17, 0x00, 0xf8, 0xa5, 0xcb, 0xd0, 0xd8, 0xde, 0xd4, 0x2a, 0xc0, 0x54, 0x03, 0x28, 0x91, 0xba, 0x1d, 0x06];
/// 16 MiB of zeros, compressed by Node.
const BR_BOMB: &[u8] = &[
    0xcb, 0xff, 0xff, 0x3f, 0xf8, 0x27, 0x00, 0xe2, 0xb1, 0x40, 0x20, 0xf7, 0xfe, 0x2f, 0xff, 0xff, 0xff, 0xf0, 0x4f,
    0x00, 0xc4, 0x61, 0x11, 0x80, 0xee, 0xfd, 0x1f,
];

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn raw_deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

fn decoded(codings: &[&str], body: &[u8], limit: usize) -> Result<Option<Vec<u8>>, String> {
    let whole = decode(codings.iter().map(|coding| coding.as_bytes()), b"head", body, limit);
    let whole = whole.map_err(|error| error.to_string())?;
    Ok(whole.map(|whole| whole.strip_prefix(b"head").unwrap().to_vec()))
}

#[test]
fn each_coding_of_browsers_is_decoded() {
    for (codings, body) in [
        (&["gzip"][..], gzip(TEXT)),
        (&["X-GZIP"], gzip(TEXT)),
        (&["gzip"], [gzip(&TEXT[..7]), gzip(&TEXT[7..])].concat()),
        (&["gzip"], [gzip(TEXT), b"\0\0more".to_vec()].concat()),
        (&["deflate"], zlib(TEXT)),
        (&["deflate"], raw_deflate(TEXT)),
        (&["br"], BR.to_vec()),
        (&["zstd"], zstd(TEXT)),
        (&["zstd"], [zstd(&TEXT[..7]), zstd(&TEXT[7..])].concat()),
        (&["gzip, identity,", "br"], BR.to_vec()),
    ] {
        let whole = decoded(codings, &body, TEXT.len());
        match codings {
            // Brotli was applied last to a body that is not gzip.
            ["gzip, identity,", "br"] => assert!(whole.unwrap_err().contains("not gzip")),
            _ => assert_eq!(whole, Ok(Some(TEXT.to_vec())), "{codings:?}"),
        }
    }
    assert_eq!(decoded(&["gzip", "zstd, deflate"], &zlib(&zstd(&gzip(TEXT))), 99), Ok(Some(TEXT.to_vec())));
}

#[test]
fn a_body_that_cannot_be_decoded_stays_as_it_is() {
    for codings in [&["identity"][..], &[""], &["compress"], &["gzip, aws-chunked"]] {
        assert_eq!(decoded(codings, b"text", 99), Ok(None), "{codings:?}");
    }
    assert_eq!(decoded(&["gzip"], b"", 99), Ok(None), "an empty body, as after HEAD");
    let names = [&b"gzip, aws-chunked"[..], b"compress"];
    assert_eq!(unknown_codings(names.into_iter()).collect::<Vec<_>>(), [&b"aws-chunked"[..], b"compress"]);
}

#[test]
fn a_body_that_lies_about_its_coding_is_named() {
    assert!(decoded(&["gzip"], b"text", 99).unwrap_err().starts_with("the body is not gzip, although"));
    for coding in ["gzip", "deflate", "br", "zstd"] {
        let error = decoded(&[coding], b"{\"id\": 1} is text", 1 << 20).unwrap_err();
        match coding {
            // Raw deflate has no header, so that text is the beginning of some data.
            "deflate" => assert_eq!(error, "the body ends before its deflate data is complete"),
            _ => assert!(error.starts_with(&format!("the body is not {coding}, although")), "{error}"),
        }
    }
}

#[test]
fn a_truncated_body_is_named_at_every_length() {
    let long: Vec<u8> = (0..2_000_u32).flat_map(u32::to_le_bytes).collect();
    for (coding, whole) in [
        ("gzip", gzip(&long)),
        ("deflate", zlib(&long)),
        ("deflate", raw_deflate(&long)),
        ("br", BR.to_vec()),
        ("zstd", zstd(&long)),
    ] {
        for length in 1..whole.len() {
            let error = decoded(&[coding], &whole[..length], 99_999).expect_err(coding);
            let is_named = error == format!("the body ends before its {coding} data is complete");
            // Some first bytes alone are not the beginning of the format.
            assert!(is_named || length < 4 && error.contains(coding), "{length} of {}: {error}", whole.len());
        }
    }
}

#[test]
fn a_bomb_is_stopped_at_the_limit() {
    let zeros = vec![0; 16 << 20];
    for (coding, bomb) in
        [("gzip", gzip(&zeros)), ("deflate", zlib(&zeros)), ("br", BR_BOMB.to_vec()), ("zstd", zstd(&zeros))]
    {
        let counted = allocation_counter::measure(|| {
            let error = decoded(&[coding], &bomb, 1 << 20).unwrap_err();
            assert_eq!(error, format!("more than 1048576 bytes of body after decoding {coding}"));
        });
        assert!(counted.bytes_max < 6 << 20, "{coding}: {} bytes at a time", counted.bytes_max);
        assert_eq!(decoded(&[coding], &bomb, 16 << 20).unwrap().unwrap().len(), 16 << 20, "{coding}");
    }
    let many = decoded(&["gzip, gzip, gzip", "gzip, gzip"], &gzip(b""), 99).unwrap_err();
    assert!(many.contains("more than 4 content-encodings"), "{many}");
}

/// Prints the time of decoding, for perf-tests/README.md.
#[test]
#[expect(clippy::disallowed_methods, reason = "decoding is timed")]
fn decoding_costs_are_printed() {
    let text: String =
        (0..40_000).map(|id| format!("{{\"id\": {id}, \"name\": \"Ada {}\"}}\n", id * 7919 % 1009)).collect();
    for (coding, body) in [("gzip", gzip(text.as_bytes())), ("zstd", zstd(text.as_bytes()))] {
        let began = std::time::Instant::now();
        assert_eq!(decoded(&[coding], &body, 64 << 20), Ok(Some(text.clone().into_bytes())));
        println!("{coding}: {:?} for {} KiB", began.elapsed(), text.len() >> 10);
    }
}
