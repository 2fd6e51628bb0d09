//! Stripe's API over HTTP: forms in, JSON out (<https://docs.stripe.com/api>).

use std::time::Duration;

use http::StatusCode;
use models::Secret;
use serde_json::Value;
use tokio::time::sleep;
use url::form_urlencoded;

use crate::{App, Error, Result};

/// The version whose shapes are read here. Events come in the version that their endpoint was made with; what differs
/// later is read in both shapes.
const VERSION: &str = "2024-06-20";
/// How long a call may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// The pause before a call is sent once more, under the same name.
const PAUSE: Duration = Duration::from_millis(500);

/// The parameters of a call, in the order in which they are sent.
#[derive(Debug, Default)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.push((name.to_owned(), value.into()));
        self
    }

    fn encode(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }
}

/// Posts a form. `name` is what makes a second sending of the same call do nothing.
///
/// # Errors
/// Payment when a card is refused; upstream when Stripe is not there or does not understand.
pub(super) async fn post(
    app: &App,
    (base, key): (&str, &Secret),
    path: &str,
    form: &Form,
    name: &str,
) -> Result<Value> {
    let mut last = send(app, (base, key), path, form, name).await;
    // Stripe gives the outcome of the first sending, if that arrived.
    if matches!(&last, Err(error) if error.kind == crate::Kind::Upstream && error.retry_after.is_some()) {
        sleep(PAUSE).await;
        last = send(app, (base, key), path, form, name).await;
    }
    last.map_err(|error| Error { retry_after: None, ..error })
}

async fn send(app: &App, (base, key): (&str, &Secret), path: &str, form: &Form, name: &str) -> Result<Value> {
    let call = app
        .http
        .post(format!("{base}{path}"))
        .bearer_auth(key.expose())
        .header("stripe-version", VERSION)
        .header("idempotency-key", name)
        .header("content-type", "application/x-www-form-urlencoded")
        .timeout(PATIENCE)
        .body(form.encode());
    let answer = call.send().await.map_err(|error| {
        tracing::warn!(path, %error, "Stripe cannot be reached");
        passing("The payment provider cannot be reached. Please try again in a moment.")
    })?;
    let status = answer.status();
    let body: Value = answer.json().await.unwrap_or_default();
    if status.is_success() { Ok(body) } else { Err(refusal(path, status, &body)) }
}

/// An error after which the same call may work.
fn passing(message: &'static str) -> Error {
    Error { retry_after: Some(1), ..Error::upstream(message) }
}

/// What Stripe says is for the log; to people goes what it means for them. Only of a card it says a sentence for them.
fn refusal(path: &str, status: StatusCode, body: &Value) -> Error {
    let said = |name: &str| body["error"][name].as_str().unwrap_or_default().to_owned();
    if said("type") == "card_error" {
        let message = match said("message") {
            empty if empty.is_empty() => "The card was declined.".to_owned(),
            message => message,
        };
        return Error::payment("PAYMENT_FAILED", message);
    }
    if said("code") == "amount_too_small" {
        return Error::invalid(
            "amount",
            "The payment provider takes no amount that small. Buy more credits.",
        );
    }
    tracing::error!(path, %status, kind = said("type"), code = said("code"), message = said("message"), "Stripe refused a call");
    if status.is_server_error() || matches!(status, StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS) {
        return passing("The payment provider is busy. Please try again in a moment.");
    }
    Error::upstream(
        "The payment provider did not take this. Ask whoever runs this server to look into its log.",
    )
}
