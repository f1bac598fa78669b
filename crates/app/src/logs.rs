//! Logs of partners about which people decide. A successor of a partner's log counts once its root names it in a
//! manifest, or two persons here say so; a log that showed two histories is countersigned again once two persons here say
//! which of the two goes on. What convicts the log is kept for good.

use mithaq_db::Tx;
use mithaq_ledger::{
    AddCheckpoint, ForkProof, Held, SignedNote, Trust, VerifierKey, content_digest, verify_checkpoint,
};
use mithaq_model::{OfficerId, PartyId, Role};
use mithaq_store::{ledger, settings};

use crate::App;
use crate::error::{AppError, words};
use crate::log::Event;
use crate::rights::{May, intent};

/// Successors of one partner that are remembered as asked for or accepted.
const SUCCESSORS_MAX: usize = 64;

/// What a person says about a partner's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogRuling {
    /// The successor counts.
    Accept,
    /// Of two histories, the one that is held here goes on.
    Keep,
    /// Of two histories, the other one goes on.
    Adopt,
}

impl LogRuling {
    /// Returns the code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Keep => "keep",
            Self::Adopt => "adopt",
        }
    }

    /// Reads a code.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] for an unknown one.
    pub fn from_code(code: &str) -> Result<Self, AppError> {
        let found = [Self::Accept, Self::Keep, Self::Adopt].into_iter().find(|one| one.code() == code);
        found.ok_or_else(|| AppError::invalid("ruling").hint("accept, keep or adopt"))
    }
}

/// Why people are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogCause {
    /// It continues another log of the partner after a loss, and no manifest names it.
    Succession,
    /// It showed two histories.
    Fork,
}

impl LogCause {
    /// Returns the code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Succession => "succession",
            Self::Fork => "fork",
        }
    }
}

/// A log that waits for two persons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogMatter {
    /// Whose.
    pub party: PartyId,
    /// Name of the log.
    pub origin: String,
    /// Why.
    pub cause: LogCause,
    /// Size of what is held here.
    pub held: u64,
    /// What was said: role and ruling.
    pub said: Vec<(Role, LogRuling)>,
}

/// One person's word, about exactly what was there to be judged.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Said {
    role: Role,
    officer: OfficerId,
    ruling: LogRuling,
    about: String,
}

impl App {
    /// Lists the logs of partners that wait for two persons.
    ///
    /// # Errors
    /// When the store fails.
    pub fn log_matters(&self, _may: May<intent::ReadHealth>) -> Result<Vec<LogMatter>, AppError> {
        self.read(move |app, tx| {
            let registry = app.registry();
            let mut all = Vec::new();
            for party in registry.peers.keys().filter(|party| **party != app.party) {
                for origin in app.origins(tx, party)? {
                    let Some((cause, about)) = app.matter(tx, party, &origin)? else { continue };
                    let said = said_of(tx, &origin)?.into_iter().filter(|one| one.about == about);
                    let said = said.map(|one| (one.role, one.ruling)).collect();
                    let held = ledger::witnessed(tx, &origin)?.size;
                    all.push(LogMatter { party: party.clone(), origin, cause, held, said });
                }
            }
            Ok(all)
        })
    }

    /// Says, as one of two persons, what becomes of a partner's log. When the security officer and a supervisor, two
    /// persons, say the same it is done; returns whether it is.
    ///
    /// # Errors
    /// When nothing about that log waits, the ruling does not fit, or the same person said so in the other role.
    pub fn judge_log(
        &self,
        may: May<intent::JudgeLog>,
        party: &PartyId,
        (origin, ruling): (&str, LogRuling),
    ) -> Result<bool, AppError> {
        let (party, origin) = (party.clone(), origin.to_owned());
        self.attempt(Event::refused(may, &party), move |app, tx| {
            let (cause, about) = app.matter(tx, &party, &origin)?.ok_or_else(|| {
                AppError::conflict("logs.nothing_waits")
                    .hint("`mithaq keys logs` shows what waits for two persons")
            })?;
            if (cause == LogCause::Succession) != (ruling == LogRuling::Accept) {
                return Err(AppError::conflict("logs.ruling")
                    .hint("a successor is accepted; of two histories one is kept or the other adopted"));
            }
            let mut said = said_of(tx, &origin)?;
            let word = Said { role: may.role(), officer: may.actor(), ruling, about };
            let done = agreed(&mut said, word)?;
            settings::set(tx, &said_name(&origin), &encode(&said))?;
            let mut events = vec![Event::by(may, "logs.judged", &origin).with(&party).verdict(ruling.code())];
            if done {
                app.carry_out(tx, (&party, &origin), ruling)?;
                let event = Event::system("peer.log_settled", &origin);
                events.push(event.with(&party).verdict(ruling.code()));
            }
            app.log(tx, &events)?;
            Ok(done)
        })
    }

