//! Taking attachments from partners: what is wanted, the list first, then chunk after chunk, each checked before it is
//! kept. After a kill it goes on where it was durable. Whether this node asks or the partner brings makes no difference.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use mithaq_db::Tx;
use mithaq_envelope::{attachment_root, check_chunk};
use mithaq_model::{AgreementId, Millis, PartyId, ReportId, ReportState};
use mithaq_store::attachments::{self as rows, File, FileState, Link, LinkState};
use mithaq_store::blobs::Blob;
use mithaq_store::reports;
pub use mithaq_wire::Want;
use mithaq_wire::limits::{CHUNK_TAG, PLAIN_CHUNK, WANTS_MAX};
use mithaq_wire::{ChunkList, Digest, Lane, chunks_of, decode_chunk_list};

use super::{about, disk, keep_moving, moving, stop_moving, to_move};
use crate::App;
use crate::error::AppError;

/// Chunks taken before their turn: as many as a partner has under way.
pub(crate) const AHEAD_MAX: u64 = 8;
/// How long a partner that gave something else is not asked for it again.
const WRONG_PAUSE: Millis = Millis::hours(1);
/// Bytes of room without which nothing is asked for: what one chunk takes at most.
const CHUNK_ROOM: usize = 1024 * 1024 + 16;
const _: () = assert!(CHUNK_ROOM as u64 == PLAIN_CHUNK + CHUNK_TAG, "a whole chunk fits");

/// How far an attachment is after a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pulled {
    /// The chunk that is expected next.
    pub next: u64,
    /// Chunks there are.
    pub chunks: u64,
}

/// An attachment that is being taken, in memory.
pub(crate) struct Pull {
    list: ChunkList,
    next: u64,
    durable: u64,
    /// Written before their turn.
    ahead: BTreeSet<u64>,
}

impl App {
    /// Returns what this node wants from a partner now, and how far it has it. Nothing while it takes no content.
    ///
    /// # Errors
    /// When the store fails.
    pub fn wants_from(&self, peer: &PartyId) -> Result<Vec<Want>, AppError> {
        // No chunk is fetched that would have to be thrown away.
        if self.halted().is_some() || self.check_takes(Lane::Bulk, CHUNK_ROOM).is_err() {
            return Ok(Vec::new());
        }
        let (peer, limit) = (peer.clone(), u32::try_from(WANTS_MAX).unwrap_or(u32::MAX));
        let alive = self.registry().alive_with(&peer, self.now());
        self.read(move |app, tx| {
            let mut wants: Vec<Want> = Vec::new();
            for link in rows::wanted(tx, &peer, app.now(), limit)? {
                let known = wants.iter().any(|want| want.root == link.root);
                if known || !alive.contains(&link.agreement) || !is_current(tx, &link)? {
                    continue;
                }
                let file = rows::file(tx, link.root)?.filter(|file| file.state == FileState::Partial);
                let have = file.filter(|_| app.list_here(link.root).is_some()).map(|file| file.have);
                let next = moving(&app.pulls, &link.root)
                    .map(|pull| pull.lock().unwrap_or_else(PoisonError::into_inner).next);
                wants.push(Want {
                    agreement: link.agreement,
                    root: link.root,
                    have: have.map(|have| to_move(next.unwrap_or(have), chunks_of(link.length))),
                });
            }
            Ok(wants)
        })
    }

    /// Takes the list of an attachment's chunks from a partner.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`] for what is not wanted from this partner; [`crate::ErrorKind::Invalid`] for bytes
    /// that are not the list its report names: not asked for again for an hour.
    pub fn take_chunk_list(
        &self,
        peer: &PartyId,
        (agreement, root): (AgreementId, Digest),
        bytes: &[u8],
    ) -> Result<(), AppError> {
        self.ensure_running()?;
        self.check_takes(Lane::Bulk, bytes.len())?;
        let link = self.wanted_link(peer, agreement, root)?;
        let list = match decode_chunk_list(bytes) {
            Ok(list) if attachment_root(&list) == root => list,
            Ok(_other) => return self.wrong(&link, "attachment.list"),
            Err(why) => return self.wrong(&link, "attachment.list").map_err(|error| error.because(why)),
        };
        if list.length() != link.length {
            // The report names this very list with another length: nothing can ever fit both.
            return self.never(link, "attachment.length");
        }
        self.blobs.put_list(root, bytes).map_err(disk)?;
        self.write(move |app, tx| {
            if rows::file_locked(tx, root)?.is_none() {
                let length = list.length();
                let file = File { root, length, have: 0, state: FileState::Partial, at: app.now() };
                rows::put_file(tx, &file)?;
            }
            Ok(())
        })
    }

