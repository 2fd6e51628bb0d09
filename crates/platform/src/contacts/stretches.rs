//! Listed contacts by stretches of their ids: a page far down a list of a million begins near its first row.
//!
//! Ids grow with time, so new contacts count in the last stretch, and when that is full begin the next. What else changes
//! is counted with the agent's contacts; until that count moves, the stretches are known without being read, the last one
//! by what the others leave of all.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ::store::{Read, Write, sql};

use super::{
    list::Direction,
    store::{self, Counts},
};
use crate::{AgentId, Result, Tenant};

/// Contacts of a stretch, about.
const STRETCH: i64 = 1_000;
/// Agents whose stretches are kept at most: a million contacts have a thousand, which take some 50 KB.
const AGENTS: usize = 1_000;

/// Counts contacts that are listed from now on. Whoever calls this has the agent's count locked.
pub(super) async fn add(db: &mut Write, tenant: &Tenant, agent: &AgentId, mut ids: Vec<&str>) -> Result<()> {
    ids.sort_unstable();
    let Some(first) = ids.first().copied() else { return Ok(()) };
    let last: Option<(String, i64)> = db
        .optional(sql!(
            "SELECT first_id, live FROM contact_stretches WHERE workspace_id = $1 AND agent_id = $2
             ORDER BY first_id DESC LIMIT 1",
            tenant,
            agent
        ))
        .await?;
    let begins = match &last {
        None => Some(""),
        Some((begin, live)) if *live >= STRETCH && first > begin.as_str() => {
            let behind = db
                .count(sql!(
                    "SELECT count(*) FROM (SELECT id FROM contacts WHERE workspace_id = $1 AND agent_id = $2
                     AND archived_at IS NULL AND id >= $3 LIMIT $4) newest",
                    tenant,
                    agent,
                    first,
                    ids.len() as i64 + 1
                ))
                .await?;
            (behind == ids.len() as i64).then_some(first)
        }
        Some(_) => None,
    };
    if let Some(begin) = begins {
        changed(db, tenant, agent).await?;
        return put(db, tenant, agent, (begin, ids.len() as i64)).await;
    }
    let begin = last.map(|(begin, _)| begin).unwrap_or_default();
    let in_last = ids.iter().filter(|id| **id >= begin.as_str()).count();
    put(db, tenant, agent, (&begin, in_last as i64)).await?;
    for id in ids.iter().filter(|id| **id < begin.as_str()) {
        change(db, tenant, agent, (id, 1)).await?;
    }
    Ok(())
}

async fn put(db: &mut Write, tenant: &Tenant, agent: &AgentId, (begin, more): (&str, i64)) -> Result<()> {
    db.execute(sql!(
        "INSERT INTO contact_stretches (agent_id, first_id, workspace_id, live) VALUES ($1, $2, $3, $4)
         ON CONFLICT (agent_id, first_id) DO UPDATE SET live = contact_stretches.live + excluded.live",
        agent,
        begin,
        tenant,
        more
    ))
    .await?;
    Ok(())
}

/// Counts a contact that is listed or is not any more, in the stretch that its id lies in.
pub(super) async fn change(
    db: &mut Write,
    tenant: &Tenant,
    agent: &AgentId,
    (id, more): (&str, i64),
) -> Result<()> {
    db.execute(sql!(
        "UPDATE contact_stretches SET live = live + $4 WHERE workspace_id = $1 AND agent_id = $2 AND first_id =
             (SELECT max(first_id) FROM contact_stretches WHERE workspace_id = $1 AND agent_id = $2 AND first_id <= $3)",
        tenant,
        agent,
        id,
        more
    ))
    .await?;
    changed(db, tenant, agent).await
}

async fn changed(db: &mut Write, tenant: &Tenant, agent: &AgentId) -> Result<()> {
    db.execute(sql!(
        "UPDATE contact_counts SET stretched = stretched + 1 WHERE workspace_id = $1 AND agent_id = $2",
        tenant,
        agent
    ))
    .await?;
    Ok(())
}

/// The stretches of agents, as they were read last.
#[derive(Default)]
pub struct Stretches(Mutex<HashMap<(Tenant, AgentId), Arc<Known>>>);

/// The stretches of an agent's contacts at one moment.
pub(super) struct Known {
    pub counts: Counts,
    /// Where each begins, in order, and how many are listed there; of the last, how many there were when it was read.
    stretches: Arc<[(String, i64)]>,
}

/// Where a page begins to be counted.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Edge {
    /// An id at the edge of a stretch; none at the list's own.
    pub id: Option<String>,
    /// How many contacts lie before it.
    pub passed: i64,
}

