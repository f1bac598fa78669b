//! Uploads that are not finished yet: listed, given up, ended when nobody goes on with them, and waited for by the review.

use mithaq_db::Tx;
use mithaq_model::{Days, ReportId};
use mithaq_store::attachments::{self as rows, UnderWay};
use mithaq_store::blobs::Blob;
use mithaq_store::reports;

use super::{disk, stop_moving};
use crate::App;
use crate::error::{AppError, ErrorKind, words};
use crate::log::Event;
use crate::rights::{May, intent};
use crate::sight::head_seen;

/// An upload nobody went on with for so long ends.
const STALE: Days = Days(7);

impl App {
    /// Lists the uploads under way for a draft: what its review waits for.
    ///
    /// # Errors
    /// When there is no such report.
    pub fn uploads_under_way(
        &self,
        may: May<intent::ReadReport>,
        number: ReportId,
    ) -> Result<Vec<UnderWay>, AppError> {
        self.read(move |_app, tx| {
            head_seen(tx, may, number)?;
            Ok(rows::under_way(tx, number)?)
        })
    }

    /// Ends an upload that is not to be finished: one's own, or another's into a draft that one sees and may write. Who
    /// brought it may be away, and the review waits.
    ///
    /// # Errors
    /// When there is none by that number that this officer sees.
    pub fn cancel_upload(&self, may: May<intent::WriteReport>, id: [u8; 16]) -> Result<(), AppError> {
        self.attempt(Event::refused(may, self.party.clone()), move |app, tx| {
            let upload = rows::upload(tx, &app.vault, id)?.ok_or_else(AppError::not_found)?;
            let head = if upload.officer == may.actor() {
                reports::head(tx, upload.report)?
            } else {
                Some(head_seen(tx, may, upload.report)?)
            };
            rows::end_upload(tx, id)?;
            let case = head.and_then(|head| head.case);
            app.log(tx, &[Event::by(may, "attachment.given_up", upload.report).case(case)])?;
            Ok(())
        })?;
        self.forget_upload(id)
    }

    pub(super) fn end_stale_uploads(&self) -> Result<(), AppError> {
        let before = self.now().minus(STALE);
        for id in self.read(move |_app, tx| Ok(rows::stale_uploads(tx, before)?))? {
            self.drop_upload(id)?;
        }
        Ok(())
    }

    pub(super) fn drop_upload(&self, id: [u8; 16]) -> Result<(), AppError> {
        self.write(move |_app, tx| Ok(rows::end_upload(tx, id)?))?;
        self.forget_upload(id)
    }

    fn forget_upload(&self, id: [u8; 16]) -> Result<(), AppError> {
        stop_moving(&self.uploads, &id);
        self.blobs.remove(Blob::Upload(id)).map_err(disk)
    }
}

/// What is still on its way into a draft would not be in what is reviewed, and could not come into it afterwards.
pub(crate) fn nothing_under_way(tx: &mut dyn Tx, number: ReportId) -> Result<(), AppError> {
    if rows::under_way(tx, number)?.is_empty() {
        return Ok(());
    }
    Err(AppError::new(ErrorKind::Conflict, "attachment.under_way", words::FILE_UNDER_WAY).hint(
        "`mithaq attachment uploads` with the report says what is on its way into it: have it finished, or end it with \
         `mithaq attachment upload --cancel` and its number",
    ))
}
