//! Tests of `process_cost`.

use super::*;

#[test]
fn a_busy_process_costs_processor_time_and_memory() {
    let mut busy = child::foreground("sh");
    busy.args(["-c", "i=0; while [ $i -lt 400000 ]; do i=$((i+1)); done; echo done"]);
    let cost = run(&busy, 0, &[]).unwrap();
    assert!(cost.cpu > Duration::from_millis(30) && cost.cpu < Duration::from_secs(60), "{:?}", cost.cpu);
    assert!(cost.peak_memory > 100 << 10, "{}", cost.peak_memory);
    assert_eq!(cost.output, "done\n");
}
