//! What the application asks of the machine it runs on: the time and randomness. The shell gives both, tests
//! give their own.

use mithaq_exchange::object_number;
use mithaq_model::{Id16, PartyId, ReportId, Timestamp};
pub use mithaq_store::{Entropy, NoEntropy};

/// A wall clock. Never used for order or loss, only to refuse, to remind and to say when.
pub trait Clock: Send + Sync {
    /// Returns the time.
    fn now(&self) -> Timestamp;
}

/// What the node remembers of its log outside of its database: the last checkpoint it signed. Whoever puts an older,
/// consistent copy of the whole database in place would not be noticed by the database itself.
pub trait HighWater: Send + Sync {
    /// Returns the signed checkpoint that was kept last; none: nothing was kept yet.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    fn last(&self) -> Result<Option<Vec<u8>>, Unkept>;

    /// Keeps a signed checkpoint, durable on return, in place of the last.
    ///
    /// # Errors
    /// When it could not be made durable.
    fn keep(&self, note: &[u8]) -> Result<(), Unkept>;
}

/// The mark outside of the database cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("the mark of the log outside of the database cannot be {what}")]
pub struct Unkept {
    /// `read` or `written`.
    pub what: &'static str,
    /// What the machine says.
    #[source]
    pub source: std::io::Error,
}

/// Returns a random array.
///
/// # Errors
/// When the source fails.
pub fn random<const N: usize>(entropy: &dyn Entropy) -> Result<[u8; N], NoEntropy> {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes)?;
    Ok(bytes)
}

/// Returns a new random identifier.
///
/// # Errors
/// When the source fails.
pub fn fresh<I: Id16>(entropy: &dyn Entropy) -> Result<I, NoEntropy> {
    random::<16>(entropy).map(I::from_bytes)
}

/// Returns the number of a new report of a party. The first six bytes are the milliseconds since 1970, so that what is made
/// together lies together in every index; four are the party's mark, so that no other can claim it; six are random
/// (`docs/decisions/report-numbers.md`).
///
/// # Errors
/// When the source fails.
pub fn report_number(entropy: &dyn Entropy, now: Timestamp, of: &PartyId) -> Result<ReportId, NoEntropy> {
    let mut bytes = random::<16>(entropy)?;
    // Before 1970 and after the year 10,889 the place is wrong and the number as good as any.
    let millis = now.as_millis().to_be_bytes();
    for (byte, of_time) in bytes.iter_mut().zip(millis.into_iter().skip(2)) {
        *byte = of_time;
    }
    Ok(ReportId::new(*object_number(bytes, of).as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(u8);

    impl Entropy for Fixed {
        fn fill(&self, out: &mut [u8]) -> Result<(), NoEntropy> {
            out.fill(self.0);
            Ok(())
        }
    }

    fn number(millis: i64, random: u8) -> ReportId {
        let of = PartyId::new("ma-security").unwrap();
        report_number(&Fixed(random), Timestamp::from_millis(millis), &of).unwrap()
    }

    #[test]
    fn a_number_sorts_by_its_time_says_whose_it_is_and_keeps_six_random_bytes() {
        let (early, late) = (number(1_795_000_000_000, 0xff), number(1_795_000_000_001, 0));
        assert!(early < late);
        assert_eq!(early.as_bytes()[10..], [0xff; 6]);
        assert_eq!(late.as_bytes()[..6], [0x01, 0xa1, 0xee, 0x56, 0x5e, 0x01]);
        let of = |name| mithaq_exchange::is_number_of(early.into(), &PartyId::new(name).unwrap());
        assert!(of("ma-security") && !of("es-police"));
    }

    #[test]
    fn a_clock_before_1970_gives_a_number_too() {
        assert_eq!(number(-1, 7).as_bytes()[..6], [0xff; 6]);
    }
}
