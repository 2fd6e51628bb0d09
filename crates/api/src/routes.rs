//! Every route of this surface and who may call it, and nothing else.

use axum::{extract::DefaultBodyLimit, routing::get};
use metrics_exporter_prometheus::PrometheusHandle;
use platform::{
    App,
    Permission::{
        ChangeWorkspace, DeleteWorkspace, EditAgents, EditContacts, EditKnowledge, EditOutlets, EditWebhooks,
        ManageBilling, ManageKeys, ManageMembers, ViewAgents, ViewAnalytics, ViewAudit, ViewBilling,
        ViewContacts, ViewInvoices, ViewKeys, ViewKnowledge, ViewMembers, ViewWebhooks, ViewWorkspace,
    },
};
use web::{
    Access::{Person, Public, Workspace},
    Routes,
};

use crate::{
    account, account_keys, agents, analytics, analytics_export, api_keys, audit, auth, collections,
    companies, company_agents, contact_transfers, contacts, crawls, credits, documents, executions,
    extractions, forms, identity_secret, industries, invitations, invoices, knowledge, members, open_keys,
    payment_methods, providers, subscription, system, unanswered, usage, webhooks, workspaces,
};

/// The surface's routes.
pub fn routes(app: &App, metrics: PrometheusHandle) -> Routes {
    system(app, metrics)
        .merge(people(app))
        .merge(uploads(app))
        .merge(workspace(app))
        .merge(contacts_and_forms(app))
        .merge(webhooks(app))
        .merge(reports(app))
        .merge(billing(app))
}

fn system(app: &App, metrics: PrometheusHandle) -> Routes {
    Routes::new(app)
        .get("/livez", Public, system::livez)
        .get("/readyz", Public, system::readyz)
        .get("/api/v1/health", Public, system::health)
        .with(|router| router.route("/metrics", get(move || system::metrics(metrics.clone()))))
}

fn people(app: &App) -> Routes {
    Routes::new(app)
        .post("/api/v1/auth/signup", Public, auth::sign_up)
        .post("/api/v1/auth/resend-otp", Public, auth::resend_otp)
        .post("/api/v1/auth/verify-otp", Public, auth::verify_otp)
        .post("/api/v1/auth/register", Public, auth::register)
        .post("/api/v1/auth/login", Public, auth::log_in)
        .post("/api/v1/auth/refresh", Public, auth::refresh)
        .post("/api/v1/auth/logout", Public, auth::log_out)
        .post("/api/v1/auth/password/forgot", Public, auth::forgot_password)
        .post("/api/v1/auth/password/reset", Public, auth::reset_password)
        .post("/api/v1/auth/verify-email", Public, auth::verify_email)
        .post("/api/v1/auth/verify-email/resend", Public, auth::resend_verification)
        .get("/api/v1/auth/me", Person, auth::me)
        .get("/api/v1/account/profile", Person, account::get_profile)
        .patch("/api/v1/account/profile", Person, account::update_profile)
        .post("/api/v1/account/password", Person, account::change_password)
        .get("/api/v1/account/sessions", Person, account::list_sessions)
        .delete("/api/v1/account/sessions", Person, account::end_other_sessions)
        .delete("/api/v1/account/sessions/{session_id}", Person, account::end_session)
        .post("/api/v1/account/two-factor", Person, account::begin_two_factor)
        .post("/api/v1/account/two-factor/confirm", Person, account::confirm_two_factor)
        .delete("/api/v1/account/two-factor", Person, account::end_two_factor)
        .post("/api/v1/workspaces", Person, workspaces::create_workspace)
        .get("/api/v1/workspaces", Person, workspaces::list_workspaces)
        .get("/api/v1/invitations/lookup", Public, invitations::look_up_invitation)
        .post("/api/v1/invitations/accept", Person, invitations::accept_invitation)
        .get("/api/v1/utils/industries", Public, industries::list_industries)
}

/// Uploads have a limit of their own, which is checked as they stream and says more; this one bounds the form
/// around the file.
fn uploads(app: &App) -> Routes {
    let file = usize::try_from(app.config.max_upload_bytes).unwrap_or(usize::MAX);
    let form = DefaultBodyLimit::max(file.saturating_add(16 * 1024 * 1024));
    Routes::new(app)
        .post(
            "/api/v1/workspaces/{workspace_id}/documents",
            Workspace(EditKnowledge),
            documents::upload_document,
        )
        .post(
            "/api/v1/workspaces/{workspace_id}/agents/{agent_id}/contacts/imports",
            Workspace(EditContacts),
            contact_transfers::import_contacts,
        )
        .post(
            "/api/v1/workspaces/{workspace_id}/agents/{agent_id}/extractions",
            Workspace(EditAgents),
            extractions::create_extraction,
        )
        .with(|router| router.layer(form))
}

