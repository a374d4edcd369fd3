//! Tests of the manifests against Kubernetes' own types.

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Secret, Service};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::*;

fn run() -> RunManifests {
    RunManifests {
        name: "perf-basic-1f2e3d4c".to_owned(),
        test: "basic::basic".to_owned(),
        image: "registry.example/perf-tests:1".to_owned(),
        agents: 8,
        limit: Duration::from_secs(1234),
        cpu: "500m".to_owned(),
        memory: "1Gi".to_owned(),
    }
}

/// Reads a manifest as Kubernetes' type. A field that the type does not have would be lost.
fn typed<T: Serialize + DeserializeOwned>(manifest: &Value) -> T {
    let object: T = serde_json::from_value(manifest.clone()).unwrap();
    assert_eq!(&serde_json::to_value(&object).unwrap(), manifest, "a field has a name that Kubernetes does not know");
    object
}

#[test]
fn manifests_have_only_fields_that_kubernetes_knows() {
    let (run, name, uid) = (run(), "perf-basic-1f2e3d4c", "6ffe");
    typed::<Job>(&run.coordinator());
    typed::<Job>(&set_owner(run.agents("10.0.0.5:7070"), name, uid));
    typed::<Secret>(&set_owner(run.secret("token", Some("{}")), name, uid));
    typed::<NetworkPolicy>(&set_owner(run.network_policy(), name, uid));
    for file in exported_manifests().unwrap() {
        let Some(name) = file.path.strip_prefix(&format!("{FOLDER}/")) else { panic!("{} is elsewhere", file.path) };
        let manifest = || yaml_serde::from_str::<Value>(&file.contents).unwrap();
        match name {
            "coordinator.yaml" | "agents.yaml" => drop(typed::<Job>(&manifest())),
            "secret.yaml" => drop(typed::<Secret>(&manifest())),
            "service.yaml" => drop(typed::<Service>(&manifest())),
            "network-policy.yaml" => drop(typed::<NetworkPolicy>(&manifest())),
            name => assert_eq!(name, "README.md"),
        }
    }
}

#[test]
fn exported_jobs_stay_and_their_token_must_be_replaced() {
    let files = exported_manifests().unwrap();
    let manifest = |name: &str| {
        let file = files.iter().find(|file| file.path.ends_with(name)).unwrap();
        yaml_serde::from_str::<Value>(&file.contents).unwrap()
    };
    for name in ["coordinator.yaml", "agents.yaml"] {
        assert_eq!(typed::<Job>(&manifest(name)).spec.unwrap().ttl_seconds_after_finished, None, "{name}");
    }
    // The coordinator refuses a token of less than 16 characters.
    let token = manifest("secret.yaml")["stringData"]["token"].as_str().unwrap().to_owned();
    assert!(token.len() < 16, "{token}");
}

#[test]
fn every_object_of_a_run_ends_and_is_removed_with_the_coordinator() {
    let run = run();
    for job in [run.coordinator(), run.agents("10.0.0.5:7070")] {
        let spec = typed::<Job>(&job).spec.unwrap();
        assert_eq!((spec.active_deadline_seconds, spec.ttl_seconds_after_finished), (Some(1234), Some(300)));
        assert_eq!(spec.template.spec.unwrap().restart_policy.as_deref(), Some("Never"));
    }
    let owned = set_owner(run.agents("10.0.0.5:7070"), "perf-basic-1f2e3d4c", "6ffe");
    let owners = typed::<Job>(&owned).metadata.owner_references.unwrap();
    assert_eq!((owners.len(), owners[0].kind.as_str(), owners[0].uid.as_str()), (1, "Job", "6ffe"));
}

#[test]
fn pods_have_no_rights_and_their_requests_are_their_limits() {
    let run = run();
    for job in [run.coordinator(), run.agents("10.0.0.5:7070")] {
        let pod = typed::<Job>(&job).spec.unwrap().template.spec.unwrap();
        assert_eq!(pod.automount_service_account_token, Some(false));
        let context = pod.security_context.unwrap();
        assert_eq!(context.run_as_non_root, Some(true));
        assert_eq!(context.seccomp_profile.unwrap().type_, "RuntimeDefault");
        let container = &pod.containers[0];
        let resources = container.resources.clone().unwrap();
        assert_eq!(resources.requests, resources.limits);
        let context = container.security_context.clone().unwrap();
        assert_eq!((context.read_only_root_filesystem, context.allow_privilege_escalation), (Some(true), Some(false)));
        assert_eq!(context.capabilities.unwrap().drop, Some(vec!["ALL".to_owned()]));
        let sources: Vec<_> = container.env.iter().flatten().filter_map(|it| it.value_from.as_ref()).collect();
        assert!(sources.iter().any(|it| it.secret_key_ref.is_some()), "the token is not from the Secret");
        let fields: Vec<_> = sources.iter().filter_map(|it| Some(it.field_ref.as_ref()?.field_path.as_str())).collect();
        assert_eq!(fields, ["spec.nodeName"]);
    }
}

#[test]
fn an_agent_is_not_started_again() {
    let spec = typed::<Job>(&run().agents("10.0.0.5:7070")).spec.unwrap();
    assert_eq!((spec.completions, spec.parallelism, spec.backoff_limit_per_index), (Some(8), Some(8), Some(0)));
    assert_eq!(spec.completion_mode.as_deref(), Some("Indexed"));
    let codes = spec.pod_failure_policy.unwrap().rules[0].on_exit_codes.clone().unwrap().values;
    assert_eq!(codes, [104]);
    let coordinator = typed::<Job>(&run().coordinator()).spec.unwrap();
    assert_eq!(coordinator.backoff_limit, Some(0));
}
