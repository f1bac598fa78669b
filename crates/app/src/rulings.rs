//! What people decided about rights, for who oversees it: every word with its written reason; and the alarms that
//! rang, codes and references without content.

use mithaq_db::Tx;
use mithaq_model::{Text, Timestamp};
use mithaq_store::alarms::{self, Alarm};
use mithaq_store::rulings::{self, About, Ruling};
use mithaq_wire::Digest;

use crate::App;
use crate::error::AppError;
use crate::log::{Committed, Event};
use crate::ports::random;
use crate::rights::{Intent, May, intent};

/// Most rulings of one call, the oldest first.
const RULINGS_MAX: u32 = 1_000;

/// A person's ground in writing, with what hides it in the log.
#[derive(Clone)]
pub(crate) struct Written {
    pub(crate) ground: Text,
    salt: [u8; 32],
    number: [u8; 16],
}

impl App {
    /// Takes a ground, with the randomness its word will need.
    pub(crate) fn written(&self, ground: &Text) -> Result<Written, AppError> {
        let (salt, number) = (random::<32>(&*self.entropy)?, random::<16>(&*self.entropy)?);
        Ok(Written { ground: ground.clone(), salt, number })
    }

    /// Stores one person's word about a content, by its hash. Returns what its entry commits to.
    pub(crate) fn put_word<I: Intent>(
        &self,
        tx: &mut dyn Tx,
        may: May<I>,
        (about, hash): (About, Digest),
        says: &str,
        written: &Written,
    ) -> Result<Committed, AppError> {
        let Written { ground, salt, number } = written;
        let committed = Committed::to(about.object, about.version.get(), *salt, ground.reveal().as_bytes());
        let ruling = Ruling {
            about,
            officer: may.actor(),
            role: may.role(),
            says: says.to_owned(),
            hash,
            at: self.now(),
            reason: *number,
        };
        rulings::put(tx, &self.vault, &ruling, ground)?;
        Ok(committed)
    }

    /// Returns every word on rights since a time, each with its reason; none where the reason was erased with the
    /// content it spoke of. Reading them is an entry: reasons may speak of persons.
    ///
    /// # Errors
    /// When the store fails.
    pub fn rulings(
        &self,
        may: May<intent::ReadRulings>,
        since: Timestamp,
    ) -> Result<Vec<(Ruling, Option<Text>)>, AppError> {
        self.write(move |app, tx| {
            let mut all = Vec::new();
            for ruling in rulings::since(tx, since, RULINGS_MAX)? {
                let reason = rulings::reason(tx, &app.vault, &ruling)?;
                all.push((ruling, reason));
            }
            let event = Event::by(may, "rulings.read", &app.party).verdict(format!("{}", all.len()));
            app.log(tx, &[event])?;
            Ok(all)
        })
    }

    /// Returns the alarms nobody has seen to yet, the oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn alarms(&self, _may: May<intent::ReadHealth>) -> Result<Vec<Alarm>, AppError> {
        self.read(|_app, tx| Ok(alarms::open(tx, 1_000)?))
    }
}
