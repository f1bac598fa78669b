//! A file on its way into a draft: encrypted chunk by chunk as it comes, written once, resumable after a break of the line
//! or of the node. The draft changes when the last chunk is there, and with it fall review and approvals.

use std::sync::{Arc, Mutex, PoisonError};

use mithaq_envelope::{ChunkKey, attachment_root, chunk_hash};
use mithaq_model::{Attachment, MediaType, ReportId, ReportState, Sensitive, Text};
use mithaq_store::attachments::{self as rows, File, FileState, NewUpload, Upload};
use mithaq_store::blobs::Blob;
use mithaq_store::reports::{self, Form, NewVersion};
use mithaq_wire::limits::{CHUNK_TAG, PLAIN_CHUNK};
use mithaq_wire::{ChunkList, chunks_of, encode_chunk_list, encode_report};

use super::{disk, keep_moving, moving, stop_moving, to_move};
use crate::App;
use crate::cases::CaseAccess;
use crate::drafts::Draft;
use crate::error::{AppError, ErrorKind, words};
use crate::log::{Committed, Event};
use crate::ports::random;
use crate::rights::{May, intent};

/// What an author says of a file.
#[derive(Debug, Clone)]
pub struct NewAttachment {
    /// File name without a path.
    pub name: Text,
    /// What it is.
    pub media: MediaType,
    /// Bytes.
    pub length: u64,
}

/// How far an upload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UploadState {
    /// Its number.
    pub id: [u8; 16],
    /// The chunk that is expected next, from 0. After a break it may be a few before the last that was answered.
    pub next: u64,
    /// Chunks there will be.
    pub chunks: u64,
    /// Its place among the attachments of the draft, once it is there.
    pub place: Option<u32>,
}

/// An upload in memory.
pub(crate) struct Uploading {
    upload: Upload,
    key: ChunkKey,
    next: u64,
    durable: u64,
    /// Its place in the draft, once it is there.
    place: Option<u32>,
}

impl App {
    /// Begins to bring a file into a draft.
    ///
    /// # Errors
    /// When the draft is not of the case or was reviewed, the name is none, the file is too long, or there are as many as
    /// a report may have.
    pub fn begin_attachment(
        &self,
        may: May<intent::WriteReport>,
        access: &CaseAccess,
        number: ReportId,
        new: NewAttachment,
    ) -> Result<UploadState, AppError> {
        self.own_access(may, access)?;
        let case = access.case();
        let (id, key) = (random::<16>(&*self.entropy)?, random::<32>(&*self.entropy)?);
        self.attempt(Event::refused(may, number).case(case), move |app, tx| {
            let draft = app.load_draft(tx, number)?;
            if draft.head.case != Some(case) {
                return Err(AppError::not_found());
            }
            open_for_files(&draft)?;
            check(&new, app.attachment_limits().longest)?;
            let under_way = rows::under_way(tx, number)?.len();
            if draft.report.attachments.len().saturating_add(under_way) >= Attachment::MAX {
                return Err(AppError::invalid("attachments").hint("a report has at most 16 attachments"));
            }
            let chunks = chunks_of(new.length);
            let NewAttachment { name, media, length } = new;
            let attachment = Attachment { name, media, length, root: [0; 32], key: Sensitive::new(key) };
            let new = NewUpload { id, report: number, officer: may.actor(), attachment, at: app.now() };
            rows::start_upload(tx, &app.vault, &new)?;
            Ok(UploadState { id, next: 0, chunks, place: None })
        })
    }

    /// Returns how far an upload is: where to go on. Never behind the last chunk: with all of them there it is still not
    /// in the draft when the node was killed between the two, and the last one, given again, brings it there. One whose file
    /// is in the draft says so for a week: the answer may have been lost.
    ///
    /// # Errors
    /// When there is none of this officer by that number.
    pub fn upload_state(&self, may: May<intent::WriteReport>, id: [u8; 16]) -> Result<UploadState, AppError> {
        let Some(one) = self.uploading(may, id)? else { return self.done(may, id) };
        let one = one.lock().unwrap_or_else(PoisonError::into_inner);
        let chunks = chunks_of(one.upload.attachment.length);
        Ok(UploadState { id, next: to_move(one.next, chunks), chunks, place: None })
    }

