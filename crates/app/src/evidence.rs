//! The proof side: checkpoints of the log, evidence bundles for oversight, and the check at start that the log
//! is the one that was signed.

mod papers;

use std::collections::BTreeSet;

use mithaq_db::Tx;
use mithaq_evidence::{Anchors, JudgeError, judge, successor_key};
use mithaq_ledger::{Checkpoint, Entry, Id, KeyName, SignedNote, Trust, VerifierKey, verify_checkpoint};
use mithaq_model::{AgreementId, CaseId, ObjectId, PartyId, ReportId};
use mithaq_store::StoreError;
use mithaq_store::ledger::{Evidence, Filter};

use crate::App;
use crate::error::{AppError, ErrorKind, words};
use crate::evidence::papers::Spoken;
use crate::keys::Keys;
use crate::log::Event;
use crate::ports::HighWater;
use crate::registry::OWN_ROOT;
use crate::restore::Renamed;
use crate::rights::{May, intent};

/// Which entries go into a bundle.
#[derive(Debug, Clone)]
pub enum Extent {
    /// The whole log: what is missing can then be said.
    All,
    /// Those about one object.
    Object(ObjectId),
    /// Those of one case.
    Case(CaseId),
    /// Those under one agreement.
    Agreement(AgreementId),
}

/// How many earlier checkpoints a bundle carries: their countersignatures bracket the time of the entries.
const EARLIER: u8 = 32;

impl App {
    /// Signs a checkpoint if the log grew since the last one. What is signed is what the store holds, read
    /// again from it.
    ///
    /// # Errors
    /// [`ErrorKind::Integrity`] when the store is not the log that was signed: nothing is signed then.
    pub fn sign_checkpoint(&self) -> Result<Option<SignedNote>, AppError> {
        if self.halted().is_some() {
            // Another copy may have signed this size already.
            return Ok(None);
        }
        let signed = self.write(move |app, tx| {
            app.check_mark(tx)?;
            let checkpoint = app.ledger.checkpoint_to_sign(tx)?;
            if let Some(last) = app.ledger.last_checkpoint(tx)?
                && last.text() == checkpoint.to_text()
            {
                return Ok(None);
            }
            let signer = Renamed { inner: app.keys.log(), public: app.log_key()? };
            let note =
                checkpoint.sign(&signer).map_err(|error| AppError::bug("ledger.sign").because(error))?;
            app.ledger.put_checkpoint(tx, &note)?;
            Ok(Some(note))
        })?;
        // After its commit: the mark is never ahead of what the database holds.
        if let Some(note) = &signed {
            self.mark.keep(&note.to_bytes())?;
        }
        Ok(signed)
    }

    /// Logs the start; and that the mark outside of the database is not there although a checkpoint was signed: then
    /// nothing could show that an older copy was put in place, and oversight should know.
    ///
    /// # Errors
    /// When the mark cannot be read or the store fails.
    pub(crate) fn started(&self) -> Result<(), AppError> {
        let unmarked = self.mark.last()?.is_none();
        self.write(move |app, tx| {
            let mut events = vec![Event::system("node.started", &app.party)];
            if unmarked && app.ledger.last_checkpoint(tx)?.is_some() {
                events.push(Event::system("node.mark_missing", &app.party));
            }
            app.log(tx, &events).map(drop)
        })
    }

    /// Checks that the database still holds the log up to the mark outside of it. A mark that is missing says nothing:
    /// a node that was set up before there were marks has none yet.
    ///
    /// # Errors
    /// `store.rolled_back` when an older copy of the database, or another one, is in its place.
    fn check_mark(&self, tx: &mut dyn Tx) -> Result<(), AppError> {
        let Some((generation, kept)) = marked(&*self.mark, &self.keys)? else { return Ok(()) };
        if generation < self.ledger.log() {
            // A restore began another log since: its first checkpoint will be the mark.
            return Ok(());
        }
        let continued = if generation == self.ledger.log() {
            self.ledger.continues(tx, &kept)
        } else {
            // The database is of before a restore that this node has behind it.
            Err(StoreError::LogBroken { stored: 0, signed: kept.size() })
        };
        match continued {
            Ok(_head) => Ok(()),
            Err(why @ StoreError::LogBroken { .. }) => Err(AppError::new(
                ErrorKind::Integrity,
                "store.rolled_back",
                words::INTEGRITY,
            )
            .hint(
                "the database is older than the last checkpoint this node signed: put the newest copy in its \
                     place; if there is none, `mithaq restore` begins a new epoch that partners can see",
            )
            .because(why)),
            Err(other) => Err(other.into()),
        }
    }