#[rustfmt::skip] // one line a route
fn workspace(app: &App) -> Routes {
    Routes::new(app)
        .get("/api/v1/account/api-keys", Workspace(ViewKeys), account_keys::list_account_api_keys)
        .post("/api/v1/account/api-keys", Workspace(ManageKeys), account_keys::create_account_api_key)
        .delete("/api/v1/account/api-keys/{key_id}", Workspace(ManageKeys), account_keys::revoke_account_api_key)
        .get("/api/v1/workspaces/{workspace_id}", Workspace(ViewWorkspace), workspaces::get_workspace)
        .patch("/api/v1/workspaces/{workspace_id}", Workspace(ChangeWorkspace), workspaces::update_workspace)
        .delete("/api/v1/workspaces/{workspace_id}", Workspace(DeleteWorkspace), workspaces::delete_workspace)
        .get("/api/v1/agents", Workspace(ViewAgents), company_agents::list_company_agents)
        .post("/api/v1/agents", Workspace(EditAgents), company_agents::create_company_agent)
        .get("/api/v1/agents/{agent_id}", Workspace(ViewAgents), company_agents::get_company_agent)
        .put("/api/v1/agents/{agent_id}", Workspace(EditAgents), company_agents::update_company_agent)
        .delete("/api/v1/agents/{agent_id}", Workspace(EditAgents), company_agents::delete_company_agent)
        .get("/api/v1/agents/{agent_id}/preview", Workspace(ViewAgents), company_agents::preview_company_agent)
        .post("/api/v1/agents/{agent_id}/preview/test", Workspace(EditAgents), executions::test_preview)
        .post("/api/v1/agents/{agent_id}/execute", Workspace(EditAgents), executions::execute_agent)
        .post("/api/v1/agents/{agent_id}/chat", Workspace(EditAgents), executions::chat_with_agent)
        .get("/api/v1/agents/{agent_id}/executions", Workspace(ViewAgents), executions::list_executions)
        .get("/api/v1/agents/{agent_id}/executions/{execution_id}", Workspace(ViewAgents), executions::get_execution)
        .post("/api/v1/agents/{agent_id}/executions/{execution_id}/replay", Workspace(EditAgents), executions::replay_execution)
        .get("/api/v1/companies/{company_id}", Workspace(ViewWorkspace), companies::get_company)
        .get("/api/v1/companies/{company_id}/users", Workspace(ViewMembers), companies::list_users)
        .get("/api/v1/companies/{company_id}/outlets", Workspace(ViewWorkspace), companies::list_outlets)
        .post("/api/v1/companies/{company_id}/outlets", Workspace(EditOutlets), companies::create_outlet)
        .patch("/api/v1/companies/{company_id}/outlets/{outlet_id}", Workspace(EditOutlets), companies::update_outlet)
        .delete("/api/v1/companies/{company_id}/outlets/{outlet_id}", Workspace(EditOutlets), companies::delete_outlet)
        .get("/api/v1/workspaces/{workspace_id}/members", Workspace(ViewMembers), members::list_members)
        .patch("/api/v1/workspaces/{workspace_id}/members/{user_id}", Workspace(ManageMembers), members::update_member)
        // Anybody may leave; whether they may remove somebody else is checked further in.
        .delete("/api/v1/workspaces/{workspace_id}/members/{user_id}", Workspace(ViewMembers), members::remove_member)
        .get("/api/v1/workspaces/{workspace_id}/invitations", Workspace(ManageMembers), invitations::list_invitations)
        .post("/api/v1/workspaces/{workspace_id}/invitations", Workspace(ManageMembers), invitations::create_invitation)
        .delete("/api/v1/workspaces/{workspace_id}/invitations/{invitation_id}", Workspace(ManageMembers), invitations::withdraw_invitation)
        .get("/api/v1/workspaces/{workspace_id}/audit-log", Workspace(ViewAudit), audit::list_audit_log)
        .get("/api/v1/workspaces/{workspace_id}/api-keys", Workspace(ViewKeys), api_keys::list_api_keys)
        .post("/api/v1/workspaces/{workspace_id}/api-keys", Workspace(ManageKeys), api_keys::create_api_key)
        .patch("/api/v1/workspaces/{workspace_id}/api-keys/{key_id}", Workspace(ManageKeys), api_keys::update_api_key)
        .delete("/api/v1/workspaces/{workspace_id}/api-keys/{key_id}", Workspace(ManageKeys), api_keys::revoke_api_key)
        .get("/api/v1/workspaces/{workspace_id}/identity-secret", Workspace(ViewKeys), identity_secret::get_identity_secret)
        .post("/api/v1/workspaces/{workspace_id}/identity-secret", Workspace(ManageKeys), identity_secret::renew_identity_secret)
        .get("/api/v1/workspaces/{workspace_id}/agents", Workspace(ViewAgents), agents::list_agents)
        .post("/api/v1/workspaces/{workspace_id}/agents", Workspace(EditAgents), agents::create_agent)
        .get("/api/v1/workspaces/{workspace_id}/agents/{agent_id}", Workspace(ViewAgents), agents::get_agent)
        .patch("/api/v1/workspaces/{workspace_id}/agents/{agent_id}", Workspace(EditAgents), agents::update_agent)
        .delete("/api/v1/workspaces/{workspace_id}/agents/{agent_id}", Workspace(EditAgents), agents::delete_agent)
        .get("/api/v1/workspaces/{workspace_id}/agents/{agent_id}/versions", Workspace(ViewAgents), agents::list_agent_versions)
        .post("/api/v1/workspaces/{workspace_id}/agents/{agent_id}/versions/{version}/restore", Workspace(EditAgents), agents::restore_agent_version)
        .get("/api/v1/workspaces/{workspace_id}/providers", Workspace(ViewKeys), providers::list_providers)
        .post("/api/v1/workspaces/{workspace_id}/providers", Workspace(ManageKeys), providers::create_provider)
        .patch("/api/v1/workspaces/{workspace_id}/providers/{provider_id}", Workspace(ManageKeys), providers::update_provider)
        .delete("/api/v1/workspaces/{workspace_id}/providers/{provider_id}", Workspace(ManageKeys), providers::delete_provider)
        .post("/api/v1/workspaces/{workspace_id}/providers/{provider_id}/test", Workspace(ManageKeys), providers::test_provider)
        .post("/api/v1/workspaces/{workspace_id}/agents/{agent_id}/publish", Workspace(EditAgents), agents::publish_agent)
        .post("/api/v1/workspaces/{workspace_id}/agents/{agent_id}/test", Workspace(EditAgents), agents::test_agent)
        .get("/api/v1/workspaces/{workspace_id}/agents/{agent_id}/open-keys", Workspace(ViewKeys), open_keys::list_open_keys_of_agent)
        .post("/api/v1/workspaces/{workspace_id}/agents/{agent_id}/open-keys", Workspace(ManageKeys), open_keys::create_open_key_for_agent)
        .patch("/api/v1/workspaces/{workspace_id}/agents/{agent_id}/open-keys/{key_id}", Workspace(ManageKeys), open_keys::update_open_key)
        .delete("/api/v1/workspaces/{workspace_id}/agents/{agent_id}/open-keys/{key_id}", Workspace(ManageKeys), open_keys::revoke_open_key)
        .get("/api/v1/workspaces/{workspace_id}/agents/{agent_id}/extractions", Workspace(ViewAgents), extractions::list_extractions)
        .get("/api/v1/workspaces/{workspace_id}/agents/{agent_id}/extractions/{extraction_id}", Workspace(ViewAgents), extractions::get_extraction)
        .delete("/api/v1/workspaces/{workspace_id}/agents/{agent_id}/extractions/{extraction_id}", Workspace(EditAgents), extractions::delete_extraction)
        .post("/api/v1/workspaces/{workspace_id}/agents/{agent_id}/extractions/{extraction_id}/review", Workspace(EditAgents), extractions::review_extraction)
        .get("/api/v1/workspaces/{workspace_id}/collections", Workspace(ViewKnowledge), collections::list_collections)
        .post("/api/v1/workspaces/{workspace_id}/collections", Workspace(EditKnowledge), collections::create_collection)
        .get("/api/v1/workspaces/{workspace_id}/collections/{collection_id}", Workspace(ViewKnowledge), collections::get_collection)
        .patch("/api/v1/workspaces/{workspace_id}/collections/{collection_id}", Workspace(EditKnowledge), collections::update_collection)
        .delete("/api/v1/workspaces/{workspace_id}/collections/{collection_id}", Workspace(EditKnowledge), collections::delete_collection)
        .get("/api/v1/workspaces/{workspace_id}/documents", Workspace(ViewKnowledge), documents::list_documents)
        .post("/api/v1/workspaces/{workspace_id}/documents/text", Workspace(EditKnowledge), documents::paste_text)
        .post("/api/v1/workspaces/{workspace_id}/documents/qa", Workspace(EditKnowledge), documents::paste_answer)
        .post("/api/v1/workspaces/{workspace_id}/documents/url", Workspace(EditKnowledge), crawls::crawl_website)
        .get("/api/v1/workspaces/{workspace_id}/crawls", Workspace(ViewKnowledge), crawls::list_crawls)
        .get("/api/v1/workspaces/{workspace_id}/crawls/{crawl_id}", Workspace(ViewKnowledge), crawls::get_crawl)
        .patch("/api/v1/workspaces/{workspace_id}/crawls/{crawl_id}", Workspace(EditKnowledge), crawls::update_crawl)
        .delete("/api/v1/workspaces/{workspace_id}/crawls/{crawl_id}", Workspace(EditKnowledge), crawls::delete_crawl)
        .post("/api/v1/workspaces/{workspace_id}/crawls/{crawl_id}/run", Workspace(EditKnowledge), crawls::run_crawl)
        .post("/api/v1/workspaces/{workspace_id}/crawls/{crawl_id}/cancel", Workspace(EditKnowledge), crawls::cancel_crawl)
        .post("/api/v1/workspaces/{workspace_id}/documents/move", Workspace(EditKnowledge), documents::move_documents)
        .get("/api/v1/workspaces/{workspace_id}/documents/{document_id}", Workspace(ViewKnowledge), documents::get_document)
        .patch("/api/v1/workspaces/{workspace_id}/documents/{document_id}", Workspace(EditKnowledge), documents::update_document)
        .delete("/api/v1/workspaces/{workspace_id}/documents/{document_id}", Workspace(EditKnowledge), documents::delete_document)
        .post("/api/v1/workspaces/{workspace_id}/documents/{document_id}/reprocess", Workspace(EditKnowledge), documents::reprocess_document)
        .get("/api/v1/workspaces/{workspace_id}/documents/{document_id}/content", Workspace(ViewKnowledge), documents::get_document_content)
        .post("/api/v1/workspaces/{workspace_id}/documents/{document_id}/versions/{version}/restore", Workspace(EditKnowledge), documents::restore_version)
        .post("/api/v1/workspaces/{workspace_id}/knowledge/search", Workspace(ViewKnowledge), knowledge::search_knowledge)
}

