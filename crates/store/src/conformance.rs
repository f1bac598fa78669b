//! The suite that both engines must pass: what a repository says of itself holds on SQLite and PostgreSQL alike.

mod attachments;
mod checks;
mod erase;
mod erasures;
mod evidence;
mod exchange;
mod holds;
mod justifications;
mod lanes;
mod leases;
mod ledger;
mod office;
mod onward;
mod plans;
mod reports;
mod requests;
mod rulings;
mod schema;
mod standing;
mod subjects;
mod vault;
mod witness;

use std::sync::Arc;

use mithaq_db::testing::{TestDatabase, migrated};
use mithaq_db::{Db, Tx};
use mithaq_model::{AgreementId, Id16, Lang, PartyId, Text, Timestamp};

use crate::testing::Counter;
use crate::{Entropy, MIGRATIONS, MasterKey, StoreError, Vault};

/// A fresh node on one engine.
pub(super) struct Node {
    pub(super) database: TestDatabase,
    pub(super) vault: Vault,
    pub(super) entropy: Arc<dyn Entropy>,
}

impl Node {
    pub(super) fn db(&self) -> &Db {
        self.database.db()
    }

    pub(super) fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut dyn Tx, &Vault) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let vault = self.vault.clone();
        self.db().write(move |tx: &mut dyn Tx| job(tx, &vault))
    }

    pub(super) fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut dyn Tx, &Vault) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let vault = self.vault.clone();
        self.db().read(move |tx: &mut dyn Tx| job(tx, &vault))
    }

    /// Changes a table behind the store's back, as an attacker on the machine can.
    pub(super) fn tamper(&self, sql: &'static str) {
        let changed = self.db().write(move |tx: &mut dyn Tx| tx.exec(sql, &[])).unwrap();
        assert!(changed > 0, "nothing was tampered with: {sql}");
    }
}

/// A fresh node on every engine at hand.
pub(super) fn nodes() -> Vec<Node> {
    let databases = migrated(MIGRATIONS).unwrap();
    let node = |database: TestDatabase| {
        let entropy: Arc<dyn Entropy> = Arc::new(Counter::new(7));
        let source = Arc::clone(&entropy);
        let vault = database
            .db()
            .write(move |tx: &mut dyn Tx| Vault::create(tx, MasterKey::new(1, [3; 32]), source))
            .unwrap();
        Node { database, vault, entropy }
    };
    databases.into_iter().map(node).collect()
}

pub(super) fn number<I: Id16>(n: u8) -> I {
    I::from_bytes([n; 16])
}

pub(super) fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

pub(super) fn party(name: &str) -> PartyId {
    PartyId::new(name).unwrap()
}

pub(super) fn text(text: &str) -> Text {
    Text::line(Lang::FR, text).unwrap()
}

pub(super) const AGREEMENT: AgreementId = AgreementId::new([0xa9; 32]);

pub(super) fn integrity(error: &StoreError) -> bool {
    matches!(error, StoreError::Integrity { .. })
}
