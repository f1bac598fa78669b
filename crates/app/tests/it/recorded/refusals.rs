//! Everything that is refused, recorded like a conversation: envelopes of a node that lies, made with its real keys, and
//! what an honest node answers. A code that is renamed is another answer.

use mithaq_envelope::{NodeSigner as _, Opened, Sealed, VerifiedManifest, open_seal, verify_receipts};
use mithaq_model::{
    CrimeArea, Days, Level, Millis, ObjectId, Purpose, RefusalGround, Report, ReportId, ReportVersion,
    Urgency,
};
use mithaq_testkit::party;
use mithaq_wire::{
    Digest, EnvelopeHeader, Hop, Lane, MessageKind, OnwardStep, OnwardToken, Order, OrderReason, Position,
    RequestStep, Said, SealHeader, Verdict, decode_batch_answer, encode_batch, encode_hop,
    encode_onward_step, encode_order, encode_report, encode_request_step,
};
use serde_json::Value;

use super::conversation::Recorder;
use super::file::Record;
use crate::world::{CI, ES, MA, World, soft_of};
use crate::{by_hand, requests};

/// MA to ES, whose lanes most of it goes in.
const MA_ES: (usize, usize, usize) = (0, 1, 0);
const ES_CI: (usize, usize, usize) = (1, 2, 1);

type Ends = (usize, usize, usize);
/// What is wrong with a report.
type Change<'a> = &'a dyn Fn(&mut Report);
/// What is wrong with a header.
type Edit<'a> = &'a dyn Fn(&mut EnvelopeHeader);

struct Liar {
    one: Recorder,
    report: Report,
    made: u8,
    /// What was answered otherwise than it should have been.
    wrong: Vec<String>,
}

/// Lets a node lie in every way it can, and returns what was answered.
pub(super) fn record() -> Record {
    let (one, parties) = Recorder::new();
    let report = report();
    let mut liar = Liar { one, report, made: 0, wrong: Vec::new() };
    liar.requests();
    liar.stops();
    liar.envelopes();
    liar.seals();
    liar.objects();
    liar.rules();
    liar.hops();
    liar.tokens();
    liar.keys();
    liar.frozen();
    assert!(liar.wrong.is_empty(), "{}", liar.wrong.join("\n"));
    liar.one.complete(parties, "What an honest node answers to one that lies.")
}

/// The codes of an answer by who signs with this manifest, or the code that came instead of one.
pub(super) fn codes(answer: &[u8], signer: &VerifiedManifest) -> Vec<String> {
    let Ok(read) = decode_batch_answer(answer) else {
        return vec![String::from_utf8_lossy(answer).into_owned()];
    };
    let receipts = read.receipts.iter().flat_map(|bytes| verify_receipts(bytes, signer).unwrap().statements);
    let said = receipts.map(|statement| match statement.verdict {
        Verdict::Accepted => "accepted".to_owned(),
        Verdict::Refused { code, .. } | Verdict::Quarantined { code } => code,
    });
    said.chain(read.stopped).collect()
}

/// A report as another world of the same parties has it: everything in it is in order.
fn report() -> Report {
    let mut world = World::new();
    let (case, number) = world.released();
    world.settle();
    world.ma().read(case, number).unwrap()
}

impl Liar {
    fn ends(&self, (from, to, agreement): Ends) -> (usize, usize, mithaq_model::AgreementId) {
        (from, to, self.one.agreements[agreement])
    }

    /// Gives a body to a node, and wants this answer.
    fn give(&mut self, (from, to): (usize, usize), body: &[u8], wanted: &[&str]) {
        let sender = self.one.world.nodes[from].party.clone();
        let answer = self.one.world.nodes[to].app.receive_batch(&sender, body);
        let answer = answer.unwrap_or_else(|error| error.code().into());
        let signer = self.one.world.nodes[to].app.registry().own.clone().unwrap();
        let said = codes(&answer, &signer);
        if said != wanted {
            self.wrong.push(format!("frame {}: {said:?}, and not {wanted:?}", self.one.frames.len()));
        }
        self.one.push((from, to), "refused", body, &answer, Value::Null);
    }

