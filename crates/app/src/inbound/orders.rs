//! What partners order and answer: erasing, notices about the agreement, later receipts.

use mithaq_db::Tx;
use mithaq_exchange::Versions;
use mithaq_model::{CopyState, ObjectId, PartyId, ReportId, ReportState, ReportVersion};
use mithaq_policy::life::Stage;
use mithaq_store::agreements;
use mithaq_store::disclosures::{self, Answer};
use mithaq_store::reports::{self, Erasure};
use mithaq_store::{attachments, links, onward, rulings, settings, subjects};
use mithaq_wire::{LaneId, LaterReceipt, Notice, OrderReason, Verdict};

use crate::App;
use crate::error::AppError;
use crate::log::Event;
use crate::registry::Known;

impl App {
    /// Carries out an order to erase: content, envelopes, salts, subjects and links made from it. R4 is owed to who
    /// brought it: the originator, or who passed the object on.
    pub(super) fn erase_received(
        &self,
        tx: &mut dyn Tx,
        known: &Known,
        (originator, via): (&PartyId, &PartyId),
        (object, versions): (ObjectId, &Versions),
        events: &mut Vec<Event>,
    ) -> Result<(), AppError> {
        let (agreement, now) = (known.agreement().id(), self.now());
        let erasure = Erasure {
            object,
            versions,
            reason: OrderReason::Originator,
            originator,
            agreement: Some(agreement),
            at: now,
            state: ReportState::Recalled,
        };
        let derived = subjects::of_report(tx, ReportId::from(object))?;
        let linked = links::of_report(tx, ReportId::from(object))?;
        let gone = reports::erase(tx, &erasure)?;
        rulings::erase_reasons(tx, object)?;
        onward::erase_reasons(tx, object)?;
        self.request_withdrawn(tx, ReportId::from(object))?;
        subjects::erase(tx, &derived)?;
        links::erase(tx, &linked)?;
        events.push(
            Event::system("report.erased", object).agreement(agreement).with(originator).verdict("recalled"),
        );
        let wiped = ["attachments", "content", "envelope", "keys", "salts", "subjects", "terms"]
            .iter()
            .map(|kind| (*kind).to_owned())
            .collect();
        let receipt = LaterReceipt::Erased { object, versions: gone, wiped, leaf: None, at: now };
        self.owe_erasure(tx, (via, agreement), object, vec![receipt])
    }

    /// What the partner says about the agreement binds this node's flows too.
    pub(super) fn noticed(
        &self,
        tx: &mut dyn Tx,
        known: &Known,
        from: &PartyId,
        notice: Notice,
        events: &mut Vec<Event>,
    ) -> Result<(), AppError> {
        let stage = known.standing.stage();
        let to = match notice {
            Notice::Suspended { .. } if stage.opens_flows() => Some(Stage::Suspended),
            Notice::Terminated { .. } if stage.opens_flows() || stage == Stage::Suspended => {
                Some(Stage::Terminated)
            }
            // Resuming takes both sides: the partner's word alone opens nothing here.
            Notice::Suspended { .. } | Notice::Terminated { .. } | Notice::Resumed { .. } => None,
        };
        let id = known.agreement().id();
        if let Some(to) = to {
            let step = agreements::Step {
                state: to.code().to_owned(),
                at: self.now(),
                reason: "partner".to_owned(),
                officer: None,
            };
            agreements::set_state(tx, &id, known.version, &step)?;
            crate::tally::changed_known();
        }
        let kind = to.map_or_else(|| "agreement.notice".to_owned(), |to| format!("agreement.{}", to.code()));
        events.push(Event::system(&kind, crate::agreements::short(id)).agreement(id).with(from));
        Ok(())
    }

