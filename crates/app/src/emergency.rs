//! A life at risk (break-glass; domain page, §4.15 and the deadlines of §2.11).
//!
//! Two persons, a supervisor and the contact point, open one report for four hours, each with a written reason. What
//! that skips: the review by a third person, the clearance of protected roles (step 6), the day's budget (step 13).
//! What it never skips: the agreement in force, special categories (5), excluded predicates (7), a grade (8), origin
//! and consent (9), classification (10), the risk of torture and death (11), two persons (14), signature and log.
//! The data-protection officer reviews within three days, oversight within seven; both are told at once, and a review
//! that is late is an alarm and an entry.
//!
//! Deliberately narrower than the domain page allows: it opens a report, not a person's rights; nobody reads more
//! by it.

use mithaq_db::Tx;
use mithaq_model::{
    Days, Millis, ObjectId, OfficerId, Purpose, Report, ReportId, ReportState, ReportVersion, Role, Text,
    Timestamp, Urgency,
};
use mithaq_store::rulings::{self, Ruling};
use mithaq_wire::Digest;

use crate::App;
use crate::error::{AppError, words};
use crate::log::Event;
use crate::rights::{May, intent};

/// How long it stays open.
pub(crate) const OPEN: Millis = Millis::hours(4);
/// Within which time the data-protection officer reviews it.
pub(crate) const DPO_REVIEW: Days = Days(3);
/// Within which time oversight reviews it.
pub(crate) const OVERSIGHT_REVIEW: Days = Days(7);
/// The matter of the rulings.
const MATTER: &str = "life_at_risk";
/// How far back a late review is looked for.
const LOOK_BACK: Days = Days(366);

/// What a review finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// It was right.
    Justified,
    /// It was not: people decide about recall and about who opened it.
    Unjustified,
}

impl Finding {
    const fn code(self) -> &'static str {
        match self {
            Self::Justified => "justified",
            Self::Unjustified => "unjustified",
        }
    }

    /// Reads a code.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] for an unknown one.
    pub fn from_code(code: &str) -> Result<Self, AppError> {
        [Self::Justified, Self::Unjustified]
            .into_iter()
            .find(|finding| finding.code() == code)
            .ok_or_else(|| AppError::invalid("finding").hint("justified or unjustified"))
    }
}

/// One opening, for who reviews and oversees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emergency {
    /// The report it opened.
    pub report: ReportId,
    /// Its version.
    pub version: ReportVersion,
    /// Who invoked it, and when.
    pub invoked: (OfficerId, Timestamp),
    /// Who confirmed it, and when; none: it never opened.
    pub confirmed: Option<(OfficerId, Timestamp)>,
    /// When it closed or closes by itself.
    pub closes: Timestamp,
    /// What the data-protection officer found.
    pub dpo: Option<String>,
    /// By when that is owed.
    pub dpo_by: Timestamp,
    /// What oversight found.
    pub oversight: Option<String>,
    /// By when that is owed.
    pub oversight_by: Timestamp,
}

impl App {
    /// Invokes it, as the supervisor: a life is at risk, and the ordinary way is too slow.
    ///
    /// # Errors
    /// When the report is no graded draft for the purpose and urgency *threat to life*, the supervisor wrote it, or
    /// the reason is no sentence.
    pub fn invoke_emergency(
        &self,
        may: May<intent::InvokeEmergency>,
        number: ReportId,
        reason: &Text,
    ) -> Result<(), AppError> {
        self.rule(may, number, reason, |_app, _tx, at| {
            if !matches!(at.head.state, ReportState::Graded | ReportState::Reviewed) {
                return Err(AppError::conflict("report.not_graded"));
            }
            if !claims_life(&at.report) {
                return Err(AppError::refused("emergency.purpose", words::PURPOSE, 3, None, None)
                    .hint("purpose of the case and urgency of the report must be `threat_to_life`"));
            }
            Ok((at.about(MATTER.to_owned(), None), "invoke", "emergency.invoked"))
        })
    }

    /// Confirms it, as the contact point: from now it is open, until four hours after it was invoked.
    ///
    /// # Errors
    /// When nobody else invoked it for the text as it stands, or its time is over.
    pub fn confirm_emergency(
        &self,
        may: May<intent::ConfirmEmergency>,
        number: ReportId,
        reason: &Text,
    ) -> Result<(), AppError> {
        self.rule(may, number, reason, move |app, tx, at| {
            let said = rulings::of_version(tx, at.report.id.into(), at.version)?;
            let invoked = word(&said, "invoke", at.hash).filter(|one| app.now() < one.at.plus(OPEN));
            let invoked = invoked.ok_or_else(|| {
                AppError::conflict("emergency.not_invoked")
                    .hint("a supervisor invokes it first, for four hours")
            })?;
            if invoked.officer == may.actor() {
                return Err(AppError::refused("emergency.one_person", words::TWO_PERSONS, 14, None, None));
            }
            Ok((at.about(MATTER.to_owned(), None), "confirm", "emergency.confirmed"))
        })
    }