    /// Takes an encrypted chunk of a wanted attachment. Several may be on their way at once: one a little ahead is kept at
    /// its place, one that was taken before or is far ahead changes nothing. The answer says where to go on.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`] for what is not wanted from this partner or has no list yet;
    /// [`crate::ErrorKind::Invalid`] for bytes that are not the chunk at that place.
    pub fn take_chunk(
        &self,
        peer: &PartyId,
        (agreement, root): (AgreementId, Digest),
        index: u64,
        sealed: &[u8],
    ) -> Result<Pulled, AppError> {
        self.ensure_running()?;
        self.check_takes(Lane::Bulk, sealed.len())?;
        let link = self.wanted_link(peer, agreement, root)?;
        let pull = self.pull_of(root)?;
        let mut pull = pull.lock().unwrap_or_else(PoisonError::into_inner);
        let chunks = pull.list.chunks();
        let turns = pull.next..pull.next.saturating_add(AHEAD_MAX).min(chunks);
        if !turns.contains(&index) || pull.ahead.contains(&index) {
            return Ok(Pulled { next: pull.next, chunks });
        }
        if let Err(why) = check_chunk(&pull.list, index, sealed) {
            return self.wrong(&link, "attachment.chunk").map_err(|error| error.because(why));
        }
        self.blobs.put_chunk(Blob::Root(root), index, sealed).map_err(disk)?;
        pull.ahead.insert(index);
        while pull.ahead.first() == Some(&pull.next) {
            pull.ahead.pop_first();
            pull.next = pull.next.saturating_add(1);
        }
        let (next, last) = (pull.next, pull.next == chunks);
        if last || next.saturating_sub(pull.durable) >= self.attachment_limits().durable_every {
            let kept = self.blobs.sync(Blob::Root(root)).map_err(disk);
            let kept = kept.and_then(|()| self.durable(root, next, last));
            if last {
                // Also when it failed: nothing would come any more that completes what is in memory.
                stop_moving(&self.pulls, &root);
            }
            kept?;
            pull.durable = next;
        }
        if last {
            self.wake();
        }
        Ok(Pulled { next, chunks })
    }

    /// Says that chunks are durable; with the last, that every report which names the attachment has it.
    fn durable(&self, root: Digest, have: u64, last: bool) -> Result<(), AppError> {
        self.write(move |app, tx| {
            let file = rows::file_locked(tx, root)?.filter(|file| file.state == FileState::Partial);
            // Erased meanwhile: what was written is nobody's and is removed.
            let file = file.ok_or_else(AppError::not_found)?;
            let state = if last { FileState::Complete } else { FileState::Partial };
            // Another process may have made more of it durable.
            let have = have.max(file.have);
            rows::put_file(tx, &File { have, state, at: app.now(), ..file })?;
            if !last {
                return Ok(());
            }
            let mut events = Vec::new();
            for link in rows::links_to(tx, root)? {
                let waits = matches!(link.state, LinkState::Wanted | LinkState::OverQuota | LinkState::Wrong);
                if link.party == app.party || !waits || link.length != file.length {
                    continue;
                }
                rows::set_link(tx, &link, LinkState::Here, app.now())?;
                events.push(about("attachment.complete", &link));
                app.say_complete(tx, &link)?;
            }
            app.log(tx, &events)?;
            Ok(())
        })
    }

