//! A conversation of three agencies whose nodes are those of this version, recorded frame by frame.

use mithaq_app::{Changes, NewReport, Use, WitnessAnswer, intent};
use mithaq_model::{AgreementId, CaseId, CrimeArea, Days, Millis, ReportId, Tie, Urgency};
use mithaq_testkit::{party, text};
use mithaq_wire::{Lane, OrderReason, Position, Said};
use serde_json::{Value, json};

use super::file::{Record, base64, hex};
use super::{look, replay};
use crate::world::{CI, Node, World, ground, new_report, recruiter, seed, subject_of};
use crate::{attachments, requests};

/// A file short enough for a record.
const FILE: &[u8] = b"name;ticket;card\nAbdelhamid Tazerout;12 May, 08:15;1\nthe same;12 May, 08:15;1\n";

pub(super) struct Recorder {
    pub(super) world: World,
    pub(super) agreements: [AgreementId; 3],
    pub(super) frames: Vec<Value>,
}

/// Lets three nodes talk, and returns what went over the wire.
pub(super) fn record() -> Record {
    let (mut one, parties) = Recorder::new();
    one.heads();
    let (case, there, report) = one.reports();
    one.requests(case);
    one.onward(there, report);
    one.orders(report);
    let case = one.new_keys();
    one.suspension(case);
    one.complete(parties, "A conversation of invented parties as it went over the wire.")
}

/// Adds what the envelopes say, and what nodes answer and people read that lack their own half of it.
fn complete(mut record: Record) -> Record {
    record.json["envelopes"] = Value::Array(look::look(&record).unwrap());
    for party in 0..3 {
        let name = record.json["parties"][party]["party"].clone();
        let envelopes = record.json["envelopes"].as_array().unwrap().iter();
        let reports =
            envelopes.filter(|one| one["to"] == name && (one["kind"] == "report" || one["kind"] == "hop"));
        let got: Vec<Value> = reports.map(|one| one["object"].clone()).collect();
        record.json["parties"][party]["got"] = Value::Array(got);
    }
    let replayed = replay::replay(&record);
    for (frame, answer) in replayed.answers.iter().enumerate() {
        if record.frames()[frame].answer() != *answer {
            record.json["frames"][frame]["answer_without_own_half"] = base64(answer);
        }
    }
    record.json["read"] = replayed.read;
    record
}

impl Recorder {
    /// Three nodes that said nothing yet, and what a record says of them: taken before the keys of a node change.
    pub(super) fn new() -> (Self, Value) {
        let (world, agreements) = super::three();
        let one = Self { world, agreements, frames: Vec::new() };
        let parties: Vec<Value> = (0..3).map(|node| one.party(node)).collect();
        let papers = [(0, 0, 1), (1, 1, 2), (2, 0, 2)].iter().map(|of| one.agreement(*of));
        let papers: Vec<Value> = papers.collect();
        (one, json!({ "parties": parties, "agreements": papers }))
    }

    /// What was recorded, whole.
    pub(super) fn complete(self, mut json: Value, what: &str) -> Record {
        json["what"] = format!("{what} The seeds are test keys, published here: never use them.").into();
        json["protocol"] = "MX/1".into();
        json["program"] = env!("CARGO_PKG_VERSION").into();
        json["frames"] = Value::Array(self.frames);
        complete(Record { name: "this version".to_owned(), json })
    }

    fn node(&self, at: usize) -> &Node {
        &self.world.nodes[at]
    }

    fn party(&self, node: usize) -> Value {
        let n = u8::try_from((node + 1) * 16).unwrap();
        let of = |what: u8| hex(&*seed(n, what));
        json!({
            "party": self.node(node).party.to_string(),
            "test_seeds": { "seal": of(1), "node": of(2), "kem": of(3), "root_ed25519": of(4),
                "root_ml_dsa": of(5), "log": of(6), "witness": of(9) },
            "signed_manifest": base64(&self.node(node).app.own_manifest().unwrap()),
        })
    }

    fn agreement(&self, (number, one, other): (usize, usize, usize)) -> Value {
        let id = self.agreements[number];
        let ends = [self.node(one), self.node(other)];
        let now = self.world.clock.0.now();
        json!({
            "id": id.to_string(),
            "between": ends.map(|node| node.party.to_string()),
            "text": self.world.agreement_text(one, other),
            "signatures": ends.map(|node| base64(&node.signature(id, now))),
        })
    }

    pub(super) fn push(
        &mut self,
        (from, to): (usize, usize),
        frame: &str,
        body: &[u8],
        answer: &[u8],
        more: Value,
    ) {
        let mut one = json!({ "frame": frame, "at": self.world.clock.0.now().to_string(),
            "from": self.node(from).party.to_string(), "to": self.node(to).party.to_string() });
        let parts = one.as_object_mut().unwrap();
        parts.extend(more.as_object().cloned().unwrap_or_default());
        parts.insert("body".to_owned(), base64(body));
        parts.insert("answer".to_owned(), base64(answer));
        self.frames.push(one);
        self.world.clock.0.advance(Millis(1_250));
    }

