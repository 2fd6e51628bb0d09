//! What this surface says of itself: a description by OpenAPI 3.1 (<https://spec.openapis.org/oas/v3.1.1>). Paths, and who
//! may call them, are those of the route table; the fields of bodies are those that bodies are checked by. So it cannot
//! say anything else than the server does, which a description derived from types of its own could.

mod operations;
mod shapes;

use std::sync::OnceLock;

use axum::response::IntoResponse;
use http::header::CONTENT_TYPE;
use platform::App;
use serde_json::{Map, Value, json};
use web::{Access, Route};

use operations::{Operation, operations};

/// `GET /v1/open/openapi.json`: the description, for everybody.
pub async fn get_description(axum::extract::State(app): axum::extract::State<App>) -> impl IntoResponse {
    static TEXT: OnceLock<String> = OnceLock::new();
    let text = TEXT.get_or_init(|| description(&crate::routes(&app).into_parts().1).to_string());
    ([(CONTENT_TYPE, "application/json")], text.as_str())
}

/// The description of those routes of a table that are this surface's.
pub fn description(routes: &[Route]) -> Value {
    let mut paths: Map<String, Value> = Map::new();
    let operations = operations();
    for route in routes.iter().filter(|route| route.path.starts_with(crate::PREFIX)) {
        let told = operations.iter().find(|told| (&told.method, &*told.path) == (&route.method, route.path));
        let Some(told) = told else { continue };
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method.as_str().to_lowercase()] = operation(told, route.access);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Frontdesk Open API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What programs do with one agent's contacts and their files, forms and documents. Every answer has `success`; a refusal says by its `code` and by `validationErrors` all that is wrong at once.",
        },
        "servers": [{ "url": "/" }],
        "tags": TAGS.map(|(name, what)| json!({ "name": name, "description": what })),
        "paths": paths,
        "components": {
            "securitySchemes": {
                "key": { "type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The key, `ok_live_…`." },
                "secret": { "type": "apiKey", "in": "header", "name": "X-API-Secret", "description": "Its secret, `os_live_…`." },
            },
            "schemas": shapes::schemas(),
            "responses": refusals(),
        },
    })
}

const TAGS: [(&str, &str); 4] = [
    ("contacts", "The people that an agent knows, and their files."),
    ("forms", "What an agent's business asks people for; what they send becomes a contact."),
    ("document-extraction", "Fields out of documents, as a JSON Schema asks for them."),
    ("about", "This API itself."),
];

fn operation(told: &Operation, access: Access) -> Value {
    let mut refusals = told.refusals.clone();
    let mut view = json!({
        "operationId": told.id,
        "summary": told.summary,
        "tags": ["about"],
        "parameters": parameters(told),
    });
    if let Some(more) = told.more {
        view["description"] = json!(more);
    }
    if let Access::Open(resource, action) = access {
        refusals.extend([401, 403, 404, 429]);
        view["security"] = json!([{ "key": [], "secret": [] }]);
        view["tags"] = json!([resource]);
        view["x-permission"] = json!({ "resource": resource, "action": action });
    }
    if let Some(body) = &told.body {
        view["requestBody"] = json!({ "required": true, "content": body });
    }
    refusals.push(500);
    refusals.sort_unstable();
    let mut responses: Map<String, Value> =
        refusals.iter().map(|status| (status.to_string(), refusal(*status))).collect();
    let (status, answer) = &told.answer;
    responses.insert(status.to_string(), answer.clone());
    view["responses"] = responses.into();
    view
}

/// Those of the path, then those that the operation tells of.
fn parameters(told: &Operation) -> Vec<Value> {
    let in_path = told.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    in_path.map(shapes::path_parameter).chain(told.parameters.iter().cloned()).collect()
}

/// Refusals by their status: when they are given.
const REFUSALS: [(u16, &str, &str); 10] = [
    (400, "Invalid", "The request is malformed, or values in it are wrong: `INVALID_REQUEST`."),
    (
        401,
        "Unauthorized",
        "Key or secret are missing or wrong (`UNAUTHORIZED`), or the key has ended (`KEY_EXPIRED`).",
    ),
    (
        403,
        "Forbidden",
        "The key lacks the permission (`INSUFFICIENT_PERMISSIONS`), or the address is none of its own (`IP_NOT_ALLOWED`).",
    ),
    (404, "NotFound", "There is no such thing, or not for this key: `NOT_FOUND`."),
    (
        409,
        "Conflict",
        "It clashes with what is there (`CONFLICT`), or another request had this name (`IDEMPOTENCY_KEY_REUSED`).",
    ),
    (413, "TooLarge", "The body is larger than is allowed: `PAYLOAD_TOO_LARGE`."),
    (415, "UnsupportedMedia", "Body or file are of a type that is not read here: `UNSUPPORTED_MEDIA_TYPE`."),
    (422, "Unprocessable", "Well-formed, but it cannot be done: `UNPROCESSABLE`."),
    (
        429,
        "Limited",
        "The key has called too often: `RATE_LIMIT_EXCEEDED`. `Retry-After` says when to come again.",
    ),
    (500, "Internal", "A fault of the server: `INTERNAL`."),
];

fn refusal(status: u16) -> Value {
    let name = REFUSALS.iter().find(|(known, ..)| *known == status).map_or("Internal", |(_, name, _)| *name);
    json!({ "$ref": format!("#/components/responses/{name}") })
}

fn refusals() -> Map<String, Value> {
    let of = |(_, name, what): (u16, &str, &str)| {
        let content = json!({ "application/json": { "schema": { "$ref": "#/components/schemas/Refusal" } } });
        (name.to_owned(), json!({ "description": what, "content": content }))
    };
    REFUSALS.into_iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use http::Method;
    use platform::workspaces::keys::{Action, Resource};

    use super::*;

    #[test]
    fn a_route_is_told_with_the_permission_that_it_needs() {
        let path = "/v1/open/contacts/chatbots/{agent_id}";
        let route =
            Route { method: Method::POST, path, access: Access::Open(Resource::Contacts, Action::Create) };
        let told = description(&[route]);
        let create = &told["paths"][path]["post"];
        assert_eq!(create["x-permission"], json!({ "resource": "contacts", "action": "create" }));
        assert_eq!(create["parameters"][0]["name"], "agent_id");
        let statuses: Vec<&String> = create["responses"].as_object().unwrap().keys().collect();
        assert_eq!(statuses, ["201", "400", "401", "403", "404", "409", "413", "415", "429", "500"]);
    }
}
