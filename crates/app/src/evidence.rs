//! The proof side: checkpoints of the log, evidence bundles for oversight, and the check at start that the log
//! is the one that was signed.

use mithaq_db::Tx;
use mithaq_ledger::{Id, SignedNote, Trust, VerifierKey, verify_bundle};
use mithaq_model::{AgreementId, CaseId, ObjectId};
use mithaq_store::ledger::{Evidence, Filter};
use mithaq_store::{agreements, partners};

use crate::App;
use crate::error::{AppError, ErrorKind, words};
use crate::log::Event;
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
        self.write(move |app, tx| {
            let checkpoint = app.ledger.checkpoint_to_sign(tx)?;
            if let Some(last) = app.ledger.last_checkpoint(tx)?
                && last.text() == checkpoint.to_text()
            {
                return Ok(None);
            }
            let note = checkpoint
                .sign(app.keys.log())
                .map_err(|error| AppError::bug("ledger.sign").because(error))?;
            app.ledger.put_checkpoint(tx, &note)?;
            Ok(Some(note))
        })
    }

    /// Returns the last signed checkpoint, for partners and oversight: size and root only.
    ///
    /// # Errors
    /// When the store fails.
    pub fn last_checkpoint(&self) -> Result<Option<SignedNote>, AppError> {
        self.read(move |app, tx| Ok(app.ledger.last_checkpoint(tx)?))
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
        self.keys.log_key()
    }

    /// Checks, after a start, that the store still holds the last checkpoint that was signed.
    ///
    /// # Errors
    /// [`ErrorKind::Integrity`] when it was rolled back or changed.
    pub(crate) fn check_log(&self) -> Result<(), AppError> {
        self.write(move |app, tx| app.ledger.checkpoint_to_sign(tx).map(drop).map_err(AppError::from))
    }

    /// Exports evidence. The bundle is verified here as everybody else will verify it before it is handed out;
    /// the export is itself an entry.
    ///
    /// # Errors
    /// When nothing was signed yet, or the bundle does not verify.
    pub fn export_evidence(&self, may: May<intent::ReadLog>, extent: &Extent) -> Result<Vec<u8>, AppError> {
        let filter = match extent {
            Extent::All => Filter::All,
            Extent::Object(object) => Filter::Object(object.to_string()),
            Extent::Case(case) => Filter::case(*case),
            Extent::Agreement(agreement) => Filter::Agreement(*agreement),
        };
        let subject = match extent {
            Extent::All => self.party.to_string(),
            Extent::Object(object) => object.to_string(),
            Extent::Case(case) => case.to_string(),
            Extent::Agreement(agreement) => agreement.to_string().chars().take(64).collect(),
        };
        self.write(move |app, tx| app.log(tx, &[Event::by(may, "evidence.exported", &subject)]).map(drop))?;
        self.sign_checkpoint()?;
        let bundle = self.read(move |app, tx| {
            let documents = app.evidence_documents(tx)?;
            let named = documents
                .iter()
                .map(|(name, bytes)| Id::new(name).map(|id| (id, bytes.as_slice())))
                .collect::<Result<Vec<_>, _>>()
                .map_err(|error| AppError::bug("evidence.name").because(error))?;
            let evidence = Evidence { filter, open: true, checkpoints: EARLIER, documents: &named };
            Ok(app.ledger.bundle(tx, &app.vault, &evidence)?)
        })?;
        let key = [self.log_key()?];
        verify_bundle(&bundle, &Trust::logs_only(&key)).map_err(|error| {
            AppError::new(ErrorKind::Integrity, "evidence.does_not_verify", words::INTEGRITY).because(error)
        })?;
        Ok(bundle)
    }
}

impl App {
    /// Documents that let a stranger judge the entries: agreements with their signatures and the manifests of all
    /// parties. They carry no content.
    fn evidence_documents(&self, tx: &mut dyn Tx) -> Result<Vec<(String, Vec<u8>)>, AppError> {
        let mut documents = Vec::new();
        for stored in agreements::list(tx, &self.vault)? {
            let number: String = stored.id.to_string().chars().take(40).collect();
            documents.push((format!("agreement/{number}"), stored.text.to_vec()));
            for signature in agreements::signatures(tx, &stored.id)? {
                if let Some((bytes, _)) = signature.signed {
                    let short: String = number.chars().take(20).collect();
                    documents.push((
                        format!("signature/{short}/{}", signature.party).chars().take(64).collect(),
                        bytes,
                    ));
                }
            }
        }
        let registry = self.registry();
        for party in registry.peers.keys() {
            for manifest in partners::manifests(tx, party, 1)? {
                documents.push((format!("manifest/{party}/{:06}", manifest.number), manifest.bytes));
            }
        }
        documents.sort();
        documents.dedup_by(|a, b| a.0 == b.0);
        Ok(documents)
    }
}
