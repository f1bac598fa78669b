//! One question to several partners, under one or several agreements: one check for each, with its own number, seed,
//! salt, pseudonyms and budget. What holds them together is a number that stays on this node; nothing of one partner's
//! check, answer or hit reaches another.

use mithaq_model::{AgreementId, ObjectId, PartyId, SubjectClass, SubjectId};
use mithaq_store::checks;

use super::{NewCheck, NewStanding};
use crate::App;
use crate::cases::CaseAccess;
use crate::error::AppError;
use crate::log::Event;
use crate::ports::fresh;
use crate::rights::{May, intent};

/// Most partners of one question.
const PARTNERS_MAX: usize = 16;

/// What is asked of several partners.
#[derive(Debug, Clone)]
pub struct NewJointCheck {
    /// Who is asked, each once, under which agreement.
    pub partners: Vec<(AgreementId, PartyId)>,
    /// In what capacity the persons appear.
    pub class: SubjectClass,
    /// The persons, of the case.
    pub subjects: Vec<SubjectId>,
    /// Reference of the warrant: for wanted persons.
    pub warrant: Option<String>,
    /// The question shall stay with each partner.
    pub standing: Option<NewStanding>,
}

/// What became of the part for one partner.
#[derive(Debug)]
pub struct JointPart<T> {
    /// Agreement.
    pub agreement: AgreementId,
    /// Who is asked.
    pub partner: PartyId,
    /// Its check or what it costs; or why not. A refusal for one partner holds up no other.
    pub outcome: Result<T, AppError>,
}

impl App {
    /// Writes a check for each of several partners as drafts. Returns the number of the question, and each part.
    ///
    /// # Errors
    /// When partners are missing, too many or named twice; the first refusal when no part was written.
    pub fn draft_joint_check(
        &self,
        may: May<intent::AskCheck>,
        access: &CaseAccess,
        new: &NewJointCheck,
    ) -> Result<(ObjectId, Vec<JointPart<ObjectId>>), AppError> {
        let mut distinct: Vec<&PartyId> = new.partners.iter().map(|(_, partner)| partner).collect();
        distinct.sort();
        distinct.dedup();
        if distinct.len() != new.partners.len() || !(1..=PARTNERS_MAX).contains(&new.partners.len()) {
            let no = AppError::invalid("partners").hint("name each partner once, sixteen at most");
            return self.refuse(Event::refused(may, access.case()).case(access.case()), no);
        }
        let joint: ObjectId = fresh(&*self.entropy)?;
        let mut parts = Vec::with_capacity(new.partners.len());
        for (agreement, partner) in &new.partners {
            let one = NewCheck {
                agreement: *agreement,
                partner: partner.clone(),
                class: new.class,
                subjects: new.subjects.clone(),
                warrant: new.warrant.clone(),
                standing: new.standing,
            };
            let outcome = decided(self.draft_one(may, access, one, Some(joint)))?;
            parts.push(JointPart { agreement: *agreement, partner: partner.clone(), outcome });
        }
        some(parts).map(|parts| (joint, parts))
    }

    /// Authorises the drafts of a question to several partners: each is decided, charged, logged and sent by itself.
    ///
    /// # Errors
    /// When there is no such question of the case, or no draft is left; the first refusal when nothing was authorised.
    pub fn authorise_joint_check(
        &self,
        may: May<intent::AuthoriseCheck>,
        access: &CaseAccess,
        joint: ObjectId,
    ) -> Result<Vec<JointPart<u32>>, AppError> {
        let case = access.case();
        let mut found = self.read(move |_app, tx| Ok(checks::of_joint(tx, joint)?))?;
        found.retain(|check| check.case == case);
        if found.is_empty() {
            return self.refuse(Event::refused(may, joint).case(case), AppError::not_found());
        }
        let mut parts = Vec::with_capacity(found.len());
        for check in found {
            let outcome = decided(self.authorise_check(may, access, check.id))?;
            parts.push(JointPart { agreement: check.agreement, partner: check.partner, outcome });
        }
        some(parts)
    }
}

/// A decision stays with its part; what is broken here ends the whole.
fn decided<T>(done: Result<T, AppError>) -> Result<Result<T, AppError>, AppError> {
    match done {
        Err(error) if !error.is_no() => Err(error),
        decided => Ok(decided),
    }
}

fn some<T>(mut parts: Vec<JointPart<T>>) -> Result<Vec<JointPart<T>>, AppError> {
    if parts.iter().any(|part| part.outcome.is_ok()) {
        return Ok(parts);
    }
    match parts.pop().map(|part| part.outcome) {
        Some(Err(error)) => Err(error),
        _none => Err(AppError::not_found()),
    }
}
