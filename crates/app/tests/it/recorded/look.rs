//! A record looked at without any node: every signature verified, every envelope opened with its recipient's key, every
//! content read and written again in the same bytes, every receipt verified and for the envelope it names.

use std::collections::BTreeMap;

use mithaq_envelope::{
    Opened, RootSigner as _, Seeds, SessionCache, SignedAgreement, SoftKeys, SoftRoot, VerifiedManifest,
    attachment_root, check_chunk, envelope_hash, open_sealed, open_token, peek_header, verify,
    verify_agreement_signature, verify_manifest, verify_receipts,
};
use mithaq_model::{Claim, PartyId, Report, Subject, Tie, Value as Stated};
use mithaq_wire::{
    Digest, EnvelopeHeader, Lane, LaterReceipt, LaterReceipts, MessageKind, Notice, OnwardStep, Order,
    Position, RequestStep, Verdict, decode_batch, decode_batch_answer, decode_chunk_list, decode_heads,
    encode_batch, encode_batch_answer, encode_chunk_list, encode_heads, encode_hop, encode_later_receipts,
    encode_notice, encode_onward_step, encode_order, encode_report, encode_request_step,
};
use serde_json::{Value, json};

use super::file::{Frame, Record, bytes, hex};

type Looked<T> = Result<T, String>;

/// What the keys of a record open and verify.
struct Keys {
    own: BTreeMap<PartyId, SoftKeys>,
    manifests: BTreeMap<PartyId, Vec<VerifiedManifest>>,
    hashes: BTreeMap<(PartyId, PartyId, [u8; 32], Lane, Position), Digest>,
}

/// Looks at everything in a record, and says what each envelope says, in order.
pub(super) fn look(record: &Record) -> Looked<Vec<Value>> {
    let mut keys = Keys { own: BTreeMap::new(), manifests: BTreeMap::new(), hashes: BTreeMap::new() };
    let mut roots = BTreeMap::new();
    for party in record.parties() {
        let (id, seed) = (party.id(), |what: &str| party.seed(what));
        let soft = SoftKeys::new(&Seeds { seal: seed("seal"), node: seed("node"), kem: seed("kem") });
        let root = SoftRoot::new(&seed("root_ed25519"), &seed("root_ml_dsa")).map_err(said)?;
        let print = root.root_keys().fingerprint();
        let manifest = verify_manifest(&party.manifest(), &id, &print, None).map_err(said)?;
        keys.own.insert(id.clone(), soft.map_err(said)?);
        keys.manifests.insert(id.clone(), vec![manifest]);
        roots.insert(id, print);
    }
    for one in record.json["agreements"].as_array().unwrap() {
        agreement(one)?;
    }
    let mut seen = Vec::new();
    for (number, frame) in record.frames().into_iter().enumerate() {
        let found = keys.frame(frame, &roots).map_err(|what| format!("frame {number}: {what}"))?;
        seen.extend(found);
    }
    Ok(seen)
}

fn said(error: impl core::fmt::Debug) -> String {
    format!("{error:?}")
}

fn agreement(one: &Value) -> Looked<()> {
    let text = one["text"].as_str().unwrap();
    let id = mithaq_policy::agreement_id(text.as_bytes());
    if Some(id.to_string().as_str()) != one["id"].as_str() {
        return Err("the agreement has another number".to_owned());
    }
    let mut signed = SignedAgreement::new(text).map_err(said)?;
    for signature in one["signatures"].as_array().unwrap() {
        let signature = bytes(signature);
        verify_agreement_signature(&signature).map_err(said)?;
        signed.add(&signature).map_err(said)?;
    }
    let again = SignedAgreement::from_bytes(&signed.to_bytes()).map_err(said)?;
    mithaq_envelope::verify_signed_agreement(&again).map(drop).map_err(said)
}

