//! Invitations into a workspace.

use axum::{Json, extract::State};
use http::StatusCode;
use platform::{
    App, InvitationId, Role,
    identity::EmailAddress,
    workspaces::invitations::{self, Invitation},
};
use serde::Deserialize;
use serde_json::{Value, json};
use web::{Member, Path, Person, Query, Result};

/// The body of a new invitation.
#[derive(Deserialize)]
pub struct CreateBody {
    email: String,
    role: String,
}

/// `POST /workspaces/{workspace_id}/invitations`
pub async fn create_invitation(
    State(app): State<App>,
    member: Member,
    web::Json(body): web::Json<CreateBody>,
) -> Result<(StatusCode, Json<Value>)> {
    let (email, role): (EmailAddress, Role) = (body.email.parse()?, body.role.parse()?);
    let made = invitations::invite(&app, &member.tenant, &member.by, &email, role).await?;
    Ok((StatusCode::CREATED, Json(view(&made))))
}

/// `GET /workspaces/{workspace_id}/invitations`
pub async fn list_invitations(State(app): State<App>, member: Member) -> Result<Json<Value>> {
    let list = invitations::list(&app, &member.tenant).await?;
    Ok(Json(json!({ "invitations": list.iter().map(view).collect::<Vec<_>>(), "total": list.len() })))
}

/// `DELETE /workspaces/{workspace_id}/invitations/{invitation_id}`
pub async fn withdraw_invitation(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
) -> Result<Json<Value>> {
    let id: InvitationId = id.parse()?;
    invitations::withdraw(&app, &member.tenant, &member.by, &id).await?;
    Ok(Json(json!({ "success": true, "message": "Invitation withdrawn" })))
}

/// The token of a mailed link, in a query or a body.
#[derive(Deserialize)]
pub struct Token {
    #[serde(default)]
    token: String,
}

/// `GET /invitations/lookup`
pub async fn look_up_invitation(State(app): State<App>, Query(link): Query<Token>) -> Result<Json<Value>> {
    let offer = invitations::look_up(&app, &link.token).await?;
    Ok(Json(json!({
        "email": offer.email,
        "role": offer.role,
        "workspace_name": offer.workspace_name,
        "inviter": offer.inviter,
        "expires_at": offer.expires_at,
    })))
}

/// `POST /invitations/accept`
pub async fn accept_invitation(
    State(app): State<App>,
    person: Person,
    web::Json(link): web::Json<Token>,
) -> Result<Json<Value>> {
    let offer = invitations::accept(&app, &person.caller, &person.by, &link.token).await?;
    Ok(Json(json!({ "workspace_id": offer.workspace_id, "role": offer.role })))
}

fn view(invitation: &Invitation) -> Value {
    json!({
        "id": invitation.id,
        "email": invitation.email,
        "role": invitation.role,
        "expires_at": invitation.expires_at,
        "created_at": invitation.created_at,
    })
}
