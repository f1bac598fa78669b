//! A judgement as lines a lawyer reads and as JSON. Says what is proven, by whose signature, and what is not.

use std::time::Duration;

use core::fmt::Display;

use mithaq_evidence::{Gap, Judgement, Later, LaterKind, Message, RootSource, Violation};
use mithaq_model::{ObjectId, ReportId, Words4};
use mithaq_wire::MessageKind;
use serde_json::{Value as Json, json};

use super::opened::Found as Opened;
use super::words::{self as w, fill};
use crate::ui::Ui;

/// Lines under a heading.
struct Page {
    ui: Ui,
    lines: Vec<String>,
}

impl Page {
    fn head(&mut self, words: &Words4) {
        self.lines.push(self.ui.words(words).to_owned());
    }

    fn say(&mut self, words: &Words4, values: &[(&str, &dyn Display)]) {
        let text = fill(self.ui.words(words), values);
        self.lines.push(format!("  • {text}"));
    }

    fn under(&mut self, words: &Words4, values: &[(&str, &dyn Display)]) {
        let text = fill(self.ui.words(words), values);
        self.lines.push(format!("      {text}"));
    }
}

pub(super) fn lines(found: &Judgement, checks: &[Opened], entries: bool, ui: Ui) -> Vec<String> {
    let mut page = Page { ui, lines: Vec::new() };
    page.head(&w::PROVEN);
    keys(found, &mut page);
    agreements(found, &mut page);
    log(found, &mut page);
    messages(found, &mut page);
    page.lines.extend(checks.iter().map(|one| one.line(ui)));
    if !found.violations.is_empty() {
        page.head(&w::WRONG);
        found.violations.iter().for_each(|one| violation(one, &mut page));
    }
    page.head(&w::NOT_PROVEN);
    found.gaps.iter().for_each(|one| gap(one, &mut page));
    if found.contents.closed > 0 {
        page.say(&w::CLOSED, &[("count", &found.contents.closed)]);
    }
    page.say(&w::ALWAYS, &[]);
    if entries {
        page.lines.push(String::new());
        page.lines.extend(found.lines.iter().map(|line| {
            let [kind, role, object, partner, verdict] = &line.words;
            format!("{:>8}  {}  {kind:<24} {role:<12} {object} {partner} {verdict}", line.index, line.at)
        }));
    }
    page.lines
}

fn keys(found: &Judgement, page: &mut Page) {
    for (party, root) in &found.roots {
        let hex = data_encoding::HEXLOWER.encode(&root.fingerprint);
        let sentence = match root.source {
            RootSource::Given => &w::ROOT_GIVEN,
            RootSource::PinnedAgreement(_) => &w::ROOT_PINNED,
            RootSource::Bundle(_) | RootSource::Claimed => &w::ROOT_BUNDLE,
        };
        page.say(sentence, &[("party", party), ("root", &hex)]);
        let last = found.manifests.iter().filter(|one| one.party == *party).max_by_key(|one| one.number);
        if let Some(last) = last {
            page.under(&w::MANIFEST, &[("party", party), ("last", &last.number), ("to", &last.to)]);
        }
        for one in found.distrusts.iter().filter(|one| one.party == *party) {
            let key = data_encoding::HEXLOWER.encode(&one.key);
            let sentence = if one.is_proven { &w::DISTRUSTS } else { &w::DISTRUSTS_ALL };
            let values: [(&str, &dyn Display); 4] =
                [("party", party), ("key", &key), ("since", &one.since), ("log", &one.log)];
            page.under(sentence, &values);
        }
    }
}

fn agreements(found: &Judgement, page: &mut Page) {
    for one in &found.agreements {
        page.say(&w::AGREEMENT, &[("id", &one.id), ("from", &one.from), ("to", &one.to)]);
        for made in &one.signatures {
            page.under(&w::SIGNED, &[("party", &made.party), ("office", &made.role), ("at", &made.at)]);
        }
        for (index, at, stage) in &one.life {
            page.under(&w::LIFE, &[("stage", stage), ("index", index), ("at", at)]);
        }
    }
}

