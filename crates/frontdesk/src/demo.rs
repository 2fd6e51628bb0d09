//! `frontdesk demo`: a server with a shop's help centre in it, and one question to show that it works.

use std::{
    fs,
    io::{IsTerminal, Write},
    path::Path,
    sync::OnceLock,
    time::Duration,
};

use axum::{Router, extract::State, response::Html, routing::get};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use platform::{
    Actor, AgentId, App, CollectionId, Error, Page, Result, Tenant,
    agents::{self, AgentType, AppearancePatch, GreetingPatch, NewAgent, SettingsPatch},
    identity::{self, Password, SignUp},
    knowledge::{self, DocumentStatus, Filter, NewDocument, Source},
    workspaces::{self, NewWorkspace},
};
use rust_embed::RustEmbed;
use serde::Deserialize;
use serde_json::{Value, json};
use sse_stream::SseStream;

use crate::{serve::Server, settings::Settings};

/// The demo's own folder carries this file, so that no other is ever emptied.
const MARKER: &str = "this-is-a-frontdesk-demo";
/// Where the widget goes on the shop's page.
const PLACE: &str = "<!-- frontdesk:widget -->";
const EMAIL: &str = "owner@nordlys.example";

#[derive(RustEmbed)]
#[folder = "../../demo"]
#[include = "index.html"]
#[include = "agent.json"]
#[include = "documents/*"]
struct Files;

#[derive(Deserialize)]
struct Persona {
    name: String,
    description: String,
    greeting_message: String,
    fallback_message: String,
    suggested_questions: Vec<String>,
    primary_color: String,
}

/// What the demo made, for whoever looks at it next.
struct Made {
    tenant: Tenant,
    agent: AgentId,
    key: String,
    password: String,
}

static MADE: OnceLock<Made> = OnceLock::new();

/// Starts a server on a fresh folder, fills it, asks one question, and goes on serving.
///
/// # Errors
/// When the folder is not the demo's own, or the server cannot start.
pub async fn demo(mut settings: Settings) -> Result<()> {
    settings.data_dir.get_or_insert_with(|| "demo-data".into());
    let config = settings.check()?;
    empty(&config.data_dir)?;
    let server = Server::open(config).await?;
    let app = server.app.clone();
    app.tasks.clone().spawn(async move {
        if let Err(error) = show(&app).await {
            tracing::error!(%error, "the demo failed");
            app.stopping.cancel();
        }
    });
    server.run(Router::new().route("/demo", get(page))).await
}

fn empty(folder: &Path) -> Result<()> {
    let refuse = |why: String| Error::invalid("FRONTDESK_DATA_DIR", format!("{}: {why}", folder.display()));
    if folder.join(MARKER).exists() {
        fs::remove_dir_all(folder).map_err(|e| refuse(e.to_string()))?;
    } else if fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(refuse("holds something else than an earlier demo; name an empty folder".into()));
    }
    fs::create_dir_all(folder).map_err(|e| refuse(e.to_string()))?;
    fs::write(folder.join(MARKER), "").map_err(|e| refuse(e.to_string()))
}

async fn show(app: &App) -> Result<()> {
    let persona: Persona = serde_json::from_slice(&file("agent.json")?)?;
    let made = make(app, &persona).await?;
    let made = MADE.get_or_init(|| made);
    wait(app, &made.tenant).await?;
    let base = app.config.public_url.as_str().trim_end_matches('/');
    if let Some(question) = persona.suggested_questions.first() {
        ask(app, base, made, question).await?;
    }
    let facts = json!({
        "url": base, "agent_id": made.agent, "workspace_id": made.tenant.id(), "api_key": made.key,
        "email": EMAIL, "password": made.password,
    });
    fs::write(app.config.data_dir.join("demo.json"), facts.to_string()).map_err(Error::internal)?;
    println!("\n  The shop, with the widget   {base}/demo");
    println!("  The share page              {base}/chat/{}", made.agent);
    println!("  The console                 {base}/console/login");
    println!("                              {EMAIL}  {}", made.password);
    println!("\n  The server goes on running; Ctrl-C stops it.");
    Ok(())
}

async fn make(app: &App, persona: &Persona) -> Result<Made> {
    let password = app.entropy.token()[..16].to_owned();
    let form = SignUp {
        email: EMAIL.parse()?,
        password: Password::new(password.clone())?,
        full_name: "Demo Owner".into(),
    };
    let user = identity::create_verified(app, form).await?;
    let form = NewWorkspace {
        name: "Nordlys Outdoor".into(),
        timezone: workspaces::timezone("Europe/Oslo")?,
        settings: serde_json::Map::new(),
    };
    let by = Actor::system();
    let tenant = workspaces::create(app, &user, form, &by).await?.tenant();
    let name = "Help centre".to_owned();
    let collection = knowledge::create_collection(app, &tenant, &by, name, None).await?;
    for path in Files::iter().filter(|path| path.starts_with("documents/")) {
        upload(app, &tenant, &collection.id, &path).await?;
    }
    let agent = agent(app, &tenant, collection.id, persona).await?;
    let key = workspaces::create_key(app, &tenant, &by, "Demo page".into(), Vec::new()).await?;
    Ok(Made { tenant, agent, key: key.secret, password })
}

