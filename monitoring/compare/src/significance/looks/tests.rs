//! Tests of `looks`.

use super::*;

#[test]
fn interim_checks_share_alpha() {
    let one = Looks::new(12, 1, 0.05);
    assert!((one.level(12).unwrap() - 0.05).abs() < 1e-12);
    assert_eq!(one.level(6), None);
    let three = Looks::new(20, 3, 0.05);
    let levels: Vec<_> = (1..=20).filter_map(|pairs| Some((pairs, three.level(pairs)?))).collect();
    assert_eq!(levels.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [7, 14, 20]);
    assert!((levels.iter().map(|(_, level)| level).sum::<f64>() - 0.05).abs() < 1e-12);
    // Lan and DeMets 1983, α·ln(1 + (e − 1)t).
    assert!((levels[0].1 - 0.05 * (1.0 + 1.718_281_828 * 0.35_f64).ln()).abs() < 1e-9);
}
