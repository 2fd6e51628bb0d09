//! An agent's settings: one document with a default for everything.

use ::documents::Format;
use serde::{Deserialize, Serialize};

use crate::{CollectionId, Error, Patch, Result};

/// The tools that an agent can have.
pub const TOOLS: [&str; 4] = ["search_knowledge", "current_time", "hand_over", "save_contact"];
/// Longest words of an agent's makers to the model, in characters.
const MAX_PROMPT: usize = 8_000;

/// Everything that makes an agent behave as it does. What is missing in a stored document has its default.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct Settings {
    /// How it speaks.
    pub behavior_settings: Behavior,
    /// What its answers are like.
    pub response_config: ResponseConfig,
    /// Rules of the conversation, as its clients keep them.
    pub conversation_rules: serde_json::Map<String, serde_json::Value>,
    /// Its makers' own words to the model, before the rules of the house.
    pub system_prompt: String,
    /// Which models write.
    pub model_settings: ModelSettings,
    /// What it keeps to.
    pub guardrails: Guardrails,
    /// The tools that a model may call for it, by name; see [`crate::answering::tools`].
    pub tools: Vec<String>,
    /// What it says first.
    pub greeting_message: String,
    /// What it says when it does not know.
    pub fallback_message: String,
    /// What it may know.
    pub collection_ids: Vec<CollectionId>,
    /// The data sources it may ask.
    pub data_source_ids: Vec<String>,
    /// How the Craveva document's clients show it; kept as they send it.
    pub ui_settings: serde_json::Map<String, serde_json::Value>,
    /// How the widget looks.
    pub appearance: Appearance,
    /// How the widget greets.
    pub greeting: Greeting,
    /// Whose widget it is.
    pub branding: Branding,
    /// What visitors may do and cost.
    pub visitors: Visitors,
    /// `public` lets visitors in by the agent's id alone, on any site; `private` asks for a key; `restricted` lets in
    /// the agent's contacts only, who sign in by a mailed code. It counts as soon as it is set: who may come in is no
    /// matter of versions.
    pub visibility: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            behavior_settings: Behavior::default(),
            response_config: ResponseConfig::default(),
            conversation_rules: serde_json::Map::new(),
            system_prompt: String::new(),
            model_settings: ModelSettings::default(),
            guardrails: Guardrails::default(),
            tools: Vec::new(),
            greeting_message: "Hi! How can I help you?".into(),
            fallback_message: "I could not find that in what I know. Would you like to talk to a person?"
                .into(),
            collection_ids: Vec::new(),
            data_source_ids: Vec::new(),
            ui_settings: serde_json::Map::new(),
            appearance: Appearance::default(),
            greeting: Greeting::default(),
            branding: Branding::default(),
            visitors: Visitors::default(),
            visibility: "private".into(),
        }
    }
}