    /// One envelope in the place after the last.
    fn made(&self, of: Ends, message: (MessageKind, &Sealed), edit: Edit<'_>) -> Vec<u8> {
        let place = by_hand::next(&self.one.world, self.ends(of), message.0.lane().unwrap());
        by_hand::made_as(&self.one.world, self.ends(of), message, place, (of.1, edit))
    }

    fn send(&mut self, of: Ends, message: (MessageKind, &Sealed), wanted: &str) {
        let envelope = self.made(of, message, &|_| ());
        self.give((of.0, of.1), &encode_batch(&[envelope]), &[wanted]);
    }

    /// A report of MA with a number of its own.
    fn fresh(&mut self) -> Report {
        self.made += 1;
        let mut number = *ObjectId::from(self.report.id).as_bytes();
        number[0] = self.made;
        let mut report = self.report.clone();
        report.id = ReportId::from(ObjectId::new(number));
        report.agreement = self.one.agreements[0];
        report
    }

    fn seal(&self, report: &Report, edit: impl Fn(&mut SealHeader), by: usize) -> Sealed {
        let mut header = by_hand::header_of(&self.one.world, self.ends(MA_ES), report);
        edit(&mut header);
        by_hand::sealed(&header, (1, &encode_report(report)), by)
    }

    fn say(&mut self, of: Ends, (kind, number, body): (MessageKind, u64, &[u8]), wanted: &str) {
        let object = ObjectId::new([0x5a; 16]);
        let header = by_hand::header(&self.one.world, self.ends(of), object);
        let sealed = by_hand::sealed(&header, (number, body), of.0);
        self.send(of, (kind, &sealed), wanted);
    }

    /// Steps about a request that is not there, that do not fit, and on a ground that was not agreed.
    fn requests(&mut self) {
        let case = self.one.world.ma().case(CrimeArea::ForeignTerroristFighters);
        self.one.world.agreement = self.one.agreements[0];
        let number = requests::written_in(&self.one.world, case, Urgency::Routine);
        self.one.world.ma().release(number, &mithaq_app::Use::default()).unwrap();
        self.one.rest();
        let at = self.one.world.clock.0.now();
        let mut step = |of: Ends, request: ObjectId, said: Said, wanted: &str| {
            let body = encode_request_step(&RequestStep { request, at, said });
            let header = by_hand::header(&self.one.world, self.ends(of), request);
            let sealed = by_hand::sealed(&header, (5, &body), of.0);
            self.send(of, (MessageKind::Step, &sealed), wanted);
        };
        let nothing = || Said::Clarified { text: mithaq_testkit::text("Nobody asked") };
        step(MA_ES, ObjectId::new([0x77; 16]), nothing(), "request.unknown");
        step(MA_ES, number.into(), nothing(), "request.state");
        let ground = RefusalGround::MinorOffence;
        let refused = Said::Refused { ground, part: false, text: None };
        step((1, 0, 0), number.into(), refused, "request.ground");
    }

