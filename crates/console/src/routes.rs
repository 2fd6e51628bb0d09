//! Every page's address, and nothing else.

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware::{from_fn, map_response},
    routing::{get, post},
};
use platform::App;

use crate::{
    account, adding, agents, analytics, assets, audit_log, billing, collections, crawl, crawls, csrf,
    document, documents, invitation, keys, links, login, overview, page, people, search, sign_up, tryout,
    two_factor, unanswered, webhooks, workspaces,
};

/// The surface's routes.
pub fn routes() -> Router<App> {
    // Each file's own limit is checked as it streams; see `adding::upload`.
    let upload_body = DefaultBodyLimit::disable();
    let text_body = DefaultBodyLimit::max(adding::MAX_TEXT_BODY);
    let pages = Router::new()
        .route("/", get(workspaces::home))
        .route("/login", get(login::page).post(login::log_in))
        .route("/logout", post(login::log_out))
        .route("/signup", get(sign_up::page).post(sign_up::sign_up))
        .route("/signup/code", get(sign_up::code_page).post(sign_up::verify))
        .route("/signup/code/again", post(sign_up::resend))
        .route("/forgot", get(links::forgot_page).post(links::forgot))
        .route("/reset", get(links::reset_page).post(links::reset))
        .route("/verify", get(links::verify_page).post(links::verify))
        .route("/invitation", get(invitation::page).post(invitation::accept))
        .route("/account", get(account::page))
        .route("/account/name", post(account::rename))
        .route("/account/verify", post(account::ask_for_link))
        .route("/account/password", post(account::change_password))
        .route("/account/sessions/end", post(account::end_others))
        .route("/account/sessions/{session_id}/end", post(account::end_session))
        .route("/account/two-factor", post(two_factor::begin))
        .route("/account/two-factor/confirm", post(two_factor::confirm))
        .route("/account/two-factor/end", post(two_factor::end))
        .route("/new", get(workspaces::form).post(workspaces::create))
        .route("/assets/console.css", get(assets::style))
        .route("/assets/console.js", get(assets::script))
        .route("/assets/icon.svg", get(assets::icon))
        .route("/{workspace_id}", get(overview::page))
        .route("/{workspace_id}/agents", post(agents::create))
        .route("/{workspace_id}/agents/{agent_id}", get(agents::page).post(agents::save))
        .route("/{workspace_id}/agents/{agent_id}/publish", post(agents::publish))
        .route("/{workspace_id}/agents/{agent_id}/try", post(tryout::ask))
        .route("/{workspace_id}/documents", get(documents::page).post(adding::upload).layer(upload_body))
        .route("/{workspace_id}/documents/table", get(documents::table))
        .route("/{workspace_id}/documents/text", post(adding::paste_text).layer(text_body))
        .route("/{workspace_id}/documents/qa", post(adding::paste_answer))
        .route("/{workspace_id}/documents/{document_id}", get(document::page).post(document::edit))
        .route("/{workspace_id}/documents/{document_id}/delete", post(document::delete))
        .route("/{workspace_id}/documents/{document_id}/reprocess", post(document::reprocess))
        .route("/{workspace_id}/documents/{document_id}/restore", post(document::restore))
        .route("/{workspace_id}/collections", get(collections::page).post(collections::create))
        .route("/{workspace_id}/collections/{collection_id}", post(collections::edit))
        .route("/{workspace_id}/collections/{collection_id}/delete", post(collections::delete))
        .route("/{workspace_id}/crawls", get(crawls::page).post(crawls::start))
        .route("/{workspace_id}/crawls/{crawl_id}", get(crawl::page).post(crawl::change))
        .route("/{workspace_id}/crawls/{crawl_id}/run", post(crawl::run))
        .route("/{workspace_id}/crawls/{crawl_id}/cancel", post(crawl::cancel))
        .route("/{workspace_id}/crawls/{crawl_id}/delete", post(crawl::delete))
        .route("/{workspace_id}/analytics", get(analytics::page))
        .route("/{workspace_id}/unanswered", get(unanswered::page))
        .route("/{workspace_id}/unanswered/{question_id}", get(unanswered::question).post(unanswered::answer))
        .route("/{workspace_id}/unanswered/{question_id}/resolve", post(unanswered::resolve))
        .route("/{workspace_id}/unanswered/{question_id}/reopen", post(unanswered::reopen))
        .route("/{workspace_id}/unanswered/{question_id}/notify", post(unanswered::notify))
        .route("/{workspace_id}/webhooks", get(webhooks::page).post(webhooks::create))
        .route("/{workspace_id}/webhooks/{webhook_id}", get(webhooks::one).post(webhooks::change))
        .route("/{workspace_id}/webhooks/{webhook_id}/test", post(webhooks::test))
        .route("/{workspace_id}/webhooks/{webhook_id}/rotate", post(webhooks::rotate))
        .route("/{workspace_id}/webhooks/{webhook_id}/delete", post(webhooks::delete))
        .route(
            "/{workspace_id}/webhooks/{webhook_id}/deliveries/{delivery_id}/replay",
            post(webhooks::replay),
        )
        .route("/{workspace_id}/search", get(search::page))
        .route("/{workspace_id}/keys", get(keys::page).post(keys::create))
        .route("/{workspace_id}/keys/{key_id}/revoke", post(keys::revoke))
        .route("/{workspace_id}/people", get(people::page))
        .route("/{workspace_id}/people/{user_id}", post(people::change_role))
        .route("/{workspace_id}/people/{user_id}/remove", post(people::remove))
        .route("/{workspace_id}/invitations", post(people::invite))
        .route("/{workspace_id}/invitations/{invitation_id}/withdraw", post(people::withdraw))
        .route("/{workspace_id}/audit", get(audit_log::page))
        .route("/{workspace_id}/billing", get(billing::page))
        .route("/{workspace_id}/billing/credits", post(billing::top_up))
        .route("/{workspace_id}/billing/plan", post(billing::change_plan))
        .route("/{workspace_id}/billing/details", post(billing::set_details))
        .route("/{workspace_id}/billing/methods", post(billing::set_up_method))
        .route("/{workspace_id}/billing/methods/{method_id}/default", post(billing::make_default))
        .route("/{workspace_id}/billing/methods/{method_id}/remove", post(billing::remove_method))
        .route("/{workspace_id}/billing/invoices/{invoice_id}", get(billing::invoice))
        .fallback(page::not_found)
        .method_not_allowed_fallback(page::not_found)
        .layer(from_fn(csrf::same_site))
        .layer(map_response(page::protect));
    Router::new().nest("/console", pages)
}
