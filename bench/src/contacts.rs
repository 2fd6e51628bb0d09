//! An agent with a million contacts: how long its lists and its contacts take to read, how many new ones it takes in, and
//! how fast a table of them is read.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::{Days, NaiveDate};
use http_body_util::Full;
use hyper::{Method, Request};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    Bench, Result,
    api::Api,
    fill::remove,
    load::{self, Calls, Outcome, Plan, Target},
    report::{Section, at},
    server::{Embedding, Server, Setup, copy},
};

/// Contacts of the agent, and rows of the table whose reading has a goal.
const CONTACTS: (usize, usize) = (1_000_000, 20_000);
const ROWS: (usize, usize) = (100_000, 5_000);
/// Rows of the tables that the rest comes in.
const PART: usize = 300_000;
/// An open key may call 10,000 times an hour.
const KEYS: usize = 600;
const CONNECTIONS: usize = 64;
const PATIENCE: Duration = Duration::from_secs(3600);
const FACTS: &str = "contacts.json";
/// Changes when the folder must be made anew.
const VERSION: u8 = 1;

/// What a filled folder is asked by.
#[derive(Clone, Deserialize, Serialize)]
struct Filled {
    agent: String,
    /// An agent without contacts.
    empty: String,
    keys: Vec<(String, String)>,
    empty_keys: Vec<(String, String)>,
    ids: Vec<String>,
    /// Seconds that the first table took, and rows a second of the last.
    first_table: f64,
    last_rate: f64,
    last_before: usize,
}

/// Measures with SQLite, and with PostgreSQL where an address of one is given.
pub async fn measure(bench: &Bench) -> Result<Section> {
    let contacts = bench.pick(CONTACTS.0, CONTACTS.1);
    let mut section =
        Section::new(&format!("An agent with {contacts} contacts, {CONNECTIONS} callers at once"));
    on(bench, &mut section, contacts, None).await?;
    if let Some(server) = bench.postgres.as_deref() {
        on(bench, &mut section, contacts, Some(server)).await?;
    }
    Ok(section)
}

async fn on(bench: &Bench, section: &mut Section, contacts: usize, postgres: Option<&str>) -> Result<()> {
    let database = if postgres.is_some() { "PostgreSQL" } else { "SQLite" };
    let kept = bench.folder.join(format!("contacts-{VERSION}-{contacts}-{}", database.to_lowercase()));
    let setup = |folder: &std::path::Path| -> Setup {
        let mut setup = Setup::new(folder.to_owned(), None, Embedding::None);
        setup.settings = vec![("FRONTDESK_MAX_UPLOAD_MB", "512".to_owned())];
        if let Some(server) = postgres {
            setup.settings.push(("FRONTDESK_DATABASE_URL", format!("{server}/frontdesk_bench_{contacts}")));
        }
        setup
    };
    if !kept.join(FACTS).exists() {
        eprintln!("bench: filling an agent with {contacts} contacts on {database} …");
        remove(&kept)?;
        if let Some(server) = postgres {
            create_database(server, &format!("frontdesk_bench_{contacts}"))?;
        }
        fill(bench, &setup(&kept), contacts).await?;
    }
    let filled: Filled = serde_json::from_slice(&fs::read(kept.join(FACTS))?)?;
    // New contacts are made in a copy; a database of PostgreSQL grows a little with each run.
    let folder = bench.folder.join("contacts");
    remove(&folder)?;
    copy(&kept, &folder)?;
    let server = Server::start(bench, &setup(&folder)).await?;
    let rows = bench.pick(ROWS.0, ROWS.1);
    section.at_most(&format!("{database}: a table of {rows} contacts read"), 60.0, filled.first_table, " s");
    section.plain(
        &format!("{database}: rows a second, {} contacts being there", filled.last_before),
        filled.last_rate,
        " a second",
    );
    for (name, has_goal, calls) in reads(&filled, contacts) {
        let outcome = run(bench, &server, Target::made(server.addr, calls)).await?;
        let (name_of, p99) = (format!("{database}: p99, {name}"), at(&outcome.latencies, 0.99));
        if has_goal {
            section.at_most(&name_of, 20.0, p99, " ms");
        } else {
            section.plain(&name_of, p99, " ms");
        }
        tell(section, &format!("{database}, {name}"), &outcome);
    }
    for (name, agent, keys) in [
        ("an agent without contacts", &filled.empty, &filled.empty_keys),
        ("the agent with all of them", &filled.agent, &filled.keys),
    ] {
        let outcome = run(bench, &server, Target::made(server.addr, creates(agent, keys.clone()))).await?;
        let label = format!("{database}: new contacts, {name}");
        match postgres {
            None => section.at_least(&label, 2_000.0, outcome.rate(), " a second"),
            Some(_) => section.plain(&label, outcome.rate(), " a second"),
        }
        tell(section, &format!("{database}, new contacts, {name}"), &outcome);
    }
    server.stop().await
}

