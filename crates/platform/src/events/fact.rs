//! What can happen, and what each document calls it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    AgentId, CollectionId, ContactId, ConversationId, DocumentId, EscalationId, ExecutionId, FormId,
    MessageId, SubmissionId, conversations::Channel,
};

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $upper:literal, $dotted:literal;)*) => {
        /// What kind of fact: one event with two names.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Kind {
            $($(#[$doc])* $name),*
        }

        impl Kind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// As the Insydr document writes it, and as it is stored.
            pub fn upper(self) -> &'static str {
                match self { $(Self::$name => $upper),* }
            }

            /// As the Craveva document writes it.
            pub fn dotted(self) -> &'static str {
                match self { $(Self::$name => $dotted),* }
            }
        }

        impl Fact {
            /// What kind of fact this is.
            pub fn kind(&self) -> Kind {
                match self { $(Self::$name { .. } => Kind::$name),* }
            }
        }
    };
}

kinds! {
    /// A visitor said something for the first time.
    ConversationStarted = "CONVERSATION_STARTED", "conversation.started";
    /// Nothing was said for a while.
    ConversationEnded = "CONVERSATION_ENDED", "conversation.ended";
    /// A question came and was answered, or not.
    MessageReceived = "MESSAGE_RECEIVED", "message.received";
    /// A question could not be answered.
    AnswerNotFound = "ANSWER_NOT_FOUND", "answer.not_found";
    /// A visitor said what they thought of an answer.
    FeedbackSubmitted = "FEEDBACK_SUBMITTED", "feedback.submitted";
    /// A visitor asked for a person.
    EscalationRequested = "ESCALATION_REQUESTED", "escalation.requested";
    /// Somebody left a way to reach them.
    LeadCaptured = "LEAD_CAPTURED", "lead.captured";
    /// A document was read, or could not be.
    DocumentProcessed = "DOCUMENT_PROCESSED", "document.processed";
    /// An agent's draft became what visitors get.
    AgentPublished = "AGENT_PUBLISHED", "agent.published";
    /// A client of the API ran an agent.
    Executed = "AGENT_EXECUTE", "agent.execute";
    /// A contact came to be.
    ContactCreated = "CONTACT_CREATED", "contact.created";
    /// Somebody filled in a form.
    FormSubmitted = "FORM_SUBMITTED", "form.submitted";
    /// A deployment was made, changed, or works no longer.
    DeploymentChanged = "DEPLOYMENT_STATUS", "deployment.status";
}

impl Kind {
    /// The kind that either document calls by this name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.upper() == name || kind.dotted() == name)
    }
}