    /// Makes what was taken of an attachment durable now. What was erased meanwhile is nobody's.
    pub(crate) fn flush_pull(&self, root: Digest) -> Result<(), AppError> {
        let Some(pull) = moving(&self.pulls, &root) else { return Ok(()) };
        let mut pull = pull.lock().unwrap_or_else(PoisonError::into_inner);
        if pull.next > pull.durable {
            self.blobs.sync(Blob::Root(root)).map_err(disk)?;
            match self.durable(root, pull.next, false) {
                Err(error) if error.kind() != crate::ErrorKind::NotFound => return Err(error),
                _kept_or_gone => pull.durable = pull.next,
            }
        }
        Ok(())
    }

    /// Whether all of an attachment is here, and a report of this partner under this agreement names it.
    pub(crate) fn has_whole(
        &self,
        peer: &PartyId,
        (agreement, root): (AgreementId, Digest),
    ) -> Result<bool, AppError> {
        let peer = peer.clone();
        self.read(move |_app, tx| {
            let file = rows::file(tx, root)?;
            let named = rows::links_to(tx, root)?
                .into_iter()
                .any(|link| (&link.party, link.agreement, link.state) == (&peer, agreement, LinkState::Here));
            Ok(named && file.is_some_and(|file| file.state == FileState::Complete))
        })
    }

    fn pull_of(&self, root: Digest) -> Result<Arc<Mutex<Pull>>, AppError> {
        if let Some(found) = moving(&self.pulls, &root) {
            return Ok(found);
        }
        let file = self.read(move |_app, tx| Ok(rows::file(tx, root)?))?;
        let file = file.filter(|file| file.state == FileState::Partial).ok_or_else(AppError::not_found)?;
        let list = self.list_here(root).ok_or_else(AppError::not_found)?;
        let have = to_move(file.have, list.chunks());
        let pull = Pull { list, next: have, durable: have, ahead: BTreeSet::new() };
        Ok(keep_moving(&self.pulls, root, pull))
    }

    /// The list of a ciphertext on this disk, if it is there and whole.
    pub(super) fn list_here(&self, root: Digest) -> Option<ChunkList> {
        let list = decode_chunk_list(&self.blobs.list(root).ok()?).ok()?;
        (attachment_root(&list) == root).then_some(list)
    }

    fn wanted_link(&self, peer: &PartyId, agreement: AgreementId, root: Digest) -> Result<Link, AppError> {
        self.flow_with(peer, agreement)?;
        let peer = peer.clone();
        self.read(move |_app, tx| {
            for link in rows::links_to(tx, root)? {
                let asked = link.party == peer && link.agreement == agreement;
                if asked && link.state == LinkState::Wanted && is_current(tx, &link)? {
                    return Ok(link);
                }
            }
            Err(AppError::not_found())
        })
    }

    /// What a partner gave is not what its report names: an entry, a pause, an error.
    fn wrong<T>(&self, link: &Link, code: &'static str) -> Result<T, AppError> {
        let (link, until) = (link.clone(), self.now().plus(WRONG_PAUSE));
        self.write(move |app, tx| {
            rows::set_link(tx, &link, LinkState::Wanted, until)?;
            app.log(tx, &[about("attachment.refused", &link).verdict(code)]).map(drop)
        })?;
        Err(AppError::new(crate::ErrorKind::Invalid, code, crate::error::words::INVALID))
    }

    fn never<T>(&self, link: Link, code: &'static str) -> Result<T, AppError> {
        self.write(move |app, tx| {
            rows::set_link(tx, &link, LinkState::Wrong, app.now())?;
            app.log(tx, &[about("attachment.refused", &link).verdict(code)]).map(drop)
        })?;
        Err(AppError::new(crate::ErrorKind::Invalid, code, crate::error::words::INVALID))
    }
}

/// Whether anybody could read it: the newest version of a report that is accepted and was not taken back.
fn is_current(tx: &mut dyn Tx, link: &Link) -> Result<bool, AppError> {
    let head = reports::head(tx, ReportId::from(link.object))?;
    Ok(head.is_some_and(|head| {
        head.version == link.version && matches!(head.state, ReportState::Acknowledged | ReportState::InUse)
    }))
}