#[rustfmt::skip] // one line a route
fn contacts_and_forms(app: &App) -> Routes {
    Routes::new(app)
        .get("/api/v1/workspaces/{workspace_id}/agents/{agent_id}/contacts", Workspace(ViewContacts), contacts::list_contacts)
        .post("/api/v1/workspaces/{workspace_id}/agents/{agent_id}/contacts", Workspace(EditContacts), contacts::create_contact)
        .get("/api/v1/workspaces/{workspace_id}/agents/{agent_id}/contacts/{contact_id}", Workspace(ViewContacts), contacts::get_contact)
        .patch("/api/v1/workspaces/{workspace_id}/agents/{agent_id}/contacts/{contact_id}", Workspace(EditContacts), contacts::update_contact)
        .post("/api/v1/workspaces/{workspace_id}/agents/{agent_id}/contacts/{contact_id}/archive", Workspace(EditContacts), contacts::archive_contact)
        .post("/api/v1/workspaces/{workspace_id}/agents/{agent_id}/contacts/{contact_id}/merge", Workspace(EditContacts), contacts::merge_contacts)
        .get("/api/v1/workspaces/{workspace_id}/agents/{agent_id}/contacts/{contact_id}/notes", Workspace(ViewContacts), contacts::list_notes)
        .post("/api/v1/workspaces/{workspace_id}/agents/{agent_id}/contacts/{contact_id}/notes", Workspace(EditContacts), contacts::add_note)
        .delete("/api/v1/workspaces/{workspace_id}/agents/{agent_id}/contacts/{contact_id}/notes/{note_id}", Workspace(EditContacts), contacts::delete_note)
        .get("/api/v1/workspaces/{workspace_id}/agents/{agent_id}/contact-settings", Workspace(ViewContacts), contacts::get_contact_settings)
        .put("/api/v1/workspaces/{workspace_id}/agents/{agent_id}/contact-settings", Workspace(EditAgents), contacts::change_contact_settings)
        .post("/api/v1/workspaces/{workspace_id}/agents/{agent_id}/contacts/exports", Workspace(EditContacts), contact_transfers::export_contacts)
        .get("/api/v1/workspaces/{workspace_id}/agents/{agent_id}/contacts/transfers", Workspace(ViewContacts), contact_transfers::list_transfers)
        .get("/api/v1/workspaces/{workspace_id}/agents/{agent_id}/contacts/transfers/{transfer_id}", Workspace(ViewContacts), contact_transfers::get_transfer)
        .get("/api/v1/workspaces/{workspace_id}/agents/{agent_id}/contacts/transfers/{transfer_id}/refused", Workspace(ViewContacts), contact_transfers::get_refused_rows)
        .get("/api/v1/workspaces/{workspace_id}/agents/{agent_id}/contacts/transfers/{transfer_id}/file", Workspace(EditContacts), contact_transfers::download_export)
        .get("/api/v1/workspaces/{workspace_id}/agents/{agent_id}/forms", Workspace(ViewAgents), forms::list_forms)
        .post("/api/v1/workspaces/{workspace_id}/agents/{agent_id}/forms", Workspace(EditAgents), forms::create_form)
        .get("/api/v1/workspaces/{workspace_id}/agents/{agent_id}/forms/{form_id}", Workspace(ViewAgents), forms::get_form)
        .patch("/api/v1/workspaces/{workspace_id}/agents/{agent_id}/forms/{form_id}", Workspace(EditAgents), forms::update_form)
        .delete("/api/v1/workspaces/{workspace_id}/agents/{agent_id}/forms/{form_id}", Workspace(EditAgents), forms::delete_form)
        .get("/api/v1/workspaces/{workspace_id}/agents/{agent_id}/forms/{form_id}/submissions", Workspace(ViewContacts), forms::list_submissions)
}