    /// Says, as the data-protection officer or as oversight, whether it was right.
    ///
    /// # Errors
    /// When it was never invoked, or the reason is no sentence.
    pub fn review_emergency(
        &self,
        may: May<intent::ReviewEmergency>,
        (number, version): (ReportId, ReportVersion),
        finding: Finding,
        reason: &Text,
    ) -> Result<(), AppError> {
        let word = self.written(reason)?;
        self.attempt(Event::refused(may, number), move |app, tx| {
            crate::clearances::written(&word.ground)?;
            let object = ObjectId::from(number);
            let said = rulings::of_version(tx, object, version)?;
            let invoked = said.iter().find(|one| one.about.matter == MATTER && one.says == "invoke");
            let invoked = invoked.ok_or_else(AppError::not_found)?;
            let about = (invoked.about.clone(), invoked.hash);
            let committed = app.put_word(tx, may, about, finding.code(), &word)?;
            if finding == Finding::Unjustified {
                app.tell(tx, "emergency.unjustified", object)?;
            }
            let event = Event::by(may, "emergency.reviewed", number).verdict(finding.code());
            app.log(tx, &[event.committed(committed)])?;
            Ok(())
        })
    }

    /// Lists every opening of the last year, for who reviews and oversees.
    ///
    /// # Errors
    /// When the store fails.
    pub fn emergencies(&self, _may: May<intent::ReadRulings>) -> Result<Vec<Emergency>, AppError> {
        self.read(|app, tx| app.openings(tx))
    }

    fn openings(&self, tx: &mut dyn Tx) -> Result<Vec<Emergency>, AppError> {
        let said = rulings::on_matter(tx, MATTER, self.now().minus(LOOK_BACK), 1_000)?;
        let of = |invoked: &Ruling, says: &str| {
            said.iter().find(|one| one.about == invoked.about && one.says == says).cloned()
        };
        let found = |invoked: &Ruling, role: Role| {
            let reviewed = |one: &&Ruling| {
                one.about == invoked.about
                    && one.role == role
                    && matches!(one.says.as_str(), "justified" | "unjustified")
            };
            said.iter().find(reviewed).map(|one| one.says.clone())
        };
        let invoked = said.iter().filter(|one| one.says == "invoke");
        Ok(invoked
            .map(|one| Emergency {
                report: one.about.object.into(),
                version: one.about.version,
                invoked: (one.officer, one.at),
                confirmed: of(one, "confirm").map(|confirmed| (confirmed.officer, confirmed.at)),
                closes: one.at.plus(OPEN),
                dpo: found(one, Role::Dpo),
                dpo_by: one.at.plus(DPO_REVIEW),
                oversight: found(one, Role::Oversight),
                oversight_by: one.at.plus(OVERSIGHT_REVIEW),
            })
            .collect())
    }

    /// Rings, once each, for reviews that are late. The node's timer calls it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn remind_reviews(&self) -> Result<usize, AppError> {
        self.write(|app, tx| {
            let mut events = Vec::new();
            for one in app.openings(tx)? {
                let late = [
                    ("emergency.dpo_late", one.dpo.is_none() && one.dpo_by <= app.now()),
                    ("emergency.oversight_late", one.oversight.is_none() && one.oversight_by <= app.now()),
                ];
                for (kind, _) in late.into_iter().filter(|(_, late)| *late) {
                    if app.tell(tx, kind, one.report.into())? {
                        events.push(Event::system(kind, one.report));
                    }
                }
            }
            app.log(tx, &events)?;
            Ok(events.len())
        })
    }
}

/// The two persons who opened a content, while it is open, by what was said of it.
pub(crate) fn opened_in(
    said: &[Ruling],
    report: &Report,
    hash: Digest,
    now: Timestamp,
) -> Option<[(OfficerId, Role); 2]> {
    let (invoked, confirmed) = (word(said, "invoke", hash), word(said, "confirm", hash));
    let open = invoked.zip(confirmed).filter(|(invoked, confirmed)| {
        claims_life(report) && invoked.officer != confirmed.officer && now < invoked.at.plus(OPEN)
    });
    open.map(|(invoked, confirmed)| [(invoked.officer, invoked.role), (confirmed.officer, confirmed.role)])
}

/// A report says of itself that a life is at risk.
pub(crate) fn claims_life(report: &Report) -> bool {
    report.purpose == Purpose::ThreatToLife && report.urgency == Urgency::ThreatToLife
}

fn word<'a>(said: &'a [Ruling], says: &str, hash: Digest) -> Option<&'a Ruling> {
    said.iter().find(|one| one.about.matter == MATTER && one.says == says && one.hash == hash)
}
