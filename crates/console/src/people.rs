//! Who belongs to a workspace: roles, removals, and the invitations of those to come.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect},
};
use http::StatusCode;
use platform::{
    App, InvitationId, Page, Paged, Permission, Role, Standing, UserId,
    identity::EmailAddress,
    workspaces::{
        invitations::{self, Invitation},
        members,
    },
};
use web::Path;

use crate::{
    form::{Asked, Fields, Form},
    page::{Area, Chrome, Notice, Result, Zone, done, mistake, page_number, render},
    session::Member,
};

/// Members on one page of the list.
const ROWS: i64 = 50;

#[derive(Template)]
#[template(path = "people.html")]
pub(crate) struct PeoplePage<'a> {
    pub chrome: Chrome,
    pub zone: Zone,
    pub own: &'a UserId,
    pub members: Paged<members::Member>,
    /// Open ones, for those who may make them.
    pub invitations: Vec<Invitation>,
    pub email: &'a str,
    pub notice: Option<Notice>,
}

impl PeoplePage<'_> {
    /// Whether the person may give and take roles.
    fn may_manage(&self) -> bool {
        Standing::Member(self.chrome.role).may(Permission::ManageMembers)
    }

    /// Nobody gives or takes a role above their own.
    fn may_change(&self, member: &members::Member) -> bool {
        self.may_manage() && member.role.parse().is_ok_and(|role: Role| role <= self.chrome.role)
    }

    /// The roles that the person may give, least first.
    fn roles(&self) -> impl Iterator<Item = Role> {
        let own = self.chrome.role;
        Role::ALL.into_iter().filter(move |role| *role <= own)
    }
}

/// What a rendering of the page shows besides the people.
#[derive(Default)]
struct Shown {
    notice: Option<Notice>,
    /// What the address asks for.
    asked: Fields,
    /// What was typed into the form of a new invitation.
    fields: Fields,
}

async fn show(app: &App, member: &Member, status: StatusCode, shown: Shown) -> Result {
    let range = Page { limit: ROWS, offset: (page_number(&shown.asked) - 1) * ROWS };
    let may_manage = member.require(Permission::ManageMembers).is_ok();
    let page = PeoplePage {
        chrome: member.chrome(Area::People),
        zone: Zone::of(app, &member.tenant).await?,
        own: &member.caller.user.id,
        members: members::list(app, &member.tenant, None, range).await?,
        invitations: if may_manage { invitations::list(app, &member.tenant).await? } else { Vec::new() },
        email: shown.fields.get("email"),
        notice: shown.notice,
    };
    render(status, &page)
}

fn told(member: &Member, done: &str) -> Result {
    Ok(Redirect::to(&format!("/console/{}/people?done={done}", member.tenant.id())).into_response())
}

async fn show_mistake(app: &App, member: &Member, error: platform::Error, fields: Fields) -> Result {
    let (status, notice) = mistake(error)?;
    show(app, member, status, Shown { notice: Some(notice), fields, ..Shown::default() }).await
}

/// `GET …/people`
pub async fn page(State(app): State<App>, member: Member, Asked(query): Asked) -> Result {
    member.require(Permission::ViewMembers)?;
    let shown = Shown { notice: done(query.get("done")), asked: query, ..Shown::default() };
    show(&app, &member, StatusCode::OK, shown).await
}

/// `POST …/people/{user_id}`: gives somebody another role.
pub async fn change_role(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
    Form(fields): Form,
) -> Result {
    member.require(Permission::ManageMembers)?;
    let (id, role): (UserId, Role) = (id.parse()?, fields.get("role").parse()?);
    match members::change_role(&app, &member.tenant, &member.by, &id, role).await {
        Ok(_) => told(&member, "role"),
        Err(error) => show_mistake(&app, &member, error, Fields::default()).await,
    }
}

/// `POST …/people/{user_id}/remove`: removes somebody, or leaves.
pub async fn remove(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
    Form(_): Form,
) -> Result {
    let id: UserId = id.parse()?;
    match members::remove(&app, &member.tenant, &member.by, &id).await {
        Ok(()) if id == member.caller.user.id => Ok(Redirect::to("/console").into_response()),
        Ok(()) => told(&member, "removed"),
        Err(error) => show_mistake(&app, &member, error, Fields::default()).await,
    }
}

/// `POST …/invitations`
pub async fn invite(State(app): State<App>, member: Member, Form(fields): Form) -> Result {
    member.require(Permission::ManageMembers)?;
    match make(&app, &member, &fields).await {
        Ok(_) => told(&member, "invited"),
        Err(error) => show_mistake(&app, &member, error, fields).await,
    }
}

async fn make(app: &App, member: &Member, fields: &Fields) -> platform::Result<Invitation> {
    let (email, role): (EmailAddress, Role) = (fields.get("email").parse()?, fields.get("role").parse()?);
    invitations::invite(app, &member.tenant, &member.by, &email, role).await
}

/// `POST …/invitations/{invitation_id}/withdraw`
pub async fn withdraw(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
    Form(_): Form,
) -> Result {
    member.require(Permission::ManageMembers)?;
    let id: InvitationId = id.parse()?;
    invitations::withdraw(&app, &member.tenant, &member.by, &id).await?;
    told(&member, "withdrawn")
}
