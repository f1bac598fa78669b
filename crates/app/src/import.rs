//! Import of the United Nations list into a case: every entry becomes a subject whose claims keep their source and
//! grade. Read whole before anything is written, so that a damaged file leaves nothing behind; what was not
//! carried is reported.

use mithaq_interop::un_list::{self, Options};
use mithaq_model::{Attribute, Days, SpecialCategory, Subject, SubjectClass};
use mithaq_policy::screen;
use mithaq_store::subjects;

use crate::App;
use crate::cases::CaseAccess;
use crate::error::{AppError, ErrorKind, words};
use crate::rights::{May, intent};
use crate::subjects::BATCH_MAX;

/// How long an imported entry is kept unless it is imported again: an uncategorised person is erased after six
/// months (EDPS decision of 3 January 2022; domain page, §2.11).
const KEEP: Days = Days(180);

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
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
    /// Texts refused because they speak of special categories, per category.
    pub special_categories: Vec<(SpecialCategory, u64)>,
    /// What was not carried, line by line, without content.
    pub report: String,
}

impl App {
    /// Imports the consolidated list of the UN Security Council, as published in XML, into a case. Importing the
    /// same list again writes nothing twice.
    ///
    /// # Errors
    /// When the bytes are not that list; then nothing was written.
    pub fn import_un_list(
        &self,
        may: May<intent::WriteSubject>,
        access: &CaseAccess,
        xml: &[u8],
        class: SubjectClass,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Imported, AppError> {
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
        let read = un_list::read_all(xml, options).map_err(|why| {
            AppError::new(ErrorKind::Invalid, "input.un_list", words::INVALID)
                .hint("give the list as published by the United Nations (XML, consolidated)")
                .because(why)
        })?;
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
        let report = read.report;
        Ok(Imported {
            persons: report.persons(),
            organisations: report.organisations(),
            added,
            existing,
            refused: read.refused.len(),
            special_categories: report
                .categories()
                .iter()
                .map(|(category, count)| (*category, *count))
                .collect(),
            report: report.to_string(),
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
