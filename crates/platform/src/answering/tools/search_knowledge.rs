//! Another look into what the agent knows, in the model's words.

use futures_util::{FutureExt, future::BoxFuture};
use serde_json::{Value, json};

use super::{Context, Tool};
use crate::knowledge;

/// Passages of one search.
const PASSAGES: usize = 4;
/// Longest query, in characters.
const MAX_QUERY: usize = 500;

pub(super) struct SearchKnowledge;

impl Tool for SearchKnowledge {
    fn spec(&self) -> models::Tool {
        models::Tool {
            name: "search_knowledge".into(),
            description: "Searches the company's documents again, for what the passages at hand do not say. Gives numbered \
                          passages that can be cited."
                .into(),
            parameters: json!({
                "type": "object",
                "properties": { "query": { "type": "string", "description": "What to look for." } },
                "required": ["query"],
            }),
        }
    }

    fn call<'a>(
        &'a self,
        context: Context<'a>,
        arguments: &'a Value,
    ) -> BoxFuture<'a, Result<String, String>> {
        async move {
            let query: String =
                arguments["query"].as_str().unwrap_or_default().chars().take(MAX_QUERY).collect();
            if query.trim().is_empty() {
                return Err("query is missing.".to_owned());
            }
            let collections = &context.question.agent.settings.collection_ids;
            let retrieved =
                knowledge::retrieve(context.app, context.tenant, &query, collections, PASSAGES).await;
            let passages = retrieved.map_err(|_| "The search failed.".to_owned())?.passages;
            let mut told = Vec::new();
            for passage in passages {
                let same = |known: &knowledge::Found| {
                    (&known.document_id, known.ordinal) == (&passage.document_id, passage.ordinal)
                };
                let n = match context.found.iter().position(same) {
                    Some(n) => n + 1,
                    None => {
                        context.found.push(passage.clone());
                        context.found.len()
                    }
                };
                told.push(format!("[{n}] {}\n{}", passage.title, passage.content));
            }
            if told.is_empty() { Err("Nothing was found.".to_owned()) } else { Ok(told.join("\n\n")) }
        }
        .boxed()
    }
}
