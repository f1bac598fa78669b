//! People: who may sign in, with which roles, and how a credential becomes an [`Actor`]. A password is hashed
//! with Argon2id (RFC 9106, 64 MiB, three passes); a token is 32 random bytes of which only the SHA-256 is kept.

use argon2::{Algorithm, Argon2, Params, PasswordHash, PasswordHasher as _, PasswordVerifier as _, Version};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use mithaq_model::{Lang, Millis, Officer, OfficerId, RoleSet, Sensitive, Timestamp, UnitId};
use mithaq_store::Page;
use mithaq_store::people::{self, StoredOfficer, Token};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::App;
use crate::error::{AppError, ErrorKind, words};
use crate::log::Event;
use crate::ports::{fresh, random};
use crate::rights::{Actor, May, intent};
use crate::throttle::Who;

/// Longest password in bytes; hashing time does not depend on it beyond.
const PASSWORD_MAX: usize = 1_024;
/// Shortest password in characters (NIST SP 800-63B: length, no composition rules).
const PASSWORD_MIN: usize = 12;
/// How much of an unknown sign-in name is hashed; no name is longer.
const LOGIN_SHOWN: usize = 64;
/// How long a sign-in lasts.
pub const SIGN_IN: Millis = Millis::hours(12);
/// Longest life of a token made for a program.
pub const TOKEN_MAX: Millis = Millis::hours(24 * 90);

/// What is needed to add an officer.
#[derive(Debug, Clone)]
pub struct NewOfficer {
    /// Sign-in name: 3 to 64 of `a-z 0-9 . - _`.
    pub login: String,
    /// Name.
    pub name: Sensitive<String>,
    /// Unit.
    pub unit: UnitId,
    /// Roles.
    pub roles: RoleSet,
    /// Language.
    pub lang: Lang,
}

/// A token, shown once.
pub struct IssuedToken {
    /// What the program sends as `Authorization: Bearer …`.
    pub secret: Zeroizing<String>,
    /// It opens nothing from then on.
    pub expires: Timestamp,
}

impl App {
    /// Adds an officer.
    ///
    /// # Errors
    /// When the sign-in name is malformed or taken, or no role is given.
    pub fn add_officer(
        &self,
        may: May<intent::GovernOfficers>,
        new: &NewOfficer,
    ) -> Result<OfficerId, AppError> {
        let officer = self.officer(new)?;
        self.attempt(Event::refused(may, officer.id), move |app, tx| {
            people::add(tx, &app.vault, &officer)?;
            app.log(tx, &[Event::by(may, "officer.added", officer.id)])?;
            Ok(officer.id)
        })
    }

    /// Adds the first officers of a node that has none. Afterwards only an officer adds officers.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] when there is an officer already.
    pub fn add_first_officers(&self, new: &[NewOfficer]) -> Result<Vec<OfficerId>, AppError> {
        let officers = new.iter().map(|one| self.officer(one)).collect::<Result<Vec<_>, _>>()?;
        self.write(move |app, tx| {
            if !people::list(tx, &app.vault, &Page::first(1))?.is_empty() {
                return Err(AppError::conflict("officer.first_exists"));
            }
            let mut events = Vec::with_capacity(officers.len());
            for officer in &officers {
                people::add(tx, &app.vault, officer)?;
                events.push(Event::system("officer.added", officer.id));
            }
            app.log(tx, &events)?;
            Ok(officers.iter().map(|officer| officer.id).collect())
        })
    }