    /// How far each lane goes, asked for and told.
    fn heads(&mut self) {
        for (number, (one, other)) in [(0, (0, 1)), (1, (1, 2)), (2, (0, 2))] {
            for (from, to) in [(one, other), (other, one)] {
                let heads =
                    self.node(from).app.heads_for(&self.node(to).party, self.agreements[number]).unwrap();
                self.node(to).app.note_heads(&self.node(from).party, &heads).unwrap();
                self.push((from, to), "heads", &heads, &[], Value::Null);
            }
        }
    }

    /// Every lane until quiet.
    pub(super) fn rest(&mut self) {
        for _ in 0..8 {
            let mut moved = 0;
            for ends in [(0, 1), (1, 0), (1, 2), (2, 1), (0, 2), (2, 0)] {
                moved += self.carry(ends);
            }
            if moved == 0 {
                return;
            }
        }
        panic!("the nodes never come to rest");
    }

    fn carry(&mut self, (from, to): (usize, usize)) -> usize {
        self.world.announce(from, to);
        let (sender, receiver) = (self.node(from).party.clone(), self.node(to).party.clone());
        let mut batches = 0;
        while self.node(from).app.due_partners().unwrap().contains(&receiver) {
            let Some(batch) = self.world.nodes[from].next_batch(&receiver) else { break };
            let body = batch.body.clone();
            let answer = self.node(to).app.receive_batch(&sender, &body).unwrap();
            self.push((from, to), "batch", &body, &answer, Value::Null);
            self.world.nodes[from].settle(batch, Some(&answer));
            batches += 1;
        }
        batches
    }

    /// A report with a file, read; its correction; another that is recalled; one the other way.
    fn reports(&mut self) -> (CaseId, CaseId, ReportId) {
        let ma = self.node(0);
        let case = ma.case(CrimeArea::ForeignTerroristFighters);
        let subject = ma.add_subject(case, recruiter(7));
        let number = ma.draft(case, self.world.report(&[subject]));
        ma.grade(case, number);
        attachments::attach(ma, case, number, FILE);
        attachments::approve(ma, case, number);
        ma.release(number, &Use::default()).unwrap();
        self.rest();
        self.file();
        let there = self.node(1).case(CrimeArea::ForeignTerroristFighters);
        self.node(1).read(there, number).unwrap();
        self.rest();

        let ma = self.node(0);
        let may = ma.actor("analyst").may(intent::WriteReport).unwrap();
        let changes = Changes { title: Some(text("Recruiter travelling alone")), ..Changes::default() };
        ma.app.correct_report(may, &ma.enter("analyst", case), number, &changes).unwrap();
        attachments::approve(ma, case, number);
        ma.release(number, &Use::default()).unwrap();
        let recalled = ma.ready(case, self.world.report(&[]));
        ma.release(recalled, &Use::default()).unwrap();
        self.rest();
        let may = self.node(0).actor("supervisor").may(intent::RecallReport).unwrap();
        self.node(0).app.recall_report(may, recalled, OrderReason::Inaccurate).unwrap();

        let es = self.node(1);
        let subject = es.add_subject(there, subject_of(es.party.as_str(), 8));
        let back = es.ready(there, new_report(self.agreements[0], &[self.node(0).party.clone()], &[subject]));
        es.release(back, &Use::default()).unwrap();
        self.rest();
        self.node(0).read(case, back).unwrap();
        self.rest();
        (case, there, number)
    }

    /// The file of the report, piece by piece.
    fn file(&mut self) {
        let wants = self.node(1).app.wants_from(&self.node(0).party).unwrap();
        for want in wants {
            let (giver, taker) = (self.node(0).party.clone(), self.node(1).party.clone());
            let named = (want.agreement, want.root);
            let list = self.node(0).app.chunk_list_for(&taker, want.agreement, want.root).unwrap();
            self.node(1).app.take_chunk_list(&giver, named, &list).unwrap();
            let of = json!({ "agreement": want.agreement.to_string(), "root": hex(&want.root.0) });
            self.push((0, 1), "chunks", &list, &[], of.clone());
            let chunk = self.node(0).app.chunk_for(&taker, named, 0).unwrap();
            let taken = self.node(1).app.take_chunk(&giver, named, 0, &chunk).unwrap();
            let mut of = of;
            of["index"] = json!(0);
            of["list"] = base64(&list);
            let answer = format!("{} of {}", taken.next, taken.chunks);
            self.push((0, 1), "chunk", &chunk, answer.as_bytes(), of);
        }
        self.rest();
    }

