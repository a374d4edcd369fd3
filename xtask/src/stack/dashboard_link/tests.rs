//! Tests of `dashboard_link`.

use super::*;

#[test]
fn the_link_selects_the_run_and_its_window() {
    let report = test_support::report();
    let link = dashboard_link(&Url::parse("http://127.0.0.1:3001/").unwrap(), &report).unwrap();
    let query = "from=1795411852600&to=1795411888137&var-testid=20261123-053057-basic-df39&var-scenario=basic";
    assert_eq!(link.as_str(), format!("http://localhost:3001/d/shop?{query}"));
}
