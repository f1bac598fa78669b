//! Agreements through their life: written down, signed by the offline root, countersigned, activated, suspended,
//! ended. Partners: their manifests and what a transfer to them risks.

use core::fmt::Write as _;

use mithaq_envelope::{VerifiedManifest, verify_agreement_signature, verify_manifest};
use mithaq_model::{AgreementId, Level, ObjectId, PartyId, RiskDimension, RiskLevel, Role, Timestamp};
use mithaq_policy::life::{self, Given, Step};
use mithaq_policy::{Agreement, OrderKind, RiskAssessment, Rules, Stage};
use mithaq_store::agreements::{self, NewAgreement};
use mithaq_store::{Plain, partners, settings};
use mithaq_wire::{MessageKind, Notice};

use crate::App;
use crate::error::{AppError, ErrorKind, words};
use crate::log::Event;
use crate::orders::Control;
use crate::registry::{Known, OWN_ROOT};
use crate::rights::{Intent, May, intent};

impl App {
    /// Takes an agreement file into the node, as a proposal.
    ///
    /// # Errors
    /// When the file is no agreement, or this node's party is none of its parties.
    pub fn add_agreement(
        &self,
        may: May<intent::GovernAgreement>,
        text: &str,
    ) -> Result<AgreementId, AppError> {
        // What the parser says may quote the file: the command line shows it, the node does not keep it.
        let agreement = self.answered(Event::refused(may, &self.party), self.acceptable(text))?;
        let id = agreement.id();
        self.write(move |app, tx| {
            let parties: Vec<PartyId> = agreement.parties.iter().map(|party| party.id.clone()).collect();
            let new = NewAgreement {
                id,
                state: Stage::Proposed.code(),
                parties: &parties,
                supersedes: agreement.supersedes,
                starts: agreement.in_force_on,
                ends: agreement.expires_on,
                text: agreement.text().as_bytes(),
            };
            agreements::add(tx, &app.vault, &new, (app.now(), Some(may.actor())))?;
            for partner in agreement.partners(&app.party) {
                partners::put(tx, partner, "")?;
            }
            app.log(tx, &[Event::by(may, "agreement.proposed", short(id)).agreement(id)])?;
            Ok(())
        })?;
        self.reload_and_tell()?;
        Ok(id)
    }

    fn acceptable(&self, text: &str) -> Result<Agreement, AppError> {
        let agreement = Agreement::parse(text).map_err(|_quoted| {
            AppError::invalid("agreement")
                .hint("`mithaq agreement check FILE` says the line and what to write")
        })?;
        Rules::compile(&agreement).map_err(|why| AppError::bug("agreement.compile").because(why))?;
        if agreement.party(&self.party).is_none() {
            return Err(
                AppError::invalid("agreement.party").hint("this node's party must be one of the parties")
            );
        }
        Ok(agreement)
    }

    /// Takes a signature of a party, its own or the partner's, made by that party's offline root.
    ///
    /// # Errors
    /// When it does not verify, or is not over this agreement by the root the agreement names.
    pub fn sign_agreement(
        &self,
        may: May<intent::GovernAgreement>,
        signature: &[u8],
    ) -> Result<PartyId, AppError> {
        let (id, party) = self.answered(Event::refused(may, &self.party), self.signer_of(signature))?;
        let (signer, bytes) = (party.clone(), signature.to_vec());
        self.write(move |app, tx| {
            agreements::sign(tx, &id, &signer, &bytes, app.now())?;
            app.log(tx, &[Event::by(may, "agreement.signed", short(id)).agreement(id).with(&signer)])?;
            Ok(())
        })?;
        self.reload_and_tell()?;
        Ok(party)
    }

