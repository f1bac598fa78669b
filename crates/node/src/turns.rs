//! Which partners this process sends to, and whether it keeps the timers. One process on SQLite has everything; of
//! several on one server each has its share, by leases that end within seconds of its death.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use mithaq_app::{App, LEASE};
use mithaq_model::PartyId;
use mithaq_store::leases::{Kept, Lease};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::pump::blocking;
use crate::serve::wait;

/// How often leases are renewed and free ones looked for: several times within a lease.
const RENEW: Duration = Duration::from_secs(1);

/// What this process may do now.
#[derive(Debug)]
pub(crate) struct Turns(Option<Mutex<Held>>);

#[derive(Debug)]
struct Held {
    partners: BTreeMap<PartyId, Lease>,
    timers: Option<Lease>,
    /// Whether some process keeps the timers.
    timers_kept: bool,
    /// Nothing of it counts any more from then on. By this machine's own clock, from before the renewal was asked
    /// for: never later than the server's end of the lease.
    until: Instant,
}

/// Whether something is this process's matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mine {
    /// It is, without a lease: there is no other process.
    Alone,
    /// It is, under a lease.
    Leased(Lease),
    /// It is another's, or nobody's yet.
    No,
}

impl Mine {
    /// The application as this permits to use it.
    pub(crate) fn app(self, app: &App) -> Option<App> {
        match self {
            Self::Alone => Some(app.clone()),
            Self::Leased(lease) => Some(app.under(lease)),
            Self::No => None,
        }
    }
}

impl Turns {
    pub(crate) fn of(app: &App) -> Self {
        let none =
            || Held { partners: BTreeMap::new(), timers: None, timers_kept: false, until: Instant::now() };
        Self(app.is_shared().then(|| Mutex::new(none())))
    }

    /// Whether this process sends to a partner.
    pub(crate) fn partner(&self, party: &PartyId) -> Mine {
        self.mine(|held| held.partners.get(party).cloned())
    }

    /// Whether this process keeps the timers.
    pub(crate) fn timers(&self) -> Mine {
        self.mine(|held| held.timers.clone())
    }

    /// Whether some process is known to keep the timers.
    pub(crate) fn timers_kept(&self) -> bool {
        let Some(place) = &self.0 else { return true };
        let held = place.lock().unwrap_or_else(PoisonError::into_inner);
        held.timers_kept && Instant::now() < held.until
    }

    fn mine(&self, lease: impl Fn(&Held) -> Option<Lease>) -> Mine {
        let Some(place) = &self.0 else { return Mine::Alone };
        let held = place.lock().unwrap_or_else(PoisonError::into_inner);
        if Instant::now() >= held.until {
            return Mine::No;
        }
        lease(&held).map_or(Mine::No, Mine::Leased)
    }

    fn keep(&self, asked: Instant, kept: Kept) -> bool {
        let Some(place) = &self.0 else { return false };
        let mut held = place.lock().unwrap_or_else(PoisonError::into_inner);
        let partners: BTreeMap<PartyId, Lease> = kept.partners.into_iter().collect();
        let moved = partners != held.partners || kept.timers != held.timers;
        if moved {
            tracing::info!(
                partners = partners.len(),
                timers = kept.timers.is_some(),
                processes = kept.processes,
                "this process's share changed"
            );
        }
        *held = Held {
            partners,
            timers: kept.timers,
            timers_kept: kept.timers_kept,
            until: asked + Duration::from_millis(LEASE.0),
        };
        moved
    }
}

/// Renews until the node stops; `changed` is called when the share is another. What is held is given back by the
/// caller, once nothing is under way any more.
pub(crate) async fn renew(
    app: App,
    turns: std::sync::Arc<Turns>,
    changed: impl Fn() + Send,
    mut stop: watch::Receiver<bool>,
) {
    if turns.0.is_none() {
        crate::serve::stopping(&mut stop).await;
        return;
    }
    loop {
        let asked = Instant::now();
        match blocking(&app, App::take_turn).await {
            Ok(kept) => {
                if turns.keep(asked, kept) {
                    changed();
                }
            }
            Err(error) => tracing::warn!(code = error.code(), "leases could not be renewed"),
        }
        if !wait(RENEW, &mut stop).await {
            return;
        }
    }
}
