//! Two agencies with real keys, an agreement both signed, a log with an exchange in it, and the bundle of it.

use ed25519_dalek::{Signer as _, SigningKey};
use mithaq_envelope::{
    AgencySigner as _, Distrust, KemOpener as _, KemSession, NodeSigner as _, RootSigner as _, SealArgs,
    Seeds, SignedAgreement, SoftKeys, SoftRoot, seal_later_receipts, seal_order, sign_agreement,
    sign_distrust, sign_manifest, sign_receipts, verify_manifest, wrap,
};
use mithaq_evidence::{
    Anchors, JudgeError, Judgement, agreement_name, distrust_name, envelope_name, judge, later_name,
    manifest_name, receipt_name, receipts_name,
};
use mithaq_ledger::{
    Appender, BundleBuilder, Checkpoint, Code, Entry, Hash, Id, KeyKind, KeyName, MemoryTiles, NoteSigner,
    Opening, VerifierKey, commit, content_digest, prove_range,
};
use mithaq_model::{AgreementId, Days, ObjectId, PartyId, ReportId, ReportVersion, Role, Timestamp};
use mithaq_policy::agreement::{TemplateParty, template};
use mithaq_policy::{Agreement, OrderKind, Rules, Stage, Standing, permit_order};
use mithaq_wire::{
    Digest, EnvelopeHeader, Lane, LaneId, LaterReceipt, Manifest, MessageKind, Order, OrderReason, Position,
    ReceiptBatch, Statement, Verdict,
};
use zeroize::Zeroizing;

pub(crate) const MA: &str = "ma-security";
pub(crate) const ES: &str = "es-police";
pub(crate) const OBJECT: [u8; 16] = [5; 16];
/// Root of an attachment of the report.
pub(crate) const ATTACHED: [u8; 32] = [8; 32];

pub(crate) fn now() -> Timestamp {
    Timestamp::parse("2026-06-01").unwrap()
}

fn seed(n: u8) -> Zeroizing<[u8; 32]> {
    Zeroizing::new([n; 32])
}

/// A key of notes.
pub(crate) struct NoteKey(SigningKey, VerifierKey);

impl NoteKey {
    fn new(name: &str, kind: KeyKind, n: u8) -> Self {
        let key = SigningKey::from_bytes(&[n; 32]);
        let public = VerifierKey::new(name, kind, key.verifying_key().as_bytes()).unwrap();
        Self(key, public)
    }
}

impl NoteSigner for NoteKey {
    fn name(&self) -> &str {
        self.1.name().as_str()
    }
    fn key_id(&self) -> u32 {
        self.1.id()
    }
    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

/// An agency.
pub(crate) struct Agency {
    pub(crate) party: PartyId,
    keys: SoftKeys,
    root: SoftRoot,
    log: NoteKey,
    witness: NoteKey,
    manifest: Vec<u8>,
    hash: Digest,
}

impl Agency {
    pub(crate) fn new(name: &str, n: u8) -> Self {
        let party = PartyId::new(name).unwrap();
        let keys = SoftKeys::new(&Seeds { seal: seed(n), node: seed(n + 1), kem: seed(n + 2) }).unwrap();
        let root = SoftRoot::new(&seed(n + 3), &seed(n + 4)).unwrap();
        let log = NoteKey::new(&format!("{party}/log"), KeyKind::Ed25519, n + 5);
        let witness = NoteKey::new(&format!("{party}/witness"), KeyKind::Cosignature, n + 6);
        let manifest = Manifest {
            party: party.clone(),
            number: 1,
            prev: Digest::ZERO,
            valid_from: Timestamp::parse("2026-01-01").unwrap(),
            valid_to: Timestamp::parse("2027-01-01").unwrap(),
            seal_keys: vec![keys.seal_key()],
            node_key: keys.node_key(),
            kem_key: keys.kem_key().to_vec(),
            log_key: log.1.to_string(),
            witness_key: witness.1.to_string(),
            tls_spki: Digest([7; 32]),
            endpoints: Vec::new(),
        };
        let manifest = sign_manifest(&manifest, &root).unwrap();
        let hash = verify_manifest(&manifest, &party, &root.root_keys().fingerprint(), None).unwrap().hash();
        Self { party, keys, root, log, witness, manifest, hash }
    }