fn tell(section: &mut Section, name: &str, outcome: &Outcome) {
    if let Some(error) = &outcome.first_error {
        section.at_most(&format!("failed, {name}: {error}"), 0.0, outcome.errors as f64, "");
    }
    let (p50, p99) = (at(&outcome.latencies, 0.5), at(&outcome.latencies, 0.99));
    section.note(format!(
        "{name}: {:.0} a second, p50 {p50:.1} ms, p99 {p99:.1} ms; processor time a call: {}",
        outcome.rate(),
        outcome.costs()
    ));
}

async fn run(bench: &Bench, server: &Server, target: Arc<Target>) -> Result<Outcome> {
    let plan = Plan {
        connections: CONNECTIONS,
        warm_up: Duration::from_secs(bench.pick(3, 1)),
        window: Duration::from_secs(bench.pick(10, 2)),
    };
    load::run(&target, plan, &[("server", server.pid()), ("bench", std::process::id())]).await
}

fn create_database(server: &str, name: &str) -> Result<()> {
    for statement in [format!("DROP DATABASE IF EXISTS {name}"), format!("CREATE DATABASE {name}")] {
        let done = std::process::Command::new("psql")
            .args([&format!("{server}/postgres"), "-qc", &statement])
            .output()
            .map_err(|error| format!("psql cannot be run: {error}"))?;
        if !done.status.success() {
            return Err(format!("psql: {}", String::from_utf8_lossy(&done.stderr)).into());
        }
    }
    Ok(())
}

async fn fill(bench: &Bench, setup: &Setup, contacts: usize) -> Result<()> {
    let workspace = setup.create_owner(bench).await?;
    let server = Server::start(bench, setup).await?;
    let api = Api::log_in(&bench.http, &server, &workspace).await?;
    let collection = api.collection().await?;
    let (agent, empty) = (api.agent(&collection).await?, api.agent(&collection).await?);
    let own = json!({ "fields": [
        { "name": "plan", "type": "select", "options": PLANS },
        { "name": "seats", "type": "number" },
    ]});
    for agent in [&agent, &empty] {
        api.put(&format!("agents/{agent}/contact-settings"), own.clone()).await?;
    }
    let first = bench.pick(ROWS.0, ROWS.1).min(contacts);
    let first_table = import(&api, &agent, 0, first).await?;
    let (mut done, mut last_rate, mut last_before) = (first, first as f64 / first_table, 0);
    while done < contacts {
        let some = PART.min(contacts - done);
        last_rate = some as f64 / import(&api, &agent, done, some).await?;
        last_before = done;
        done += some;
        eprintln!("bench: {done} contacts, {last_rate:.0} rows a second");
    }
    let mut filled = Filled {
        keys: keys(&api, &agent).await?,
        empty_keys: keys(&api, &empty).await?,
        agent,
        empty,
        ids: Vec::new(),
        first_table,
        last_rate,
        last_before,
    };
    filled.ids = ids(bench, &server, &filled, contacts).await?;
    server.stop().await?;
    Ok(fs::write(setup.data.join(FACTS), serde_json::to_vec(&filled)?)?)
}