    /// What is answered bare: nothing of it was taken.
    fn stops(&mut self) {
        let report = self.fresh();
        let sealed = self.seal(&report, |_| (), 0);
        let message = (MessageKind::Report, &sealed);
        let good = self.made(MA_ES, message, &|_| ());
        let changed = |at: usize, to: u8| {
            let mut bytes = good.clone();
            bytes[at] = to;
            bytes
        };
        let label = [0x3a, 0x00, 0x01, 0x11, 0x70];
        let at = good.windows(5).rposition(|window| window == label).unwrap() + 5;
        let version = at + if good[at] == 0x58 { 3 } else { 4 };
        let last = good.len() - 1;
        let manifest = self.made(MA_ES, message, &|header| header.manifest = Digest([9; 32]));
        let header = by_hand::header_of(&self.one.world, self.ends((0, 2, 2)), &report);
        let for_ci = by_hand::sealed(&header, (1, &encode_report(&report)), 0);
        let other = self.made((0, 2, 2), (MessageKind::Report, &for_ci), &|_| ());
        let far = self.made(MA_ES, message, &|header| header.at.seq += 300);
        let closed = self.made(MA_ES, message, &|header| header.at.epoch += 1);
        for (batch, code) in [
            (vec![b"hello".to_vec()], "envelope.malformed"),
            (vec![changed(version, 2)], "envelope.unsupported"),
            (vec![other], "envelope.address"),
            (vec![manifest], "envelope.signer"),
            (vec![changed(last, good[last] ^ 1)], "envelope.signature"),
            (vec![far], "lane.gap"),
            (vec![closed], "lane.epoch"),
        ] {
            self.give((0, 1), &encode_batch(&batch), &[code]);
        }
        // Of two lanes the first counts.
        let order = self.order(&Order::Expiry { object: report.id.into(), expires: report.expires });
        let order = self.made(MA_ES, (MessageKind::Order, &order), &|_| ());
        self.give((0, 1), &encode_batch(&[good, order]), &["accepted", "batch.lane"]);
    }

    fn order(&self, order: &Order) -> Sealed {
        Sealed::stored(by_hand::order(&self.one.world, self.ends(MA_ES), order)).unwrap()
    }

    /// What is signed and in its place, and refused for its header.
    fn envelopes(&mut self) {
        let report = self.fresh();
        let sealed = self.seal(&report, |_| (), 0);
        let message = (MessageKind::Report, &sealed);
        let now = self.one.world.clock.0.now();
        let soon = self.made(MA_ES, message, &|header| header.expires = now.plus(Millis::hours(1)));
        self.one.world.clock.0.advance(Millis::hours(2));
        self.give((0, 1), &encode_batch(&[soon]), &["envelope.expired"]);
        let place = by_hand::next(&self.one.world, self.ends(MA_ES), Lane::Report);
        let for_ci = by_hand::made_as(&self.one.world, self.ends(MA_ES), message, place, (2, &|_| ()));
        self.give((0, 1), &encode_batch(&[for_ci]), &["envelope.undecryptable"]);
    }

    /// What opens, and was sealed wrong.
    fn seals(&mut self) {
        let report = self.fresh();
        let sealed = self.seal(&report, |_| (), 1);
        self.send(MA_ES, (MessageKind::Report, &sealed), "seal.signature");
        let step = OnwardStep::Denied { consent: ObjectId::new([0xee; 16]), lapsed: false };
        let mut later = encode_onward_step(&step);
        later[1] += 1;
        self.say(MA_ES, (MessageKind::Onward, 6, &later), "seal.unsupported");
        self.say(MA_ES, (MessageKind::Onward, 6, b"\x82\x01\x82\x18\x63\x40"), "seal.malformed");
    }

    /// What is in order, and about an object that may not come.
    fn objects(&mut self) {
        let report = self.fresh();
        let sealed = self.seal(&report, |_| (), 0);
        self.send(MA_ES, (MessageKind::Report, &sealed), "accepted");
        self.send(MA_ES, (MessageKind::Report, &sealed), "object.version");
        let order = Order::Recall {
            object: report.id.into(),
            versions: Vec::new(),
            reason: OrderReason::Inaccurate,
            answer_by: self.one.world.clock.0.now().plus(Days(3)),
        };
        assert!(!encode_order(&order).is_empty());
        let order = self.order(&order);
        self.send(MA_ES, (MessageKind::Order, &order), "accepted");
        self.send(MA_ES, (MessageKind::Report, &sealed), "object.recalled");
        let mut stolen = self.fresh();
        stolen.id = ReportId::from(ObjectId::new([0x31; 16]));
        let sealed = self.seal(&stolen, |_| (), 0);
        self.send(MA_ES, (MessageKind::Report, &sealed), "object.originator");
    }

