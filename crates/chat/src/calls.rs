//! The widget's calls, as the Insydr document gives them, and what else the widget needs for them.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode};
use platform::{
    App, Error, MessageId,
    agents::Published,
    answering::{self, Live, Question},
    conversations::{self, Channel, Feedback, Thread, Wish},
    visitors::{self, Session, Visit},
};
use serde::Deserialize;
use serde_json::{Value, json};
use web::{Client, Path, Query, Result, Visitor, optional_text, text};

use crate::language;

/// Longest session id and longest name of a request, in characters.
const MAX_SESSION: usize = 100;
/// The header that proves whose session it is.
const SESSION: &str = "x-visitor-session";

/// What a configuration is asked for with.
#[derive(Deserialize)]
pub struct ConfigQuery {
    lang: Option<String>,
}

/// `GET /widget/config/{agent_id}`; with `lang` it brings the interface's words in that language, if it is not English.
pub async fn get_config(
    State(app): State<App>,
    Visitor(visitor): Visitor,
    Path(id): Path<String>,
    Query(query): Query<ConfigQuery>,
) -> Result<Json<Value>> {
    let agent = visitor.agent(&app, &id.parse()?).await?;
    let settings = &agent.settings;
    let mut behavior = serde_json::to_value(&settings.greeting)?;
    behavior["greeting_message"] = json!(settings.greeting_message);
    let mut config = json!({
        "agent_id": agent.id,
        "agent_name": agent.name,
        "version": agent.version,
        "appearance": settings.appearance,
        "behavior": behavior,
        "branding": settings.branding,
        "access": if settings.is_restricted() { "restricted" } else { "open" },
    });
    let visitors = &settings.visitors;
    if visitors.attachments {
        config["attachments"] = json!({
            "max_files": visitors.max_files, "max_file_mb": visitors.max_file_mb, "file_types": visitors.file_types,
        });
    }
    if let Some(words) = query.lang.as_deref().and_then(language::find) {
        config["language"] = serde_json::from_str(words)?;
    }
    Ok(Json(config))
}

/// The token of a visitor's session.
pub(crate) fn token(headers: &HeaderMap) -> Option<&str> {
    headers.get(SESSION)?.to_str().ok().filter(|token| !token.is_empty())
}

/// Whose words these are.
pub(crate) fn speaker(
    app: &App,
    visitor: &platform::workspaces::Visitor,
    agent: &Published,
    (headers, given): (&HeaderMap, Option<&str>),
) -> Result<Session> {
    let given = match token(headers) {
        Some(_) => None,
        None => Some(text("session_id", given.unwrap_or_default(), MAX_SESSION)?),
    };
    Ok(visitors::speaker(app, visitor, agent, (token(headers), given.as_deref()))?)
}

/// The body of a question.
#[derive(Deserialize)]
pub struct ChatBody {
    agent_id: String,
    /// Not needed with the header `X-Visitor-Session`.
    session_id: Option<String>,
    message: String,
    #[serde(default)]
    metadata: Metadata,
    /// What the page calls the question: the same again is the same answer.
    request_id: Option<String>,
    /// `poll` gives what there is of the answer as JSON, for pages behind a proxy that holds streams back.
    delivery: Option<String>,
    #[serde(default)]
    file_ids: Vec<String>,
}

/// Where a question was asked.
#[derive(Default, Deserialize)]
struct Metadata {
    page_url: Option<String>,
}

/// `POST /widget/chat`: streams the answer. With `Last-Event-ID` it goes on with one that was begun.
pub async fn chat(
    State(app): State<App>,
    Visitor(visitor): Visitor,
    client: Client,
    headers: HeaderMap,
    web::Json(body): web::Json<ChatBody>,
) -> Result<Response> {
    let polls = body.delivery.as_deref() == Some("poll");
    let agent = visitor.agent(&app, &body.agent_id.parse()?).await?;
    let session = speaker(&app, &visitor, &agent, (&headers, body.session_id.as_deref()))?;
    if let Some((message, seen)) = resumed(&headers)? {
        return deliver(app.live.get(&message, &visitor.tenant, &session.id)?, seen, polls).await;
    }
    let request = optional_text("request_id", body.request_id.as_deref(), MAX_SESSION)?;
    if let Some(begun) = request.as_ref().and_then(|r| app.live.of_request(&visitor.tenant, &session.id, r)) {
        return deliver(begun, 0, polls).await;
    }
    visitors::count_question(&app, &visitor, &session, &client.0)?;
    let (means, counted_as) = visitors::means(&app, &visitor, &agent).await?;
    let files = visitors::attached(&app, (&visitor.tenant, &agent), &session.id, &body.file_ids).await?;
    let visit = Visit { request, contact: session.contact, files, means, counted_as };
    let page_url = body.metadata.page_url.map(|url| url.chars().take(2_000).collect());
    let thread = Thread { agent: agent.id.clone(), channel: Channel::Widget, session: session.id, page_url };
    let key = visitor.counted_as.parse().ok();
    let question = Question { key, visit, ..Question::new(agent, thread, body.message) };
    deliver(answering::ask(&app, &visitor.tenant, question).await?, 0, polls).await
}