    fn officer(&self, new: &NewOfficer) -> Result<Officer, AppError> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
        if !(3..=64).contains(&new.login.len()) || !new.login.bytes().all(plain) {
            return Err(AppError::invalid("login").hint("3 to 64 of a-z 0-9 . _ -"));
        }
        if new.roles == RoleSet::NONE {
            return Err(AppError::invalid("roles").hint("give at least one role; `mithaq roles` lists them"));
        }
        let name = mithaq_model::Text::line(new.lang, new.name.reveal())
            .map_err(|why| AppError::invalid("name").because(why))?;
        Ok(Officer {
            id: fresh(&*self.entropy)?,
            login: new.login.clone(),
            name: Sensitive::new(name.reveal().to_owned()),
            unit: new.unit,
            roles: new.roles,
            lang: new.lang,
            active: true,
        })
    }

    /// Locks an officer out, at once: tokens too.
    ///
    /// # Errors
    /// When there is no such officer, or the officer holds the oversight role: the agency cannot revoke it
    /// (limit L17).
    pub fn lock_officer(&self, may: May<intent::GovernOfficers>, officer: OfficerId) -> Result<(), AppError> {
        self.attempt(Event::refused(may, officer), move |app, tx| {
            let StoredOfficer { mut officer, version } =
                people::get(tx, &app.vault, officer)?.ok_or_else(AppError::not_found)?;
            if officer.roles.has(mithaq_model::Role::Oversight) {
                return Err(AppError::refused("officer.oversight", words::OVERSIGHT_STAYS, 1, None, None));
            }
            officer.active = false;
            people::change(tx, &app.vault, version, &officer)?;
            people::revoke_tokens(tx, officer.id, None, app.now())?;
            app.log(tx, &[Event::by(may, "officer.locked", officer.id)])?;
            Ok(())
        })
    }

    /// Lists officers; for who runs the node.
    ///
    /// # Errors
    /// When the store fails.
    pub fn officers(
        &self,
        _may: May<intent::GovernOfficers>,
        page: &Page<OfficerId>,
    ) -> Result<Vec<Officer>, AppError> {
        let page = *page;
        self.read(move |app, tx| {
            let stored = people::list(tx, &app.vault, &page)?;
            Ok(stored.into_iter().map(|stored| stored.officer).collect())
        })
    }

    /// Sets an officer's password.
    ///
    /// # Errors
    /// When it is shorter than 12 characters or longer than 1,024 bytes, or there is no such officer.
    pub fn set_password(&self, officer: OfficerId, password: &str) -> Result<(), AppError> {
        if password.chars().count() < PASSWORD_MIN || password.len() > PASSWORD_MAX {
            return Err(AppError::invalid("password").hint("at least 12 characters; a few words are good"));
        }
        let salt = argon2::password_hash::phc::Salt::new(&random::<16>(&*self.entropy)?).map_err(hash_bug)?;
        let hash = argon2()?
            .hash_password_with_salt(password.as_bytes(), salt.as_ref())
            .map_err(hash_bug)?
            .to_string();
        self.write(move |app, tx| {
            people::set_password(tx, officer, Some(&Sensitive::new(hash.clone())))?;
            app.log(tx, &[Event::system("officer.password_set", officer)])?;
            Ok(())
        })
    }

    /// Turns a sign-in name and password into a token. A wrong name takes as long as a wrong password.
    ///
    /// # Errors
    /// [`ErrorKind::Unauthenticated`] whatever was wrong.
    pub fn sign_in(&self, login: &str, password: &str) -> Result<IssuedToken, AppError> {
        let asked = login.to_owned();
        let found = self.read(move |app, tx| Ok(people::by_login(tx, &app.vault, &asked)?))?;
        let (officer, hash) = match found {
            Some((stored, Some(hash))) => (Some((stored.officer, true)), hash),
            Some((stored, None)) => (Some((stored.officer, false)), Sensitive::new(DUMMY_HASH.to_owned())),
            None => (None, Sensitive::new(DUMMY_HASH.to_owned())),
        };
        let good = password.len() <= PASSWORD_MAX
            && PasswordHash::new(hash.reveal()).is_ok_and(|hash| {
                argon2().is_ok_and(|argon| argon.verify_password(password.as_bytes(), &hash).is_ok())
            });
        match officer {
            Some((officer, true)) if good && officer.active => self.issue(&officer, SIGN_IN),
            Some((officer, _)) => self.not_signed_in(Some(officer.id), officer.id.to_string()),
            None => self.not_signed_in(None, self.stranger(login)),
        }
    }

    /// Refuses a sign-in or a token, with an entry as far as the hour allows: the number of tries is its verdict.
    ///
    /// # Errors
    /// Always.
    fn not_signed_in<T>(&self, who: Option<OfficerId>, object: String) -> Result<T, AppError> {
        let who = who.map_or(Who::Stranger, Who::Officer);
        if let Some(tries) = self.throttle.count(who, self.now()) {
            let event = Event::system("sign_in.failed", object).verdict(format!("tries:{tries}"));
            self.write(move |app, tx| app.log(tx, &[event]).map(drop))?;
        }
        Err(AppError::unauthenticated())
    }

    /// What the log calls a sign-in name that nobody has: a keyed hash. The same name gives the same word, so that
    /// oversight sees what was tried again; what was typed, perhaps a password, cannot be read from it.
    fn stranger(&self, login: &str) -> String {
        let start: String = login.chars().take(LOGIN_SHOWN).collect();
        let hash = self.vault.term(&format!("sign-in:{start}"));
        format!("stranger-{}", HEXLOWER.encode(&hash.as_bytes()[..]))
    }

    /// Makes a token for an officer's program, at the node itself.
    ///
    /// # Errors
    /// When there is no such officer, the officer is locked, or the life is longer than 90 days.
    pub fn issue_token(&self, login: &str, life: Millis) -> Result<IssuedToken, AppError> {
        if life > TOKEN_MAX || life == Millis(0) {
            return Err(AppError::invalid("life").hint("a token lives at most 90 days"));
        }
        let asked = login.to_owned();
        let found = self.read(move |app, tx| Ok(people::by_login(tx, &app.vault, &asked)?))?;
        match found.map(|(stored, _)| stored.officer) {
            Some(officer) if officer.active => self.issue(&officer, life),
            Some(officer) => self.answered(refused_token(officer.id), Err(AppError::not_found())),
            None => self.answered(refused_token(self.stranger(login)), Err(AppError::not_found())),
        }
    }

    fn issue(&self, officer: &Officer, life: Millis) -> Result<IssuedToken, AppError> {
        let bytes = Zeroizing::new(random::<32>(&*self.entropy)?);
        let (created, expires) = (self.now(), self.now().plus(life));
        let token = Token { hash: token_hash(&bytes), officer: officer.id, created, expires, revoked: None };
        let id = officer.id;
        self.write(move |app, tx| {
            people::add_token(tx, &token)?;
            app.log(tx, &[Event::system("sign_in.token", id)])?;
            Ok(())
        })?;
        Ok(IssuedToken { secret: Zeroizing::new(BASE64URL_NOPAD.encode(&*bytes)), expires })
    }

    /// Turns a token into the human it stands for.
    ///
    /// # Errors
    /// [`ErrorKind::Unauthenticated`] when it is unknown, over, revoked, or the officer is locked.
    pub fn authenticate(&self, token: &str) -> Result<Actor, AppError> {
        let bytes = Zeroizing::new(BASE64URL_NOPAD.decode(token.as_bytes()).unwrap_or_default());
        let Ok(bytes) = <[u8; 32]>::try_from(bytes.as_slice()).map(Zeroizing::new) else {
            return self.not_signed_in(None, "token".to_owned());
        };
        self.refresh()?;
        let hash = token_hash(&bytes);
        let found = self.read(move |app, tx| {
            let Some(token) = people::token(tx, &hash)? else { return Ok(None) };
            let good = token.is_good(app.now());
            let stored = people::get(tx, &app.vault, token.officer)?;
            Ok(stored.map(|stored| (stored.officer, good)))
        })?;
        match found {
            Some((officer, true)) if officer.active => Ok(Actor::authenticated(officer)),
            Some((officer, _)) => self.not_signed_in(Some(officer.id), officer.id.to_string()),
            None => self.not_signed_in(None, "token".to_owned()),
        }
    }

    /// Ends every session of the human.
    ///
    /// # Errors
    /// When the store fails.
    pub fn sign_out(&self, actor: &Actor) -> Result<(), AppError> {
        let id = actor.id();
        self.write(move |app, tx| {
            people::revoke_tokens(tx, id, None, app.now())?;
            app.log(tx, &[Event::system("sign_in.ended", id)])?;
            Ok(())
        })
    }
}

