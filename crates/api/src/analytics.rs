//! What visitors ask, how well they are answered, and what they think of it.

use axum::{Json, extract::State};
use chrono::NaiveDate;
use platform::{
    App, Error, Page,
    analytics::{self, Asked, Asking, Conversations, Opinion, Overview, Questions, Scope, Tally, change},
    conversations::Feedback,
};
use serde::Deserialize;
use serde_json::{Value, json};
use web::{Member, PageQuery, Query, Result, paged};

/// Questions that are shown of each kind unless another number is asked for.
const QUESTIONS: usize = 20;

/// Which days, and of which agent.
#[derive(Deserialize)]
pub struct ScopeQuery {
    days: Option<i64>,
    start_date: Option<String>,
    end_date: Option<String>,
    agent_id: Option<String>,
}

impl ScopeQuery {
    pub(crate) async fn scope(self, app: &App, member: &Member) -> Result<Scope> {
        let asked = Asked {
            days: self.days,
            from: self.start_date.map(|text| date("start_date", &text)).transpose()?,
            to: self.end_date.map(|text| date("end_date", &text)).transpose()?,
        };
        let agent = self.agent_id.map(|id| id.parse()).transpose()?;
        Ok(analytics::scope(app, &member.tenant, &asked, agent).await?)
    }
}

/// A day, also as the beginning of a moment.
fn date(field: &'static str, text: &str) -> Result<NaiveDate> {
    let day = text.split('T').next().unwrap_or_default();
    let odd = |_| Error::invalid(field, format!("{field} is a day such as 2026-01-25."));
    Ok(day.parse().map_err(odd)?)
}

/// `GET …/analytics/overview`
pub async fn get_overview(
    State(app): State<App>,
    member: Member,
    Query(query): Query<ScopeQuery>,
) -> Result<Json<Value>> {
    let scope = query.scope(&app, &member).await?;
    let overview = analytics::overview(&app, &member.tenant, &scope).await?;
    Ok(Json(overview_view(&scope, &overview)))
}

pub(crate) fn overview_view(scope: &Scope, overview: &Overview) -> Value {
    let Overview { now, before, .. } = overview;
    let mut stats = tally_view(now);
    stats["total_conversations"] = json!(now.conversations);
    stats["total_messages"] = json!(now.messages());
    stats["active_agents"] = json!(overview.active_agents);
    stats["knowledge_documents"] = json!(overview.documents);
    stats["satisfaction_score"] = json!(now.satisfaction());
    let channels = overview.channels.iter().map(|(channel, tally)| {
        json!({ "channel": channel, "conversations": tally.conversations, "messages": tally.messages() })
    });
    json!({
        "period": { "start": scope.period.first, "end": scope.period.last },
        "stats": stats,
        "trends": {
            "conversations_change": change(before.conversations, now.conversations),
            "messages_change": change(before.messages(), now.messages()),
            "unanswered_change": change(before.exchanges - before.answered, now.exchanges - now.answered),
            "escalations_change": change(before.escalations, now.escalations),
            "leads_change": change(before.leads, now.leads),
        },
        "by_channel": channels.collect::<Vec<_>>(),
    })
}

/// What is said of the numbers of any part of a period.
fn tally_view(tally: &Tally) -> Value {
    json!({
        "questions": tally.exchanges,
        "answered": tally.answered,
        "unanswered": tally.exchanges - tally.answered,
        "answer_rate": tally.answer_rate(),
        "avg_response_time_ms": tally.avg_response_ms(),
        "avg_duration_seconds": tally.avg_duration_seconds(),
        "thumbs_up": tally.thumbs_up,
        "thumbs_down": tally.thumbs_down,
        "escalations": tally.escalations,
        "leads": tally.leads,
    })
}

/// `GET …/analytics/conversations`
pub async fn get_conversations(
    State(app): State<App>,
    member: Member,
    Query(query): Query<ScopeQuery>,
) -> Result<Json<Value>> {
    let scope = query.scope(&app, &member).await?;
    let found = analytics::conversations(&app, &member.tenant, &scope).await?;
    Ok(Json(conversations_view(&scope, &found)))
}

