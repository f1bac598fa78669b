//! What a receiver may do with data. Codes combine and only ever add limits: the handling of anything derived
//! is [`Handling::join`] of all it came from.

use crate::code::codes;
use crate::{PartyId, Text};

codes! {
    /// Handling codes (Europol). They combine; H0 is the floor, not "no restriction".
    HandlingCode as "handling code" {
        /// Only to prevent and combat crime.
        H0 = "H0",
        /// Not in judicial proceedings without the provider's permission.
        H1 = "H1",
        /// Not passed on without the provider's permission.
        H2 = "H2",
        /// Further conditions, written down.
        H3 = "H3",
    }
}

codes! {
    /// Traffic Light Protocol 2.0 (FIRST, 2022), from the widest to the narrowest. Labels are not translated.
    Tlp as "TLP" {
        /// No limit on disclosure.
        Clear = "TLP:CLEAR",
        /// The community.
        Green = "TLP:GREEN",
        /// The organisation and its clients, by need to know.
        Amber = "TLP:AMBER",
        /// The organisation only.
        AmberStrict = "TLP:AMBER+STRICT",
        /// The named individuals only.
        Red = "TLP:RED",
    }
}

codes! {
    /// Permissible actions, adapted for police, from the widest to the narrowest.
    Pap as "PAP" {
        /// No limit.
        Clear = "PAP:CLEAR",
        /// Overt action and arrest.
        Green = "PAP:GREEN",
        /// Discreet enquiries.
        Amber = "PAP:AMBER",
        /// Analysis only.
        Red = "PAP:RED",
    }
}

/// A set of handling codes. Always holds H0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HandlingCodes(u8);

impl HandlingCodes {
    /// H0 alone.
    pub const H0: Self = Self(1);

    const fn bit(code: HandlingCode) -> u8 {
        match code {
            HandlingCode::H0 => 1,
            HandlingCode::H1 => 2,
            HandlingCode::H2 => 4,
            HandlingCode::H3 => 8,
        }
    }

    /// Returns the set with one more code.
    #[must_use]
    pub const fn with(self, code: HandlingCode) -> Self {
        Self(self.0 | Self::bit(code))
    }

    /// Returns whether the code is in force.
    #[must_use]
    pub const fn has(self, code: HandlingCode) -> bool {
        self.0 & Self::bit(code) != 0
    }

    /// Returns the codes in force, in order.
    pub fn iter(self) -> impl Iterator<Item = HandlingCode> {
        HandlingCode::ALL.iter().copied().filter(move |code| self.has(*code))
    }

    const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl FromIterator<HandlingCode> for HandlingCodes {
    fn from_iter<I: IntoIterator<Item = HandlingCode>>(codes: I) -> Self {
        codes.into_iter().fold(Self::H0, Self::with)
    }
}

/// The handling block of a report or claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handling {
    codes: HandlingCodes,
    conditions: Vec<Text>,
    tlp: Tlp,
    pap: Pap,
    no_contact_subject: bool,
    onward: Vec<PartyId>,
}

impl Handling {
    /// Most conditions of H3.
    pub const CONDITIONS_MAX: usize = 16;
    /// Most parties onward transfer may be named for.
    pub const ONWARD_MAX: usize = 32;

    /// Takes the codes, TLP and PAP; onward transfer is to nobody.
    #[must_use]
    pub const fn new(codes: HandlingCodes, tlp: Tlp, pap: Pap) -> Self {
        Self { codes, conditions: Vec::new(), tlp, pap, no_contact_subject: false, onward: Vec::new() }
    }

    /// Returns the block with one more written condition, which sets H3. Beyond
    /// [`Handling::CONDITIONS_MAX`] the block is returned unchanged inside the error.
    ///
    /// # Errors
    /// When there are too many conditions.
    pub fn with_condition(mut self, condition: Text) -> Result<Self, Self> {
        if self.conditions.len() >= Self::CONDITIONS_MAX {
            return Err(self);
        }
        self.codes = self.codes.with(HandlingCode::H3);
        self.conditions.push(condition);
        Ok(self)
    }

    /// Returns the block with "do not contact the subject" set.
    #[must_use]
    pub fn forbid_contact(mut self) -> Self {
        self.no_contact_subject = true;
        self
    }

    /// Returns the block with the parties it may be passed on to; none means nobody. Duplicates fall away.
    ///
    /// # Errors
    /// When there are more than [`Handling::ONWARD_MAX`].
    pub fn with_onward(mut self, mut parties: Vec<PartyId>) -> Result<Self, Self> {
        parties.sort();
        parties.dedup();
        if parties.len() > Self::ONWARD_MAX {
            return Err(self);
        }
        self.onward = parties;
        Ok(self)
    }

    /// Returns the codes in force.
    #[must_use]
    pub const fn codes(&self) -> HandlingCodes {
        self.codes
    }

    /// Returns the written conditions of H3.
    #[must_use]
    pub fn conditions(&self) -> &[Text] {
        &self.conditions
    }

    /// Returns the TLP label.
    #[must_use]
    pub const fn tlp(&self) -> Tlp {
        self.tlp
    }

    /// Returns the permissible actions.
    #[must_use]
    pub const fn pap(&self) -> Pap {
        self.pap
    }

    /// Returns whether the subject must not be contacted.
    #[must_use]
    pub const fn no_contact_subject(&self) -> bool {
        self.no_contact_subject
    }

    /// Returns the parties it may be passed on to without asking again. Empty means nobody.
    #[must_use]
    pub fn onward(&self) -> &[PartyId] {
        &self.onward
    }