    /// Takes the chunk at a place of an upload: 1 MiB each, the last one the rest. A chunk that was taken before is
    /// answered like the first time if it is the same; with the last one the file is in the draft, and every chunk is
    /// answered like the last: the key it would be compared with is gone.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] for a chunk ahead of what is expected, for one taken before with other bytes, and when the
    /// draft changed meanwhile;
    /// [`ErrorKind::Invalid`] for another length than the place has.
    pub fn put_attachment_chunk(
        &self,
        may: May<intent::WriteReport>,
        id: [u8; 16],
        index: u64,
        plain: &[u8],
    ) -> Result<UploadState, AppError> {
        self.check_takes(mithaq_wire::Lane::Bulk, plain.len())?;
        let Some(one) = self.uploading(may, id)? else { return self.done(may, id) };
        let mut one = one.lock().unwrap_or_else(PoisonError::into_inner);
        let chunks = chunks_of(one.upload.attachment.length);
        if one.place.is_some() {
            return Ok(UploadState { id, next: chunks, chunks, place: one.place });
        }
        if index > one.next || (index == one.next && one.next == chunks) {
            return Err(AppError::conflict("attachment.chunk_ahead")
                .hint("ask how far the upload is, and go on from there"));
        }
        if index == one.next {
            self.take_part(&mut one, index, plain)?;
        } else {
            self.same_part(&one, index, plain)?;
        }
        if one.next < chunks {
            return Ok(UploadState { id, next: one.next, chunks, place: None });
        }
        one.place = Some(self.finish_upload(may, &one.upload)?);
        stop_moving(&self.uploads, &id);
        Ok(UploadState { id, next: chunks, chunks, place: one.place })
    }

    /// Answers for an upload whose file is in the draft.
    fn done(&self, may: May<intent::WriteReport>, id: [u8; 16]) -> Result<UploadState, AppError> {
        let done = self.read(move |_app, tx| Ok(rows::done_upload(tx, id)?))?;
        let done = done.filter(|done| done.officer == may.actor()).ok_or_else(AppError::not_found)?;
        let chunks = chunks_of(done.length);
        Ok(UploadState { id, next: chunks, chunks, place: Some(done.place) })
    }

    fn take_part(&self, one: &mut Uploading, index: u64, plain: &[u8]) -> Result<(), AppError> {
        let (id, blob) = (one.upload.id, Blob::Upload(one.upload.id));
        let sealed = one.key.seal(index, plain).map_err(|why| {
            AppError::invalid("chunk")
                .hint("every chunk has 1 MiB, the last the rest of the file")
                .because(why)
        })?;
        // One key seals one text per place. What a kill left of this place must be the beginning of the same bytes.
        let left = self.blobs.part(blob, index, PLAIN_CHUNK.saturating_add(CHUNK_TAG)).map_err(disk)?;
        if !sealed.starts_with(&left) {
            self.drop_upload(id)?;
            return Err(other_file());
        }
        self.blobs.put_chunk(blob, index, &sealed).map_err(disk)?;
        self.blobs.put_hash(id, index, chunk_hash(&sealed)).map_err(disk)?;
        one.next = index.saturating_add(1);
        let last = one.next == chunks_of(one.upload.attachment.length);
        if last || one.next.saturating_sub(one.durable) >= self.attachment_limits().durable_every {
            self.blobs.sync_upload(id).map_err(disk)?;
            let (next, now) = (one.next, self.now());
            self.write(move |_app, tx| Ok(rows::advance_upload(tx, id, next, now)?))?;
            one.durable = next;
        }
        Ok(())
    }

