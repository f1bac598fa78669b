//! Keys that their own root does not trust any more: what still counts under them. What the log's own party signed counts
//! for entries below the size its root named; what a partner signed, for entries from before this log says that the
//! statement came. A statement that proves no size leaves nothing.

use mithaq_envelope::Distrust;
use mithaq_ledger::{KeyName, Trust, VerifierKey, verify_checkpoint};

use crate::names::successor_key;

/// Returns whether a statement carries the checkpoint that a log of its party signed at exactly its size. `keys` are the
/// log keys of the party.
#[must_use]
pub fn size_proven(distrust: &Distrust, keys: &[VerifierKey]) -> bool {
    let Ok(origin) = KeyName::new(&distrust.log) else { return false };
    let keys: Vec<VerifierKey> = keys.iter().filter_map(|key| successor_key(key, &origin)).collect();
    let signed = verify_checkpoint(&distrust.checkpoint, &Trust::logs_only(&keys));
    signed.is_ok_and(|signed| signed.checkpoint().size() == distrust.since)
}

/// A statement whose root was verified.
pub(crate) struct Distrusted {
    pub(crate) read: Distrust,
    pub(crate) is_proven: bool,
}

impl Distrusted {
    /// Whether an entry of a log of the same party is from before.
    pub(crate) fn is_before(&self, origin: &str, index: u64) -> bool {
        let same = self.read.log == origin && index < self.read.since;
        self.is_proven && (same || generation(origin) < generation(&self.read.log))
    }
}

/// Which in the row of its party's logs a log is: 1, or the number its name ends with.
fn generation(origin: &str) -> u32 {
    origin.rsplit('/').next().and_then(|number| number.parse().ok()).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mithaq_model::{PartyId, Timestamp};

    #[test]
    fn before_is_below_the_size_or_in_an_earlier_log_and_proven() {
        let of = |log: &str, is_proven| Distrusted {
            read: Distrust {
                party: PartyId::new("ma-security").unwrap(),
                key: [1; 32],
                log: log.to_owned(),
                since: 7,
                at: Timestamp::from_millis(0),
                checkpoint: Vec::new(),
            },
            is_proven,
        };
        let first = of("ma-security/log", true);
        assert!(first.is_before("ma-security/log", 6) && !first.is_before("ma-security/log", 7));
        assert!(!first.is_before("ma-security/log/2", 0), "a successor is later");
        let second = of("ma-security/log/2", true);
        assert!(second.is_before("ma-security/log", 900) && second.is_before("ma-security/log/2", 6));
        assert!(!of("ma-security/log", false).is_before("ma-security/log", 0), "no size is proven");
    }
}