    fn carry_out(
        &self,
        tx: &mut dyn Tx,
        (party, origin): (&PartyId, &str),
        ruling: LogRuling,
    ) -> Result<(), AppError> {
        if ruling == LogRuling::Accept {
            return add_line(tx, &accepted_name(party), origin);
        }
        let forks = ledger::forks(tx, origin)?;
        if ruling == LogRuling::Adopt {
            let newest = forks.last().ok_or_else(AppError::not_found)?;
            self.adopt(tx, (party, origin), newest)?;
        }
        Ok(settings::set(tx, &settled_name(origin), forks.len().to_string().as_bytes())?)
    }

    /// What is held is the other of the two notes from now on.
    fn adopt(
        &self,
        tx: &mut dyn Tx,
        (party, origin): (&PartyId, &str),
        proof: &[u8],
    ) -> Result<(), AppError> {
        let key = [self.partner_log(party, origin).ok_or_else(AppError::not_found)?];
        let damaged = || AppError::bug("logs.fork");
        let proof = ForkProof::parse(proof).map_err(|why| damaged().because(why))?;
        let held = ledger::witnessed(tx, origin)?;
        for note in proof.notes() {
            let verified =
                verify_checkpoint(note, &Trust::logs_only(&key)).map_err(|why| damaged().because(why))?;
            let checkpoint = verified.checkpoint();
            let other = Held { size: checkpoint.size(), root: *checkpoint.root() };
            if other != held {
                return Ok(ledger::set_witnessed(tx, origin, &held, (&other, note), self.now())?);
            }
        }
        Err(damaged())
    }

    /// What people are to judge about a log, if anything: why, and a name for exactly what is there.
    fn matter(
        &self,
        tx: &mut dyn Tx,
        party: &PartyId,
        origin: &str,
    ) -> Result<Option<(LogCause, String)>, AppError> {
        let forks = ledger::forks(tx, origin)?;
        if forks.len() > settled(tx, origin)? {
            let all = content_digest(&forks.concat());
            return Ok(Some((LogCause::Fork, format!("{all:?}"))));
        }
        let waits = lines(tx, &pending_name(party))?.iter().any(|one| one == origin);
        if waits && !self.log_counts(tx, party, origin)? {
            return Ok(Some((LogCause::Succession, "succession".to_owned())));
        }
        Ok(None)
    }

    /// Whether a log that showed two histories was not settled since.
    pub(crate) fn is_forked(&self, tx: &mut dyn Tx, origin: &str) -> Result<bool, AppError> {
        Ok(ledger::forks(tx, origin)?.len() > settled(tx, origin)?)
    }

    /// Whether a log counts: a manifest of its party names it, it is held since before people were asked, or two persons
    /// accepted it.
    pub(crate) fn log_counts(
        &self,
        tx: &mut dyn Tx,
        party: &PartyId,
        origin: &str,
    ) -> Result<bool, AppError> {
        let registry = self.registry();
        let Some(peer) = registry.peers.get(party) else { return Ok(false) };
        if peer.log_keys().iter().any(|key| key.name().as_str() == origin) {
            return Ok(true);
        }
        let accepted = lines(tx, &accepted_name(party))?.iter().any(|one| one == origin);
        Ok(accepted || ledger::witnessed(tx, origin)? != Held::NONE)
    }

