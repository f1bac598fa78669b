//! Whose an object is, told by its number alone. A node that lost rows, or that a liar reached before the owner did, has no
//! row to ask: the number says that an object is not the liar's, whatever this node remembers.
//!
//! Bytes 6 to 9 of an object's number are its originator's mark (`docs/decisions/report-numbers.md`). The other twelve are the
//! originator's own affair.

use mithaq_model::{ObjectId, PartyId};
use sha2::{Digest as _, Sha256};

/// Where the mark begins.
const AT: usize = 6;
/// Bytes of a mark.
const MARK: usize = 4;

/// Returns the mark of a party: the first four bytes of the SHA-256 of `mithaq/1 object`, a zero byte and its name.
fn mark(of: &PartyId) -> [u8; MARK] {
    let hash = Sha256::new().chain_update(b"mithaq/1 object\0").chain_update(of.as_str()).finalize();
    hash.first_chunk().copied().unwrap_or_default()
}

/// Returns the number of an object of a party: the bytes given, with its mark in their place.
#[must_use]
pub fn object_number(mut bytes: [u8; 16], of: &PartyId) -> ObjectId {
    for (byte, marked) in bytes.iter_mut().skip(AT).zip(mark(of)) {
        *byte = marked;
    }
    ObjectId::new(bytes)
}

/// Returns whether a number is one that the party may give to an object of its own.
#[must_use]
pub fn is_number_of(object: ObjectId, of: &PartyId) -> bool {
    object_number(*object.as_bytes(), of) == object
}

#[cfg(test)]
mod tests {
    use super::*;

    fn party(name: &str) -> PartyId {
        PartyId::new(name).unwrap()
    }

    #[test]
    fn a_number_is_of_one_party_and_keeps_its_other_bytes() {
        let (ours, theirs) = (party("ma-security"), party("es-police"));
        let number = object_number([0xa5; 16], &ours);
        assert!(is_number_of(number, &ours) && !is_number_of(number, &theirs));
        let bytes = number.as_bytes();
        assert_eq!((&bytes[..6], &bytes[10..]), (&[0xa5; 6][..], &[0xa5; 6][..]));
    }

    #[test]
    fn the_mark_is_the_one_of_the_specification() {
        // `docs/spec/exchange.md`: printf 'mithaq/1 object\0ma-security' | sha256sum
        assert_eq!(mark(&party("ma-security")), [0xa7, 0x7f, 0x9a, 0xf3]);
    }

    #[test]
    fn no_change_of_a_mark_passes() {
        let ours = party("ma-security");
        for bit in 0..32 {
            let mut bytes = *object_number([0; 16], &ours).as_bytes();
            bytes[AT + bit / 8] ^= 1 << (bit % 8);
            assert!(!is_number_of(ObjectId::new(bytes), &ours), "bit {bit}");
        }
    }
}
