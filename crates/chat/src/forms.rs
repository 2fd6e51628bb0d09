//! The public page of a form, which works without a script, and the script that puts it on another page.
//!
//! Against programs that fill in forms: a field that people do not see, a signed note of when the page was given out
//! (nobody is done within two seconds, nor after a day), and a limit by address. No third party is asked.

use std::collections::HashMap;

use askama::Template;
use axum::{
    Form as Body,
    extract::{State, rejection::FormRejection},
    response::{Html, IntoResponse, Response},
};
use http::{
    HeaderMap, StatusCode,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERER},
};
use platform::{
    App, Error, FormId, Kind, Violation,
    fields::{Field, FieldType},
    forms::{self, Form},
};
use serde_json::{Map, Value};
use web::{Client, Path, Result};

/// Scripts, styles and the form's own address are this server's; any page may show it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; base-uri 'none'; form-action 'self'; \
                      frame-ancestors *";
/// The field that people do not see.
const TRAP: &str = "company_website_url";
/// The signed note of when the page was given out.
const STAMP: &str = "_stamp";
/// The page that showed the form.
const PAGE: &str = "_page";

#[derive(Template)]
#[template(path = "form.html")]
struct FormPage<'a> {
    form: &'a Form,
    fields: Vec<Shown<'a>>,
    stamp: String,
    page: String,
    /// What is wrong with the whole; what is wrong with a field stands there.
    problem: Option<String>,
}

/// A field as it stands on the page.
struct Shown<'a> {
    field: &'a Field,
    value: String,
    problem: Option<String>,
}

impl Shown<'_> {
    /// The type of its `input`.
    fn input(&self) -> &'static str {
        match self.field.kind {
            FieldType::Email => "email",
            FieldType::Phone => "tel",
            FieldType::Number => "number",
            FieldType::Date => "date",
            FieldType::Checkbox => "checkbox",
            FieldType::Text | FieldType::Textarea | FieldType::Select => "text",
        }
    }

    fn is(&self, kind: &str) -> bool {
        match self.field.kind {
            FieldType::Textarea => kind == "textarea",
            FieldType::Select => kind == "select",
            FieldType::Checkbox => kind == "checkbox",
            _ => kind == "input",
        }
    }
}

#[derive(Template)]
#[template(path = "form_sent.html")]
struct SentPage<'a> {
    form: &'a Form,
}

#[derive(Template)]
#[template(path = "form_missing.html")]
struct MissingPage;

/// `GET /f/{form_id}`
pub async fn page(State(app): State<App>, Path(id): Path<String>, headers: HeaderMap) -> Result<Response> {
    let Some(form) = found(&app, &id).await? else { return missing() };
    let page = headers.get(REFERER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    show(&app, StatusCode::OK, &form, &HashMap::from([(PAGE.to_owned(), page.to_owned())]), (None, &[]))
}

/// `POST /f/{form_id}`
pub async fn submit(
    State(app): State<App>,
    Path(id): Path<String>,
    client: Client,
    sent: std::result::Result<Body<HashMap<String, String>>, FormRejection>,
) -> Result<Response> {
    let Some(form) = found(&app, &id).await? else { return missing() };
    let Ok(Body(sent)) = sent else {
        return show(&app, StatusCode::BAD_REQUEST, &form, &HashMap::new(), (Some(UNREADABLE.into()), &[]));
    };
    // Whoever fills in what nobody sees is told that all is well, and learns nothing.
    if sent.get(TRAP).is_some_and(|text| !text.is_empty()) {
        return thank(&form);
    }
    if !forms::is_timely(&app, &form.id, sent.get(STAMP).map(String::as_str).unwrap_or_default()) {
        return show(&app, StatusCode::BAD_REQUEST, &form, &sent, (Some(UNTIMELY.into()), &[]));
    }
    let own = |name: &&String| ![TRAP, STAMP, PAGE].contains(&name.as_str());
    let answers: Map<String, Value> = sent
        .iter()
        .filter(|(name, _)| own(name))
        .map(|(name, text)| (name.clone(), text.as_str().into()))
        .collect();
    let from = sent.get(PAGE).filter(|page| !page.is_empty()).map(|page| page.chars().take(2_000).collect());
    match forms::submit_publicly(&app, &form.id, client.0, (&answers, from)).await {
        Ok(_) => thank(&form),
        Err(error) if error.kind == Kind::Internal => Err(error.into()),
        Err(error) => {
            let status = if error.kind == Kind::Limited {
                StatusCode::TOO_MANY_REQUESTS
            } else {
                StatusCode::BAD_REQUEST
            };
            let problem = error.violations.is_empty().then(|| error.message.to_string());
            show(&app, status, &form, &sent, (problem, &error.violations))
        }
    }
}

const UNREADABLE: &str = "The form could not be read. Please send it again.";
const UNTIMELY: &str =
    "The form was sent too quickly, or the page is older than a day. Please send it once more.";

async fn found(app: &App, id: &str) -> Result<Option<Form>> {
    let Ok(id) = id.parse::<FormId>() else { return Ok(None) };
    match forms::public(app, &id).await {
        Ok((_, form)) => Ok(Some(form)),
        Err(error) if error.kind == Kind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn shown<'a>(field: &'a Field, sent: &HashMap<String, String>, violations: &[Violation]) -> Shown<'a> {
    let wrong = violations.iter().find(|violation| violation.field == field.name);
    Shown {
        field,
        value: sent.get(&field.name).cloned().unwrap_or_default(),
        problem: wrong.map(|violation| violation.message.replacen(&field.name, field.title(), 1)),
    }
}

fn show(
    app: &App,
    status: StatusCode,
    form: &Form,
    sent: &HashMap<String, String>,
    (problem, violations): (Option<String>, &[Violation]),
) -> Result<Response> {
    let page = FormPage {
        form,
        fields: form.fields.iter().map(|field| shown(field, sent, violations)).collect(),
        stamp: forms::stamp(app, &form.id)?,
        page: sent.get(PAGE).cloned().unwrap_or_default(),
        problem,
    };
    Ok(respond(status, page.render().map_err(Error::internal)?))
}

fn thank(form: &Form) -> Result<Response> {
    Ok(respond(StatusCode::OK, SentPage { form }.render().map_err(Error::internal)?))
}

fn missing() -> Result<Response> {
    Ok(respond(StatusCode::NOT_FOUND, MissingPage.render().map_err(Error::internal)?))
}

fn respond(status: StatusCode, page: String) -> Response {
    let headers = [(CACHE_CONTROL, "no-store"), (CONTENT_SECURITY_POLICY, POLICY)];
    (status, headers, Html(page)).into_response()
}

/// `GET /form.js`
pub async fn script() -> impl IntoResponse {
    let headers = [(CONTENT_TYPE, "text/javascript; charset=utf-8"), (CACHE_CONTROL, "public, max-age=300")];
    (headers, include_str!("../templates/form.js"))
}

/// `GET /form.css`
pub async fn style() -> impl IntoResponse {
    let headers = [(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, "public, max-age=300")];
    (headers, include_str!("../templates/form.css"))
}