    /// A successor that does not count yet asks to be countersigned: people are told, once. `false` when its own key did
    /// not sign the request.
    pub(crate) fn succession_waits(
        &self,
        tx: &mut dyn Tx,
        (peer, log): (&PartyId, &VerifierKey),
        request: &AddCheckpoint,
    ) -> Result<bool, AppError> {
        let (keys, origin) = ([log.clone()], log.name().as_str());
        if verify_checkpoint(&request.note, &Trust::logs_only(&keys)).is_err() {
            return Ok(false);
        }
        add_line(tx, &pending_name(peer), origin)?;
        // A partner began another log after a loss: its people owe ours an explanation.
        if self.alarm(tx, "peer.log_succeeded", peer, origin)? {
            self.log(tx, &[Event::system("peer.log_succeeded", origin).with(peer)])?;
        }
        Ok(true)
    }

    /// The names of a partner's logs: those its manifests name, and successors that asked.
    fn origins(&self, tx: &mut dyn Tx, party: &PartyId) -> Result<Vec<String>, AppError> {
        let registry = self.registry();
        let keys = registry.peers.get(party).map(|peer| peer.log_keys()).unwrap_or_default();
        let mut origins: Vec<String> = keys.iter().map(|key| key.name().as_str().to_owned()).collect();
        // Successors that were countersigned before people were asked about them.
        for origin in origins.clone() {
            for generation in 2..=SUCCESSORS_MAX {
                let next = format!("{origin}/{generation}");
                if ledger::held_note(tx, &next)?.is_none() {
                    break;
                }
                origins.push(next);
            }
        }
        origins.extend(lines(tx, &pending_name(party))?);
        origins.extend(lines(tx, &accepted_name(party))?);
        origins.sort();
        origins.dedup();
        Ok(origins)
    }

    /// The key of a partner's log, or of a successor of it, by its name.
    pub(crate) fn partner_log(&self, peer: &PartyId, origin: &str) -> Option<VerifierKey> {
        let origin = mithaq_ledger::KeyName::new(origin).ok()?;
        let registry = self.registry();
        let keys = registry.peers.get(peer)?.log_keys();
        keys.iter().rev().find_map(|key| mithaq_evidence::successor_key(key, &origin))
    }

    /// The newest note held of a partner's logs, in the order they follow each other.
    pub(crate) fn newest_note(&self, tx: &mut dyn Tx, party: &PartyId) -> Result<Option<Vec<u8>>, AppError> {
        let mut newest: Option<(u32, Vec<u8>)> = None;
        let registry = self.registry();
        let base = registry.peers.get(party).and_then(|peer| peer.log_keys().first().cloned());
        let Some(base) = base else { return Ok(None) };
        for origin in self.origins(tx, party)? {
            let Some(note) = ledger::held_note(tx, &origin)? else { continue };
            let after = origin.strip_prefix(base.name().as_str()).and_then(|rest| rest.strip_prefix('/'));
            let generation = after.map_or(Some(1), |number| number.parse().ok()).unwrap_or(0);
            if newest.as_ref().is_none_or(|(before, _)| generation >= *before) {
                newest = Some((generation, note));
            }
        }
        Ok(newest.map(|(_, note)| note))
    }
}

/// The name of the log a note is of.
pub(crate) fn origin_of(note: &SignedNote) -> &str {
    note.text().lines().next().unwrap_or_default()
}

fn pending_name(party: &PartyId) -> String {
    format!("logs.pending.{party}")
}

fn accepted_name(party: &PartyId) -> String {
    format!("logs.accepted.{party}")
}

fn settled_name(origin: &str) -> String {
    format!("logs.settled.{origin}")
}

fn said_name(origin: &str) -> String {
    format!("logs.said.{origin}")
}

fn text(tx: &mut dyn Tx, name: &str) -> Result<String, AppError> {
    let stored = settings::get(tx, name)?.unwrap_or_default();
    String::from_utf8(stored).map_err(|why| AppError::bug("logs.setting").because(why))
}

