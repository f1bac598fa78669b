//! The keys of nodes over time. A next manifest and a statement of distrust are made with the offline root, elsewhere;
//! here two persons let them in, partners are handed them, and what partners hand over is verified against the root
//! their agreement names. No person decides about a partner's papers: its root already has.

use mithaq_db::Tx;
use mithaq_envelope::{
    AgencySigner as _, Distrust, KemOpener as _, ManifestError, PAPERS_EACH_MAX, Papers, VerifiedManifest,
    verify_distrust, verify_manifest,
};
use mithaq_evidence::size_proven;
use mithaq_ledger::content_digest;
use mithaq_model::{Days, OfficerId, PartyId, Timestamp};
use mithaq_store::{partners, settings};

use crate::App;
use crate::error::{AppError, ErrorKind, words};
use crate::log::Event;
use crate::registry::{KeyStanding, Peer, distrust_of};
use crate::rights::{May, intent};

/// Setting that holds the one change that waits for its second person.
const PROPOSAL: &str = "keys.proposal";
/// How long it waits.
const PROPOSAL_LIFE: Days = Days(3);
/// A manifest that lay about longer than this is prepared anew: the overlap counts from its first day.
const FRESH: Days = Days(14);
/// How long before its end a manifest is warned about.
pub const ENDING: Days = Days(30);

/// A document as signed and as read.
type Signed<T> = (Vec<u8>, T);

/// What a change of keys is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyPaper {
    /// The next manifest of this node.
    Manifest {
        /// Its number.
        number: u32,
    },
    /// A key of this node is not trusted from a size of its log on.
    Distrust {
        /// The size.
        since: u64,
    },
}

/// A change that waits for its second person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyProposal {
    /// Number: names exactly these bytes.
    pub id: String,
    /// What it is.
    pub paper: KeyPaper,
    /// Who brought it.
    pub by: OfficerId,
    /// When.
    pub at: Timestamp,
}

/// A manifest as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestView {
    /// Its number.
    pub number: u32,
    /// Valid from and to.
    pub valid: (Timestamp, Timestamp),
    /// Key of the node, of the agency's seals, and the pin of its TLS key: what a statement of distrust names.
    pub keys: ([u8; 32], Vec<[u8; 32]>, [u8; 32]),
    /// Whether messages under it are taken now.
    pub standing: KeyStanding,
    /// Where the node is reached.
    pub endpoints: Vec<String>,
}

/// The keys of one party as this node knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartyKeys {
    /// The party.
    pub party: PartyId,
    /// Its manifests, oldest first.
    pub manifests: Vec<ManifestView>,
    /// What its root distrusts.
    pub distrusts: Vec<Distrust>,
    /// The number of this node's manifest that the party has; 0 for not known. Not for this node itself.
    pub has_ours: u32,
}

/// Which of this node's papers a partner is known to have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Had {
    manifest: u32,
    distrusts: u32,
}

impl App {
    /// Brings a paper that the offline root signed, as the first of two persons. It replaces one that waits.
    ///
    /// # Errors
    /// When it is not signed by this node's root, does not follow the newest manifest, names keys that are not here,
    /// names another log than this node writes, proves no size of it, or was prepared too long ago.
    pub fn propose_keys(&self, may: May<intent::ProposeKeys>, bytes: &[u8]) -> Result<KeyProposal, AppError> {
        let tried = Event::refused(may, &self.party);
        let paper = self.answered(tried, self.own_paper(bytes).map(|(paper, _)| paper))?;
        let proposal = KeyProposal { id: number_of(bytes), paper, by: may.actor(), at: self.now() };
        let stored = [may.actor().as_bytes(), &proposal.at.as_millis().to_be_bytes()[..], bytes].concat();
        let id = proposal.id.clone();
        self.write(move |app, tx| {
            settings::set(tx, PROPOSAL, &stored)?;
            app.log(tx, &[Event::by(may, "keys.proposed", &id).verdict(verdict(paper))])?;
            Ok(())
        })?;
        Ok(proposal)
    }

