//! Documents read a second time: a small reader of CBOR (RFC 8949, definite lengths only) and of signed ones, written
//! for the checker and from the specification, so that a fault of the node's own reader does not hide itself.

use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest as _, Sha256};

/// Deepest nesting that is read.
const DEPTH: usize = 16;

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    Number(i128),
    Bytes(Vec<u8>),
    Text(String),
    Array(Vec<Item>),
    Map(Vec<(Item, Item)>),
    Truth(bool),
    Null,
}

impl Item {
    /// Reads one value that is all of the bytes.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        let item = read(&mut rest, DEPTH)?;
        rest.is_empty().then_some(item)
    }

    /// The part of an array.
    pub(super) fn part(&self, place: usize) -> Option<&Self> {
        self.parts().and_then(|parts| parts.get(place))
    }

    pub(super) fn parts(&self) -> Option<&[Self]> {
        if let Self::Array(parts) = self { Some(parts) } else { None }
    }

    pub(super) fn bytes(&self) -> Option<&[u8]> {
        if let Self::Bytes(bytes) = self { Some(bytes) } else { None }
    }

    pub(super) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    pub(super) fn number(&self) -> Option<i128> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }

    /// The value of a number in a map.
    fn at(&self, key: i128) -> Option<&Self> {
        let Self::Map(pairs) = self else { return None };
        pairs.iter().find(|(name, _)| name.number() == Some(key)).map(|(_, value)| value)
    }

    /// The body of a document of version 1.
    pub(super) fn document(&self) -> Option<&Self> {
        (self.part(0)?.number()? == 1).then(|| self.part(1)).flatten()
    }
}

fn read(rest: &mut &[u8], depth: usize) -> Option<Item> {
    let depth = depth.checked_sub(1)?;
    let first = *take(rest, 1)?.first()?;
    let low = first & 31;
    let number = match low {
        0..=23 => u64::from(low),
        24..=27 => take(rest, 1 << (low - 24))?.iter().fold(0_u64, |n, byte| n << 8 | u64::from(*byte)),
        _indefinite => return None,
    };
    // One value has one spelling: no head is longer than its number needs.
    let least = match low {
        24 => 24,
        25 => 0x100,
        26 => 0x1_0000,
        27 => 0x1_0000_0000,
        _short => 0,
    };
    if number < least {
        return None;
    }
    let length = usize::try_from(number).ok()?;
    Some(match first >> 5 {
        0 => Item::Number(i128::from(number)),
        1 => Item::Number(-1 - i128::from(number)),
        2 => Item::Bytes(take(rest, length)?.to_vec()),
        3 => Item::Text(String::from_utf8(take(rest, length)?.to_vec()).ok()?),
        4 => Item::Array((0..length).map(|_| read(rest, depth)).collect::<Option<_>>()?),
        5 => {
            let pair = |rest: &mut &[u8]| Some((read(rest, depth)?, read(rest, depth)?));
            Item::Map((0..length).map(|_| pair(rest)).collect::<Option<_>>()?)
        }
        7 if low == 20 || low == 21 => Item::Truth(low == 21),
        7 if low == 22 => Item::Null,
        _unused => return None,
    })
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (head, tail) = rest.split_at_checked(count)?;
    *rest = tail;
    Some(head)
}