    pub(crate) fn fingerprint(&self) -> [u8; 32] {
        self.root.root_keys().fingerprint()
    }

    pub(crate) fn signed_manifest(&self) -> &[u8] {
        &self.manifest
    }

    pub(crate) fn node_key(&self) -> [u8; 32] {
        self.keys.node_key()
    }

    pub(crate) fn seal_key(&self) -> [u8; 32] {
        self.keys.seal_key()
    }

    /// A statement of this agency's root about a key, from a size of its log on that the log signed, or did not.
    pub(crate) fn distrust(&self, key: [u8; 32], since: u64, proven: bool) -> Vec<u8> {
        let origin = format!("{}/log", self.party);
        let note = || {
            let checkpoint = Checkpoint::new(&origin, since, Hash::new([6; 32]), Vec::new()).unwrap();
            checkpoint.sign(&self.log).unwrap().to_bytes()
        };
        let checkpoint = if proven { note() } else { Vec::new() };
        let one =
            Distrust { party: self.party.clone(), key, log: origin.clone(), since, at: now(), checkpoint };
        sign_distrust(&one, &self.root).unwrap()
    }

    /// A statement as this agency's root signs it.
    pub(crate) fn signed_distrust(&self, one: &Distrust) -> Vec<u8> {
        sign_distrust(one, &self.root).unwrap()
    }

    pub(crate) fn log_key(&self) -> VerifierKey {
        self.log.1.clone()
    }
}

/// What a bundle is made of; tests change a part and build again.
pub(crate) struct World {
    pub(crate) ma: Agency,
    pub(crate) es: Agency,
    pub(crate) agreement: AgreementId,
    pub(crate) signed: SignedAgreement,
    pub(crate) entries: Vec<Vec<u8>>,
    pub(crate) documents: Vec<(String, Vec<u8>)>,
    /// Who countersigns.
    pub(crate) witnesses: bool,
    /// Entries left out at the beginning.
    pub(crate) from: usize,
    pub(crate) open: bool,
    pub(crate) origin: String,
    rules: Rules,
}

/// Fields of an entry that tests vary.
#[derive(Default, Clone, Copy)]
pub(crate) struct Fields<'a> {
    pub(crate) object: Option<&'a str>,
    pub(crate) agreement: Option<AgreementId>,
    pub(crate) with: Option<&'a str>,
    pub(crate) verdict: Option<&'a str>,
    pub(crate) commitment: Option<Hash>,
    pub(crate) at: Option<Timestamp>,
}

pub(crate) fn entry(kind: &str, fields: Fields<'_>) -> Vec<u8> {
    let at = fields.at.unwrap_or_else(now);
    let object = Id::new(fields.object.unwrap_or(MA)).unwrap();
    let mut entry =
        Entry::new(Code::new(kind).unwrap(), at.as_millis(), Code::new("system").unwrap(), object);
    entry.agreement = fields.agreement.map(|id| Hash::new(*id.as_bytes()));
    entry.counterparty = fields.with.map(|id| Id::new(id).unwrap());
    entry.verdict = fields.verdict.map(|id| Id::new(id).unwrap());
    entry.commitment = fields.commitment;
    entry.encode()
}

impl World {
    /// An exchange with every receipt: sent, accepted, read, recalled, erased.
    pub(crate) fn new() -> Self {
        let (ma, es) = (Agency::new(MA, 10), Agency::new(ES, 30));
        let party = |agency: &Agency, state: &str| TemplateParty {
            id: agency.party.clone(),
            state: state.to_owned(),
            root: agency.fingerprint(),
        };
        let text = template(&[party(&ma, "MA"), party(&es, "ES")], Timestamp::parse("2026-01-01").unwrap());
        let text = text.replace("sees_content = false", "sees_content = false\ncountersignatures = 1");
        let parsed = Agreement::parse(&text).unwrap();
        let agreement = parsed.id();
        let rules = Rules::compile(&parsed).unwrap();
        let mut signed = SignedAgreement::new(&text).unwrap();
        for agency in [&ma, &es] {
            let signature =
                sign_agreement((agreement, &agency.party), "Head of service", now(), &agency.root).unwrap();
            signed.add(&signature).unwrap();
        }
        let mut world = Self {
            ma,
            es,
            agreement,
            signed,
            entries: Vec::new(),
            documents: Vec::new(),
            witnesses: true,
            from: 0,
            open: true,
            origin: format!("{MA}/log"),
            rules,
        };
        world.exchange();
        world
    }

