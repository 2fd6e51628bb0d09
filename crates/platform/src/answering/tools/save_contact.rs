//! Writing down who the visitor is. There is no tool that tells what is known of somebody: whoever talks here has not
//! proven who they are.

use futures_util::{FutureExt, future::BoxFuture};
use serde_json::{Value, json};

use super::{Context, Tool};
use crate::{
    contacts::{self, Told},
    conversations,
    fields::e164,
};

/// Longest name, in characters.
const MAX_NAME: usize = 100;

pub(super) struct SaveContact;

/// What the visitor has told, or what the model is to ask for.
fn told(arguments: &Value) -> Result<Told, String> {
    let text = |name: &str| arguments[name].as_str().map(str::trim).filter(|text| !text.is_empty());
    let name = |field: &str| {
        text(field).map(|name| name.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect())
    };
    let email = text("email").and_then(|email| email.parse().ok());
    let phone = text("phone").map(|phone| {
        e164(phone).ok_or_else(|| "The number lacks its country, such as +47. Ask for it.".to_owned())
    });
    Ok(Told {
        email: email.ok_or_else(|| "The visitor's mail address is missing. Ask for it first.".to_owned())?,
        first_name: name("first_name"),
        last_name: name("last_name"),
        mobile_number: phone.transpose()?,
    })
}

impl Tool for SaveContact {
    fn spec(&self) -> models::Tool {
        let text = |what: &str| json!({ "type": "string", "description": what });
        models::Tool {
            name: "save_contact".into(),
            description: "Writes down who the visitor is, so that the company can reach them later. Use it only with what they \
                          have told of themselves."
                .into(),
            parameters: json!({
                "type": "object",
                "properties": {
                    "email": text("The visitor's mail address."),
                    "first_name": text("Their given name."),
                    "last_name": text("Their family name."),
                    "phone": text("Their telephone number with its country, such as +4722864400."),
                },
                "required": ["email"],
            }),
        }
    }

    fn asks(&self, arguments: &Value) -> Option<Result<String, String>> {
        let asked = |told: Told| {
            let parts =
                [told.first_name, told.last_name, Some(told.email.as_str().to_owned()), told.mobile_number];
            let parts: Vec<String> = parts.into_iter().flatten().collect();
            format!(
                "I can write this down, so that we can reach you: {}. Shall I? (yes / no)",
                parts.join(", ")
            )
        };
        Some(told(arguments).map(asked))
    }

    fn call<'a>(
        &'a self,
        context: Context<'a>,
        arguments: &'a Value,
    ) -> BoxFuture<'a, Result<String, String>> {
        async move {
            let told = told(arguments)?;
            let written = async {
                let mut db = context.app.db.write().await?;
                let thread = &context.question.thread;
                let of = (&thread.agent, thread.session.as_str());
                let contact = contacts::met(context.app, &mut db, context.tenant, of, told).await?;
                conversations::set_contact(&mut db, context.tenant, thread, &contact.id).await?;
                db.commit().await?;
                Ok::<(), crate::Error>(())
            };
            match written.await {
                Ok(()) => Ok("Thank you, I have written it down.".into()),
                // Not its text, which has the cause of an internal one: this is told to the visitor.
                Err(error) => Err(error.message.into_owned()),
            }
        }
        .boxed()
    }
}
