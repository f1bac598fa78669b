//! An asked and an asking side under one agreement, made from numbers.

use ed25519_dalek::{Signer as _, SigningKey};
use mithaq_check::oprf::{Mode, Output, SecretKey, own_outputs};
use mithaq_check::{
    Admission, Answer, Counters, Desk, Known, Party, Pending, Question, Register, Request, SetHeader,
    SignedSet, TagSet, Token, TokenKey, TokenPolicy, admit, ask, filled, inputs, tokens,
};
use mithaq_model::{AgreementId, CaseId, PartialDate, Purpose, SubjectClass, SubjectId, Timestamp};
use mithaq_names::Name;
use mithaq_policy::agreement::{TemplateParty, template};
use mithaq_policy::{
    Agreement, CheckFacts, CheckPermit, PrivateCheck, Refusal, Rules, Side, Stage, Standing, Work,
    permit_check,
};
use mithaq_testkit::{party, sample_roots};

pub(crate) const POLICY: TokenPolicy = TokenPolicy::WIDE;

pub(crate) fn now() -> Timestamp {
    Timestamp::parse("2026-06-01").unwrap()
}

/// Everybody is born in 1987.
pub(crate) fn born(name: &str) -> Known {
    Known { names: vec![Name::parse(name)], births: vec![PartialDate::Year(1987)], ..Known::default() }
}

pub(crate) struct Sides {
    pub(crate) key: SecretKey,
    pub(crate) set: SignedSet,
    pub(crate) register: Register,
    pub(crate) terms: PrivateCheck,
    pub(crate) counters: Counters,
    agreement: Agreement,
}

impl Sides {
    pub(crate) fn new(mode: Mode, known: &[&str]) -> Self {
        let [a, b] = sample_roots();
        let member =
            |id: &str, state: &str, root| TemplateParty { id: party(id), state: state.to_owned(), root };
        let parties = [member("ma-security", "MA", a), member("es-police", "ES", b)];
        let text = template(&parties, Timestamp::parse("2026-01-01").unwrap());
        let policy = data_encoding::HEXLOWER.encode(&POLICY.hash());
        let verifiable = mode == Mode::Verifiable;
        let table = format!(
            "[private_check]\nbatch_cap = 5\ndaily_cap = 1000\nofficer_cap = 500\ntoken_policy = \"{policy}\"\nverifiable = {verifiable}\n"
        );
        let agreement = Agreement::parse(&format!("{text}\n{table}")).unwrap();
        let key = SecretKey::derive(mode, &[8; 32], b"epoch 1").unwrap();
        let header = header(&agreement, &key);
        let terms = agreement.private_check.unwrap();
        let blank =
            SignedSet::sign(header, TagSet::of([0; 16], &[[0; 32]], &[[1; 32]; 255]).unwrap(), |_| [0; 64]);
        let (register, counters) = (Register::default(), Counters::default());
        let mut sides = Self { key, set: blank, register, terms, counters, agreement };
        for (number, name) in known.iter().enumerate() {
            sides.add(u8::try_from(number).unwrap(), name);
        }
        sides.publish(1);
        sides
    }

    fn add(&mut self, number: u8, name: &str) {
        let made = tokens(&POLICY, Party::Asked, &born(name));
        let keys: Vec<TokenKey> = made.iter().map(Token::key).collect();
        let outputs = own_outputs(&self.key, &inputs(&self.set.header, &keys)).unwrap();
        for (token, output) in made.iter().zip(&outputs) {
            self.register.add(output, SubjectId::new([number; 16]), token.strength());
        }
    }

    /// Adds a subject and publishes the next set.
    pub(crate) fn learn(&mut self, number: u8, name: &str) {
        self.add(number, name);
        self.publish(2);
    }

    pub(crate) fn publish(&mut self, number: u32) {
        let seeds = self.register.seeds();
        let fill = usize::try_from(filled(u32::try_from(seeds.len()).unwrap())).unwrap() - seeds.len();
        let dummies: Vec<[u8; 32]> = (0..fill).map(|n| [u8::try_from(n % 251).unwrap(); 32]).collect();
        let nonce = [u8::try_from(number).unwrap(); 16];
        let set = TagSet::of(nonce, &seeds, &dummies).unwrap();
        let header = SetHeader { number, ..header(&self.agreement, &self.key) };
        let signer = SigningKey::from_bytes(&[5; 32]);
        self.set = SignedSet::sign(header, set, |bytes| signer.sign(bytes).to_bytes());
    }

