//! The widget's calls, as the Insydr document gives them.

use axum::{Json, extract::State, response::Response};
use http::HeaderMap;
use platform::{
    App, Error, MessageId,
    answering::{self, Question},
    conversations::{self, Channel, Feedback, Thread, Wish},
};
use serde::Deserialize;
use serde_json::{Value, json};
use web::{Path, Result, Visitor, optional_text, text};

/// Longest session id, in characters.
const MAX_SESSION: usize = 100;

/// `GET /widget/config/{agent_id}`
pub async fn get_config(
    State(app): State<App>,
    Visitor(visitor): Visitor,
    Path(id): Path<String>,
) -> Result<Json<Value>> {
    let agent = visitor.agent(&app, &id.parse()?).await?;
    let settings = &agent.settings;
    let mut behavior = serde_json::to_value(&settings.greeting)?;
    behavior["greeting_message"] = json!(settings.greeting_message);
    Ok(Json(json!({
        "agent_id": agent.id,
        "agent_name": agent.name,
        "version": agent.version,
        "appearance": settings.appearance,
        "behavior": behavior,
        "branding": settings.branding,
    })))
}

/// The body of a question.
#[derive(Deserialize)]
pub struct ChatBody {
    agent_id: String,
    session_id: String,
    message: String,
    #[serde(default)]
    metadata: Metadata,
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
    headers: HeaderMap,
    web::Json(body): web::Json<ChatBody>,
) -> Result<Response> {
    let session = text("session_id", &body.session_id, MAX_SESSION)?;
    if let Some((message, seen)) = resumed(&headers)? {
        return Ok(web::stream(app.live.get(&message, &visitor.tenant, &session)?, seen));
    }
    let agent = visitor.agent(&app, &body.agent_id.parse()?).await?;
    let page_url = body.metadata.page_url.map(|url| url.chars().take(2_000).collect());
    let thread = Thread { agent: agent.id.clone(), channel: Channel::Widget, session, page_url };
    let key = visitor.counted_as.parse().ok();
    let question = Question { key, ..Question::new(agent, thread, body.message) };
    Ok(web::stream(answering::ask(&app, &visitor.tenant, question).await?, 0))
}

/// The body of a stop.
#[derive(Deserialize)]
pub struct StopBody {
    message_id: String,
    session_id: String,
}

/// `POST /widget/stop`: ends an answer with what has been said of it.
pub async fn stop(
    State(app): State<App>,
    Visitor(visitor): Visitor,
    web::Json(body): web::Json<StopBody>,
) -> Result<Json<Value>> {
    app.live.get(&body.message_id.parse()?, &visitor.tenant, &body.session_id)?.stop();
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
    session_id: String,
    agent_id: String,
    email: String,
    message: String,
}

/// `POST /widget/escalate`
pub async fn escalate(
    State(app): State<App>,
    Visitor(visitor): Visitor,
    web::Json(body): web::Json<EscalateBody>,
) -> Result<Json<Value>> {
    let agent = visitor.agent(&app, &body.agent_id.parse()?).await?;
    let wish = Wish {
        agent: agent.id.clone(),
        session: text("session_id", &body.session_id, MAX_SESSION)?,
        email: body.email.parse()?,
        message: text("message", &body.message, 4_000)?,
    };
    let id = conversations::escalate(&app, &visitor.tenant, wish).await?;
    let message = "Your message has been passed on. Somebody will answer you by mail.";
    Ok(Json(json!({ "success": true, "id": id, "message": message })))
}
