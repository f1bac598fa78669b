//! The bytes of onward transfer: the originator's token, the hop that carries its seal to a further recipient, and the
//! sentences between the parties. Exact bytes: `docs/spec/onward.md`.

use mithaq_model::{CopyState, ObjectId, PartyId, Purpose, ReportVersion, Text, Timestamp};

use crate::cbor::{Reader, WireError, Writer};
use crate::codec::{CODE_MAX, Part};
use crate::doc::Digest;
use crate::limits::SEALED_MAX;

const VERSION: u64 = 1;
/// Longest sealed order or receipt that a step carries, in bytes.
pub const CARRIED_MAX: usize = 72 * 1024;
/// Longest document of a step in bytes: what it carries and a few numbers.
const STEP_MAX: usize = 96 * 1024;
/// Longest signed token in bytes.
const TOKEN_MAX: usize = 4 * 1024;
/// Longest reason in bytes: a few sentences, not a report.
const REASON_MAX: usize = 8 * 1024;

/// What an originator consents to, once: this version of this object, from this party to that one, for this purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnwardToken {
    /// Number of the consent, also what makes it single-use.
    pub consent: ObjectId,
    /// Who consents: the party in control.
    pub originator: PartyId,
    /// The object.
    pub object: ObjectId,
    /// Its version, and no other.
    pub version: ReportVersion,
    /// Commitment to the sealed content (`docs/spec/ledger.md`): no other content passes under it.
    pub content: Digest,
    /// Who may pass it on.
    pub by: PartyId,
    /// To whom, and to nobody else.
    pub to: PartyId,
    /// Fingerprint of the recipient's root keys, as the originator knows them from their agreement.
    pub to_root: [u8; 32],
    /// What it may be used for.
    pub purpose: Purpose,
    /// It opens nothing after this.
    pub use_by: Timestamp,
    /// The recipient's last day of use.
    pub keep_until: Timestamp,
    /// When it was signed.
    pub signed_at: Timestamp,
}

/// A report passed on: the originator's seal, byte for byte, and its token. Sealed by who passes it on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// The signed token. A hop without one is readable, so that it is refused with its own code and told.
    pub token: Option<Vec<u8>>,
    /// What the originator sealed.
    pub sealed: Vec<u8>,
}

/// A sentence about passing something on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OnwardStep {
    /// May this go on? By a recipient, to the originator.
    Asked {
        /// Number of the consent, drawn by who asks.
        consent: ObjectId,
        /// The object.
        object: ObjectId,
        /// Its version.
        version: ReportVersion,
        /// To whom it would go.
        to: PartyId,
        /// For what.
        purpose: Purpose,
        /// The last day of use that is asked for.
        until: Timestamp,
        /// Why.
        reason: Text,
    },
    /// Yes, once: the signed token. By the originator.
    Granted {
        /// Which.
        consent: ObjectId,
        /// The signed token.
        token: Vec<u8>,
    },
    /// No. By the originator.
    Denied {
        /// Which.
        consent: ObjectId,
        /// Nobody decided in time.
        lapsed: bool,
    },
    /// Taken back, with the copy that may have gone. By the originator; carried on to the holder.
    Revoked {
        /// Which.
        consent: ObjectId,
        /// The object.
        object: ObjectId,
        /// Its version.
        version: ReportVersion,
        /// Who must erase it.
        to: PartyId,
        /// Answer by then.
        answer_by: Timestamp,
    },
    /// Somebody tried without consent. To the originator, by the node that refused it.
    Tried {
        /// The object.
        object: ObjectId,
        /// Its version.
        version: ReportVersion,
        /// Who tried.
        by: PartyId,
        /// To whom.
        to: PartyId,
        /// Why it was refused, a code.
        code: String,
    },
    /// What became of a copy. To the originator, by who passed it on.
    Copy {
        /// Under which consent.
        consent: ObjectId,
        /// The object.
        object: ObjectId,
        /// Its version.
        version: ReportVersion,
        /// Who holds it.
        holder: PartyId,
        /// What became of it.
        state: CopyState,
        /// When.
        at: Timestamp,
        /// The holder's own sealed receipt, byte for byte, where there is one.
        proof: Option<Vec<u8>>,
    },
    /// An order of the originator, byte for byte as it was sealed for who carries it on. To a further holder.
    Carried {
        /// The sealed order.
        sealed: Vec<u8>,
    },
    /// What was before this version is out of date. By the originator, beside its correction; carried on to holders
    /// that the correction itself does not reach.
    Superseded {
        /// The object.
        object: ObjectId,
        /// The version that replaces every earlier one.
        version: ReportVersion,
    },
}

