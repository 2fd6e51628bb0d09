//! What topics are about: each one's subject.
//!
//! To gather topics into subjects takes all of their wordings and vectors, for two thousand topics some tenths of a
//! second, and an hour's questions hardly change it. So subjects are kept for a time in proportion to what it took to
//! find them: a small workspace sees those of this moment, and a large one spends a fiftieth of a core at most.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use retrieval::{Middle, Weighed};

use super::{
    WORKSPACES,
    store::{self, BETWEEN, Placed},
};
use crate::{App, Error, Result, Tenant, TopicId};

/// How many times as long as it took to find them subjects are kept.
const KEPT: u32 = 50;

/// The subjects of workspaces, as they were found last.
#[derive(Default)]
pub struct Subjects(Mutex<HashMap<Tenant, Arc<Slot>>>);

#[derive(Default)]
struct Slot {
    /// Who looks has this.
    looking: tokio::sync::Mutex<()>,
    found: Mutex<Option<Found>>,
}

#[derive(Clone)]
struct Found {
    until: Instant,
    names: Arc<HashMap<TopicId, String>>,
}

impl Subjects {
    /// A workspace's topics were made anew.
    pub(super) fn forget(&self, tenant: &Tenant) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(tenant);
    }

    fn of(&self, tenant: &Tenant) -> Arc<Slot> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= WORKSPACES && !all.contains_key(tenant) {
            all.clear();
        }
        all.entry(tenant.clone()).or_default().clone()
    }
}

impl Slot {
    fn found(&self) -> Option<Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The name of each topic's subject, for topics that have one. While somebody looks anew, others get what was found
/// before.
///
/// # Errors
/// What the database says.
pub(in crate::analytics) async fn subjects(
    app: &App,
    tenant: &Tenant,
) -> Result<Arc<HashMap<TopicId, String>>> {
    let slot = app.subjects.of(tenant);
    let before = slot.found();
    let _looking = match (slot.looking.try_lock(), before) {
        (Ok(turn), _) => turn,
        (Err(_), Some(found)) => return Ok(found.names),
        (Err(_), None) => slot.looking.lock().await,
    };
    if let Some(found) = slot.found().filter(|found| Instant::now() < found.until) {
        return Ok(found.names);
    }
    let (names, took) = look(app, tenant).await?;
    let found = Found { until: Instant::now() + took * KEPT, names: Arc::new(names) };
    *slot.found.lock().unwrap_or_else(PoisonError::into_inner) = Some(found.clone());
    Ok(found.names)
}

async fn look(app: &App, tenant: &Tenant) -> Result<(HashMap<TopicId, String>, Duration)> {
    let started = Instant::now();
    let topics = store::placed(&mut app.db.read().await?, tenant).await?;
    let naming = tokio::task::spawn_blocking(move || named(topics));
    let names = naming.await.map_err(Error::internal)?;
    Ok((names, started.elapsed()))
}

fn named(topics: Vec<Placed>) -> HashMap<TopicId, String> {
    let place = |topic: Placed| Middle::decode(&topic.middle).map(|middle| (middle.unit(), topic));
    let placed: Vec<(Vec<f32>, Placed)> = topics.into_iter().filter_map(place).collect();
    let groups: Vec<Weighed<'_>> = placed
        .iter()
        .map(|(vector, topic)| {
            let wordings = topic.wordings.split(BETWEEN).filter(|wording| !wording.is_empty()).collect();
            Weighed { wordings, vector, count: topic.asked }
        })
        .collect();
    let subjects = retrieval::subjects(&groups);
    let of = |subject: retrieval::Subject| {
        let name = subject.name;
        subject.groups.into_iter().map(move |n| (n, name.clone()))
    };
    subjects.into_iter().flat_map(of).map(|(n, name)| (placed[n].1.id.clone(), name)).collect()
}
