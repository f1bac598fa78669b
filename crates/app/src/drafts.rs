//! Reports before they leave: written, graded, reviewed, approved by two persons (domain page, §4.2). What is
//! approved is the hash of the draft: another word, and the approvals fall away.

use mithaq_db::Tx;
use mithaq_model::{
    AgreementId, Assessment, CaseId, Fact, Grade, Handling, Level, Link, PartyId, Provenance, Report,
    ReportId, ReportKind, ReportState, ReportVersion, Role, SubjectId, Text, Tie, Timestamp, Urgency,
};
use mithaq_policy::screen;
use mithaq_store::reports::{self, Approval, Direction, Form, NewVersion, ReportHead, StoredVersion};
use mithaq_store::{Page, Plain, subjects};
use mithaq_wire::{decode_report, encode_report};

use crate::App;
use crate::attachments::nothing_under_way;
use crate::cases::CaseAccess;
use crate::error::{AppError, ErrorKind, words};
use crate::log::{Committed, Event};
use crate::ports::{random, report_number};
use crate::rights::{May, intent};

/// What an author gives. The rest (number, version, originator, case, dates) is the node's.
#[derive(Debug, Clone)]
pub struct NewReport {
    /// What it is.
    pub kind: ReportKind,
    /// The agreement it is to be released under.
    pub agreement: AgreementId,
    /// Recipients. Empty means nobody.
    pub recipients: Vec<PartyId>,
    /// Why a clock is short.
    pub urgency: Urgency,
    /// Title.
    pub title: Text,
    /// Facts.
    pub facts: Vec<Fact>,
    /// Assessments.
    pub assessments: Vec<Assessment>,
    /// Subjects of the case to put in, with all their claims.
    pub subjects: Vec<SubjectId>,
    /// Links between them.
    pub links: Vec<Link>,
    /// Grade of the whole, if it is graded at once.
    pub grade: Option<Grade>,
    /// Handling of the whole.
    pub handling: Handling,
    /// Classification.
    pub level: Level,
    /// Last day of use.
    pub expires: Timestamp,
    /// Whether it holds something that may exonerate.
    pub exculpatory: bool,
    /// Whether a machine wrote part of it.
    pub machine_made: bool,
    /// Whether there is suspicion that it was obtained in violation of rights.
    pub obtained_in_violation: bool,
    /// The question it asks or answers.
    pub tie: Option<Tie>,
}

/// A draft as it stands, with the revision to change it by.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) head: ReportHead,
    pub(crate) report: Report,
    pub(crate) bytes: Vec<u8>,
    pub(crate) revision: u32,
    pub(crate) hash: mithaq_wire::Digest,
}

impl App {
    /// Writes a new draft in a case.
    ///
    /// # Errors
    /// When a subject is not of the case, or a part is malformed.
    pub fn draft_report(
        &self,
        may: May<intent::WriteReport>,
        access: &CaseAccess,
        new: NewReport,
    ) -> Result<ReportId, AppError> {
        self.own_access(may, access)?;
        let number = report_number(&*self.entropy, self.now(), &self.party)?;
        self.write_new_draft(may, access, new, (number, ReportVersion::FIRST))
    }

    fn write_new_draft(
        &self,
        may: May<intent::WriteReport>,
        access: &CaseAccess,
        new: NewReport,
        (number, version): (ReportId, ReportVersion),
    ) -> Result<ReportId, AppError> {
        let (access, salt) = (access.clone(), random::<32>(&*self.entropy)?);
        let tried = Event::refused(may, number).case(access.case());
        self.attempt(tried, move |app, tx| {
            let report = app.compose(tx, &access, new, (number, version))?;
            let bytes = encode_report(&report);
            let now = app.now();
            let head = ReportHead {
                id: number,
                direction: Direction::Own,
                originator: app.party.clone(),
                agreement: Some(report.agreement),
                case: Some(access.case()),
                author: Some(may.actor()),
                state: if report.grade.is_some() { ReportState::Graded } else { ReportState::Draft },
                version,
                level: report.level,
                created: now,
                changed: now,
                expires: report.expires,
            };
            let content =
                NewVersion { version, supersedes: None, form: Form::Draft, content: &bytes, at: now };
            reports::add_many(tx, &app.vault, &[(head, content)])?;
            let committed = Committed::to(number.into(), version.get(), salt, &bytes);
            let event =
                Event::by(may, "report.drafted", number).case(access.case()).purpose(access.purpose());
            app.log(tx, &[event.agreement(report.agreement).committed(committed)])?;
            Ok(number)
        })
    }

