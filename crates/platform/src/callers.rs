//! What is known of callers: who a session belongs to, what a key opens. Nearly every request asks, so it is
//! kept in memory; a change is announced to every server of the installation as it is committed.

use std::sync::Arc;

use store::Write;

use crate::{
    App, Result, SessionId,
    cache::Cache,
    identity::Caller,
    workspaces::{AccountKey, Door},
};

/// The channel on which servers tell each other of changes.
const CHANNEL: &str = "frontdesk_callers";

/// What is known of callers.
#[derive(Default)]
pub struct Callers {
    pub(crate) sessions: Cache<SessionId, Arc<Caller>>,
    /// By the key's hash.
    pub(crate) account_keys: Cache<String, Arc<AccountKey>>,
    /// By the key's hash.
    pub(crate) doors: Cache<String, Arc<Door>>,
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

    fn forget(&self) {
        self.sessions.forget();
        self.account_keys.forget();
        self.doors.forget();
    }
}

/// Hears of the changes that other servers make, until the server stops.
pub(crate) async fn listen(app: App) {
    let heard = app.db.listen(CHANNEL, || app.callers.forget());
    app.stopping.run_until_cancelled(heard).await;
}
