//! Passing a visitor on to a person.

use futures_util::{FutureExt, future::BoxFuture};
use serde_json::{Value, json};

use super::{Context, Tool};
use crate::{
    conversations::{self, Wish},
    identity::EmailAddress,
};

/// Longest message, in characters.
const MAX_MESSAGE: usize = 2_000;

pub(super) struct HandOver;

fn email(arguments: &Value) -> Result<EmailAddress, String> {
    let text = arguments["email"].as_str().unwrap_or_default();
    text.parse().map_err(|_| "The visitor's mail address is missing. Ask for it first.".to_owned())
}

fn message(arguments: &Value) -> String {
    arguments["message"].as_str().unwrap_or_default().trim().chars().take(MAX_MESSAGE).collect()
}

impl Tool for HandOver {
    fn spec(&self) -> models::Tool {
        models::Tool {
            name: "hand_over".into(),
            description: "Passes the visitor's request on to a person of the company, who answers by mail. Use it when the \
                          visitor wants a person, and only with an address that they have given."
                .into(),
            parameters: json!({
                "type": "object",
                "properties": {
                    "email": { "type": "string", "description": "The visitor's mail address." },
                    "message": { "type": "string", "description": "What they want, in their words." },
                },
                "required": ["email", "message"],
            }),
        }
    }

    fn asks(&self, arguments: &Value) -> Option<Result<String, String>> {
        let asked = |email: EmailAddress| {
            format!(
                "I can pass this on to a person, who will write to {}: “{}” Shall I? (yes / no)",
                email.as_str(),
                message(arguments)
            )
        };
        Some(email(arguments).map(asked))
    }

    fn call<'a>(
        &'a self,
        context: Context<'a>,
        arguments: &'a Value,
    ) -> BoxFuture<'a, Result<String, String>> {
        async move {
            let email = email(arguments)?;
            let told = format!("Your request has been passed on. Somebody will write to {}.", email.as_str());
            let wish = Wish {
                agent: context.question.agent.id.clone(),
                session: context.question.thread.session.clone(),
                email,
                message: message(arguments),
            };
            match conversations::escalate(context.app, context.tenant, wish).await {
                Ok(_) => Ok(told),
                // Not its text, which has the cause of an internal one: this is told to the visitor.
                Err(error) => Err(error.message.into_owned()),
            }
        }
        .boxed()
    }
}
