//! What nearly every request asks for: who a session belongs to, what a key opens, what an agent's visitors get. It
//! is kept in memory; a change is announced to every server of the installation as it is committed.

use std::sync::Arc;

use store::Write;

use crate::{
    AgentId, Result, Tenant, UserId,
    agents::Published,
    billing::Contract,
    cache::Cache,
    contacts,
    identity::Caller,
    providers::Usable,
    workspaces::{AccountKey, Door, Listed, keys::OpenKeyRow},
};

/// The channel on which servers tell each other of changes.
pub(crate) const CHANNEL: &str = "frontdesk_callers";

/// What is known of callers and of whom they call.
#[derive(Default)]
pub struct Callers {
    /// By the session token, whose signature need not be checked again then.
    pub(crate) sessions: Cache<String, Arc<Caller>>,
    /// By the key's hash.
    pub(crate) account_keys: Cache<String, Arc<AccountKey>>,
    /// By the key's hash.
    pub(crate) doors: Cache<String, Arc<Door>>,
    pub(crate) agents: Cache<(Tenant, AgentId), Arc<Published>>,
    /// Where agents are that visitors reach by their id alone.
    pub(crate) public: Cache<AgentId, Tenant>,
    /// By the key's hash.
    pub(crate) open_keys: Cache<String, Arc<OpenKeyRow>>,
    /// What agents' contacts are like.
    pub(crate) contact_settings: Cache<(Tenant, AgentId), Arc<contacts::Settings>>,
    /// The providers of language models that workspaces bring.
    pub(crate) providers: Cache<Tenant, Arc<Vec<Usable>>>,
    /// What workspaces have subscribed to.
    pub(crate) contracts: Cache<Tenant, Contract>,
    /// The workspaces that people see in their lists.
    pub(crate) lists: Cache<UserId, Arc<Vec<Listed>>>,
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
        self.open_keys.forget();
        self.contact_settings.forget();
        self.agents.forget();
        self.public.forget();
        self.providers.forget();
        self.contracts.forget();
        self.forget_lists();
    }

    /// Forgets how much is in people's workspaces.
    pub(crate) fn forget_lists(&self) {
        self.lists.forget();
    }
}