/// A hash of no password, at the same cost, so that an unknown name takes as long as a known one.
const DUMMY_HASH: &str =
    "$argon2id$v=19$m=65536,t=3,p=1$bm90IGEgcmVhbCBzYWx0$2n1Z7m7cXG1kqk3Yb6m3Yh4Q6vYyQ1Yx0mQ0m9y7m2o";

/// A token that was asked for at the node itself.
fn refused_token(object: impl core::fmt::Display) -> Event {
    Event::system("refused.token", object)
}

fn token_hash(bytes: &[u8; 32]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

fn argon2() -> Result<Argon2<'static>, AppError> {
    let params = Params::new(64 * 1024, 3, 1, Some(32)).map_err(|_| hash_failed())?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash_failed() -> AppError {
    AppError::new(ErrorKind::Bug, "auth.hash", words::BUG)
}

fn hash_bug(error: impl core::fmt::Display) -> AppError {
    // The library's errors name parameters, never the password.
    let _shown_nowhere = error;
    hash_failed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_costs_what_a_known_one_does() {
        let dummy = PasswordHash::new(DUMMY_HASH).unwrap();
        let ours = argon2().unwrap().hash_password_with_salt(b"any password", b"sixteen bytes ok").unwrap();
        assert_eq!(dummy.algorithm, ours.algorithm);
        assert_eq!(dummy.version, ours.version);
        assert_eq!(dummy.params, ours.params);
        let length = |hash: &PasswordHash| hash.hash.as_ref().map(|output| output.as_bytes().len());
        assert_eq!(length(&dummy), length(&ours));
        // Compared and found different, not refused early as malformed.
        let refused = argon2().unwrap().verify_password(b"any password", &dummy).unwrap_err();
        assert_eq!(refused, argon2::password_hash::Error::PasswordInvalid);
    }
}