    /// Returns whether this block allows nothing that the other one does not: every code and condition of it, labels as
    /// narrow or narrower, onward transfer to none but its parties.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        other.codes.iter().all(|code| self.codes.has(code))
            && other.conditions.iter().all(|condition| self.conditions.contains(condition))
            && self.tlp >= other.tlp
            && self.pap >= other.pap
            && (self.no_contact_subject || !other.no_contact_subject)
            && self.onward.iter().all(|party| other.onward.contains(party))
    }

    /// Returns the handling of what is derived from both: every code, every condition, the narrower label,
    /// and only the parties both allow. Where conditions would pass the limit the answer is the strictest
    /// block there is (TLP:RED, PAP:RED, H0–H3, nobody).
    #[must_use]
    pub fn join(&self, other: &Self) -> Self {
        let mut conditions = self.conditions.clone();
        conditions.extend(other.conditions.iter().filter(|c| !self.conditions.contains(c)).cloned());
        let overflow = conditions.len() > Self::CONDITIONS_MAX;
        conditions.truncate(Self::CONDITIONS_MAX);
        let mut onward = self.onward.clone();
        onward.retain(|party| other.onward.contains(party));
        if overflow {
            onward.clear();
        }
        let all = HandlingCode::ALL.iter().copied().collect::<HandlingCodes>();
        Self {
            codes: if overflow { all } else { self.codes.union(other.codes) },
            conditions,
            tlp: if overflow { Tlp::Red } else { self.tlp.max(other.tlp) },
            pap: if overflow { Pap::Red } else { self.pap.max(other.pap) },
            no_contact_subject: self.no_contact_subject || other.no_contact_subject || overflow,
            onward,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Lang;
    use proptest::prelude::*;

    fn block() -> impl Strategy<Value = Handling> {
        let codes = prop::collection::vec(prop::sample::select(HandlingCode::ALL), 0..4);
        let onward = prop::collection::vec("[a-c]{3}", 0..3);
        let conditions = prop::collection::vec("[a-z]{1,3}", 0..4);
        let labels = (prop::sample::select(Tlp::ALL), prop::sample::select(Pap::ALL), any::<bool>());
        (codes, onward, conditions, labels).prop_map(|(codes, onward, conditions, (tlp, pap, contact))| {
            let mut h = Handling::new(codes.into_iter().collect(), tlp, pap)
                .with_onward(onward.iter().map(|p| PartyId::new(p).unwrap()).collect())
                .unwrap();
            for c in conditions {
                h = h.with_condition(Text::line(Lang::EN, &c).unwrap()).unwrap();
            }
            if contact { h.forbid_contact() } else { h }
        })
    }

    proptest! {
        #[test]
        fn join_never_loosens(a in block(), b in block()) {
            let joined = a.join(&b);
            prop_assert!(joined.is_within(&a) && joined.is_within(&b));
            let back = b.join(&a);
            prop_assert_eq!((joined.codes, joined.tlp, joined.pap, joined.onward), (back.codes, back.tlp, back.pap, back.onward));
            prop_assert_eq!(a.join(&a), a);
        }
    }

    #[test]
    fn each_way_to_allow_more_is_seen() {
        let (codes, tlp, pap) = (HandlingCodes::H0.with(HandlingCode::H1), Tlp::Amber, Pap::Amber);
        let made = |codes, tlp, pap, condition: &str, onward: &[&str]| {
            let condition = Text::line(Lang::EN, condition).unwrap();
            let onward = onward.iter().map(|name| PartyId::new(name).unwrap()).collect();
            Handling::new(codes, tlp, pap).with_condition(condition).unwrap().with_onward(onward).unwrap()
        };
        let before = made(codes, tlp, pap, "no press", &["aaa"]);
        let tighter = made(codes.with(HandlingCode::H2), Tlp::Red, Pap::Red, "no press", &[]);
        assert!(tighter.is_within(&before) && before.is_within(&before) && !before.is_within(&tighter));
        for looser in [
            made(HandlingCodes::H0, tlp, pap, "no press", &["aaa"]),
            made(codes, Tlp::Green, pap, "no press", &["aaa"]),
            made(codes, tlp, Pap::Green, "no press", &["aaa"]),
            made(codes, tlp, pap, "no radio", &["aaa"]),
            made(codes, tlp, pap, "no press", &["aaa", "bbb"]),
        ] {
            assert!(!looser.is_within(&before), "{looser:?}");
        }
        assert!(!before.is_within(&before.clone().forbid_contact()));
    }

    #[test]
    fn too_many_conditions_become_the_strictest_block() {
        let fill = |from: usize| {
            (from..from + 10).fold(Handling::new(HandlingCodes::H0, Tlp::Green, Pap::Green), |h, n| {
                h.with_condition(Text::line(Lang::EN, &format!("c{n}")).unwrap()).unwrap()
            })
        };
        let joined = fill(0).join(&fill(10));
        assert_eq!((joined.tlp(), joined.pap()), (Tlp::Red, Pap::Red));
        assert!(joined.onward().is_empty() && joined.codes().has(HandlingCode::H2));
    }

    #[test]
    fn a_condition_sets_h3() {
        let h = Handling::new(HandlingCodes::H0, Tlp::Amber, Pap::Red);
        assert!(!h.codes().has(HandlingCode::H3) && h.codes().has(HandlingCode::H0));
        let h = h.with_condition(Text::line(Lang::FR, "pas de contact avec la presse").unwrap()).unwrap();
        assert!(h.codes().has(HandlingCode::H3));
    }
}
