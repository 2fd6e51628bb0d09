//! The operations: what each takes and gives.

use http::Method;
use serde_json::{Value, json};

use super::shapes::{by_name, envelope, listed, page_parameters, parameter};

/// What a route does, for people and programs.
pub(super) struct Operation {
    pub method: Method,
    pub path: String,
    pub id: &'static str,
    pub summary: &'static str,
    /// What the summary cannot say.
    pub more: Option<&'static str>,
    /// Beside those of the path.
    pub parameters: Vec<Value>,
    /// By media type.
    pub body: Option<Value>,
    /// The status of success, and its response.
    pub answer: (u16, Value),
    /// Statuses of refusal, beside those of whoever may not call.
    pub refusals: Vec<u16>,
}

impl Operation {
    fn new(method: Method, path: impl Into<String>, id: &'static str, summary: &'static str) -> Self {
        Self {
            method,
            path: path.into(),
            id,
            summary,
            more: None,
            parameters: Vec::new(),
            body: None,
            answer: (200, Value::Null),
            refusals: Vec::new(),
        }
    }

    fn gives(self, status: u16, schema: Value) -> Self {
        let content = json!({ "application/json": { "schema": schema } });
        Self { answer: (status, json!({ "description": "It is done.", "content": content })), ..self }
    }

    fn telling(self, more: &'static str) -> Self {
        Self { more: Some(more), ..self }
    }

    fn takes(self, body: Value) -> Self {
        Self { body: Some(body), ..self.refuses(&[400, 413, 415]) }
    }

    fn paged(mut self) -> Self {
        self.parameters.extend(page_parameters());
        self.refuses(&[400])
    }

    fn with(mut self, parameters: impl IntoIterator<Item = Value>) -> Self {
        self.parameters.extend(parameters);
        self
    }

    fn once(self) -> Self {
        let name =
            json!({ "type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]([ -~]*[!-~])?$" });
        let what = "The client's own name for this request. Sent again within a day, the request makes nothing new and gets what it made.";
        let mut header = parameter("Idempotency-Key", what, name);
        header["in"] = json!("header");
        self.with([header]).refuses(&[409])
    }

    fn refuses(mut self, statuses: &[u16]) -> Self {
        self.refusals.extend(statuses);
        self.refusals.sort_unstable();
        self.refusals.dedup();
        self
    }
}

fn get(path: impl Into<String>, id: &'static str, summary: &'static str) -> Operation {
    Operation::new(Method::GET, path, id, summary)
}

fn post(path: impl Into<String>, id: &'static str, summary: &'static str) -> Operation {
    Operation::new(Method::POST, path, id, summary)
}

/// All of them.
pub(super) fn operations() -> Vec<Operation> {
    let mut all: Vec<Operation> = about().into_iter().chain(contacts()).collect();
    for (base, one) in [
        ("/v1/open/contacts/{reference}/chatbots/{agent_id}", Ids::BY_REFERENCE),
        ("/v1/open/contacts/mantisid/{contact_id}/chatbots/{agent_id}", Ids::BY_ID),
    ] {
        all.extend(contact(base, one));
    }
    all.extend(forms());
    all.extend(extractions());
    all
}

fn about() -> [Operation; 2] {
    let health = json!({
        "type": "object",
        "required": ["success", "message", "version"],
        "properties": { "success": { "const": true }, "message": { "type": "string" }, "version": { "type": "string" } },
    });
    [
        get("/v1/open/health", "health", "Whether this API can be reached").gives(200, health),
        get("/v1/open/openapi.json", "get_description", "This description")
            .gives(200, json!({ "type": "object" })),
    ]
}

fn json_body(name: &str) -> Value {
    json!({ "application/json": { "schema": by_name(name) } })
}

fn contacts() -> [Operation; 3] {
    const ALL: &str = "/v1/open/contacts/chatbots/{agent_id}";
    let text = |name, what| {
        parameter(name, what, json!({ "type": "string", "pattern": "^\\S+$", "maxLength": 200 }))
    };
    let choice = |name, what, of: &[&str]| parameter(name, what, json!({ "type": "string", "enum": of }));
    let moment = |name, what| {
        let day = json!({ "type": "string", "format": "date" });
        parameter(name, what, json!({ "anyOf": [day, { "type": "string", "format": "date-time" }] }))
    };
    let orders = [
        "createdAt",
        "-createdAt",
        "updatedAt",
        "-updatedAt",
        "primaryEmail",
        "-primaryEmail",
        "lastName",
        "-lastName",
    ];
    let filters = [
        text("search", "Beginnings of words of names, addresses, references and numbers; all must be met."),
        choice(
            "status",
            "Exactly this status; without it archived contacts are left out.",
            &["ACTIVE", "INACTIVE", "ARCHIVED"],
        ),
        text("stage", "At this stage."),
        choice("source", "From this source.", &platform::contacts::SOURCES),
        text("ownerId", "Looked after by this member."),
        moment("createdFrom", "Known since this day or moment."),
        moment("createdTo", "Known before this day or moment."),
        choice("sort", "In what order; the latest known first unless said otherwise.", &orders),
    ];
    [
        get("/v1/open/contacts/schema/chatbots/{agent_id}", "get_contact_schema", "The fields of this agent's contacts")
            .gives(200, envelope(by_name("ContactSchema"))),
        get(ALL, "list_contacts", "List contacts")
            .telling("Contacts with a value in one of the agent's own fields are listed by `customFields.<name>=<value>`. A parameter that is empty is passed over.")
            .paged()
            .with(filters)
            .gives(200, listed(by_name("Contact"))),
        post(ALL, "create_contact", "Make a contact")
            .takes(json_body("NewContact"))
            .once()
            .gives(201, envelope(by_name("Contact"))),
    ]
}