    /// Puts a report together from what the author gave and the subjects of the case.
    pub(crate) fn compose(
        &self,
        tx: &mut dyn Tx,
        access: &CaseAccess,
        new: NewReport,
        (number, version): (ReportId, ReportVersion),
    ) -> Result<Report, AppError> {
        if new.facts.len() > Report::PARTS_MAX || new.assessments.len() > Report::PARTS_MAX {
            return Err(AppError::invalid("facts").hint("a report has at most 256 facts and 256 assessments"));
        }
        if new.subjects.len() > Report::SUBJECTS_MAX || new.links.len() > Report::SUBJECTS_MAX {
            return Err(AppError::invalid("subjects").hint("a report has at most 1,024 subjects and links"));
        }
        let mut subjects = Vec::with_capacity(new.subjects.len());
        for subject in &new.subjects {
            if !subjects::cases_of(tx, *subject)?.contains(&access.case()) {
                return Err(AppError::not_found());
            }
            subjects.push(self.stored_subject(tx, *subject)?.ok_or_else(AppError::not_found)?);
        }
        let root = mithaq_ledger::content_digest(number.to_string().as_bytes());
        Ok(Report {
            id: number,
            version,
            kind: new.kind,
            originator: self.party.clone(),
            provenance: Provenance { originator: self.party.clone(), root: *root.as_bytes() },
            agreement: new.agreement,
            recipients: new.recipients,
            purpose: access.purpose(),
            area: access.area(),
            offence: access.offence().clone(),
            urgency: new.urgency,
            case_ref: access.case(),
            title: new.title,
            facts: new.facts,
            assessments: new.assessments,
            subjects,
            links: new.links,
            grade: new.grade,
            handling: new.handling,
            level: new.level,
            expires: new.expires,
            exculpatory: new.exculpatory,
            machine_made: new.machine_made,
            obtained_in_violation: new.obtained_in_violation,
            created: self.now(),
            tie: new.tie,
            attachments: Vec::new(),
        })
    }

    /// Grades a draft.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] when it is not a draft any more.
    pub fn grade_report(
        &self,
        may: May<intent::WriteReport>,
        access: &CaseAccess,
        number: ReportId,
        grade: Grade,
    ) -> Result<(), AppError> {
        self.own_access(may, access)?;
        let (case, salt) = (access.case(), random::<32>(&*self.entropy)?);
        self.attempt(Event::refused(may, number).case(case), move |app, tx| {
            let mut draft = app.load_draft(tx, number)?;
            of_case(&draft.head, case)?;
            let from = draft.head.state;
            if from != ReportState::Draft && from != ReportState::Graded {
                return Err(AppError::conflict("report.not_a_draft"));
            }
            draft.report.grade = Some(grade);
            let bytes = encode_report(&draft.report);
            let content = NewVersion {
                version: draft.head.version,
                supersedes: None,
                form: Form::Draft,
                content: &bytes,
                at: app.now(),
            };
            reports::write_draft(tx, &app.vault, (number, draft.revision), &content)?;
            if from == ReportState::Draft {
                reports::set_state(tx, number, from, ReportState::Graded, app.now())?;
            }
            let committed = Committed::to(number.into(), draft.head.version.get(), salt, &bytes);
            app.log(tx, &[Event::by(may, "report.graded", number).case(case).committed(committed)])?;
            Ok(())
        })
    }

    /// Reviews what somebody else wrote: facts and assessments apart, graded, nothing of a special category.
    ///
    /// # Errors
    /// When the reviewer is the author, it is not graded, a file is still on its way into it, or the screen for special
    /// categories finds something that the legal adviser has not cleared.
    pub fn review_report(
        &self,
        may: May<intent::ReviewReport>,
        access: &CaseAccess,
        number: ReportId,
    ) -> Result<(), AppError> {
        self.own_access(may, access)?;
        let case = access.case();
        self.attempt(Event::refused(may, number).case(case), move |app, tx| {
            let draft = app.load_draft(tx, number)?;
            of_case(&draft.head, case)?;
            review(&draft, may.actor())?;
            nothing_under_way(tx, number)?;
            if !app.rights_in(tx, &draft.report, draft.hash)?.special.is_empty() {
                screened(&draft.report)?;
            }
            reports::set_state(tx, number, ReportState::Graded, ReportState::Reviewed, app.now())?;
            let event = Event::by(may, "report.reviewed", number).case(case);
            app.log(tx, &[event.verdict("permit")])?;
            Ok(())
        })
    }