impl Keys {
    fn frame(&mut self, frame: Frame<'_>, roots: &BTreeMap<PartyId, [u8; 32]>) -> Looked<Vec<Value>> {
        let body = frame.body();
        match frame.kind() {
            "batch" | "fetched" => return self.batch(frame, &body),
            "refused" => return self.refused(frame, &body),
            "heads" => same(&body, &encode_heads(&decode_heads(&body).map_err(said)?))?,
            "papers" => {
                let papers = mithaq_envelope::Papers::read(&body).map_err(said)?;
                let from = frame.from();
                let known = self.manifests.entry(from.clone()).or_default();
                for signed in &papers.manifests {
                    let last = known.last();
                    let next = verify_manifest(signed, &from, &roots[&from], last).map_err(said)?;
                    if known.iter().all(|one| one.hash() != next.hash()) {
                        known.push(next);
                    }
                }
            }
            "chunks" => same(&body, &encode_chunk_list(&decode_chunk_list(&body).map_err(said)?))?,
            "chunk" => {
                let list = decode_chunk_list(&bytes(&frame.0["list"])).map_err(said)?;
                if hex(&attachment_root(&list).0) != frame.0["root"] {
                    return Err("the list is of another attachment".to_owned());
                }
                check_chunk(&list, frame.0["index"].as_u64().unwrap(), &body).map_err(said)?;
            }
            "checkpoint" => drop(mithaq_ledger::AddCheckpoint::parse(&body).map_err(said)?),
            other => return Err(format!("no frame `{other}`")),
        }
        Ok(Vec::new())
    }

    fn batch(&mut self, frame: Frame<'_>, body: &[u8]) -> Looked<Vec<Value>> {
        let envelopes = decode_batch(body).map_err(said)?;
        same(body, &encode_batch(&envelopes))?;
        let mut seen = Vec::new();
        for envelope in envelopes {
            seen.push(self.envelope(frame, envelope)?);
        }
        for answer in [frame.answer(), frame.fresh()] {
            let read = decode_batch_answer(&answer).map_err(said)?;
            same(&answer, &encode_batch_answer(&read))?;
            for receipts in &read.receipts {
                self.receipts(frame, receipts)?;
            }
        }
        Ok(seen)
    }

    /// What was refused: the answer is all there is to look at, and that each receipt is for one of the envelopes.
    fn refused(&mut self, frame: Frame<'_>, body: &[u8]) -> Looked<Vec<Value>> {
        for envelope in decode_batch(body).unwrap_or_default() {
            let Ok(header) = peek_header(envelope) else { continue };
            let key =
                (frame.from(), frame.to(), *header.lane.agreement.as_bytes(), header.lane.lane, header.at);
            self.hashes.insert(key, envelope_hash(envelope));
        }
        let signer = self.manifests[&frame.to()].last().ok_or("no manifest")?.clone();
        for answer in [frame.answer(), frame.fresh()] {
            if let Ok(read) = decode_batch_answer(&answer) {
                same(&answer, &encode_batch_answer(&read))?;
                read.receipts.iter().try_for_each(|receipts| self.receipts(frame, receipts))?;
            }
        }
        let said = super::refusals::codes(&frame.answer(), &signer);
        Ok(vec![json!({ "kind": "refused", "to": frame.to().to_string(), "codes": said })])
    }

    fn envelope(&mut self, frame: Frame<'_>, envelope: &[u8]) -> Looked<Value> {
        let header = peek_header(envelope).map_err(said)?;
        let sender = self.manifest(&frame.from(), header.manifest)?;
        let verified = verify(envelope, sender).map_err(said)?;
        let hash = envelope_hash(envelope);
        let key = (frame.from(), frame.to(), *header.lane.agreement.as_bytes(), header.lane.lane, header.at);
        self.hashes.insert(key, hash);
        let mut cache = SessionCache::new(0);
        let opened = verified.open(&frame.to(), &self.own[&frame.to()], &mut cache).map_err(said)?;
        // What was sealed before the keys changed goes under the next manifest.
        let manifests = &self.manifests[&frame.from()];
        let inside = manifests.iter().rev().find_map(|one| open_sealed(&opened, one, &frame.to()).ok());
        let inside = inside.ok_or("the seal does not open")?;
        let says = self.says(&inside, opened.sealed())?;
        Ok(
            json!({ "hash": hex(&hash.0), "to": frame.to().to_string(), "kind": kind(&header), "epoch": header.at.epoch,
            "number": header.at.seq, "created": header.created.to_string(),
            "object": inside.header().object.to_string(), "version": inside.header().version.get(),
            "commitment": hex(&commitment(&inside, opened.sealed()).0), "says": says }),
        )
    }

    fn manifest(&self, party: &PartyId, hash: Digest) -> Looked<&VerifiedManifest> {
        let found = self.manifests.get(party).and_then(|all| all.iter().find(|one| one.hash() == hash));
        found.ok_or_else(|| format!("no manifest of {party} with this hash"))
    }

