use super::*;
use crate::testing::Counter;

fn vault(number: u32, secret: u8) -> Vault {
    Vault {
        master: MasterKey::new(number, [secret; 32]),
        entropy: Arc::new(Counter::new(1)),
        derived: Derived::new(&[7; 32]).unwrap(),
    }
}

const RECORD: Record<'static> = Record { kind: Kind::Report, id: &[1; 16], version: 3 };

fn open(vault: &Vault, record: &Record<'_>, sealed: &Sealed) -> Result<Plain, StoreError> {
    let [_, _, _, Value::Int(number), Value::Bytes(wrapped)] = sealed.key.as_slice() else {
        panic!("the key row has five columns")
    };
    vault.open_content(record, u32::try_from(*number).unwrap(), wrapped, &sealed.content)
}

#[test]
fn content_opens_under_its_own_name_only() {
    let vault = vault(1, 9);
    let sealed = vault.seal(&RECORD, b"content").unwrap();
    assert_eq!(**open(&vault, &RECORD, &sealed).unwrap(), *b"content");
    let others = [
        Record { kind: Kind::Subject, ..RECORD },
        Record { id: &[2; 16], ..RECORD },
        Record { id: &[1; 15], ..RECORD },
        Record { version: 4, ..RECORD },
    ];
    for other in &others {
        assert!(matches!(open(&vault, other, &sealed), Err(StoreError::Integrity { .. })), "{other:?}");
    }
}

#[test]
fn every_changed_byte_is_seen() {
    let vault = vault(1, 9);
    let sealed = vault.seal(&RECORD, b"content").unwrap();
    for at in 0..sealed.content.len() {
        let mut content = sealed.content.clone();
        content[at] ^= 1;
        let changed = Sealed { content, key: sealed.key.clone() };
        assert_eq!(open(&vault, &RECORD, &changed).unwrap_err(), RECORD.broken());
    }
    for at in 0..WRAPPED_LEN {
        let mut key = sealed.key.clone();
        let Value::Bytes(wrapped) = &mut key[4] else { panic!("wrapped") };
        wrapped[at] ^= 1;
        let changed = Sealed { content: sealed.content.clone(), key };
        let seen = open(&vault, &RECORD, &changed).unwrap_err();
        assert_eq!(seen, StoreError::Integrity { table: "record_key" });
    }
}

#[test]
fn another_master_key_opens_nothing() {
    let sealed = vault(1, 9).seal(&RECORD, b"content").unwrap();
    let seen = open(&vault(1, 8), &RECORD, &sealed).unwrap_err();
    assert_eq!(seen, StoreError::Integrity { table: "record_key" });
    let seen = open(&vault(2, 9), &RECORD, &sealed).unwrap_err();
    assert_eq!(seen, StoreError::MasterKey { number: 1 });
}

#[test]
fn two_seals_of_one_content_share_nothing() {
    let vault = vault(1, 9);
    let (a, b) = (vault.seal(&RECORD, b"content").unwrap(), vault.seal(&RECORD, b"content").unwrap());
    assert_ne!(a.content, b.content);
    assert_ne!(a.key, b.key);
}

#[test]
fn without_randomness_nothing_is_sealed() {
    struct Dry;
    impl Entropy for Dry {
        fn fill(&self, _out: &mut [u8]) -> Result<(), NoEntropy> {
            Err(NoEntropy)
        }
    }
    let vault = Vault { entropy: Arc::new(Dry), ..vault(1, 9) };
    assert_eq!(vault.seal(&RECORD, b"x").err(), Some(StoreError::NoEntropy));
}

#[test]
fn a_salt_opens_at_its_place_only() {
    let derived = Derived::new(&[7; 32]).unwrap();
    let place = |index| crate::derive::SaltPlace { log: 1, index, object: &[3; 16], commitment: &[4; 32] };
    let sealed = derived.seal_salt(&place(5), &[1; 32], &[2; 32]).unwrap();
    assert_eq!(derived.open_salt(&place(5), &sealed), Ok(([1; 32], [2; 32])));
    assert!(derived.open_salt(&place(6), &sealed).is_err());
    assert!(derived.open_salt(&place(5), &sealed[1..]).is_err());
}

#[test]
fn nothing_secret_is_shown() {
    let shown = format!("{:?}", vault(1, 0x5a));
    assert_eq!(shown, "Vault(MasterKey(1))");
}
