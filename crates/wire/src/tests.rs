//! Both directions agree, every other spelling is refused, and nothing foreign panics.

use mithaq_model::*;
use proptest::prelude::*;

use crate::*;

mod edges;

fn text(s: &str) -> Text {
    Text::line(Lang::EN, s).unwrap()
}

fn any_text() -> impl Strategy<Value = Text> {
    (prop::sample::select(&Lang::INTERFACE[..]), "[a-zA-Zء-ي0-9 .]{1,40}")
        .prop_filter_map("blank", |(lang, s)| Text::new(lang, &s).ok())
}

fn code<T: Copy + core::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = T> {
    prop::sample::select(all)
}

fn any_handling() -> impl Strategy<Value = Handling> {
    let parts =
        (prop::collection::vec(code(HandlingCode::ALL), 0..4), code(Tlp::ALL), code(Pap::ALL), any::<bool>());
    (parts, prop::collection::vec(any_text(), 0..2), prop::collection::vec("[a-z]{3,8}", 0..3)).prop_map(
        |((codes, tlp, pap, contact), conditions, onward)| {
            let mut made = Handling::new(codes.into_iter().collect(), tlp, pap);
            for condition in conditions {
                made = made.with_condition(condition).unwrap();
            }
            made = made.with_onward(onward.iter().map(|p| PartyId::new(p).unwrap()).collect()).unwrap();
            if contact { made.forbid_contact() } else { made }
        },
    )
}

fn any_grade() -> impl Strategy<Value = Grade> {
    prop_oneof![
        (code(SourceGrade::ALL), code(InfoGrade::ALL)).prop_map(|(s, i)| Grade::FourByFour(s, i)),
        (code(AdmiraltyReliability::ALL), code(AdmiraltyCredibility::ALL))
            .prop_map(|(reliability, credibility)| Grade::Admiralty(Admiralty { reliability, credibility })),
    ]
}

fn any_value() -> impl Strategy<Value = (Attribute, Value)> {
    prop_oneof![
        (any_text(), code(Script::ALL), code(NameKind::ALL), code(NameForm::ALL), code(NameQuality::ALL))
            .prop_map(|(full, script, kind, form, quality)| (
                Attribute::Name,
                Value::Name { full, script, kind, form, quality }
            )),
        (1900_u16..2020, 1_u8..13, 1_u8..29)
            .prop_map(|(y, m, d)| (Attribute::Born, Value::Date(PartialDate::day(y, m, d).unwrap()))),
        (1900_u16..2020)
            .prop_map(|y| (Attribute::Born, Value::Date(PartialDate::between(y, y + 2).unwrap()))),
        (any_text(), any_text(), prop::option::of(any_text())).prop_map(|(kind, number, issuer)| {
            let issued = Some(PartialDate::Year(2001));
            (Attribute::Document, Value::Document(Document { kind, number, issuer, issued, note: None }))
        }),
        (-90_000_000..=90_000_000, -180_000_000..=180_000_000, any::<u32>()).prop_map(|(la, lo, p)| {
            let at = Coordinates { latitude_e6: la, longitude_e6: lo, precision_m: p };
            (Attribute::Position, Value::Position(at))
        }),
        code(Sex::ALL).prop_map(|s| (Attribute::Sex, Value::Sex(s))),
        code(PersonStatus::ALL).prop_map(|s| (Attribute::Status, Value::Status(s))),
        (code(SubjectClass::ALL), any_text())
            .prop_map(|(class, ground)| (Attribute::Class, Value::Class { class, ground })),
        any_text().prop_map(|t| (Attribute::Address, Value::Text(t))),
    ]
}

fn any_claim() -> impl Strategy<Value = Claim> {
    (any_value(), any_grade(), any_handling(), any::<[u8; 16]>(), code(ClaimSource::ALL), any::<i64>())
        .prop_map(|((attribute, value), grade, handling, id, source, at)| Claim {
            id: ClaimId::new(id),
            attribute,
            value,
            originator: PartyId::new("ma-security").unwrap(),
            source,
            source_ref: "QDi.123".to_owned(),
            report: at.is_positive().then(|| ReportId::new(id)),
            grade,
            handling,
            recorded: Timestamp::from_millis(at),
            expires: Timestamp::MAX,
        })
}

