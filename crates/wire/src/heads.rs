//! How far the lanes between two parties go, as one of them sees it: asked for after an outage, so that nothing
//! is read before the orders that wait are, and after a restore, so that no place is used twice.

use mithaq_model::AgreementId;

use crate::cbor::{Reader, WireError, Writer};
use crate::codec::{Part, get_list, put_list};
use crate::doc::Ack;
use crate::limits::ACKS_MAX;

const VERSION: u64 = 1;
/// Longest document in bytes.
const HEADS_MAX: usize = 4 * 1024;

/// The last places, as the answering party has them, of its lanes to the asking party and of the other
/// direction. Not signed: it comes over the authenticated connection, and only locks or is checked against
/// signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heads {
    /// Agreement.
    pub agreement: AgreementId,
    /// What it sent: last place and envelope hash per lane; a lane nothing was sent in is left out.
    pub sent: Vec<Ack>,
    /// What it took of the asking party's lanes, likewise.
    pub taken: Vec<Ack>,
}

/// Returns the canonical bytes of heads.
#[must_use]
pub fn encode_heads(heads: &Heads) -> Vec<u8> {
    let mut w = Writer::default();
    w.array(4).uint(VERSION);
    heads.agreement.put(&mut w);
    put_list(&mut w, &heads.sent);
    put_list(&mut w, &heads.taken);
    w.finish()
}

/// Reads the bytes.
///
/// # Errors
/// When they are not the canonical encoding of heads within their limits.
pub fn decode_heads(bytes: &[u8]) -> Result<Heads, WireError> {
    if bytes.len() > HEADS_MAX {
        return Err(WireError::Limit);
    }
    let mut r = Reader::new(bytes);
    r.tuple(4)?;
    if r.uint()? != VERSION {
        return Err(WireError::Version);
    }
    let heads = Heads {
        agreement: AgreementId::get(&mut r)?,
        sent: get_list(&mut r, ACKS_MAX)?,
        taken: get_list(&mut r, ACKS_MAX)?,
    };
    r.end()?;
    Ok(heads)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Digest, Lane, Position};

    #[test]
    fn heads_have_one_spelling() {
        let at = Position { epoch: 2, seq: 300 };
        let ack = |lane| Ack { lane, at, head: Digest([5; 32]) };
        let sent = vec![ack(Lane::Control), ack(Lane::Report)];
        let heads = Heads { agreement: AgreementId::new([7; 32]), sent, taken: vec![ack(Lane::Bulk)] };
        let bytes = encode_heads(&heads);
        assert_eq!(decode_heads(&bytes), Ok(heads.clone()));
        for cut in 0..bytes.len() {
            assert!(decode_heads(&bytes[..cut]).is_err());
        }
        assert!(decode_heads(&[bytes.clone(), vec![0]].concat()).is_err());
        let many = Heads { taken: vec![ack(Lane::Report); ACKS_MAX + 1], ..heads };
        assert_eq!(decode_heads(&encode_heads(&many)), Err(WireError::Limit));
    }
}
