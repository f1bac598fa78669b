//! Attachments: files of any size that a report names. Brought into a draft ([`upload`]), given to who accepted the report
//! ([`outward`]), taken from its originator ([`inward`]), read like the report itself ([`reading`]). The report is what is
//! decided, approved and sealed; it holds name, length, root and key, so nothing here decides who may have one.
//!
//! Limits: how long one may be, and how many bytes a partner may bring to this node under one agreement. What the
//! agreement allows per day is the policy's budget, in which attachments count with their full length.

mod inward;
mod outward;
mod reading;
mod under_way;
mod upload;

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mithaq_db::Tx;
use mithaq_model::{AgreementId, Attachment, ObjectId, PartyId, Report, ReportId, ReportVersion};
use mithaq_policy::OrderKind;
use mithaq_store::attachments::{self as rows, FileState, Link, LinkState};
use mithaq_store::blobs::Blob;
use mithaq_wire::limits::{CHUNK_TAG, PLAIN_CHUNK};
use mithaq_wire::{Digest, LaterReceipt, MessageKind, chunks_of};

use crate::App;
use crate::error::{AppError, ErrorKind, words};
use crate::log::Event;
use crate::ops::disk_low;
use crate::orders::{Body, Control};
use crate::rights::{May, intent};
use crate::sight::head_seen;

pub(crate) use inward::{AHEAD_MAX, Pull};
pub use inward::{Pulled, Want};
pub(crate) use outward::RECEIPT_AWAITED;
pub use reading::AttachmentReader;
pub(crate) use reading::whole;
pub(crate) use under_way::nothing_under_way;
pub(crate) use upload::Uploading;
pub use upload::{NewAttachment, UploadState};

/// Attachments that wait for room, looked at by one tick.
const LOOK_MAX: u32 = 64;
/// What no row names is left alone for so long where another process may be writing it.
const YOUNG: Duration = Duration::from_secs(3_600);
/// Files that are being moved at once; what is idle begins again where it was durable.
const MOVING_MAX: usize = 64;

/// How much this node takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttachmentLimits {
    /// Bytes of one attachment, of this node's drafts and of partners.
    pub longest: u64,
    /// Bytes of partners' attachments kept under one agreement; each ciphertext counts once.
    pub quota: u64,
    /// Chunks written between two that are made durable: what a kill can cost.
    pub durable_every: u64,
}

impl Default for AttachmentLimits {
    fn default() -> Self {
        Self { longest: 10 << 30, quota: 64 << 30, durable_every: 16 }
    }
}

/// One attachment of a report without what it is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachmentState {
    /// Version of the report.
    pub version: ReportVersion,
    /// Place among the attachments, from 1.
    pub place: u32,
    /// Root of the ciphertext.
    pub root: Digest,
    /// Bytes of the file.
    pub length: u64,
    /// Chunks that are here.
    pub have: u64,
    /// Chunks there are.
    pub chunks: u64,
    /// `here`, `wanted`, `over_quota`, `too_long` or `wrong`.
    pub state: LinkState,
    /// Who signed that it has all of it.
    pub complete_at: Vec<PartyId>,
}

/// What is being moved now, each behind a lock of its own.
pub(crate) type Moving<K, T> = Mutex<BTreeMap<K, Arc<Mutex<T>>>>;

/// Returns one that is being moved, if it is.
fn moving<K: Ord, T>(all: &Moving<K, T>, key: &K) -> Option<Arc<Mutex<T>>> {
    all.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
}

/// Keeps one that is being moved; the first stays. When there are too many, the idle ones go.
fn keep_moving<K: Ord, T>(all: &Moving<K, T>, key: K, new: T) -> Arc<Mutex<T>> {
    let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
    if all.len() >= MOVING_MAX {
        all.retain(|_, one| Arc::strong_count(one) > 1);
    }
    Arc::clone(all.entry(key).or_insert_with(|| Arc::new(Mutex::new(new))))
}

fn stop_moving<K: Ord, T>(all: &Moving<K, T>, key: &K) {
    all.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
}

/// Where to go on with what is not complete: never behind the last chunk, whose coming completes it.
fn to_move(have: u64, chunks: u64) -> u64 {
    have.min(chunks.saturating_sub(1))
}

