//! Members of a workspace.

use axum::{Json, extract::State};
use platform::{App, Role, UserId, workspaces::members};
use serde::Deserialize;
use serde_json::{Value, json};
use web::{Member, PageQuery, Path, Query, Result, paged};

/// Which people.
#[derive(Deserialize)]
pub struct SearchQuery {
    q: Option<String>,
}

impl SearchQuery {
    /// What to search for; an empty text counts as left out.
    pub(crate) fn text(&self) -> Option<&str> {
        self.q.as_deref().map(str::trim).filter(|text| !text.is_empty())
    }
}

/// `GET /workspaces/{workspace_id}/members`
pub async fn list_members(
    State(app): State<App>,
    member: Member,
    Query(search): Query<SearchQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Value>> {
    let list = members::list(&app, &member.tenant, search.text(), page.page()?).await?;
    Ok(Json(paged("members", list, |listed| view(&listed))))
}

/// The body of a change.
#[derive(Deserialize)]
pub struct UpdateBody {
    role: String,
}

/// `PATCH /workspaces/{workspace_id}/members/{user_id}`
pub async fn update_member(
    State(app): State<App>,
    member: Member,
    Path((_, user)): Path<(String, String)>,
    web::Json(body): web::Json<UpdateBody>,
) -> Result<Json<Value>> {
    let (user, role): (UserId, Role) = (user.parse()?, body.role.parse()?);
    let changed = members::change_role(&app, &member.tenant, &member.by, &user, role).await?;
    Ok(Json(view(&changed)))
}

/// `DELETE /workspaces/{workspace_id}/members/{user_id}`: removes somebody, or leaves.
pub async fn remove_member(
    State(app): State<App>,
    member: Member,
    Path((_, user)): Path<(String, String)>,
) -> Result<Json<Value>> {
    let user: UserId = user.parse()?;
    members::remove(&app, &member.tenant, &member.by, &user).await?;
    Ok(Json(json!({ "success": true, "message": "Member removed" })))
}

fn view(member: &members::Member) -> Value {
    json!({
        "user_id": member.user_id,
        "email": member.email,
        "full_name": member.full_name,
        "role": member.role,
        "joined_at": member.joined_at,
    })
}