    /// The agreement a signature is over and the party that made it, if it is that party's.
    fn signer_of(&self, signature: &[u8]) -> Result<(AgreementId, PartyId), AppError> {
        let made = verify_agreement_signature(signature).map_err(|why| {
            AppError::invalid("signature")
                .hint("the signature does not verify; ask for it again")
                .because(why)
        })?;
        let known = self.known(made.agreement)?;
        let party =
            known.agreement().party(&made.party).ok_or_else(|| AppError::invalid("signature.party"))?;
        if party.root != made.root {
            return Err(
                AppError::invalid("signature.root").hint("signed with other keys than the agreement names")
            );
        }
        Ok((made.agreement, made.party))
    }

    /// Puts an agreement into force: every step of its life up to there, each with its guard. Signed by all is
    /// not yet in force.
    ///
    /// # Errors
    /// When a signature is missing, a date is not reached, or the agreement is past that point.
    pub fn activate_agreement(
        &self,
        may: May<intent::GovernAgreement>,
        id: AgreementId,
    ) -> Result<(), AppError> {
        for step in [Step::Initial, Step::Sign, Step::Ratify, Step::Activate] {
            let known = self.known(id)?;
            let ahead = match (known.standing.stage(), step) {
                (Stage::Proposed | Stage::Negotiating, Step::Initial)
                | (Stage::Initialled, Step::Sign)
                | (Stage::Signed, Step::Ratify)
                | (Stage::Ratified, Step::Activate) => true,
                (stage, Step::Activate) => {
                    let tried = Event::refused(may, short(id)).agreement(id);
                    return self.refuse(tried, life_error(life::LifeError::Order { from: stage }));
                }
                _already_past => false,
            };
            if ahead {
                self.step(may, &known, step, Given::default())?;
            }
        }
        Ok(())
    }

    /// Stops all flows under an agreement at once and tells the partners; duties stay. A legal adviser may do this
    /// alone for 72 hours.
    ///
    /// # Errors
    /// When it is not in force.
    pub fn suspend_agreement(
        &self,
        may: May<intent::SuspendAgreement>,
        id: AgreementId,
    ) -> Result<(), AppError> {
        let known = self.known(id)?;
        self.step(may, &known, Step::Suspend, Given::default())?;
        self.notify(id, Notice::Suspended { from: self.now() })
    }

    /// Lets flows go on. The legal adviser and the data-protection officer must have agreed since it was suspended:
    /// three persons in all ([`App::agree_to_resume`]).
    ///
    /// # Errors
    /// When it is not suspended, or one of them has not agreed.
    pub fn resume_agreement(
        &self,
        may: May<intent::GovernAgreement>,
        id: AgreementId,
    ) -> Result<(), AppError> {
        let known = self.known(id)?;
        let actor = may.actor();
        let given = self.read(move |app, tx| app.resume_words(tx, id, actor))?;
        self.step(may, &known, Step::Resume, given)?;
        self.notify(id, Notice::Resumed { from: self.now() })
    }

    /// Ends an agreement; duties about what was sent survive.
    ///
    /// # Errors
    /// When it is not in force or suspended.
    pub fn terminate_agreement(
        &self,
        may: May<intent::GovernAgreement>,
        id: AgreementId,
    ) -> Result<(), AppError> {
        let known = self.known(id)?;
        self.step(may, &known, Step::Terminate, Given::default())?;
        self.notify(id, Notice::Terminated { from: self.now() })
    }

    fn step<I: Intent>(&self, may: May<I>, known: &Known, step: Step, given: Given) -> Result<(), AppError>
    where
        May<I>: Send + 'static,
    {
        let (agreement, now) = (known.agreement(), self.now());
        let given = Given {
            all_signed: known.all_signed,
            compiles: true,
            date_reached: agreement.in_force_on <= now && now < agreement.expires_on,
            ..given
        };
        let role =
            if may.role() == Role::LegalAdviser { Role::LegalAdviser } else { Role::AgreementAuthority };
        let (id, version) = (agreement.id(), known.version);
        let tried = Event::refused(may, short(id)).agreement(id);
        let to = life::step(known.standing.stage(), step, role, given).map_err(life_error);
        let to = self.answered(tried, to)?;
        self.write(move |app, tx| {
            let reason = format!("{step:?}").to_lowercase();
            let done = agreements::Step {
                state: to.code().to_owned(),
                at: app.now(),
                reason,
                officer: Some(may.actor()),
            };
            agreements::set_state(tx, &id, version, &done)?;
            let event = Event::by(may, &format!("agreement.{}", to.code()), short(id));
            app.log(tx, &[event.agreement(id)])?;
            Ok(())
        })?;
        self.reload_and_tell()
    }