    fn receipts(&self, frame: Frame<'_>, receipts: &[u8]) -> Looked<()> {
        let mut known = self.manifests[&frame.to()].iter();
        let batch = known.find_map(|one| verify_receipts(receipts, one).ok());
        let batch = batch.ok_or("a receipt does not verify")?;
        for statement in &batch.statements {
            let lane = (*batch.lane.agreement.as_bytes(), batch.lane.lane);
            let key = (batch.lane.from.clone(), batch.lane.to.clone(), lane.0, lane.1, statement.at);
            if self.hashes.get(&key) != Some(&statement.envelope) {
                return Err("a receipt is for another envelope".to_owned());
            }
        }
        Ok(())
    }

    /// What a seal says, and that its content is written again in the same bytes.
    fn says(&self, inside: &Opened, sealed: &[u8]) -> Looked<Value> {
        let (written, says) = match inside {
            Opened::Report(inner) => (encode_report(&inner.report), report(&inner.report)),
            Opened::Order(_, order) => (encode_order(order), self::order(order)),
            Opened::Notice(_, notice) => (encode_notice(notice), self::notice(*notice)),
            Opened::LaterReceipts(_, later) => {
                let says = later.iter().map(self::later).collect();
                (encode_later_receipts(&LaterReceipts(later.clone())), Value::Array(says))
            }
            Opened::Step(_, step) => (encode_request_step(step), self::step(step)),
            Opened::Onward(_, step) => (encode_onward_step(step), self.onward(step)?),
            Opened::Hop(_, hop) => {
                let inner = mithaq_envelope::peek_seal(&hop.sealed).map_err(said)?;
                let originator = self.manifests[&inner.originator].iter();
                let open = |one| mithaq_envelope::open_seal(&hop.sealed, one).ok();
                let Some(Opened::Report(report)) = originator.clone().find_map(open) else {
                    return Err("what was passed on does not open".to_owned());
                };
                let token = hop.token.as_deref().ok_or("passed on without a token")?;
                let token = originator.clone().find_map(|one| open_token(token, one).ok());
                let to = token.ok_or("the token does not verify")?.to.to_string();
                (
                    encode_hop(hop),
                    json!({ "of": inner.originator.to_string(), "token_for": to,
                    "report": self::report(&report.report) }),
                )
            }
        };
        let there = sealed.windows(written.len()).any(|part| part == written);
        if there { Ok(says) } else { Err("the content is written in other bytes".to_owned()) }
    }

    fn onward(&self, step: &OnwardStep) -> Looked<Value> {
        Ok(match step {
            OnwardStep::Asked { consent, to, purpose, until, reason, .. } => {
                json!({ "asks": consent.to_string(),
                "to": to.to_string(), "purpose": purpose.code(), "until": until.to_string(),
                "reason": reason.reveal() })
            }
            OnwardStep::Granted { consent, token } => {
                let mut known = self.manifests.values().flatten();
                let token = known.find_map(|one| open_token(token, one).ok());
                let token = token.ok_or("the token does not verify")?;
                json!({ "grants": consent.to_string(), "to": token.to.to_string(),
                    "object": token.object.to_string(), "keep_until": token.keep_until.to_string() })
            }
            OnwardStep::Carried { sealed } => {
                let inner = mithaq_envelope::peek_seal(sealed).map_err(said)?;
                json!({ "carries": inner.object.to_string(), "of": inner.originator.to_string() })
            }
            OnwardStep::Copy { consent, .. } => json!({ "copy": consent.to_string() }),
            OnwardStep::Denied { consent, lapsed } => {
                json!({ "denies": consent.to_string(), "lapsed": lapsed })
            }
            OnwardStep::Revoked { consent, .. } => json!({ "revokes": consent.to_string() }),
            OnwardStep::Tried { code, .. } => json!({ "tried": code }),
            OnwardStep::Superseded { object, version } => {
                json!({ "superseded": object.to_string(), "version": version.get() })
            }
        })
    }
}

fn same(one: &[u8], other: &[u8]) -> Looked<()> {
    if one == other { Ok(()) } else { Err("it is written in other bytes".to_owned()) }
}

const fn kind(header: &EnvelopeHeader) -> &'static str {
    match header.kind {
        MessageKind::Report => "report",
        MessageKind::Correction => "correction",
        MessageKind::Order => "order",
        MessageKind::Notice => "notice",
        MessageKind::Receipts => "receipts",
        MessageKind::EpochStart => "epoch start",
        MessageKind::Step => "step",
        MessageKind::Onward => "onward",
        MessageKind::Hop => "hop",
    }
}

