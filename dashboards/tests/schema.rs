//! Checks dashboards against Grafana's own types: `@grafana/schema` of the version that the stack
//! runs and, for queries, `@grafana/grafana-foundation-sdk`. The TypeScript compiler reports every
//! field that Grafana does not have, and every value that it does not accept.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails the test")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use dashboards::service_dashboard;
use serde_json::Value;
use test_support::shop::SHOP;

/// Panel types: type in JSON, name of the TypeScript types, and whether there is a type for the
/// style.
const KINDS: [(&str, &str, bool); 5] = [
    ("timeseries", "TimeSeries", true),
    ("stat", "Stat", false),
    ("gauge", "Gauge", false),
    ("table", "Table", false),
    ("state-timeline", "StateTimeline", true),
];

/// TypeScript before the dashboard. It replaces named enumerations by literals. Prometheus
/// annotations have fields of the data source (public/app/plugins/datasource/prometheus, or the
/// package @grafana/prometheus: annotations), which the schema leaves open.
const PRELUDE: &str = "\
import type { AnnotationQuery, Dashboard } from '@grafana/schema';
import type { Dataquery } from '@grafana/grafana-foundation-sdk/prometheus';
type Json<T> =
  T extends string ? `${T}` : T extends (infer U)[] ? Json<U>[] : T extends object ? { [K in keyof T]: Json<T[K]> } : T;
type Query = Partial<Omit<Json<Dataquery>, '_implementsDataqueryVariant' | 'dataqueryName'>>;
type Annotation = Omit<Json<AnnotationQuery>, 'target'>
  & { target: { refId: string; expr: string; interval: string }; titleFormat: string; textFormat: string; tagKeys: string };
type Checked = Omit<Json<Dashboard>, 'annotations'> & { annotations: { list: Annotation[] } };
";

/// Source for the compiler: the dashboard, and separately each panel's options, style and queries,
/// because the dashboard's type leaves them open.
fn source(dashboard: &Value) -> String {
    let mut text = PRELUDE.to_owned();
    for (kind, name, has_style) in KINDS {
        let style = if has_style { format!(", FieldConfig as {name}Style") } else { String::new() };
        let module = kind.replace('-', "");
        let _ = writeln!(
            text,
            "import type {{ Options as {name}Options{style} }} from \
             '@grafana/schema/dist/esm/raw/composable/{module}/panelcfg/x/{name}PanelCfg_types.gen';"
        );
    }
    let _ = writeln!(text, "export const dashboard: Checked = {dashboard:#};");
    for panel in dashboard["panels"].as_array().unwrap() {
        let (id, kind) = (&panel["id"], panel["type"].as_str().unwrap());
        let Some((_, name, has_style)) = KINDS.iter().find(|(known, ..)| *known == kind) else {
            assert_eq!(kind, "row", "this panel type is not checked");
            continue;
        };
        let _ = writeln!(text, "export const options{id}: Partial<Json<{name}Options>> = {:#};", panel["options"]);
        if *has_style {
            let style = &panel["fieldConfig"]["defaults"]["custom"];
            let _ = writeln!(text, "export const style{id}: Json<{name}Style> = {style:#};");
        }
        let _ = writeln!(text, "export const targets{id}: Query[] = {:#};", panel["targets"]);
    }
    text
}

#[expect(clippy::disallowed_methods, clippy::expect_used, reason = "the folder of packages that .ci/provide installs")]
fn packages() -> PathBuf {
    let folder = std::env::var("PERF_NODE_MODULES").expect("PERF_NODE_MODULES is not set: run `source .ci/provide`");
    PathBuf::from(folder)
}

/// Compiler output for a dashboard. Empty if it conforms.
fn compiler_errors(name: &str, dashboard: &Value) -> String {
    let packages = packages();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("schema-{name}"));
    if folder.exists() {
        std::fs::remove_dir_all(&folder).unwrap();
    }
    std::fs::create_dir_all(&folder).unwrap();
    std::os::unix::fs::symlink(&packages, folder.join("node_modules")).unwrap();
    std::fs::write(folder.join("dashboard.ts"), source(dashboard)).unwrap();
    let options = ["--noEmit", "--strict", "--skipLibCheck", "--target", "es2022", "--module", "esnext"];
    let output = Command::new("node")
        .arg(packages.join("typescript/bin/tsc"))
        .args(options)
        .args(["--moduleResolution", "bundler", "dashboard.ts"])
        .current_dir(&folder)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.success(), errors.is_empty(), "{errors}");
    errors
}

#[test]
#[ignore = "needs node and Grafana's packages: run with cargo xtask ci"]
fn the_dashboard_has_grafanas_types_and_a_wrong_field_is_found() {
    let dashboard = serde_json::to_value(service_dashboard::dashboard(&SHOP)).unwrap();
    assert_eq!(compiler_errors("as-it-is", &dashboard), "");
    for (name, path, key, value, expected) in [
        ("field", "", "uidd", Value::from("x"), "uidd"),
        ("value", "", "graphTooltip", Value::from(7), "'7' is not assignable"),
        ("option", "/panels/0/options/legend", "placment", Value::from("right"), "placment"),
        (
            "style",
            "/panels/0/fieldConfig/defaults/custom",
            "lineWidth",
            Value::from("2"),
            "not assignable to type 'number",
        ),
        ("query", "/panels/0/targets/0", "legendFmt", Value::from("x"), "legendFmt"),
        ("annotation", "/annotations/list/0/target", "step", Value::from("5s"), "step"),
    ] {
        let mut changed = dashboard.clone();
        changed.pointer_mut(path).unwrap()[key] = value;
        let errors = compiler_errors(name, &changed);
        assert!(errors.contains(expected), "{name}: {errors:?}");
    }
}