pub(crate) fn conversations_view(scope: &Scope, found: &Conversations) -> Value {
    let all: i64 = found.agents.iter().map(|agent| agent.tally.conversations).sum();
    let days = found.days.iter().map(|daily| {
        let mut day = tally_view(&daily.tally);
        day["date"] = json!(daily.day);
        day["conversations"] = json!(daily.tally.conversations);
        day["messages"] = json!(daily.tally.messages());
        day
    });
    let busy = found.hours.iter().filter(|hour| hour.conversations > 0);
    let agents = found.agents.iter().map(|agent| {
        let share = agent.tally.conversations as f64 / all.max(1) as f64;
        json!({
            "agent_id": agent.agent_id,
            "agent_name": agent.name.as_deref().unwrap_or("Deleted agent"),
            "conversations": agent.tally.conversations,
            "messages": agent.tally.messages(),
            "answer_rate": agent.tally.answer_rate(),
            "satisfaction_score": agent.tally.satisfaction(),
            "percentage": (share * 1_000.0).round() / 10.0,
        })
    });
    json!({
        "period": { "start": scope.period.first, "end": scope.period.last },
        "daily_data": days.collect::<Vec<_>>(),
        "peak_hours": busy.map(|hour| json!({ "hour": hour.hour, "count": hour.conversations })).collect::<Vec<_>>(),
        "by_agent": agents.collect::<Vec<_>>(),
    })
}

/// How many questions.
#[derive(Deserialize)]
pub struct LimitQuery {
    limit: Option<i64>,
}

impl LimitQuery {
    fn limit(&self) -> Result<usize> {
        let page = Page::new(self.limit.or(Some(QUESTIONS as i64)), None)?;
        Ok(usize::try_from(page.limit).unwrap_or(QUESTIONS))
    }
}

/// `GET …/analytics/questions`
pub async fn get_questions(
    State(app): State<App>,
    member: Member,
    Query(query): Query<ScopeQuery>,
    Query(limit): Query<LimitQuery>,
) -> Result<Json<Value>> {
    let scope = query.scope(&app, &member).await?;
    let found = analytics::questions(&app, &member.tenant, &scope, limit.limit()?).await?;
    Ok(Json(questions_view(&scope, &found)))
}

pub(crate) fn questions_view(scope: &Scope, found: &Questions) -> Value {
    let categories = found
        .subjects
        .iter()
        .map(|(name, count)| json!({ "category": name.as_deref().unwrap_or("Other"), "count": count }));
    json!({
        "period": { "start": scope.period.first, "end": scope.period.last },
        "top_questions": found.top.iter().map(asking_view).collect::<Vec<_>>(),
        "trending": found.trending.iter().map(asking_view).collect::<Vec<_>>(),
        "categories": categories.collect::<Vec<_>>(),
    })
}

fn asking_view(asking: &Asking) -> Value {
    let rounded = |share: f64| (share * 1_000.0).round() / 1_000.0;
    json!({
        "topic_id": asking.topic,
        "question": asking.question,
        "count": asking.count,
        "previous_count": asking.before,
        "change": change(asking.before, asking.count),
        "trend": asking.trend.as_str(),
        "avg_confidence": rounded(asking.avg_confidence),
        "answer_rate": rounded(asking.answer_rate),
    })
}

/// Which opinions.
#[derive(Deserialize)]
pub struct FeedbackQuery {
    feedback: Option<String>,
}

/// `GET …/analytics/feedback`
pub async fn list_feedback(
    State(app): State<App>,
    member: Member,
    Query(query): Query<ScopeQuery>,
    Query(wanted): Query<FeedbackQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Value>> {
    let scope = query.scope(&app, &member).await?;
    let opinion = wanted.feedback.as_deref().map(opinion).transpose()?;
    let list = analytics::feedback(&app, &member.tenant, &scope, opinion, page.page()?).await?;
    let overview = analytics::overview(&app, &member.tenant, &scope).await?;
    let mut answer = paged("feedback", list, |opinion| opinion_view(&opinion));
    answer["thumbs_up"] = json!(overview.now.thumbs_up);
    answer["thumbs_down"] = json!(overview.now.thumbs_down);
    answer["satisfaction_score"] = json!(overview.now.satisfaction());
    Ok(Json(answer))
}

fn opinion(word: &str) -> Result<Feedback> {
    match word {
        "THUMBS_UP" => Ok(Feedback::ThumbsUp),
        "THUMBS_DOWN" => Ok(Feedback::ThumbsDown),
        _ => Err(Error::invalid("feedback", "feedback is THUMBS_UP or THUMBS_DOWN.").into()),
    }
}

pub(crate) fn opinion_view(opinion: &Opinion) -> Value {
    json!({
        "message_id": opinion.message_id,
        "conversation_id": opinion.conversation_id,
        "agent_id": opinion.agent_id,
        "question": opinion.question,
        "answer": opinion.answer,
        "feedback": opinion.feedback,
        "comment": opinion.comment,
        "created_at": opinion.created_at,
    })
}