    /// Lets the paper that waits into force, as the second of two persons. The node signs with its new keys from now on,
    /// and hands the paper to its partners.
    ///
    /// # Errors
    /// When none with this number waits, the same person brought it, or it does not fit any more.
    pub fn confirm_keys(&self, may: May<intent::ConfirmKeys>, id: &str) -> Result<KeyPaper, AppError> {
        let tried = Event::refused(may, &self.party);
        let found = self.waiting_paper(id).and_then(|(by, bytes)| {
            if by == may.actor() {
                return Err(AppError::refused("keys.one_person", words::TWO_PERSONS, 14, None, None)
                    .hint("another person confirms: a supervisor who did not bring it"));
            }
            let (paper, verified) = self.own_paper(&bytes)?;
            Ok((paper, verified, bytes))
        });
        let (paper, verified, bytes) = self.answered(tried, found)?;
        let id = id.to_owned();
        self.write(move |app, tx| {
            match verified {
                Some(manifest) => {
                    partners::add_manifest(tx, &app.party, manifest.manifest().number, &bytes)?;
                    app.log(tx, &[Event::system("node.manifest", &app.party)])?;
                }
                None => app.keep_distrust(tx, &app.party.clone(), &bytes)?,
            }
            settings::set(tx, PROPOSAL, b"")?;
            app.log(tx, &[Event::by(may, "keys.installed", &id).verdict(verdict(paper))])?;
            Ok(())
        })?;
        self.reload_and_tell()?;
        self.wake();
        Ok(paper)
    }

    /// Returns the change that waits for its second person.
    ///
    /// # Errors
    /// When the store fails.
    pub fn key_proposal(&self, _may: May<intent::ReadHealth>) -> Result<Option<KeyProposal>, AppError> {
        let Some((by, at, bytes)) = self.stored_proposal()? else { return Ok(None) };
        let Ok((paper, _)) = self.own_paper(&bytes) else { return Ok(None) };
        Ok(Some(KeyProposal { id: number_of(&bytes), paper, by, at }))
    }

