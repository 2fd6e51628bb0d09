//! A field of a change: absent is not null.

use serde::{Deserialize, Deserializer};

/// What a change says of one field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// It was not named: leave it.
    #[default]
    Keep,
    /// It was named as null: clear it.
    Clear,
    /// It has a new value.
    Set(T),
}

impl<T> Patch<T> {
    /// The value after the change.
    pub fn apply(self, old: Option<T>) -> Option<T> {
        match self {
            Self::Keep => old,
            Self::Clear => None,
            Self::Set(new) => Some(new),
        }
    }
}

/// To be used with `#[serde(default)]`, which makes an absent field `Keep`.
impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Clear, Self::Set))
    }
}