#[rustfmt::skip] // one line a route
fn webhooks(app: &App) -> Routes {
    Routes::new(app)
        .get("/api/v1/workspaces/{workspace_id}/webhooks", Workspace(ViewWebhooks), webhooks::list_webhooks)
        .post("/api/v1/workspaces/{workspace_id}/webhooks", Workspace(EditWebhooks), webhooks::create_webhook)
        .get("/api/v1/workspaces/{workspace_id}/webhooks/{webhook_id}", Workspace(ViewWebhooks), webhooks::get_webhook)
        .patch("/api/v1/workspaces/{workspace_id}/webhooks/{webhook_id}", Workspace(EditWebhooks), webhooks::update_webhook)
        .delete("/api/v1/workspaces/{workspace_id}/webhooks/{webhook_id}", Workspace(EditWebhooks), webhooks::delete_webhook)
        .post("/api/v1/workspaces/{workspace_id}/webhooks/{webhook_id}/test", Workspace(EditWebhooks), webhooks::test_webhook)
        .post("/api/v1/workspaces/{workspace_id}/webhooks/{webhook_id}/rotate-secret", Workspace(EditWebhooks), webhooks::rotate_webhook_secret)
        .get("/api/v1/workspaces/{workspace_id}/webhooks/{webhook_id}/deliveries", Workspace(ViewWebhooks), webhooks::list_webhook_deliveries)
        .get("/api/v1/workspaces/{workspace_id}/webhooks/{webhook_id}/deliveries/{delivery_id}", Workspace(ViewWebhooks), webhooks::get_webhook_delivery)
        .post("/api/v1/workspaces/{workspace_id}/webhooks/{webhook_id}/deliveries/{delivery_id}/replay", Workspace(EditWebhooks), webhooks::replay_webhook_delivery)
        .get("/api/v1/webhooks", Workspace(ViewWebhooks), webhooks::list_company_webhooks)
        .post("/api/v1/webhooks", Workspace(EditWebhooks), webhooks::create_company_webhook)
        .get("/api/v1/webhooks/{webhook_id}", Workspace(ViewWebhooks), webhooks::get_company_webhook)
        .put("/api/v1/webhooks/{webhook_id}", Workspace(EditWebhooks), webhooks::update_company_webhook)
        .delete("/api/v1/webhooks/{webhook_id}", Workspace(EditWebhooks), webhooks::delete_webhook)
        .post("/api/v1/webhooks/{webhook_id}/test", Workspace(EditWebhooks), webhooks::test_webhook)
        .post("/api/v1/webhooks/{webhook_id}/rotate-secret", Workspace(EditWebhooks), webhooks::rotate_webhook_secret)
        .get("/api/v1/webhooks/{webhook_id}/deliveries", Workspace(ViewWebhooks), webhooks::list_webhook_deliveries)
        .get("/api/v1/webhooks/{webhook_id}/deliveries/{delivery_id}", Workspace(ViewWebhooks), webhooks::get_webhook_delivery)
        .post("/api/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/replay", Workspace(EditWebhooks), webhooks::replay_webhook_delivery)
}