    fn exchange(&mut self) {
        let object = ObjectId::new(OBJECT);
        let (o, r) = (object.to_string(), ReportId::new(OBJECT).to_string());
        let with = Fields { agreement: Some(self.agreement), with: Some(ES), ..Fields::default() };
        let message = Fields { object: Some(&o), ..with };
        let report = Fields { object: Some(&r), ..with };
        let envelope = self.order(1, Digest::ZERO);
        let hash = Hash::new(mithaq_envelope::envelope_hash(&envelope).0);
        let content = Some(commit(&[9; 32], b"the report"));
        self.entries = vec![
            entry("node.created", Fields::default()),
            entry("agreement.in_force", Fields { agreement: Some(self.agreement), ..Fields::default() }),
            entry("report.decided", Fields { verdict: Some("permit"), ..report }),
            entry("report.released", Fields { verdict: Some("permit"), commitment: content, ..report }),
            entry("message.queued", Fields { commitment: Some(hash), ..message }),
            entry("message.decided", Fields { commitment: Some(hash), verdict: Some("accepted"), ..message }),
            entry("receipt.read", message),
            entry(
                "receipt.complete",
                Fields { commitment: Some(Hash::new(ATTACHED)), verdict: Some("complete"), ..message },
            ),
            entry("report.recalled", report),
            entry("receipt.erased", message),
        ];
        let receipts = self.receipts(&envelope, Verdict::Accepted);
        let read = LaterReceipt::Read {
            object,
            version: ReportVersion::FIRST,
            role: Role::Analyst,
            reader: [4; 16],
            at: now(),
        };
        let erased = LaterReceipt::Erased {
            object,
            versions: vec![ReportVersion::FIRST],
            wiped: vec!["content".to_owned()],
            leaf: None,
            at: now(),
        };
        let complete = LaterReceipt::Complete {
            object,
            version: ReportVersion::FIRST,
            root: Digest(ATTACHED),
            at: now(),
        };
        let later = self.later(vec![read, complete, erased]);
        let first = mithaq_envelope::receipt_proof(&receipts, 0).unwrap();
        self.documents = vec![
            (agreement_name(&self.agreement), self.signed.to_bytes()),
            (manifest_name(&self.ma.party, 1), self.ma.manifest.clone()),
            (manifest_name(&self.es.party, 1), self.es.manifest.clone()),
            (envelope_name(&envelope), envelope),
            (receipts_name(&receipts), receipts),
            (receipt_name(&first), first),
            (later_name(&later), later),
        ];
    }

    fn standing(&self) -> Standing {
        let agreement = self.rules.agreement();
        Standing::new(Stage::InForce, agreement.in_force_on, agreement.expires_on, agreement.survival)
    }

    fn args() -> SealArgs {
        SealArgs {
            lease_until: now().plus(Days(30)),
            released_by: Vec::new(),
            sealed_at: now(),
            supersedes: None,
            salt: [3; 32],
        }
    }

    /// An envelope from MA to ES, in the control lane.
    pub(crate) fn order(&self, seq: u64, prev: Digest) -> Vec<u8> {
        let object = ObjectId::new(OBJECT);
        let (ma, es) = (&self.ma.party, &self.es.party);
        let kind = (OrderKind::Recall, object);
        let permit = permit_order(&self.rules, &self.standing(), kind, (ma, ma, es), now()).unwrap();
        let answer_by = now().plus(Days(7));
        let order =
            Order::Recall { object, versions: Vec::new(), reason: OrderReason::Originator, answer_by };
        let sealed = seal_order(&order, &permit, &Self::args(), &self.ma.keys).unwrap();
        let header = EnvelopeHeader {
            lane: self.lane(),
            at: Position { epoch: 1, seq },
            prev,
            manifest: self.ma.hash,
            mid: [3; 16],
            kind: MessageKind::Order,
            created: now(),
            expires: now().plus(Days(30)),
            acks: Vec::new(),
            checkpoint: None,
        };
        let random = Zeroizing::new([7; 64]);
        let mut session = KemSession::open((ma, es), self.es.keys.kem_key(), now(), &random).unwrap();
        wrap(&header, &sealed, &mut session, &self.ma.keys).unwrap().bytes
    }

