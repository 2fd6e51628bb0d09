//! Questions that could not be answered, and what people do about them.

use axum::{Json, extract::State};
use chrono_tz::Tz;
use http::StatusCode;
use platform::{
    App, CollectionId, Result as Platform, UnansweredId,
    analytics::{self, Details, NewAnswer, day},
    conversations::{
        Unanswered,
        unanswered::{Filter, Status},
    },
};
use serde::Deserialize;
use serde_json::{Value, json};
use web::{Member, PageQuery, Path, Query, Result, paged, text};

/// Longest question, in characters.
const MAX_QUESTION: usize = 500;

/// The ids of a path; the workspace's has been looked at.
#[derive(Deserialize)]
pub struct Ids {
    question_id: String,
}

/// Which questions.
#[derive(Deserialize)]
pub struct ListQuery {
    status: Option<String>,
    agent_id: Option<String>,
}

impl ListQuery {
    /// Open questions, unless others are asked for; `ALL` for all.
    pub(crate) fn filter(self) -> Platform<Filter> {
        let status = match self.status.as_deref() {
            None => Some(Status::Open),
            Some("ALL") => None,
            Some(status) => Some(status.parse()?),
        };
        Ok(Filter { status, agent: self.agent_id.map(|id| id.parse()).transpose()? })
    }
}

/// `GET …/analytics/unanswered`
pub async fn list_unanswered(
    State(app): State<App>,
    member: Member,
    Query(query): Query<ListQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Value>> {
    let list = analytics::unanswered(&app, &member.tenant, &query.filter()?, page.page()?).await?;
    let mut answer = paged("unanswered", list.questions, |question| view(&question, list.zone));
    answer["resolved_this_week"] = json!(list.resolved_this_week);
    Ok(Json(answer))
}

pub(crate) fn view(question: &Unanswered, zone: Tz) -> Value {
    json!({
        "id": question.id,
        "agent_id": question.agent_id,
        "question": question.question,
        "occurrences": question.occurrences,
        "first_seen": day(question.first_seen, zone),
        "last_seen": day(question.last_seen, zone),
        "status": question.status,
        "resolved_at": question.resolved_at,
    })
}

/// `GET …/analytics/unanswered/{question_id}`
pub async fn get_unanswered(
    State(app): State<App>,
    member: Member,
    Path(ids): Path<Ids>,
) -> Result<Json<Value>> {
    whole(&analytics::details(&app, &member.tenant, &ids.question_id.parse()?).await?)
}

fn whole(details: &Details) -> Result<Json<Value>> {
    let mut answer = view(&details.question, details.zone);
    let wordings = details.wordings.iter();
    answer["wordings"] =
        wordings.map(|(question, count)| json!({ "question": question, "count": count })).collect();
    let told = details.askers.iter().filter(|asker| asker.told_at.is_some()).count();
    answer["askers"] = json!({ "with_address": details.askers.len(), "told": told });
    answer["answer"] = match &details.question.remedy {
        Some(remedy) => json!({
            "document_id": remedy.document_id,
            "answer": remedy.answer,
            "written_at": remedy.written_at,
            "notify": remedy.notify,
            "notified": remedy.told,
            "test": remedy.test,
        }),
        None => Value::Null,
    };
    Ok(Json(answer))
}

/// An answer to a question.
#[derive(Deserialize)]
pub struct AnswerBody {
    question: Option<String>,
    answer: String,
    collection_id: Option<CollectionId>,
    #[serde(default)]
    notify: bool,
}

/// `POST …/analytics/unanswered/{question_id}/answer`
pub async fn answer_unanswered(
    State(app): State<App>,
    member: Member,
    Path(ids): Path<Ids>,
    web::Json(body): web::Json<AnswerBody>,
) -> Result<(StatusCode, Json<Value>)> {
    let id: UnansweredId = ids.question_id.parse()?;
    let form = NewAnswer {
        question: body.question.map(|question| text("question", &question, MAX_QUESTION)).transpose()?,
        answer: body.answer,
        collection: body.collection_id,
        notify: body.notify,
    };
    let details = analytics::answer(&app, &member.tenant, &member.by, &id, form).await?;
    Ok((StatusCode::ACCEPTED, whole(&details)?))
}

/// `POST …/analytics/unanswered/{question_id}/notify`
pub async fn notify_askers(
    State(app): State<App>,
    member: Member,
    Path(ids): Path<Ids>,
) -> Result<Json<Value>> {
    whole(&analytics::notify(&app, &member.tenant, &member.by, &ids.question_id.parse()?).await?)
}

/// `POST …/analytics/unanswered/{question_id}/resolve`
pub async fn resolve_unanswered(
    State(app): State<App>,
    member: Member,
    Path(ids): Path<Ids>,
) -> Result<Json<Value>> {
    set_status(&app, &member, &ids, Status::Resolved).await
}

/// `POST …/analytics/unanswered/{question_id}/reopen`
pub async fn reopen_unanswered(
    State(app): State<App>,
    member: Member,
    Path(ids): Path<Ids>,
) -> Result<Json<Value>> {
    set_status(&app, &member, &ids, Status::Open).await
}

async fn set_status(app: &App, member: &Member, ids: &Ids, status: Status) -> Result<Json<Value>> {
    let id = ids.question_id.parse()?;
    whole(&analytics::set_status(app, &member.tenant, &member.by, &id, status).await?)
}
