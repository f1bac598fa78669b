//! Agencies with nodes of their own in one process: keys from seeds, one clock, an agreement both signed, people
//! in their roles. What lies between the nodes is [`World::carry`].

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ed25519_dalek::{Signer as _, SigningKey};
use mithaq_app::ports::{Clock, Entropy, HighWater, NoEntropy, Unkept};
use mithaq_app::{
    Actor, App, AppError, CaseAccess, Keys, NewCase, NewOfficer, NewReport, OutBatch, Parts, Use, Windows,
    WitnessAnswer, intent,
};
use mithaq_db::testing::{PG_VARIABLE, TestDatabase};
use mithaq_db::{Db, Tx};
use mithaq_envelope::{
    AgencySigner as _, Distrust, KemOpener as _, NodeSigner as _, RootSigner as _, Seeds, SoftKeys, SoftRoot,
    sign_agreement, sign_distrust, sign_manifest, verify_manifest,
};
use mithaq_ledger::{Entry, KeyKind, NoteSigner, VerifierKey};
use mithaq_model::{
    AgreementId, CaseId, CrimeArea, Fact, Grade, Handling, HandlingCode, HandlingCodes, Lang, Level, Millis,
    OfficerId, Pap, PartyId, Purpose, ReportId, ReportKind, RiskDimension, RiskLevel, Role, Sensitive,
    Subject, SubjectClass, SubjectId, Timestamp, Tlp, UnitId, Urgency,
};
use mithaq_policy::RiskAssessment;
use mithaq_policy::agreement::{TemplateParty, template};
use mithaq_store::MasterKey;
use mithaq_store::blobs::Blobs;
use mithaq_store::ledger::{Filter, Ledger};
use mithaq_testkit::{FakeClock, party, subject_named, text, time};
use mithaq_wire::{Digest, Manifest};
use zeroize::Zeroizing;

use crate::full::Volume;

pub(crate) const MA: &str = "ma-security";
pub(crate) const ES: &str = "es-police";
pub(crate) const CI: &str = "ci-judiciary";

/// One clock for all nodes.
#[derive(Clone)]
pub(crate) struct Shared(pub(crate) Arc<FakeClock>);