    /// Tells every partner of an agreement about it, in the control lane.
    fn notify(&self, id: AgreementId, notice: Notice) -> Result<(), AppError> {
        let known = self.known(id)?;
        let partners: Vec<PartyId> = known.agreement().partners(&self.party).cloned().collect();
        for partner in partners {
            let object: ObjectId = self.fresh_id()?;
            let control =
                Control { kind: OrderKind::Notice, message: MessageKind::Notice, object, agreement: id };
            self.send_control(&partner, control, crate::orders::Body::Notice(notice))?;
        }
        Ok(())
    }

    /// Takes the manifest of a partner, or the next one of this node's own chain.
    ///
    /// # Errors
    /// When no agreement names the party, or it is not signed by the root the agreement names, or does not follow
    /// the last one.
    pub fn add_manifest(
        &self,
        may: May<intent::GovernAgreement>,
        party: &PartyId,
        bytes: &[u8],
    ) -> Result<(), AppError> {
        let tried = Event::refused(may, party).with(party);
        let verified = self.answered(tried, self.next_manifest(party, bytes))?;
        // What is sent from now on is encrypted to the new key.
        self.sessions.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(party);
        let (party, number, bytes) = (party.clone(), verified.manifest().number, bytes.to_vec());
        let endpoint = verified.manifest().endpoints.first().cloned().unwrap_or_default();
        self.write(move |app, tx| {
            partners::add_manifest(tx, &party, number, &bytes)?;
            partners::put(tx, &party, &endpoint)?;
            app.log(tx, &[Event::by(may, "partner.manifest", &party).with(&party)])?;
            Ok(())
        })?;
        self.reload_and_tell()
    }

    fn next_manifest(&self, party: &PartyId, bytes: &[u8]) -> Result<VerifiedManifest, AppError> {
        let registry = self.registry();
        if *party == self.party {
            return Err(AppError::invalid("party")
                .hint("this node's own next manifest takes two persons: `mithaq keys install`"));
        }
        let root = self.root_of(party).ok_or_else(|| {
            AppError::invalid("party").hint("no agreement names this party; add the agreement first")
        })?;
        let last = registry.peers.get(party).and_then(|peer| peer.current());
        verify_manifest(bytes, party, &root, last).map_err(|why| {
            AppError::invalid("manifest")
                .hint("not signed by the root the agreement names, or not the next of its chain")
                .because(why)
        })
    }

    /// Stores this node's own first manifest, at set-up.
    ///
    /// # Errors
    /// When it does not verify against the root.
    pub(crate) fn set_own_manifest(&self, root: [u8; 32], bytes: &[u8]) -> Result<(), AppError> {
        verify_manifest(bytes, &self.party, &root, None)
            .map_err(|why| AppError::invalid("manifest").because(why))?;
        let bytes = bytes.to_vec();
        self.write(move |app, tx| {
            settings::set(tx, OWN_ROOT, &root)?;
            partners::add_manifest(tx, &app.party, 1, &bytes)?;
            app.log(tx, &[Event::system("node.manifest", &app.party)])?;
            Ok(())
        })?;
        self.reload_and_tell()
    }

    /// Returns this node's own manifest as signed, to be given to partners.
    ///
    /// # Errors
    /// When there is none.
    pub fn own_manifest(&self) -> Result<Vec<u8>, AppError> {
        let chain = self.read(move |app, tx| Ok(partners::manifests(tx, &app.party, 1)?))?;
        chain.into_iter().next_back().map(|stored| stored.bytes).ok_or_else(AppError::not_found)
    }