fn any_subject() -> impl Strategy<Value = Subject> {
    (
        code(SubjectKind::ALL),
        code(SubjectClass::ALL),
        prop::collection::vec(any_claim(), 0..4),
        any::<[u8; 16]>(),
        any::<bool>(),
    )
        .prop_map(|(kind, class, claims, id, flag)| {
            let class = (kind == SubjectKind::Person).then_some(class);
            let made = Subject::new(SubjectId::new(id), kind, class, claims).unwrap();
            if flag { made.with_protected_role(ProtectedRole::Lawyer).with_minor() } else { made }
        })
}

fn any_report() -> impl Strategy<Value = Report> {
    let parts = (
        any_text(),
        any_handling(),
        prop::option::of(any_grade()),
        prop::collection::vec(any_subject(), 0..3),
    );
    let codes = (
        code(ReportKind::ALL),
        code(Purpose::ALL),
        code(CrimeArea::ALL),
        code(Urgency::ALL),
        code(Level::ALL),
    );
    (
        parts,
        codes,
        any::<[u8; 16]>(),
        any::<[bool; 3]>(),
        prop::collection::vec((any_text(), any_grade()), 0..3),
    )
        .prop_map(
            |(
                (title, handling, grade, subjects),
                (kind, purpose, area, urgency, level),
                id,
                [a, b, c],
                facts,
            )| Report {
                id: ReportId::new(id),
                version: ReportVersion::FIRST,
                kind,
                originator: PartyId::new("ma-security").unwrap(),
                provenance: Provenance { originator: PartyId::new("ci-judiciary").unwrap(), root: [7; 32] },
                agreement: AgreementId::new([9; 32]),
                recipients: vec![PartyId::new("es-police").unwrap()],
                purpose,
                area,
                offence: title.clone(),
                urgency,
                case_ref: CaseId::new(id),
                title,
                facts: facts.into_iter().map(|(text, grade)| Fact { text, grade }).collect(),
                assessments: vec![Assessment {
                    text: text("probably the same group"),
                    likelihood: Likelihood::Likely,
                    confidence: Confidence::Low,
                }],
                links: vec![Link {
                    id: LinkId::new(id),
                    from: SubjectId::new(id),
                    to: SubjectId::new([1; 16]),
                    role: LinkRole::Recruits,
                    originator: PartyId::new("es-police").unwrap(),
                    grade: Grade::UNEVALUATED,
                    handling: handling.clone(),
                    expires: Timestamp::from_millis(5),
                }],
                subjects,
                grade,
                handling,
                level,
                expires: Timestamp::from_millis(1 << 40),
                exculpatory: a,
                machine_made: b,
                obtained_in_violation: c,
                created: Timestamp::from_millis(-1),
                tie: tie(kind, a, b),
                attachments: attachments(a && b),
            },
        )
}

fn attachments(there: bool) -> Vec<Attachment> {
    let one = Attachment {
        name: text("liste.csv"),
        media: MediaType::unknown(),
        length: 5,
        root: [3; 32],
        key: mithaq_model::Sensitive::new([4; 32]),
    };
    if there { vec![one] } else { Vec::new() }
}

/// A request asks; anything else may answer.
fn tie(kind: ReportKind, answers: bool, part: bool) -> Option<Tie> {
    let words = || text("the passenger list of 12 May");
    let ask = Ask {
        sought: vec![words()],
        why_there: words(),
        basis: words(),
        lawful_at_home: answers,
        authorisation: part.then(words),
        urgency_reason: answers.then(words),
        penalty_years: part.then_some(12),
        connections: vec![Connection { subject: SubjectId::new([3; 16]), text: words() }],
        previous: vec![ReportId::new([4; 16])],
    };
    if kind == ReportKind::Request {
        return Some(Tie::Asks(Box::new(ask)));
    }
    answers.then_some(Tie::Answers { request: ReportId::new([5; 16]), part })
}

fn lane() -> LaneId {
    LaneId {
        from: PartyId::new("ma-security").unwrap(),
        to: PartyId::new("es-police").unwrap(),
        agreement: AgreementId::new([3; 32]),
        lane: Lane::Report,
    }
}