fn document<T: Part>(bytes: &[u8], max: usize) -> Result<T, WireError> {
    if bytes.len() > max {
        return Err(WireError::Limit);
    }
    let mut r = Reader::new(bytes);
    r.tuple(2)?;
    if r.uint()? != VERSION {
        return Err(WireError::Version);
    }
    let made = T::get(&mut r)?;
    r.end()?;
    Ok(made)
}

fn bytes_of<T: Part>(part: &T) -> Vec<u8> {
    let mut w = Writer::default();
    part.put(w.array(2).uint(VERSION));
    w.finish()
}

/// Returns the canonical bytes of a token, to be signed.
#[must_use]
pub fn encode_onward_token(token: &OnwardToken) -> Vec<u8> {
    bytes_of(token)
}

/// Reads a token.
///
/// # Errors
/// When the bytes are not the canonical encoding of a token within the limits.
pub fn decode_onward_token(bytes: &[u8]) -> Result<OnwardToken, WireError> {
    document(bytes, TOKEN_MAX)
}

/// Returns the canonical bytes of a hop.
#[must_use]
pub fn encode_hop(hop: &Hop) -> Vec<u8> {
    bytes_of(hop)
}

/// Reads a hop.
///
/// # Errors
/// When the bytes are not the canonical encoding of a hop within the limits.
pub fn decode_hop(bytes: &[u8]) -> Result<Hop, WireError> {
    document(bytes, SEALED_MAX)
}

/// Returns the canonical bytes of a step.
#[must_use]
pub fn encode_onward_step(step: &OnwardStep) -> Vec<u8> {
    bytes_of(step)
}

/// Reads a step.
///
/// # Errors
/// When the bytes are not the canonical encoding of a step within the limits.
pub fn decode_onward_step(bytes: &[u8]) -> Result<OnwardStep, WireError> {
    document(bytes, STEP_MAX)
}

impl Part for OnwardToken {
    fn put(&self, w: &mut Writer) {
        w.array(12);
        self.consent.put(w);
        self.originator.put(w);
        self.object.put(w);
        self.version.put(w);
        self.content.put(w);
        self.by.put(w);
        self.to.put(w);
        w.bytes(&self.to_root);
        self.purpose.put(w);
        self.use_by.put(w);
        self.keep_until.put(w);
        self.signed_at.put(w);
    }
    fn get(r: &mut Reader<'_>) -> Result<Self, WireError> {
        r.tuple(12)?;
        let made = Self {
            consent: ObjectId::get(r)?,
            originator: PartyId::get(r)?,
            object: ObjectId::get(r)?,
            version: <ReportVersion as Part>::get(r)?,
            content: Digest::get(r)?,
            by: PartyId::get(r)?,
            to: PartyId::get(r)?,
            to_root: r.array()?,
            purpose: Purpose::get(r)?,
            use_by: Timestamp::get(r)?,
            keep_until: Timestamp::get(r)?,
            signed_at: Timestamp::get(r)?,
        };
        // Three different parties, or it is no onward transfer.
        let three = made.by != made.originator && made.to != made.originator && made.by != made.to;
        if three { Ok(made) } else { Err(WireError::Value) }
    }
}

fn put_bytes(w: &mut Writer, bytes: Option<&[u8]>) {
    match bytes {
        Some(bytes) => w.bytes(bytes),
        None => w.null(),
    };
}