    /// Enters a transfer-risk assessment of a partner. What is not assessed counts as high.
    ///
    /// # Errors
    /// When the dates are out of order.
    pub fn assess_partner(
        &self,
        may: May<intent::AssessPartner>,
        party: &PartyId,
        risk: &RiskAssessment,
    ) -> Result<(), AppError> {
        if risk.valid_to <= risk.made_on || risk.made_on > self.now() {
            let tried = Event::refused(may, party).with(party);
            return self.refuse(tried, AppError::invalid("assessment.dates"));
        }
        let level = RiskDimension::ALL.iter().map(|one| risk.level(*one)).max().unwrap_or(RiskLevel::High);
        let content = Plain::new(encode_risk(risk).into_bytes());
        let stored = partners::Risk {
            level,
            at: risk.made_on,
            valid_to: risk.valid_to,
            officer: may.actor(),
            content,
        };
        let party = party.clone();
        self.write(move |app, tx| {
            partners::add_risk(tx, &app.vault, &party, &stored)?;
            app.log(
                tx,
                &[Event::by(may, "partner.assessed", &party).with(&party).verdict(stored.level.code())],
            )?;
            Ok(())
        })
    }

    /// Sets the highest level this node may store.
    ///
    /// # Errors
    /// When the store fails.
    pub fn set_accreditation(&self, may: May<intent::AssessPartner>, level: Level) -> Result<(), AppError> {
        self.write(move |app, tx| {
            settings::set_accreditation(tx, level)?;
            app.log(tx, &[Event::by(may, "node.accredited", &app.party).verdict(level.code())])?;
            Ok(())
        })?;
        *self.accreditation.write().unwrap_or_else(std::sync::PoisonError::into_inner) = level;
        self.tell_others(crate::shared::Word::Known);
        Ok(())
    }

    pub(crate) fn known(&self, id: AgreementId) -> Result<std::sync::Arc<Known>, AppError> {
        self.registry().agreements.get(&id).cloned().ok_or_else(AppError::not_found)
    }
}

/// A reference of at most 64 characters: the ledger has the whole number in a field of its own.
pub(crate) fn short(id: AgreementId) -> String {
    id.to_string().chars().take(64).collect()
}

pub(crate) fn life_error(error: life::LifeError) -> AppError {
    let (code, hint) = match error {
        life::LifeError::Order { .. } => {
            ("agreement.order", "look at its state with `mithaq agreement list`")
        }
        life::LifeError::Role => ("agreement.role", "an agreement authority takes this step"),
        life::LifeError::Unsigned => {
            ("agreement.unsigned", "every party signs first: `mithaq agreement sign`, then `countersign`")
        }
        life::LifeError::Date => ("agreement.date", "look at in_force_on and expires_on"),
        life::LifeError::Missing => (
            "agreement.missing",
            "legal adviser and data-protection officer agree first: `mithaq agreement agree-resume ID --ground …`",
        ),
    };
    AppError::new(ErrorKind::Conflict, code, words::CONFLICT).hint(hint).because(error)
}

fn encode_risk(risk: &RiskAssessment) -> String {
    let mut out = format!("1\n{}\n{}\n{}\n", risk.source.replace('\n', " "), risk.made_on, risk.valid_to);
    for (dimension, level) in &risk.levels {
        let _infallible = writeln!(out, "{dimension}={level}");
    }
    out
}

/// Reads what [`encode_risk`] wrote.
pub(crate) fn decode_risk(bytes: &[u8]) -> Option<RiskAssessment> {
    let mut lines = core::str::from_utf8(bytes).ok()?.lines();
    if lines.next()? != "1" {
        return None;
    }
    let source = lines.next()?.to_owned();
    let (made_on, valid_to) = (Timestamp::parse(lines.next()?)?, Timestamp::parse(lines.next()?)?);
    let levels = lines.map(|line| {
        let (dimension, level) = line.split_once('=')?;
        Some((RiskDimension::from_code(dimension).ok()?, RiskLevel::from_code(level).ok()?))
    });
    Some(RiskAssessment { levels: levels.collect::<Option<_>>()?, source, made_on, valid_to })
}