/// Reads a table in; gives the seconds from its upload to its end.
async fn import(api: &Api, agent: &str, from: usize, rows: usize) -> Result<f64> {
    let mut table =
        "externalReferenceId,primaryEmail,firstName,lastName,mobileNumber,stage,plan,seats\n".to_owned();
    for nth in from..from + rows {
        let c = Person::nth(nth);
        table += &format!(
            "{},{},{},{},{},{},{},{}\n",
            c.reference, c.email, c.first, c.last, c.mobile, c.stage, c.plan, c.seats
        );
    }
    let started = Instant::now();
    api.import_contacts(agent, table.into_bytes(), PATIENCE).await?;
    Ok(started.elapsed().as_secs_f64())
}

async fn keys(api: &Api, agent: &str) -> Result<Vec<(String, String)>> {
    let mut keys = Vec::with_capacity(KEYS);
    for nth in 0..KEYS {
        keys.push(api.open_key(agent, &format!("Bench {nth}")).await?);
    }
    Ok(keys)
}

/// Ids from all over the list.
async fn ids(bench: &Bench, server: &Server, filled: &Filled, contacts: usize) -> Result<Vec<String>> {
    let pages = contacts / 100;
    let mut ids = Vec::new();
    for page in (1..=pages).step_by((pages / 200).max(1)) {
        let (key, secret) = &filled.keys[page % KEYS];
        let url = format!(
            "http://{}/v1/open/contacts/chatbots/{}?limit=100&page={page}",
            server.addr, filled.agent
        );
        let list = bench.http.get(url).header("x-api-key", key).header("x-api-secret", secret).send().await?;
        let list: Value = serde_json::from_str(&list.text().await?)?;
        ids.extend(
            list["data"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|c| Some(c["contactId"].as_str()?.to_owned())),
        );
    }
    if ids.len() < 100 { Err("the list of contacts holds too few".into()) } else { Ok(ids) }
}

/// The kinds of reading. The goal is for contacts and lists; what is searched for and filtered is told beside.
fn reads(filled: &Filled, contacts: usize) -> Vec<(&'static str, bool, Calls)> {
    let list = |query: fn(usize, usize) -> String| {
        let base = format!("/v1/open/contacts/chatbots/{}?", filled.agent);
        calls(filled, move |nth| base.clone() + &query(nth, contacts))
    };
    let (agent, ids) = (filled.agent.clone(), filled.ids.clone());
    let get = move |nth: usize| {
        let which = spread(nth);
        if nth.is_multiple_of(2) {
            format!("/v1/open/contacts/mantisid/{}/chatbots/{agent}", ids[which % ids.len()])
        } else {
            format!("/v1/open/contacts/crm-{}/chatbots/{agent}", which % contacts)
        }
    };
    vec![
        ("a contact by its id or reference", true, calls(filled, get)),
        ("the first pages of the list", true, list(|nth, _| format!("page={}", 1 + spread(nth) % 50))),
        (
            "pages from all over the list",
            true,
            list(|nth, contacts| format!("page={}", 1 + spread(nth) % (contacts / 20))),
        ),
        ("searches by name, address and number", false, list(search)),
        ("filters and orders", false, list(filter)),
        (
            "all of these by turns",
            false,
            list(|nth, contacts| match nth % 4 {
                0 => format!("page={}", 1 + spread(nth) % 50),
                1 => search(nth / 4, contacts),
                2 => filter(nth / 4, contacts),
                _ => format!("page={}", 1 + spread(nth) % (contacts / 20)),
            }),
        ),
    ]
}

fn search(nth: usize, contacts: usize) -> String {
    let c = Person::nth(spread(nth) % contacts);
    match nth % 6 {
        0 => format!("search={}+{}", c.first, c.last),
        1 => format!("search={}", c.email.replace('@', "%40")),
        2 => format!("search={}", c.last),
        3 => format!("search={}", c.mobile.replace('+', "%2B")),
        4 => format!("search={}", &c.first[..3]),
        _ => format!("search={}+{}", &c.first[..2], &c.last[..4]),
    }
}

