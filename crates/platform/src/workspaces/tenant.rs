//! The proof that a query may touch a workspace's rows.

use crate::WorkspaceId;

/// A workspace whose rows the holder may read. Only this crate makes one: from a member's entry, from a key, or
/// from a job that carries its workspace. Every query on a tenant's table asks for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tenant(WorkspaceId);

impl Tenant {
    pub(crate) fn new(id: WorkspaceId) -> Self {
        Self(id)
    }

    /// The workspace.
    pub fn id(&self) -> &WorkspaceId {
        &self.0
    }
}

impl From<&Tenant> for store::Value {
    fn from(tenant: &Tenant) -> Self {
        (&tenant.0).into()
    }
}