fn log(found: &Judgement, page: &mut Page) {
    let (party, origin) = (&found.party, &found.origin);
    page.say(&w::LOG, &[("party", party), ("origin", origin), ("size", &found.size), ("root", &found.root)]);
    page.say(&w::ENTRIES, &[("count", &found.entries)]);
    if found.is_complete {
        page.say(&w::COMPLETE, &[]);
    }
    for one in &found.countersigned {
        page.say(&w::COUNTERSIGNED, &[("by", &one.by), ("at", &one.at)]);
    }
    let demanded = found.quorum.demanded();
    if demanded > 0 {
        let (agreement, you) = (found.quorum.by_agreement, found.quorum.by_verifier);
        page.say(&w::QUORUM, &[("demanded", &demanded), ("agreement", &agreement), ("you", &you)]);
    }
    if found.contents.opened > 0 {
        page.say(&w::OPENED, &[("count", &found.contents.opened)]);
    }
    if found.contents.erased > 0 {
        page.say(&w::ERASED, &[("count", &found.contents.erased)]);
    }
}

fn messages(found: &Judgement, page: &mut Page) {
    for one in &found.messages {
        message(found, one, page);
    }
    for one in &found.later {
        later(one, page);
    }
}

fn message(found: &Judgement, one: &Message, page: &mut Page) {
    let sentence = match (one.is_sent, one.place.is_some()) {
        (true, true) => &w::SENT,
        (true, false) => &w::SENT_LOG,
        (false, true) => &w::TAKEN,
        (false, false) => &w::TAKEN_LOG,
    };
    let party = &found.party;
    let what = what(one, page.ui);
    let values: [(&str, &dyn Display); 5] = [
        ("index", &one.index),
        ("at", &one.at),
        ("party", party),
        ("what", &what),
        ("partner", &one.partner),
    ];
    page.say(sentence, &values);
    if let Some(receipt) = &one.receipt {
        let by = if one.is_sent { &one.partner } else { party };
        page.under(&w::RECEIPT, &[("by", by), ("at", &receipt.stored_at), ("verdict", &receipt.verdict)]);
    }
    if let Some(at) = &one.not_delivered {
        page.under(&w::NOT_DELIVERED, &[("party", party), ("at", at)]);
    }
}

/// What a message carries, in words; a report by the number its people know.
fn what(one: &Message, ui: Ui) -> String {
    let number = one.report.map_or_else(|| one.object.clone(), |report| report.to_string());
    let words = match one.kind {
        Some(MessageKind::Report) => &w::REPORT,
        Some(MessageKind::Correction) => &w::CORRECTION,
        Some(MessageKind::Order) => &w::ORDER,
        Some(MessageKind::Receipts) => &w::RECEIPTS,
        Some(MessageKind::Hop) => &w::HOP,
        Some(MessageKind::Step) => &w::STEP,
        Some(MessageKind::Onward) => &w::ONWARD,
        Some(MessageKind::Notice) => &w::NOTICE,
        Some(MessageKind::EpochStart) => &w::EPOCH,
        None if one.report.is_some() => &w::ABOUT_REPORT,
        None => &w::MESSAGE,
    };
    fill(ui.words(words), &[("number", &number)])
}

fn later(one: &Later, page: &mut Page) {
    let report = ReportId::from(one.object);
    match &one.kind {
        LaterKind::Read { role, .. } => {
            page.say(&w::READ, &[("by", &one.by), ("report", &report), ("at", &one.at), ("role", role)]);
        }
        LaterKind::Decided { accepted, .. } => {
            let sentence = if *accepted { &w::LET_IN } else { &w::TURNED_AWAY };
            page.say(sentence, &[("by", &one.by), ("report", &report), ("at", &one.at)]);
        }
        LaterKind::Complete { root, .. } => {
            let root = data_encoding::HEXLOWER.encode(root);
            page.say(&w::ATTACHED, &[("by", &one.by), ("root", &root), ("report", &report), ("at", &one.at)]);
        }
        LaterKind::Erased { .. } => {
            page.say(&w::ERASURE, &[("by", &one.by), ("report", &report), ("at", &one.at)]);
        }
    }
}

