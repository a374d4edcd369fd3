//! The order in which rows are taken. It follows from the seed and the number of the row that is
//! taken, so that VUs need not agree on it.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Order {
    /// As in the file.
    Sequential,
    /// Each row once, mixed.
    Shuffled,
    /// Each time any row.
    Random,
}

impl Order {
    /// The index of the row that is taken as `number`-th, for `number` below `len`.
    pub(super) fn index(self, number: u64, len: u64, seed: u64) -> u64 {
        match self {
            Self::Sequential => number,
            Self::Shuffled => shuffled(number, len, seed),
            Self::Random => scaled(mix(seed ^ mix(number)), len),
        }
    }
}

/// A number below `len`. The bias is below `len` / 2^64.
fn scaled(random: u64, len: u64) -> u64 {
    let product = u128::from(random) * u128::from(len);
    u64::try_from(product >> 64).unwrap_or_default()
}

/// Place of `number` in a permutation of the numbers below `len`. It is a Feistel network over a
/// power of four that is not smaller than `len`. Results that are not below `len` are permuted
/// again, which takes fewer than four rounds on average.
fn shuffled(number: u64, len: u64, seed: u64) -> u64 {
    const ROUNDS: u64 = 6;
    let bits = (u64::BITS - len.saturating_sub(1).leading_zeros()).max(2).div_ceil(2);
    let mask = (1 << bits) - 1;
    let mut at = number;
    loop {
        let (mut left, mut right) = (at >> bits, at & mask);
        for round in 0..ROUNDS {
            let next = left ^ (mix(seed ^ mix(right ^ round << 32)) & mask);
            (left, right) = (right, next);
        }
        at = left << bits | right;
        if at < len {
            return at;
        }
    }
}

/// The finalizer of SplitMix64: every bit of the result depends on every bit of the number.
pub(super) const fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}
