use super::*;
use proptest::prelude::*;

fn full() -> Entry<'static> {
    Entry {
        actor: Some(Pseudonym([7; 16])),
        case: Some(Id::new("C-2026-014").unwrap()),
        purpose: Some(Code::new("investigation").unwrap()),
        agreement: Some(Hash::new([1; 32])),
        counterparty: Some(Id::new("es-police").unwrap()),
        verdict: Some(Id::new("permit").unwrap()),
        commitment: Some(Hash::new([2; 32])),
        prev_state: Some(Hash::new([3; 32])),
        ..least()
    }
}

fn least() -> Entry<'static> {
    let code = |text| Code::new(text).unwrap();
    Entry::new(code("report.released"), -1, code("supervisor"), Id::new("R-7Q2K").unwrap())
}

#[test]
fn the_longest_entry_stays_under_its_bound() {
    let (word, reference) = ("a".repeat(MAX_CODE), "1".repeat(MAX_ID));
    let (word, reference) = (Code::new(&word).unwrap(), Id::new(&reference).unwrap());
    let entry = Entry {
        kind: word,
        role: word,
        object: reference,
        case: Some(reference),
        purpose: Some(word),
        counterparty: Some(reference),
        verdict: Some(reference),
        ..full()
    };
    assert_eq!(entry.encode().len(), 481);
    assert!(entry.encode().len() <= MAX_ENTRY);
    assert_eq!(Entry::parse(&entry.encode()), Ok(entry));
}

#[test]
fn content_does_not_fit_a_field() {
    for bad in ["", "a b", "Ünal", "a@b", "1a", "a\n", "a\0", "-a", "a:b", &"a".repeat(33)] {
        assert!(Code::new(bad).is_err(), "{bad:?}");
    }
    for bad in ["", "a b", "محمد", "a@b", "/a", "a,b", "a+b", &"a".repeat(65)] {
        assert!(Id::new(bad).is_err(), "{bad:?}");
    }
    let shown = Id::new("Some Body").unwrap_err().to_string();
    assert!(!shown.contains("Body"), "{shown}");
}

#[test]
fn every_prefix_and_every_extension_is_refused() {
    for entry in [least(), full()] {
        let bytes = entry.encode();
        for end in 0..bytes.len() {
            assert_eq!(Entry::parse(&bytes[..end]), Err(EntryError::Truncated), "{end}");
        }
        let longer = [&bytes[..], &[0]].concat();
        assert_eq!(Entry::parse(&longer), Err(EntryError::Trailing));
    }
}

#[test]
fn other_versions_and_foreign_text_are_refused() {
    let mut bytes = full().encode();
    bytes[0] = 2;
    assert_eq!(Entry::parse(&bytes), Err(EntryError::Version { version: 2 }));
    let mut bytes = full().encode();
    bytes[11] = b' ';
    let why = FieldError::Character;
    assert_eq!(Entry::parse(&bytes), Err(EntryError::Field { field: "kind", why }));
    bytes[11] = 0xff;
    assert_eq!(Entry::parse(&bytes), Err(EntryError::Field { field: "kind", why }));
}

proptest! {
    #[test]
    fn parse_inverts_encode(
        kind in "[A-Za-z][A-Za-z0-9._-]{0,31}",
        object in "[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}",
        at_ms: i64,
        actor: Option<[u8; 16]>,
        commitment: Option<[u8; 32]>,
        has_case: bool,
    ) {
        let (kind, object) = (Code::new(&kind).unwrap(), Id::new(&object).unwrap());
        let entry = Entry {
            kind, at_ms, object,
            actor: actor.map(Pseudonym),
            commitment: commitment.map(Hash::new),
            case: has_case.then_some(object),
            ..full()
        };
        let bytes = entry.encode();
        prop_assert_eq!(Entry::parse(&bytes), Ok(entry));
    }

    #[test]
    fn whatever_is_read_is_written_back(flips in proptest::collection::vec((0usize..300, any::<u8>()), 1..4)) {
        let mut bytes = full().encode();
        for (at, value) in flips {
            let len = bytes.len();
            bytes[at % len] = value;
        }
        if let Ok(entry) = Entry::parse(&bytes) {
            prop_assert_eq!(entry.encode(), bytes);
        }
    }

    #[test]
    fn no_input_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(entry) = Entry::parse(&bytes) {
            prop_assert_eq!(entry.encode(), bytes);
        }
    }
}
