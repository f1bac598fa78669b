//! What people decided about rights, for who oversees it: every word with its written reason; and the alarms that
//! rang, codes and references without content.

use mithaq_model::{Text, Timestamp};
use mithaq_store::alarms::{self, Alarm};
use mithaq_store::rulings::{self, Ruling};

use crate::App;
use crate::error::AppError;
use crate::log::Event;
use crate::rights::{May, intent};

/// Most rulings of one call, the oldest first.
const RULINGS_MAX: u32 = 1_000;

impl App {
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
