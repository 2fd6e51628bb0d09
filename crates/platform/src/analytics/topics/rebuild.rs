//! Topics made anew from the log.

use super::{Known, Question, READER, changes::Changes, question, step, store, vectors};
use crate::{App, Result, Tenant, events, workspaces};

/// Puts a workspace's questions together anew, as the log holds them.
///
/// # Errors
/// What the database says, or upstream when the provider of embeddings fails.
pub async fn rebuild(app: &App, tenant: &Tenant) -> Result<()> {
    while step(app).await? {}
    let Some(zone) = workspaces::zone(&mut app.db.read().await?, tenant).await? else { return Ok(()) };
    let (mut known, mut all, mut after) = (Known::default(), Vec::<Changes>::new(), 0);
    loop {
        let place = events::place(app, READER).await?;
        while after < place {
            let events = events::of(app, tenant, (after, place)).await?;
            after = events.last().map_or(place, |event| event.position);
            let questions: Vec<Question> = events.iter().filter_map(|event| question(event, zone)).collect();
            let vectors = vectors(app, &mut 0, known.unknown(&questions)).await?;
            all.push(known.assign(app, questions, &vectors));
        }
        // What was asked since is read as well, before anything is put in place.
        let Some(mut db) = events::hold_at(app, READER, place).await? else { continue };
        store::clear(&mut db, tenant).await?;
        for changes in &all {
            changes.write(&mut db, tenant).await?;
        }
        db.commit().await?;
        app.subjects.forget(tenant);
        return Ok(());
    }
}
