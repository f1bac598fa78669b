//! Two agencies with keys, manifests and permits, and one to whom nothing is addressed.

use mithaq_model::{AgreementId, ObjectId, PartyId, ReportVersion, Role, Timestamp};
use mithaq_policy::{Decision, Disclosure, OrderKind, OrderPermit, Permit, Side, decide, permit_order};
use mithaq_testkit::{Sample, party};
use mithaq_wire::{Digest, EnvelopeHeader, Lane, LaneId, Manifest, MessageKind, Position};
use zeroize::Zeroizing;

use crate::*;

pub(super) struct Node {
    pub(super) party: PartyId,
    pub(super) keys: SoftKeys,
    pub(super) root: SoftRoot,
    pub(super) manifest: VerifiedManifest,
}

pub(super) fn seeds(n: u8) -> Seeds {
    Seeds {
        seal: Zeroizing::new([n; 32]),
        node: Zeroizing::new([n + 1; 32]),
        kem: Zeroizing::new([n + 2; 32]),
    }
}

pub(super) fn root(n: u8) -> SoftRoot {
    SoftRoot::new(&Zeroizing::new([n + 3; 32]), &Zeroizing::new([n + 4; 32])).unwrap()
}

pub(super) fn manifest_of(party: &PartyId, keys: &SoftKeys) -> Manifest {
    Manifest {
        party: party.clone(),
        number: 1,
        prev: Digest::ZERO,
        valid_from: Timestamp::parse("2026-01-01").unwrap(),
        valid_to: Timestamp::parse("2027-01-01").unwrap(),
        seal_keys: vec![keys.seal_key()],
        node_key: keys.node_key(),
        kem_key: keys.kem_key().to_vec(),
        log_key: "log+00000000+AA==".to_owned(),
        witness_key: "witness+00000000+AA==".to_owned(),
        tls_spki: Digest([7; 32]),
        endpoints: vec!["https://node.example:8443".to_owned()],
    }
}

impl Node {
    pub(super) fn new(name: &str, n: u8) -> Self {
        let (party, keys, root) = (party(name), SoftKeys::new(&seeds(n)).unwrap(), root(n));
        let manifest = manifest_of(&party, &keys);
        let signed = sign_manifest(&manifest, &root).unwrap();
        let manifest = verify_manifest(&signed, &party, &root.root_keys().fingerprint(), None).unwrap();
        Self { party, keys, root, manifest }
    }
}

pub(super) struct World {
    pub(super) sample: Sample,
    pub(super) ma: Node,
    pub(super) es: Node,
    pub(super) ci: Node,
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            sample: Sample::new(),
            ma: Node::new("ma-security", 10),
            es: Node::new("es-police", 20),
            ci: Node::new("ci-judiciary", 30),
        }
    }

    pub(super) fn agreement(&self) -> AgreementId {
        self.sample.rules.agreement().id()
    }

    pub(super) fn permit(&self) -> Permit {
        let asked = Disclosure {
            report: &self.sample.report,
            recipient: &self.sample.recipient,
            side: Side::Sender,
            context: &self.sample.context,
            standing: &self.sample.standing,
        };
        match decide(&self.sample.rules, &asked, self.sample.now) {
            Decision::Permit(permit) => permit,
            Decision::Refuse(refusal) => panic!("refused: {refusal:?}"),
        }
    }

    pub(super) fn order_permit(&self, kind: OrderKind, object: ObjectId) -> OrderPermit {
        let (ma, es) = (&self.ma.party, &self.es.party);
        permit_order(&self.sample.rules, &self.sample.standing, (kind, object), (ma, ma, es), self.sample.now)
            .unwrap()
    }

    pub(super) fn args(&self) -> SealArgs {
        SealArgs {
            lease_until: self.sample.now.plus(self.permit().lease()),
            released_by: vec![Role::Supervisor, Role::Spoc],
            sealed_at: self.sample.now,
            supersedes: None,
            salt: [0x5a; 32],
        }
    }

    pub(super) fn sealed(&self) -> Sealed {
        seal_report(&self.sample.report, &self.permit(), &self.args(), &self.ma.keys).unwrap()
    }

    /// The second version of the sample, which replaces the first.
    pub(super) fn correction(&mut self) -> Sealed {
        self.sample.report.version = ReportVersion::new(2).unwrap();
        let args = SealArgs { supersedes: Some(ReportVersion::FIRST), ..self.args() };
        seal_report(&self.sample.report, &self.permit(), &args, &self.ma.keys).unwrap()
    }

    pub(super) fn header(&self, kind: MessageKind, seq: u64) -> EnvelopeHeader {
        let lane = LaneId {
            from: self.ma.party.clone(),
            to: self.es.party.clone(),
            agreement: self.agreement(),
            lane: kind.lane().unwrap_or(Lane::Control),
        };
        EnvelopeHeader {
            lane,
            at: Position { epoch: 1, seq },
            prev: Digest::ZERO,
            manifest: self.ma.manifest.hash(),
            mid: [3; 16],
            kind,
            created: self.sample.now,
            expires: self.sample.now.plus(mithaq_model::Days(30)),
            acks: Vec::new(),
            checkpoint: None,
        }
    }

    pub(super) fn session(&self, to: &Node) -> KemSession {
        let random = Zeroizing::new([0x77; 64]);
        KemSession::open((&self.ma.party, &to.party), to.keys.kem_key(), self.sample.now, &random).unwrap()
    }

    pub(super) fn wrapped(&self, sealed: &Sealed) -> Envelope {
        let header = self.header(sealed.message_kind(), 1);
        wrap(&header, sealed, &mut self.session(&self.es), &self.ma.keys).unwrap()
    }

    pub(super) fn opened(&self, bytes: &[u8]) -> OpenedEnvelope {
        let verified = verify(bytes, &self.ma.manifest).unwrap();
        verified.open(&self.es.party, &self.es.keys, &mut SessionCache::new(4)).unwrap()
    }

    pub(super) fn read(&self, bytes: &[u8]) -> Result<Opened, SealedError> {
        open_sealed(&self.opened(bytes), &self.ma.manifest, &self.es.party)
    }
}
