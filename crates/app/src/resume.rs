//! A suspended agreement goes on when three persons say so (domain page, §4.4: agreement authority, legal adviser and
//! data-protection officer): two in writing first, then the authority takes the step.

use mithaq_db::Tx;
use mithaq_model::{AgreementId, ObjectId, OfficerId, ReportVersion, Role, Text};
use mithaq_policy::Stage;
use mithaq_policy::life::Given;
use mithaq_store::agreements;
use mithaq_store::rulings::{self, About, Ruling};
use mithaq_wire::Digest;

use crate::App;
use crate::agreements::short;
use crate::clearances::written;
use crate::error::AppError;
use crate::log::Event;
use crate::rights::{May, intent};

/// The matter of such a word.
const MATTER: &str = "agreement.resume";
const AGREE: &str = "agree";

/// The agreement as something rulings are about: the first half of its number. The ruling's hash is the whole number.
fn object(id: AgreementId) -> ObjectId {
    ObjectId::new(id.as_bytes().first_chunk::<16>().copied().unwrap_or_default())
}

impl App {
    /// Says in writing, as the legal adviser or the data-protection officer, that a suspended agreement may go on. It
    /// counts for this suspension only.
    ///
    /// # Errors
    /// When there is no such agreement, it is not suspended, or the ground is no sentence.
    pub fn agree_to_resume(
        &self,
        may: May<intent::AgreeResume>,
        id: AgreementId,
        ground: &Text,
    ) -> Result<(), AppError> {
        let known = self.known(id)?;
        let word = self.written(ground)?;
        self.attempt(Event::refused(may, short(id)).agreement(id), move |app, tx| {
            written(&word.ground)?;
            if known.standing.stage() != Stage::Suspended {
                return Err(AppError::conflict("agreement.order").hint("it is not suspended"));
            }
            let about = About {
                object: object(id),
                version: ReportVersion::FIRST,
                matter: MATTER.to_owned(),
                subject: None,
            };
            let committed = app.put_word(tx, may, (about, Digest(*id.as_bytes())), AGREE, &word)?;
            let event = Event::by(may, "agreement.resume_agreed", short(id)).agreement(id);
            app.log(tx, &[event.committed(committed)])?;
            Ok(())
        })
    }

    /// Who agreed since the agreement was suspended last: two persons, neither of them who resumes it.
    pub(crate) fn resume_words(
        &self,
        tx: &mut dyn Tx,
        id: AgreementId,
        authority: OfficerId,
    ) -> Result<Given, AppError> {
        let history = agreements::history(tx, &id)?;
        let Some(suspended) = history.iter().rev().find(|step| step.state == Stage::Suspended.code()) else {
            return Ok(Given::default());
        };
        let words = rulings::of_version(tx, object(id), ReportVersion::FIRST)?;
        let counts = |one: &&Ruling| {
            one.about.matter == MATTER
                && one.says == AGREE
                && one.hash.0 == *id.as_bytes()
                && one.at >= suspended.at
                && one.officer != authority
        };
        // A person has one word on a matter: two roles here are two persons.
        let agreed = |role| words.iter().filter(counts).any(|one| one.role == role);
        let (agreed_by_adviser, agreed_by_dpo) = (agreed(Role::LegalAdviser), agreed(Role::Dpo));
        Ok(Given { agreed_by_adviser, agreed_by_dpo, ..Given::default() })
    }
}
