//! Import of the United Nations list into a case: every entry becomes a subject whose claims keep their source and
//! grade. Read whole before anything is written, so that a damaged file leaves nothing behind: a list beyond
//! [`LIST_MAX`] is refused, because its size is what the import takes of memory. What was not carried is reported,
//! and the ledger says which file was taken in, by its hash, with what came of it.

use data_encoding::HEXLOWER;
use mithaq_interop::LossReport;
use mithaq_interop::un_list::{self, Everything, Options};
use mithaq_model::{Attribute, Days, SpecialCategory, Subject, SubjectClass};
use mithaq_policy::screen;
use mithaq_store::subjects;
use sha2::{Digest as _, Sha256};

use crate::App;
use crate::cases::CaseAccess;
use crate::error::{AppError, ErrorKind, words};
use crate::log::Event;
use crate::rights::{May, intent};
use crate::subjects::BATCH_MAX;

/// How long an imported entry is kept unless it is imported again: an uncategorised person is erased after six
/// months (EDPS decision of 3 January 2022; domain page, §2.11).
const KEEP: Days = Days(180);

/// Largest list in bytes. The list of April 2025 has two million.
pub const LIST_MAX: usize = 32 * 1024 * 1024;

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// SHA-256 of the file: what the ledger calls it.
    pub hash: [u8; 32],
    /// Persons in the list.
    pub persons: u64,
    /// Organisations in the list.
    pub organisations: u64,
    /// Subjects written.
    pub added: usize,
    /// Subjects that were there already, unchanged.
    pub existing: usize,
    /// Entries refused.
    pub refused: usize,
    /// What was not carried and why, path by path, without content.
    pub losses: LossReport,
}

impl App {
    /// Imports the consolidated list of the UN Security Council, as published in XML, into a case. Importing the
    /// same list again writes nothing twice.
    ///
    /// # Errors
    /// When the bytes are not that list, or are more than [`LIST_MAX`]; then nothing was written.
    pub fn import_un_list(
        &self,
        may: May<intent::WriteSubject>,
        access: &CaseAccess,
        xml: &[u8],
        class: SubjectClass,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Imported, AppError> {
        self.own_access(may, access)?;
        let tried = Event::refused(may, access.case()).case(access.case()).purpose(access.purpose());
        let read = self.answered(tried, self.read_list(xml, class))?;
        let total = read.records.len();
        let (mut added, mut existing) = (0, 0);
        let mut rest: Vec<Subject> = read.records.into_iter().map(|record| record.subject).collect();
        while !rest.is_empty() {
            let tail = rest.split_off(rest.len().min(BATCH_MAX));
            let fresh = self.not_yet_there(rest)?;
            existing += fresh.1;
            added += self.add_subjects(may, access, fresh.0)?;
            rest = tail;
            progress(added + existing, total);
        }
        let hash: [u8; 32] = Sha256::digest(xml).into();
        let done = Imported {
            hash,
            persons: read.report.persons(),
            organisations: read.report.organisations(),
            added,
            existing,
            refused: read.refused.len(),
            losses: read.report,
        };
        self.list_taken_in(may, access, &done)?;
        Ok(done)
    }

    /// One entry for the list as a whole, beside those of its subjects: which file, and what came of it.
    fn list_taken_in(
        &self,
        may: May<intent::WriteSubject>,
        access: &CaseAccess,
        done: &Imported,
    ) -> Result<(), AppError> {
        let lost = done.losses.lost_that_matters();
        let counts =
            format!("added:{}/had:{}/refused:{}/lost:{lost}", done.added, done.existing, done.refused);
        let event = Event::by(may, "list.imported", HEXLOWER.encode(&done.hash));
        let event = event.case(access.case()).purpose(access.purpose()).verdict(counts);
        self.write(move |app, tx| app.log(tx, &[event]).map(drop))
    }

    fn read_list(&self, xml: &[u8], class: SubjectClass) -> Result<Everything, AppError> {
        if xml.len() > LIST_MAX {
            return Err(AppError::invalid("un_list").hint("a list has at most 32 MiB"));
        }
        let now = self.now();
        // A title of address ("Mullah") is not a statement about belief; running text is.
        let ask = |attribute: Attribute, text: &str| -> Vec<SpecialCategory> {
            if attribute == Attribute::Title {
                return Vec::new();
            }
            screen::text(text).into_iter().map(|finding| finding.category).collect()
        };
        let mut options = Options::new(self.party().clone(), now, now.plus(KEEP), &ask);
        options.class = class;
        un_list::read_all(xml, options).map_err(|why| {
            AppError::new(ErrorKind::Invalid, "input.un_list", words::INVALID)
                .hint("give the list as published by the United Nations (XML, consolidated)")
                .because(why)
        })
    }

    /// The subjects whose number is not there yet, and how many are.
    fn not_yet_there(&self, all: Vec<Subject>) -> Result<(Vec<Subject>, usize), AppError> {
        self.read(move |app, tx| {
            let total = all.len();
            let mut fresh = Vec::with_capacity(total);
            for subject in all {
                if subjects::get(tx, &app.vault, subject.id())?.is_none() {
                    fresh.push(subject);
                }
            }
            let there = total - fresh.len();
            Ok((fresh, there))
        })
    }
}
