//! What members and keys may do in a workspace: the one table of it.

use super::{Role, Scope};
use crate::{Error, Result};

/// In what capacity somebody acts in a workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A person with this role.
    Member(Role),
    /// A program with an account key.
    Key(Scope),
}

impl Standing {
    /// Every standing there is, in the order of the table's columns.
    pub const ALL: [Self; 6] = [
        Self::Member(Role::Viewer),
        Self::Member(Role::Member),
        Self::Member(Role::Admin),
        Self::Member(Role::Owner),
        Self::Key(Scope::Read),
        Self::Key(Scope::Write),
    ];

    /// Whether the table allows it.
    pub fn may(self, permission: Permission) -> bool {
        let column = Self::ALL.iter().position(|standing| *standing == self);
        column.is_some_and(|column| permission.row()[column])
    }

    /// Lets through whoever may.
    ///
    /// # Errors
    /// Forbidden, saying what would be needed.
    pub fn require(self, permission: Permission) -> Result<()> {
        if self.may(permission) {
            return Ok(());
        }
        let needed = [Role::Viewer, Role::Member, Role::Admin, Role::Owner]
            .into_iter()
            .find(|role| Self::Member(*role).may(permission))
            .unwrap_or(Role::Owner);
        Err(Error::forbidden(match self {
            Self::Member(role) => {
                format!("This needs the role {needed} in the workspace; yours is {role}.")
            }
            Self::Key(Scope::Read) if Self::Key(Scope::Write).may(permission) => {
                "This key may only read. Make one with the permission write.".into()
            }
            Self::Key(_) => format!("Keys may not do this. Log in as a person with the role {needed}."),
        }))
    }
}

/// Something that can be done in a workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// See the workspace, how much is in it, and its outlets.
    ViewWorkspace,
    /// Change its name, picture, time zone and settings.
    ChangeWorkspace,
    /// Delete it with everything in it.
    DeleteWorkspace,
    /// See who belongs to it.
    ViewMembers,
    /// Invite and remove people, and change their roles.
    ManageMembers,
    /// See which keys there are; never the keys themselves.
    ViewKeys,
    /// Make and revoke keys.
    ManageKeys,
    /// See agents.
    ViewAgents,
    /// Make, change, try and publish agents.
    EditAgents,
    /// See collections and documents.
    ViewKnowledge,
    /// Add, change and delete collections and documents.
    EditKnowledge,
    /// See contacts, their files and notes, and what forms brought.
    ViewContacts,
    /// Add, change, merge, import, export and archive contacts.
    EditContacts,
    /// Make, change and delete outlets.
    EditOutlets,
    /// See webhooks and what was delivered to them; never their secrets.
    ViewWebhooks,
    /// Make, change, test and delete webhooks.
    EditWebhooks,
    /// See what visitors ask, and how well they are answered.
    ViewAnalytics,
    /// Read the audit log.
    ViewAudit,
    /// See the plan, what was used, and the credits.
    ViewBilling,
    /// See invoices, whom they are for, and what is paid by.
    ViewInvoices,
    /// Change the plan, buy credits, and change what is paid by: it is the owner's money.
    ManageBilling,
}

impl Permission {
    /// Every permission there is.
    pub const ALL: [Self; 21] = [
        Self::ViewWorkspace,
        Self::ChangeWorkspace,
        Self::DeleteWorkspace,
        Self::ViewMembers,
        Self::ManageMembers,
        Self::ViewKeys,
        Self::ManageKeys,
        Self::ViewAgents,
        Self::EditAgents,
        Self::ViewKnowledge,
        Self::EditKnowledge,
        Self::ViewContacts,
        Self::EditContacts,
        Self::EditOutlets,
        Self::ViewWebhooks,
        Self::EditWebhooks,
        Self::ViewAnalytics,
        Self::ViewAudit,
        Self::ViewBilling,
        Self::ViewInvoices,
        Self::ManageBilling,
    ];

    /// Who may, in the order of [`Standing::ALL`].
    fn row(self) -> [bool; 6] {
        const Y: bool = true;
        const N: bool = false;
        match self {
            //                     VIEWER, MEMBER, ADMIN, OWNER, key to read, key to write
            Self::ViewWorkspace => [Y, Y, Y, Y, Y, Y],
            Self::ChangeWorkspace => [N, N, Y, Y, N, N],
            Self::DeleteWorkspace => [N, N, N, Y, N, N],
            Self::ViewMembers => [Y, Y, Y, Y, Y, Y],
            Self::ManageMembers => [N, N, Y, Y, N, N],
            Self::ViewKeys => [Y, Y, Y, Y, Y, Y],
            Self::ManageKeys => [N, N, Y, Y, N, N],
            Self::ViewAgents => [Y, Y, Y, Y, Y, Y],
            Self::EditAgents => [N, Y, Y, Y, N, Y],
            Self::ViewKnowledge => [Y, Y, Y, Y, Y, Y],
            Self::EditKnowledge => [N, Y, Y, Y, N, Y],
            Self::ViewContacts => [Y, Y, Y, Y, Y, Y],
            Self::EditContacts => [N, Y, Y, Y, N, Y],
            Self::EditOutlets => [N, N, Y, Y, N, Y],
            Self::ViewWebhooks => [Y, Y, Y, Y, Y, Y],
            Self::EditWebhooks => [N, N, Y, Y, N, Y],
            Self::ViewAnalytics => [Y, Y, Y, Y, Y, Y],
            Self::ViewAudit => [N, N, Y, Y, N, N],
            Self::ViewBilling => [Y, Y, Y, Y, Y, Y],
            Self::ViewInvoices => [N, N, Y, Y, N, Y],
            Self::ManageBilling => [N, N, N, Y, N, N],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_higher_role_may_do_all_that_a_lower_one_may_and_keys_no_more_than_a_member_of_their_kind() {
        for permission in Permission::ALL {
            let [viewer, member, admin, owner, read, write] = permission.row();
            assert!(viewer <= member && member <= admin && admin <= owner && owner, "{permission:?}");
            assert!(read <= viewer && read <= write && write <= admin, "{permission:?}");
        }
    }

    #[test]
    fn a_refusal_names_what_is_needed() {
        let refused = |standing: Standing, permission| standing.require(permission).unwrap_err().message;
        let viewer = refused(Standing::Member(Role::Viewer), Permission::EditAgents);
        assert_eq!(viewer, "This needs the role MEMBER in the workspace; yours is VIEWER.");
        let reader = refused(Standing::Key(Scope::Read), Permission::EditAgents);
        assert_eq!(reader, "This key may only read. Make one with the permission write.");
        let writer = refused(Standing::Key(Scope::Write), Permission::ManageKeys);
        assert_eq!(writer, "Keys may not do this. Log in as a person with the role ADMIN.");
    }
}