pub(super) fn hash(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// An Ed25519 key in its one spelling and not of small order (envelope.md, Keys).
pub(super) fn key(bytes: &[u8]) -> Option<VerifyingKey> {
    let key = VerifyingKey::from_bytes(bytes.try_into().ok()?).ok()?;
    let one_spelling = key.to_edwards().compress().as_bytes() == bytes;
    (one_spelling && !key.is_weak()).then_some(key)
}

/// Whether a signature holds by the one rule of this protocol, without cofactor.
pub(super) fn holds(key: &VerifyingKey, message: &[u8], signature: &[u8; 64]) -> bool {
    key.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
}

/// Verifies a COSE_Sign1 for one purpose and returns the document in its protected header.
pub(super) fn signed(bytes: &[u8], purpose: &str, key: &VerifyingKey) -> Option<Item> {
    let sign1 = Item::read(bytes)?;
    let (protected, payload) = (sign1.part(0)?.bytes()?, sign1.part(2)?.bytes()?);
    let signature = sign1.part(3)?.bytes()?.try_into().ok()?;
    // ["Signature1", protected, external_aad, payload], each byte string with its own head.
    let mut covered = vec![0x84];
    covered.extend_from_slice(b"\x6aSignature1");
    for part in [protected, purpose.as_bytes(), payload] {
        put_bytes(&mut covered, part);
    }
    if !holds(key, &covered, &signature) {
        return None;
    }
    Item::read(Item::read(protected)?.at(-70_001)?.bytes()?)
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes();
    match bytes.len() {
        0..=23 => out.push(0x40 | length[3]),
        24..=0xff => out.extend([0x58, length[3]]),
        0x100..=0xffff => out.extend([0x59, length[2], length[3]]),
        _ => {
            out.push(0x5a);
            out.extend(length);
        }
    }
    out.extend_from_slice(bytes);
}

/// Root of RFC 6962 §2.1 over statements or entries, by its definition.
pub(super) fn root(leaves: &[[u8; 32]]) -> [u8; 32] {
    match leaves {
        [] => hash(&[]),
        [one] => *one,
        more => {
            let (left, right) = more.split_at(more.len().next_power_of_two() / 2);
            node(&root(left), &root(right))
        }
    }
}

pub(super) fn leaf(bytes: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update([0]).chain_update(bytes).finalize().into()
}

pub(super) fn node(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::HEXLOWER_PERMISSIVE;

    #[test]
    fn values_of_the_standard() {
        let read = |hex: &str| {
            let bytes = HEXLOWER_PERMISSIVE.decode(hex.as_bytes()).unwrap();
            Item::read(&bytes)
        };
        // RFC 8949, appendix A.
        assert_eq!(read("1903e8"), Some(Item::Number(1_000)));
        assert_eq!(read("3903e7"), Some(Item::Number(-1_000)));
        assert_eq!(read("1bffffffffffffffff"), Some(Item::Number(18_446_744_073_709_551_615)));
        assert_eq!(read("6449455446"), Some(Item::Text("IETF".to_owned())));
        assert_eq!(read("8301820203820405").unwrap().part(1).unwrap().part(1), Some(&Item::Number(3)));
        assert_eq!(read("a201020304").unwrap().at(3), Some(&Item::Number(4)));
        for bad in [
            "",
            "18",
            "0000",
            "5f4101ff",
            "f97c00",
            "1c",
            "44010203",
            "9bffffffffffffffff",
            "1817",
            "190017",
            "5803010203",
            "1a0000ffff",
            "1b00000000ffffffff",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
        assert_eq!(Item::read(&[0x81; 40]), None);
    }

    #[test]
    fn the_roots_of_the_standard_vectors() {
        let leaves = [&b""[..], b"\x00", b"\x10", b"\x20\x21"].map(leaf);
        let hex = |bytes: [u8; 32]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(
            hex(root(&leaves[..1])),
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
        );
        assert_eq!(
            hex(root(&leaves[..2])),
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
        );
        assert_eq!(
            hex(root(&leaves[..4])),
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"
        );
    }

    /// The published vectors: what other implementations are held to.
    fn vectors() -> serde_json::Value {
        let text = include_str!("../../../../../docs/spec/vectors/envelope.json");
        serde_json::from_str(text).unwrap()
    }

    fn unhex(json: &serde_json::Value) -> Vec<u8> {
        HEXLOWER_PERMISSIVE.decode(json.as_str().unwrap().as_bytes()).unwrap()
    }

    #[test]
    fn the_published_envelope_verifies_and_a_changed_one_does_not() {
        let vectors = vectors();
        let key: [u8; 32] = unhex(&vectors["nodes"][0]["node_key"]).try_into().unwrap();
        let key = VerifyingKey::from_bytes(&key).unwrap();
        let mut envelope = unhex(&vectors["example"]["envelope"]);
        let header = signed(&envelope, "mithaq/1 envelope", &key).unwrap();
        assert_eq!(header, Item::read(&unhex(&vectors["example"]["envelope_header"])).unwrap());
        assert_eq!(hash(&envelope).to_vec(), unhex(&vectors["example"]["envelope_hash"]));
        assert_eq!(signed(&envelope, "mithaq/1 receipts", &key), None);
        let middle = envelope.len() / 2;
        envelope[middle] ^= 1;
        assert_eq!(signed(&envelope, "mithaq/1 envelope", &key), None);
    }

    /// The table that the verifiers of the node and of `mithaq verify` are held to as well.
    #[test]
    fn the_checker_gives_the_verdict_of_the_table_at_every_edge_of_ed25519() {
        let table = mithaq_testkit::ed25519_edges();
        assert_eq!((table.published.len(), table.made.len()), (12, 372));
        for edge in table.iter() {
            let found = key(&edge.key).is_some_and(|key| holds(&key, &edge.message, &edge.signature));
            assert_eq!(found, edge.good, "{}", edge.why);
        }
    }
}
