//! Tests of `backend_slo`.

use super::*;

const POOL: BackendSlo =
    BackendSlo::at_most("pool", "Pool", "pool_used / pool_size", Amount::Share(Ratio::percent(90)));

#[test]
fn an_objective_judges_the_worst_value_or_the_mean_of_a_run() {
    let run = Duration::from_secs(30);
    assert_eq!(POOL.during_run(run).to_string(), "max_over_time(max((pool_used / pool_size))[30s:1s])");
    assert_eq!(POOL.during_run(run * 2).to_string(), "max_over_time(max((pool_used / pool_size))[1m:5s])");
    assert_eq!(POOL.on_average().describe(), "mean pool <= 90 %");
    assert_eq!(POOL.is_met().to_string(), "max((pool_used / pool_size)) <= bool 0.9");
    let least = BackendSlo::at_least("free", "Free", "free_bytes", Amount::Mebibytes(2));
    assert_eq!(least.is_met().to_string(), "min((free_bytes)) >= bool 2097152");
    let cache = Cache { name: "news", hits: "hits_total", misses: "misses_total" };
    assert_eq!(cache.hits_and_all(run).0.to_string(), "sum(increase(hits_total[30s]))");
}

#[test]
fn a_value_equal_to_the_bound_is_good_and_nan_is_not() {
    assert!(POOL.holds(0.9) && !POOL.holds(0.900_001) && !POOL.holds(f64::NAN));
    let least = BackendSlo::at_least("free", "Free", "free_bytes", Amount::Mebibytes(2));
    assert!(least.holds(2_097_152.0) && !least.holds(2_097_151.0));
}

#[test]
fn amounts_are_formatted_in_their_units() {
    assert_eq!(Amount::Time(Duration::from_millis(250)).describe(), "250 ms");
}

#[test]
fn values_of_the_first_seconds_have_samples_of_before() {
    let seconds = |slo: BackendSlo| slo.lookback().as_secs();
    let at_most = |expr| BackendSlo::at_most("a", "A", expr, Amount::Count(1));
    assert_eq!(seconds(at_most("memory")), 0);
    assert_eq!(seconds(at_most("sum(rate(a[15s])) / (1 + rate(b[1m] offset 5s))")), 65);
    assert_eq!(seconds(at_most("max_over_time(rate(a[15s])[1m:5s])")), 75);
    // The last sample before the load is visible until the first scrape in it.
    assert_eq!(seconds(at_most("memory").on_average()), 5);
    assert_eq!(seconds(BackendSlo::at_least("a", "A", "rate(a[15s])", Amount::Count(1))), 20);
}