fn commitment(inside: &Opened, sealed: &[u8]) -> Digest {
    match inside {
        Opened::Report(inner) => inner.commitment,
        Opened::Order(..)
        | Opened::Notice(..)
        | Opened::LaterReceipts(..)
        | Opened::Step(..)
        | Opened::Onward(..)
        | Opened::Hop(..) => mithaq_envelope::Sealed::stored(sealed.to_vec()).unwrap().commitment(),
    }
}

/// A report in words.
pub(super) fn report(report: &Report) -> Value {
    let facts = report.facts.iter().map(|fact| json!([fact.text.reveal(), fact.grade.code()]));
    let codes: Vec<_> = report.handling.codes().iter().map(|code| code.code()).collect();
    let tie = match &report.tie {
        None => Value::Null,
        Some(Tie::Answers { request, part }) => json!({ "answers": request.to_string(), "part": part }),
        Some(Tie::Asks(ask)) => {
            let sought: Vec<_> = ask.sought.iter().map(|one| one.reveal()).collect();
            json!({ "sought": sought, "why_there": ask.why_there.reveal(), "basis": ask.basis.reveal(),
                "lawful_at_home": ask.lawful_at_home, "penalty_years": ask.penalty_years })
        }
    };
    let files = report.attachments.iter().map(|one| {
        json!({ "name": one.name.reveal(),
        "root": hex(&one.root), "length": one.length })
    });
    json!({ "number": report.id.to_string(), "version": report.version.get(), "kind": report.kind.code(),
        "title": report.title.reveal(), "facts": facts.collect::<Vec<_>>(), "purpose": report.purpose.code(),
        "urgency": report.urgency.code(), "level": report.level.code(), "handling": codes,
        "subjects": report.subjects.iter().map(subject).collect::<Vec<_>>(),
        "expires": report.expires.to_string(), "tie": tie, "attachments": files.collect::<Vec<_>>() })
}

fn subject(subject: &Subject) -> Value {
    json!({ "kind": subject.kind().code(), "claims": subject.claims().iter().map(claim).collect::<Vec<_>>() })
}

fn claim(claim: &Claim) -> Value {
    let value = match &claim.value {
        Stated::Name { full, script, .. } => json!([full.reveal(), script.code()]),
        Stated::Date(date) => json!(date.to_string()),
        Stated::Text(text) => json!(text.reveal()),
        Stated::Document(_)
        | Stated::Position(_)
        | Stated::Sex(_)
        | Stated::Status(_)
        | Stated::Class { .. } => Value::Null,
    };
    json!([claim.attribute.code(), value, claim.grade.code()])
}

fn order(order: &Order) -> Value {
    match order {
        Order::Recall { object, versions, reason, answer_by } => {
            let versions: Vec<_> = versions.iter().map(|one| one.get()).collect();
            json!({ "recalls": object.to_string(), "versions": versions, "reason": format!("{reason:?}"),
                "answer_by": answer_by.to_string() })
        }
        Order::Delete { object, .. } => json!({ "deletes": object.to_string() }),
        Order::Expiry { object, expires } => {
            json!({ "ends": object.to_string(), "expires": expires.to_string() })
        }
    }
}

fn notice(notice: Notice) -> Value {
    match notice {
        Notice::Suspended { from } => json!({ "suspended": from.to_string() }),
        Notice::Resumed { from } => json!({ "resumed": from.to_string() }),
        Notice::Terminated { from } => json!({ "terminated": from.to_string() }),
    }
}

fn later(receipt: &LaterReceipt) -> Value {
    match receipt {
        LaterReceipt::Decided { object, verdict, .. } => {
            json!({ "decided": object.to_string(), "accepted": *verdict == Verdict::Accepted })
        }
        LaterReceipt::Read { object, version, role, at, .. } => json!({ "read": object.to_string(),
            "version": version.get(), "role": role.code(), "at": at.to_string() }),
        LaterReceipt::Erased { object, versions, at, .. } => {
            let versions: Vec<_> = versions.iter().map(|one| one.get()).collect();
            json!({ "erased": object.to_string(), "versions": versions, "at": at.to_string() })
        }
        LaterReceipt::Complete { object, root, .. } => {
            json!({ "complete": object.to_string(), "root": hex(&root.0) })
        }
    }
}

fn step(step: &RequestStep) -> Value {
    json!({ "request": step.request.to_string(), "at": step.at.to_string(), "step": step.said.kind().code(),
        "words": step.said.text().map(|text| text.reveal()) })
}