/// The disk did not do what it was asked. Without room it is asked again later; nothing of the part counts.
fn disk(error: io::Error) -> AppError {
    if error.kind() == io::ErrorKind::StorageFull {
        return disk_low().because(error);
    }
    AppError::new(ErrorKind::Unavailable, "attachment.disk", words::UNAVAILABLE)
        .hint("look at the volume of the attachments: free space, rights, the system's log")
        .because(error)
}

/// Bytes a report brings beside itself: what it counts in the budget of its agreement.
pub(crate) fn carried(report: &Report) -> u64 {
    report.attachments.iter().fold(0, |sum, one| sum.saturating_add(one.length))
}

impl App {
    /// Says how much this node takes.
    pub fn limit_attachments(&self, limits: AttachmentLimits) {
        *self.attachment_limits.write().unwrap_or_else(PoisonError::into_inner) = limits;
    }

    pub(crate) fn attachment_limits(&self) -> AttachmentLimits {
        *self.attachment_limits.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stores which ciphertexts a version of an own report names, in place of what it named before.
    pub(crate) fn link_own(&self, tx: &mut dyn Tx, report: &Report) -> Result<(), AppError> {
        let (object, now) = (ObjectId::from(report.id), self.now());
        let link = |(place, one): (u32, &Attachment)| Link {
            object,
            version: report.version,
            place,
            root: Digest(one.root),
            party: self.party.clone(),
            agreement: report.agreement,
            length: one.length,
            state: LinkState::Here,
        };
        let links: Vec<Link> = (1..).zip(&report.attachments).map(link).collect();
        rows::unlink(tx, object, report.version, now)?;
        // What stays named was marked for removal a moment ago, in this same job.
        for link in &links {
            self.revive(tx, link)?;
        }
        Ok(rows::link(tx, &links, now)?)
    }

    fn revive(&self, tx: &mut dyn Tx, link: &Link) -> Result<(), AppError> {
        if let Some(file) = rows::file_locked(tx, link.root)?.filter(|file| file.state == FileState::Gone) {
            rows::put_file(tx, &rows::File { state: FileState::Complete, at: self.now(), ..file })?;
        }
        Ok(())
    }

    /// Refuses a release whose attachments are not all here.
    pub(crate) fn ensure_attachments(&self, tx: &mut dyn Tx, report: &Report) -> Result<(), AppError> {
        for one in &report.attachments {
            let root = Digest(one.root);
            let file = rows::file(tx, root)?;
            let whole =
                file.is_some_and(|file| file.state == FileState::Complete && file.length == one.length);
            if !whole || self.blobs.size(Blob::Root(root)).is_none() {
                return Err(AppError::conflict("attachment.missing").hint(
                    "its bytes are not on this node any more: remove it from the draft and add it again",
                ));
            }
        }
        Ok(())
    }

    /// Decides what becomes of the attachments of a report that was accepted, by whomever it came: taken from there, here
    /// already, or not taken and why. Each is an entry; the report itself is readable at once.
    pub(crate) fn attachments_arrived(
        &self,
        tx: &mut dyn Tx,
        (from, agreement): (&PartyId, AgreementId),
        report: &Report,
        events: &mut Vec<Event>,
    ) -> Result<(), AppError> {
        let limits = self.attachment_limits();
        for (place, one) in (1..).zip(&report.attachments) {
            let mut link = Link {
                object: report.id.into(),
                version: report.version,
                place,
                root: Digest(one.root),
                party: from.clone(),
                agreement,
                length: one.length,
                state: LinkState::Wanted,
            };
            let file = rows::file(tx, link.root)?;
            let here =
                file.is_some_and(|file| file.state == FileState::Complete && file.length == one.length);
            link.state = if here {
                LinkState::Here
            } else if one.length > limits.longest {
                LinkState::TooLong
            } else if !self.has_room(tx, &link)? {
                LinkState::OverQuota
            } else {
                LinkState::Wanted
            };
            rows::link(tx, &[link.clone()], self.now())?;
            let event = |kind| about(kind, &link);
            events.push(match link.state {
                LinkState::Here => event("attachment.complete"),
                LinkState::Wanted => event("attachment.wanted"),
                LinkState::TooLong => event("attachment.refused").verdict("attachment.too_long"),
                LinkState::OverQuota | LinkState::Wrong => {
                    event("attachment.refused").verdict("attachment.quota")
                }
            });
            if here {
                self.say_complete(tx, &link)?;
            }
        }
        Ok(())
    }

    /// Whether an attachment fits into what its agreement may fill; what is held already takes no more room.
    fn has_room(&self, tx: &mut dyn Tx, link: &Link) -> Result<bool, AppError> {
        let known = |other: &Link| {
            other.agreement == link.agreement
                && other.party != self.party
                && matches!(other.state, LinkState::Here | LinkState::Wanted)
        };
        if rows::links_to(tx, link.root)?.iter().any(known) {
            return Ok(true);
        }
        let held = rows::held_bytes(tx, &link.agreement, &self.party)?;
        Ok(held.saturating_add(link.length) <= self.attachment_limits().quota)
    }

    /// Tells the partner that all of an attachment is here, verified and durable.
    fn say_complete(&self, tx: &mut dyn Tx, link: &Link) -> Result<(), AppError> {
        let (object, agreement) = (link.object, link.agreement);
        let receipt =
            LaterReceipt::Complete { object, version: link.version, root: link.root, at: self.now() };
        let control =
            Control { kind: OrderKind::LaterReceipts, message: MessageKind::Receipts, object, agreement };
        match self.send_control_in(tx, &link.party, control, &Body::Receipts(vec![receipt])) {
            // Duties under the agreement are over: what is here is here all the same.
            Err(error) if matches!(error.kind(), ErrorKind::Refused | ErrorKind::NotFound) => Ok(()),
            sent => sent,
        }
    }

    /// Lists the attachments of a report, every version: places, lengths and states, no names.
    ///
    /// # Errors
    /// When there is no such report.
    pub fn attachments_of(
        &self,
        may: May<intent::ReadReport>,
        number: ReportId,
    ) -> Result<Vec<AttachmentState>, AppError> {
        self.read(move |_app, tx| {
            head_seen(tx, may, number)?;
            let receipts = rows::receipts(tx, number.into())?;
            let mut all = Vec::new();
            for link in rows::links(tx, number.into())? {
                let have = rows::file(tx, link.root)?.map_or(0, |file| file.have);
                let signed =
                    receipts.iter().filter(|one| one.version == link.version && one.root == link.root);
                all.push(AttachmentState {
                    version: link.version,
                    place: link.place,
                    root: link.root,
                    length: link.length,
                    have,
                    chunks: chunks_of(link.length),
                    state: link.state,
                    complete_at: signed.map(|one| one.recipient.clone()).collect(),
                });
            }
            Ok(all)
        })
    }

    /// Removes the bytes of what no report names any more. Their keys went with the reports. Returns how many.
    ///
    /// # Errors
    /// When the store or the disk fails: tried again at the next chores.
    pub fn sweep_attachments(&self) -> Result<usize, AppError> {
        let gone = self.read(|_app, tx| Ok(rows::files(tx, FileState::Gone, None)?))?;
        if gone.is_empty() {
            return Ok(0);
        }
        self.write(move |app, tx| {
            let mut events = Vec::new();
            for file in gone {
                // Named again meanwhile, it stays.
                let row = rows::file_locked(tx, file.root)?;
                if row.is_none_or(|row| row.state != FileState::Gone) {
                    continue;
                }
                app.blobs.remove(Blob::Root(file.root)).map_err(disk)?;
                rows::forget_file(tx, file.root)?;
                stop_moving(&app.pulls, &file.root);
                events.push(Event::system("attachment.removed", short(file.root)).envelope(file.root));
            }
            app.log(tx, &events)?;
            Ok(events.len())
        })
    }

    /// Looks again at what was not taken for want of room or for its length, and ends uploads nobody goes on with.
    ///
    /// # Errors
    /// When the store fails.
    pub fn tick_attachments(&self) -> Result<(), AppError> {
        self.end_stale_uploads()?;
        self.sweep_attachments()?;
        let longest = self.attachment_limits().longest;
        let waiting = self.read(move |_app, tx| {
            let mut waiting = rows::in_state(tx, LinkState::OverQuota, LOOK_MAX)?;
            let long = rows::in_state(tx, LinkState::TooLong, LOOK_MAX)?;
            waiting.extend(long.into_iter().filter(|link| link.length <= longest));
            Ok(waiting)
        })?;
        if waiting.is_empty() {
            return Ok(());
        }
        self.write(move |app, tx| {
            let mut events = Vec::new();
            for link in waiting {
                if app.has_room(tx, &link)? {
                    rows::set_link(tx, &link, LinkState::Wanted, app.now())?;
                    events.push(about("attachment.wanted", &link));
                } else {
                    // Behind the others, so that each gets its turn.
                    rows::set_link(tx, &link, LinkState::OverQuota, app.now())?;
                }
            }
            app.log(tx, &events)?;
            Ok(())
        })
    }

    /// Brings tables and disk together at the start: bytes no row names are removed; what a row calls complete and is not
    /// there is wanted again from its partner, and an own one is found missing at its release; of what is under way only
    /// what is on disk counts.
    pub(crate) fn reconcile_attachments(&self) -> Result<(), AppError> {
        let there = self.blobs.all().map_err(disk)?;
        let shared = self.is_shared();
        self.write(move |app, tx| {
            app.each_file(tx, FileState::Complete, |tx, file| {
                let whole = file.length.saturating_add(chunks_of(file.length).saturating_mul(CHUNK_TAG));
                if app.blobs.size(Blob::Root(file.root)) == Some(whole) {
                    return Ok(());
                }
                app.want_again(tx, file.root, 0)
            })?;
            app.each_file(tx, FileState::Partial, |tx, file| {
                let size = app.blobs.size(Blob::Root(file.root)).unwrap_or(0);
                let have = size.checked_div(PLAIN_CHUNK.saturating_add(CHUNK_TAG)).unwrap_or(0);
                if have >= file.have {
                    return Ok(());
                }
                Ok(rows::put_file(tx, &rows::File { have, at: app.now(), ..file })?)
            })?;
            for blob in there {
                let kept = match blob {
                    Blob::Root(root) => rows::file(tx, root)?.is_some(),
                    Blob::Upload(id) => rows::upload(tx, &app.vault, id)?.is_some(),
                };
                if !(kept || shared && app.blobs.is_younger(blob, YOUNG)) {
                    app.blobs.remove(blob).map_err(disk)?;
                }
            }
            Ok(())
        })
    }

    fn each_file(
        &self,
        tx: &mut dyn Tx,
        state: FileState,
        mut each: impl FnMut(&mut dyn Tx, rows::File) -> Result<(), AppError>,
    ) -> Result<(), AppError> {
        let mut after = None;
        loop {
            let page = rows::files(tx, state, after)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.root);
            for file in page {
                each(tx, file)?;
            }
        }
    }

