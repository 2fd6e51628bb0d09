//! The Open API's description of itself, which is kept in `docs/` for those who write clients.

use std::collections::HashSet;

use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::Value;
use testkit::Database;

use super::start;

/// Written by this test when `UPDATE_OPENAPI` is set.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi-open.json");

#[tokio::test]
async fn the_description_holds_every_route_and_is_not_stale() {
    let server = start(Database::Sqlite).await;
    let told = server.get("/v1/open/openapi.json").send().await.expect(200);
    let table = frontdesk::table(&server.app, PrometheusBuilder::new().build_recorder().handle());
    let mut ids = HashSet::new();
    let open: Vec<_> = table.iter().filter(|route| route.path.starts_with("/v1/open")).collect();
    assert!(open.len() > 20);
    for route in open {
        let operation = &told["paths"][route.path][route.method.as_str().to_lowercase()];
        let id = operation["operationId"].as_str().unwrap_or_else(|| panic!("{route:?} is not described"));
        assert!(ids.insert(id.to_owned()), "{id} is the name of two operations");
    }
    references(&told, &told);
    let text = format!("{}\n", serde_json::to_string_pretty(&told).unwrap());
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(FILE, &text).unwrap();
    }
    let kept = std::fs::read_to_string(FILE).unwrap_or_default();
    assert!(kept == text, "docs/openapi-open.json is stale: run `make openapi`");
    server.stop().await;
}

/// Everything that is referred to is there.
fn references(value: &Value, whole: &Value) {
    match value {
        Value::Object(map) => {
            if let Some(reference) = map.get("$ref") {
                let pointer = reference.as_str().unwrap().trim_start_matches('#');
                assert!(whole.pointer(pointer).is_some(), "{reference} leads nowhere");
            }
            map.values().for_each(|inner| references(inner, whole));
        }
        Value::Array(list) => list.iter().for_each(|inner| references(inner, whole)),
        _ => {}
    }
}