/// Something that happened, as it is told to whoever asks for it. What is stored must be readable for as long as it
/// is kept: a field is added with `#[serde(default)]`, and none is taken away.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "kind", content = "data", rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "the fields are named after what they hold, and Kind tells what happened")]
pub enum Fact {
    ConversationStarted {
        #[serde(rename = "conversation_id")]
        conversation: ConversationId,
        #[serde(rename = "agent_id")]
        agent: AgentId,
        channel: Channel,
        #[serde(rename = "session_id")]
        session: String,
        page_url: Option<String>,
    },
    ConversationEnded {
        #[serde(rename = "conversation_id")]
        conversation: ConversationId,
        #[serde(rename = "agent_id")]
        agent: AgentId,
        channel: Channel,
        message_count: i64,
        started_at: DateTime<Utc>,
        /// From the first to the last message since it began, or went on after an earlier end.
        #[serde(default)]
        duration_seconds: i64,
    },
    MessageReceived {
        #[serde(rename = "message_id")]
        message: MessageId,
        #[serde(rename = "conversation_id")]
        conversation: ConversationId,
        #[serde(rename = "agent_id")]
        agent: AgentId,
        channel: Channel,
        question: String,
        /// The question as it stands alone, when it goes on from what was said before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        asked: Option<String>,
        answer: String,
        answered: bool,
        confidence: f64,
        model: String,
        degraded: bool,
        tokens: i64,
        response_time_ms: i64,
    },
    AnswerNotFound {
        #[serde(rename = "message_id")]
        message: MessageId,
        #[serde(rename = "conversation_id")]
        conversation: ConversationId,
        #[serde(rename = "agent_id")]
        agent: AgentId,
        channel: Channel,
        question: String,
        confidence: f64,
        /// Why, in a word: low_confidence, off_topic, …
        reason: Option<String>,
    },
    FeedbackSubmitted {
        #[serde(rename = "message_id")]
        message: MessageId,
        #[serde(rename = "conversation_id")]
        conversation: ConversationId,
        #[serde(rename = "agent_id")]
        agent: AgentId,
        #[serde(default = "Channel::widget")]
        channel: Channel,
        /// THUMBS_UP or THUMBS_DOWN.
        feedback: String,
        /// What the same visitor thought before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        former: Option<String>,
        /// When the answer was given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        answered_at: Option<DateTime<Utc>>,
        comment: Option<String>,
    },
    EscalationRequested {
        #[serde(rename = "escalation_id")]
        escalation: EscalationId,
        #[serde(rename = "agent_id")]
        agent: AgentId,
        #[serde(rename = "session_id")]
        session: String,
        email: String,
        message: String,
    },
    LeadCaptured {
        #[serde(rename = "contact_id")]
        contact: Option<ContactId>,
        #[serde(rename = "agent_id")]
        agent: AgentId,
        #[serde(rename = "session_id")]
        session: Option<String>,
        email: Option<String>,
        name: Option<String>,
        phone: Option<String>,
        /// CHAT, FORM, …
        source: String,
    },
    DocumentProcessed {
        #[serde(rename = "document_id")]
        document: DocumentId,
        #[serde(rename = "collection_id")]
        collection: CollectionId,
        title: String,
        /// COMPLETED or FAILED.
        status: String,
        chunk_count: i64,
        error_code: Option<String>,
    },
    AgentPublished {
        #[serde(rename = "agent_id")]
        agent: AgentId,
        name: String,
        version: String,
    },
    #[serde(rename = "AGENT_EXECUTE")]
    Executed {
        #[serde(rename = "execution_id")]
        execution: ExecutionId,
        #[serde(rename = "agent_id")]
        agent: AgentId,
        channel: Channel,
        /// answered, fallback, stopped or failed.
        outcome: String,
        model: String,
        tokens_input: i64,
        tokens_output: i64,
        execution_time_ms: i64,
    },
    ContactCreated {
        #[serde(rename = "contact_id")]
        contact: ContactId,
        #[serde(rename = "agent_id")]
        agent: AgentId,
        email: String,
        /// CHAT, FORM, MANUAL, IMPORT or API.
        source: String,
    },
    FormSubmitted {
        #[serde(rename = "submission_id")]
        submission: SubmissionId,
        #[serde(rename = "form_id")]
        form: FormId,
        #[serde(rename = "agent_id")]
        agent: AgentId,
        #[serde(rename = "contact_id")]
        contact: Option<ContactId>,
    },
    #[serde(rename = "DEPLOYMENT_STATUS")]
    DeploymentChanged {
        #[serde(rename = "deployment_id")]
        deployment: String,
        #[serde(rename = "agent_id")]
        agent: AgentId,
        platform: String,
        status: String,
    },
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Entropy;

    #[test]
    fn each_name_of_either_document_is_one_kind() {
        for kind in Kind::ALL {
            assert_eq!(Kind::of(kind.upper()), Some(*kind));
            assert_eq!(Kind::of(kind.dotted()), Some(*kind));
        }
        assert_eq!(Kind::of("agent.execute"), Some(Kind::Executed));
        assert_eq!(Kind::of("conversation_started"), None);
    }

    #[test]
    fn a_fact_is_kept_under_its_name_and_says_whom_it_is_about() {
        let agent = AgentId::new(DateTime::UNIX_EPOCH, Entropy);
        let (deployment, platform, status) = ("dep_1".to_owned(), "shopify".to_owned(), "active".to_owned());
        let fact = Fact::DeploymentChanged { deployment, agent: agent.clone(), platform, status };
        let data =
            json!({ "deployment_id": "dep_1", "agent_id": agent, "platform": "shopify", "status": "active" });
        let kept = json!({ "kind": fact.kind().upper(), "data": data });
        assert_eq!(serde_json::to_value(&fact).unwrap(), kept);
        assert_eq!(serde_json::from_value::<Fact>(kept).unwrap(), fact);
    }
}