    /// What the rules of the agreement refuse at the receiver.
    fn rules(&mut self) {
        let cases: [(&str, Change<'_>); 5] = [
            ("CLS", &|report| report.level = Level::Secret),
            ("ORC", &|report| report.obtained_in_violation = true),
            ("AGR", &|report| report.area = CrimeArea::Corruption),
            ("GRD", &|report| report.grade = None),
            ("RET", &|report| report.expires = report.expires.plus(Days(9_000))),
        ];
        for (code, edit) in cases {
            let mut report = self.fresh();
            edit(&mut report);
            let sealed = self.seal(&report, |_| (), 0);
            self.send(MA_ES, (MessageKind::Report, &sealed), code);
        }
    }

    fn hop(&mut self, report: &Report, (token, sealed): (Option<Vec<u8>>, Vec<u8>), wanted: &str) {
        let header = by_hand::header(&self.one.world, self.ends(ES_CI), report.id.into());
        let purpose = Some(Purpose::Investigate);
        let header = SealHeader { version: report.version, purpose, ..header };
        let sealed = by_hand::sealed(&header, (7, &encode_hop(&Hop { token, sealed })), 1);
        self.send(ES_CI, (MessageKind::Hop, &sealed), wanted);
    }

    /// What is passed on: of nobody known, changed, or held by another route.
    fn hops(&mut self) {
        let report = self.fresh();
        let original = self.seal(&report, |_| (), 0).into_bytes();
        let (token, _) = self.good(&report, &original);
        let token = || Some(by_hand::token(&token, 0));
        let stranger = self.seal(&report, |header| header.originator = party("fr-police"), 0).into_bytes();
        self.hop(&report, (token(), stranger), "onward.originator");
        let mut changed = original.clone();
        let last = changed.len() - 10;
        changed[last] ^= 1;
        self.hop(&report, (token(), changed), "onward.seal");
        self.hop(&report, (None, original.clone()), "onward.missing");
        self.hop(&report, (token(), original.clone()), "accepted");
        // CI has it from ES; MA sends it the next version itself, and then ES does.
        let direct = self.fresh();
        let header = by_hand::header_of(&self.one.world, self.ends((0, 2, 2)), &direct);
        let direct_report =
            Report { agreement: self.one.agreements[2], recipients: vec![party(CI)], ..direct.clone() };
        let sealed = by_hand::sealed(&header, (1, &encode_report(&direct_report)), 0);
        self.send((0, 2, 2), (MessageKind::Report, &sealed), "accepted");
        let mut next = direct;
        next.version = ReportVersion::new(2).unwrap();
        let supersedes = Some(ReportVersion::FIRST);
        let original = self.seal(&next, |header| header.supersedes = supersedes, 0).into_bytes();
        let (token, _) = self.good(&next, &original);
        self.hop(&next, (Some(by_hand::token(&token, 0)), original), "onward.route");
    }

    /// A good token, as MA would sign it.
    fn good(&self, report: &Report, original: &[u8]) -> (OnwardToken, ObjectId) {
        let registry = self.one.world.nodes[1].app.registry();
        let manifest = registry.peers.get(&party(MA)).unwrap().current().unwrap().clone();
        let Ok(Opened::Report(inner)) = open_seal(original, &manifest) else { panic!("a report of MA") };
        let now = self.one.world.clock.0.now();
        let consent = ObjectId::new([0xc0 + self.made; 16]);
        let token = OnwardToken {
            consent,
            originator: party(MA),
            object: report.id.into(),
            version: report.version,
            content: inner.commitment,
            by: party(ES),
            to: party(CI),
            to_root: self.one.world.nodes[2].fingerprint(),
            purpose: Purpose::Investigate,
            use_by: now.plus(Days(5)),
            keep_until: now.plus(Days(60)),
            signed_at: now,
        };
        (token, consent)
    }

    /// Every token that does not fit.
    fn tokens(&mut self) {
        let report = self.fresh();
        let original = self.seal(&report, |_| (), 0).into_bytes();
        let (good, _) = self.good(&report, &original);
        let now = self.one.world.clock.0.now();
        let by = |edit: &dyn Fn(&mut OnwardToken)| {
            let mut token = good.clone();
            edit(&mut token);
            by_hand::token(&token, 0)
        };
        for (code, token) in [
            ("onward.forged", by_hand::token(&good, 1)),
            ("onward.version", by(&|token| token.content = Digest([9; 32]))),
            ("onward.forwarder", by(&|token| token.by = party("fr-police"))),
            ("onward.recipient", by(&|token| token.to = party("fr-police"))),
            ("onward.purpose", by(&|token| token.purpose = Purpose::Prosecute)),
            ("onward.expired", by(&|token| token.use_by = now)),
            ("accepted", by(&|_| ())),
        ] {
            self.hop(&report, (Some(token), original.clone()), code);
        }
        // The consent of one report for another.
        let other = self.fresh();
        let original = self.seal(&other, |_| (), 0).into_bytes();
        let (token, _) = self.good(&other, &original);
        let used = OnwardToken { consent: good.consent, ..token };
        self.hop(&other, (Some(by_hand::token(&used, 0)), original), "onward.used");
    }

    /// Messages under keys that were replaced, and under keys that are distrusted.
    fn keys(&mut self) {
        let mut late = Vec::new();
        for _ in 0..2 {
            let report = self.fresh();
            late.push(self.seal(&report, |_| (), 0));
        }
        let stolen = soft_of(16, 1).node_key();
        let place = by_hand::next(&self.one.world, self.ends(MA_ES), Lane::Report);
        let ends = self.ends(MA_ES);
        let world = &self.one.world;
        let late_by = |header: &mut EnvelopeHeader| header.expires = header.created.plus(Days(90));
        let first = by_hand::made_as(world, ends, (MessageKind::Report, &late[0]), place, (1, &late_by));
        let hash = mithaq_envelope::envelope_hash(&first);
        let after = (Position { seq: place.0.seq + 1, ..place.0 }, hash);
        let second = by_hand::made_as(world, ends, (MessageKind::Report, &late[1]), after, (1, &late_by));
        let next = self.one.world.ma().next_manifest(2, |_| ());
        self.one.world.ma().install(&next);
        self.papers();
        self.one.world.clock.0.advance(Millis::hours(31 * 24));
        self.give((0, 1), &encode_batch(&[first]), &["envelope.key_ended"]);
        let statement = self.one.world.ma().distrust_from_now(stolen);
        self.one.world.ma().install(&statement);
        self.papers();
        self.give((0, 1), &encode_batch(&[second]), &["envelope.key_distrusted"]);
    }

    fn papers(&mut self) {
        let (ma, es) = (party(MA), party(ES));
        let papers = self.one.world.ma().app.papers_for(&es).unwrap().unwrap();
        let held = self.one.world.es().app.take_papers(&ma, &papers).unwrap();
        self.one.world.ma().app.papers_taken(&es, held).unwrap();
        self.one.push((0, 1), "papers", &papers, held.to_string().as_bytes(), Value::Null);
    }

    /// Two envelopes for one place, and what comes after.
    fn frozen(&mut self) {
        let of = (1, 2, 1);
        let step = |n: u8| OnwardStep::Denied { consent: ObjectId::new([n; 16]), lapsed: false };
        let seal = |liar: &Self, n: u8| {
            let header = by_hand::header(&liar.one.world, liar.ends(of), ObjectId::new([0x5a; 16]));
            by_hand::sealed(&header, (6, &encode_onward_step(&step(n))), 1)
        };
        let [one, other] = [1, 2].map(|n| {
            let sealed = seal(self, n);
            self.made(of, (MessageKind::Onward, &sealed), &|_| ())
        });
        self.give((1, 2), &encode_batch(&[one]), &["accepted"]);
        self.give((1, 2), &encode_batch(&[other]), &["lane.equivocation"]);
        let sealed = seal(self, 3);
        self.send(of, (MessageKind::Onward, &sealed), "lane.frozen");
    }
}