async fn upload(app: &App, tenant: &Tenant, collection: &CollectionId, path: &str) -> Result<()> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let bytes = stream::iter([Ok::<_, std::convert::Infallible>(Bytes::from(file(path)?))]);
    let upload = knowledge::receive(app, tenant, name, bytes).await?;
    let form = NewDocument { collection: collection.clone(), title: Some(title(name)), source: Source::File };
    knowledge::accept(app, tenant, &Actor::system(), upload, form).await.map(drop)
}

/// `price-list.csv` becomes `Price list`.
fn title(file_name: &str) -> String {
    let words = file_name.rsplit_once('.').map_or(file_name, |(stem, _)| stem).replace(['-', '_'], " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or(words)
}

async fn agent(app: &App, tenant: &Tenant, collection: CollectionId, persona: &Persona) -> Result<AgentId> {
    let settings = SettingsPatch {
        greeting_message: Some(persona.greeting_message.clone()),
        fallback_message: Some(persona.fallback_message.clone()),
        collection_ids: Some(vec![collection]),
        appearance: Some(AppearancePatch {
            primary_color: Some(persona.primary_color.clone()),
            ..AppearancePatch::default()
        }),
        greeting: Some(GreetingPatch {
            suggested_questions: Some(persona.suggested_questions.clone()),
            ..GreetingPatch::default()
        }),
        ..SettingsPatch::default()
    };
    let form = NewAgent {
        name: persona.name.clone(),
        description: Some(persona.description.clone()),
        agent_type: AgentType::Support,
        settings,
    };
    let agent = agents::create(app, tenant, &Actor::system(), form).await?;
    agents::publish(app, tenant, &Actor::system(), &agent.id).await?;
    Ok(agent.id)
}

/// Waits until every document has been read.
async fn wait(app: &App, tenant: &Tenant) -> Result<()> {
    let screen = std::io::stdout().is_terminal();
    println!("  Reading the demo's documents …");
    loop {
        let page = Page { limit: 100, offset: 0 };
        let documents = knowledge::list(app, tenant, Filter::default(), page).await?;
        let count =
            |status: DocumentStatus| documents.items.iter().filter(|d| d.status == status.as_str()).count();
        let done = count(DocumentStatus::Completed) + count(DocumentStatus::Failed);
        if screen {
            print!("\r  {done} of {}", documents.total);
            std::io::stdout().flush().ok();
        }
        if done as i64 == documents.total {
            println!("\r  {done} documents are in.");
            for failed in documents.items.iter().filter(|d| d.status == DocumentStatus::Failed.as_str()) {
                println!(
                    "  {} FAILED: {}",
                    failed.title,
                    failed.error_message.as_deref().unwrap_or_default()
                );
            }
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Asks over HTTP, as the widget does, and prints the answer as it streams in.
async fn ask(app: &App, base: &str, made: &Made, question: &str) -> Result<()> {
    println!("\n  Question: {question}\n");
    let body = json!({ "agent_id": made.agent, "session_id": "sess_demo_terminal", "message": question });
    let response = app
        .http
        .post(format!("http://{}/api/v1/widget/chat", app.config.listen))
        .header("x-api-key", &made.key)
        .header("origin", base)
        .json(&body)
        .send()
        .await
        .map_err(Error::internal)?;
    let mut events = SseStream::from_bytes_stream(response.bytes_stream()).boxed();
    while let Some(event) = events.next().await {
        let data = event.map_err(Error::internal)?.data.unwrap_or_default();
        if !data.is_empty() {
            print_frame(&serde_json::from_str(&data)?);
        }
    }
    Ok(())
}

fn print_frame(frame: &Value) {
    match frame["type"].as_str() {
        Some("token") => print!("{}", frame["content"].as_str().unwrap_or_default()),
        Some("sources") => {
            println!("\n");
            for source in frame["sources"].as_array().into_iter().flatten() {
                let page = source["page"].as_i64().map(|page| format!(", page {page}")).unwrap_or_default();
                println!(
                    "  [{}] {}{page}: “{}”",
                    source["citation"],
                    text(source, "title"),
                    text(source, "quote")
                );
            }
        }
        Some("done") => println!(
            "\n  Confidence {:.2}, by {}",
            frame["confidence"].as_f64().unwrap_or(0.0),
            text(frame, "model")
        ),
        Some("error") => println!("{}", text(frame, "message")),
        _ => {}
    }
    std::io::stdout().flush().ok();
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

/// `GET /demo`: the shop's page with the widget on it.
async fn page(State(app): State<App>) -> web::Result<Html<String>> {
    let made =
        MADE.get().ok_or_else(|| Error::not_found("The demo is still being made. Try again in a moment."))?;
    let html = String::from_utf8(file("index.html")?).map_err(Error::internal)?;
    let base = app.config.public_url.as_str().trim_end_matches('/');
    Ok(Html(html.replace(PLACE, &chat::tag(base, &made.agent, &made.key))))
}

fn file(path: &str) -> Result<Vec<u8>> {
    let file = Files::get(path).ok_or_else(|| Error::internal(format!("the demo lacks {path}")))?;
    Ok(file.data.into_owned())
}