    /// A chunk that was taken before must be the same: who goes on with another file of the same length is told.
    fn same_part(&self, one: &Uploading, index: u64, plain: &[u8]) -> Result<(), AppError> {
        let sealed = one.key.seal(index, plain).map_err(|_length| other_file())?;
        let hashes = self.blobs.hashes(one.upload.id).map_err(disk)?;
        let there = usize::try_from(index).ok().and_then(|index| hashes.get(index));
        if there == Some(&chunk_hash(&sealed)) { Ok(()) } else { Err(other_file()) }
    }

    /// Gives the durable file its name and the draft its attachment, in one transaction.
    fn finish_upload(&self, may: May<intent::WriteReport>, upload: &Upload) -> Result<u32, AppError> {
        let id = upload.id;
        if self.blobs.size(Blob::Upload(id)).is_none() {
            // Another process took the last chunk too, and put it into the draft.
            if let Ok(UploadState { place: Some(place), .. }) = self.done(may, id) {
                return Ok(place);
            }
            // Named and never in a draft: the node was killed between the two.
            self.drop_upload(id)?;
            return Err(lost());
        }
        let hashes = self.blobs.hashes(id).map_err(disk)?;
        let list = ChunkList::new(upload.attachment.length, hashes).map_err(|why| lost().because(why))?;
        let root = attachment_root(&list);
        let mut attachment = upload.attachment.clone();
        attachment.root = root.0;
        let (number, salt) = (upload.report, random::<32>(&*self.entropy)?);
        let bytes = encode_chunk_list(&list);
        self.attempt(Event::refused(may, number), move |app, tx| {
            let draft = app.load_draft(tx, number)?;
            open_for_files(&draft)?;
            let place = draft.report.attachments.len().saturating_add(1);
            let place = u32::try_from(place).unwrap_or(u32::MAX);
            if !rows::finish_upload(tx, id, place, app.now())? {
                // Ended while its last chunk came, or finished by another process: asked again, that says so.
                return Err(AppError::not_found());
            }
            app.blobs.finish(id, root, &bytes).map_err(disk)?;
            let chunks = chunks_of(attachment.length);
            let file = File {
                root,
                length: attachment.length,
                have: chunks,
                state: FileState::Complete,
                at: app.now(),
            };
            rows::put_file(tx, &file)?;
            let case = draft.head.case;
            let committed = app.change_files(tx, draft, salt, |files| files.push(attachment))?;
            let event = Event::by(may, "attachment.added", number).case(case).committed(committed);
            app.log(tx, &[event])?;
            Ok(place)
        })
        .inspect(|_place| {
            let _swept_at_the_start = self.blobs.remove(Blob::Upload(id));
        })
    }

    /// Writes a draft with other attachments.
    fn change_files(
        &self,
        tx: &mut dyn mithaq_db::Tx,
        draft: Draft,
        salt: [u8; 32],
        change: impl FnOnce(&mut Vec<Attachment>),
    ) -> Result<Committed, AppError> {
        let mut report = draft.report;
        change(&mut report.attachments);
        let bytes = encode_report(&report);
        let content = NewVersion {
            version: report.version,
            supersedes: None,
            form: Form::Draft,
            content: &bytes,
            at: self.now(),
        };
        reports::write_draft(tx, &self.vault, (report.id, draft.revision), &content)?;
        self.link_own(tx, &report)?;
        Ok(Committed::to(report.id.into(), report.version.get(), salt, &bytes))
    }

    /// Takes an attachment out of a draft. Its bytes are removed when no other version names them.
    ///
    /// # Errors
    /// When the draft is not of the case or was reviewed, or there is none at that place.
    pub fn remove_attachment(
        &self,
        may: May<intent::WriteReport>,
        access: &CaseAccess,
        number: ReportId,
        place: u32,
    ) -> Result<(), AppError> {
        self.own_access(may, access)?;
        let (case, salt) = (access.case(), random::<32>(&*self.entropy)?);
        self.attempt(Event::refused(may, number).case(case), move |app, tx| {
            let draft = app.load_draft(tx, number)?;
            if draft.head.case != Some(case) {
                return Err(AppError::not_found());
            }
            open_for_files(&draft)?;
            let at = usize::try_from(place).ok().and_then(|place| place.checked_sub(1));
            let at = at.filter(|at| *at < draft.report.attachments.len()).ok_or_else(AppError::not_found)?;
            let committed = app.change_files(tx, draft, salt, |files| drop(files.remove(at)))?;
            let event = Event::by(may, "attachment.taken_out", number).case(case).committed(committed);
            app.log(tx, &[event])?;
            Ok(())
        })?;
        self.sweep_attachments().map(drop)
    }

