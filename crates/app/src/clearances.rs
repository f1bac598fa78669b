//! Clearances, each with a written ground: of what the screen for special categories found (the legal adviser), and
//! of a protected role a person bears (the legal adviser and a senior, two persons; domain page, §4 guard PRT, L8).
//!
//! A clearance is about one content, by its hash: another word, and it falls away. It opens step 5 or step 6 of the
//! release decision and no other: what is compiled in (a person in flight to the state they fled, an excluded
//! predicate, a risk of torture) stays shut whatever is cleared. Both sides clear for themselves.

use mithaq_db::Tx;
use mithaq_model::{ProtectedRole, Report, ReportId, ReportVersion, SpecialCategory, SubjectId, Text};
use mithaq_policy::{Clearance, screen};
use mithaq_store::reports::{self, Direction, ReportHead};
use mithaq_store::rulings::{self, About, Ruling};
use mithaq_wire::Digest;

use crate::App;
use crate::error::{AppError, words};
use crate::log::Event;
use crate::rights::{Intent, May, intent};

/// Shortest written ground in characters: a sentence, not a word.
pub const GROUND_MIN: usize = 20;
/// The matter of the screen's findings.
pub(crate) const SPECIAL: &str = "special_category";
/// The word of who clears.
const CLEAR: &str = "clear";

/// The matter of a protected role.
fn protected(role: ProtectedRole) -> String {
    format!("protected:{}", role.code())
}

/// A report that rights are decided about: an own draft, or a received one in quarantine.
pub(crate) struct AtHand {
    pub(crate) head: ReportHead,
    pub(crate) version: ReportVersion,
    pub(crate) report: Report,
    pub(crate) hash: Digest,
}

impl App {
    /// Clears the screen's findings in a report: the text speaks of no special category of a person, or it is
    /// strictly necessary and the law allows it. For a received report in quarantine the same, by this node's own
    /// adviser: what the sender's adviser wrote binds nobody here.
    ///
    /// # Errors
    /// When there is no such draft or quarantined report, the adviser wrote it, or the ground is no sentence.
    pub fn clear_report(
        &self,
        may: May<intent::ClearRights>,
        number: ReportId,
        ground: &Text,
    ) -> Result<(), AppError> {
        self.rule(may, number, ground, |_app, _tx, at| {
            let about = at.about(SPECIAL.to_owned(), None);
            Ok((about, CLEAR, "rights.cleared"))
        })
    }

    /// Clears a protected role of a person in a report, as the legal adviser. It takes effect when a senior
    /// confirms it.
    ///
    /// # Errors
    /// As [`App::clear_report`], and when the person does not bear the role, or it is a child's: no clearance lifts
    /// the protection of a child.
    pub fn clear_role(
        &self,
        may: May<intent::ClearRights>,
        number: ReportId,
        (subject, role): (SubjectId, ProtectedRole),
        ground: &Text,
    ) -> Result<(), AppError> {
        self.rule(may, number, ground, move |_app, _tx, at| {
            borne(&at.report, subject, role)?;
            Ok((at.about(protected(role), Some(subject)), CLEAR, "rights.cleared"))
        })
    }

    /// Confirms, as the senior, what the legal adviser cleared. Another person than the adviser.
    ///
    /// # Errors
    /// As [`App::clear_role`], and when the adviser has not cleared it for the text as it stands.
    pub fn confirm_clearance(
        &self,
        may: May<intent::ConfirmClearance>,
        number: ReportId,
        (subject, role): (SubjectId, ProtectedRole),
        ground: &Text,
    ) -> Result<(), AppError> {
        self.rule(may, number, ground, move |_app, tx, at| {
            borne(&at.report, subject, role)?;
            let about = at.about(protected(role), Some(subject));
            let said = rulings::of_version(tx, about.object, about.version)?;
            let by_adviser = said.iter().filter(|one| one.about == about && one.hash == at.hash);
            let mut advisers = by_adviser.filter(|one| is_adviser(one)).map(|one| one.officer).peekable();
            if advisers.peek().is_none() {
                return Err(AppError::conflict("rights.not_cleared")
                    .hint("the legal adviser clears first, with a written ground"));
            }
            if !advisers.any(|adviser| adviser != may.actor()) {
                return Err(AppError::refused("rights.one_person", words::TWO_PERSONS, 6, None, None));
            }
            Ok((about, CLEAR, "rights.confirmed"))
        })
    }

