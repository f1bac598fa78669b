//! What is known of agreements and partners, verified once and kept in memory: compiled rules, stages, manifests.
//! Rebuilt from the store after every change; a row whose text or signature does not verify is not part of it.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use mithaq_db::Tx;
use mithaq_envelope::{
    Distrust, Papers, VerifiedManifest, peek_receipts, verify_agreement_signature, verify_distrust,
    verify_manifest,
};
use mithaq_ledger::VerifierKey;
use mithaq_model::{AgreementId, Days, PartyId, Timestamp};
use mithaq_policy::{Agreement, Rules, Stage, Standing};
use mithaq_store::{agreements, leases, partners, settings};
use mithaq_wire::{BatchAnswer, Digest};

use crate::App;
use crate::error::AppError;

/// Setting that holds the fingerprint of this node's own root.
pub(crate) const OWN_ROOT: &str = "node.root";

/// How long messages signed with a replaced key are taken: as long as a sender tries before it declares a message not
/// delivered (protocol, §3.11).
pub const KEY_OVERLAP: Days = Days(30);

/// Setting that holds the statements of distrust of a party, as signed.
pub(crate) fn distrust_of(party: &PartyId) -> String {
    format!("keys.distrust.{party}")
}

/// Whether what a manifest's node key signed is taken now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyStanding {
    /// It is.
    Good,
    /// It was replaced, or its time is over, and so is the time for messages on their way.
    Ended,
    /// The root distrusts one of its keys.
    Distrusted,
}

impl KeyStanding {
    /// Returns the code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Ended => "ended",
            Self::Distrusted => "distrusted",
        }
    }
}

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
    /// What its root says is not trusted any more, as signed and as read.
    pub distrusts: Vec<(Vec<u8>, Distrust)>,
}

impl Peer {
    /// Whether a key, or the pin of one, is distrusted by its own root.
    #[must_use]
    pub fn distrusts_key(&self, key: &[u8; 32]) -> bool {
        self.distrusts.iter().any(|(_, one)| one.key == *key)
    }

    /// Whether the receipts of an answer name manifests of this party that are known, with keys its root trusts: nothing
    /// else proves a delivery. What cannot be read is for who reads it.
    pub(crate) fn knows_signers(&self, answer: &BatchAnswer) -> bool {
        let named = answer.receipts.iter().filter_map(|bytes| peek_receipts(bytes).ok());
        let trusts = |one: &VerifiedManifest| !self.distrusts_key(&one.manifest().node_key);
        named.into_iter().all(|head| self.manifest(head.manifest).is_some_and(trusts))
    }

    /// Whether messages under a manifest of this party are taken at an instant. For what comes in now: what was taken
    /// before is verified with its manifest whenever that was.
    #[must_use]
    pub fn standing(&self, manifest: &VerifiedManifest, now: Timestamp) -> KeyStanding {
        let document = manifest.manifest();
        if self.distrusts_signing(manifest) {
            return KeyStanding::Distrusted;
        }
        let next = self.manifests.iter().find(|one| one.manifest().prev == manifest.hash());
        let replaced = next.map_or(document.valid_to, |next| next.manifest().valid_from);
        let end = replaced.min(document.valid_to).plus(KEY_OVERLAP);
        if now < end { KeyStanding::Good } else { KeyStanding::Ended }
    }

    /// Its manifests, newest first, without those whose keys its root distrusts: what comes in now from another hand
    /// than its own, sealed whenever that was, is verified with these.
    pub(crate) fn trusted(&self) -> impl Iterator<Item = &VerifiedManifest> {
        self.manifests.iter().rev().filter(|one| !self.distrusts_signing(one))
    }

    /// Whether the root distrusts a key that signs under a manifest.
    fn distrusts_signing(&self, manifest: &VerifiedManifest) -> bool {
        let document = manifest.manifest();
        let mut signing = document.seal_keys.iter().chain([&document.node_key]);
        signing.any(|key| self.distrusts_key(key))
    }

    /// The pins of the TLS keys this party may show now: its newest, and in the overlap the one before.
    #[must_use]
    pub fn pins(&self, now: Timestamp) -> Vec<[u8; 32]> {
        let good = self.manifests.iter().filter(|one| {
            let newest = self.current().is_some_and(|newest| newest.hash() == one.hash());
            newest || self.standing(one, now) == KeyStanding::Good
        });
        let pins = good.map(|one| one.manifest().tls_spki.0);
        pins.filter(|pin| !self.distrusts_key(pin)).collect()
    }

    /// Returns the manifest of a hash.
    pub(crate) fn manifest(&self, hash: Digest) -> Option<&VerifiedManifest> {
        self.manifests.iter().find(|manifest| manifest.hash() == hash)
    }

    /// The keys of its logs, as its manifests name them, oldest first.
    pub(crate) fn log_keys(&self) -> Vec<VerifierKey> {
        let mut keys: Vec<VerifierKey> = Vec::new();
        for key in self.manifests.iter().filter_map(|one| one.manifest().log_key.parse().ok()) {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        keys
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
        if let (Some(own), Some(chain)) = (&fresh.own, fresh.peers.get(&self.party)) {
            // Earlier keys open what is still on its way to them.
            let now = self.now();
            let standing = chain.manifests.iter().filter(|one| chain.standing(one, now) == KeyStanding::Good);
            standing.for_each(|one| {
                let _loaded = self.keys.of(&one.manifest().node_key);
            });
            // The keys that sign are those partners are told of. Not there: the node says so (`key_state`).
            let _found = self.keys.sign_with(&own.manifest().node_key);
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
            let distrusts = distrusted(tx, &party, &root)?;
            registry.peers.insert(party.clone(), Arc::new(Peer { party, root, manifests, distrusts }));
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

/// The statements of a party that verify.
fn distrusted(
    tx: &mut dyn Tx,
    party: &PartyId,
    root: &[u8; 32],
) -> Result<Vec<(Vec<u8>, Distrust)>, AppError> {
    let stored = settings::get(tx, &distrust_of(party))?;
    let papers = stored.and_then(|bytes| Papers::read(&bytes).ok()).unwrap_or_default();
    let read = papers.distrusts.into_iter().filter_map(|bytes| {
        let read = verify_distrust(&bytes, party, root).ok()?;
        Some((bytes, read))
    });
    Ok(read.collect())
}
