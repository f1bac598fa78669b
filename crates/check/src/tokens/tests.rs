use mithaq_model::PartialDate;
use mithaq_names::{Document, DocumentKind, Name};
use proptest::prelude::*;

use super::*;

fn born(name: &str, births: &[PartialDate]) -> Known {
    Known { names: vec![Name::parse(name)], births: births.to_vec(), ..Known::default() }
}

fn meet(policy: &TokenPolicy, asking: &Known, asked: &Known) -> Option<Strength> {
    let held: Vec<TokenKey> = tokens(policy, Party::Asked, asked).iter().map(Token::key).collect();
    let asked = tokens(policy, Party::Asking, asking);
    asked.iter().filter(|token| held.contains(&token.key())).map(Token::strength).max()
}

fn day(y: u16, m: u8, d: u8) -> PartialDate {
    PartialDate::day(y, m, d).unwrap()
}

#[test]
fn one_name_in_three_scripts_and_an_uncertain_year_meet() {
    let years = [PartialDate::between(1987, 1988).unwrap()];
    let spellings = ["عبد الحميد بوزيان", "Abdelhamid Bouziane", "Абдельхамид Бузиан"];
    for a in spellings {
        for b in spellings {
            for known in [PartialDate::Year(1987), PartialDate::Year(1988), day(1988, 2, 1)] {
                let (a, b) = (born(a, &years), born(b, &[known]));
                assert_eq!(meet(&TokenPolicy::WIDE, &a, &b), Some(Strength::Possible));
                assert_eq!(meet(&TokenPolicy::WIDE, &b, &a), Some(Strength::Possible));
            }
            assert_eq!(
                meet(&TokenPolicy::WIDE, &born(a, &years), &born(b, &[PartialDate::Year(1989)])),
                None
            );
        }
    }
}

#[test]
fn a_name_alone_makes_no_token() {
    for policy in [TokenPolicy::NARROW, TokenPolicy::MIDDLE, TokenPolicy::WIDE] {
        for party in [Party::Asked, Party::Asking] {
            assert!(tokens(&policy, party, &born("Abdelhamid Bouziane", &[])).is_empty());
            // Nor does one name with a year, or a birth somewhere in twenty years.
            assert!(tokens(&policy, party, &born("Abdelhamid", &[PartialDate::Year(1987)])).is_empty());
            let wide = [PartialDate::between(1960, 1980).unwrap()];
            assert!(tokens(&policy, party, &born("Abdelhamid Bouziane", &wide)).is_empty());
        }
    }
}

#[test]
fn two_known_to_the_day_meet_by_the_day_only() {
    let policy = TokenPolicy::WIDE;
    let of = |date| born("Ali Hassan", &[date]);
    assert_eq!(meet(&policy, &of(day(1980, 3, 9)), &of(day(1980, 3, 9))), Some(Strength::Likely));
    assert_eq!(meet(&policy, &of(day(1980, 3, 9)), &of(day(1980, 9, 3))), Some(Strength::Likely), "swapped");
    assert_eq!(meet(&policy, &of(day(1980, 3, 9)), &of(day(1980, 3, 10))), None);
    assert_eq!(meet(&policy, &of(day(1980, 1, 1)), &of(day(1980, 1, 1))), Some(Strength::Possible), "no day");
    assert_eq!(meet(&policy, &of(day(1980, 1, 1)), &of(day(1980, 3, 9))), Some(Strength::Possible));
    assert_eq!(meet(&policy, &of(day(1980, 3, 29)), &of(PartialDate::Year(1980))), Some(Strength::Possible));
    assert_eq!(meet(&policy, &of(PartialDate::Year(1980)), &of(day(1980, 3, 29))), Some(Strength::Possible));
}

#[test]
fn common_names_need_more_under_the_narrow_policy() {
    let year = [PartialDate::Year(1987)];
    let (common, rare) = (born("Mohamed Ali", &year), born("Bortkiewicz Quisquater", &year));
    assert_eq!(meet(&TokenPolicy::NARROW, &common, &common), None);
    assert_eq!(meet(&TokenPolicy::WIDE, &common, &common), Some(Strength::Possible));
    assert_eq!(meet(&TokenPolicy::NARROW, &rare, &rare), Some(Strength::Possible));
}

fn documented(names: &[&str], number: &str, issuer: [u8; 2]) -> Known {
    Known {
        names: names.iter().map(|name| Name::parse(name)).collect(),
        documents: vec![Document { kind: DocumentKind::Renewable, issuer, number: number.to_owned() }],
        ..Known::default()
    }
}

#[test]
fn a_document_number_alone_makes_no_token() {
    for policy in [TokenPolicy::NARROW, TokenPolicy::MIDDLE, TokenPolicy::WIDE] {
        for party in [Party::Asked, Party::Asking] {
            assert!(tokens(&policy, party, &documented(&[], "AB123456", *b"MA")).is_empty());
            let made = tokens(&policy, party, &documented(&["Abdelhamid Bouziane"], "AB123456", *b"MA"));
            assert!(!made.is_empty() && made.iter().all(|token| token.names.len() == 1));
        }
    }
}

