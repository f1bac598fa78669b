//! Reading an attachment: under the same conditions and with the same entry as the report that names it, and only when
//! all of it is here. It is asked again before every chunk whether the report may still be read.

use mithaq_envelope::{ChunkKey, check_chunk};
use mithaq_model::{Attachment, ObjectId, ReportId, ReportVersion, Text};
use mithaq_store::attachments::{self as rows, FileState, LinkState};
use mithaq_store::blobs::Blob;
use mithaq_store::reports::{self, Direction};
use mithaq_wire::limits::{CHUNK_TAG, PLAIN_CHUNK};
use mithaq_wire::{Digest, chunks_of};
use zeroize::Zeroizing;

use super::about;
use crate::App;
use crate::cases::CaseAccess;
use crate::error::{AppError, ErrorKind, words};
use crate::log::{Committed, Event};
use crate::ports::random;
use crate::rights::{May, intent};

/// An attachment that is being read, one chunk in memory.
pub struct AttachmentReader {
    app: App,
    report: ReportId,
    version: ReportVersion,
    attachment: Attachment,
    key: ChunkKey,
    next: u64,
}

impl core::fmt::Debug for AttachmentReader {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "AttachmentReader({} at {})", self.report, self.next)
    }
}

impl App {
    /// Opens an attachment of a report for reading, from a chunk on. Logged like the reading of the report, each time.
    ///
    /// # Errors
    /// As [`App::read_report`]; [`ErrorKind::Refused`] with `attachment.incomplete` until all of it is here.
    pub fn read_attachment(
        &self,
        may: May<intent::ReadReport>,
        access: &CaseAccess,
        number: ReportId,
        (place, from): (u32, u64),
        reason: &Text,
    ) -> Result<AttachmentReader, AppError> {
        self.own_access(may, access)?;
        let (access, salt, reason) = (access.clone(), random::<32>(&*self.entropy)?, reason.clone());
        let tried = Event::refused(may, number).case(access.case()).purpose(access.purpose());
        let opened = self.attempt(tried, move |app, tx| {
            let head = reports::head(tx, number)?.ok_or_else(AppError::not_found)?;
            let outcome = app.show(tx, may, &access, &head).and_then(|report| {
                let at = usize::try_from(place).ok().and_then(|place| place.checked_sub(1));
                let found = at.and_then(|at| report.attachments.get(at)).cloned();
                let attachment = found.ok_or_else(AppError::not_found)?;
                whole(tx, &attachment)?;
                if from > 0 && from >= chunks_of(attachment.length) {
                    return Err(AppError::invalid("from"));
                }
                Ok(attachment)
            });
            let verdict = match &outcome {
                Ok(_) => "permit".to_owned(),
                Err(refused) => refused.code().to_owned(),
            };
            let committed = Committed::to(ObjectId::from(number), 0, salt, reason.reveal().as_bytes());
            let event =
                Event::by(may, "attachment.read", number).case(access.case()).purpose(access.purpose());
            app.log(tx, &[event.committed(committed).verdict(verdict)])?;
            Ok(outcome.map(|attachment| (attachment, head.version)))
        })?;
        self.wake();
        let (attachment, version) = opened?;
        let key = ChunkKey::new(&attachment.key, attachment.length);
        Ok(AttachmentReader { app: self.clone(), report: number, version, attachment, key, next: from })
    }
}

/// Every chunk was verified and is durable; nothing less is shown.
pub(crate) fn whole(tx: &mut dyn mithaq_db::Tx, attachment: &Attachment) -> Result<(), AppError> {
    let file = rows::file(tx, Digest(attachment.root))?;
    if file.is_some_and(|file| file.state == FileState::Complete && file.length == attachment.length) {
        return Ok(());
    }
    Err(AppError::refused("attachment.incomplete", words::INCOMPLETE, 9, None, None)
        .hint("`mithaq attachment list` says how far it is"))
}

impl AttachmentReader {
    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &Text {
        &self.attachment.name
    }

    /// Bytes that follow from here on.
    #[must_use]
    pub fn remaining(&self) -> u64 {
        self.attachment.length.saturating_sub(self.next.saturating_mul(PLAIN_CHUNK))
    }

    /// Returns the next chunk in plain; none after the last.
    ///
    /// # Errors
    /// When the report may not be read any more; [`ErrorKind::Integrity`] when the disk gave other bytes than were
    /// written: a received one is then fetched again.
    pub fn next_chunk(&mut self) -> Result<Option<Zeroizing<Vec<u8>>>, AppError> {
        let length = self.attachment.length;
        if self.next >= chunks_of(length) {
            return Ok(None);
        }
        self.still_open()?;
        let (root, index) = (Digest(self.attachment.root), self.next);
        let plain = length.saturating_sub(index.saturating_mul(PLAIN_CHUNK)).min(PLAIN_CHUNK);
        let sealed = self.app.blobs.chunk(Blob::Root(root), index, plain.saturating_add(CHUNK_TAG)).ok();
        let opened = sealed.as_ref().and_then(|sealed| self.key.open(index, sealed).ok());
        let Some(plain) = opened else { return Err(self.unreadable(index, sealed.as_deref())?) };
        self.next = index.saturating_add(1);
        Ok(Some(plain))
    }

    /// Why a chunk did not open: the disk gave other bytes than were written, and then it is fetched again; or they are as
    /// they were written, and then the report names a key that is not this file's. That says nothing about other
    /// reports with the same ciphertext.
    fn unreadable(&self, index: u64, sealed: Option<&[u8]>) -> Result<AppError, AppError> {
        let root = Digest(self.attachment.root);
        let list = self.app.list_here(root);
        let as_written =
            list.zip(sealed).is_some_and(|(list, sealed)| check_chunk(&list, index, sealed).is_ok());
        if !as_written {
            self.app.write(move |app, tx| app.want_again(tx, root, index))?;
            return Ok(AppError::new(ErrorKind::Integrity, "attachment.damaged", words::INTEGRITY)
                .hint("its bytes on disk changed: a received one is fetched again by itself"));
        }
        let (number, version) = (self.report, self.version);
        self.app.write(move |app, tx| {
            for link in rows::links(tx, number.into())? {
                if link.version == version && link.root == root {
                    rows::set_link(tx, &link, LinkState::Wrong, app.now())?;
                    app.log(tx, &[about("attachment.refused", &link).verdict("attachment.key")])?;
                }
            }
            Ok(())
        })?;
        Ok(AppError::new(ErrorKind::PeerMisbehaved, "attachment.key", words::INVALID)
            .hint("the report names a key that does not open its attachment: ask its originator"))
    }

    /// What was taken back or ended in the middle is not shown further.
    fn still_open(&self) -> Result<(), AppError> {
        let (number, version, root) = (self.report, self.version, Digest(self.attachment.root));
        self.app.read(move |app, tx| {
            let head = reports::head(tx, number)?.ok_or_else(AppError::not_found)?;
            let named = rows::links(tx, number.into())?;
            if !named.iter().any(|link| link.version == version && link.root == root) {
                return Err(AppError::refused("report.locked.recalled", words::TAKEN_BACK, 9, None, None));
            }
            if head.direction == Direction::Received { app.unlocked(tx, &head) } else { Ok(()) }
        })
    }
}