fn get_bytes(r: &mut Reader<'_>, max: usize) -> Result<Option<Vec<u8>>, WireError> {
    if r.null() { Ok(None) } else { Ok(Some(r.bytes(max)?.to_vec())) }
}

impl Part for Hop {
    fn put(&self, w: &mut Writer) {
        w.array(2);
        put_bytes(w, self.token.as_deref());
        w.bytes(&self.sealed);
    }
    fn get(r: &mut Reader<'_>) -> Result<Self, WireError> {
        r.tuple(2)?;
        Ok(Self { token: get_bytes(r, TOKEN_MAX)?, sealed: r.bytes(SEALED_MAX)?.to_vec() })
    }
}

impl Part for CopyState {
    fn put(&self, w: &mut Writer) {
        w.text(self.code());
    }
    fn get(r: &mut Reader<'_>) -> Result<Self, WireError> {
        Self::from_code(r.text(CODE_MAX)?).map_err(|_unknown| WireError::Code)
    }
}

fn code(r: &mut Reader<'_>) -> Result<String, WireError> {
    let text = r.text(CODE_MAX)?;
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    let begins = text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
    if plain && begins { Ok(text.to_owned()) } else { Err(WireError::Code) }
}

impl Part for OnwardStep {
    fn put(&self, w: &mut Writer) {
        match self {
            Self::Asked { consent, object, version, to, purpose, until, reason } => {
                consent.put(w.array(8).uint(1));
                object.put(w);
                version.put(w);
                to.put(w);
                purpose.put(w);
                until.put(w);
                reason.put(w);
            }
            Self::Granted { consent, token } => {
                consent.put(w.array(3).uint(2));
                w.bytes(token);
            }
            Self::Denied { consent, lapsed } => {
                consent.put(w.array(3).uint(3));
                w.bool(*lapsed);
            }
            Self::Revoked { consent, object, version, to, answer_by } => {
                consent.put(w.array(6).uint(4));
                object.put(w);
                version.put(w);
                to.put(w);
                answer_by.put(w);
            }
            Self::Tried { object, version, by, to, code } => {
                object.put(w.array(6).uint(5));
                version.put(w);
                by.put(w);
                to.put(w);
                w.text(code);
            }
            Self::Copy { consent, object, version, holder, state, at, proof } => {
                consent.put(w.array(8).uint(6));
                object.put(w);
                version.put(w);
                holder.put(w);
                state.put(w);
                at.put(w);
                put_bytes(w, proof.as_deref());
            }
            Self::Carried { sealed } => {
                w.array(2).uint(7).bytes(sealed);
            }
            Self::Superseded { object, version } => {
                object.put(w.array(3).uint(8));
                version.put(w);
            }
        }
    }
    fn get(r: &mut Reader<'_>) -> Result<Self, WireError> {
        let parts = r.list(8)?;
        match (r.uint()?, parts) {
            (1, 8) => asked(r),
            (2, 3) => Ok(Self::Granted { consent: ObjectId::get(r)?, token: r.bytes(TOKEN_MAX)?.to_vec() }),
            (3, 3) => Ok(Self::Denied { consent: ObjectId::get(r)?, lapsed: r.bool()? }),
            (4, 6) => Ok(Self::Revoked {
                consent: ObjectId::get(r)?,
                object: ObjectId::get(r)?,
                version: <ReportVersion as Part>::get(r)?,
                to: PartyId::get(r)?,
                answer_by: Timestamp::get(r)?,
            }),
            (5, 6) => Ok(Self::Tried {
                object: ObjectId::get(r)?,
                version: <ReportVersion as Part>::get(r)?,
                by: PartyId::get(r)?,
                to: PartyId::get(r)?,
                code: code(r)?,
            }),
            (6, 8) => Ok(Self::Copy {
                consent: ObjectId::get(r)?,
                object: ObjectId::get(r)?,
                version: <ReportVersion as Part>::get(r)?,
                holder: PartyId::get(r)?,
                state: CopyState::get(r)?,
                at: Timestamp::get(r)?,
                proof: get_bytes(r, CARRIED_MAX)?,
            }),
            (7, 2) => Ok(Self::Carried { sealed: r.bytes(CARRIED_MAX)?.to_vec() }),
            (8, 3) => {
                Ok(Self::Superseded { object: ObjectId::get(r)?, version: <ReportVersion as Part>::get(r)? })
            }
            (1..=8, _) => Err(WireError::Type),
            _other => Err(WireError::Code),
        }
    }
}

