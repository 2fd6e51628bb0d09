//! How fast reports are over much that was said: the roll-ups hold what ten million messages of ninety days leave
//! there, by twenty agents and in two thousand topics, and four people look at reports at once.

use std::{fs, time::Duration};

use chrono::{Datelike, Days, NaiveDate};
use store::Value;

use crate::{
    Bench, Result,
    api::Api,
    load::{self, Plan, Target},
    report::{Section, at},
    rows,
    server::{Embedding, Server, Setup},
};

/// Questions and answers, each counted.
const MESSAGES: i64 = 10_000_000;
const AGENTS: i64 = 20;
/// The period before the longest one is looked at as well.
const DAYS: u64 = 180;
const TOPICS: i64 = 2_000;
const WORDINGS: i64 = 10;
const CHANNELS: [&str; 2] = ["widget", "api"];
/// People who look at reports at once.
const PEOPLE: usize = 4;
const GOAL: f64 = 100.0;

/// Fills the roll-ups and asks for each report.
pub async fn measure(bench: &Bench) -> Result<Section> {
    let mut section = Section::new("Reports over ten million messages");
    let setup = Setup::new(bench.folder.join("analytics"), None, Embedding::None);
    if setup.data.exists() {
        fs::remove_dir_all(&setup.data)?;
    }
    let workspace = setup.create_owner(bench).await?;
    let filled = fill(&setup, &workspace).await?;
    section.note(filled);
    let server = Server::start(bench, &setup).await?;
    let api = Api::log_in(&bench.http, &server, &workspace).await?;
    for days in [7, 30, 90] {
        for report in ["overview", "conversations", "questions", "unanswered"] {
            let query = if report == "unanswered" { String::new() } else { format!("?days={days}") };
            if query.is_empty() && days != 7 {
                continue;
            }
            let path = format!("/api/v1/workspaces/{workspace}/analytics/{report}{query}");
            let target = Target::json(server.addr, path, Some(&api.token));
            let plan = Plan {
                connections: PEOPLE,
                warm_up: Duration::from_secs(1),
                window: Duration::from_secs(bench.pick(8, 2)),
            };
            let outcome = load::run(&target, plan, &[("server", server.pid())]).await?;
            section.plain(&format!("p50, {report}{query}"), at(&outcome.latencies, 0.5), " ms");
            section.at_most(&format!("p99, {report}{query}"), GOAL, at(&outcome.latencies, 0.99), " ms");
            section.at_most(&format!("failed, {report}{query}"), 0.0, outcome.errors as f64, "");
        }
    }
    section.note(format!("{PEOPLE} people ask at once, each again as soon as there is an answer"));
    server.stop().await?;
    Ok(section)
}

/// The last days up to today, latest last.
fn days() -> Result<Vec<String>> {
    let today: NaiveDate = crate::report::today().split(' ').next().unwrap_or_default().parse()?;
    let day = |back: u64| today.checked_sub_days(Days::new(back)).map(|day| day.to_string());
    (0..DAYS).rev().map(|back| day(back).ok_or_else(|| "there is no such day".into())).collect()
}

fn is_monday(day: &str) -> bool {
    day.parse().is_ok_and(|day: NaiveDate| day.weekday() == chrono::Weekday::Mon)
}

fn agent(n: i64) -> String {
    format!("agent_{n:024}")
}

async fn fill(setup: &Setup, workspace: &str) -> Result<String> {
    let db = rows::open(&setup.data).await?;
    let days = days()?;
    // Half of the days are the ninety that the longest report is about.
    let each_day = MESSAGES / 2 / 90;
    let each = each_day / AGENTS / 2;
    let numbers = |exchanges: i64| -> Vec<Value> {
        let parts = [exchanges / 5, exchanges, exchanges * 4 / 5, exchanges * 900, exchanges * 700_000];
        let rest =
            [exchanges / 20, exchanges / 60, exchanges / 90, exchanges / 80, exchanges / 6, exchanges * 20];
        parts.into_iter().chain(rest).map(Value::from).collect()
    };
    let day_rows = days.iter().flat_map(|day| {
        (0..AGENTS).flat_map(move |n| CHANNELS.map(|channel| (day.clone(), agent(n), channel)))
    });
    let day_rows = day_rows.map(|(day, agent, channel)| {
        let key = [workspace.into(), day.into(), agent.into(), channel.into()];
        key.into_iter().chain(numbers(each)).collect()
    });
    let mut told = vec![format!(
        "{} rows by day",
        rows::insert(&db, "INSERT INTO analytics_days (workspace_id, day, agent_id, channel, conversations, exchanges, answered, response_ms, confidence_millionths, thumbs_up, thumbs_down, escalations, leads, sittings, sitting_seconds) VALUES", day_rows).await?
    )];
    let hour_rows = days
        .iter()
        .flat_map(|day| (0..=AGENTS).flat_map(move |n| (0..24i64).map(move |hour| (day.clone(), n, hour))));
    let hour_rows = hour_rows.map(|(day, n, hour)| {
        let (agent, count) = if n == AGENTS { (String::new(), AGENTS) } else { (agent(n), 1) };
        let exchanges = count * each * 2 / 24;
        vec![
            workspace.into(),
            agent.into(),
            day.into(),
            hour.into(),
            (exchanges / 5).into(),
            exchanges.into(),
        ]
    });
    told.push(format!(
        "{} by hour",
        rows::insert(&db, "INSERT INTO analytics_hours (workspace_id, agent_id, day, hour, conversations, exchanges) VALUES", hour_rows).await?
    ));
    told.push(topics(&db, workspace, &days, each_day).await?);
    db.close().await;
    Ok(told.join(", "))
}

