//! Mails to people: composed here, queued with the change that causes them, sent by a job.

use std::{net::IpAddr, path::Path};

use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, MultiPart},
};
use serde::{Deserialize, Serialize};
use store::Write;
use url::Url;

use crate::{
    App, Error, Result,
    jobs::{self, Job, Task},
};

/// A mail to one person, with a text and an HTML part.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Mail {
    /// The address.
    pub to: String,
    /// The subject line.
    pub subject: String,
    /// Paragraphs of plain text; the HTML part is made from them.
    pub paragraphs: Vec<String>,
}

/// Where mails go.
pub enum Mailer {
    /// A mail server.
    Smtp(Box<AsyncSmtpTransport<Tokio1Executor>>),
    /// A folder of `.eml` files, when no mail server is set.
    Outbox(std::path::PathBuf),
}

impl Mailer {
    /// Speaks to a mail server: `smtps://…` by TLS, `smtp://…?tls=required` by STARTTLS, `smtp://…` in the clear; a password
    /// goes to another machine by TLS only. To be called inside the runtime, because the transport's pool starts a task.
    ///
    /// # Errors
    /// When the URL is not one of a mail server.
    pub fn smtp(url: &str) -> Result<Self> {
        let wrong = |e: &dyn std::fmt::Display| {
            Error::invalid("FRONTDESK_SMTP_URL", format!("not the URL of a mail server: {e}"))
        };
        let url = guarded(Url::parse(url).map_err(|e| wrong(&e))?);
        let transport =
            AsyncSmtpTransport::<Tokio1Executor>::from_url(url.as_str()).map_err(|e| wrong(&e))?;
        Ok(Self::Smtp(Box::new(transport.build())))
    }
}

/// The address of a mail server, which must offer TLS where it is given a password and is another machine.
fn guarded(mut url: Url) -> Url {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    let here = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
    let says = url.query_pairs().any(|(name, _)| name == "tls");
    if url.scheme() == "smtp" && url.password().is_some() && !here && !says {
        url.query_pairs_mut().append_pair("tls", "required");
    }
    url
}

/// Queues a mail as part of a change.
///
/// # Errors
/// What the database says.
pub async fn queue(app: &App, db: &mut Write, mail: Mail) -> Result<()> {
    jobs::enqueue(app, db, None, &Task::SendMail(mail)).await.map(drop)
}

/// Sends a queued mail. A worker that dies between the sending and the record of it sends it again: a mail
/// twice is better than none.
pub(crate) async fn send(app: &App, job: &Job, mail: &Mail) -> Result<()> {
    match &app.mailer {
        Mailer::Smtp(transport) => {
            transport.send(message(app, mail)?).await.map_err(Error::internal)?;
        }
        Mailer::Outbox(folder) => write_file(folder, job, &message(app, mail)?.formatted()).await?,
    }
    let mut db = app.db.write().await?;
    jobs::finish(&mut db, job).await?;
    Ok(db.commit().await?)
}

async fn write_file(folder: &Path, job: &Job, bytes: &[u8]) -> Result<()> {
    let path = folder.join(format!("{}.eml", job.id));
    tokio::fs::create_dir_all(folder).await.map_err(Error::internal)?;
    tokio::fs::write(&path, bytes).await.map_err(Error::internal)?;
    tracing::info!(path = %path.display(), "no mail server is set: a mail was written to a file");
    Ok(())
}

fn message(app: &App, mail: &Mail) -> Result<Message> {
    let to = mail.to.parse::<Mailbox>().map_err(Error::internal)?;
    let html: String = mail.paragraphs.iter().map(|p| format!("<p>{}</p>", escape(p))).collect();
    let body = MultiPart::alternative_plain_html(
        mail.paragraphs.join("\n\n"),
        format!("<!doctype html><html><body style=\"font-family:sans-serif\">{html}</body></html>"),
    );
    Message::builder()
        .from(app.config.mail_from.clone())
        .to(to)
        .subject(mail.subject.clone())
        .multipart(body)
        .map_err(Error::internal)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_goes_to_another_machine_by_tls_only() {
        let guarded = |url: &str| guarded(url.parse().unwrap()).to_string();
        let tls = "smtp://me:secret@mail.example.com:587?tls=required";
        assert_eq!(guarded("smtp://me:secret@mail.example.com:587"), tls);
        for kept in [
            tls,
            "smtp://me:secret@mail.example.com?tls=opportunistic",
            "smtps://me:secret@mail.example.com",
            "smtp://relay.example.com:25",
            "smtp://me:secret@127.0.0.1:1025",
            "smtp://me:secret@[::1]:1025",
            "smtp://me:secret@localhost:1025",
        ] {
            assert_eq!(guarded(kept), kept);
        }
    }
}
