//! Tests of `container_spec`.

use super::*;
use crate::stack::StackChoice;

#[test]
fn grafana_keeps_its_bundled_data_source() {
    let options = StackOptions {
        choice: StackChoice::Docker,
        prometheus_port: PROMETHEUS_PORT,
        grafana_port: 3001,
        grafana: true,
        keep_data: false,
        timing: Timing::USUAL,
        archive: None,
    };
    let grafana = ContainerSpec::grafana(&options, &Images::from_environment(), Network::Host).unwrap();
    for (name, value) in [
        ("GF_PLUGINS_PREINSTALL_DISABLED", "true"),
        ("GF_PLUGINS_PREINSTALL_AUTO_UPDATE", "false"),
        ("GF_PLUGINS_PUBLIC_KEY_RETRIEVAL_DISABLED", "true"),
        ("GF_SECURITY_DISABLE_GRAVATAR", "true"),
        ("GF_SERVER_ENABLE_GZIP", "false"),
    ] {
        assert!(grafana.environment.contains(&(name, value.to_owned())), "{name} is not {value}");
    }
}