fn lines(tx: &mut dyn Tx, name: &str) -> Result<Vec<String>, AppError> {
    Ok(text(tx, name)?.lines().map(str::to_owned).collect())
}

fn add_line(tx: &mut dyn Tx, name: &str, line: &str) -> Result<(), AppError> {
    let mut all = lines(tx, name)?;
    if all.iter().any(|one| one == line) {
        return Ok(());
    }
    if all.len() >= SUCCESSORS_MAX {
        return Err(AppError::conflict("logs.too_many"));
    }
    all.push(line.to_owned());
    Ok(settings::set(tx, name, all.join("\n").as_bytes())?)
}

/// How many of the proofs against a log two persons have dealt with.
fn settled(tx: &mut dyn Tx, origin: &str) -> Result<usize, AppError> {
    Ok(text(tx, &settled_name(origin))?.parse().unwrap_or(0))
}

/// Adds a word to those about the same matter; an earlier one in the same role is taken back. Returns whether two
/// persons in two roles agree now.
fn agreed(said: &mut Vec<Said>, word: Said) -> Result<bool, AppError> {
    said.retain(|one| one.about == word.about && one.role != word.role);
    if said.iter().any(|one| one.officer == word.officer) {
        return Err(AppError::refused("logs.one_person", words::TWO_PERSONS, 14, None, None)
            .hint("another person, in the other role, says the same"));
    }
    let done = said.iter().any(|one| one.ruling == word.ruling);
    said.push(word);
    Ok(done)
}

fn encode(said: &[Said]) -> Vec<u8> {
    let line = |one: &Said| {
        let officer = data_encoding::HEXLOWER.encode(one.officer.as_bytes());
        format!("{} {officer} {} {}", one.role.code(), one.ruling.code(), one.about)
    };
    said.iter().map(line).collect::<Vec<_>>().join("\n").into_bytes()
}

fn said_of(tx: &mut dyn Tx, origin: &str) -> Result<Vec<Said>, AppError> {
    Ok(lines(tx, &said_name(origin))?.iter().filter_map(|line| read_said(line)).collect())
}

fn read_said(line: &str) -> Option<Said> {
    let mut parts = line.splitn(4, ' ');
    let (role, officer) = (parts.next()?, parts.next()?);
    let (ruling, about) = (parts.next()?, parts.next()?);
    let officer = data_encoding::HEXLOWER.decode(officer.as_bytes()).ok()?;
    Some(Said {
        role: Role::from_code(role).ok()?,
        officer: OfficerId::new(officer.try_into().ok()?),
        ruling: LogRuling::from_code(ruling).ok()?,
        about: about.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(role: Role, officer: u8, ruling: LogRuling) -> Said {
        Said { role, officer: OfficerId::new([officer; 16]), ruling, about: "fork of June".to_owned() }
    }

    #[test]
    fn one_person_in_two_roles_is_one_person_and_what_was_said_is_read_again() {
        let mut said = Vec::new();
        assert!(!agreed(&mut said, word(Role::SecurityOfficer, 1, LogRuling::Keep)).unwrap());
        let same = agreed(&mut said, word(Role::Supervisor, 1, LogRuling::Keep)).unwrap_err();
        assert_eq!(same.code(), "logs.one_person");
        assert!(!agreed(&mut said, word(Role::Supervisor, 2, LogRuling::Adopt)).unwrap());
        let other = Said { about: "fork of July".to_owned(), ..word(Role::Supervisor, 2, LogRuling::Keep) };
        assert!(
            !agreed(&mut said.clone(), other).unwrap(),
            "what was said about another matter counts for nothing"
        );
        assert!(agreed(&mut said, word(Role::Supervisor, 2, LogRuling::Keep)).unwrap());
        let text = String::from_utf8(encode(&said)).unwrap();
        assert_eq!(text.lines().filter_map(read_said).collect::<Vec<_>>(), said);
        assert_eq!(read_said("supervisor nobody keep it"), None);
    }
}
