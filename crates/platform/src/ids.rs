//! Ids: a prefix that says what it is, and 24 characters that sort by the time they were made.
//!
//! The characters are a ULID's idea (<https://github.com/ulid/spec>) cut to 24: ten of Crockford's base 32 in
//! lower case hold 50 bits of milliseconds, fourteen hold 70 random bits.

use chrono::{DateTime, Utc};

use crate::{Entropy, Error};

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const TIME: usize = 10;
const LENGTH: usize = 24;

/// Makes the 24 characters for a moment.
pub(crate) fn characters(now: DateTime<Utc>, entropy: Entropy) -> String {
    let mut random = [0u8; LENGTH - TIME];
    entropy.fill(&mut random);
    let millis = now.timestamp_millis().max(0).cast_unsigned();
    let time = (0..TIME).rev().map(|n| ((millis >> (5 * n)) & 31) as u8);
    time.chain(random).map(|b| char::from(ALPHABET[usize::from(b & 31)])).collect()
}

pub(crate) fn check(text: &str, prefix: &str) -> Result<(), Error> {
    let well_formed = text
        .strip_prefix(prefix)
        .is_some_and(|rest| rest.len() == LENGTH && rest.bytes().all(|b| ALPHABET.contains(&b)));
    if well_formed { Ok(()) } else { Err(Error::not_found("There is nothing with this id.")) }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, sqlx::Type)]
        #[serde(transparent)]
        #[sqlx(transparent)]
        pub struct $name(String);

        impl $name {
            /// A new id, later in order than those made before.
            pub fn new(now: DateTime<Utc>, entropy: Entropy) -> Self {
                Self(format!("{}{}", $prefix, characters(now, entropy)))
            }

            /// The text, prefix and all.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = Error;
            /// An id that is not well formed cannot exist, so the error is *not found*.
            fn from_str(text: &str) -> Result<Self, Error> {
                check(text, $prefix).map(|()| Self(text.to_owned()))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&$name> for store::Value {
            fn from(id: &$name) -> Self {
                id.0.as_str().into()
            }
        }
    )*};
}

ids! {
    /// A person.
    UserId = "user_";
    /// A person's session.
    SessionId = "sess_";
    /// An invitation into a workspace.
    InvitationId = "invite_";
    /// An outlet of a company.
    OutletId = "outlet_";
    /// Something that happened.
    EventId = "evt_";
    /// An entry of the audit log.
    AuditId = "audit_";
    /// A code mailed to a person.
    CodeId = "code_";
    /// A workspace, which is also Craveva's company.
    WorkspaceId = "ws_";
    /// An API key of any kind.
    KeyId = "key_";
    /// An agent.
    AgentId = "agent_";
    /// A collection of documents.
    CollectionId = "col_";
    /// A document.
    DocumentId = "doc_";
    /// A website that is read page by page.
    CrawlId = "crawl_";
    /// A visitor's session.
    VisitorId = "vis_";
    /// A conversation.
    ConversationId = "conv_";
    /// A question and its answer.
    MessageId = "msg_";
    /// A question that could not be answered.
    UnansweredId = "uq_";
    /// Questions of one meaning.
    TopicId = "topic_";
    /// A visitor's request for a person.
    EscalationId = "esc_";
    /// A job.
    JobId = "job_";
    /// A provider of language models.
    ProviderId = "prov_";
    /// A run of an agent.
    ExecutionId = "exec_";
    /// A contact; its document has ids without a prefix.
    ContactId = "";
    /// A file of a contact.
    FileId = "file_";
    /// A note on a contact.
    NoteId = "note_";
    /// An import or export of contacts.
    TransferId = "transfer_";
    /// A form.
    FormId = "form_";
    /// What somebody sent by a form.
    SubmissionId = "sub_";
    /// A file whose fields are taken out.
    ExtractionId = "extr_";
    /// A webhook.
    WebhookId = "wh_";
    /// An event on its way to a webhook.
    DeliveryId = "dlv_";
    /// A movement of credits, and the purchase that it follows from.
    TransactionId = "txn_";
    /// An invoice.
    InvoiceId = "inv_";
    /// Something that is paid by.
    PaymentMethodId = "pm_";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_parse_back() {
        let at = |ms| DateTime::from_timestamp_millis(ms).unwrap();
        let early = AgentId::new(at(1_700_000_000_000), Entropy);
        let late = AgentId::new(at(1_700_000_000_001), Entropy);
        assert!(early < late);
        assert_eq!(early.as_str().len(), "agent_".len() + 24);
        assert_eq!(early.as_str().parse::<AgentId>().unwrap(), early);
        assert!("agent_missing".parse::<AgentId>().is_err());
        assert!(early.as_str().parse::<UserId>().is_err());
    }
}
