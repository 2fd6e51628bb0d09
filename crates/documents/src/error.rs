//! Why a file could not be read, in words for the person who uploaded it.

use rustix::process::{Resource, getrlimit};
use serde::{Deserialize, Serialize};

/// Why no text came out of a file. The message says what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExtractError {
    /// No bytes, or nothing but blanks.
    #[error("This file is empty. Check that it holds text and upload it again.")]
    Empty,
    /// A format that is not read.
    #[error(
        "This file is {found}, which cannot be read. Save it as PDF, DOCX, PPTX, XLSX, HTML or plain text and upload that."
    )]
    Unsupported {
        /// What the content is, with its article: `a ZIP archive`.
        found: String,
    },
    /// The name promises a format that the content does not hold.
    #[error(
        "The name says this is {declared}, but the content is {found}. Open it in the program it came from, save it again and upload that."
    )]
    TypeMismatch {
        /// What the name says, with its article.
        declared: String,
        /// What the content is, with its article.
        found: String,
    },
    /// A password is needed to open it.
    #[error("This file is protected with a password. Save a copy without the password and upload that.")]
    Encrypted,
    /// The format is known but the content breaks its rules.
    #[error(
        "This {format} file is damaged ({detail}). Open it in the program it came from, save it again and upload that."
    )]
    Damaged {
        /// Name of the format.
        format: String,
        /// What is broken, in a few words.
        detail: String,
    },
    /// Pages without any text on them.
    #[error(
        "This PDF holds only pictures of pages and no text. Run it through OCR and upload it again, or ask your administrator to install Tesseract on the server, which reads pictures."
    )]
    NoText {
        /// How many pages were looked at.
        pages: u32,
    },
    /// A picture, on a server that cannot read them.
    #[error(
        "This file is {found}, and text in pictures is read only where Tesseract is installed. Ask your administrator to install it on the server, or run the picture through OCR and upload the text."
    )]
    NoOcr {
        /// What the content is, with its article.
        found: String,
    },
    /// More than the limit allows.
    #[error(
        "This file is too large: its {what} is over the limit of {limit}. Split it into smaller files and upload those."
    )]
    TooLarge {
        /// What is counted.
        what: String,
        /// How much of it is allowed.
        limit: u64,
    },
    /// Not done within the time allowed.
    #[error(
        "Reading this file took too long. Split it into smaller files, or save it in a simpler format, and upload that."
    )]
    TooSlow,
    /// The parser gave up in a way it should not.
    #[error(
        "This file could not be read because the reader failed on it. Save it again or in another format and upload that."
    )]
    Crashed {
        /// What the reader said last, for the log.
        detail: String,
    },
    /// The file could not be opened or the reader not be started.
    #[error(
        "The file could not be opened on the server ({0}). Try again, and tell your administrator if it happens again."
    )]
    Io(String),
}

impl ExtractError {
    /// A stable name of the kind of failure.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Unsupported { .. } => "unsupported",
            Self::TypeMismatch { .. } => "type_mismatch",
            Self::Encrypted => "encrypted",
            Self::Damaged { .. } => "damaged",
            Self::NoText { .. } => "no_text",
            Self::NoOcr { .. } => "no_ocr",
            Self::TooLarge { .. } => "too_large",
            Self::TooSlow => "too_slow",
            Self::Crashed { .. } => "crashed",
            Self::Io(_) => "io",
        }
    }

    /// `TooLarge` when `value` is over `limit`.
    pub(crate) fn check(what: &str, value: u64, limit: u64) -> Result<(), Self> {
        if value > limit { Err(Self::TooLarge { what: what.into(), limit }) } else { Ok(()) }
    }

    pub(crate) fn out_of_memory(limit: u64) -> Self {
        Self::TooLarge { what: "need of memory in bytes".into(), limit }
    }

    pub(crate) fn damaged(format: crate::Format, detail: impl std::fmt::Display) -> Self {
        Self::Damaged { format: format.to_string(), detail: detail.to_string() }
    }
}

impl From<std::io::Error> for ExtractError {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::OutOfMemory {
            return Self::out_of_memory(getrlimit(Resource::As).current.unwrap_or(u64::MAX));
        }
        Self::Io(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_say_what_to_do_and_survive_the_wire() {
        let errors = [
            ExtractError::Empty,
            ExtractError::TypeMismatch { declared: "a PDF".into(), found: "a ZIP archive".into() },
            ExtractError::Encrypted,
            ExtractError::NoText { pages: 3 },
            ExtractError::NoOcr { found: "a JPEG picture".into() },
            ExtractError::Io("gone".into()),
        ];
        for error in errors {
            let wire = serde_json::to_value(&error).unwrap();
            let code = wire
                .as_str()
                .map_or_else(|| wire.as_object().unwrap().keys().next().unwrap().clone(), Into::into);
            assert_eq!(code, error.code());
            assert_eq!(serde_json::from_value::<ExtractError>(wire).unwrap(), error);
            assert!(error.to_string().contains(". "), "{error} has no second sentence");
        }
    }
}