fn violation(one: &Violation, page: &mut Page) {
    match one {
        Violation::OutsideDates { index, agreement } => {
            page.say(&w::OUTSIDE_DATES, &[("index", index), ("id", agreement)]);
        }
        Violation::NotInForce { index, agreement, stage } => {
            page.say(&w::NOT_IN_FORCE, &[("index", index), ("id", agreement), ("stage", stage)]);
        }
        Violation::Unsigned { index, agreement } => {
            page.say(&w::UNSIGNED, &[("index", index), ("id", agreement)]);
        }
        Violation::NoParty { index, agreement } => {
            page.say(&w::NO_PARTY, &[("index", index), ("id", agreement)]);
        }
        Violation::ManifestExpired { index, party } => {
            page.say(&w::MANIFEST_OVER, &[("index", index), ("party", party)]);
        }
    }
}

fn gap(one: &Gap, page: &mut Page) {
    match one {
        Gap::NotAnchored => page.say(&w::NOT_ANCHORED, &[]),
        Gap::RootFromBundle { party } => page.say(&w::ROOT_UNKNOWN, &[("party", party)]),
        Gap::LeftOut { entries } => page.say(&w::LEFT_OUT, &[("count", entries)]),
        Gap::NotCountersigned => page.say(&w::NOT_COUNTERSIGNED, &[]),
        Gap::NoAgreement { agreement } => page.say(&w::NO_AGREEMENT, &[("id", agreement)]),
        Gap::StageNotShown { agreement } => page.say(&w::NO_STAGE, &[("id", agreement)]),
        Gap::NoReceipt { index, claimed } => {
            page.say(if *claimed { &w::CLAIMED } else { &w::NO_RECEIPT }, &[("index", index)]);
        }
        Gap::NoEnvelope { index } => page.say(&w::NO_ENVELOPE, &[("index", index)]),
        Gap::NoLaterReceipt { index } => page.say(&w::NO_LATER, &[("index", index)]),
        Gap::KeyDistrusted { index, party } => {
            page.say(&w::KEY_DISTRUSTED, &[("index", index), ("party", party)]);
        }
        Gap::SuccessorNotAttested { origin } => page.say(&w::SUCCESSOR, &[("origin", origin)]),
        Gap::NoErasure { object, partner } => {
            let report = object.parse::<ObjectId>().map(|object| ReportId::from(object).to_string());
            let report = report.unwrap_or_else(|_other| object.clone());
            page.say(&w::NO_ERASURE, &[("partner", partner), ("report", &report)]);
        }
    }
}

pub(super) fn json(found: &Judgement, checks: &[Opened], entries: bool, spent: Duration) -> Json {
    let roots = found.roots.iter().map(|(party, root)| {
        let source = match root.source {
            RootSource::Given => "given",
            RootSource::PinnedAgreement(_) => "agreement_given",
            RootSource::Bundle(_) => "bundle",
            RootSource::Claimed => "claimed",
        };
        json!({ "party": party.as_str(), "root": data_encoding::HEXLOWER.encode(&root.fingerprint), "source": source })
    });
    let agreements = found.agreements.iter().map(|one| {
        json!({ "id": one.id.to_string(), "parties": one.parties.iter().map(mithaq_model::PartyId::as_str).collect::<Vec<_>>(),
            "signed_by": one.signatures.iter().map(|made| made.party.as_str()).collect::<Vec<_>>(),
            "missing": one.missing.iter().map(mithaq_model::PartyId::as_str).collect::<Vec<_>>(),
            "from": one.from.to_string(), "to": one.to.to_string(), "countersignatures": one.countersignatures,
            "life": one.life.iter().map(|(index, at, stage)| json!({ "entry": index, "at": at.to_string(), "stage": stage })).collect::<Vec<_>>() })
    });
    let distrusts = found.distrusts.iter().map(|one| {
        json!({ "party": one.party.as_str(), "key": data_encoding::HEXLOWER.encode(&one.key), "log": one.log,
            "since": one.since, "proven": one.is_proven })
    });
    let countersigned = found
        .countersigned
        .iter()
        .map(|one| json!({ "by": one.by, "at": one.at.to_string(), "known": one.is_known }));
    let later = found.later.iter().map(|one| {
        let kind = match one.kind {
            LaterKind::Read { .. } => "read",
            LaterKind::Decided { accepted: true, .. } => "accepted",
            LaterKind::Decided { accepted: false, .. } => "refused",
            LaterKind::Complete { .. } => "complete",
            LaterKind::Erased { .. } => "erased",
        };
        json!({ "kind": kind, "by": one.by.as_str(), "object": one.object.to_string(), "at": one.at.to_string() })
    });
    let listed = found.lines.iter().filter(|_| entries);
    let listed = listed.map(|line| {
        let commitment = line.commitment.map(|hash| hash.to_string());
        json!({ "index": line.index, "at": line.at.to_string(), "words": line.words, "commitment": commitment })
    });
    json!({
        "verified": true,
        "anchored": found.is_anchored,
        "origin": found.origin,
        "party": found.party.as_str(),
        "size": found.size,
        "root": found.root.to_string(),
        "entries": found.entries,
        "complete": found.is_complete,
        "roots": roots.collect::<Vec<_>>(),
        "agreements": agreements.collect::<Vec<_>>(),
        "distrusts": distrusts.collect::<Vec<_>>(),
        "quorum": { "demanded": found.quorum.demanded(), "agreement": found.quorum.by_agreement, "verifier": found.quorum.by_verifier },
        "countersigned": countersigned.collect::<Vec<_>>(),
        "messages": found.messages.iter().map(message_json).collect::<Vec<_>>(),
        "later": later.collect::<Vec<_>>(),
        "contents": { "opened": found.contents.opened, "erased": found.contents.erased, "closed": found.contents.closed },
        "violations": found.violations.iter().map(|one| format!("{one:?}")).collect::<Vec<_>>(),
        "not_proven": found.gaps.iter().map(|one| format!("{one:?}")).collect::<Vec<_>>(),
        "kinds": found.kinds,
        "checks": checks.iter().map(Opened::json).collect::<Vec<_>>(),
        "listed": listed.collect::<Vec<_>>(),
        "milliseconds": spent.as_millis(),
    })
}