/// The operations' names, by what a contact is looked up.
struct Ids([&'static str; 7]);

impl Ids {
    const BY_REFERENCE: Self = Self([
        "get_contact",
        "update_contact",
        "archive_contact",
        "upload_file",
        "list_files",
        "read_file",
        "delete_file",
    ]);
    const BY_ID: Self = Self([
        "get_contact_by_id",
        "update_contact_by_id",
        "archive_contact_by_id",
        "upload_file_by_id",
        "list_files_by_id",
        "read_file_by_id",
        "delete_file_by_id",
    ]);
}

fn contact(
    base: &'static str,
    Ids([read, update, archive, upload, list, bytes, delete]): Ids,
) -> [Operation; 7] {
    let below = |more: &str| format!("{base}{more}");
    let file = json!({ "multipart/form-data": {
        "schema": {
            "type": "object",
            "required": ["file"],
            "properties": { "file": { "type": "string", "format": "binary", "minLength": 1 } },
            // Names of a form's parts stand in headers.
            "propertyNames": { "pattern": "^[^\\u0000-\\u001f\\u007f]*$" },
        },
    }});
    let attachment = json!({
        "description": "The file's bytes, always as an attachment.",
        "headers": { "Content-Disposition": { "schema": { "type": "string" } } },
        "content": { "*/*": { "schema": { "type": "string", "format": "binary" } } },
    });
    [
        get(base, read, "Get a contact").gives(200, envelope(by_name("Contact"))),
        Operation::new(Method::PUT, base, update, "Change the fields of a contact that are named")
            .takes(json_body("ContactChange"))
            .refuses(&[409])
            .gives(200, envelope(by_name("Contact"))),
        Operation::new(Method::PATCH, below("/archive"), archive, "Put a contact away")
            .gives(200, envelope(by_name("Contact"))),
        post(below("/files"), upload, "Add a file to a contact")
            .takes(file)
            .refuses(&[422])
            .gives(201, envelope(by_name("File"))),
        get(below("/files"), list, "List a contact's files").paged().gives(200, listed(by_name("File"))),
        Operation { answer: (200, attachment), ..get(below("/files/{file_id}"), bytes, "Read a file") },
        Operation::new(Method::DELETE, below("/files/{file_id}"), delete, "Delete a file")
            .gives(200, envelope(json!({ "type": "object", "required": ["fileId"], "properties": { "fileId": { "type": "string" } } }))),
    ]
}

fn forms() -> [Operation; 3] {
    [
        get("/v1/open/forms/chatbots/{agent_id}", "list_forms", "List forms")
            .paged()
            .gives(200, listed(by_name("Form"))),
        get("/v1/open/forms/{form_id}/chatbots/{agent_id}/schema", "get_form_schema", "The fields of a form")
            .gives(200, envelope(by_name("FormSchema"))),
        post("/v1/open/forms/{form_id}/chatbots/{agent_id}/submissions", "submit_form", "Send a form")
            .takes(json_body("NewSubmission"))
            .once()
            .gives(201, envelope(by_name("Submission"))),
    ]
}

fn extractions() -> [Operation; 3] {
    const ALL: &str = "/v1/open/document-extraction/chatbots/{agent_id}";
    let form = json!({ "multipart/form-data": {
        "schema": by_name("NewExtraction"),
        "encoding": { "schema": { "contentType": "application/json" }, "contact": { "contentType": "application/json" } },
    }});
    [
        get(ALL, "list_extractions", "List extractions, latest first")
            .paged()
            .gives(200, listed(by_name("Extraction"))),
        post(ALL, "create_extraction", "Have the fields of a document found")
            .takes(form)
            .refuses(&[422])
            .gives(202, envelope(by_name("Extraction"))),
        get(
            "/v1/open/document-extraction/{extraction_id}/chatbots/{agent_id}",
            "get_extraction",
            "Get an extraction with what was found",
        )
        .gives(200, envelope(by_name("ExtractionDetail"))),
    ]
}
