//! What a member may do.

use std::{fmt, str::FromStr};

use crate::{Error, Result};

/// Roles, least first, so that `role >= Role::Admin` reads as it is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Reads.
    Viewer,
    /// Works with agents and knowledge.
    Member,
    /// Also changes the workspace and its keys.
    Admin,
    /// Also ends the workspace.
    Owner,
}

impl Role {
    /// As the documents write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "VIEWER",
            Self::Member => "MEMBER",
            Self::Admin => "ADMIN",
            Self::Owner => "OWNER",
        }
    }

    /// Lets through whoever has at least this role.
    ///
    /// # Errors
    /// Forbidden, naming the role that is needed.
    pub fn require(self, least: Self) -> Result<()> {
        if self >= least {
            return Ok(());
        }
        Err(Error::forbidden(format!("This needs the role {least} in the workspace; yours is {self}.")))
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        [Self::Viewer, Self::Member, Self::Admin, Self::Owner]
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| Error::internal(format!("members.role holds {text:?}")))
    }
}