    /// Another process may have gone on with it, or ended it. Returns whether it is under way.
    fn follow_upload(&self, id: [u8; 16], one: &Mutex<Uploading>) -> Result<bool, AppError> {
        let row = self.read(move |app, tx| Ok(rows::upload(tx, &app.vault, id)?))?;
        let Some(Upload { have, .. }) = row else {
            stop_moving(&self.uploads, &id);
            return Ok(false);
        };
        let mut one = one.lock().unwrap_or_else(PoisonError::into_inner);
        if have > one.next {
            (one.next, one.durable) = (have, have);
        }
        Ok(true)
    }

    /// What a row says is durable is on the disk, unless that is another disk: the node was restored without it.
    fn still_there(&self, upload: &Upload) -> Result<(), AppError> {
        let stride = PLAIN_CHUNK.saturating_add(CHUNK_TAG);
        let least = upload.have.min(chunks_of(upload.attachment.length).saturating_sub(1));
        let size = self.blobs.size(Blob::Upload(upload.id)).unwrap_or(0);
        if size >= least.saturating_mul(stride) {
            return Ok(());
        }
        self.drop_upload(upload.id)?;
        Err(lost())
    }

    /// Returns an upload under way of this officer, or nothing for one that is not under way (any more).
    fn uploading(
        &self,
        may: May<intent::WriteReport>,
        id: [u8; 16],
    ) -> Result<Option<Arc<Mutex<Uploading>>>, AppError> {
        let found = match moving(&self.uploads, &id) {
            Some(found) => {
                if self.is_shared() && !self.follow_upload(id, &found)? {
                    return Ok(None);
                }
                found
            }
            None => {
                let upload = self.read(move |app, tx| Ok(rows::upload(tx, &app.vault, id)?))?;
                let Some(upload) = upload else { return Ok(None) };
                self.still_there(&upload)?;
                let key = ChunkKey::new(&upload.attachment.key, upload.attachment.length);
                let next = upload.have;
                keep_moving(&self.uploads, id, Uploading { upload, key, next, durable: next, place: None })
            }
        };
        let mine = found.lock().unwrap_or_else(PoisonError::into_inner).upload.officer == may.actor();
        if mine { Ok(Some(found)) } else { Err(AppError::not_found()) }
    }
}

fn lost() -> AppError {
    AppError::conflict("attachment.upload_lost").hint("begin the upload anew")
}

fn other_file() -> AppError {
    AppError::conflict("attachment.other_file").hint(
        "this is not the file the upload began with, or it changed since: give the right one, or begin anew",
    )
}

/// A file changes what was reviewed: only before the review.
fn open_for_files(draft: &Draft) -> Result<(), AppError> {
    if matches!(draft.head.state, ReportState::Draft | ReportState::Graded) {
        return Ok(());
    }
    Err(AppError::conflict("report.reviewed")
        .hint("revise the report: it goes back to the author, and the review is done again"))
}

fn check(new: &NewAttachment, longest: u64) -> Result<(), AppError> {
    if !Attachment::is_name(&new.name) {
        return Err(AppError::invalid("name").hint("a file name without a path, at most 255 bytes"));
    }
    if new.length > longest.min(Attachment::LENGTH_MAX) {
        return Err(AppError::new(ErrorKind::Invalid, "attachment.too_long", words::FILE_TOO_LONG)
            .hint("`attachment_max_mib` in the node's configuration says how long one may be"));
    }
    Ok(())
}