impl Clock for Shared {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

/// Bytes from a seed and a counter: the same run gives the same bytes.
struct Seeded {
    seed: [u8; 32],
    drawn: AtomicU64,
}

impl Entropy for Seeded {
    fn fill(&self, out: &mut [u8]) -> Result<(), NoEntropy> {
        for chunk in out.chunks_mut(32) {
            let number = self.drawn.fetch_add(1, Ordering::SeqCst);
            let mut input = self.seed.to_vec();
            input.extend(number.to_be_bytes());
            let block = mithaq_ledger::content_digest(&input);
            chunk.copy_from_slice(&block.as_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

/// Signs the log of one node.
struct LogSigner {
    key: VerifierKey,
    secret: SigningKey,
}

impl NoteSigner for LogSigner {
    fn name(&self) -> &str {
        self.key.name().as_str()
    }
    fn key_id(&self) -> u32 {
        self.key.id()
    }
    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.secret.sign(message).to_bytes()
    }
}

pub(crate) fn seed(node: u8, what: u8) -> Zeroizing<[u8; 32]> {
    let mut seed = [node; 32];
    seed[0] = what;
    Zeroizing::new(seed)
}

/// The mark of a log, as a file beside the keys would keep it, and the volume of the attachments.
pub(crate) struct Marked(
    std::sync::Mutex<Option<Vec<u8>>>,
    pub(crate) tempfile::TempDir,
    pub(crate) Arc<Volume>,
);

impl Default for Marked {
    fn default() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let volume = Arc::new(Volume::of(&dir.path().join("attachments")));
        Self(std::sync::Mutex::default(), dir, volume)
    }
}

impl HighWater for Marked {
    fn last(&self) -> Result<Option<Vec<u8>>, Unkept> {
        Ok(self.0.lock().unwrap().clone())
    }
    fn keep(&self, note: &[u8]) -> Result<(), Unkept> {
        *self.0.lock().unwrap() = Some(note.to_vec());
        Ok(())
    }
}

/// What a node is made from; the same for the same number, so that a node can be opened again.
pub(crate) fn parts(party: &PartyId, (n, run): (u8, u8), clock: &Shared, mark: &Arc<Marked>) -> Parts {
    let made = parts_of(party, (soft(n), [seed(n, 6), seed(n, 9)]), (n, run), (clock, mark));
    let keys = made.keys.with_loader(Box::new(move |node_key| {
        // Generations that were prepared: as files beside the first would hold them.
        (2..=3).map(|generation| soft_of(n, generation)).find(|keys| keys.node_key() == *node_key)
    }));
    Parts { keys, ..made }
}

/// The same with keys from wherever: of the node, and the seeds of its log and witness.
pub(crate) fn parts_of(
    party: &PartyId,
    (keys, [log, witness]): (SoftKeys, [Zeroizing<[u8; 32]>; 2]),
    (n, run): (u8, u8),
    (clock, mark): (&Shared, &Arc<Marked>),
) -> Parts {
    let log = note_key_of(&format!("{party}/log"), KeyKind::Ed25519, &log);
    let witness = note_key_of(&format!("{party}/witness"), KeyKind::Cosignature, &witness);
    let key = log.key.clone();
    Parts {
        keys: Keys::new(keys, Box::new(log), key, Box::new(witness)),
        master: MasterKey::new(1, *seed(n, 7)),
        clock: Arc::new(clock.clone()),
        entropy: Arc::new(Seeded { seed: *seed(n, 8 + run), drawn: AtomicU64::new(0) }),
        waker: Box::new(|| ()),
        mark: Arc::clone(mark) as Arc<dyn HighWater>,
        blobs: Blobs::at(mark.1.path().join("attachments")).within(mark.2.clone()),
    }
}

fn note_key(name: &str, kind: KeyKind, n: u8, what: u8) -> LogSigner {
    note_key_of(name, kind, &seed(n, what))
}

fn note_key_of(name: &str, kind: KeyKind, seed: &[u8; 32]) -> LogSigner {
    let secret = SigningKey::from_bytes(seed);
    let key = VerifierKey::new(name, kind, secret.verifying_key().as_bytes()).unwrap();
    LogSigner { key, secret }
}

pub(crate) fn soft(n: u8) -> SoftKeys {
    soft_of(n, 1)
}

/// The keys of a generation.
pub(crate) fn soft_of(n: u8, generation: u8) -> SoftKeys {
    let at = |what: u8| seed(n, what + (generation - 1) * 32);
    SoftKeys::new(&Seeds { seal: at(1), node: at(2), kem: at(3) }).unwrap()
}

/// The people of a node, by role.
const PEOPLE: [(&str, Role); 11] = [
    ("analyst", Role::Analyst),
    ("officer", Role::CaseOfficer),
    ("supervisor", Role::Supervisor),
    ("second", Role::Supervisor),
    ("spoc", Role::Spoc),
    ("dpo", Role::Dpo),
    ("legal", Role::LegalAdviser),
    ("authority", Role::AgreementAuthority),
    ("security", Role::SecurityOfficer),
    ("oversight", Role::Oversight),
    ("admin", Role::NodeAdministrator),
];

/// The database of the n-th node: where a PostgreSQL is at hand (`cargo xtask pg`), every second node lies on it, so
/// that both engines send and receive; which of them begins changes from test to test.
fn database(n: u8) -> (Db, Option<TestDatabase>) {
    let test = std::thread::current().name().map_or(0, str::len);
    let on_server = (usize::from(n) + test).is_multiple_of(2) && std::env::var_os(PG_VARIABLE).is_some();
    let server = if on_server { mithaq_db::testing::postgres().unwrap() } else { None };
    match server {
        Some(database) => (database.db().clone(), Some(database)),
        None => (Db::open_inline().unwrap(), None),
    }
}

/// One agency.
pub(crate) struct Node {
    pub(crate) party: PartyId,
    pub(crate) app: App,
    pub(crate) db: Db,
    number: u8,
    root: SoftRoot,
    windows: Windows,
    pub(crate) officers: Vec<OfficerId>,
    pub(crate) mark: Arc<Marked>,
    /// The database on a server that goes with the node.
    server: Option<TestDatabase>,
}

impl Node {
    pub(crate) fn new(name: &str, n: u8, clock: &Shared, db: Db) -> Self {
        let party = party(name);
        let root = SoftRoot::new(&seed(n, 4), &seed(n, 5)).unwrap();
        let mark = Arc::new(Marked::default());
        let parts = parts(&party, (n, 0), clock, &mark);
        let keys = soft(n);
        let manifest = Manifest {
            party: party.clone(),
            number: 1,
            prev: Digest::ZERO,
            valid_from: Timestamp::parse("2026-01-01").unwrap(),
            valid_to: Timestamp::parse("2028-01-01").unwrap(),
            seal_keys: vec![keys.seal_key()],
            node_key: keys.node_key(),
            kem_key: keys.kem_key().to_vec(),
            log_key: note_key(&format!("{party}/log"), KeyKind::Ed25519, n, 6).key.to_string(),
            witness_key: note_key(&format!("{party}/witness"), KeyKind::Cosignature, n, 9).key.to_string(),
            tls_spki: Digest([n; 32]),
            endpoints: vec![format!("https://{party}.example:7443")],
        };
        let signed = sign_manifest(&manifest, &root).unwrap();
        Self::of((party, n), (parts, mark), (root, &signed), db)
    }

    /// From keys and a first manifest of wherever.
    pub(crate) fn of(
        (party, n): (PartyId, u8),
        (parts, mark): (Parts, Arc<Marked>),
        (root, signed): (SoftRoot, &[u8]),
        db: Db,
    ) -> Self {
        let fingerprint = root.root_keys().fingerprint();
        let app = App::create(db.clone(), &party, parts, (fingerprint, signed)).unwrap();
        let new: Vec<NewOfficer> = PEOPLE
            .iter()
            .map(|(login, role)| NewOfficer {
                login: (*login).to_owned(),
                name: Sensitive::new(format!("The {login}")),
                unit: UnitId::new([n; 16]),
                roles: [*role].into_iter().collect(),
                lang: Lang::EN,
            })
            .collect();
        let officers = app.add_first_officers(&new).unwrap();
        Self { party, app, db, number: n, root, windows: Windows::default(), officers, mark, server: None }
    }

    /// The server the node lies on, if it does.
    pub(crate) fn server(&self) -> Option<&TestDatabase> {
        self.server.as_ref()
    }

    /// The node runs again, on another store; what was under way is forgotten.
    pub(crate) fn come_back(&mut self, app: App, db: Db) {
        self.app = app;
        self.db = db;
        self.windows = Windows::default();
    }

    pub(crate) fn windows_mut(&mut self) -> &mut Windows {
        &mut self.windows
    }

    pub(crate) fn next_batch(&mut self, to: &PartyId) -> Option<OutBatch> {
        self.app.next_batch(&mut self.windows, to).unwrap()
    }

    pub(crate) fn settle(&mut self, batch: OutBatch, answer: Option<&[u8]>) {
        self.app.settle_batch(&mut self.windows, batch, answer).unwrap();
    }

    /// Signs in by a token, as a program would.
    pub(crate) fn actor(&self, login: &str) -> Actor {
        let token = self.app.issue_token(login, Millis::hours(1)).unwrap();
        self.app.authenticate(&token.secret).unwrap()
    }

    pub(crate) fn id(&self, login: &str) -> OfficerId {
        let at = PEOPLE.iter().position(|(name, _)| *name == login).unwrap();
        self.officers[at]
    }

    /// The node's party as an agreement names it.
    fn member(&self) -> TemplateParty {
        let state = self.party.as_str().chars().take(2).collect::<String>().to_uppercase();
        TemplateParty { id: self.party.clone(), state, root: self.fingerprint() }
    }

    /// The next manifest of this node: new keys of a generation, signed by its root. `edit` changes it before.
    pub(crate) fn next_manifest(&self, generation: u8, edit: impl Fn(&mut Manifest)) -> Vec<u8> {
        let n = self.number;
        let own = self.app.own_manifest().unwrap();
        let last = verify_manifest(&own, &self.party, &self.fingerprint(), None).unwrap();
        let keys = soft_of(n, generation);
        let now = self.app.now();
        let mut next = Manifest {
            number: last.manifest().number + 1,
            prev: last.hash(),
            valid_from: now,
            valid_to: now.plus(mithaq_model::Days(365)),
            seal_keys: vec![keys.seal_key()],
            node_key: keys.node_key(),
            kem_key: keys.kem_key().to_vec(),
            tls_spki: Digest([n + generation; 32]),
            ..last.manifest().clone()
        };
        edit(&mut next);
        sign_manifest(&next, &self.root).unwrap()
    }

    /// A statement of this node's root that names a size and proves none.
    pub(crate) fn distrust(&self, key: [u8; 32], since: u64) -> Vec<u8> {
        self.stated(key, since, Vec::new())
    }

    /// A statement of this node's root, from here on: with the checkpoint its log signs now.
    pub(crate) fn distrust_from_now(&self, key: [u8; 32]) -> Vec<u8> {
        self.app.sign_checkpoint().unwrap();
        let note = self.app.last_checkpoint().unwrap().unwrap();
        let since = note.text().lines().nth(1).unwrap().parse().unwrap();
        self.stated(key, since, note.to_bytes())
    }

    fn stated(&self, key: [u8; 32], since: u64, checkpoint: Vec<u8>) -> Vec<u8> {
        let (party, log) = (self.party.clone(), self.app.log_key().unwrap().name().as_str().to_owned());
        let one = Distrust { party, key, log, since, at: self.app.now(), checkpoint };
        sign_distrust(&one, &self.root).unwrap()
    }

    /// Two persons let a paper into force.
    pub(crate) fn install(&self, paper: &[u8]) {
        let waits = self.app.propose_keys(self.actor("security").may(intent::ProposeKeys).unwrap(), paper);
        let may = self.actor("supervisor").may(intent::ConfirmKeys).unwrap();
        self.app.confirm_keys(may, &waits.unwrap().id).unwrap();
    }

    pub(crate) fn fingerprint(&self) -> [u8; 32] {
        self.root.root_keys().fingerprint()
    }

    pub(crate) fn signature(&self, agreement: AgreementId, at: Timestamp) -> Vec<u8> {
        sign_agreement((agreement, &self.party), "Head of service", at, &self.root).unwrap()
    }

    /// A case of the analyst and the supervisors.
    pub(crate) fn case(&self, area: CrimeArea) -> CaseId {
        let may = self.actor("supervisor").may(intent::GovernCase).unwrap();
        let new = NewCase {
            title: text("Ferry tickets"),
            area,
            offence: text("Recruitment for terrorism, penal code article 218-1"),
            purposes: vec![Purpose::Investigate, Purpose::ThreatToLife],
            officers: ["analyst", "officer", "supervisor", "second"].map(|login| self.id(login)).to_vec(),
        };
        self.app.open_case(may, &new).unwrap()
    }

    pub(crate) fn enter(&self, login: &str, case: CaseId) -> CaseAccess {
        self.enter_for(login, case, Purpose::Investigate)
    }

    pub(crate) fn enter_for(&self, login: &str, case: CaseId, purpose: Purpose) -> CaseAccess {
        let may = self.actor(login).may(intent::WorkCase).unwrap();
        self.app.enter_case(may, case, purpose, &text("Checking the ferry passengers")).unwrap()
    }

    /// A further officer, in several roles.
    pub(crate) fn hire(&self, login: &str, roles: &[Role]) -> OfficerId {
        let new = NewOfficer {
            login: login.to_owned(),
            name: Sensitive::new(format!("The {login}")),
            unit: UnitId::new([9; 16]),
            roles: roles.iter().copied().collect(),
            lang: Lang::FR,
        };
        self.app.add_officer(self.actor("admin").may(intent::GovernOfficers).unwrap(), &new).unwrap()
    }

    pub(crate) fn add_subject(&self, case: CaseId, subject: Subject) -> SubjectId {
        let id = subject.id();
        let may = self.actor("analyst").may(intent::WriteSubject).unwrap();
        self.app.add_subjects(may, &self.enter("analyst", case), vec![subject]).unwrap();
        id
    }

    pub(crate) fn draft(&self, case: CaseId, new: NewReport) -> ReportId {
        let may = self.actor("analyst").may(intent::WriteReport).unwrap();
        self.app.draft_report(may, &self.enter("analyst", case), new).unwrap()
    }

    pub(crate) fn grade(&self, case: CaseId, number: ReportId) {
        let may = self.actor("analyst").may(intent::WriteReport).unwrap();
        self.app.grade_report(may, &self.enter("analyst", case), number, grade()).unwrap();
    }

    pub(crate) fn review(&self, case: CaseId, number: ReportId) -> Result<(), AppError> {
        let may = self.actor("supervisor").may(intent::ReviewReport).unwrap();
        self.app.review_report(may, &self.enter("supervisor", case), number)
    }

    pub(crate) fn approve(&self, login: &str, number: ReportId) -> Result<(), AppError> {
        self.app.approve_report(self.actor(login).may(intent::ReleaseReport).unwrap(), number)
    }

    pub(crate) fn release(&self, number: ReportId, stated: &Use) -> Result<(), AppError> {
        let may = self.actor("spoc").may(intent::ReleaseReport).unwrap();
        self.app.release_report(may, number, stated)
    }

    /// From draft to what stands before the release.
    pub(crate) fn ready(&self, case: CaseId, new: NewReport) -> ReportId {
        let number = self.draft(case, new);
        self.grade(case, number);
        self.review(case, number).unwrap();
        self.approve("supervisor", number).unwrap();
        self.approve("spoc", number).unwrap();
        number
    }

    pub(crate) fn read(&self, case: CaseId, number: ReportId) -> Result<mithaq_model::Report, AppError> {
        let may = self.actor("analyst").may(intent::ReadReport).unwrap();
        self.app.read_report(may, &self.enter("analyst", case), number, &text("The passenger list names him"))
    }

    pub(crate) fn assess(&self, other: &PartyId, risk: &RiskAssessment) {
        let may = self.actor("security").may(intent::AssessPartner).unwrap();
        self.app.assess_partner(may, other, risk).unwrap();
    }

    fn stored(&self) -> Vec<(u64, Vec<u8>)> {
        let read = |tx: &mut dyn Tx| -> Result<_, AppError> {
            let ledger = Ledger::open(tx)?;
            Ok(ledger.entries(tx, &Filter::All, 0..u64::MAX)?)
        };
        self.db.read(read).unwrap()
    }

    /// What the entries of a kind commit to, in order.
    pub(crate) fn commitments(&self, kind: &str) -> Vec<Option<mithaq_ledger::Hash>> {
        let stored = self.stored();
        let entries = stored.iter().map(|(_, bytes)| Entry::parse(bytes).unwrap());
        entries.filter(|entry| entry.kind.as_str() == kind).map(|entry| entry.commitment).collect()
    }

    /// Every entry of the ledger: kind, object, verdict.
    pub(crate) fn entries(&self) -> Vec<(String, String, String)> {
        self.stored()
            .iter()
            .map(|(_, bytes)| {
                let entry = Entry::parse(bytes).unwrap();
                let verdict = entry.verdict.map(|verdict| verdict.as_str().to_owned()).unwrap_or_default();
                (entry.kind.as_str().to_owned(), entry.object.as_str().to_owned(), verdict)
            })
            .collect()
    }

    pub(crate) fn count(&self, kind: &str) -> usize {
        self.entries().iter().filter(|(found, _, _)| found == kind).count()
    }
}

/// Two or three agencies under one clock.
pub(crate) struct World {
    pub(crate) clock: Shared,
    pub(crate) nodes: Vec<Node>,
    pub(crate) agreement: AgreementId,
    /// Every batch that was carried: from, to, body.
    pub(crate) carried: Vec<(usize, usize, Vec<u8>)>,
}

impl World {
    /// Two nodes with an agreement in force, partners assessed.
    pub(crate) fn new() -> Self {
        let mut world = Self::strangers(&[MA, ES]);
        world.agreement = world.agree(0, 1, |text| text);
        world
    }

    /// Nodes that do not know each other.
    pub(crate) fn strangers(names: &[&str]) -> Self {
        let clock = Shared(Arc::new(FakeClock::at(time())));
        let nodes = (1_u8..)
            .zip(names)
            .map(|(n, name)| {
                let (db, database) = database(n);
                Node { server: database, ..Node::new(name, n * 16, &clock, db) }
            })
            .collect();
        Self::of(clock, nodes)
    }

    fn of(clock: Shared, nodes: Vec<Node>) -> Self {
        Self { clock, nodes, agreement: AgreementId::new([0; 32]), carried: Vec::new() }
    }

    /// MA, and ES on a database of which the test wants to see the files; under an agreement.
    pub(crate) fn with_es_on(file: Db) -> Self {
        let clock = Shared(Arc::new(FakeClock::at(time())));
        let nodes =
            vec![Node::new(MA, 16, &clock, Db::open_inline().unwrap()), Node::new(ES, 32, &clock, file)];
        let mut world = Self::of(clock, nodes);
        world.agreement = world.agree(0, 1, |text| text);
        world
    }

    /// Releases a report, which ES reads.
    pub(crate) fn read_at_es(&mut self) -> ReportId {
        let (_, number) = self.released();
        self.settle();
        let case = self.es().case(CrimeArea::ForeignTerroristFighters);
        self.es().read(case, number).unwrap();
        self.settle();
        number
    }

    pub(crate) fn ma(&self) -> &Node {
        &self.nodes[0]
    }

    pub(crate) fn es(&self) -> &Node {
        &self.nodes[1]
    }

    /// The text of an agreement between two nodes.
    pub(crate) fn agreement_text(&self, one: usize, other: usize) -> String {
        let members = [self.nodes[one].member(), self.nodes[other].member()];
        template(&members, Timestamp::parse("2026-01-01").unwrap())
    }

    /// Adds, signs and activates an agreement on both sides, with manifests and assessments.
    pub(crate) fn agree(&self, one: usize, other: usize, edit: impl Fn(String) -> String) -> AgreementId {
        let id = self.propose(one, other, &edit(self.agreement_text(one, other)));
        for at in [one, other] {
            let may = self.nodes[at].actor("authority").may(intent::GovernAgreement).unwrap();
            self.nodes[at].app.activate_agreement(may, id).unwrap();
        }
        id
    }

    /// One agreement of all nodes, in force everywhere.
    pub(crate) fn agree_all(&self) -> AgreementId {
        self.agree_all_to(|text| text)
    }

    /// As [`Self::agree_all`], with a text that is changed before.
    pub(crate) fn agree_all_to(&self, edit: impl Fn(String) -> String) -> AgreementId {
        let members: Vec<TemplateParty> = self.nodes.iter().map(Node::member).collect();
        let text = edit(template(&members, Timestamp::parse("2026-01-01").unwrap()));
        let mut id = AgreementId::new([0; 32]);
        for here in &self.nodes {
            let may = here.actor("authority").may(intent::GovernAgreement).unwrap();
            id = here.app.add_agreement(may, &text).unwrap();
            for there in &self.nodes {
                here.app.sign_agreement(may, &there.signature(id, self.clock.0.now())).unwrap();
                if there.party != here.party {
                    here.app.add_manifest(may, &there.party, &there.app.own_manifest().unwrap()).unwrap();
                    here.assess(&there.party, &low_risk());
                }
            }
            here.app.activate_agreement(may, id).unwrap();
        }
        id
    }

    /// As [`Self::agree`], but signed and not activated.
    pub(crate) fn propose(&self, one: usize, other: usize, text: &str) -> AgreementId {
        let mut id = AgreementId::new([0; 32]);
        for (here, there) in [(one, other), (other, one)] {
            let (here, there) = (&self.nodes[here], &self.nodes[there]);
            let may = here.actor("authority").may(intent::GovernAgreement).unwrap();
            id = here.app.add_agreement(may, text).unwrap();
            for signer in [here, there] {
                here.app.sign_agreement(may, &signer.signature(id, self.clock.0.now())).unwrap();
            }
            here.app.add_manifest(may, &there.party, &there.app.own_manifest().unwrap()).unwrap();
            here.assess(&there.party, &low_risk());
        }
        id
    }

    /// Moves what waits at one node to another until nothing is due.
    pub(crate) fn carry(&mut self, from: usize, to: usize) -> usize {
        self.announce(from, to);
        let (sender, receiver) = (self.nodes[from].party.clone(), self.nodes[to].party.clone());
        let mut batches = 0;
        while self.nodes[from].app.due_partners().unwrap().contains(&receiver) {
            let node = &mut self.nodes[from];
            let Some(batch) = node.app.next_batch(&mut node.windows, &receiver).unwrap() else { break };
            self.carried.push((from, to, batch.body.clone()));
            let answer = self.nodes[to].app.receive_batch(&sender, &batch.body).unwrap();
            let node = &mut self.nodes[from];
            node.app.settle_batch(&mut node.windows, batch, Some(&answer)).unwrap();
            batches += 1;
            assert!(batches < 100, "the lane does not drain");
        }
        batches
    }

    /// Tells a node how far the other's control lane goes.
    pub(crate) fn announce(&self, from: usize, to: usize) {
        let (sender, receiver) = (&self.nodes[from], &self.nodes[to]);
        let ids: Vec<AgreementId> = receiver.app.registry().agreements.keys().copied().collect();
        for id in ids {
            if let Ok(heads) = sender.app.heads_for(&receiver.party, id) {
                receiver.app.note_heads(&sender.party, &heads).unwrap();
            }
        }
    }

    /// Hands the papers of one node to another, as its shell would.
    pub(crate) fn hand_papers(&self, from: usize, to: usize) -> Result<u32, AppError> {
        let (from, to) = (&self.nodes[from], &self.nodes[to]);
        let Some(papers) = from.app.papers_for(&to.party)? else { return Ok(0) };
        let held = to.app.take_papers(&from.party, &papers)?;
        from.app.papers_taken(&to.party, held)?;
        Ok(held)
    }

    /// Has one node countersign the log of another, as their shells would.
    pub(crate) fn countersign(&self, log: usize, witness: usize) -> Option<WitnessAnswer> {
        Self::ask_witness(&self.nodes[log], &self.nodes[witness])
    }

    /// The same for nodes of whatever world.
    pub(crate) fn ask_witness(log: &Node, witness: &Node) -> Option<WitnessAnswer> {
        let mut last = None;
        while let Some(request) = log.app.witness_request(&witness.party).unwrap() {
            let answer = witness.app.countersign(&log.party, &request.body).unwrap();
            last = Some(answer.clone());
            let look = match &answer {
                WitnessAnswer::Signed(line) => {
                    log.app.witness_signed(&witness.party, &request, line).unwrap();
                    continue;
                }
                refusal @ (WitnessAnswer::Conflict(_)
                | WitnessAnswer::Inconsistent
                | WitnessAnswer::Malformed
                | WitnessAnswer::Signature
                | WitnessAnswer::UnknownLog) => {
                    log.app.witness_refused_by(&witness.party, &request, refusal).unwrap()
                }
            };
            if look {
                let held = witness.app.held_for(&log.party).unwrap();
                log.app.witness_held(&witness.party, &held).unwrap();
                break;
            }
            if last == Some(WitnessAnswer::UnknownLog) {
                break;
            }
        }
        last
    }

    /// Both ways until quiet.
    pub(crate) fn settle(&mut self) {
        for _ in 0..8 {
            if self.carry(0, 1) + self.carry(1, 0) == 0 {
                return;
            }
        }
        panic!("the nodes never come to rest");
    }

    /// A released report from the first node, not yet carried, with its case.
    pub(crate) fn released(&self) -> (CaseId, ReportId) {
        let node = self.ma();
        let case = node.case(CrimeArea::ForeignTerroristFighters);
        let subject = node.add_subject(case, recruiter(7));
        let number = node.ready(case, self.report(&[subject]));
        node.release(number, &Use::default()).unwrap();
        (case, number)
    }

    pub(crate) fn report(&self, subjects: &[SubjectId]) -> NewReport {
        new_report(self.agreement, &[self.nodes[1].party.clone()], subjects)
    }
}

pub(crate) fn subject_of(originator: &str, number: u8) -> Subject {
    subject_named(number, "Abdelhamid Tazerout", SubjectClass::SuspectCommitted, originator)
}

pub(crate) fn recruiter(number: u8) -> Subject {
    subject_named(number, "Abdelhamid Tazerout", SubjectClass::SuspectCommitted, MA)
}

pub(crate) fn grade() -> Grade {
    Grade::from_code("4x4:B2").unwrap()
}

pub(crate) fn handling() -> Handling {
    Handling::new(HandlingCodes::H0.with(HandlingCode::H2), Tlp::Amber, Pap::Amber)
}

pub(crate) fn new_report(
    agreement: AgreementId,
    recipients: &[PartyId],
    subjects: &[SubjectId],
) -> NewReport {
    NewReport {
        kind: ReportKind::Information,
        agreement,
        recipients: recipients.to_vec(),
        urgency: Urgency::Routine,
        title: text("Recruiter travelling with three young people"),
        facts: vec![Fact {
            text: text("Three persons left by ferry on 12 May with tickets paid by the same card"),
            grade: grade(),
        }],
        assessments: Vec::new(),
        subjects: subjects.to_vec(),
        links: Vec::new(),
        grade: None,
        handling: handling(),
        level: Level::Restricted,
        expires: Timestamp::parse("2027-05-01").unwrap(),
        exculpatory: false,
        machine_made: false,
        obtained_in_violation: false,
        tie: None,
    }
}

pub(crate) fn risk(torture: RiskLevel) -> RiskAssessment {
    let level = |one: RiskDimension| if one == RiskDimension::TortureCidt { torture } else { RiskLevel::Low };
    RiskAssessment {
        levels: RiskDimension::ALL.iter().map(|one| (*one, level(*one))).collect(),
        source: "assessment-2026-1".to_owned(),
        made_on: Timestamp::parse("2026-03-01").unwrap(),
        valid_to: Timestamp::parse("2027-03-01").unwrap(),
    }
}

/// A ground in a sentence.
pub(crate) fn ground() -> mithaq_model::Text {
    text("The passage says where he was seen and nothing about what he believes")
}

pub(crate) fn low_risk() -> RiskAssessment {
    risk(RiskLevel::Low)
}