impl Stretches {
    /// As they were read last; what else is counted by now is another's.
    pub(super) fn known(&self, tenant: &Tenant, agent: &AgentId) -> Option<Arc<Known>> {
        self.lock().get(&(tenant.clone(), agent.clone())).cloned()
    }

    /// As they are.
    pub(super) async fn read(&self, db: &mut Read, tenant: &Tenant, agent: &AgentId) -> Result<Arc<Known>> {
        // Changes that come behind this are counted by the next who asks, and then the stretches are read again.
        let counts = store::counts(db, tenant, agent).await?;
        let before = self.known(tenant, agent).filter(|known| known.counts.stretched == counts.stretched);
        let stretches = match before {
            Some(known) => known.stretches.clone(),
            None => read(db, tenant, agent).await?.into(),
        };
        let known = Arc::new(Known { counts, stretches });
        let key = (tenant.clone(), agent.clone());
        let mut all = self.lock();
        if all.len() >= AGENTS && !all.contains_key(&key) {
            all.clear();
        }
        all.insert(key, known.clone());
        Ok(known)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(Tenant, AgentId), Arc<Known>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn read(db: &mut Read, tenant: &Tenant, agent: &AgentId) -> Result<Vec<(String, i64)>> {
    // In one row they cost about half of what they do in a thousand.
    let (text,): (Option<String>,) = db
        .one(sql!(
            "SELECT string_agg(first_id || ' ' || live, ',') FROM contact_stretches
             WHERE workspace_id = $1 AND agent_id = $2",
            tenant,
            agent
        ))
        .await?;
    let mut stretches: Vec<(String, i64)> = text
        .iter()
        .flat_map(|text| text.split(','))
        .filter_map(|one| one.rsplit_once(' '))
        .filter_map(|(begin, live)| Some((begin.to_owned(), live.parse().ok()?)))
        .collect();
    stretches.sort_unstable();
    Ok(stretches)
}

impl Known {
    /// Where a page begins to be counted that lies behind `offset` contacts of the list by ids.
    pub(super) fn edge(&self, direction: Direction, offset: i64) -> Edge {
        let Some((last, others)) = self.stretches.split_last() else { return Edge { id: None, passed: 0 } };
        let in_others: i64 = others.iter().map(|(_, live)| live).sum();
        let mut passed = 0;
        let mut passes = |live: i64| {
            let whole = passed + live <= offset;
            passed += if whole { live } else { 0 };
            whole
        };
        let id = match direction {
            // The rows before a page that runs down lie from the beginning of the last stretch that was passed on.
            Direction::Down => {
                let lives = [(last, self.counts.live - in_others)].into_iter();
                let lives = lives.chain(others.iter().rev().map(|stretch| (stretch, stretch.1)));
                lives.take_while(|(_, live)| passes(*live)).last().map(|(stretch, _)| &stretch.0)
            }
            // The rows before one that runs up end where the next stretch begins; behind the last one there is none.
            Direction::Up => {
                Some(others.iter().find(|(_, live)| !passes(*live)).map_or(&last.0, |(id, _)| id))
            }
        };
        Edge { id: id.cloned(), passed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_begins_at_the_edge_of_its_stretch() {
        // The last stretch has grown since it was read.
        let stretches = [(String::new(), 10), ("b".to_owned(), 5), ("c".to_owned(), 1)].into();
        let known = Known { counts: Counts { live: 22, stretched: 0 }, stretches };
        let at = |id: Option<&str>, passed| Edge { id: id.map(str::to_owned), passed };
        assert_eq!(known.edge(Direction::Down, 0), at(None, 0));
        assert_eq!(known.edge(Direction::Down, 6), at(None, 0));
        assert_eq!(known.edge(Direction::Down, 7), at(Some("c"), 7));
        assert_eq!(known.edge(Direction::Down, 12), at(Some("b"), 12));
        assert_eq!(known.edge(Direction::Down, 21), at(Some("b"), 12));
        assert_eq!(known.edge(Direction::Up, 9), at(Some(""), 0));
        assert_eq!(known.edge(Direction::Up, 10), at(Some("b"), 10));
        assert_eq!(known.edge(Direction::Up, 21), at(Some("c"), 15));
        assert_eq!(known.edge(Direction::Down, 22), at(Some(""), 22), "nothing lies behind all");
        assert_eq!(known.edge(Direction::Up, 50), at(Some("c"), 15));
        let none = Known { counts: Counts::default(), stretches: Arc::default() };
        assert_eq!(none.edge(Direction::Down, 5), at(None, 0));
    }
}