    /// Takes one person's written word: checks, stores, tells oversight, logs, in one transaction.
    pub(crate) fn rule<I: Intent>(
        &self,
        may: May<I>,
        number: ReportId,
        ground: &Text,
        about: impl FnOnce(&Self, &mut dyn Tx, &AtHand) -> Result<(About, &'static str, &'static str), AppError>
        + Clone
        + Send
        + 'static,
    ) -> Result<(), AppError> {
        let word = self.written(ground)?;
        self.attempt(Event::refused(may, number), move |app, tx| {
            written(&word.ground)?;
            let at = app.at_hand(tx, number)?;
            if at.head.author == Some(may.actor()) {
                return Err(AppError::refused("report.own_work", words::TWO_PERSONS, 14, None, None));
            }
            let (about, says, kind) = about(app, tx, &at)?;
            let (matter, object) = (about.matter.clone(), about.object);
            let committed = app.put_word(tx, may, (about, at.hash), says, &word)?;
            app.tell(tx, kind, object)?;
            let event = Event::by(may, kind, number).committed(committed).verdict(matter);
            app.log(tx, &[event.agreement(at.report.agreement)])?;
            Ok(())
        })
    }

    /// Loads what rights can be decided about, locked until the job ends.
    pub(crate) fn at_hand(&self, tx: &mut dyn Tx, number: ReportId) -> Result<AtHand, AppError> {
        let head = reports::head_locked(tx, number)?;
        match head.direction {
            Direction::Own => {
                let draft = self.load_draft(tx, number)?;
                Ok(AtHand {
                    version: draft.head.version,
                    head: draft.head,
                    report: draft.report,
                    hash: draft.hash,
                })
            }
            Direction::Received => Ok(self.held(tx, head)?.at),
        }
    }

    /// What stands against a content and what was cleared for it here, by one question of what people said.
    pub(crate) fn rights_in(
        &self,
        tx: &mut dyn Tx,
        report: &Report,
        hash: Digest,
    ) -> Result<Rights, AppError> {
        let said = rulings::of_version(tx, report.id.into(), report.version)?;
        let special = if cleared_in(&said, hash) { Vec::new() } else { screen::report(report) };
        Ok(Rights { special, roles: clearances_in(&said, report, hash) })
    }
}

/// What the release decision asks about rights in a content.
pub(crate) struct Rights {
    /// What the screen found and nobody cleared.
    pub(crate) special: Vec<SpecialCategory>,
    /// The protected roles that two persons cleared.
    pub(crate) roles: Vec<Clearance>,
}

/// Whether the legal adviser cleared the screen's findings in a content, by what was said of it.
pub(crate) fn cleared_in(said: &[Ruling], hash: Digest) -> bool {
    said.iter().any(|one| one.about.matter == SPECIAL && one.hash == hash && one.says == CLEAR)
}

/// The protected roles that two persons cleared for a content, by what was said of it.
pub(crate) fn clearances_in(said: &[Ruling], report: &Report, hash: Digest) -> Vec<Clearance> {
    let said: Vec<&Ruling> = said.iter().filter(|one| one.hash == hash && one.says == CLEAR).collect();
    let mut clearances = Vec::new();
    for subject in &report.subjects {
        for role in subject.protected_roles() {
            let matter = protected(*role);
            let on = |one: &&&Ruling| one.about.matter == matter && one.about.subject == Some(subject.id());
            let adviser = said.iter().filter(on).find(|one| is_adviser(one)).map(|one| one.officer);
            let senior = said.iter().filter(on).find(|one| !is_adviser(one)).map(|one| one.officer);
            if let (Some(adviser), Some(senior)) = (adviser, senior) {
                clearances.push(Clearance { subject: subject.id(), role: *role, adviser, senior });
            }
        }
    }
    clearances
}

impl AtHand {
    pub(crate) fn about(&self, matter: String, subject: Option<SubjectId>) -> About {
        About { object: self.report.id.into(), version: self.version, matter, subject }
    }
}

fn is_adviser(ruling: &Ruling) -> bool {
    ruling.role == mithaq_model::Role::LegalAdviser
}

/// The person is in the report and bears the role, and the role can be cleared at all.
fn borne(report: &Report, subject: SubjectId, role: ProtectedRole) -> Result<(), AppError> {
    let bears = |one: &mithaq_model::Subject| one.id() == subject && one.protected_roles().contains(&role);
    if !report.subjects.iter().any(bears) {
        return Err(AppError::invalid("role").hint("the person in the report does not bear this role"));
    }
    if role == ProtectedRole::Child {
        return Err(AppError::refused("rights.child", words::CHILD, 4, None, None)
            .hint("data about a child goes only to protect the child, by the purpose of the case"));
    }
    Ok(())
}

/// A ground is a sentence somebody can be asked about.
pub(crate) fn written(ground: &Text) -> Result<(), AppError> {
    if ground.reveal().chars().count() >= GROUND_MIN {
        return Ok(());
    }
    Err(AppError::invalid("ground")
        .hint("write the ground in a sentence; oversight reads it. Name no person"))
}