    /// Takes the later verdict (R2) on what was in quarantine there. It settles a verdict that was *quarantined*; a
    /// partner that accepted or refused does not take it back.
    fn decided(
        &self,
        tx: &mut dyn Tx,
        from: &PartyId,
        (object, version): (ObjectId, ReportVersion),
        verdict: &Verdict,
        events: &mut Vec<Event>,
    ) -> Result<(), AppError> {
        let sent = disclosures::of_object(tx, object)?;
        let waited = |one: &disclosures::Disclosure| {
            let held = one.answers.verdict.as_ref().is_some_and(|(word, _)| word.starts_with("quarantined"));
            one.recipient == *from && one.version == version && held
        };
        let waited = sent.iter().any(waited);
        let word = match verdict {
            Verdict::Accepted => "accepted".to_owned(),
            Verdict::Refused { code, .. } | Verdict::Quarantined { code } => format!("refused:{code}"),
        };
        if waited {
            let key = disclosures::Key { object, version, recipient: from };
            disclosures::decided(tx, &key, verdict, self.now())?;
            self.request_receipted(tx, object.into(), (verdict, self.now()))?;
            if *verdict == Verdict::Accepted {
                reports::acknowledge(tx, &[object.into()], self.now())?;
            }
        }
        let word = if waited { word } else { "ignored".to_owned() };
        events.push(Event::system("receipt.decided", object).with(from).verdict(word));
        Ok(())
    }

    /// Takes the word of a recipient that all of an attachment is there.
    fn completed(
        &self,
        tx: &mut dyn Tx,
        id: &LaneId,
        (object, version, root): (ObjectId, ReportVersion, mithaq_wire::Digest),
        events: &mut Vec<Event>,
    ) -> Result<(), AppError> {
        let sent = disclosures::of_object(tx, object)?;
        let named = attachments::links(tx, object)?;
        let copies = onward::copies(tx, object)?;
        let passed_on =
            |copy: &onward::Copy| copy.via == self.party && copy.holder == id.from && copy.version == version;
        let went = sent.iter().any(|one| one.recipient == id.from && one.version == version)
            || copies.iter().any(passed_on);
        let ours = went && named.iter().any(|link| link.version == version && link.root == root);
        if ours {
            attachments::receipted(tx, (object, version, root), &id.from, self.now())?;
            settings::remove(tx, &crate::courier::carried_name(&id.from, root))?;
        }
        let event =
            Event::system("receipt.complete", object).agreement(id.agreement).with(&id.from).envelope(root);
        events.push(event.verdict(if ours { "complete" } else { "ignored" }));
        Ok(())
    }

    /// Takes R3 and R4 of what this node sent.
    pub(super) fn later(
        &self,
        tx: &mut dyn Tx,
        id: &LaneId,
        (receipts, original): (&[LaterReceipt], Option<&[u8]>),
        events: &mut Vec<Event>,
    ) -> Result<(), AppError> {
        let from = &id.from;
        for receipt in receipts {
            let (object, versions, answer, kind) = match receipt {
                LaterReceipt::Decided { object, version, verdict, .. } => {
                    self.decided(tx, from, (*object, *version), verdict, events)?;
                    continue;
                }
                LaterReceipt::Complete { object, version, root, .. } => {
                    self.completed(tx, id, (*object, *version, *root), events)?;
                    continue;
                }
                LaterReceipt::Read { object, version, .. } => {
                    (*object, vec![*version], Answer::Read, "receipt.read")
                }
                LaterReceipt::Erased { object, versions, .. } => {
                    (*object, versions.clone(), Answer::Erased, "receipt.erased")
                }
            };
            // Of a copy that went on from here: its originator hears it in the holder's own words.
            let state = if answer == Answer::Read { CopyState::Read } else { CopyState::Erased };
            self.holder_said(tx, (object, &versions), from, (state, original))?;
            let sent = disclosures::of_object(tx, object)?;
            let about = sent.iter().filter(|one| one.recipient == *from);
            // An erasure that names no version held nothing: it settles whatever was asked.
            let about = about.filter(|one| {
                versions.contains(&one.version) || (answer == Answer::Erased && versions.is_empty())
            });
            for disclosed in about {
                let key = disclosures::Key { object, version: disclosed.version, recipient: from };
                disclosures::answered(tx, &key, answer, self.now())?;
            }
            events.push(Event::system(kind, object).agreement(id.agreement).with(from));
        }
        Ok(())
    }
}
