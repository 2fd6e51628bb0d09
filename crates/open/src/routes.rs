//! Every route of this surface and who may call it, and nothing else.

use axum::extract::DefaultBodyLimit;
use platform::{
    App,
    workspaces::keys::{
        Action::{Create, Delete, Read, Update},
        Resource::{Contacts, DocumentExtraction, Forms},
    },
};
use web::{
    Access::{Open, Public},
    Routes,
};

use crate::{contacts, description, extraction, files, forms, health};

/// The surface's routes.
pub fn routes(app: &App) -> Routes {
    calls(app).merge(uploads(app))
}

/// Uploads have a limit of their own, which is checked as they stream; this one bounds the form around the file.
fn uploads(app: &App) -> Routes {
    let file = usize::try_from(app.config.max_upload_bytes).unwrap_or(usize::MAX);
    let form = DefaultBodyLimit::max(file.saturating_add(1024 * 1024));
    Routes::new(app)
        .post(
            "/v1/open/contacts/{reference}/chatbots/{agent_id}/files",
            Open(Contacts, Create),
            files::upload_by_reference,
        )
        .post(
            "/v1/open/contacts/mantisid/{contact_id}/chatbots/{agent_id}/files",
            Open(Contacts, Create),
            files::upload_by_id,
        )
        .post(
            "/v1/open/document-extraction/chatbots/{agent_id}",
            Open(DocumentExtraction, Create),
            extraction::create_extraction,
        )
        .with(|router| router.layer(form))
}

#[rustfmt::skip] // one line a route
fn calls(app: &App) -> Routes {
    Routes::new(app)
        .get("/v1/open/health", Public, health::health)
        .get("/v1/open/openapi.json", Public, description::get_description)
        .get("/v1/open/contacts/schema/chatbots/{agent_id}", Open(Contacts, Read), contacts::get_contact_schema)
        .get("/v1/open/contacts/chatbots/{agent_id}", Open(Contacts, Read), contacts::list_contacts)
        .post("/v1/open/contacts/chatbots/{agent_id}", Open(Contacts, Create), contacts::create_contact)
        .get("/v1/open/contacts/{reference}/chatbots/{agent_id}", Open(Contacts, Read), contacts::get_by_reference)
        .put("/v1/open/contacts/{reference}/chatbots/{agent_id}", Open(Contacts, Update), contacts::update_by_reference)
        .patch("/v1/open/contacts/{reference}/chatbots/{agent_id}/archive", Open(Contacts, Delete), contacts::archive_by_reference)
        .get("/v1/open/contacts/mantisid/{contact_id}/chatbots/{agent_id}", Open(Contacts, Read), contacts::get_by_id)
        .put("/v1/open/contacts/mantisid/{contact_id}/chatbots/{agent_id}", Open(Contacts, Update), contacts::update_by_id)
        .patch("/v1/open/contacts/mantisid/{contact_id}/chatbots/{agent_id}/archive", Open(Contacts, Delete), contacts::archive_by_id)
        .get("/v1/open/contacts/{reference}/chatbots/{agent_id}/files", Open(Contacts, Read), files::list_by_reference)
        .get("/v1/open/contacts/mantisid/{contact_id}/chatbots/{agent_id}/files", Open(Contacts, Read), files::list_by_id)
        .get("/v1/open/contacts/{reference}/chatbots/{agent_id}/files/{file_id}", Open(Contacts, Read), files::read_by_reference)
        .get("/v1/open/contacts/mantisid/{contact_id}/chatbots/{agent_id}/files/{file_id}", Open(Contacts, Read), files::read_by_id)
        .delete("/v1/open/contacts/{reference}/chatbots/{agent_id}/files/{file_id}", Open(Contacts, Delete), files::delete_by_reference)
        .delete("/v1/open/contacts/mantisid/{contact_id}/chatbots/{agent_id}/files/{file_id}", Open(Contacts, Delete), files::delete_by_id)
        .get("/v1/open/forms/chatbots/{agent_id}", Open(Forms, Read), forms::list_forms)
        .get("/v1/open/forms/{form_id}/chatbots/{agent_id}/schema", Open(Forms, Read), forms::get_form_schema)
        .post("/v1/open/forms/{form_id}/chatbots/{agent_id}/submissions", Open(Forms, Create), forms::submit_form)
        .get("/v1/open/document-extraction/chatbots/{agent_id}", Open(DocumentExtraction, Read), extraction::list_extractions)
        .get("/v1/open/document-extraction/{extraction_id}/chatbots/{agent_id}", Open(DocumentExtraction, Read), extraction::get_extraction)
}