    /// Approves the release of a reviewed draft, as one of two persons.
    ///
    /// # Errors
    /// When it is not reviewed, or this person approved or wrote it.
    pub fn approve_report(&self, may: May<intent::ReleaseReport>, number: ReportId) -> Result<(), AppError> {
        self.attempt(Event::refused(may, number), move |app, tx| {
            let draft = app.load_draft(tx, number)?;
            if draft.head.state != ReportState::Reviewed {
                return Err(AppError::conflict("report.not_reviewed"));
            }
            if draft.head.author == Some(may.actor()) {
                return Err(AppError::refused("report.own_work", words::TWO_PERSONS, 14, None, None));
            }
            let approval =
                Approval { officer: may.actor(), role: may.role(), hash: draft.hash, at: app.now() };
            reports::approve(tx, number, draft.head.version, &approval)?;
            let event = Event::by(may, "report.approved", number);
            app.log(tx, &[event.agreement(draft.report.agreement)])?;
            Ok(())
        })
    }

    /// Lists the reports of a case, newest state, without content.
    ///
    /// # Errors
    /// When the store fails.
    pub fn reports_of_case(
        &self,
        access: &CaseAccess,
        page: &Page<ReportId>,
    ) -> Result<Vec<ReportHead>, AppError> {
        let (case, page) = (access.case(), *page);
        self.read(move |_app, tx| Ok(reports::of_case(tx, case, &page)?))
    }

    /// Lists reports in a state, without content: the desk's view. Who works cases sees those of theirs, and what
    /// came in and belongs to none yet.
    ///
    /// # Errors
    /// When the store fails.
    pub fn reports_in_state(
        &self,
        may: May<intent::ReadReport>,
        state: ReportState,
        page: &Page<ReportId>,
    ) -> Result<Vec<ReportHead>, AppError> {
        let page = *page;
        self.read(move |_app, tx| Ok(reports::with_state(tx, state, may.sight(), &page)?))
    }

    /// Loads a draft of this node, locked until the job ends.
    pub(crate) fn load_draft(&self, tx: &mut dyn Tx, number: ReportId) -> Result<Draft, AppError> {
        self.load_drafts(tx, &[number])?.pop().ok_or_else(AppError::not_found)
    }

    /// As [`App::load_draft`], in the order of the numbers.
    pub(crate) fn load_drafts(&self, tx: &mut dyn Tx, numbers: &[ReportId]) -> Result<Vec<Draft>, AppError> {
        let heads = reports::heads_locked(tx, numbers)?;
        if heads.iter().any(|head| head.direction != Direction::Own) {
            return Err(AppError::not_found());
        }
        let versions: Vec<_> = heads.iter().map(|head| (head.id, head.version)).collect();
        let contents = reports::contents(tx, &self.vault, &versions)?;
        let draft = |(head, (stored, content)): (ReportHead, (StoredVersion, Plain))| {
            if stored.form != Form::Draft {
                return Err(AppError::conflict("report.not_a_draft"));
            }
            let report = decode_report(&content).map_err(|error| damaged("report", error))?;
            Ok(Draft { head, report, bytes: content.to_vec(), revision: stored.revision, hash: stored.hash })
        };
        heads.into_iter().zip(contents).map(draft).collect()
    }
}

fn of_case(head: &ReportHead, case: CaseId) -> Result<(), AppError> {
    if head.case == Some(case) { Ok(()) } else { Err(AppError::not_found()) }
}

fn review(draft: &Draft, reviewer: mithaq_model::OfficerId) -> Result<(), AppError> {
    if draft.head.state != ReportState::Graded {
        return Err(AppError::conflict("report.not_graded"));
    }
    if draft.head.author == Some(reviewer) {
        return Err(AppError::refused("report.own_work", words::TWO_PERSONS, 14, None, None));
    }
    if draft.report.facts.is_empty() {
        return Err(
            AppError::invalid("facts").hint("a report states at least one fact, apart from assessments")
        );
    }
    Ok(())
}

/// Stops a text that speaks of a special category until the legal adviser has cleared it (limit L1).
fn screened(report: &Report) -> Result<(), AppError> {
    match screen::report(report).first() {
        None => Ok(()),
        Some(_category) => Err(AppError::refused(
            "report.special_category",
            words::SPECIAL_CATEGORY,
            5,
            None,
            Some(mithaq_model::RefusalGround::CategoryNotAllowed),
        )),
    }
}

pub(crate) fn damaged(what: &str, error: impl std::error::Error + Send + Sync + 'static) -> AppError {
    AppError::new(ErrorKind::Integrity, format!("store.integrity.{what}"), words::INTEGRITY).because(error)
}

/// The roles of the persons who approved, each person once.
pub(crate) fn approvers(approvals: &[Approval]) -> Vec<(mithaq_model::OfficerId, Role)> {
    approvals.iter().map(|approval| (approval.officer, approval.role)).collect()
}
