//! The job: a file is read in a process of its own, and its fields are found.

use ::documents::{ExtractError, Extracted};
use ::extraction::{Block, Extraction as Found, Locale, Schema, Source};
use ::store::Write;

use super::{Extraction, State, proposal, store, target};
use crate::{Actor, App, Error, ExtractionId, Result, Tenant, billing::Bill, files, jobs, jobs::Job};

/// What the job found.
pub(super) struct Outcome {
    pub state: State,
    pub model: Option<String>,
    pub warnings: Vec<String>,
    pub needs_review: bool,
    /// What the model's proposal costs.
    pub bill: Option<Bill>,
}

impl Outcome {
    fn failed(code: &str, message: String) -> Self {
        let state = State::Failed { code: code.to_owned(), message };
        Self { state, model: None, warnings: Vec::new(), needs_review: false, bill: None }
    }
}

/// Does the job. What is wrong with the file ends in the extraction's status; what is wrong with us is tried again.
pub(crate) async fn process(app: &App, job: &Job, id: &ExtractionId) -> Result<()> {
    let tenant = job.tenant()?;
    let found = store::get(&mut app.db.read().await?, &tenant, id).await?;
    let outcome = match found {
        Some(extraction) => match run(app, &tenant, &extraction).await {
            Err(error) if job.is_last_attempt() => {
                tracing::error!(extraction = %id, %error, "an extraction was given up");
                let told =
                    "The file could not be processed because of a fault on this server. Send it again later.";
                Some(Outcome::failed("internal", told.to_owned()))
            }
            outcome => Some(outcome?),
        },
        // It was deleted meanwhile.
        None => None,
    };
    let mut db = app.db.write().await?;
    let mut paid = None;
    if let Some(mut outcome) = outcome {
        let bill = outcome.bill.take();
        keep(app, &mut db, &tenant, id, outcome).await?;
        if let Some(bill) = bill {
            paid = Some((bill.write(app, &mut db, &tenant).await?, bill));
        }
    }
    jobs::finish(&mut db, job).await?;
    db.commit().await?;
    app.bell.ring();
    if let Some((credits, bill)) = paid {
        bill.paid(credits);
    }
    Ok(())
}

/// Keeps what was found; what is sure goes into the contact that is to get it, and what the contact cannot take waits for
/// a person.
async fn keep(
    app: &App,
    db: &mut Write,
    tenant: &Tenant,
    id: &ExtractionId,
    mut outcome: Outcome,
) -> Result<()> {
    let Some(mut extraction) = store::get(db, tenant, id).await? else { return Ok(()) };
    if !outcome.needs_review {
        extraction.state = outcome.state.clone();
        let by = Actor { name: extraction.created_by.clone(), ..Actor::system() };
        if let Some(saved) = target::save(app, db, tenant, &by, &extraction).await? {
            outcome.needs_review = saved.is_err();
            store::set_saved(db, tenant, id, &saved).await?;
        }
    }
    store::set_outcome(db, tenant, id, &outcome, app.clock.now()).await
}

async fn run(app: &App, tenant: &Tenant, extraction: &Extraction) -> Result<Outcome> {
    let mut db = app.db.write().await?;
    store::set_processing(&mut db, tenant, &extraction.id, app.clock.now()).await?;
    db.commit().await?;
    let names = (extraction.id.as_str(), extraction.file_name.as_str());
    let text = match files::read(app, tenant, names, |_| {}).await {
        Ok(read) if read.text.trim().is_empty() => {
            let error = ExtractError::Empty;
            return Ok(Outcome::failed(error.code(), error.to_string()));
        }
        Ok(read) => read,
        Err(error @ ExtractError::Io(_)) => return Err(Error::internal(error)),
        Err(error) => return Ok(Outcome::failed(error.code(), error.to_string())),
    };
    let proposed = proposal::of(app, tenant, extraction, &text.text).await?;
    // A model that proposed nothing of use is paid all the same, and is not named as the source of the values.
    let (mut values, mut model, mut bill) = (None, None, None);
    if let Some(proposal) = proposed {
        model = proposal.values.is_some().then_some(proposal.model);
        values = proposal.values;
        bill = Some(proposal.bill);
    }
    let schema = Schema::parse(&extraction.schema).map_err(Error::internal)?;
    let today = app.clock.now().date_naive();
    let warnings = text.warnings.clone();
    let find = move || find(&text, &schema, today, values.as_ref());
    let found = tokio::task::spawn_blocking(find).await.map_err(Error::internal)?;
    let needs_review = found.is_unsure(extraction.threshold);
    Ok(Outcome { state: State::Completed(found), model, warnings, needs_review, bill })
}

fn find(
    text: &Extracted,
    schema: &Schema,
    today: chrono::NaiveDate,
    proposed: Option<&serde_json::Value>,
) -> Found {
    let blocks: Vec<Block> = text
        .sections
        .iter()
        .map(|section| Block { range: section.start..section.end, page: section.page, row: section.row })
        .collect();
    let source = Source { text: &text.text, blocks: &blocks };
    let locale = Locale { language: text.language.clone(), country: None, today: Some(today) };
    match proposed {
        Some(proposed) => ::extraction::check(&source, schema, &locale, proposed),
        None => ::extraction::extract(&source, schema, &locale),
    }
}