    /// Returns the keys of this node and of every partner, this node first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn key_view(&self, _may: May<intent::ReadHealth>) -> Result<Vec<PartyKeys>, AppError> {
        let registry = self.registry();
        let now = self.now();
        let mut all = self.read(move |app, tx| {
            let known = registry.peers.values().map(|peer| {
                let has_ours = app.had(tx, &peer.party)?.manifest;
                Ok(view_of(peer, has_ours, now))
            });
            known.collect::<Result<Vec<_>, AppError>>()
        })?;
        all.sort_by_key(|one| (one.party != self.party, one.party.clone()));
        Ok(all)
    }

    /// Verifies a paper of this node's own root.
    fn own_paper(&self, bytes: &[u8]) -> Result<(KeyPaper, Option<VerifiedManifest>), AppError> {
        let root = self.own_root()?;
        if let Ok(distrust) = verify_distrust(bytes, &self.party, &root) {
            let registry = self.registry();
            let own = registry.peers.get(&self.party).ok_or_else(AppError::not_found)?;
            let newest = own.current().ok_or_else(|| AppError::conflict("node.no_manifest"))?.manifest();
            let current = newest.seal_keys.iter().chain([&newest.node_key, &newest.tls_spki.0]);
            if current.into_iter().any(|key| *key == distrust.key) {
                return Err(AppError::conflict("keys.distrusts_current").hint(
                    "install the next manifest first: a node whose own keys are distrusted is not heard",
                ));
            }
            if !size_proven(&distrust, &own.log_keys()) {
                return Err(AppError::conflict("keys.distrust_size").hint(
                    "it proves no size of this node's log: make it with the file of `mithaq keys checkpoint`",
                ));
            }
            return Ok((KeyPaper::Distrust { since: distrust.since }, None));
        }
        let registry = self.registry();
        let last = registry.own.as_deref();
        let next = verify_manifest(bytes, &self.party, &root, last)
            .map_err(|why| AppError::invalid("manifest").hint(next_step(why)).because(why))?;
        self.fits(&next, last)?;
        Ok((KeyPaper::Manifest { number: next.manifest().number }, Some(next)))
    }

    /// Whether this node can live with a manifest as its next.
    fn fits(&self, next: &VerifiedManifest, last: Option<&VerifiedManifest>) -> Result<(), AppError> {
        let document = next.manifest();
        let conflict = |code, hint| Err(AppError::conflict(code).hint(hint));
        if last.is_some_and(|last| last.hash() == next.hash()) {
            return conflict("keys.installed", "this manifest is the newest already");
        }
        // The log it has, or the successor that this node began after a restore: then its root attests that.
        let own = self.log_key()?.to_string();
        if last.is_some_and(|last| last.manifest().log_key != document.log_key) && document.log_key != own {
            return conflict("keys.log", "the key of the log cannot be replaced in this version");
        }
        let now = self.now();
        if next.valid_at(now).is_err() || document.valid_from.plus(FRESH) < now {
            return conflict(
                "keys.stale",
                "prepare it anew with `mithaq keys prepare`, and sign it within 14 days",
            );
        }
        let here = self.keys.of(&document.node_key).is_some_and(|keys| {
            document.seal_keys.contains(&keys.seal_key()) && document.kem_key == keys.kem_key().as_slice()
        });
        if here {
            return Ok(());
        }
        conflict(
            "keys.missing",
            "its secret keys are not in the directory of this node: were they prepared here?",
        )
    }

    fn own_root(&self) -> Result<[u8; 32], AppError> {
        let stored = self.read(move |_app, tx| Ok(settings::get(tx, crate::registry::OWN_ROOT)?))?;
        stored.and_then(|bytes| bytes.try_into().ok()).ok_or_else(AppError::not_found)
    }

    fn stored_proposal(&self) -> Result<Option<(OfficerId, Timestamp, Vec<u8>)>, AppError> {
        let stored = self.read(move |_app, tx| Ok(settings::get(tx, PROPOSAL)?))?;
        let parsed = stored.and_then(|stored| {
            let (by, rest) = stored.split_first_chunk::<16>()?;
            let (at, bytes) = rest.split_first_chunk::<8>()?;
            Some((OfficerId::new(*by), Timestamp::from_millis(i64::from_be_bytes(*at)), bytes.to_vec()))
        });
        Ok(parsed.filter(|(_, at, _)| self.now() < at.plus(PROPOSAL_LIFE)))
    }

    fn waiting_paper(&self, id: &str) -> Result<(OfficerId, Vec<u8>), AppError> {
        let found = self.stored_proposal()?.filter(|(_, _, bytes)| number_of(bytes) == id);
        found.map(|(by, _, bytes)| (by, bytes)).ok_or_else(|| {
            AppError::conflict("keys.no_proposal")
                .hint("no such change waits; `mithaq keys status` shows what does, for three days")
        })
    }

    /// Adds a statement of distrust that was verified; twice is once.
    fn keep_distrust(&self, tx: &mut dyn Tx, party: &PartyId, bytes: &[u8]) -> Result<(), AppError> {
        let name = distrust_of(party);
        let stored = settings::get(tx, &name)?;
        let mut papers = stored.and_then(|bytes| Papers::read(&bytes).ok()).unwrap_or_default();
        if papers.distrusts.iter().any(|one| one == bytes) {
            return Ok(());
        }
        if papers.distrusts.len() >= PAPERS_EACH_MAX {
            return Err(AppError::conflict("keys.distrust_full"));
        }
        papers.distrusts.push(bytes.to_vec());
        settings::set(tx, &name, &papers.to_bytes())?;
        mithaq_store::leases::known_changed(tx)?;
        Ok(())
    }

    /// Returns this node's manifests after a number and its statements: for a partner that asks.
    ///
    /// # Errors
    /// When the store fails.
    pub fn papers_after(&self, after: u32) -> Result<Vec<u8>, AppError> {
        self.read(move |app, tx| {
            let chain = partners::manifests(tx, &app.party, after.saturating_add(1))?;
            let manifests = chain.into_iter().take(PAPERS_EACH_MAX).map(|one| one.bytes).collect();
            let registry = app.registry();
            let own = registry.peers.get(&app.party);
            let distrusts = own.map(|own| own.distrusts.iter().map(|(bytes, _)| bytes.clone()).collect());
            Ok(Papers { manifests, distrusts: distrusts.unwrap_or_default() }.to_bytes())
        })
    }

    /// Returns what a partner is not known to have of this node's papers, if there is something.
    ///
    /// # Errors
    /// When the store fails.
    pub fn papers_for(&self, peer: &PartyId) -> Result<Option<Vec<u8>>, AppError> {
        let (registry, peer) = (self.registry(), peer.clone());
        let Some(own) = registry.peers.get(&self.party).cloned() else { return Ok(None) };
        let had = self.read(move |app, tx| app.had(tx, &peer))?;
        if had == all_of(&own) {
            return Ok(None);
        }
        self.papers_after(had.manifest).map(Some)
    }

    /// Number of this node's newest manifest, and how many statements its root made: changes when there is something to
    /// hand over.
    #[must_use]
    pub fn own_papers(&self) -> (u32, usize) {
        let registry = self.registry();
        registry.peers.get(&self.party).map_or((0, 0), |own| (all_of(own).manifest, own.distrusts.len()))
    }

    /// Notes that a partner took this node's papers, up to a manifest.
    ///
    /// # Errors
    /// When the store fails.
    pub fn papers_taken(&self, peer: &PartyId, number: u32) -> Result<(), AppError> {
        let (registry, peer) = (self.registry(), peer.clone());
        let Some(own) = registry.peers.get(&self.party).cloned() else { return Ok(()) };
        let had = Had { manifest: number.min(all_of(&own).manifest), ..all_of(&own) };
        let stored = [had.manifest.to_be_bytes(), had.distrusts.to_be_bytes()].concat();
        self.write(move |_app, tx| Ok(settings::set(tx, &had_of(&peer), &stored)?))
    }

    fn had(&self, tx: &mut dyn Tx, peer: &PartyId) -> Result<Had, AppError> {
        let stored = settings::get(tx, &had_of(peer))?;
        let parsed = stored.and_then(|stored| {
            let (manifest, rest) = stored.split_first_chunk::<4>()?;
            let distrusts = u32::from_be_bytes(rest.try_into().ok()?);
            Some(Had { manifest: u32::from_be_bytes(*manifest), distrusts })
        });
        Ok(parsed.unwrap_or_default())
    }

    /// Takes the papers a connected partner hands over, and returns the number of its manifest that is held then. What
    /// is known already changes nothing; an older manifest cannot take the place of a newer one.
    ///
    /// # Errors
    /// [`ErrorKind::PeerMisbehaved`] when one is not of its root or does not follow: nothing of them is taken.
    pub fn take_papers(&self, peer: &PartyId, bytes: &[u8]) -> Result<u32, AppError> {
        let root = self.root_of(peer).ok_or_else(AppError::not_found)?;
        let papers = Papers::read(bytes).map_err(misbehaved)?;
        let registry = self.registry();
        let known = registry.peers.get(peer).ok_or_else(AppError::not_found)?;
        let fresh = match next_of(known, peer, (&root, &papers)) {
            Ok(fresh) => fresh,
            Err(why) => {
                self.refuse_papers(peer, why)?;
                return Err(misbehaved(why));
            }
        };
        let distrusts: Vec<(Vec<u8>, Distrust)> = papers
            .distrusts
            .into_iter()
            .filter(|one| !known.distrusts.iter().any(|(bytes, _)| bytes == one))
            .map(|one| verify_distrust(&one, peer, &root).map(|read| (one, read)).map_err(misbehaved))
            .collect::<Result<_, _>>()?;
        let before = known.current().map_or(0, |one| one.manifest().number);
        let held = fresh.last().map_or(before, |(_, one)| one.manifest().number);
        if fresh.is_empty() && distrusts.is_empty() {
            return Ok(held);
        }
        let party = peer.clone();
        self.write(move |app, tx| app.keep_papers(tx, &party, (&fresh, &distrusts)))?;
        // What is sent from now on is encrypted to the new key.
        self.sessions.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(peer);
        self.reload_and_tell()?;
        self.wake();
        Ok(held)
    }

    fn keep_papers(
        &self,
        tx: &mut dyn Tx,
        party: &PartyId,
        (fresh, distrusts): (&[Signed<VerifiedManifest>], &[Signed<Distrust>]),
    ) -> Result<(), AppError> {
        let mut events = Vec::new();
        for (bytes, manifest) in fresh {
            partners::add_manifest(tx, party, manifest.manifest().number, bytes)?;
            let endpoint = manifest.manifest().endpoints.first().cloned().unwrap_or_default();
            partners::put(tx, party, &endpoint)?;
            let number = format!("number/{}", manifest.manifest().number);
            events.push(Event::system("partner.manifest", party).with(party).verdict(number));
        }
        for (bytes, distrust) in distrusts {
            self.keep_distrust(tx, party, bytes)?;
            let since = format!("size/{}", distrust.since);
            events.push(Event::system("partner.key_distrusted", party).with(party).verdict(since));
            self.alarm_for(tx, "peer.key_distrusted", (party, None), bytes)?;
        }
        self.log(tx, &events)?;
        Ok(())
    }

    /// A root that signed two manifests of one number, or a chain that does not follow, is for people.
    fn refuse_papers(&self, peer: &PartyId, why: ManifestError) -> Result<(), AppError> {
        let party = peer.clone();
        self.write(move |app, tx| {
            if app.alarm(tx, "peer.manifest_refused", &party, why.code())? {
                let event = Event::system("partner.manifest_refused", &party).with(&party);
                app.log(tx, &[event.verdict(why.code())])?;
            }
            Ok(())
        })
    }

    /// The root that agreements name for a partner.
    pub(crate) fn root_of(&self, party: &PartyId) -> Option<[u8; 32]> {
        let registry = self.registry();
        registry.agreements.values().find_map(|known| known.agreement().party(party)).map(|named| named.root)
    }

    /// When this node's newest manifest ends, if that is within thirty days or past.
    #[must_use]
    pub fn keys_ending(&self) -> Option<Timestamp> {
        let end = self.registry().own.as_ref().map(|own| own.manifest().valid_to)?;
        (end < self.now().plus(ENDING)).then_some(end)
    }

    /// Rings once for a manifest that ends soon.
    ///
    /// # Errors
    /// When the store fails.
    pub fn remind_keys(&self) -> Result<(), AppError> {
        let Some(end) = self.keys_ending() else { return Ok(()) };
        self.write(move |app, tx| {
            let cause = end.as_millis().to_be_bytes();
            if app.alarm_for(tx, "keys.ending", (&app.party, None), &cause)? {
                app.log(tx, &[Event::system("keys.ending", &app.party)])?;
            }
            Ok(())
        })
    }
}