    /// Returns the last signed checkpoint, for partners and oversight: size and root only.
    ///
    /// # Errors
    /// When the store fails.
    pub fn last_checkpoint(&self) -> Result<Option<SignedNote>, AppError> {
        self.read(move |app, tx| Ok(app.ledger.last_checkpoint(tx)?))
    }

    /// Returns the last checkpoint that was signed up to a size of the log; none: the last there is. A statement of
    /// distrust proves its size with it.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when nothing was signed up to there.
    pub fn checkpoint_up_to(
        &self,
        _may: May<intent::ReadHealth>,
        size: Option<u64>,
    ) -> Result<Vec<u8>, AppError> {
        let found =
            self.read(move |app, tx| Ok(app.ledger.checkpoint_up_to(tx, size.unwrap_or(u64::MAX))?));
        Ok(found?.ok_or_else(AppError::not_found)?.to_bytes())
    }

    /// Says whether the store answers.
    ///
    /// # Errors
    /// When it does not.
    pub fn check_store(&self) -> Result<(), AppError> {
        self.read(move |app, tx| app.ledger.head(tx).map(drop).map_err(AppError::from))
    }

    /// Returns the key that signs the log, in the form others verify with.
    ///
    /// # Errors
    /// Never for a key this node made.
    pub fn log_key(&self) -> Result<VerifierKey, AppError> {
        let key = self.keys.log_key()?;
        successor_key(&key, self.ledger.origin()).ok_or_else(|| AppError::bug("ledger.origin"))
    }

    /// Checks, after a start, that the store still holds the last checkpoint that was signed.
    ///
    /// # Errors
    /// [`ErrorKind::Integrity`] when it was rolled back or changed.
    pub(crate) fn check_log(&self) -> Result<(), AppError> {
        self.write(move |app, tx| {
            app.check_mark(tx)?;
            app.ledger.checkpoint_to_sign(tx).map(drop).map_err(AppError::from)
        })
    }

    /// Exports evidence at once: with the countersignatures there are. A caller that can wait asks
    /// [`Self::begin_export`] first, waits until [`Self::is_countersigned`], and then [`Self::finish_export`].
    ///
    /// # Errors
    /// As those.
    pub fn export_evidence(&self, may: May<intent::ReadLog>, extent: &Extent) -> Result<Vec<u8>, AppError> {
        self.begin_export(may, extent)?;
        self.finish_export(may, extent)
    }

    /// Begins an export: it is itself an entry, and a checkpoint is signed over it for partners to countersign.
    /// Returns the size of the log at that checkpoint.
    ///
    /// # Errors
    /// When the log cannot be signed.
    pub fn begin_export(&self, may: May<intent::ReadLog>, extent: &Extent) -> Result<u64, AppError> {
        let subject = match extent {
            Extent::All => self.party.to_string(),
            Extent::Object(object) => object.to_string(),
            Extent::Case(case) => case.to_string(),
            Extent::Agreement(agreement) => crate::agreements::short(*agreement),
        };
        self.write(move |app, tx| app.log(tx, &[Event::by(may, "evidence.exported", &subject)]).map(drop))?;
        self.sign_checkpoint()?;
        self.wake();
        self.read(move |app, tx| Ok(app.ledger.head(tx)?.0))
    }

    /// Writes the bundle. It is judged here, as everybody else will judge it, before it is handed out; only that
    /// partners have not countersigned yet does not keep it back: whoever verifies it is told.
    ///
    /// # Errors
    /// When nothing was signed yet, or the bundle does not hold.
    pub fn finish_export(&self, _may: May<intent::ReadLog>, extent: &Extent) -> Result<Vec<u8>, AppError> {
        let (anchor, extent) = (self.anchor()?, extent.clone());
        let bundle = self.read(move |app, tx| app.write_bundle(tx, &extent, anchor))?;
        let root = self.read(move |_app, tx| Ok(mithaq_store::settings::get(tx, OWN_ROOT)?))?;
        let root = root.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let roots = root.map(|root| (self.party.clone(), root)).into_iter().collect();
        match judge(&bundle, &Anchors { roots, ..Anchors::default() }) {
            Ok(_proven) => Ok(bundle),
            // Asked last: everything else holds.
            Err(JudgeError::Quorum { .. }) => Ok(bundle),
            Err(error) => {
                Err(AppError::new(ErrorKind::Integrity, "evidence.does_not_verify", words::INTEGRITY)
                    .because(error))
            }
        }
    }