    pub(crate) fn permit(&self, side: Side, subjects: u32) -> Result<CheckPermit, Refusal> {
        let facts = CheckFacts {
            side,
            work: Work { role_may: true, case_open: true, case_assigned: true },
            rule_set: self.agreement.id(),
            hold: false,
            asking: party("ma-security"),
            asked: party("es-police"),
            purpose: Purpose::Investigate,
            class: SubjectClass::Wanted,
            subjects,
            token_policy: POLICY.hash(),
        };
        let a = &self.agreement;
        let standing = Standing::new(Stage::InForce, a.in_force_on, a.expires_on, a.survival);
        permit_check(&Rules::compile(a).unwrap(), &standing, &facts, now())
    }

    pub(crate) fn question_tokens(known: &[Known]) -> Vec<Vec<Token>> {
        known.iter().map(|known| tokens(&POLICY, Party::Asking, known)).collect()
    }

    pub(crate) fn ask(&self, check: u8, known: &[Known]) -> Pending {
        let permit = self.permit(Side::Sender, u32::try_from(known.len()).unwrap()).unwrap();
        ask(&Question {
            permit: &permit,
            set: &self.set.header,
            check: [check; 16],
            case: CaseId::new([3; 16]),
            officer: [4; 16],
            subjects: &Self::question_tokens(known),
            seed: [check; 32],
            salt: [check + 100; 32],
            now: now(),
        })
        .unwrap()
    }

    pub(crate) fn admit(&self, request: &Request, seen: Option<[u8; 32]>) -> Admission {
        let permit = self.permit(Side::Receiver, request.subjects);
        let desk = Desk {
            set: &self.set.header,
            terms: Some(self.terms),
            permit: permit.as_ref(),
            counters: self.counters,
            seen,
            now: now(),
        };
        admit(request.clone(), &desk)
    }

    pub(crate) fn serve(&self, request: &Request) -> Answer {
        match self.admit(request, None) {
            Admission::Charged(charged) => charged.evaluate(&self.key, &[6; 64]),
            Admission::Again | Admission::Refused(_) => panic!("not admitted"),
        }
    }

    /// Refuses for want of budget.
    pub(crate) fn refuse(&self, request: &Request) -> Answer {
        let full = Counters { partner: 1_000, ..Counters::default() };
        let permit = self.permit(Side::Receiver, request.subjects);
        let desk = Desk {
            set: &self.set.header,
            terms: Some(self.terms),
            permit: permit.as_ref(),
            counters: full,
            seen: None,
            now: now(),
        };
        match admit(request.clone(), &desk) {
            Admission::Refused(refused) => refused.answer(request, &[7; 32]),
            Admission::Again | Admission::Charged(_) => panic!("admitted"),
        }
    }

    /// Outputs of a subject as the asking side would have them evaluated.
    pub(crate) fn outputs_of(&self, known: &Known) -> Vec<Output> {
        let keys: Vec<TokenKey> = tokens(&POLICY, Party::Asking, known).iter().map(Token::key).collect();
        own_outputs(&self.key, &inputs(&self.set.header, &keys)).unwrap()
    }

    pub(crate) fn agreement(&self) -> AgreementId {
        self.agreement.id()
    }
}

pub(crate) fn header(agreement: &Agreement, key: &SecretKey) -> SetHeader {
    SetHeader {
        agreement: agreement.id(),
        asked: party("es-police"),
        asking: party("ma-security"),
        epoch: 1,
        number: 1,
        policy: POLICY.hash(),
        key: key.public(),
        valid_from: Timestamp::parse("2026-05-01").unwrap(),
        valid_to: Timestamp::parse("2026-08-01").unwrap(),
        nonce: [0; 16],
        slots: 0,
        filter: [0; 32],
    }
}