fn asked(r: &mut Reader<'_>) -> Result<OnwardStep, WireError> {
    let (consent, object) = (ObjectId::get(r)?, ObjectId::get(r)?);
    let (version, to) = (<ReportVersion as Part>::get(r)?, PartyId::get(r)?);
    let (purpose, until, reason) = (Purpose::get(r)?, Timestamp::get(r)?, Text::get(r)?);
    if reason.reveal().len() > REASON_MAX {
        return Err(WireError::Limit);
    }
    Ok(OnwardStep::Asked { consent, object, version, to, purpose, until, reason })
}

#[cfg(test)]
mod tests {
    use super::*;
    use mithaq_model::Lang;

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u8> =
            hex.bytes().map(|c| u8::try_from(char::from(c).to_digit(16).unwrap()).unwrap()).collect();
        digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
    }

    #[test]
    fn the_vectors_of_onward_transfer_are_read_and_written_the_same() {
        let page = include_str!("../../../docs/spec/vectors/onward.json");
        let mut steps = 0;
        for line in page.lines().filter(|line| line.contains("\"bytes\"")) {
            let part =
                |key: &str| line.split(&format!("\"{key}\": \"")).nth(1).unwrap().split('"').next().unwrap();
            let shown = bytes(part("bytes"));
            let again = match part("name") {
                "token" => encode_onward_token(&decode_onward_token(&shown).unwrap()),
                "hop" | "hop without token" => encode_hop(&decode_hop(&shown).unwrap()),
                _step => {
                    steps += 1;
                    encode_onward_step(&decode_onward_step(&shown).unwrap())
                }
            };
            assert_eq!(again, shown);
        }
        assert_eq!(steps, 8, "every kind of step is shown");
    }

    #[test]
    fn a_token_is_between_three_parties_and_lengths_are_bounded() {
        let party = |name: &str| PartyId::new(name).unwrap();
        let token = |by: &str, to: &str| OnwardToken {
            consent: ObjectId::new([8; 16]),
            originator: party("ma-security"),
            object: ObjectId::new([6; 16]),
            version: ReportVersion::FIRST,
            content: Digest([5; 32]),
            by: party(by),
            to: party(to),
            to_root: [4; 32],
            purpose: Purpose::Investigate,
            use_by: Timestamp::from_millis(1),
            keep_until: Timestamp::from_millis(1),
            signed_at: Timestamp::from_millis(1),
        };
        let good = token("es-police", "ci-judiciary");
        assert_eq!(decode_onward_token(&encode_onward_token(&good)), Ok(good));
        for (by, to) in
            [("ma-security", "es-police"), ("es-police", "ma-security"), ("es-police", "es-police")]
        {
            assert_eq!(decode_onward_token(&encode_onward_token(&token(by, to))), Err(WireError::Value));
        }
        let long = Text::new(Lang::EN, &"a".repeat(REASON_MAX + 1)).unwrap();
        let asked = OnwardStep::Asked {
            consent: ObjectId::new([8; 16]),
            object: ObjectId::new([6; 16]),
            version: ReportVersion::FIRST,
            to: party("ci-judiciary"),
            purpose: Purpose::Investigate,
            until: Timestamp::from_millis(1),
            reason: long,
        };
        assert_eq!(decode_onward_step(&encode_onward_step(&asked)), Err(WireError::Limit));
        assert_eq!(decode_onward_step(&vec![0x82; STEP_MAX + 1]), Err(WireError::Limit));
        let carried = OnwardStep::Carried { sealed: vec![0; CARRIED_MAX + 1] };
        assert!(decode_onward_step(&encode_onward_step(&carried)).is_err());
    }
}
