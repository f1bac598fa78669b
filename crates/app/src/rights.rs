//! Which role may do what at a node: one table, printed to `docs/reference/role-matrix.txt` for oversight
//! bodies as much as for us. What may be *disclosed* is not decided here but by `policy`.
//!
//! An [`Actor`] is an authenticated human; a [`May`] is the proof that this human may do one kind of thing.
//! Functions take the proof, not the role: "authorise one thing, do another" does not compile.

use core::marker::PhantomData;

use mithaq_model::{Officer, OfficerId, Role, RoleSet};

use crate::App;
use crate::error::AppError;
use crate::log::Event;

macro_rules! intents {
    ($($(#[$doc:meta])* $name:ident = $code:literal: [$($role:ident),*]),+ $(,)?) => {
        /// The kinds of things people do. Each is a type, so that a proof for one is none for another.
        pub mod intent {
            $($(#[$doc])* #[derive(Debug, Clone, Copy)] pub struct $name;)+
        }
        $(impl Intent for intent::$name {
            const CODE: &'static str = $code;
            const ROLES: &'static [Role] = &[$(Role::$role),*];
        })+

        /// Every intent with its code and the roles that may.
        pub const INTENTS: &[(&str, &[Role])] = &[$(($code, &[$(Role::$role),*])),+];
    };
}

/// A kind of thing people do.
pub trait Intent: Copy + Send + Sync + 'static {
    /// Stable code, also the prefix of its ledger entries.
    const CODE: &'static str;
    /// Roles that may. Empty means nobody.
    const ROLES: &'static [Role];
}

intents! {
    /// Write, sign, activate, end agreements.
    GovernAgreement = "agreement.govern": [AgreementAuthority],
    /// Suspend in an emergency, for 72 hours.
    SuspendAgreement = "agreement.suspend": [AgreementAuthority, LegalAdviser],
    /// Read agreements and partners.
    ReadAgreement = "agreement.read": [AgreementAuthority, Analyst, CaseOfficer, Dpo, LegalAdviser, Oversight, SecurityOfficer, Spoc, Supervisor],
    /// Open and close cases, assign officers.
    GovernCase = "case.govern": [Supervisor],
    /// Work on a case one is assigned to.
    WorkCase = "case.work": [Analyst, CaseOfficer, Supervisor],
    /// Write subjects and import lists.
    WriteSubject = "subject.write": [Analyst, CaseOfficer],
    /// Search and read subjects inside a case.
    ReadSubject = "subject.read": [Analyst, CaseOfficer, Supervisor],
    /// Draft, grade and correct reports.
    WriteReport = "report.write": [Analyst, CaseOfficer],
    /// Review what somebody else wrote.
    ReviewReport = "report.review": [Supervisor],
    /// Release, as one of two persons.
    ReleaseReport = "report.release": [Spoc, Supervisor],
    /// Recall what was released.
    RecallReport = "report.recall": [Supervisor],
    /// Read what was received.
    ReadReport = "report.read": [Spoc, Supervisor, Analyst, CaseOfficer],
    /// See what lies in quarantine, to judge it or to clear it.
    InspectQuarantine = "quarantine.read": [Dpo, LegalAdviser, Spoc],
    /// Decide what happens to a quarantined report, as one of two persons.
    JudgeQuarantine = "quarantine.judge": [Dpo, Spoc],
    /// Clear a protected role or a finding of the special-category screen.
    ClearRights = "rights.clear": [LegalAdviser],
    /// Confirm, as the senior, what the legal adviser cleared of a protected role.
    ConfirmClearance = "rights.confirm": [Supervisor],
    /// See what was cleared, judged and opened, with the written reasons.
    ReadRulings = "rulings.read": [Dpo, LegalAdviser, Oversight],
    /// Draw reasons that other people gave for looking at persons, and judge them.
    JudgeJustification = "justification.judge": [Dpo, Supervisor],
    /// Invoke that a life is at risk, as the first of two persons.
    InvokeEmergency = "emergency.invoke": [Supervisor],
    /// Confirm that a life is at risk, as the second of two persons.
    ConfirmEmergency = "emergency.confirm": [Spoc],
    /// Review, afterwards, whether it was right.
    ReviewEmergency = "emergency.review": [Dpo, Oversight],
    /// Set classification limits and partner assessments.
    AssessPartner = "partner.assess": [LegalAdviser, SecurityOfficer],
    /// Bring a manifest or a statement that the offline root signed, as the first of two persons.
    ProposeKeys = "keys.propose": [SecurityOfficer],
    /// Let it into force, as the second of two persons.
    ConfirmKeys = "keys.confirm": [Supervisor],
    /// Say, as one of two persons, what becomes of a partner's log that began anew or showed two histories.
    JudgeLog = "logs.judge": [SecurityOfficer, Supervisor],
    /// Add, change and lock officers. Sees no content.
    GovernOfficers = "officers.govern": [NodeAdministrator],
    /// See whether the node works: counts and states, no content.
    ReadHealth = "health.read": [Dpo, NodeAdministrator, Oversight, SecurityOfficer, Spoc],
    /// Say, with a written ground, that an alarm was seen to. Not the administrator, whom alarms of the log watch;
    /// oversight reads who did.
    SeeToAlarm = "alarm.see_to": [Dpo, SecurityOfficer, Spoc],
    /// Try what waits for a partner now. Sends nothing that was not released.
    RetryOutbox = "outbox.retry": [NodeAdministrator, Spoc],
    /// Carry sealed volumes to and from partners by hand. Sees no content.
    Carry = "courier.carry": [NodeAdministrator, Spoc],
    /// Open, take up, question and delay requests that came in: the desk.
    HandleRequest = "request.handle": [Spoc],
    /// Refuse requests; grounds of rights are the legal adviser's.
    RefuseRequest = "request.refuse": [LegalAdviser, Spoc],
    /// Answer questions back and give feedback: who asked.
    FollowRequest = "request.follow": [Spoc, Analyst, CaseOfficer],
    /// See where requests stand and what was said about them.
    ReadRequest = "request.read": [Spoc, LegalAdviser, Supervisor, Analyst, CaseOfficer],
    /// Decide, half a year on, whether a request is kept.
    ReviewRequest = "request.review": [Dpo, Supervisor],
    /// Read figures of timeliness: counts, small ones not shown.
    ReadFigures = "figures.read": [Dpo, LegalAdviser, Oversight, Spoc, Supervisor],
    /// Write a private check, for a case one is assigned to.
    AskCheck = "check.ask": [Analyst, CaseOfficer],
    /// Authorise a private check that somebody else wrote.
    AuthoriseCheck = "check.authorise": [Supervisor],
    /// Compare a candidate, say whether it is the same person, and what was released.
    JudgeCheck = "check.judge": [Analyst, CaseOfficer],
    /// See where private checks stand.
    ReadCheck = "check.read": [Dpo, Spoc, Supervisor, Analyst, CaseOfficer],
    /// Close a private check: its salts and tokens are destroyed.
    CloseCheck = "check.close": [Spoc, Supervisor],
    /// Publish the tag set for a partner.
    PublishSet = "check.publish": [Spoc],
    /// Ask an originator whether what it sent may be passed on.
    AskConsent = "onward.ask": [Analyst, CaseOfficer, Supervisor],
    /// Pass on what an originator consented to, as another person than who asked.
    PassOn = "onward.send": [Spoc, Supervisor],
    /// Grant a partner's wish to pass something on, as one of two persons; refuse it, or take the consent back.
    GrantConsent = "onward.grant": [LegalAdviser, Supervisor],
    /// See which consents there are and where the copies went. No content, no reasons.
    ReadConsent = "onward.read": [Dpo, LegalAdviser, Oversight, Spoc, Supervisor, Analyst, CaseOfficer],
    /// Hold a case or a report: nothing of it is disclosed, nor erased because its time is over. And lift it.
    GovernHold = "hold.govern": [Oversight, Dpo, LegalAdviser],
    /// See which holds stand.
    ReadHold = "hold.read": [Dpo, LegalAdviser, Oversight, Spoc, Supervisor],
    /// Say, as one of two persons, that a suspended agreement may go on.
    AgreeResume = "agreement.resume": [Dpo, LegalAdviser],
    /// Read the log and export evidence. Cannot be taken away by the agency.
    ReadLog = "log.read": [Dpo, Oversight],
}

/// An authenticated human. Only sign-in makes one.
#[derive(Debug, Clone)]
pub struct Actor {
    officer: Officer,
}

impl Actor {
    /// Called by sign-in alone, after the credential was verified.
    pub(crate) const fn authenticated(officer: Officer) -> Self {
        Self { officer }
    }

    /// Returns the number, also the pseudonym in the ledger.
    #[must_use]
    pub const fn id(&self) -> OfficerId {
        self.officer.id
    }

    /// Returns who it is.
    #[must_use]
    pub const fn officer(&self) -> &Officer {
        &self.officer
    }

    /// Returns the roles held.
    #[must_use]
    pub const fn roles(&self) -> RoleSet {
        self.officer.roles
    }

    /// Proves that this human may do a kind of thing. Leaves no entry when the answer is no: see [`App::may`].
    ///
    /// # Errors
    /// When no role held allows it.
    pub fn may<I: Intent>(&self, _intent: I) -> Result<May<I>, AppError> {
        let role = I::ROLES.iter().copied().find(|role| self.officer.roles.has(*role));
        match role {
            Some(role) => Ok(May { actor: self.id(), role, intent: PhantomData }),
            None => Err(AppError::forbidden(I::CODE)),
        }
    }
}

impl App {
    /// Proves that a human may do a kind of thing. A refusal is an entry of the ledger: this is what whoever
    /// serves people calls.
    ///
    /// # Errors
    /// When no role held allows it.
    pub fn may<I: Intent>(&self, actor: &Actor, intent: I) -> Result<May<I>, AppError> {
        self.answered(Event::forbidden(actor.id(), I::CODE), actor.may(intent))
    }
}

/// Proof that a human may do one kind of thing, and in which role.
#[derive(Debug)]
pub struct May<I> {
    actor: OfficerId,
    role: Role,
    intent: PhantomData<I>,
}

impl<I> Clone for May<I> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<I> Copy for May<I> {}

impl<I: Intent> May<I> {
    /// Returns who acts.
    #[must_use]
    pub const fn actor(&self) -> OfficerId {
        self.actor
    }

    /// Returns in which role.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// Returns the code of the intent.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        I::CODE
    }
}

/// Returns the table as text: one line per intent, one column per role.
#[must_use]
pub fn role_matrix() -> String {
    use core::fmt::Write as _;
    let mut out = String::from("who may do what at a node; `x` means may, empty means may not\n\n");
    for (number, role) in Role::ALL.iter().enumerate() {
        let _infallible = writeln!(out, "{number}  {role}");
    }
    let _infallible = write!(out, "\n{:20}", "");
    for number in 0..Role::ALL.len() {
        let _infallible = write!(out, " {number}");
    }
    out.push('\n');
    for (code, roles) in INTENTS {
        let _infallible = write!(out, "{code:20}");
        for role in Role::ALL {
            out.push_str(if roles.contains(role) { " x" } else { " ." });
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use mithaq_model::{Lang, Sensitive, UnitId};

    fn officer(roles: &[Role]) -> Actor {
        Actor::authenticated(Officer {
            id: OfficerId::new([1; 16]),
            login: "a".to_owned(),
            name: Sensitive::new("a".to_owned()),
            unit: UnitId::new([2; 16]),
            roles: roles.iter().copied().collect(),
            lang: Lang::EN,
            active: true,
        })
    }

    #[test]
    fn the_node_administrator_sees_no_content() {
        let content = [
            "subject",
            "report",
            "request",
            "case",
            "quarantine",
            "log",
            "rights",
            "rulings",
            "emergency",
            "check",
        ];
        for (code, roles) in INTENTS {
            let touches = content.iter().any(|c| code.starts_with(c));
            assert!(!(touches && roles.contains(&Role::NodeAdministrator)), "{code}");
        }
    }

    #[test]
    fn oversight_reads_and_never_writes() {
        for (code, roles) in INTENTS {
            // Its own findings and its holds are all it writes.
            let own = ["emergency.review", "hold.govern"].contains(code);
            assert!(own || code.ends_with(".read") || !roles.contains(&Role::Oversight), "{code}");
        }
    }

    #[test]
    fn no_role_may_nothing_and_each_intent_asks_its_own_roles() {
        assert!(officer(&[]).may(intent::ReadReport).is_err());
        let supervisor = officer(&[Role::Supervisor]);
        assert_eq!(supervisor.may(intent::RecallReport).unwrap().role(), Role::Supervisor);
        assert!(supervisor.may(intent::WriteReport).is_err());
        assert!(supervisor.may(intent::GovernOfficers).is_err());
    }

    #[test]
    fn release_takes_two_roles_that_exist() {
        let release = INTENTS.iter().find(|(code, _)| *code == "report.release").unwrap();
        assert_eq!(release.1, [Role::Spoc, Role::Supervisor]);
    }
}