/// The manifests that are new, each verified against the one before; known ones again are fine.
fn next_of(
    known: &Peer,
    party: &PartyId,
    (root, papers): (&[u8; 32], &Papers),
) -> Result<Vec<(Vec<u8>, VerifiedManifest)>, ManifestError> {
    let mut fresh: Vec<(Vec<u8>, VerifiedManifest)> = Vec::new();
    for bytes in &papers.manifests {
        // First by itself: whether it is one that is known.
        let alone = verify_manifest(bytes, party, root, None)?;
        let same = known.manifests.iter().find(|one| one.manifest().number == alone.manifest().number);
        match same {
            Some(one) if one.hash() == alone.hash() => continue,
            Some(_) => return Err(ManifestError::Fork),
            None => {}
        }
        let last = fresh.last().map(|(_, one)| one).or_else(|| known.current());
        fresh.push((bytes.clone(), verify_manifest(bytes, party, root, last)?));
    }
    Ok(fresh)
}

fn view_of(peer: &Peer, has_ours: u32, now: Timestamp) -> PartyKeys {
    let view = |one: &VerifiedManifest| {
        let document = one.manifest();
        ManifestView {
            number: document.number,
            valid: (document.valid_from, document.valid_to),
            keys: (document.node_key, document.seal_keys.clone(), document.tls_spki.0),
            standing: peer.standing(one, now),
            endpoints: document.endpoints.clone(),
        }
    };
    PartyKeys {
        party: peer.party.clone(),
        manifests: peer.manifests.iter().map(view).collect(),
        distrusts: peer.distrusts.iter().map(|(_, read)| read.clone()).collect(),
        has_ours,
    }
}