/// Topics as often asked as words are used: each half as often as the one of half its rank (Zipf).
async fn topics(db: &store::Db, workspace: &str, days: &[String], each_day: i64) -> Result<String> {
    let id = |n: i64| format!("topic_{n:024}");
    let now: Value = chrono::DateTime::from_timestamp(1_790_000_000, 0).ok_or("a moment")?.into();
    let weights: f64 = (1..=TOPICS).map(|rank| 1.0 / rank as f64).sum();
    let asked = |n: i64| ((each_day as f64 / weights / (n + 1) as f64) as i64).max(1);
    let topic_rows = (0..TOPICS).map(|n| {
        let middle: Vec<u8> = vector(n).into_iter().flat_map(f32::to_le_bytes).collect();
        vec![id(n).into(), workspace.into(), middle.into(), (asked(n) * 180).into(), now.clone(), now.clone()]
    });
    let topics = rows::insert(
        db,
        "INSERT INTO topics (id, workspace_id, middle, asked, first_asked, last_asked) VALUES",
        topic_rows,
    )
    .await?;
    let wording_rows = (0..TOPICS * WORDINGS).map(|n| {
        let wording = format!("How does subject number {} behave in case {n}?", n / WORDINGS);
        vec![
            workspace.into(),
            format!("{n:064}").into(),
            id(n / WORDINGS).into(),
            wording.into(),
            (n % 7).into(),
            0.9.into(),
        ]
    });
    let wordings = rows::insert(
        db,
        "INSERT INTO topic_wordings (workspace_id, spelling, topic_id, wording, asked, closeness) VALUES",
        wording_rows,
    )
    .await?;
    // Each agent's share of the frequent ones, and all agents together; of each week as much as of its days.
    let weeks: Vec<String> = days.iter().filter(|day| is_monday(day)).cloned().collect();
    let rows_of = |days: &[String], times: i64| {
        let days = days.to_vec();
        (0..TOPICS).flat_map(move |n| {
            let agents = if n < TOPICS / 10 { AGENTS } else { 2 };
            let days = days.clone();
            (0..=agents).flat_map(move |k| {
                let (agent, count) = if k == agents {
                    (String::new(), asked(n))
                } else {
                    (agent(k), (asked(n) / agents).max(1))
                };
                let numbers =
                    [count, count * 4 / 5, count * 700_000].map(|number| Value::from(number * times));
                let key =
                    move |day: String| [workspace.into(), agent.clone().into(), id(n).into(), day.into()];
                days.clone().into_iter().map(move |day| key(day).into_iter().chain(numbers.clone()).collect())
            })
        })
    };
    let by_day = rows::insert(db, "INSERT INTO topic_days (workspace_id, agent_id, topic_id, day, asked, answered, confidence_millionths) VALUES", rows_of(days, 1)).await?;
    let by_week = rows::insert(db, "INSERT INTO topic_weeks (workspace_id, agent_id, topic_id, day, asked, answered, confidence_millionths) VALUES", rows_of(&weeks, 7)).await?;
    Ok(format!("{topics} topics with {wordings} wordings, {by_day} rows by day and {by_week} by week"))
}

/// A unit vector that is another for each topic, some of them near each other.
fn vector(n: i64) -> Vec<f32> {
    let wave = |at: usize| {
        ((n / 40 + 1) as f32 * 0.37 * at as f32).sin() + 0.8 * ((n + 3) as f32 * 0.91 * at as f32).cos()
    };
    let vector: Vec<f32> = (0..retrieval::DIMENSIONS).map(wave).collect();
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    vector.into_iter().map(|x| x / length).collect()
}