    /// What was here is not: received ones are wanted again from a chunk on.
    fn want_again(&self, tx: &mut dyn Tx, root: Digest, from: u64) -> Result<(), AppError> {
        let links = rows::links_to(tx, root)?;
        let mut events = Vec::new();
        let mut wanted = false;
        for link in links {
            if link.party != self.party && link.state == LinkState::Here {
                rows::set_link(tx, &link, LinkState::Wanted, self.now())?;
                wanted = true;
            }
            events.push(about("attachment.damaged", &link));
        }
        if let Some(file) = rows::file_locked(tx, root)? {
            if wanted && self.list_here(root).is_some() {
                let file = rows::File {
                    have: from.min(file.have),
                    state: FileState::Partial,
                    at: self.now(),
                    ..file
                };
                rows::put_file(tx, &file)?;
            } else {
                rows::forget_file(tx, root)?;
            }
        }
        stop_moving(&self.pulls, &root);
        self.log(tx, &events)?;
        Ok(())
    }
}

/// An entry about an attachment of a report: which ciphertext, whose, under which agreement.
fn about(kind: &str, link: &Link) -> Event {
    Event::system(kind, link.object).agreement(link.agreement).with(&link.party).envelope(link.root)
}

/// A root as an entry may hold it.
fn short(root: Digest) -> String {
    let text = format!("{root:?}");
    text.get(..32).unwrap_or(&text).to_owned()
}