    /// A request, taken up, asked back, answered, and what the answer was worth.
    fn requests(&mut self, case: CaseId) {
        let number = requests::written_in(&self.world, case, Urgency::Routine);
        self.world.ma().release(number, &Use::default()).unwrap();
        self.rest();
        let there = requests::accept(&self.world, number, true);
        requests::handle(&self.world, number, Said::Clarify { text: text("Which of the two crossings?") })
            .unwrap();
        self.rest();
        requests::follow(&self.world, number, Said::Clarified { text: text("The second, at noon") }).unwrap();
        self.rest();
        let es = self.node(1);
        let new = new_report(self.agreements[0], &[self.node(0).party.clone()], &[]);
        let tie = Some(Tie::Answers { request: number, part: false });
        let answer = es.ready(there, NewReport { tie, ..new });
        es.release(answer, &Use::default()).unwrap();
        self.rest();
        let worth = Said::Feedback { useful: 3, accuracy: 2, text: Some(text("It stopped the journey")) };
        requests::follow(&self.world, number, worth).unwrap();
        self.rest();
    }

    /// The agreement is suspended and resumed by one side; the other has not resumed, and refuses what comes.
    fn suspension(&mut self, case: CaseId) {
        let id = self.agreements[0];
        let legal = self.node(0).actor("legal").may(intent::SuspendAgreement).unwrap();
        self.node(0).app.suspend_agreement(legal, id).unwrap();
        self.carry((0, 1));
        for login in ["legal", "dpo"] {
            let may = self.node(0).actor(login).may(intent::AgreeResume).unwrap();
            self.node(0).app.agree_to_resume(may, id, &ground()).unwrap();
        }
        let authority = self.node(0).actor("authority").may(intent::GovernAgreement).unwrap();
        self.node(0).app.resume_agreement(authority, id).unwrap();
        let node = self.node(0);
        let refused = node.ready(case, self.world.report(&[]));
        node.release(refused, &Use::default()).unwrap();
        self.carry((0, 1));
    }

    /// The report goes on to a third agency with its originator's consent.
    fn onward(&mut self, there: CaseId, report: ReportId) {
        let es = self.node(1);
        es.read(there, report).unwrap();
        let may = es.actor("analyst").may(intent::AskConsent).unwrap();
        let why = text("The court there has a case on the same ferry line");
        let until = self.world.clock.0.now().plus(Days(60));
        let asked = es.app.ask_consent(may, &es.enter("analyst", there), report, (&party(CI), until), &why);
        let id = asked.unwrap();
        self.rest();
        for login in ["supervisor", "legal"] {
            let may = self.node(0).actor(login).may(intent::GrantConsent).unwrap();
            self.node(0).app.grant_consent(may, id, None).unwrap();
        }
        self.rest();
        let es = self.node(1);
        let may = es.actor("spoc").may(intent::PassOn).unwrap();
        es.app.pass_on(may, report, (&party(CI), self.agreements[1]), &Use::default()).unwrap();
        self.rest();
        let case = self.node(2).case(CrimeArea::ForeignTerroristFighters);
        self.node(2).read(case, report).unwrap();
        self.rest();
    }

    /// A countersigned checkpoint, and the end of the report everywhere.
    fn orders(&mut self, report: ReportId) {
        let (log, witness) = (self.node(0).party.clone(), self.node(1).party.clone());
        self.node(0).app.sign_checkpoint().unwrap();
        while let Some(request) = self.node(0).app.witness_request(&witness).unwrap() {
            let answer = self.node(1).app.countersign(&log, &request.body).unwrap();
            let WitnessAnswer::Signed(line) = answer else { panic!("{answer:?}") };
            self.node(0).app.witness_signed(&witness, &request, &line).unwrap();
            self.push((0, 1), "checkpoint", &request.body, &line, Value::Null);
        }
        let may = self.node(0).actor("supervisor").may(intent::RecallReport).unwrap();
        self.node(0).app.recall_report(may, report, OrderReason::Court).unwrap();
        self.rest();
    }

    /// New keys, and a report under them that the partner fetches. Nothing goes back afterwards: who reads a record has
    /// the first keys of each party only.
    fn new_keys(&mut self) -> CaseId {
        let (ma, es) = (self.node(0).party.clone(), self.node(1).party.clone());
        self.node(0).install(&self.node(0).next_manifest(2, |_| ()));
        let papers = self.node(0).app.papers_for(&es).unwrap().unwrap();
        let held = self.node(1).app.take_papers(&ma, &papers).unwrap();
        self.node(0).app.papers_taken(&es, held).unwrap();
        self.push((0, 1), "papers", &papers, held.to_string().as_bytes(), Value::Null);
        let node = self.node(0);
        let case = node.case(CrimeArea::ForeignTerroristFighters);
        let last = node.ready(case, self.world.report(&[]));
        node.release(last, &Use::default()).unwrap();
        for class in [Lane::Control, Lane::Report] {
            let lane = (self.agreements[0], class);
            let have: Position = self.node(1).app.have(&ma, lane).unwrap();
            let Some(body) = self.node(0).app.batch_after(&es, lane, have).unwrap() else { continue };
            let answer = self.node(1).app.receive_batch(&ma, &body).unwrap();
            self.node(0).app.settle_answer(&es, lane, &answer).unwrap();
            let of = json!({ "class": if class == Lane::Control { "control" } else { "report" },
                "after": [have.epoch, have.seq] });
            self.push((0, 1), "fetched", &body, &answer, of);
        }
        case
    }
}