    pub(crate) fn lane(&self) -> LaneId {
        LaneId {
            from: self.ma.party.clone(),
            to: self.es.party.clone(),
            agreement: self.agreement,
            lane: Lane::Control,
        }
    }

    /// R1 and R2 of ES for one envelope.
    pub(crate) fn receipts(&self, envelope: &[u8], verdict: Verdict) -> Vec<u8> {
        let batch = ReceiptBatch {
            lane: self.lane(),
            manifest: self.es.hash,
            stored_at: now(),
            log: 1,
            statements: vec![Statement {
                at: Position { epoch: 1, seq: 1 },
                envelope: mithaq_envelope::envelope_hash(envelope),
                verdict,
            }],
        };
        sign_receipts(&batch, &self.es.keys).unwrap()
    }

    /// R3 and R4 of ES.
    pub(crate) fn later(&self, receipts: Vec<LaterReceipt>) -> Vec<u8> {
        let (ma, es) = (&self.ma.party, &self.es.party);
        let kind = (OrderKind::LaterReceipts, ObjectId::new(OBJECT));
        let permit = permit_order(&self.rules, &self.standing(), kind, (es, es, ma), now()).unwrap();
        seal_later_receipts(&receipts, &permit, &Self::args(), &self.es.keys).unwrap().bytes().to_vec()
    }

    /// A seal of ES that holds a notice.
    pub(crate) fn later_by_wrong_kind(&self) -> Vec<u8> {
        let (ma, es) = (&self.ma.party, &self.es.party);
        let kind = (OrderKind::Notice, ObjectId::new(OBJECT));
        let permit = permit_order(&self.rules, &self.standing(), kind, (es, es, ma), now()).unwrap();
        let notice = mithaq_wire::Notice::Suspended { from: now() };
        mithaq_envelope::seal_notice(&notice, &permit, &Self::args(), &self.es.keys).unwrap().bytes().to_vec()
    }

    /// Attaches a statement of distrust.
    pub(crate) fn attach(&mut self, statement: Vec<u8>) {
        self.documents.push((distrust_name(&statement), statement));
    }

    /// Replaces or drops the first document whose name begins so.
    pub(crate) fn swap(&mut self, prefix: &str, with: Option<(String, Vec<u8>)>) {
        let at = self.documents.iter().position(|(name, _)| name.starts_with(prefix)).unwrap();
        self.documents.remove(at);
        self.documents.extend(with);
    }

    pub(crate) fn bundle(&self) -> Vec<u8> {
        let (mut appender, mut tiles) = (Appender::new(), MemoryTiles::new());
        tiles.apply(appender.append(&self.entries).unwrap());
        let log = NoteKey::new(&self.origin, KeyKind::Ed25519, 15);
        let mut note = Checkpoint::new(&self.origin, appender.size(), appender.root(), Vec::new())
            .unwrap()
            .sign(&log)
            .unwrap();
        if self.witnesses {
            note.add(note.cosign(&self.es.witness, 1_780_000_000).unwrap()).unwrap();
        }
        let mut bundle = BundleBuilder::new(KeyName::new(&self.origin).unwrap());
        bundle.checkpoint(&note.to_bytes(), &[]).unwrap();
        let (from, size) = (self.from as u64, appender.size());
        let proof = prove_range(&tiles, from, size, size).unwrap();
        bundle.segment(from, &proof, &self.entries[self.from..]).unwrap();
        if self.open {
            bundle.opening(3, &[9; 32], &Opening::Digest(content_digest(b"the report"))).unwrap();
        }
        let mut documents = self.documents.clone();
        documents.sort();
        for (name, bytes) in &documents {
            bundle.document(Id::new(name).unwrap(), bytes).unwrap();
        }
        bundle.finish().unwrap()
    }

    /// A verifier who has the agreement's number on paper.
    pub(crate) fn anchors(&self) -> Anchors {
        Anchors { agreements: vec![self.agreement], ..Anchors::default() }
    }

    pub(crate) fn judge(&self) -> Result<Judgement, JudgeError> {
        judge(&self.bundle(), &self.anchors())
    }

    pub(crate) fn refusal(&self) -> JudgeError {
        self.judge().unwrap_err()
    }
}
