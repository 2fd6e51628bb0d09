//! What goes in and comes out, as JSON Schemas. Those of bodies are made of the fields that bodies are checked by.

use platform::{
    contacts::{READ_ONLY, SOURCES, STATUSES, Settings},
    extraction::THRESHOLD,
    fields::{Field, FieldType},
};
use serde_json::{Map, Value, json};

/// Crockford's base 32 in lower case, as ids have it.
const ID: &str = "[0-9a-hjkmnp-tv-z]{24}";
/// Text that holds no control characters.
const LINE: &str = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$";

/// A schema by its name.
pub(super) fn by_name(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn object(properties: Value, optional: &[&str]) -> Value {
    let names = properties.as_object().into_iter().flat_map(Map::keys);
    let required: Vec<&String> = names.filter(|name| !optional.contains(&name.as_str())).collect();
    json!({ "type": "object", "required": required, "properties": properties })
}

/// An answer that holds something.
pub(super) fn envelope(data: Value) -> Value {
    object(json!({ "success": { "const": true }, "message": { "type": "string" }, "data": data }), &[])
}

/// An answer that holds a part of a list.
pub(super) fn listed(row: Value) -> Value {
    object(
        json!({
            "success": { "const": true },
            "message": { "type": "string" },
            "data": { "type": "array", "items": row },
            "pagination": by_name("Pagination"),
        }),
        &[],
    )
}

/// A parameter of the query.
pub(super) fn parameter(name: &str, what: &str, schema: Value) -> Value {
    json!({ "name": name, "in": "query", "required": false, "description": what, "schema": schema })
}

/// Which part of a list.
pub(super) fn page_parameters() -> [Value; 2] {
    let number = |least: u32, most: u32, usual: u32| json!({ "type": "integer", "minimum": least, "maximum": most, "default": usual });
    [
        parameter("page", "Which page, from 1 on.", number(1, 1_000_000, 1)),
        parameter("limit", "Rows of a page.", number(1, 100, 20)),
    ]
}

/// A parameter of the path.
pub(super) fn path_parameter(name: &str) -> Value {
    let id = |prefix: &str| json!({ "type": "string", "pattern": format!("^{prefix}{ID}$") });
    let (what, schema) = match name {
        "agent_id" => ("The agent, which is the key's own.", id("agent_")),
        "contact_id" => ("The contact's `contactId`.", id("")),
        "form_id" => ("The form.", id("form_")),
        "file_id" => ("The file.", id("file_")),
        "extraction_id" => ("The extraction.", id("extr_")),
        _ => (
            "The contact's `externalReferenceId`.",
            json!({ "type": "string", "minLength": 1, "maxLength": 255 }),
        ),
    };
    json!({ "name": name, "in": "path", "required": true, "description": what, "schema": schema })
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn maybe_text() -> Value {
    json!({ "type": ["string", "null"] })
}

fn moment() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

fn count() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

/// All of them by their names.
pub(super) fn schemas() -> Map<String, Value> {
    let all = [
        ("Refusal", refusal()),
        ("Pagination", pagination()),
        ("Field", field()),
        ("ContactSchema", contact_schema()),
        ("Contact", contact()),
        ("NewContact", contact_body(true)),
        ("ContactChange", contact_body(false)),
        ("File", file()),
        ("Form", form()),
        ("FormSchema", form_schema()),
        (
            "NewSubmission",
            json!({
                "type": "object",
                "description": "Values by the names of the form's fields, which its schema tells.",
                "additionalProperties": true,
            }),
        ),
        ("Submission", submission()),
        ("NewExtraction", new_extraction()),
        ("Extraction", extraction()),
        ("ExtractionDetail", extraction_detail()),
    ];
    all.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

fn refusal() -> Value {
    let violation = object(json!({ "field": text(), "message": text(), "value": true, "type": text() }), &[]);
    object(
        json!({
            "success": { "const": false },
            "message": text(),
            "code": text(),
            "validationErrors": { "type": "array", "items": violation },
        }),
        &[],
    )
}

fn pagination() -> Value {
    object(
        json!({
            "currentPage": { "type": "integer", "minimum": 1 },
            "totalPages": count(),
            "totalItems": count(),
            "itemsPerPage": { "type": "integer", "minimum": 1, "maximum": 100 },
            "hasNextPage": { "type": "boolean" },
            "hasPreviousPage": { "type": "boolean" },
            "isTotalExact": {
                "type": "boolean",
                "description": "Of contacts: false when there are at least `totalItems`, and counting them all would take long. `hasNextPage` is right all the same.",
            },
        }),
        &["isTotalExact"],
    )
}

fn field() -> Value {
    let kinds = ["text", "textarea", "email", "phone", "number", "date", "select", "checkbox"];
    object(
        json!({
            "name": text(),
            "label": text(),
            "type": { "enum": kinds },
            "required": { "type": "boolean" },
            "options": { "type": "array", "items": text() },
            "maxLength": count(),
            "minLength": count(),
            "min": { "type": "number" },
            "max": { "type": "number" },
            "pattern": text(),
            "mapsTo": text(),
        }),
        &["options", "maxLength", "minLength", "min", "max", "pattern", "mapsTo"],
    )
}

fn contact_schema() -> Value {
    let fields = json!({ "type": "array", "items": by_name("Field") });
    let texts = json!({ "type": "array", "items": text() });
    object(
        json!({ "fields": fields, "customFields": fields, "stages": texts, "statuses": texts, "sources": texts }),
        &[],
    )
}

fn contact() -> Value {
    let statuses: Vec<&str> = STATUSES.into_iter().chain(["ARCHIVED"]).collect();
    object(
        json!({
            "contactId": { "type": "string", "pattern": format!("^{ID}$") },
            "externalReferenceId": maybe_text(),
            "primaryEmail": text(),
            "firstName": maybe_text(),
            "lastName": maybe_text(),
            "mobileNumber": { "type": ["string", "null"], "pattern": "^\\+[0-9]{7,15}$" },
            "gender": maybe_text(),
            "stage": maybe_text(),
            "status": { "enum": statuses },
            "source": { "enum": SOURCES },
            "ownerId": maybe_text(),
            "customFields": { "type": "object" },
            "createdAt": moment(),
            "updatedAt": moment(),
            "archivedAt": { "type": ["string", "null"], "format": "date-time" },
        }),
        &[],
    )
}

/// What a contact may be sent as, made of the fields that it is checked by. An agent's own stages and fields are not
/// known here: the call of the contact schema tells them.
fn contact_body(whole: bool) -> Value {
    let mut properties: Map<String, Value> =
        Settings::default().base().iter().map(|field| (field.name.clone(), value_of(field))).collect();
    properties["stage"] = json!({ "type": ["string", "null"], "description": "One of the agent's stages, which its schema tells.", "pattern": LINE });
    let own = "Values by the names of the agent's own fields, which its schema tells; null clears one.";
    properties.insert(
        "customFields".into(),
        json!({ "type": ["object", "null"], "description": own, "additionalProperties": true }),
    );
    for name in READ_ONLY {
        properties.insert(
            name.into(),
            json!({ "readOnly": true, "description": "Is passed over: what was read may be sent back." }),
        );
    }
    let required: &[&str] = if whole { &["primaryEmail"] } else { &[] };
    json!({ "type": "object", "required": required, "properties": properties, "additionalProperties": false })
}

/// The values that a field takes.
fn value_of(field: &Field) -> Value {
    let kind = if field.required { json!("string") } else { json!(["string", "null"]) };
    let mut schema = json!({ "type": kind, "description": field.title() });
    match field.kind {
        FieldType::Email => schema["format"] = json!("email"),
        FieldType::Phone => {
            schema["format"] = json!("phone");
            schema["description"] =
                json!("A telephone number with its country; it is kept in the form of E.164.");
        }
        FieldType::Select => {
            let clears = (!field.required).then(|| [json!(""), Value::Null]);
            schema["enum"] = field
                .options
                .iter()
                .map(|option| json!(option))
                .chain(clears.into_iter().flatten())
                .collect();
        }
        _ => {
            schema["maxLength"] = json!(field.longest());
            schema["pattern"] = json!(LINE);
        }
    }
    schema
}

fn file() -> Value {
    object(
        json!({
            "fileId": text(),
            "contactId": text(),
            "fileName": text(),
            "fileType": text(),
            "fileSize": count(),
            "createdAt": moment(),
        }),
        &[],
    )
}

fn form() -> Value {
    object(
        json!({ "formId": text(), "name": text(), "description": maybe_text(), "createdAt": moment(), "updatedAt": moment() }),
        &[],
    )
}

fn form_schema() -> Value {
    object(
        json!({
            "formId": text(),
            "name": text(),
            "description": maybe_text(),
            "fields": { "type": "array", "items": by_name("Field") },
            "submitText": maybe_text(),
            "thankYou": maybe_text(),
        }),
        &[],
    )
}

fn submission() -> Value {
    object(
        json!({ "submissionId": text(), "formId": text(), "contactId": maybe_text(), "answers": { "type": "object" } }),
        &[],
    )
}

fn new_extraction() -> Value {
    let wanted = json!({
        "type": "object",
        "description": "A JSON Schema: the fields that are wanted are its properties.",
        "required": ["properties"],
        "properties": {
            "type": { "const": "object" },
            "required": { "type": "array", "items": text() },
            "properties": { "type": "object", "minProperties": 1, "additionalProperties": { "type": "object", "description": "A JSON Schema of the field." } },
        },
    });
    let contact = json!({
        "type": "object",
        "description": "A contact that gets what is found, once it is sure: at once, or when a person has looked at it. Without an id or a reference it is the one with the address that the document tells, or a new one.",
        "required": ["fields"],
        "properties": {
            "contactId": text(),
            "externalReferenceId": text(),
            "fields": { "type": "object", "minProperties": 1, "additionalProperties": text(), "description": "By fields of the contact (`primaryEmail`, `customFields.plan`) the paths of the values that they get." },
        },
        "additionalProperties": false,
    });
    let mut form = object(
        json!({
            "file": { "type": "string", "format": "binary", "description": "PDF, DOCX, TXT, HTML, EML, or a picture where Tesseract is installed." },
            "schema": wanted,
            "threshold": { "type": "number", "minimum": 0, "maximum": 1, "default": THRESHOLD, "description": "Fields that are less sure wait for a person." },
            "contact": contact,
        }),
        &["threshold", "contact"],
    );
    // Names of a form's parts stand in headers.
    form["propertyNames"] = json!({ "pattern": "^[A-Za-z0-9_]+$" });
    form
}

fn extraction_properties() -> Map<String, Value> {
    let error =
        json!({ "anyOf": [{ "type": "null" }, object(json!({ "code": text(), "message": text() }), &[])] });
    let properties = json!({
        "extractionId": text(),
        "status": { "enum": ["QUEUED", "PROCESSING", "COMPLETED", "FAILED"] },
        "fileName": text(),
        "fileType": text(),
        "fileSize": count(),
        "error": error,
        "needsReview": { "type": "boolean" },
        "createdAt": moment(),
        "updatedAt": moment(),
    });
    properties.as_object().cloned().unwrap_or_default()
}

fn extraction() -> Value {
    object(extraction_properties().into(), &[])
}

fn extraction_detail() -> Value {
    let detail = object(
        json!({
            "confidence": { "type": "number", "minimum": 0, "maximum": 1 },
            "page": { "type": ["integer", "null"] },
            "evidence": maybe_text(),
            "problems": { "type": "array", "items": text() },
            "corrected": { "type": "boolean" },
        }),
        &[],
    );
    let contact = object(json!({ "contactId": maybe_text(), "problem": maybe_text() }), &[]);
    let mut properties = extraction_properties();
    let more = json!({
        "fields": { "type": ["object", "null"], "description": "The values by the schema's names, as people have corrected them." },
        "details": { "type": ["object", "null"], "additionalProperties": detail, "description": "By paths such as `total` or `items[0].price`." },
        "missing": { "type": ["array", "null"], "items": text() },
        "threshold": { "type": "number" },
        "warnings": { "type": "array", "items": text() },
        "contact": { "anyOf": [{ "type": "null" }, contact], "description": "Who got the values, or why nobody did; null when nobody is to." },
    });
    properties.extend(more.as_object().cloned().unwrap_or_default());
    object(properties.into(), &[])
}