fn header() -> EnvelopeHeader {
    EnvelopeHeader {
        lane: lane(),
        at: Position { epoch: 1, seq: 70_000 },
        prev: Digest([1; 32]),
        manifest: Digest([2; 32]),
        mid: [3; 16],
        kind: MessageKind::Report,
        created: Timestamp::from_millis(1_760_000_000_000),
        expires: Timestamp::from_millis(1_760_000_600_000),
        acks: vec![Ack { lane: Lane::Control, at: Position { epoch: 1, seq: 5 }, head: Digest([4; 32]) }],
        checkpoint: Some(Digest([5; 32])),
    }
}

fn manifest() -> Manifest {
    Manifest {
        party: PartyId::new("ma-security").unwrap(),
        number: 1,
        prev: Digest::ZERO,
        valid_from: Timestamp::from_millis(0),
        valid_to: Timestamp::from_millis(1),
        seal_keys: vec![[1; 32]],
        node_key: [2; 32],
        kem_key: vec![3; 1216],
        log_key: "ma-security/log+00000000+AA==".to_owned(),
        witness_key: "ma-security/witness+00000000+AA==".to_owned(),
        tls_spki: Digest([4; 32]),
        endpoints: vec!["https://127.0.0.1:7401".to_owned()],
    }
}

/// Flips, cuts and extends an encoding: every accepted variant must encode to itself.
fn no_second_spelling<T>(
    good: &[u8],
    decode: impl Fn(&[u8]) -> Result<T, WireError>,
    encode: impl Fn(&T) -> Vec<u8>,
) {
    assert!(decode(good).is_ok());
    for place in 0..good.len() {
        assert!(decode(&good[..place]).is_err(), "cut at {place}");
        for flip in [1_u8, 0x20, 0x80, 0xff] {
            let mut bad = good.to_vec();
            bad[place] ^= flip;
            if let Ok(value) = decode(&bad) {
                assert_eq!(encode(&value), bad, "second spelling at {place}");
            }
        }
    }
    let mut longer = good.to_vec();
    longer.push(0);
    assert!(decode(&longer).is_err());
}

proptest! {
    #[test]
    fn reports_and_subjects_come_back(report in any_report(), subject in any_subject()) {
        let bytes = encode_report(&report);
        prop_assert_eq!(decode_report(&bytes), Ok(report));
        let bytes = encode_subject(&subject);
        prop_assert_eq!(decode_subject(&bytes), Ok(subject));
    }

    #[test]
    fn accepted_bytes_are_the_only_spelling(report in any_report(), place in any::<prop::sample::Index>(), flip in 1_u8..) {
        let mut bytes = encode_report(&report);
        let place = place.index(bytes.len());
        bytes[place] ^= flip;
        if let Ok(other) = decode_report(&bytes) {
            prop_assert_eq!(encode_report(&other), bytes);
        }
    }

    #[test]
    fn nothing_foreign_panics(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = (decode_report(&bytes), decode_subject(&bytes), decode_envelope_header(&bytes), decode_seal_header(&bytes));
        let _ = (decode_order(&bytes), decode_notice(&bytes), decode_batch_answer(&bytes));
        let _ = (decode_manifest(&bytes), decode_later_receipts(&bytes), decode_batch(&bytes), decode_statement(&bytes));
    }
}

#[test]
fn documents_of_the_exchange_have_one_spelling() {
    no_second_spelling(&encode_envelope_header(&header()), decode_envelope_header, encode_envelope_header);
    no_second_spelling(&encode_manifest(&manifest()), decode_manifest, encode_manifest);
    let seal = SealHeader {
        object: ObjectId::new([1; 16]),
        version: ReportVersion::new(3).unwrap(),
        supersedes: ReportVersion::new(2),
        originator: PartyId::new("ma-security").unwrap(),
        recipients: vec![PartyId::new("es-police").unwrap()],
        agreement: AgreementId::new([3; 32]),
        purpose: Some(Purpose::Investigate),
        handling: Some(Handling::new(HandlingCodes::H0.with(HandlingCode::H2), Tlp::Amber, Pap::Red)),
        level: Level::Restricted,
        lease_until: Timestamp::from_millis(9),
        released_by: vec![Role::Supervisor, Role::Spoc],
        sealed_at: Timestamp::from_millis(8),
    };
    no_second_spelling(&encode_seal_header(&seal), decode_seal_header, encode_seal_header);
    for order in [
        Order::Recall {
            object: ObjectId::new([1; 16]),
            versions: vec![ReportVersion::FIRST],
            reason: OrderReason::Originator,
            answer_by: Timestamp::from_millis(4),
        },
        Order::Delete {
            object: ObjectId::new([1; 16]),
            reason: OrderReason::Court,
            answer_by: Timestamp::MAX,
        },
        Order::Expiry { object: ObjectId::new([1; 16]), expires: Timestamp::from_millis(-4) },
    ] {
        let bytes = encode_order(&order);
        assert_eq!(decode_order(&bytes), Ok(order));
        no_second_spelling(&bytes, decode_order, encode_order);
    }
    for notice in [
        Notice::Suspended { from: Timestamp::from_millis(1) },
        Notice::Resumed { from: Timestamp::from_millis(2) },
        Notice::Terminated { from: Timestamp::from_millis(3) },
    ] {
        no_second_spelling(&encode_notice(&notice), decode_notice, encode_notice);
    }
    let answer = BatchAnswer {
        receipts: vec![vec![1, 2, 3]],
        have: Position { epoch: 1, seq: 3 },
        head: Digest([9; 32]),
        stopped: Some("lane.gap".to_owned()),
    };
    no_second_spelling(&encode_batch_answer(&answer), decode_batch_answer, encode_batch_answer);
}

