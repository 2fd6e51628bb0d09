//! What can go wrong, by kind. Each surface renders an error in the shape its document gives.

use std::{borrow::Cow, fmt, panic::Location};

use serde::Serialize;
use serde_json::Value;

/// The kinds of failure; each has one HTTP status and a stable code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The request is malformed or a value in it is wrong.
    Invalid,
    /// Nobody is signed in, or the credentials are wrong.
    Unauthorized,
    /// It must be paid for first.
    Payment,
    /// The caller may not do this.
    Forbidden,
    /// There is no such thing, or not for this caller.
    NotFound,
    /// It clashes with what is there.
    Conflict,
    /// The body is larger than allowed.
    TooLarge,
    /// The body's media type is not one that is read here.
    UnsupportedMedia,
    /// Well formed, but it cannot be done.
    Unprocessable,
    /// Too many requests.
    Limited,
    /// A service that this one depends on failed.
    Upstream,
    /// A fault of ours.
    Internal,
}

/// An error: its kind, a stable code, a sentence that says what to do, and the field it is about.
#[derive(Debug)]
pub struct Error {
    /// What kind of failure.
    pub kind: Kind,
    /// Stable, upper snake case.
    pub code: &'static str,
    /// For the caller's eyes; holds no secret and no other tenant's facts.
    pub message: Cow<'static, str>,
    /// The field of the request that is wrong.
    pub field: Option<Cow<'static, str>>,
    /// Whole seconds after which the same request may go through.
    pub retry_after: Option<u64>,
    /// Everything that is wrong with a body that is checked as a whole; see [`Error::violations`].
    pub violations: Box<[Violation]>,
    /// For the log only: the cause and the place of an internal error.
    pub cause: Option<Box<Cause>>,
}

/// One thing that is wrong with a body. The rules' names are those of the Open API's document.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Violation {
    /// The field, with its parents: `customFields.plan`.
    pub field: String,
    /// A sentence about it.
    pub message: String,
    /// What was sent; null when nothing was.
    pub value: Value,
    /// The rule that was broken: `any.required`, `string.email`, …
    #[serde(rename = "type")]
    pub rule: &'static str,
}

/// What lies behind an internal error; logged, never sent.
#[derive(Debug)]
pub struct Cause {
    /// The error that came from below.
    pub source: Box<dyn std::error::Error + Send + Sync>,
    /// Where it was met.
    pub place: &'static Location<'static>,
}

/// The result of a verb.
pub type Result<T, E = Error> = std::result::Result<T, E>;

macro_rules! constructors {
    ($($(#[$doc:meta])* $name:ident => $kind:ident, $code:literal;)*) => {$(
        $(#[$doc])*
        pub fn $name(message: impl Into<Cow<'static, str>>) -> Self {
            Self::of(Kind::$kind, $code, message.into())
        }
    )*};
}

impl Error {
    fn of(kind: Kind, code: &'static str, message: Cow<'static, str>) -> Self {
        Self { kind, code, message, field: None, retry_after: None, violations: Box::default(), cause: None }
    }

    constructors! {
        /// The credentials are missing or wrong.
        unauthorized => Unauthorized, "UNAUTHORIZED";
        /// The caller may not do this.
        forbidden => Forbidden, "FORBIDDEN";
        /// There is no such thing for this caller.
        not_found => NotFound, "NOT_FOUND";
        /// It clashes with what is there.
        conflict => Conflict, "CONFLICT";
        /// The body is larger than allowed.
        too_large => TooLarge, "PAYLOAD_TOO_LARGE";
        /// The media type is not read here.
        unsupported_media => UnsupportedMedia, "UNSUPPORTED_MEDIA_TYPE";
        /// Well formed, but it cannot be done.
        unprocessable => Unprocessable, "UNPROCESSABLE";
        /// A service behind this one failed.
        upstream => Upstream, "UPSTREAM_FAILED";
        /// The request as a whole is wrong; [`Error::invalid`] names a field.
        bad_request => Invalid, "INVALID_REQUEST";
    }

    /// A value in the request is wrong.
    pub fn invalid(field: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        Self { field: Some(field.into()), ..Self::bad_request(message) }
    }

    /// A fault of ours, with its cause for the log.
    #[track_caller]
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let message = "Something went wrong on our side. Please try again; if it stays, give the X-Request-Id to whoever runs this server.";
        let cause = Cause { source: source.into(), place: Location::caller() };
        Self { cause: Some(Box::new(cause)), ..Self::of(Kind::Internal, "INTERNAL", message.into()) }
    }

    /// Too many requests; the same may go through after so many seconds.
    pub fn limited(retry_after: u64) -> Self {
        let unit = if retry_after == 1 { "second" } else { "seconds" };
        let message = format!("There were too many requests. Try again in {retry_after} {unit}.");
        let error = Self::of(Kind::Limited, "RATE_LIMIT_EXCEEDED", message.into());
        Self { retry_after: Some(retry_after), ..error }
    }

    /// It must be paid for first.
    pub fn payment(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::of(Kind::Payment, code, message.into())
    }

    /// All that is wrong with a body at once; there is at least one thing.
    pub fn violations(violations: Vec<Violation>) -> Self {
        let first = violations.first();
        let field = first.map(|violation| Cow::Owned(violation.field.clone()));
        let message = match first {
            Some(only) if violations.len() == 1 => only.message.clone(),
            _ => format!("{} fields are wrong; see each of them.", violations.len()),
        };
        Self { field, violations: violations.into(), ..Self::bad_request(message) }
    }

    /// The same error about a field.
    pub fn with_field(self, field: &'static str) -> Self {
        Self { field: Some(field.into()), ..self }
    }

    /// The same error under a code of its own.
    pub fn with_code(self, code: &'static str) -> Self {
        Self { code, ..self }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Some(cause) => write!(f, "{} (at {})", cause.source, cause.place),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for Error {}

impl From<store::Error> for Error {
    #[track_caller]
    fn from(error: store::Error) -> Self {
        match &error {
            store::Error::Database(e) if e.is_unique_violation() => Self::conflict("This already exists."),
            _ => Self::internal(error),
        }
    }
}

impl From<store::BlobError> for Error {
    #[track_caller]
    fn from(error: store::BlobError) -> Self {
        match error {
            store::BlobError::TooLarge { limit } => Self::too_large(format!(
                "The file is larger than the limit of {} MB. Split it, or ask whoever runs this server to raise FRONTDESK_MAX_UPLOAD_MB.",
                limit / (1024 * 1024)
            )),
            store::BlobError::Broken(_) => {
                Self::bad_request("The upload broke off. Please send the file again.")
            }
            other => Self::internal(other),
        }
    }
}

impl From<serde_json::Error> for Error {
    #[track_caller]
    fn from(error: serde_json::Error) -> Self {
        Self::internal(error)
    }
}