fn message_json(one: &Message) -> Json {
    let receipt = one
        .receipt
        .as_ref()
        .map(|made| json!({ "stored_at": made.stored_at.to_string(), "verdict": made.verdict, "manifest": made.manifest }));
    json!({
        "entry": one.index,
        "at": one.at.to_string(),
        "direction": if one.is_sent { "sent" } else { "taken" },
        "partner": one.partner.as_str(),
        "agreement": one.agreement.to_string(),
        "object": one.object,
        "report": one.report.map(|report| report.to_string()),
        "envelope": data_encoding::HEXLOWER.encode(&one.envelope.0),
        "signed_by_sender": one.place.is_some(),
        "receipt": receipt,
        "not_delivered": one.not_delivered.map(|at| at.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use mithaq_model::{AgreementId, Lang, PartyId, Timestamp};
    use mithaq_wire::Digest;

    fn said(kind: Option<MessageKind>, is_report: bool, lang: Lang) -> String {
        let object = ObjectId::new([7; 16]);
        let one = Message {
            index: 1,
            at: Timestamp::from_millis(0),
            is_sent: true,
            partner: PartyId::new("es-police").unwrap(),
            agreement: AgreementId::new([1; 32]),
            object: object.to_string(),
            kind,
            report: is_report.then(|| object.into()),
            envelope: Digest([2; 32]),
            place: None,
            receipt: None,
            not_delivered: None,
            logged_verdict: None,
        };
        what(&one, Ui { json: false, lang, quiet: true })
    }

    #[test]
    fn what_a_message_carries_is_said_in_words_and_a_report_by_its_number() {
        let object = ObjectId::new([7; 16]);
        let report = ReportId::from(object);
        assert_eq!(said(Some(MessageKind::Report), true, Lang::EN), format!("report {report}"));
        assert_eq!(said(None, true, Lang::EN), format!("a message about report {report}"));
        assert_eq!(said(None, false, Lang::EN), format!("the message {object}"), "nobody shows what it is");
        let order = said(Some(MessageKind::Order), true, Lang::FR);
        assert_eq!(order, format!("un ordre au sujet du rapport {report}"));
        for kind in [MessageKind::Correction, MessageKind::Hop, MessageKind::Receipts] {
            for lang in [Lang::AR, Lang::EN, Lang::ES, Lang::FR] {
                let text = said(Some(kind), true, lang);
                assert!(text.contains(&report.to_string()) && !text.contains('{'), "{text}");
            }
        }
    }
}