fn filter(nth: usize, contacts: usize) -> String {
    let c = Person::nth(spread(nth) % contacts);
    match nth % 8 {
        0 => format!("stage={}", c.stage),
        1 => format!("customFields.plan={}&sort=createdAt", c.plan),
        2 => format!("stage={}&customFields.plan={}", c.stage, c.plan),
        3 => format!("customFields.seats={}", c.seats),
        4 => format!("sort=lastName&page={}", 1 + spread(nth) % 20),
        5 => format!("sort=-updatedAt&source=IMPORT&page={}", 1 + spread(nth) % 20),
        6 => format!("createdFrom={}", today_less(spread(nth) % 3)),
        _ => format!("status=ACTIVE&search={}", c.last),
    }
}

#[expect(clippy::disallowed_methods, reason = "a measurement is of the present")]
fn today_less(days: usize) -> String {
    let today = chrono::Utc::now().date_naive();
    today.checked_sub_days(Days::new(days as u64)).unwrap_or(NaiveDate::MIN).to_string()
}

fn calls(filled: &Filled, path: impl Fn(usize) -> String + Send + Sync + 'static) -> Calls {
    let keys = filled.keys.clone();
    Box::new(move |nth| Ok(proven(&keys, nth).uri(path(nth)).method(Method::GET).body(Full::default())?))
}

/// New contacts, none of which was there in this run or an earlier one.
#[expect(clippy::disallowed_methods, reason = "a measurement is of the present")]
fn creates(agent: &str, keys: Vec<(String, String)>) -> Calls {
    let path = format!("/v1/open/contacts/chatbots/{agent}");
    let run = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_millis());
    let made = AtomicUsize::new(0);
    Box::new(move |nth| {
        let c = Person::nth(spread(made.fetch_add(1, Ordering::Relaxed)));
        let body = json!({
            "primaryEmail": format!("{run}.{}", c.email), "externalReferenceId": format!("new-{run}-{nth}"), "firstName": c.first,
            "lastName": c.last, "mobileNumber": c.mobile, "stage": c.stage,
            "customFields": { "plan": c.plan, "seats": c.seats },
        });
        Ok(proven(&keys, nth).uri(&path).method(Method::POST).body(Full::from(body.to_string()))?)
    })
}

fn proven(keys: &[(String, String)], nth: usize) -> hyper::http::request::Builder {
    let (key, secret) = &keys[nth % keys.len()];
    Request::builder().header("x-api-key", key).header("x-api-secret", secret)
}

/// Numbers that are all over the place, the same in each run (the multiplier of Knuth's multiplicative hash).
fn spread(nth: usize) -> usize {
    (nth.wrapping_mul(2_654_435_761) >> 3) & 0x7fff_ffff
}

const PLANS: [&str; 3] = ["Free", "Team", "Business"];
const STAGES: [&str; 5] = ["LEAD", "QUALIFIED", "OPPORTUNITY", "CUSTOMER", "LOST"];

/// A contact like others: some 1,000 given and 4,000 family names.
struct Person {
    reference: String,
    email: String,
    first: String,
    last: String,
    mobile: String,
    stage: &'static str,
    plan: &'static str,
    seats: usize,
}

impl Person {
    fn nth(nth: usize) -> Self {
        let some = spread(nth.wrapping_add(77));
        let (first, last) = (name(some % 1_000), name(1_000 + (some / 1_000) % 4_000));
        Self {
            reference: format!("crm-{nth}"),
            email: format!("{}.{}{nth}@example{}.com", first.to_lowercase(), last.to_lowercase(), some % 50),
            mobile: format!("+4791{:06}", nth % 1_000_000),
            stage: STAGES[some % 5],
            plan: PLANS[(some / 7) % 3],
            seats: some % 500,
            first,
            last,
        }
    }
}

/// A name of three syllables.
fn name(nth: usize) -> String {
    const SYLLABLES: [&str; 18] = [
        "an", "be", "chi", "da", "el", "fre", "gu", "ha", "in", "jo", "ka", "li", "mo", "na", "or", "pe",
        "ri", "so",
    ];
    let parts = [nth % 18, (nth / 18) % 18, (nth / 324) % 18].map(|at| SYLLABLES[at]);
    let mut name = parts.concat();
    name[..1].make_ascii_uppercase();
    name
}