    fn write_bundle(&self, tx: &mut dyn Tx, extent: &Extent, anchor: u64) -> Result<Vec<u8>, AppError> {
        let filters = self.filters(tx, extent, anchor)?;
        let entries = self.ledger.all_entries(tx, &filters, anchor)?;
        let mut spoken = Spoken::of(&entries, matches!(extent, Extent::All));
        if matches!(extent, Extent::All) {
            spoken.agreements = self.registry().agreements.keys().copied().collect();
        }
        let (documents, parties) = self.evidence_documents(tx, &spoken)?;
        let named = documents
            .named
            .iter()
            .map(|(name, bytes)| Id::new(name).map(|id| (id, bytes.as_slice())))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| AppError::bug("evidence.name").because(error))?;
        let witnesses = self.witness_names(&parties);
        let evidence = Evidence {
            filters: &filters,
            anchor,
            witnesses: Some(&witnesses),
            open: true,
            checkpoints: EARLIER,
            documents: &named,
        };
        Ok(self.ledger.bundle(tx, &self.vault, &evidence)?)
    }

    /// The entries of an extent, those about the messages of its reports, and the life of the agreements involved:
    /// without it nobody could say whether they were in force.
    fn filters(&self, tx: &mut dyn Tx, extent: &Extent, size: u64) -> Result<Vec<Filter>, AppError> {
        let mut filters = match extent {
            Extent::All => return Ok(vec![Filter::All]),
            Extent::Object(object) => of_object(*object).into(),
            Extent::Case(case) => vec![Filter::case(*case)],
            Extent::Agreement(agreement) => vec![Filter::Agreement(*agreement)],
        };
        let entries = self.ledger.all_entries(tx, &filters, size)?;
        let (mut reports, mut agreements) = (BTreeSet::new(), BTreeSet::new());
        for entry in entries.iter().filter_map(|(_, bytes)| Entry::parse(bytes).ok()) {
            reports.extend(entry.object.as_str().parse::<ReportId>().ok());
            agreements.extend(entry.agreement.map(|hash| AgreementId::new(*hash.as_bytes())));
        }
        if matches!(extent, Extent::Case(_)) {
            filters.extend(reports.into_iter().flat_map(|report| of_object(report.into())));
        }
        // When a partner's distrust of a key came decides what counts under that key.
        let registry = self.registry();
        let known = agreements.iter().filter_map(|id| registry.agreements.get(id));
        let parties: BTreeSet<&PartyId> =
            known.flat_map(|one| one.agreement().parties.iter().map(|party| &party.id)).collect();
        let warned =
            |party: &&&PartyId| registry.peers.get(**party).is_some_and(|peer| !peer.distrusts.is_empty());
        filters.extend(parties.iter().filter(warned).map(|party| Filter::Object(party.to_string())));
        let life = |id: &AgreementId| Filter::Object(crate::agreements::short(*id));
        filters.extend(agreements.iter().map(life));
        Ok(filters)
    }
}

/// A report is logged under its own number where people act and under its object's where it travels.
fn of_object(object: ObjectId) -> [Filter; 2] {
    [Filter::Object(object.to_string()), Filter::Object(ReportId::from(object).to_string())]
}

/// The last checkpoint this node signed, as the mark outside of its database has it, and which in the row of its logs that
/// is of, from 1. None without a mark.
///
/// # Errors
/// `store.mark` when the mark cannot be read or is not of this node.
pub(crate) fn marked(mark: &dyn HighWater, keys: &Keys) -> Result<Option<(u32, Checkpoint)>, AppError> {
    let Some(bytes) = mark.last()? else { return Ok(None) };
    let not_ours = || {
        AppError::new(ErrorKind::Integrity, "store.mark", words::INTEGRITY).hint(
            "the file with the mark of the log is damaged: put it back from a copy of the node's directory",
        )
    };
    let (key, generation) = key_of_mark(keys, &bytes).ok_or_else(not_ours)?;
    let key = [key];
    let kept = verify_checkpoint(&bytes, &Trust::logs_only(&key)).map_err(|why| not_ours().because(why))?;
    Ok(Some((generation, kept.checkpoint().clone())))
}

/// The key of the log that a mark is of, and which in the row of this node's logs that is.
fn key_of_mark(keys: &Keys, note: &[u8]) -> Option<(VerifierKey, u32)> {
    let note = SignedNote::parse(note).ok()?;
    let origin = KeyName::new(note.text().lines().next()?).ok()?;
    let base = keys.log_key().ok()?;
    let key = successor_key(&base, &origin)?;
    let number = origin.as_str().strip_prefix(base.name().as_str())?.strip_prefix('/');
    Some((key, number.map_or(Some(1), |number| number.parse().ok())?))
}