fn all_of(own: &Peer) -> Had {
    let manifest = own.current().map_or(0, |one| one.manifest().number);
    Had { manifest, distrusts: u32::try_from(own.distrusts.len()).unwrap_or(u32::MAX) }
}

fn had_of(peer: &PartyId) -> String {
    format!("keys.had.{peer}")
}

fn number_of(bytes: &[u8]) -> String {
    format!("{:?}", content_digest(bytes)).chars().filter(char::is_ascii_hexdigit).take(16).collect()
}

fn verdict(paper: KeyPaper) -> String {
    match paper {
        KeyPaper::Manifest { number } => format!("number/{number}"),
        KeyPaper::Distrust { since } => format!("size/{since}"),
    }
}

const fn next_step(why: ManifestError) -> &'static str {
    match why {
        ManifestError::Root | ManifestError::Signature => "it is not signed by the root of this node",
        ManifestError::Rollback => "it is older than the newest manifest of this node",
        ManifestError::Fork => "the root signed two manifests of one number: find out who holds it",
        ManifestError::Chain => "it does not follow the newest manifest: prepare it anew",
        ManifestError::Malformed
        | ManifestError::Keys
        | ManifestError::Party
        | ManifestError::Expired
        | ManifestError::Key => "it is no manifest or statement of this node; `mithaq keys sign` makes one",
    }
}

fn misbehaved(why: ManifestError) -> AppError {
    AppError::new(ErrorKind::PeerMisbehaved, why.code(), words::UNAVAILABLE).because(why)
}
