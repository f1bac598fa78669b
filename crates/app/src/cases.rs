//! Cases, and the access they give: no person is searched, read or disclosed without one. [`CaseAccess`] is the
//! proof that a human works on an open case, for a purpose of that case, with a reason.

use mithaq_db::Tx;
use mithaq_model::{Case, CaseId, CaseState, CrimeArea, Millis, OfficerId, Purpose, Role, Text};
use mithaq_store::{Page, cases};

use crate::App;
use crate::error::{AppError, words};
use crate::log::{Committed, Event};
use crate::ports::{fresh, random};
use crate::rights::{Intent, May, intent};

/// Longest time until the need for a case is reviewed.
pub const REVIEW_MAX: Millis = Millis::hours(24 * 365);
/// Shortest reason in characters: "x" is no reason.
const REASON_MIN: usize = 8;

/// What is needed to open a case.
#[derive(Debug, Clone)]
pub struct NewCase {
    /// Title.
    pub title: Text,
    /// Area of crime.
    pub area: CrimeArea,
    /// The offence with its statute.
    pub offence: Text,
    /// Purposes. Not empty.
    pub purposes: Vec<Purpose>,
    /// Officers assigned.
    pub officers: Vec<OfficerId>,
}

/// Proof that a human may work on a case for a purpose. Made by [`App::enter_case`], checked again in the
/// transaction that uses it.
#[derive(Debug, Clone)]
pub struct CaseAccess {
    case: CaseId,
    purpose: Purpose,
    actor: OfficerId,
    role: Role,
    area: CrimeArea,
    offence: Text,
    reason: Text,
}

impl CaseAccess {
    /// Returns the case.
    #[must_use]
    pub const fn case(&self) -> CaseId {
        self.case
    }

    /// Returns the purpose.
    #[must_use]
    pub const fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// Returns who works.
    #[must_use]
    pub const fn actor(&self) -> OfficerId {
        self.actor
    }

    /// Returns in which role.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// Returns the area of crime of the case.
    #[must_use]
    pub const fn area(&self) -> CrimeArea {
        self.area
    }

    /// Returns why the human works on it now.
    #[must_use]
    pub const fn reason(&self) -> &Text {
        &self.reason
    }

    /// Returns the offence of the case.
    #[must_use]
    pub const fn offence(&self) -> &Text {
        &self.offence
    }
}

impl App {
    /// Opens a case.
    ///
    /// # Errors
    /// When it has no purpose, or the offence is a bare label.
    pub fn open_case(&self, may: May<intent::GovernCase>, new: &NewCase) -> Result<CaseId, AppError> {
        if new.purposes.is_empty() {
            return Err(AppError::invalid("purposes")
                .hint("name at least one; a use that cannot be named is no purpose"));
        }
        let now = self.now();
        let mut officers = new.officers.clone();
        officers.sort();
        officers.dedup();
        let case = Case {
            id: fresh(&*self.entropy)?,
            title: new.title.clone(),
            area: new.area,
            offence: new.offence.clone(),
            purposes: new.purposes.clone(),
            officers,
            state: CaseState::Open,
            opened: now,
            review_on: now.plus(REVIEW_MAX),
        };
        self.write(move |app, tx| {
            cases::add(tx, &app.vault, &case)?;
            app.log(tx, &[Event::by(may, "case.opened", case.id).case(case.id)])?;
            Ok(case.id)
        })
    }

    /// Assigns an officer to a case.
    ///
    /// # Errors
    /// When there is no such case or it changed meanwhile.
    pub fn assign_to_case(
        &self,
        may: May<intent::GovernCase>,
        case: CaseId,
        officer: OfficerId,
    ) -> Result<(), AppError> {
        self.change_case(may, case, move |case| {
            if !case.officers.contains(&officer) {
                case.officers.push(officer);
            }
            Event::by(may, "case.assigned", officer).case(case.id)
        })
    }

    /// Closes a case: nothing is searched, read or disclosed for it any more, and its planned actions are over.
    ///
    /// # Errors
    /// When there is no such case or it changed meanwhile.
    pub fn close_case(&self, may: May<intent::GovernCase>, case: CaseId) -> Result<(), AppError> {
        self.change_case(may, case, move |case| {
            case.state = CaseState::Closed;
            Event::by(may, "case.closed", case.id).case(case.id)
        })?;
        self.wipe();
        Ok(())
    }

