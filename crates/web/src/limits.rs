//! How often callers may call, as their plan says, and the headers that tell them.

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header::RETRY_AFTER};
use platform::{
    App, Error,
    identity::Caller,
    limits::{Rate, Verdict},
};

use crate::{
    ApiError,
    callers::{Client, Member, Visitor},
};

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// What a call is counted by, and how many there may be.
pub(crate) struct Counted {
    by: String,
    rate: Rate,
}

impl Counted {
    /// A person outside of any workspace is counted as in the best of theirs; who has none, as in a new one.
    pub(crate) fn person(app: &App, caller: &Caller) -> Option<Self> {
        let tariff = &app.config.tariff;
        let rates = caller.memberships.iter().map(|membership| tariff.plan(membership.plan).requests());
        let best = rates.reduce(|a, b| a.zip(b).map(|(a, b)| if a.limit > b.limit { a } else { b }));
        let rate = best.unwrap_or_else(|| tariff.plan(app.config.default_plan).requests())?;
        Some(Self { by: caller.user.id.as_str().to_owned(), rate })
    }

    /// A person in a workspace, or an account key.
    pub(crate) fn member(app: &App, member: &Member) -> Option<Self> {
        let plan = app.config.tariff.plan(member.plan);
        let rate = match member.standing {
            platform::Standing::Member(_) => plan.requests()?,
            platform::Standing::Key(_) => plan.key_requests()?,
        };
        Some(Self { by: member.by.id().to_owned(), rate })
    }

    /// A visitor's page, by its key and the visitor's address: one visitor does not use up what is there for all.
    pub(crate) fn visitor(visitor: &Visitor, client: &Client) -> Option<Self> {
        let rate = visitor.0.rate?;
        let address = client.0.bucket().map(|address| address.to_string()).unwrap_or_default();
        Some(Self { by: format!("{} {address}", visitor.0.counted_as), rate })
    }
}

/// Counts a call.
pub(crate) fn count(app: &App, counted: &Counted) -> Verdict {
    app.limiter.take(("requests", &counted.by), counted.rate, app.clock.now())
}

/// The answer to a call too many.
pub(crate) fn refused(verdict: &Verdict) -> Response {
    tell(ApiError(Error::limited(verdict.retry_after)).into_response(), Some(*verdict))
}

/// Adds the headers that tell how many calls are left.
pub(crate) fn tell(mut response: Response, verdict: Option<Verdict>) -> Response {
    if let Some(verdict) = verdict {
        let headers = response.headers_mut();
        headers.insert(LIMIT, verdict.limit.into());
        headers.insert(REMAINING, verdict.remaining.into());
        headers.insert(RESET, HeaderValue::from(verdict.reset.timestamp()));
        if response.status() == StatusCode::TOO_MANY_REQUESTS {
            response.headers_mut().entry(RETRY_AFTER).or_insert(verdict.retry_after.into());
        }
    }
    response
}
