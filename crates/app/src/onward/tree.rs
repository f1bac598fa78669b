//! Where every copy of a report of this node is, as far as it was signed or said: the direct recipients, and who got it
//! from them. Who owes an answer, or whose erasure nobody signed, is listed as not proven.

use mithaq_db::Tx;
use mithaq_model::{
    ConsentState, CopyState, ObjectId, PartyId, ReportId, ReportState, ReportVersion, Timestamp,
};
use mithaq_store::disclosures::{self, Disclosure};
use mithaq_store::onward::{self, Consent, Copy};
use mithaq_store::reports::{Direction, ReportHead};

use crate::App;
use crate::error::AppError;
use crate::rights::{May, intent};
use crate::sight::head_seen;

/// What is known of a holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It has the copy, or may have it.
    Holds,
    /// It refused the copy: it has none.
    None,
    /// It was told to erase, or says it did, and no signature of its own over it is here.
    NotProven,
    /// It was sent a correction or an earlier last day, and no receipt of it that accepts is here; or, where the copy went on,
    /// no word of who passed it on that it accepted the correction.
    NotConfirmed,
    /// It signed that it erased.
    Erased,
}

impl Standing {
    /// Returns the stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::None => "none",
            Self::NotProven => "not_proven",
            Self::NotConfirmed => "not_confirmed",
            Self::Erased => "erased",
        }
    }
}

/// One holder of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Who.
    pub party: PartyId,
    /// From whom it got it; none: from this node.
    pub via: Option<PartyId>,
    /// Which version.
    pub version: ReportVersion,
    /// What was last heard, a code.
    pub state: &'static str,
    /// What that is worth.
    pub standing: Standing,
    /// An answer is owed by then.
    pub answer_by: Option<Timestamp>,
    /// Since when.
    pub at: Timestamp,
}

impl App {
    /// Shows where the copies of a report of this node are.
    ///
    /// # Errors
    /// When it is no report of this node that this person sees.
    pub fn onward_tree(
        &self,
        may: May<intent::ReadConsent>,
        number: ReportId,
    ) -> Result<Vec<Holder>, AppError> {
        self.read(move |_app, tx| {
            let head = head_seen(tx, may, number)?;
            tree_in(tx, &head)
        })
    }
}

fn tree_in(tx: &mut dyn Tx, head: &ReportHead) -> Result<Vec<Holder>, AppError> {
    if head.direction != Direction::Own {
        return Err(AppError::not_found());
    }
    let object = ObjectId::from(head.id);
    let mut tree: Vec<Holder> = disclosures::of_object(tx, object)?.iter().map(direct).collect();
    let copies = onward::copies(tx, object)?;
    tree.extend(copies.iter().map(further));
    let gone = head.state == ReportState::Recalled;
    for consent in onward::of_object(tx, object)? {
        let told = copies.iter().any(|copy| copy.consent == consent.id);
        if consent.token.is_some() && !told {
            tree.push(untold(&consent, gone));
        }
    }
    Ok(tree)
}

pub(super) fn direct(sent: &Disclosure) -> Holder {
    let answers = &sent.answers;
    let refused = answers.verdict.as_ref().filter(|(word, _)| word.starts_with("refused"));
    let (state, at) = match (answers.erased, answers.read, refused, answers.stored, answers.undelivered) {
        (Some(at), ..) => ("erased", at),
        (None, Some(at), ..) => ("read", at),
        (None, None, Some((_, at)), ..) => ("refused", *at),
        (None, None, None, Some(at), _) => ("accepted", at),
        (None, None, None, None, Some(at)) => ("undelivered", at),
        (None, None, None, None, None) => ("sent", sent.sent),
    };
    let standing = match (state, answers.answer_by, answers.confirm_by) {
        ("erased", ..) => Standing::Erased,
        (_, Some(_), _) => Standing::NotProven,
        (_, None, Some(_)) => Standing::NotConfirmed,
        ("refused", None, None) => Standing::None,
        (_, None, None) => Standing::Holds,
    };
    let (party, version) = (sent.recipient.clone(), sent.version);
    let answer_by = answers.answer_by.or(answers.confirm_by);
    Holder { party, via: None, version, state, standing, answer_by, at }
}

pub(super) fn further(copy: &Copy) -> Holder {
    let standing = match copy.state {
        CopyState::Erased if copy.proven => Standing::Erased,
        CopyState::Erased => Standing::NotProven,
        CopyState::Refused => Standing::None,
        CopyState::Sent | CopyState::Accepted | CopyState::Undelivered | CopyState::Read => {
            match (copy.answer_by, copy.confirm_by) {
                (Some(_), _) => Standing::NotProven,
                (None, Some(_)) => Standing::NotConfirmed,
                (None, None) => Standing::Holds,
            }
        }
    };
    Holder {
        party: copy.holder.clone(),
        via: Some(copy.via.clone()),
        version: copy.version,
        state: copy.state.code(),
        standing,
        answer_by: copy.answer_by.or(copy.confirm_by),
        at: copy.at,
    }
}

/// A token is out and nobody said what became of it: after a recall, what might be there is not proven gone.
fn untold(consent: &Consent, recalled: bool) -> Holder {
    let open = recalled || consent.state == ConsentState::Revoked;
    Holder {
        party: consent.to.clone(),
        via: Some(consent.partner.clone()),
        version: consent.version,
        state: consent.state.code(),
        standing: if open { Standing::NotProven } else { Standing::None },
        answer_by: None,
        at: consent.asked,
    }
}