    /// The access must be the acting human's own: another's is no access, and the attempt is an entry.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`], the same answer as for a case that does not exist.
    pub(crate) fn own_access<I: Intent>(&self, may: May<I>, access: &CaseAccess) -> Result<(), AppError> {
        if may.actor() == access.actor() {
            return Ok(());
        }
        let tried = Event::refused(may, access.case()).case(access.case()).verdict("CASE");
        self.write(move |app, tx| app.log(tx, &[tried]).map(drop))?;
        Err(AppError::not_found())
    }

    fn change_case(
        &self,
        may: May<intent::GovernCase>,
        case: CaseId,
        change: impl Fn(&mut Case) -> Event + Clone + Send + 'static,
    ) -> Result<(), AppError> {
        self.attempt(Event::refused(may, case).case(case), move |app, tx| {
            let mut stored = cases::get(tx, &app.vault, case)?.ok_or_else(AppError::not_found)?;
            let event = change(&mut stored.case);
            cases::change(tx, &app.vault, stored.version, &stored.case)?;
            app.log(tx, &[event])?;
            if stored.case.state == CaseState::Closed {
                app.end_plans_of(tx, case)?;
            }
            Ok(())
        })
    }

    /// Lists the cases the human is assigned to.
    ///
    /// # Errors
    /// When the store fails.
    pub fn my_cases(&self, may: May<intent::WorkCase>, page: &Page<CaseId>) -> Result<Vec<Case>, AppError> {
        let page = *page;
        self.read(move |app, tx| {
            let stored = cases::of_officer(tx, &app.vault, may.actor(), &page)?;
            Ok(stored.into_iter().map(|stored| stored.case).collect())
        })
    }

    /// Lists all cases for who governs them.
    ///
    /// # Errors
    /// When the store fails.
    pub fn all_cases(
        &self,
        _may: May<intent::GovernCase>,
        page: &Page<CaseId>,
    ) -> Result<Vec<Case>, AppError> {
        let page = *page;
        self.read(move |app, tx| {
            Ok(cases::list(tx, &app.vault, &page)?.into_iter().map(|stored| stored.case).collect())
        })
    }

    /// Enters a case for a purpose and a reason. The reason is kept as a salted commitment in the log; who
    /// enters a case without being assigned, or for another purpose, is refused and logged.
    ///
    /// # Errors
    /// When the case is closed, due for review, not the human's, or was not opened for the purpose; or the
    /// reason is no reason.
    pub fn enter_case(
        &self,
        may: May<intent::WorkCase>,
        case: CaseId,
        purpose: Purpose,
        reason: &Text,
    ) -> Result<CaseAccess, AppError> {
        let (salt, reason) = (random::<32>(&*self.entropy)?, self::reason(reason)?);
        // The outer result is the store's; what it holds is the rule's answer.
        self.write(move |app, tx| {
            let checked = check_case(app, tx, may, (case, purpose), &reason)?;
            let committed = Committed::to(
                mithaq_model::ObjectId::new(*case.as_bytes()),
                0,
                salt,
                reason.reveal().as_bytes(),
            );
            let event = Event::by(may, "case.entered", case).case(case).purpose(purpose).committed(committed);
            let verdict = if checked.is_ok() { "permit" } else { "CASE" };
            app.log(tx, &[event.verdict(verdict)])?;
            Ok(checked)
        })?
    }
}

/// Takes a reason that says something.
pub(crate) fn reason(reason: &Text) -> Result<Text, AppError> {
    if reason.reveal().chars().count() < REASON_MIN {
        return Err(AppError::invalid("reason").hint("say in a few words why; it is kept for oversight"));
    }
    Ok(reason.clone())
}

/// The outer result is the store's, the inner one the rule's: a refusal is logged, not rolled back.
fn check_case(
    app: &App,
    tx: &mut dyn Tx,
    may: May<intent::WorkCase>,
    (case, purpose): (CaseId, Purpose),
    reason: &Text,
) -> Result<Result<CaseAccess, AppError>, AppError> {
    let refuse = || AppError::refused("case.not_open_to_you", words::CASE, 1, None, None);
    let Some(stored) = cases::get(tx, &app.vault, case)? else { return Ok(Err(AppError::not_found())) };
    let found = stored.case;
    if !found.officers.contains(&may.actor()) {
        return Ok(Err(AppError::not_found()));
    }
    if found.state != CaseState::Open || found.review_on <= app.now() {
        return Ok(Err(refuse()));
    }
    if !found.purposes.contains(&purpose) {
        return Ok(Err(AppError::refused("case.purpose", words::PURPOSE, 1, None, None)));
    }
    Ok(Ok(CaseAccess {
        case,
        purpose,
        actor: may.actor(),
        role: may.role(),
        area: found.area,
        offence: found.offence,
        reason: reason.clone(),
    }))
}