#[test]
fn later_receipts_have_one_spelling_and_say_what_was_decided() {
    let decided = |verdict| LaterReceipt::Decided {
        object: ObjectId::new([1; 16]),
        version: ReportVersion::FIRST,
        verdict,
        at: Timestamp::from_millis(3),
    };
    let again = Verdict::Quarantined { code: "SPC".to_owned() };
    let undecided = encode_later_receipts(&LaterReceipts(vec![decided(again)]));
    assert_eq!(decode_later_receipts(&undecided), Err(WireError::Value), "what people decided is decided");
    let later = LaterReceipts(vec![
        decided(Verdict::Accepted),
        decided(Verdict::Refused { code: "SPC".to_owned(), ground: Some(RefusalGround::CategoryNotAllowed) }),
        LaterReceipt::Read {
            object: ObjectId::new([1; 16]),
            version: ReportVersion::FIRST,
            role: Role::CaseOfficer,
            reader: [6; 16],
            at: Timestamp::from_millis(1),
        },
        LaterReceipt::Erased {
            object: ObjectId::new([1; 16]),
            versions: vec![ReportVersion::FIRST],
            wiped: vec!["content".to_owned(), "terms".to_owned()],
            leaf: Some(300),
            at: Timestamp::from_millis(2),
        },
    ]);
    no_second_spelling(&encode_later_receipts(&later), decode_later_receipts, encode_later_receipts);
}

#[test]
fn longer_heads_and_other_kinds_are_refused() {
    // [1, [1, 5]] with 1 written in two bytes, as indefinite array, as float, with a tag.
    for bad in ["82180182011a00000005", "9f018201 05ff", "82f93c00820105", "c18201820105", "8201", "820182"] {
        let bytes: Vec<u8> = bad
            .replace(' ', "")
            .as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect();
        assert!(decode_notice(&bytes).is_err(), "{bad}");
    }
    assert_eq!(decode_notice(&[0x82, 2, 0x82, 1, 5]), Err(WireError::Version));
    assert_eq!(decode_notice(&[0x82, 1, 0x82, 9, 5]), Err(WireError::Code));
}

#[test]
fn a_claimed_length_takes_no_memory() {
    // A report whose list of subjects claims 2^32 entries.
    let huge = [0x82, 1, 0x9a, 0xff, 0xff, 0xff, 0xff];
    assert!(decode_report(&huge).is_err());
    let batch = [0x82, 1, 0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    assert_eq!(decode_batch(&batch), Err(WireError::Limit));
}

#[test]
fn nobody_is_no_recipient_and_an_empty_batch_is_none() {
    assert_eq!(decode_batch(&encode_batch::<Vec<u8>>(&[])), Err(WireError::Value));
    let envelopes = vec![vec![1_u8, 2], vec![3]];
    assert_eq!(decode_batch(&encode_batch(&envelopes)).unwrap(), [&[1, 2][..], &[3]]);
    let many = vec![vec![0_u8]; limits::BATCH_MESSAGES_MAX + 1];
    assert_eq!(decode_batch(&encode_batch(&many)), Err(WireError::Limit));
}
