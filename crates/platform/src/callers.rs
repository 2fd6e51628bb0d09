//! What nearly every request asks for: who a session belongs to, what a key opens, what an agent's visitors get. It
//! is kept in memory; a change is announced to every server of the installation as it is committed.

use std::sync::Arc;

use store::Write;

use crate::{
    AgentId, Result, SessionId, Tenant,
    agents::Published,
    cache::Cache,
    identity::Caller,
    workspaces::{AccountKey, Door},
};

/// The channel on which servers tell each other of changes.
pub(crate) const CHANNEL: &str = "frontdesk_callers";

/// What is known of callers and of whom they call.
#[derive(Default)]
pub struct Callers {
    pub(crate) sessions: Cache<SessionId, Arc<Caller>>,
    /// By the key's hash.
    pub(crate) account_keys: Cache<String, Arc<AccountKey>>,
    /// By the key's hash.
    pub(crate) doors: Cache<String, Arc<Door>>,
    pub(crate) agents: Cache<(Tenant, AgentId), Arc<Published>>,
}

impl Callers {
    /// Commits a change after which somebody may do less, or is shown otherwise, than before.
    ///
    /// # Errors
    /// What the database says.
    pub(crate) async fn commit(&self, mut db: Write) -> Result<()> {
        db.announce(CHANNEL).await?;
        db.commit().await?;
        self.forget();
        Ok(())
    }

    /// Forgets everything.
    pub(crate) fn forget(&self) {
        self.sessions.forget();
        self.account_keys.forget();
        self.doors.forget();
        self.agents.forget();
    }
}