#[test]
fn a_document_and_one_name_in_any_script_are_strong() {
    let policy = TokenPolicy::NARROW;
    let of = |name: &str, number: &str, issuer| documented(&[name], number, issuer);
    let held = of("عبد الحميد بوزيان", "AB 123456", *b"MA");
    for name in ["Abdelhamid Bouziane", "Бузиан", "Bouziane"] {
        for number in ["ab-123456", "AB١٢٣٤٥٦"] {
            assert_eq!(meet(&policy, &of(name, number, *b"MA"), &held), Some(Strength::Strong), "{name}");
            assert_eq!(meet(&policy, &held, &of(name, number, *b"MA")), Some(Strength::Strong), "{name}");
        }
        assert_eq!(meet(&policy, &of(name, "AB123456", *b"ES"), &held), None, "another state");
        assert_eq!(meet(&policy, &of(name, "AB123457", *b"MA"), &held), None, "another number");
    }
    assert_eq!(meet(&policy, &of("Pilar Quintana", "AB123456", *b"MA"), &held), None, "another name");
    let short = of("Abdelhamid Bouziane", "1234", *b"MA");
    assert!(tokens(&policy, Party::Asking, &short).is_empty(), "too short to identify");
    let none = TokenPolicy { document_bits: None, ..policy };
    assert!(tokens(&none, Party::Asking, &held).is_empty());
    let most = TokenPolicy { document_bits: Some(TokenPolicy::BITS_MAX), ..policy };
    assert!(tokens(&most, Party::Asking, &held).is_empty(), "the names say too little for this policy");
}

#[test]
fn documents_leave_room_for_the_other_tokens() {
    let policy = TokenPolicy { per_subject: 8, ..TokenPolicy::WIDE };
    let mut known = documented(&["Abdelhamid Bouziane Tazerout"], "AB123456", *b"MA");
    let first = known.documents.first().unwrap().clone();
    known.documents.extend((0..9).map(|n| Document { number: format!("AB12345{n}"), ..first.clone() }));
    known.births = vec![PartialDate::Year(1987)];
    let made = tokens(&policy, Party::Asking, &known);
    let documents = made.iter().filter(|token| token.strength() == Strength::Strong).count();
    assert_eq!((made.len(), documents), (8, 4));
}

#[test]
fn a_document_whose_issuer_is_no_state_is_left_out_and_counted() {
    use mithaq_model::{Attribute, Claim, Lang, Text, Value};
    let line = |text: &str| Text::line(Lang::EN, text).unwrap();
    let sample = mithaq_testkit::subject_named(1, "Amina", mithaq_model::SubjectClass::Wanted, "ma-security");
    let claim = |issuer: Option<&str>, number: &str| {
        let (kind, number) = (line("passport"), line(number));
        let value = Value::Document(mithaq_model::Document {
            kind,
            number,
            issuer: issuer.map(line),
            issued: None,
            note: None,
        });
        Claim { attribute: Attribute::Document, value, ..sample.claims().first().unwrap().clone() }
    };
    let claims = vec![
        claim(Some("Iraq"), "AB123456"),
        claim(Some("the ministry"), "AB123456"),
        claim(None, "AB123456"),
        claim(Some("IQ"), "1234"),
        claim(Some(" iq"), "AB123456"),
    ];
    let subject = mithaq_model::Subject::new(sample.id(), sample.kind(), sample.class(), claims).unwrap();
    let known = Known::of(&subject);
    let issuers: Vec<_> = known.documents.iter().map(|one| one.issuer).collect();
    assert_eq!((issuers, known.documents_left_out), (vec![*b"IQ"; 2], 3));
}

#[test]
fn a_policy_is_its_bytes_and_its_hash() {
    for policy in [
        TokenPolicy::NARROW,
        TokenPolicy::WIDE,
        TokenPolicy { place_bits: Some(9), document_bits: None, ..TokenPolicy::WIDE },
    ] {
        assert_eq!(TokenPolicy::from_bytes(&policy.to_bytes()), Ok(policy));
    }
    assert_ne!(TokenPolicy::NARROW.hash(), TokenPolicy::WIDE.hash());
    let bad = TokenPolicy { per_subject: 0, ..TokenPolicy::WIDE };
    assert_eq!(TokenPolicy::from_bytes(&bad.to_bytes()), Err(TokenPolicyError::Bounds));
    let bad = TokenPolicy { day_bits: 61, ..TokenPolicy::WIDE };
    assert_eq!(TokenPolicy::from_bytes(&bad.to_bytes()), Err(TokenPolicyError::Bounds));
    // Of the first version a document number alone made a token.
    let mut first = TokenPolicy::WIDE.to_bytes();
    first[1] = 1;
    assert!(matches!(TokenPolicy::from_bytes(&first), Err(TokenPolicyError::Wire(_))));
    let mut other = TokenPolicy::WIDE.to_bytes();
    other[2] += 1;
    assert!(matches!(TokenPolicy::from_bytes(&other), Err(TokenPolicyError::Tables { .. })));
}

proptest! {
    #[test]
    fn no_name_makes_more_tokens_than_allowed(text in ".{0,80}", per_subject in 1_u16..9) {
        let policy = TokenPolicy { per_subject, ..TokenPolicy::WIDE };
        let known = born(&text, &[PartialDate::Year(1980), day(1981, 2, 3)]);
        let made = tokens(&policy, Party::Asking, &known);
        prop_assert!(made.len() <= usize::from(per_subject));
        prop_assert!(made.iter().all(|t| (2..=3).contains(&t.names.len())));
    }
}
