//! Division of a total in given proportions.

/// Divides a total in the proportions of `weights`. Shares are rounded down, and the largest
/// remainders get the rest, so that they add up to the total. Without weights, all shares are 0.
pub(crate) fn apportion(total: u64, weights: &[u128]) -> Vec<u64> {
    let sum: u128 = weights.iter().sum();
    if sum == 0 {
        return vec![0; weights.len()];
    }
    let exact = |weight: &u128| u128::from(total) * weight;
    let mut shares: Vec<_> =
        weights.iter().map(|weight| u64::try_from(exact(weight) / sum).unwrap_or(u64::MAX)).collect();
    let mut by_remainder: Vec<_> = (0..weights.len()).collect();
    by_remainder.sort_by_key(|&at| std::cmp::Reverse(exact(&weights[at]) % sum));
    let left = total.saturating_sub(shares.iter().sum());
    by_remainder.into_iter().zip(0..left).for_each(|(at, _)| shares[at] += 1);
    shares
}

/// Divides a total in the proportions of `weights`. Each share is at least 1, even if the total is
/// less than the number of shares. The largest share gives what the others lack.
pub(super) fn apportion_at_least_one(total: u64, weights: &[u128]) -> Vec<u64> {
    let mut shares = apportion(total, weights);
    while let Some(empty) = shares.iter().position(|share| *share == 0) {
        shares[empty] = 1;
        if let Some(largest) = shares.iter_mut().max().filter(|share| **share > 1) {
            *largest -= 1;
        }
    }
    shares
}

#[cfg(test)]
mod tests;
