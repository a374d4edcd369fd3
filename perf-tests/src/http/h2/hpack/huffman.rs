//! The Huffman code of HPACK (RFC 7541, appendix B). It is canonical: codes of one length are
//! consecutive in the order of their symbols. So the lengths define all codes.

use super::MalformedBlock;

/// Number of symbols: every byte, and the end of a string.
const SYMBOLS: usize = 257;
/// The symbol for the end of a string, which no string contains.
const END: u16 = 256;
const LONGEST: usize = 30;
/// The length in bits of the code of each symbol.
#[rustfmt::skip]
const LENGTHS: [u8; SYMBOLS] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28,
    28, 28, 28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5,
    6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
    6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23,
    23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20,
    22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22,
    22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26,
    27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25,
    25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
];

struct Codes {
    /// For each byte that a code may begin with: the symbol and the length of its code. The length
    /// is 0 if the code is longer than a byte.
    short: [(u8, u8); 256],
    /// All symbols, sorted by length.
    sorted: [u16; SYMBOLS],
    /// For each length: the first code after all of this length, in the highest bits of 32.
    ends: [u64; LONGEST + 1],
    /// For each length: the position in `sorted` of the code 0 of this length, modulo 2^32. Only
    /// the sum with a code is a position.
    offsets: [u32; LONGEST + 1],
}

const CODES: Codes = codes();

const fn codes() -> Codes {
    let mut codes =
        Codes { short: [(0, 0); 256], sorted: [0; SYMBOLS], ends: [0; LONGEST + 1], offsets: [0; LONGEST + 1] };
    let (mut length, mut code, mut at) = (1, 0_u32, 0);
    while length <= LONGEST {
        codes.offsets[length] = (at as u32).wrapping_sub(code);
        let mut symbol = 0;
        while symbol < SYMBOLS {
            if LENGTHS[symbol] as usize == length {
                codes.sorted[at] = symbol as u16;
                if length <= 8 {
                    let (first, count) = ((code as usize) << (8 - length), 1 << (8 - length));
                    let mut byte = first;
                    while byte < first + count {
                        codes.short[byte] = (symbol as u8, length as u8);
                        byte += 1;
                    }
                }
                code += 1;
                at += 1;
            }
            symbol += 1;
        }
        codes.ends[length] = (code as u64) << (32 - length);
        code <<= 1;
        length += 1;
    }
    codes
}

/// Appends the decoded string to `out`.
pub(super) fn decode(mut bytes: &[u8], out: &mut Vec<u8>) -> Result<(), MalformedBlock> {
    // The next bits, the first of them highest, and their number.
    let (mut bits, mut count) = (0_u64, 0);
    loop {
        while count <= 56
            && let [next, rest @ ..] = bytes
        {
            bits |= u64::from(*next) << (56 - count);
            count += 8;
            bytes = rest;
        }
        let (symbol, length) = match CODES.short[(bits >> 56) as usize] {
            (_, 0) => long(bits)?,
            (symbol, length) => (symbol, u32::from(length)),
        };
        if length > count {
            // The rest is padding: fewer bits than a byte, all of them 1.
            let is_padding = count < 8 && (bits | u64::MAX >> count) == u64::MAX;
            return if is_padding { Ok(()) } else { Err(MalformedBlock) };
        }
        out.push(symbol);
        bits <<= length;
        count -= length;
    }
}

/// The symbol and length of a code that is longer than a byte.
fn long(bits: u64) -> Result<(u8, u32), MalformedBlock> {
    let first = bits >> 32;
    let length = (9..=LONGEST).find(|length| first < CODES.ends[*length]).ok_or(MalformedBlock)?;
    let code = (first >> (32 - length)) as u32;
    match CODES.sorted[code.wrapping_add(CODES.offsets[length]) as usize] {
        END => Err(MalformedBlock),
        symbol => Ok((symbol as u8, length as u32)),
    }
}