/// A group of settings, its defaults, and the change of some of them.
macro_rules! group {
    ($(#[$doc:meta])* $name:ident, $patch:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty = $default:expr,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
        #[serde(default)]
        pub struct $name { $($(#[$field_doc])* pub $field: $type,)+ }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)+ }
            }
        }

        /// A change of these settings; what is not named stays.
        #[derive(Clone, Debug, Default, Deserialize)]
        #[serde(default)]
        pub struct $patch { $($(#[$field_doc])* pub $field: Option<$type>,)+ }

        impl $name {
            fn apply(&mut self, patch: $patch) {
                $(if let Some(value) = patch.$field { self.$field = value; })+
            }
        }
    };
}

group! {
    /// How an agent speaks.
    Behavior, BehaviorPatch {
        /// friendly, professional, …
        tone: String = "friendly".into(),
        /// conversational, concise, …
        response_style: String = "conversational".into(),
        /// `auto` answers in the language of the question.
        language_mode: String = "auto".into(),
    }
}

group! {
    /// What an agent's answers are like.
    ResponseConfig, ResponsePatch {
        /// Tokens an answer may have.
        max_response_length: u32 = 500,
        /// Answers less sure than this, 0 to 1, are not given.
        confidence_threshold: f64 = 0.5,
        /// Whether visitors see where an answer comes from.
        show_sources: bool = true,
        /// Of a language model, 0 to 2.
        temperature: f64 = 0.2,
    }
}

group! {
    /// Which models write an agent's answers. Behind them all stands the embedded one, which quotes.
    ModelSettings, ModelPatch {
        /// The first choice; the server's own when empty, `extractive` for none.
        model: String = String::new(),
        /// Those that step in, in order.
        fallback_models: Vec<String> = Vec::new(),
    }
}

group! {
    /// What an agent keeps to, held by code and not only asked of the model.
    Guardrails, GuardrailsPatch {
        /// What it talks about; anything when empty.
        allowed_topics: Vec<String> = Vec::new(),
        /// Words and phrases that neither a question nor an answer may hold.
        blocked_words: Vec<String> = Vec::new(),
        /// What happens to sentences that no passage supports: `flag` or `drop`.
        unsupported_sentences: String = "flag".into(),
        /// Whether a provider's model gets placeholders for addresses, phone numbers, cards and accounts.
        redact_personal_data: bool = false,
    }
}

group! {
    /// How the widget looks.
    Appearance, AppearancePatch {
        /// light, dark or auto.
        theme: String = "auto".into(),
        /// `#rrggbb`.
        primary_color: String = "#2563eb".into(),
        /// In pixels, 0 to 32.
        border_radius: u32 = 16,
        /// The corner it sits in.
        position: String = "bottom-right".into(),
    }
}

group! {
    /// How the widget greets.
    Greeting, GreetingPatch {
        /// Whether it does.
        greeting_enabled: bool = true,
        /// Milliseconds after the page has loaded.
        greeting_delay: u32 = 3000,
        /// Whether the panel opens by itself after the delay, once for each visitor, and not on phones.
        auto_open: bool = false,
        /// Questions that a visitor can ask with one click.
        suggested_questions: Vec<String> = Vec::new(),
    }
}

group! {
    /// What visitors may do and cost.
    Visitors, VisitorsPatch {
        /// Whether a question may come with files.
        attachments: bool = false,
        /// Files of one question, 1 to 5.
        max_files: u32 = 3,
        /// MB of one file, 1 to 20.
        max_file_mb: u32 = 5,
        /// Endings of the files that are read.
        file_types: Vec<String> = ["pdf", "docx", "txt", "md", "csv", "xlsx"].map(str::to_owned).into(),
        /// Questions a day after which answers get cheaper, for visitors whose key has no budget of its own; nought is
        /// without end.
        daily_messages: u32 = 0,
        /// The model that writes when little of the budget is left; when empty, the last of the fallback models.
        economy_model: String = String::new(),
    }
}

/// Whose widget it is.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct Branding {
    /// Whether it says what it is made with.
    pub show_powered_by: bool,
    /// The agent's picture.
    pub avatar_url: Option<String>,
    /// What stands below its name; the usual in the visitor's language when there is none.
    pub subtitle: Option<String>,
}

impl Default for Branding {
    fn default() -> Self {
        Self { show_powered_by: true, avatar_url: None, subtitle: None }
    }
}

/// A change of the branding.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct BrandingPatch {
    /// Whether it says what it is made with.
    pub show_powered_by: Option<bool>,
    /// The agent's picture, or none.
    pub avatar_url: Patch<String>,
    /// What stands below its name, or the usual.
    pub subtitle: Patch<String>,
}

/// A change of an agent's settings; what is not named stays.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct SettingsPatch {
    /// How it speaks.
    pub behavior_settings: Option<BehaviorPatch>,
    /// What its answers are like.
    pub response_config: Option<ResponsePatch>,
    /// Rules of the conversation; replaced as a whole.
    pub conversation_rules: Option<serde_json::Map<String, serde_json::Value>>,
    /// Its makers' own words to the model.
    pub system_prompt: Option<String>,
    /// Which models write.
    pub model_settings: Option<ModelPatch>,
    /// What it keeps to.
    pub guardrails: Option<GuardrailsPatch>,
    /// The tools that a model may call for it; replaced as a whole.
    pub tools: Option<Vec<String>>,
    /// The data sources it may ask; replaced as a whole.
    pub data_source_ids: Option<Vec<String>>,
    /// How the Craveva document's clients show it; replaced as a whole.
    pub ui_settings: Option<serde_json::Map<String, serde_json::Value>>,
    /// What it says first.
    pub greeting_message: Option<String>,
    /// What it says when it does not know.
    pub fallback_message: Option<String>,
    /// What it may know; replaced as a whole.
    pub collection_ids: Option<Vec<CollectionId>>,
    /// How the widget looks.
    pub appearance: Option<AppearancePatch>,
    /// How the widget greets.
    pub greeting: Option<GreetingPatch>,
    /// Whose widget it is.
    pub branding: Option<BrandingPatch>,
    /// What visitors may do and cost.
    pub visitors: Option<VisitorsPatch>,
    /// public, private or restricted.
    pub visibility: Option<String>,
}

impl Settings {
    /// Changes what the patch names.
    ///
    /// # Errors
    /// Invalid, naming the field, when the outcome is out of range; then the settings must not be kept.
    pub(super) fn apply(&mut self, patch: SettingsPatch) -> Result<()> {
        self.behavior_settings.apply(patch.behavior_settings.unwrap_or_default());
        self.response_config.apply(patch.response_config.unwrap_or_default());
        self.model_settings.apply(patch.model_settings.unwrap_or_default());
        self.guardrails.apply(patch.guardrails.unwrap_or_default());
        self.appearance.apply(patch.appearance.unwrap_or_default());
        self.greeting.apply(patch.greeting.unwrap_or_default());
        self.visitors.apply(patch.visitors.unwrap_or_default());
        if let Some(branding) = patch.branding {
            self.branding.show_powered_by = branding.show_powered_by.unwrap_or(self.branding.show_powered_by);
            self.branding.avatar_url = branding.avatar_url.apply(self.branding.avatar_url.take());
            self.branding.subtitle = branding.subtitle.apply(self.branding.subtitle.take());
        }
        replace(&mut self.greeting_message, patch.greeting_message);
        replace(&mut self.fallback_message, patch.fallback_message);
        replace(&mut self.system_prompt, patch.system_prompt);
        replace(&mut self.conversation_rules, patch.conversation_rules);
        replace(&mut self.ui_settings, patch.ui_settings);
        replace(&mut self.collection_ids, patch.collection_ids);
        replace(&mut self.data_source_ids, patch.data_source_ids);
        replace(&mut self.tools, patch.tools);
        replace(&mut self.visibility, patch.visibility);
        self.validate()
    }

    fn validate(&self) -> Result<()> {
        check(
            matches!(self.visibility.as_str(), "private" | "public" | "restricted"),
            "visibility",
            "visibility is private, public or restricted.",
        )?;
        self.validate_visitors()?;
        self.validate_answers()?;
        self.validate_look()
    }

    fn validate_answers(&self) -> Result<()> {
        let response = &self.response_config;
        check(
            (0.0..=1.0).contains(&response.confidence_threshold),
            "response_config.confidence_threshold",
            "confidence_threshold is a number from 0 to 1.",
        )?;
        check(
            (1..=8192).contains(&response.max_response_length),
            "response_config.max_response_length",
            "max_response_length is a number of tokens from 1 to 8192.",
        )?;
        check(
            (0.0..=2.0).contains(&response.temperature),
            "response_config.temperature",
            "temperature is a number from 0 to 2.",
        )?;
        let behavior = &self.behavior_settings;
        let words = [&behavior.tone, &behavior.response_style, &behavior.language_mode];
        check(
            words.iter().all(|w| w.chars().count() <= 200),
            "behavior_settings",
            "Each of behavior_settings has at most 200 characters.",
        )?;
        check(
            self.system_prompt.chars().count() <= MAX_PROMPT,
            "system_prompt",
            "system_prompt has at most 8000 characters.",
        )?;
        let models = &self.model_settings;
        check(
            models.fallback_models.len() <= 5
                && models
                    .fallback_models
                    .iter()
                    .chain([&models.model])
                    .all(|name| name.chars().count() <= 200),
            "model_settings",
            "There are at most 5 fallback_models, and a model's name has at most 200 characters.",
        )?;
        let rails = &self.guardrails;
        check(
            matches!(rails.unsupported_sentences.as_str(), "flag" | "drop"),
            "guardrails.unsupported_sentences",
            "unsupported_sentences is flag or drop.",
        )?;
        check(
            short_list(&rails.allowed_topics, 50, 200),
            "guardrails.allowed_topics",
            "There are at most 50 allowed_topics of 1 to 200 characters.",
        )?;
        check(
            short_list(&rails.blocked_words, 500, 100),
            "guardrails.blocked_words",
            "There are at most 500 blocked_words of 1 to 100 characters.",
        )?;
        if let Some(unknown) = self.tools.iter().find(|tool| !TOOLS.contains(&tool.as_str())) {
            let known = TOOLS.join(", ");
            return Err(Error::invalid("tools", format!("There is no tool {unknown}. There are {known}.")));
        }
        check(
            short_list(&self.data_source_ids, 100, 100),
            "data_source_ids",
            "There are at most 100 data_source_ids.",
        )
    }

    /// Whether visitors must sign in.
    pub fn is_restricted(&self) -> bool {
        self.visibility == "restricted"
    }

    fn validate_visitors(&self) -> Result<()> {
        let visitors = &self.visitors;
        check(
            (1..=5).contains(&visitors.max_files),
            "visitors.max_files",
            "max_files is a number from 1 to 5.",
        )?;
        check(
            (1..=20).contains(&visitors.max_file_mb),
            "visitors.max_file_mb",
            "max_file_mb is a number from 1 to 20.",
        )?;
        check(
            visitors.economy_model.chars().count() <= 200,
            "visitors.economy_model",
            "A model's name has at most 200 characters.",
        )?;
        let endings: Vec<&str> = Format::ALL.iter().flat_map(|format| format.extensions()).copied().collect();
        match visitors.file_types.iter().find(|ending| !endings.contains(&ending.as_str())) {
            Some(unknown) => Err(Error::invalid(
                "visitors.file_types",
                format!("{unknown} is no type of file that is read here. There are {}.", endings.join(", ")),
            )),
            None => Ok(()),
        }
    }

    fn validate_look(&self) -> Result<()> {
        check(
            matches!(self.appearance.theme.as_str(), "light" | "dark" | "auto"),
            "appearance.theme",
            "theme is light, dark or auto.",
        )?;
        check(
            is_color(&self.appearance.primary_color),
            "appearance.primary_color",
            "primary_color is a colour such as #e91919.",
        )?;
        check(
            self.appearance.border_radius <= 32,
            "appearance.border_radius",
            "border_radius is a number from 0 to 32.",
        )?;
        check(
            matches!(
                self.appearance.position.as_str(),
                "bottom-right" | "bottom-left" | "top-right" | "top-left"
            ),
            "appearance.position",
            "position is bottom-right, bottom-left, top-right or top-left.",
        )?;
        check(
            self.branding.subtitle.as_ref().is_none_or(|text| text.chars().count() <= 100),
            "branding.subtitle",
            "subtitle has at most 100 characters.",
        )?;
        let texts =
            [("greeting_message", &self.greeting_message), ("fallback_message", &self.fallback_message)];
        for (field, text) in texts {
            check(text.chars().count() <= 2000, field, "A message has at most 2000 characters.")?;
        }
        check(
            !self.fallback_message.trim().is_empty(),
            "fallback_message",
            "fallback_message must say something: it is what visitors get when there is no answer.",
        )?;
        let questions = &self.greeting.suggested_questions;
        check(
            questions.len() <= 10 && questions.iter().all(|q| q.chars().count() <= 200),
            "greeting.suggested_questions",
            "There are at most 10 suggested_questions of at most 200 characters.",
        )
    }
}

fn replace<T>(slot: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *slot = value;
    }
}

fn check(fine: bool, field: &'static str, message: &'static str) -> Result<()> {
    if fine { Ok(()) } else { Err(Error::invalid(field, message)) }
}

fn short_list(list: &[String], most: usize, longest: usize) -> bool {
    list.len() <= most && list.iter().all(|text| (1..=longest).contains(&text.trim().chars().count()))
}

fn is_color(text: &str) -> bool {
    text.strip_prefix('#').is_some_and(|hex| hex.len() == 6 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
}
