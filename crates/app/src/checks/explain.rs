//! Which tokens a subject would make under an agreement's policy, for who works its case. Nothing of it leaves the node:
//! it is the answer to "why did he not meet?" and "what will this cost?".

use std::collections::BTreeMap;

use mithaq_check::{Known as Facts, Meets, Party, QUERY_STEP, Second, Strength, Token, eighths, tokens};
use mithaq_db::Tx;
use mithaq_model::{AgreementId, CaseId, ObjectId, Subject, SubjectClass, SubjectId};
use mithaq_names::Name;
use mithaq_policy::CHECKABLE;
use mithaq_store::subjects;

use super::{agreed, checkable, usable};
use crate::App;
use crate::cases::CaseAccess;
use crate::error::AppError;
use crate::justifications::names_of;
use crate::log::Event;
use crate::registry::Known;
use crate::rights::{May, intent};

/// A token as people read it. Not its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenShown {
    /// Sounds of the names in it: one beside a document, two or three beside the rest.
    pub sounds: Vec<String>,
    /// What its names say, in eighths of a bit.
    pub eighths: u16,
    /// `day`, `year`, `place` or `document`.
    pub kind: &'static str,
    /// The second identifier itself.
    pub second: String,
    /// Of a year, how precisely the two sides know the birth: `day_asks_year`, `year_asks_day`, `year_asks_year`.
    pub meets: Option<&'static str>,
    /// Band of a hit on it.
    pub band: Strength,
}

/// Why a subject makes fewer tokens than one would think, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Without {
    /// Its class may never be checked, or the agreement does not cover it.
    Class,
    /// It has a protected role.
    ProtectedRole,
    /// It is a minor who is not missing.
    Minor,
    /// Its cases are closed, or of areas the agreement does not cover: it is in no set.
    Case,
    /// So many claims are a partner's, expired, TLP:RED or under code H3.
    Claims(u32),
    /// A name alone makes no token (limit L19).
    NameAlone,
    /// A date, place or document without a name makes no token (limit L2).
    NoName,
    /// So many documents make no token: the issuing state is not told (two letters, or its English name), or the number is too short.
    Documents(u32),
}

/// The tokens of a subject under a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokensExplained {
    /// Tokens it would be asked by.
    pub asking: Vec<TokenShown>,
    /// Evaluations that asking about it alone costs.
    pub evaluations: u32,
    /// Tokens it would have in a set for partners.
    pub asked: Vec<TokenShown>,
    /// What stands in the way.
    pub without: Vec<Without>,
}

impl App {
    /// Explains the tokens of a subject of a case. Logged like a reading of the subject; nothing leaves.
    ///
    /// # Errors
    /// When the subject is not of the case, or the agreement provides for no check.
    pub fn explain_tokens(
        &self,
        may: May<intent::ReadSubject>,
        access: &CaseAccess,
        (agreement, number): (AgreementId, SubjectId),
    ) -> Result<TokensExplained, AppError> {
        self.own_access(may, access)?;
        let (case, purpose) = (access.case(), access.purpose());
        let tried = Event::refused(may, number).case(case).purpose(purpose);
        let access = access.clone();
        self.attempt(tried, move |app, tx| {
            let known = app.known(agreement)?;
            let (explained, names) = app.explained(tx, &known, (case, number))?;
            let object = ObjectId::new(*number.as_bytes());
            let own_name = app.justify(tx, &access, ("check.explained", object), &names)?;
            let event = Event::by(may, "check.explained", number).case(case).purpose(purpose);
            app.log(tx, &[event.agreement(agreement)].into_iter().chain(own_name).collect::<Vec<_>>())?;
            Ok(explained)
        })
    }

    fn explained(
        &self,
        tx: &mut dyn Tx,
        known: &Known,
        (case, number): (CaseId, SubjectId),
    ) -> Result<(TokensExplained, Vec<Name>), AppError> {
        let (_, policy) = agreed(known)?;
        let cases = subjects::cases_of(tx, number)?;
        let subject = if cases.contains(&case) { self.stored_subject(tx, number)? } else { None };
        let subject = subject.ok_or_else(AppError::not_found)?;
        let mut without = barred(known, &subject);
        let checked = usable(&subject, &self.party, self.now());
        let left = checked.as_ref().map_or(0, |one| one.claims().len());
        let left_out = subject.claims().len().saturating_sub(left);
        if without.is_empty() && left_out > 0 {
            without.push(Without::Claims(u32::try_from(left_out).unwrap_or(u32::MAX)));
        }
        let in_set = self.any_covered(tx, known, &cases, &mut BTreeMap::new())?;
        if !in_set {
            without.push(Without::Case);
        }
        let checked = checked.filter(|_| !without.contains(&Without::Class));
        let has_claims = checked.as_ref().is_some_and(|one| !one.claims().is_empty());
        let facts = checked.as_ref().map(Facts::of).unwrap_or_default();
        let made = |party| tokens(&policy, party, &facts);
        let (asking, asked) = (made(Party::Asking), made(Party::Asked));
        if facts.documents_left_out > 0 {
            without.push(Without::Documents(facts.documents_left_out));
        }
        if has_claims && asking.is_empty() {
            without.push(if facts.names.is_empty() { Without::NoName } else { Without::NameAlone });
        }
        let queries = asking.len().next_multiple_of(QUERY_STEP);
        let explained = TokensExplained {
            evaluations: u32::try_from(queries).unwrap_or(u32::MAX),
            asking: asking.iter().map(shown).collect(),
            asked: asked.iter().filter(|_| in_set).map(shown).collect(),
            without,
        };
        Ok((explained, names_of(&subject)))
    }
}

fn barred(known: &Known, subject: &Subject) -> Vec<Without> {
    let class = subject.class();
    let mut without = Vec::new();
    if !class.is_some_and(|class| CHECKABLE.contains(&class) && checkable(known).contains(&class)) {
        without.push(Without::Class);
    }
    if !subject.protected_roles().is_empty() {
        without.push(Without::ProtectedRole);
    }
    if subject.is_minor() && class != Some(SubjectClass::Missing) {
        without.push(Without::Minor);
    }
    without
}

fn shown(token: &Token) -> TokenShown {
    let (kind, second) = match &token.second {
        Second::Day(year, low, high) if *high <= 12 => ("day", format!("{year:04}: {low:02} and {high:02}")),
        Second::Day(year, month, day) => ("day", format!("{year:04}-{month:02}-{day:02}")),
        Second::Year(year, _) => ("year", format!("{year:04}")),
        Second::Place(code) => ("place", code.to_string()),
        Second::Document(issuer, number) => {
            ("document", format!("{} {number}", String::from_utf8_lossy(issuer)))
        }
    };
    TokenShown {
        sounds: token.names.iter().map(ToString::to_string).collect(),
        eighths: token.names.iter().map(|code| eighths(*code)).sum(),
        kind,
        second,
        meets: match &token.second {
            Second::Year(_, Meets::DayAsksYear) => Some("day_asks_year"),
            Second::Year(_, Meets::YearAsksDay) => Some("year_asks_day"),
            Second::Year(_, Meets::YearAsksYear) => Some("year_asks_year"),
            Second::Day(..) | Second::Place(_) | Second::Document(..) => None,
        },
        band: token.strength(),
    }
}
