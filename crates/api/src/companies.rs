//! Companies and their outlets. A company is a workspace under its other name.

use axum::{Json, extract::State};
use http::StatusCode;
use platform::{
    App, OutletId, Patch,
    identity::EmailAddress,
    workspaces::{
        self, members,
        outlets::{self, NewOutlet, Outlet, OutletChange},
    },
};
use serde::Deserialize;
use serde_json::{Value, json};
use web::{Member, PageQuery, Path, Query, Result, line, optional_text, paged};

use crate::members::SearchQuery;

/// Longest name, address and telephone number of an outlet, in characters.
const MAX_NAME: usize = 100;
const MAX_ADDRESS: usize = 500;
const MAX_PHONE: usize = 40;

/// `GET /companies/{company_id}`
pub async fn get_company(State(app): State<App>, member: Member) -> Result<Json<Value>> {
    let company = workspaces::get(&app, &member.tenant).await?;
    Ok(Json(json!({
        "company": {
            "id": company.id,
            "name": company.name,
            "slug": company.slug,
            "logo_url": company.logo_url,
            "timezone": company.timezone,
            "created_at": company.created_at,
        },
    })))
}

/// `GET /companies/{company_id}/users`
pub async fn list_users(
    State(app): State<App>,
    member: Member,
    Query(search): Query<SearchQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Value>> {
    let list = members::list(&app, &member.tenant, search.text(), page.page()?).await?;
    Ok(Json(paged("users", list, |user| view_user(&user))))
}

fn view_user(user: &members::Member) -> Value {
    json!({
        "id": user.user_id,
        "email": user.email,
        "full_name": user.full_name,
        "role": user.role.to_lowercase(),
        "joined_at": user.joined_at,
    })
}

/// `GET /companies/{company_id}/outlets`
pub async fn list_outlets(
    State(app): State<App>,
    member: Member,
    Query(page): Query<PageQuery>,
) -> Result<Json<Value>> {
    let list = outlets::list(&app, &member.tenant, page.page()?).await?;
    Ok(Json(paged("outlets", list, |outlet| view(&outlet))))
}

/// The body of a new outlet.
#[derive(Deserialize)]
pub struct CreateBody {
    name: String,
    address: Option<String>,
    phone: Option<String>,
    email: Option<String>,
}

/// `POST /companies/{company_id}/outlets`
pub async fn create_outlet(
    State(app): State<App>,
    member: Member,
    web::Json(body): web::Json<CreateBody>,
) -> Result<(StatusCode, Json<Value>)> {
    let form = NewOutlet {
        name: line("name", &body.name, MAX_NAME)?,
        address: address(body.address.as_deref())?,
        phone: phone(body.phone.as_deref())?,
        email: email(body.email.as_deref())?,
    };
    let outlet = outlets::create(&app, &member.tenant, &member.by, form).await?;
    Ok((StatusCode::CREATED, Json(json!({ "outlet": view(&outlet) }))))
}

/// The body of a change.
#[derive(Deserialize)]
pub struct UpdateBody {
    name: Option<String>,
    #[serde(default)]
    address: Patch<String>,
    #[serde(default)]
    phone: Patch<String>,
    #[serde(default)]
    email: Patch<String>,
}

/// `PATCH /companies/{company_id}/outlets/{outlet_id}`
pub async fn update_outlet(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
    web::Json(body): web::Json<UpdateBody>,
) -> Result<Json<Value>> {
    let id: OutletId = id.parse()?;
    let change = OutletChange {
        name: body.name.map(|name| line("name", &name, MAX_NAME)).transpose()?,
        address: checked(body.address, address)?,
        phone: checked(body.phone, phone)?,
        email: checked(body.email, email)?,
    };
    let outlet = outlets::change(&app, &member.tenant, &member.by, &id, change).await?;
    Ok(Json(json!({ "outlet": view(&outlet) })))
}

/// `DELETE /companies/{company_id}/outlets/{outlet_id}`
pub async fn delete_outlet(
    State(app): State<App>,
    member: Member,
    Path((_, id)): Path<(String, String)>,
) -> Result<Json<Value>> {
    let id: OutletId = id.parse()?;
    outlets::delete(&app, &member.tenant, &member.by, &id).await?;
    Ok(Json(json!({ "success": true, "message": "Outlet deleted" })))
}

fn address(given: Option<&str>) -> Result<Option<String>> {
    Ok(optional_text("address", given, MAX_ADDRESS)?)
}

fn phone(given: Option<&str>) -> Result<Option<String>> {
    Ok(optional_text("phone", given, MAX_PHONE)?)
}

fn email(given: Option<&str>) -> Result<Option<String>> {
    let given = given.map(str::trim).filter(|text| !text.is_empty());
    let checked = given.map(str::parse::<EmailAddress>).transpose()?;
    Ok(checked.map(|address| address.as_str().to_owned()))
}

/// A change of a text that may be left out; an empty one clears it.
fn checked(given: Patch<String>, check: fn(Option<&str>) -> Result<Option<String>>) -> Result<Patch<String>> {
    Ok(match given {
        Patch::Set(text) => check(Some(&text))?.map_or(Patch::Clear, Patch::Set),
        other => other,
    })
}

fn view(outlet: &Outlet) -> Value {
    json!({
        "outlet_id": outlet.id,
        "name": outlet.name,
        "address": outlet.address,
        "phone": outlet.phone,
        "email": outlet.email,
        "created_at": outlet.created_at,
        "updated_at": outlet.updated_at,
    })
}
