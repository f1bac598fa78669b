//! What is known of agreements and partners, verified once and kept in memory: compiled rules, stages, manifests.
//! Rebuilt from the store after every change; a row whose text or signature does not verify is not part of it.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use mithaq_db::Tx;
use mithaq_envelope::{VerifiedManifest, verify_agreement_signature, verify_manifest};
use mithaq_model::{AgreementId, PartyId, Timestamp};
use mithaq_policy::{Agreement, Rules, Stage, Standing};
use mithaq_store::{agreements, leases, partners, settings};
use mithaq_wire::Digest;

use crate::App;
use crate::error::AppError;

/// Setting that holds the fingerprint of this node's own root.
pub(crate) const OWN_ROOT: &str = "node.root";

/// An agreement as this node applies it.
#[derive(Debug)]
pub struct Known {
    /// Compiled rules.
    pub rules: Rules,
    /// Where it stands.
    pub standing: Standing,
    /// Whether every party's signature over its number verified with the root it names.
    pub all_signed: bool,
    /// Counts changes of state, from 1.
    pub version: u64,
    /// How often anything known had changed when this was read.
    pub(crate) as_of: u64,
}

impl Known {
    /// Returns the agreement.
    #[must_use]
    pub const fn agreement(&self) -> &Agreement {
        self.rules.agreement()
    }
}

/// A partner's node.
#[derive(Debug)]
pub struct Peer {
    /// Its party.
    pub party: PartyId,
    /// Fingerprint of its root keys, as the agreements name it.
    pub root: [u8; 32],
    /// Its manifests, oldest first, each verified against the root and the one before. Not empty.
    pub manifests: Vec<VerifiedManifest>,
}

impl Peer {
    /// Returns the manifest of a hash, if it was valid at an instant.
    pub(crate) fn manifest(&self, hash: Digest) -> Option<&VerifiedManifest> {
        self.manifests.iter().find(|manifest| manifest.hash() == hash)
    }

    /// Returns the newest manifest.
    #[must_use]
    pub fn current(&self) -> Option<&VerifiedManifest> {
        self.manifests.last()
    }
}

/// Everything known, as of one instant.
#[derive(Debug, Default)]
pub struct Registry {
    /// How often anything of it had changed when it was read.
    pub(crate) version: u64,
    /// Agreements that are signed by all or on their way there.
    pub agreements: BTreeMap<AgreementId, Arc<Known>>,
    /// Partners with a verified manifest.
    pub peers: BTreeMap<PartyId, Arc<Peer>>,
    /// This node's own manifest.
    pub own: Option<Arc<VerifiedManifest>>,
}

impl Registry {
    /// Returns the agreements under which duties to a partner are alive: those whose envelopes are opened.
    pub(crate) fn alive_with(&self, peer: &PartyId, now: Timestamp) -> Vec<AgreementId> {
        let with = |known: &Known| known.agreement().party(peer).is_some();
        let alive =
            self.agreements.iter().filter(|(_, known)| known.standing.duties_alive(now) && with(known));
        alive.map(|(id, _)| *id).collect()
    }
}

impl App {
    /// Returns what is known now.
    #[must_use]
    pub fn registry(&self) -> Arc<Registry> {
        Arc::clone(&self.registry.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads everything again. After every change of agreements or partners.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) fn reload(&self) -> Result<(), AppError> {
        let (fresh, halted, level) = self.read(move |app, tx| {
            let level = settings::identity(tx)?.map(|identity| identity.accreditation);
            Ok((app.load_registry(tx)?, settings::get(tx, crate::node::HALTED)?, level))
        })?;
        self.set_halt(halted);
        if let Some(level) = level {
            *self.accreditation.write().unwrap_or_else(PoisonError::into_inner) = level;
        }
        let mut place = self.registry.write().unwrap_or_else(PoisonError::into_inner);
        // Two threads may read at once; the one that saw less may come last.
        if fresh.version >= place.version {
            *place = Arc::new(fresh);
        }
        Ok(())
    }

    /// Reads everything again after a change of this process, and tells the other processes.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) fn reload_and_tell(&self) -> Result<(), AppError> {
        self.reload()?;
        self.tell_others(crate::shared::Word::Known);
        Ok(())
    }

    fn load_registry(&self, tx: &mut dyn Tx) -> Result<Registry, AppError> {
        let mut registry = Registry { version: leases::known_version(tx)?, ..Registry::default() };
        let mut roots: BTreeMap<PartyId, [u8; 32]> = BTreeMap::new();
        for stored in agreements::list(tx, &self.vault)? {
            let Ok(text) = core::str::from_utf8(&stored.text) else { continue };
            // The number is the hash of the text: a row that was changed is not that agreement any more.
            let Some(agreement) = Agreement::parse(text).ok().filter(|one| one.id() == stored.id) else {
                continue;
            };
            let Ok(rules) = Rules::compile(&agreement) else { continue };
            let Some(stage) = Stage::from_code(&stored.state) else { continue };
            for party in &agreement.parties {
                roots.entry(party.id.clone()).or_insert(party.root);
            }
            let standing =
                Standing::new(stage, agreement.in_force_on, agreement.expires_on, agreement.survival);
            let all_signed = self.all_signed(tx, &agreement)?;
            let known =
                Known { rules, standing, all_signed, version: stored.version, as_of: registry.version };
            registry.agreements.insert(stored.id, Arc::new(known));
        }
        if let Some(root) = settings::get(tx, OWN_ROOT)?.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()) {
            roots.insert(self.party.clone(), root);
        }
        for (party, root) in roots {
            let manifests = chain(tx, &party, &root)?;
            let Some(newest) = manifests.last() else { continue };
            if party == self.party {
                registry.own = Some(Arc::new(newest.clone()));
            }
            registry.peers.insert(party.clone(), Arc::new(Peer { party, root, manifests }));
        }
        Ok(registry)
    }

    /// Whether every party's stored signature is over this number, by the root the text names.
    fn all_signed(&self, tx: &mut dyn Tx, agreement: &Agreement) -> Result<bool, AppError> {
        let stored = agreements::signatures(tx, &agreement.id())?;
        let good = |party: &mithaq_policy::AgreementParty| {
            stored.iter().filter(|one| one.party == party.id).any(|one| {
                one.signed.as_ref().and_then(|(bytes, _)| verify_agreement_signature(bytes).ok()).is_some_and(
                    |made| {
                        made.agreement == agreement.id() && made.party == party.id && made.root == party.root
                    },
                )
            })
        };
        Ok(agreement.parties.iter().all(good))
    }
}

/// The manifests of a party that verify, in order; the chain ends where one does not.
fn chain(tx: &mut dyn Tx, party: &PartyId, root: &[u8; 32]) -> Result<Vec<VerifiedManifest>, AppError> {
    let mut good: Vec<VerifiedManifest> = Vec::new();
    for stored in partners::manifests(tx, party, 1)? {
        match verify_manifest(&stored.bytes, party, root, good.last()) {
            Ok(manifest) => good.push(manifest),
            Err(_refused) => break,
        }
    }
    Ok(good)
}
