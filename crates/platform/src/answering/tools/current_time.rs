//! The time, where the company is or where the visitor asks for.

use futures_util::{FutureExt, future::BoxFuture};
use serde_json::{Value, json};

use super::{Context, Tool};
use crate::workspaces;

pub(super) struct CurrentTime;

impl Tool for CurrentTime {
    fn spec(&self) -> models::Tool {
        models::Tool {
            name: "current_time".into(),
            description:
                "The present date, weekday and time. Use it for questions about today, now or opening hours."
                    .into(),
            parameters: json!({
                "type": "object",
                "properties": {
                    "time_zone": { "type": "string", "description": "An IANA name such as Europe/Oslo; the company's own when left out." }
                },
            }),
        }
    }

    fn call<'a>(
        &'a self,
        context: Context<'a>,
        arguments: &'a Value,
    ) -> BoxFuture<'a, Result<String, String>> {
        async move {
            let zone = match arguments["time_zone"].as_str().filter(|zone| !zone.is_empty()) {
                Some(zone) => zone.to_owned(),
                None => {
                    let workspace = workspaces::get(context.app, context.tenant).await;
                    workspace.map_err(|_| "The time is not known.".to_owned())?.timezone
                }
            };
            let zone = workspaces::timezone(&zone).map_err(|error| error.to_string())?;
            let now = context.app.clock.now().with_timezone(&zone);
            Ok(format!("{} ({zone})", now.format("%A, %-d %B %Y, %H:%M")))
        }
        .boxed()
    }
}