#[rustfmt::skip] // one line a route
fn reports(app: &App) -> Routes {
    Routes::new(app)
        .get("/api/v1/workspaces/{workspace_id}/analytics/overview", Workspace(ViewAnalytics), analytics::get_overview)
        .get("/api/v1/workspaces/{workspace_id}/analytics/conversations", Workspace(ViewAnalytics), analytics::get_conversations)
        .get("/api/v1/workspaces/{workspace_id}/analytics/questions", Workspace(ViewAnalytics), analytics::get_questions)
        .get("/api/v1/workspaces/{workspace_id}/analytics/feedback", Workspace(ViewAnalytics), analytics::list_feedback)
        .get("/api/v1/workspaces/{workspace_id}/analytics/export", Workspace(ViewAnalytics), analytics_export::export_analytics)
        .get("/api/v1/workspaces/{workspace_id}/analytics/unanswered", Workspace(ViewAnalytics), unanswered::list_unanswered)
        .get("/api/v1/workspaces/{workspace_id}/analytics/unanswered/{question_id}", Workspace(ViewAnalytics), unanswered::get_unanswered)
        .post("/api/v1/workspaces/{workspace_id}/analytics/unanswered/{question_id}/answer", Workspace(EditKnowledge), unanswered::answer_unanswered)
        .post("/api/v1/workspaces/{workspace_id}/analytics/unanswered/{question_id}/notify", Workspace(EditKnowledge), unanswered::notify_askers)
        .post("/api/v1/workspaces/{workspace_id}/analytics/unanswered/{question_id}/resolve", Workspace(EditKnowledge), unanswered::resolve_unanswered)
        .post("/api/v1/workspaces/{workspace_id}/analytics/unanswered/{question_id}/reopen", Workspace(EditKnowledge), unanswered::reopen_unanswered)
}

