//! Tests of HPACK: the RFC's examples, and random fields there and back.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Deserialize;

use super::{Decoder, Encoder, MalformedBlock, huffman};

type Fields = Vec<(String, String)>;

fn decode(decoder: &mut Decoder, block: &[u8]) -> Result<Fields, MalformedBlock> {
    let (mut fields, text) = (Vec::new(), |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap());
    decoder.decode(block, |name, value| fields.push((text(name), text(value))))?;
    Ok(fields)
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<_> = hex.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect()
}

fn fields(list: &[(&str, &str)]) -> Fields {
    list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn responses_of_the_rfc_are_decoded_with_and_without_huffman() {
    // RFC 7541, C.5 and C.6, with a table of 256 bytes: its size is set first.
    let plain = [
        "3fe1 01 4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32
         3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
        "4803 3330 37c1 c0bf",
        "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f
         6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b
         2076 6572 7369 6f6e 3d31",
    ];
    let huffman = [
        "3fe1 01 4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad
         1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
        "4883 640e ffc1 c0bf",
        "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335
         dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
    ];
    let (date, location) = ("Mon, 21 Oct 2013 20:13:21 GMT", "https://www.example.com");
    let first = [("cache-control", "private"), ("date", date), ("location", location)];
    let with_status = |status| [&[(":status", status)], &first[..]].concat();
    let third = [
        (":status", "200"),
        ("cache-control", "private"),
        ("date", "Mon, 21 Oct 2013 20:13:22 GMT"),
        ("location", location),
        ("content-encoding", "gzip"),
        ("set-cookie", "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"),
    ];
    for blocks in [plain, huffman] {
        let mut decoder = Decoder::new();
        let mut next = |block: &str| decode(&mut decoder, &bytes(block));
        assert_eq!(next(blocks[0]), Ok(fields(&with_status("302"))));
        assert_eq!(next(blocks[1]), Ok(fields(&with_status("307"))));
        assert_eq!(next(blocks[2]), Ok(fields(&third)));
    }
}

/// Responses on one connection, and the blocks that encoders made of the first of them.
#[derive(Deserialize)]
struct Story {
    fields: Vec<Fields>,
    blocks: BTreeMap<String, Vec<String>>,
}

#[test]
fn blocks_of_other_encoders_are_decoded() {
    let story = include_str!("../../../../tests/fixtures/hpack/story_24.json");
    let story: Story = serde_json::from_str(story).unwrap();
    assert_eq!(story.blocks.len(), 6);
    for (encoder, blocks) in &story.blocks {
        let mut decoder = Decoder::new();
        let decoded = blocks.iter().map(|block| decode(&mut decoder, &bytes(block)).unwrap());
        assert_eq!(decoded.collect::<Vec<_>>(), story.fields[..blocks.len()], "{encoder}");
    }
}

#[test]
fn malformed_blocks_are_refused() {
    let refused = [
        ("80", "index 0"),
        ("be", "an index beyond both tables"),
        ("7e 01 61", "a name beyond both tables"),
        ("00 02 61", "a string that is cut off"),
        ("00 01 61 81 ff", "padding of a whole byte"),
        ("00 01 61 81 00", "padding of zeros"),
        ("00 01 61 84 ff ff ff ff", "the end of a string in a string"),
        ("3f e2 1f", "a table larger than allowed"),
        ("82 20", "a size that follows a field"),
        ("ff 80 80 80 80 01", "an endless integer"),
    ];
    for (block, why) in refused {
        assert_eq!(decode(&mut Decoder::new(), &bytes(block)), Err(MalformedBlock), "{why}");
    }
    assert_eq!(decode(&mut Decoder::new(), &bytes("3f e1 1f 82")), Ok(fields(&[(":method", "GET")])));
}

#[test]
fn repeated_fields_take_one_byte_and_secrets_are_not_kept() {
    let (mut encoder, mut out) = (Encoder::new(), Vec::new());
    let mut lengths = |name: &[u8], value: &[u8]| {
        [(); 2].map(|()| {
            out.clear();
            encoder.put(name, value, &mut out);
            out.len()
        })
    };
    assert_eq!(lengths(b":method", b"GET"), [1, 1]);
    assert_eq!(lengths(b"user-agent", b"me"), [4, 1]);
    assert_eq!(lengths(b"x-tenant", b"me"), [13, 1]);
    assert_eq!(lengths(b"authorization", b"Bearer x"), [11, 11]);
    assert_eq!(lengths(b"x-large", &[b'x'; 2000]), [2012, 2012]);
}

proptest! {
    /// Every string of bytes is its own code, whatever its length.
    #[test]
    fn huffman_codes_end_anywhere(text in "[ -~]{0,40}") {
        // The h2 crate as a server encodes with Huffman; see the tests of the connection. Here, any
        // bytes are decoded without a panic.
        let mut out = Vec::new();
        let _ = huffman::decode(text.as_bytes(), &mut out);
        prop_assert!(out.len() <= text.len() * 8 / 5);
    }

    #[test]
    fn random_fields_arrive_as_they_were_sent(
        blocks in prop::collection::vec(
            (
                prop::option::of(0_usize..5000),
                prop::collection::vec(("[a-c]{1,3}|cookie|accept|:path", "[ -~]{0,8}|[a-z]{1000,1500}"), 0..12),
            ),
            1..20,
        )
    ) {
        let (mut encoder, mut decoder) = (Encoder::new(), Decoder::new());
        for (size, fields) in blocks {
            size.into_iter().for_each(|size| encoder.allow_size(size));
            let mut block = Vec::new();
            encoder.begin(&mut block);
            fields.iter().for_each(|(name, value)| encoder.put(name.as_bytes(), value.as_bytes(), &mut block));
            prop_assert_eq!(decode(&mut decoder, &block), Ok(fields));
        }
    }
}
