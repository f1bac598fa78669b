use super::*;
use crate::key::key_id;
use ed25519_dalek::{Signer as _, SigningKey};
use proptest::prelude::*;

/// The example in the documentation of Go's `golang.org/x/mod/sumdb/note`.
const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const NOTE: &str = "If you think cryptography is the answer to your problem,\n\
    then you don't know what your problem is.\n\n\
    \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

struct Key(SigningKey, &'static str, KeyKind);

impl Key {
    fn verifier(&self) -> VerifierKey {
        VerifierKey::new(self.1, self.2, self.0.verifying_key().as_bytes()).unwrap()
    }
}

impl NoteSigner for Key {
    fn name(&self) -> &str {
        self.1
    }
    fn key_id(&self) -> u32 {
        key_id(&KeyName::new(self.1).unwrap(), self.2, self.0.verifying_key().as_bytes())
    }
    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

fn key(seed: u8, name: &'static str, kind: KeyKind) -> Key {
    Key(SigningKey::from_bytes(&[seed; 32]), name, kind)
}

#[test]
fn a_note_of_another_implementation_verifies() {
    let note = SignedNote::parse(NOTE.as_bytes()).unwrap();
    let verified = note.verify(&[PETER.parse().unwrap()]).unwrap();
    assert_eq!(verified.len(), 1);
    assert_eq!(verified[0].at_s, None);
    assert_eq!(note.to_bytes(), NOTE.as_bytes());
}

#[test]
fn any_flipped_byte_of_a_note_is_refused() {
    let keys = [PETER.parse().unwrap()];
    for at in 0..NOTE.len() {
        for bit in 0..8 {
            let mut bytes = NOTE.as_bytes().to_vec();
            bytes[at] ^= 1 << bit;
            // A changed key name or id makes it the signature of an unknown key: none is verified.
            let good = SignedNote::parse(&bytes).ok().and_then(|n| n.verify(&keys).ok());
            assert!(good.is_none_or(|v| v.is_empty()), "byte {at} bit {bit}");
        }
    }
}

#[test]
fn malformed_notes_are_refused() {
    let sig = NOTE.split("\n\n").nth(1).unwrap();
    let cases = [
        (String::new(), NoteError::NoSignatures),
        ("text\n".into(), NoteError::NoSignatures),
        ("text\n\n".into(), NoteError::SignatureLine),
        (format!("text\n{sig}"), NoteError::NoSignatures),
        (format!("text\n\n{}", sig.trim_end()), NoteError::SignatureLine),
        (format!("text\n\n{sig}\n"), NoteError::SignatureLine),
        (format!("te\rxt\n\n{sig}"), NoteError::ControlCharacter),
        (format!("te\u{7f}xt\n\n{sig}"), NoteError::ControlCharacter),
        (format!("text\n\n{sig}{sig}"), NoteError::DuplicateSignature),
        (format!("text\n\n{}", sig.replace('\u{2014}', "-")), NoteError::SignatureLine),
        (format!("text\n\n{}", sig.replace("Peter", "Peter+")), NoteError::SignatureLine),
        (format!("text\n\n{}", sig.replace("Neumann ", "Neumann  ")), NoteError::Base64),
        (format!("text\n\n{}", sig.replace("AM=", "AN=")), NoteError::Base64),
        (format!("text\n\n{}", sig.replace("AM=", "AM")), NoteError::Base64),
        // A second padded piece after the first: some decoders read on.
        (format!("text\n\n{}", sig.replace("AM=", "AM=AAAA")), NoteError::Base64),
        (format!("text\n\n{}", sig.replace('\n', "\r\n")), NoteError::Base64),
        ("text\n\n\u{2014} a x08goA==\n".replace("x08goA==", "x08g"), NoteError::SignatureLine),
        (format!("{}\n{sig}", "a\n".repeat(257)), NoteError::TooManyLines),
        ("a".repeat(MAX_NOTE + 1), NoteError::TooLong),
    ];
    for (text, error) in cases {
        assert_eq!(SignedNote::parse(text.as_bytes()), Err(error), "{:.60}", text.escape_debug().to_string());
    }
    assert_eq!(SignedNote::parse(b"text\n\n\xff\n"), Err(NoteError::Utf8));
    assert_eq!(SignedNote::new("no end".into()), Err(NoteError::Newline));
    let many: String = (0..65).map(|n| format!("\u{2014} k{n} AAAAAAA=\n")).collect();
    assert_eq!(SignedNote::parse(format!("t\n\n{many}").as_bytes()), Err(NoteError::TooManySignatures));
}

#[test]
fn cosignatures_carry_their_time_and_fail_under_another() {
    let witness = key(9, "es-police/witness", KeyKind::Cosignature);
    let mut note = SignedNote::new("ma-security/log\n0\nroot\n".into()).unwrap();
    let made = note.cosign(&witness, 1_679_315_147).unwrap();
    note.add(made.clone()).unwrap();
    let note = SignedNote::parse(&note.to_bytes()).unwrap();
    assert_eq!(note.verify(&[witness.verifier()]).unwrap()[0].at_s, Some(1_679_315_147));
    for at in 0..made.bytes.len() {
        let mut bad = made.clone();
        bad.bytes[at] ^= 0x10;
        let mut note = SignedNote::new(note.text().to_owned()).unwrap();
        note.add(bad).unwrap();
        assert!(note.verify(&[witness.verifier()]).is_err(), "byte {at}");
    }
    assert_eq!(note.cosign(&witness, 1 << 63), Err(NoteError::Time));
}

#[test]
fn a_cosignature_key_gives_no_plain_signature_and_unknown_keys_give_nothing() {
    let (log, witness) = (key(1, "a", KeyKind::Ed25519), key(1, "a", KeyKind::Cosignature));
    let mut note = SignedNote::new("text\n".into()).unwrap();
    note.sign(&log).unwrap();
    assert_eq!(note.verify(&[witness.verifier()]), Ok(vec![]));
    assert_eq!(note.verify(&[]), Ok(vec![]));
    let mut other = note.signatures()[0].clone();
    other.key_id = witness.key_id();
    note.add(other).unwrap();
    let name = KeyName::new("a").unwrap();
    assert_eq!(note.verify(&[witness.verifier()]), Err(NoteVerifyError::Signature { name }));
}

proptest! {
    #[test]
    fn what_is_read_is_written_back(flips in proptest::collection::vec((any::<usize>(), any::<u8>()), 0..3)) {
        let mut bytes = NOTE.as_bytes().to_vec();
        for (at, value) in flips {
            let len = bytes.len();
            bytes[at % len] = value;
        }
        if let Ok(note) = SignedNote::parse(&bytes) {
            prop_assert_eq!(note.to_bytes(), bytes);
        }
    }
}