#[rustfmt::skip] // one line a route
fn billing(app: &App) -> Routes {
    Routes::new(app)
        .get("/api/v1/billing/subscription", Workspace(ViewBilling), subscription::get_subscription)
        .put("/api/v1/billing/subscription", Workspace(ManageBilling), subscription::change_subscription)
        .delete("/api/v1/billing/subscription", Workspace(ManageBilling), subscription::cancel_subscription)
        .get("/api/v1/billing/plans", Workspace(ViewBilling), subscription::list_plans)
        .get("/api/v1/billing/usage", Workspace(ViewBilling), usage::get_usage)
        .get("/api/v1/billing/credits", Workspace(ViewBilling), credits::get_credits)
        .get("/api/v1/billing/credits/transactions", Workspace(ViewBilling), credits::list_credit_transactions)
        .post("/api/v1/billing/credits/topup", Workspace(ManageBilling), credits::top_up_credits)
        .get("/api/v1/billing/invoices", Workspace(ViewInvoices), invoices::list_invoices)
        .get("/api/v1/billing/invoices/{invoice_id}", Workspace(ViewInvoices), invoices::get_invoice)
        .get("/api/v1/billing/invoices/{invoice_id}/pdf", Workspace(ViewInvoices), invoices::get_invoice_pdf)
        .get("/api/v1/billing/details", Workspace(ViewInvoices), invoices::get_billing_details)
        .put("/api/v1/billing/details", Workspace(ManageBilling), invoices::change_billing_details)
        .get("/api/v1/billing/payment-methods", Workspace(ViewInvoices), payment_methods::list_payment_methods)
        .post("/api/v1/billing/payment-methods", Workspace(ManageBilling), payment_methods::set_up_payment_method)
        .post("/api/v1/billing/payment-methods/{payment_method_id}/default", Workspace(ManageBilling), payment_methods::make_payment_method_default)
        .delete("/api/v1/billing/payment-methods/{payment_method_id}", Workspace(ManageBilling), payment_methods::remove_payment_method)
        .post("/api/v1/billing/stripe/events", Public, payment_methods::receive_stripe_event)
}
