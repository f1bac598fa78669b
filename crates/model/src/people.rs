//! People who work at a node, and the roles they hold (domain page, §4). What a role may do is a rule and
//! lives in the layer that authorises; who administers the machine sees no content.

use crate::code::codes;
use crate::{Lang, OfficerId, Sensitive, UnitId};

codes! {
    /// A role. Two roles of one person never count as two persons.
    Role as "role" {
        /// Signs and changes agreements.
        AgreementAuthority = "agreement_authority",
        /// Writes and grades.
        Analyst = "analyst",
        /// Works a case and uses what was received.
        CaseOfficer = "case_officer",
        /// Data-protection officer.
        Dpo = "dpo",
        /// Legal and rights adviser.
        LegalAdviser = "legal_adviser",
        /// Runs the machine; sees no content.
        NodeAdministrator = "node_administrator",
        /// Independent oversight; reads the log, cannot be revoked by the agency.
        Oversight = "oversight",
        /// Guards classification and keys.
        SecurityOfficer = "security_officer",
        /// The desk all flows pass.
        Spoc = "spoc",
        /// Reviews and releases.
        Supervisor = "supervisor",
    }
}

/// A set of roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct RoleSet(u16);

impl RoleSet {
    /// No role: may do nothing.
    pub const NONE: Self = Self(0);

    fn bit(role: Role) -> u16 {
        Role::ALL.iter().position(|r| *r == role).and_then(|n| u32::try_from(n).ok()).map_or(0, |n| 1 << n)
    }

    /// Returns the set with one more role.
    #[must_use]
    pub fn with(self, role: Role) -> Self {
        Self(self.0 | Self::bit(role))
    }

    /// Returns whether the role is held.
    #[must_use]
    pub fn has(self, role: Role) -> bool {
        self.0 & Self::bit(role) != 0
    }

    /// Returns the roles held, in order.
    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL.iter().copied().filter(move |role| self.has(*role))
    }
}

impl FromIterator<Role> for RoleSet {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Self {
        roles.into_iter().fold(Self::NONE, Self::with)
    }
}

/// A person who works at a node. The ledger knows only a pseudonym.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Officer {
    /// Number, also the pseudonym in the ledger.
    pub id: OfficerId,
    /// Sign-in name.
    pub login: String,
    /// Name, sealed from logs.
    pub name: Sensitive<String>,
    /// Unit.
    pub unit: UnitId,
    /// Roles held.
    pub roles: RoleSet,
    /// Preferred language.
    pub lang: Lang,
    /// Whether the officer may sign in.
    pub active: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_exactly_what_was_put_in() {
        for role in Role::ALL {
            let set: RoleSet = [*role].into_iter().collect();
            assert_eq!(set.iter().collect::<Vec<_>>(), [*role]);
            assert!(!RoleSet::NONE.has(*role));
        }
    }
}