/// Gives an answer as a stream, or what there is of it by now.
async fn deliver(live: Arc<Live>, seen: usize, polls: bool) -> Result<Response> {
    Ok(if polls { web::poll(live, seen).await } else { web::stream(live, seen) })
}

/// The body of a stop.
#[derive(Deserialize)]
pub struct StopBody {
    message_id: String,
    agent_id: Option<String>,
    session_id: Option<String>,
}

/// `POST /widget/stop`: ends an answer with what has been said of it.
pub async fn stop(
    State(app): State<App>,
    Visitor(visitor): Visitor,
    headers: HeaderMap,
    web::Json(body): web::Json<StopBody>,
) -> Result<Json<Value>> {
    let session = match &body.agent_id {
        Some(agent) => {
            let agent = visitor.agent(&app, &agent.parse()?).await?;
            speaker(&app, &visitor, &agent, (&headers, body.session_id.as_deref()))?.id
        }
        None => body.session_id.unwrap_or_default(),
    };
    app.live.get(&body.message_id.parse()?, &visitor.tenant, &session)?.stop();
    Ok(Json(json!({ "success": true })))
}

/// The message and the number of frames that a returning client has seen.
fn resumed(headers: &HeaderMap) -> Result<Option<(MessageId, usize)>> {
    let Some(value) = headers.get("last-event-id") else { return Ok(None) };
    let wrong = || Error::invalid("Last-Event-ID", "Last-Event-ID is not the id of an event of this stream.");
    let (message, seen) = value.to_str().ok().and_then(|value| value.split_once(':')).ok_or_else(wrong)?;
    Ok(Some((message.parse()?, seen.parse().map_err(|_| wrong())?)))
}

/// The body of an opinion.
#[derive(Deserialize)]
pub struct FeedbackBody {
    message_id: String,
    feedback_type: String,
    comment: Option<String>,
}

/// `POST /widget/feedback`
pub async fn give_feedback(
    State(app): State<App>,
    Visitor(visitor): Visitor,
    web::Json(body): web::Json<FeedbackBody>,
) -> Result<Json<Value>> {
    let feedback = match body.feedback_type.as_str() {
        "THUMBS_UP" => Feedback::ThumbsUp,
        "THUMBS_DOWN" => Feedback::ThumbsDown,
        _ => return Err(Error::invalid("feedback_type", "feedback_type is THUMBS_UP or THUMBS_DOWN.").into()),
    };
    let comment = optional_text("comment", body.comment.as_deref(), 2_000)?;
    let message = body.message_id.parse()?;
    conversations::give_feedback(&app, &visitor.tenant, &message, feedback, comment).await?;
    Ok(Json(json!({ "success": true, "message": "Thank you for your feedback." })))
}

/// The body of a wish to talk to a person.
#[derive(Deserialize)]
pub struct EscalateBody {
    session_id: Option<String>,
    agent_id: String,
    email: String,
    message: String,
}

/// `POST /widget/escalate`
pub async fn escalate(
    State(app): State<App>,
    Visitor(visitor): Visitor,
    headers: HeaderMap,
    web::Json(body): web::Json<EscalateBody>,
) -> Result<Json<Value>> {
    let agent = visitor.agent(&app, &body.agent_id.parse()?).await?;
    let session = speaker(&app, &visitor, &agent, (&headers, body.session_id.as_deref()))?;
    let wish = Wish {
        agent: agent.id.clone(),
        session: session.id,
        email: body.email.parse()?,
        message: text("message", &body.message, 4_000)?,
    };
    let id = conversations::escalate(&app, &visitor.tenant, wish).await?;
    let message = "Your message has been passed on. Somebody will answer you by mail.";
    Ok(Json(json!({ "success": true, "id": id, "message": message })))
}

/// Which agent's conversation.
#[derive(Deserialize)]
pub struct HistoryQuery {
    agent_id: String,
}

/// `GET /widget/history`: what was said in the visitor's session, for who holds its token and nobody else.
pub async fn history(
    State(app): State<App>,
    Visitor(visitor): Visitor,
    headers: HeaderMap,
    Query(query): Query<HistoryQuery>,
) -> Result<Response> {
    let agent = visitor.agent(&app, &query.agent_id.parse()?).await?;
    // What a page made up as a session proves nothing.
    let token = token(&headers).or(Some(""));
    let session = visitors::speaker(&app, &visitor, &agent, (token, None))?;
    let said = conversations::said(&app, &visitor.tenant, &agent.id, &session.id).await?;
    let shows_sources = agent.settings.response_config.show_sources;
    let view = |said: conversations::Said| {
        json!({
            "message_id": said.id,
            "question": said.question,
            "answer": said.answer,
            "answered": said.answered,
            "sources": if shows_sources { said.sources } else { json!([]) },
            "feedback_type": said.feedback,
            "files": said.files.unwrap_or(json!([])),
            "created_at": said.created_at,
        })
    };
    let messages: Vec<Value> = said.into_iter().map(view).collect();
    let headers = [("cache-control", "no-store")];
    Ok((StatusCode::OK, headers, Json(json!({ "session_id": session.id, "messages": messages })))
        .into_response())
}
